import { beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../../crds/object.ts'
import { createAuthority, issueServerCertificate } from '../../certificates.ts'
import { createLab, operatorImage } from '../../testing/lab.ts'
import { withConnection } from '../../postgres-connection.ts'
import { secret } from '../../secrets.ts'
import { names } from '../names.ts'
import { answers, synchronize, type Console } from './admin.ts'
import { adminUser, compile, type PoolerPlan } from './compile.ts'
import { poolerPlan } from './fixture.ts'
import { poolerObjects, poolerPort, poolerSecretValues, poolerServerNames } from './objects.ts'

/** A real PgBouncer, from our own objects, under Pod Security restricted. It has no database behind it. */
const lab = await createLab()
let image: string
let pod: Console
const authority = await createAuthority('ca', new Date())

beforeAll(async () => {
  image = await operatorImage('IMAGE_PGBOUNCER')
  await lab.apply([...(await secrets()), ...poolerObjects(plan())])
  await lab.kubectl('rollout', 'status', 'deployment/demo-pooler', '--timeout=60s')
  const name = await lab.kubectl('get', 'pods', '--output=jsonpath={.items[0].metadata.name}')
  const port = await lab.forward(name, poolerPort)
  const [servername = ''] = poolerServerNames(plan().cluster)
  pod = { host: '127.0.0.1', servername, port, password: 'admin-password', ca: authority.certificate }
})

function plan(parameters: Record<string, string> = {}): PoolerPlan {
  const base = poolerPlan(parameters)
  const cluster = { ...base.cluster, metadata: { name: 'demo', namespace: lab.namespace } }
  return { ...base, cluster, image }
}

async function secrets(): Promise<KubeObject[]> {
  const pair = await issueServerCertificate(authority, poolerServerNames(plan().cluster), new Date())
  const tls = { 'tls.crt': pair.certificate, 'tls.key': pair.key, 'ca.crt': authority.certificate }
  const metadata = (name: string) => ({ name, namespace: lab.namespace, labels: {} })
  return [
    secret(metadata(names.poolerTlsSecret('demo')), tls),
    secret(metadata(names.pooler('demo')), poolerSecretValues({ pgbouncer_auth: 'p"1' }, 'admin-password')),
  ]
}

const soon = () => AbortSignal.timeout(5_000)
const pods = () =>
  lab.kubectl('get', 'pods', '--output=jsonpath={.items[*].metadata.uid} {.items[*].status..restartCount}')

/** As the controller does it: the ConfigMap, then a change of the pod that makes kubelet refresh its volumes. */
async function change(parameters: Record<string, string>): Promise<string[]> {
  const seen: string[] = []
  await lab.apply(poolerObjects(plan(parameters)))
  await lab.kubectl('annotate', 'pods', '--all', '--overwrite', `hash=${compile(plan(parameters)).hash}`)
  await expect
    .poll(
      async () => {
        const why = await synchronize(pod, compile(plan(parameters)).effective, soon())
        if (why) seen.push(why)
        return why
      },
      { timeout: 100_000, interval: 1_000 },
    ) // prettier-ignore
    .toBeUndefined()
  return seen
}

describe('a running pooler', () => {
  test('is in sync with what it was started with, and is not reloaded then', async () => {
    expect(await synchronize(pod, compile(plan()).effective, soon())).toBeUndefined()
    expect(await lab.kubectl('logs', 'deployment/demo-pooler')).not.toContain('RELOAD')
  })

  test('takes a changed setting by RELOAD: same pod, no restart, and back when it is gone', async () => {
    const before = await pods()
    await change({ default_pool_size: '7', query_timeout: '30.5', ignore_startup_parameters: 'options, search_path' })
    expect(await synchronize(pod, compile(plan()).effective, soon())).toMatch(
      /^(default_pool_size is "7", not "20"|query_timeout is "30.5", not "0"|ignore_startup_parameters is)/,
    )
    await change({})
    expect(await pods()).toBe(before)
  })

  test('is not in sync with a database it does not have, nor with one that should be gone', async () => {
    const [backend] = plan().backends
    const more = { ...plan(), backends: [...plan().backends, { ...backend!, database: 'supersmartmatch_geo' }] }
    expect(await synchronize(pod, compile(more).effective, soon())).toBe('database supersmartmatch_geo is missing')
    const none = { ...plan(), backends: [] }
    expect(await synchronize(pod, compile(none).effective, soon())).toBe('database supersmartmatch_core is still there')
    const moved = { ...plan(), backends: [{ ...backend!, host: 'elsewhere' }] }
    expect(await synchronize(pod, compile(moved).effective, soon())).toBe(
      'host of database supersmartmatch_core is demo-core.ns.svc, not elsewhere',
    )
  })

  test('still shows another certificate than the Secret holds', async () => {
    const renewed = await issueServerCertificate(authority, poolerServerNames(plan().cluster), new Date())
    const why = await synchronize({ ...pod, certificate: renewed.certificate }, compile(plan()).effective, soon())
    expect(why).toBe('still shows its previous certificate')
  })

  test.each([
    ['a wrong password', () => ({ password: 'wrong' }), /^admin console: .*(authentication|password)/],
    ['a certificate of another name', () => ({ servername: 'evil' }), /^admin console: .*does not match certificate/],
  ])('%s is said, not thrown', async (_name, change, message) => {
    expect(await synchronize({ ...pod, ...change() }, compile(plan()).effective, soon())).toMatch(message)
  })

  test('says that a client gets no answer while its database is unreachable', async () => {
    const login = { username: 'supersmartmatch_core_app_a', password: 'secret', database: 'supersmartmatch_core' }
    const target = { host: pod.host, port: pod.port, serverName: pod.servername, ca: pod.ca, ...login }
    const why = await answers(target, soon())
    expect(why).toBeTypeOf('string')
    expect(why).not.toContain('secret')
  })

  test('ends within seconds although a client stays connected', async () => {
    const { servername: serverName, ...rest } = pod
    const client = { ...rest, serverName, username: adminUser, database: 'pgbouncer' }
    const left = withConnection(client, AbortSignal.timeout(50_000), async () => {
      const started = performance.now()
      await lab.kubectl('delete', 'pods', '--selector=app.kubernetes.io/component=pooler', '--timeout=45s')
      return performance.now() - started
    })
    // 3 s for the Service to forget the pod, and the rest; the grace period would be 60 s.
    expect(await left).toBeLessThan(20_000)
  })
})
