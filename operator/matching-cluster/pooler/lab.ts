import type { KubeObject } from '../../../crds/object.ts'
import { createAuthority, issueServerCertificate, type KeyPair } from '../../certificates.ts'
import type { Lab } from '../../testing/lab.ts'
import { secret } from '../../secrets.ts'
import { names } from '../names.ts'
import type { Console } from './admin.ts'
import type { Backend, PoolerPlan } from './compile.ts'
import { poolerPlan } from './fixture.ts'
import { poolerObjects, poolerPort, poolerSecretValues, poolerServerNames } from './objects.ts'

/** For tests: the pooler of MatchingCluster `demo` in a lab, from our own objects. */
export interface PoolerLab {
  authority: KeyPair
  plan: (pooling?: Parameters<typeof poolerPlan>[0], backends?: Backend[]) => PoolerPlan
  /** Makes the pooler and waits until its pods are ready. */
  start(plan: PoolerPlan): Promise<void>
  /** The admin console of each running pod. */
  consoles(): Promise<Console[]>
}

/** What PgBouncer itself logs in to databases with. */
export const authPassword = 'p"1'
const adminPassword = 'admin-password'

export async function poolerLab(lab: Lab, image: string): Promise<PoolerLab> {
  const authority = await createAuthority('ca', new Date())
  const { namespace } = lab
  const metadata = (name: string) => ({ name, namespace, labels: {} })

  async function secrets({ cluster }: PoolerPlan): Promise<KubeObject[]> {
    const pair = await issueServerCertificate(authority, poolerServerNames(cluster), new Date())
    const tls = { 'tls.crt': pair.certificate, 'tls.key': pair.key, 'ca.crt': authority.certificate }
    const values = poolerSecretValues(authPassword, adminPassword)
    return [secret(metadata(names.poolerTlsSecret('demo')), tls), secret(metadata(names.pooler('demo')), values)]
  }

  return {
    authority,
    plan(pooling, backends) {
      const base = poolerPlan(pooling, backends)
      const cluster = { ...base.cluster, metadata: { name: 'demo', namespace } }
      const inLab = (host: string) => host.replace('.ns.', `.${namespace}.`)
      const moved = base.backends.map(({ readOnlyHost, ...backend }) => ({
        ...backend,
        host: inLab(backend.host),
        ...(readOnlyHost ? { readOnlyHost: inLab(readOnlyHost) } : {}),
      }))
      return { ...base, cluster, image, backends: moved, authority: authority.certificate }
    },
    async start(plan) {
      await lab.apply([...(await secrets(plan)), ...poolerObjects(plan)])
      await lab.kubectl('rollout', 'status', 'deployment/demo-pooler', '--timeout=60s')
    },
    async consoles() {
      const selector = '--selector=app.kubernetes.io/component=pooler'
      const pods = await lab.kubectl('get', 'pods', selector, '--output=jsonpath={.items[*].metadata.name}')
      const [servername = ''] = poolerServerNames({ ...poolerPlan().cluster, metadata: { name: 'demo', namespace } })
      const ports = await Promise.all(pods.split(' ').map((pod) => lab.forward(pod, poolerPort)))
      const common = { host: '127.0.0.1', servername, password: adminPassword, ca: authority.certificate }
      return ports.map((port) => ({ ...common, port }))
    },
  }
}
