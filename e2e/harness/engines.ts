import { KubeConfig } from '@kubernetes/client-node'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Value from 'typebox/value'
import type { KubeObject } from '../../crds/object.ts'
import { DataStoreSpec } from '../../crds/schema/data-store.ts'
import { createAuthority, issueServerCertificate, type KeyPair } from '../../operator/certificates.ts'
import { names } from '../../operator/data-store/names.ts'
import type { Engine, Plan } from '../../operator/engines/engine.ts'
import { engines } from '../../operator/engines/registry.ts'
import { secret } from '../../operator/secrets.ts'
import { surroundings } from '../../operator/testing/platform.ts'
import { forward } from '../../operator/testing/port-forward.ts'

const run = promisify(execFile)
const password = 'password-of-tests'

/** A DataStore each, and the variable that says where its owner may log in. A stream has no database of its own: two servers of NATS. */
const stores = [
  { engine: 'clickhouse', name: 'behavior', database: 'supersmartmatch_behavior', variable: 'TEST_CLICKHOUSE_URL', scheme: 'https' },
  { engine: 'elasticsearch', name: 'search', database: 'search', variable: 'TEST_ELASTICSEARCH_URL', scheme: 'https' },
  { engine: 'nats', name: 'events', database: 'events', variable: 'TEST_NATS_URL', scheme: 'tls' },
  { engine: 'nats', name: 'runner', database: 'runner', variable: 'TEST_NATS_RUNNER_URL', scheme: 'tls' },
] as const // prettier-ignore
type Store = (typeof stores)[number]

/**
 * vitest globalSetup of the project `engines`. Starts pods of the engines in the cluster that KUBECONFIG names, from the operator's own
 * objects, and makes it reachable on this machine:
 *
 *   TEST_CLICKHOUSE_URL, TEST_ELASTICSEARCH_URL, TEST_NATS_URL   the owner's login; every login of a store has the same password
 *   TEST_NATS_RUNNER_URL                                         a second server, for a test that empties its account
 *   TEST_ENGINES_CA                                              file of the CA that their certificates are from
 *
 * Does nothing when TEST_ENGINES_CA is set already. The namespace is gone afterwards.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['TEST_ENGINES_CA']) return undefined
  const namespace = `engines-test-${randomBytes(4).toString('hex')}`
  const kubectl = (args: string[], input = '') => kubectlIn(namespace, args, input)
  const servers: Server[] = []
  const stop = async () => {
    for (const server of servers) server.close()
    await kubectl(['delete', 'namespace', namespace, '--wait=false'])
  }
  await kubectl(['create', 'namespace', namespace])
  try {
    await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted'])
    const authority = await createAuthority('ca', new Date())
    process.env['TEST_ENGINES_CA'] = join(await mkdtemp(join(tmpdir(), 'engines-')), 'ca.crt')
    await writeFile(process.env['TEST_ENGINES_CA'], authority.certificate)
    const config = new KubeConfig()
    config.loadFromDefault()
    await Promise.all(
      stores.map(async (store) => {
        const { engine, plan } = await planOf(store, namespace)
        const items = [...(await secrets(engine, plan, authority)), ...engine.objects(plan)]
        await kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
        const pod = names.pod(store.name, 0)
        await ready(kubectl, pod)
        const server = await forward(config, namespace, pod, engine.port)
        servers.push(server)
        const { port } = server.address() as AddressInfo
        await settled(engine, plan, { host: '127.0.0.1', port, ca: authority.certificate })
        const { owner } = engine.bindingLogins(plan)
        process.env[store.variable] = `${store.scheme}://${owner}:${password}@localhost:${port}/${store.database}`
      }),
    )
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}

async function planOf({ engine: name, name: store, database }: Store, namespace: string) {
  const engine = engines[name]
  if (!engine) throw new Error(`there is no engine ${name}`)
  const spec = Value.Default(DataStoreSpec, {
    engine: name,
    storage: { size: '1Gi' },
    resources: { cpu: '20m', memory: '256Mi', memoryLimit: '1Gi' },
  }) as DataStoreSpec
  const plan: Plan = {
    store: { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'DataStore', metadata: { name: store, namespace }, spec },
    identity: { name, instance: store, component: 'database', store },
    image: await imageOf(`IMAGE_${name.toUpperCase()}`),
    database,
    caFingerprint: '',
    members: 1,
    readFrom: 'primary',
    surroundings,
  }
  return { engine, plan }
}

const passwordsOf = (engine: Engine, plan: Plan) => {
  const logins = [engine.admin(plan).username, ...Object.values(engine.credentials(plan)), ...Object.values(engine.bindingLogins(plan))]
  return Object.fromEntries(logins.map((login) => [login, password]))
} // prettier-ignore

/** The certificate is also for `localhost`, where the forwarded ports are. */
async function secrets(engine: Engine, plan: Plan, authority: KeyPair): Promise<KubeObject[]> {
  const { name, namespace = '' } = plan.store.metadata
  const pair = await issueServerCertificate(
    authority,
    [...new Set([...engine.serverNames(plan), 'localhost'])],
    new Date(),
  )
  const tls = { 'tls.crt': pair.certificate, 'tls.key': pair.key, 'ca.crt': authority.certificate }
  const logins = engine.loginFiles?.(plan, passwordsOf(engine, plan)) ?? {}
  return [
    secret({ name: names.tlsSecret(name), namespace, labels: {} }, tls),
    secret({ name: names.loginsSecret(name), namespace, labels: {} }, logins),
  ]
}

/** What the operator does before it migrates: the database of ClickHouse, say. */
async function settled(engine: Engine, plan: Plan, at: { host: string; port: number; ca: string }): Promise<void> {
  const { username, database } = engine.admin(plan)
  const target = { ...at, serverName: 'localhost', username, password, database }
  const node = { name: names.pod(plan.store.metadata.name, 0), ordinal: 0, ready: true, target, certificate: '' }
  await engine.settle?.([node], plan, passwordsOf(engine, plan), AbortSignal.timeout(30_000))
}

/** From the operator's Deployment, so that any cluster with the operator will do. */
async function imageOf(variable: string): Promise<string> {
  const given = process.env[variable]
  if (given) return given
  const path = `{.items[*].spec.template.spec.containers[*].env[?(@.name=="${variable}")].value}`
  const selector = '--selector=app.kubernetes.io/name=matching-operator'
  const { stdout } = await run('kubectl', [
    'get',
    'deployments',
    '--all-namespaces',
    selector,
    `--output=jsonpath=${path}`,
  ])
  const [image] = stdout.split(' ')
  if (!image) throw new Error(`the operator is not installed in this cluster: run make up, or set ${variable}`)
  return image
}

/** A pod that is not there yet cannot be waited for: ask again. */
async function ready(kubectl: (args: string[]) => Promise<string>, pod: string): Promise<void> {
  const deadline = Date.now() + 240_000
  for (;;) {
    const waited = await kubectl(['wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=60s']).catch(String)
    if (waited.includes('condition met')) return
    if (Date.now() > deadline) throw new Error(`${pod} does not become ready: ${waited}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function kubectlIn(namespace: string, args: string[], input: string): Promise<string> {
  const running = run('kubectl', ['--namespace', namespace, ...args], { maxBuffer: 2 ** 26 })
  running.child.stdin?.end(input)
  return (await running).stdout
}
