import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bindingKeys, type Binding } from '../crds/binding.ts'
import type { ConditionType } from '../crds/conditions.ts'
import { apiVersion } from '../crds/schema/common.ts'
import type { DataStore } from '../crds/schema/data-store.ts'
import { createAuthority } from './certificates.ts'
import { dataStoreController } from './data-store/controller.ts'
import { GivenSecrets } from './data-store/given-secrets.ts'
import { names } from './data-store/names.ts'
import type { Engine, Target } from './engines/engine.ts'
import { engines } from './engines/registry.ts'
import { Applier } from './kube/apply.ts'
import { Cache } from './kube/cache.ts'
import { EventRecorder } from './kube/events.ts'
import { startReflectors } from './kube/reflector.ts'
import { client, edit, log, testNamespace, until } from './kube/testing/cluster.ts'
import { managedBy } from './labels.ts'
import { reconciler } from './reconcile/controller.ts'
import { secret, secretValue } from './secrets.ts'
import { operatorImage } from './testing/lab.ts'
import { roundTrips } from './testing/official-clients.ts'
import { surroundings } from './testing/platform.ts'
import { ownedKinds } from './wake.ts'

/**
 * `mode: external` of every engine whose given login is everybody's, against a real server: a store of ours plays the one that somebody
 * else runs. Those that set up roles with it are in data-store/external.cluster.test.ts.
 */
const namespace = await testNamespace()
const cache = new Cache()
const storeKind = { apiVersion, kind: 'DataStore' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }

const tested = Object.values(engines).filter((engine) => !engine.adopt)
const images = Object.fromEntries(
  await Promise.all(
    tested.map(async ({ name }) => [name, await operatorImage(`IMAGE_${name.toUpperCase()}`)] as const),
  ),
)

const addressOf = (service: string) => {
  const found = cache.get({ apiVersion: 'v1', kind: 'Service' }, namespace, service)
  return (found?.['spec'] as { clusterIP?: string } | undefined)?.clusterIP
}

/** This machine knows no name of the cluster: the address of the Service that the host names. */
function reachable(target: Target): Target {
  const { host, serverName } = target
  const address = serverName === undefined && host.endsWith(`.${namespace}.svc`) && addressOf(host.split('.')[0] ?? '')
  return address ? { ...target, host: address, serverName: host } : target
}

function fromHere(engine: Engine): Engine {
  return {
    ...engine,
    probe: (target, signal) => engine.probe(reachable(target), signal),
    missingRights: async (target, plan, signal) =>
      (await engine.missingRights?.(reachable(target), plan, signal)) ?? [],
  }
}

const tools = {
  client,
  cache,
  applier: new Applier(client, cache, log),
  events: new EventRecorder({ client, instance: 'test', log }),
  engines: Object.fromEntries(tested.map((engine) => [engine.name, fromHere(engine)])),
  given: new GivenSecrets(client, cache),
  images,
  schemas: {},
  now: () => new Date(),
  fence: () => undefined,
  surroundings,
}
const controller = dataStoreController(tools)
const process = reconciler(controller, { client, cache, events: tools.events, log, watchNamespaces: [namespace] })

beforeAll(async () => {
  const stop = new AbortController()
  const labels = { 'app.kubernetes.io/managed-by': managedBy }
  const watches = [{ ...storeKind, namespace }, ...ownedKinds.map((kind) => ({ ...kind, namespace, labels }))]
  await startReflectors({ client, cache, watches, onChange: () => {}, log, signal: stop.signal }).whenSynced
  return () => stop.abort()
})

const storesMade = new Set<string>()
// Nobody else would take the finalizers off, and the namespace would never go.
afterAll(async () => {
  for (const name of storesMade)
    await client.mergePatch(storeKind, namespace, name, { metadata: { finalizers: null } }).catch(() => undefined)
})

async function make(name: string, spec: object): Promise<void> {
  storesMade.add(name)
  await client.create({ ...storeKind, metadata: { name, namespace }, spec })
  await until(() => cache.get(storeKind, namespace, name) !== undefined)
}

/** Reconciles as the queue would, until the condition is as asked for. */
async function condition(name: string, type: ConditionType, status: string, timeoutMs = 60_000) {
  for (const endMs = performance.now() + timeoutMs; ; await sleep(250)) {
    await process(`${namespace}/${name}`, AbortSignal.timeout(30_000))
    const conditions = ((await client.get(storeKind, namespace, name)) as DataStore).status?.conditions ?? []
    const found = conditions.find((one) => one.type === type)
    if (found?.status === status) return found
    if (performance.now() > endMs)
      throw new Error(`${type} of ${name} is not ${status} within ${timeoutMs / 1000} s: ${JSON.stringify(conditions)}`)
  }
}

async function bindingIn(name: string): Promise<Binding> {
  const found = await client.get(secretKind, namespace, name)
  return Object.fromEntries(bindingKeys.map((key) => [key, secretValue(found, key) ?? ''])) as Binding
}

/** A Secret as another chart would leave it: no label of ours, other names of keys. */
async function setSecret(name: string, values: Record<string, string>): Promise<void> {
  const object = secret({ name, namespace, labels: {} }, values)
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`
  await client.request('DELETE', path).catch(() => undefined)
  await client.create(object)
}

/** As much as each needs to start, and what its login for monitoring may not do. */
const cases: Record<string, { resources: object; lacking: string[] }> = {
  clickhouse: {
    resources: { cpu: '10m', memory: '384Mi', memoryLimit: '768Mi' },
    lacking: ['writing: setting readonly is 2 in its profile', 'INSERT ON default.*', 'CREATE TABLE ON default.*'],
  },
  elasticsearch: {
    resources: { cpu: '20m', memory: '256Mi', memoryLimit: '1Gi' },
    lacking: [
      'cluster privilege manage_index_templates',
      'index privilege create_index on elasticsearch-theirs-*',
      'index privilege write on elasticsearch-theirs-*',
    ],
  },
  redis: {
    resources: { cpu: '10m', memory: '64Mi', memoryLimit: '256Mi' },
    lacking: ['GET', 'SET', 'EXPIRE', 'PTTL', 'SCAN', 'EVAL', 'PUBLISH'],
  },
  nats: {
    resources: { cpu: '20m', memory: '32Mi', memoryLimit: '256Mi' },
    lacking: ['publishing to $JS.API.STREAM.CREATE.>', 'publishing to $JS.API.CONSUMER.CREATE.>'],
  },
}

describe.each(tested)('$name', ({ name: engine }) => {
  const [theirs, ours, login] = [`${engine}-theirs`, `${engine}-ours`, `${engine}-login`]
  const keys = { host: 'SERVER', port: 'PORT', database: 'DB', username: 'USER', password: 'PASS', ca: 'root.pem' }
  let given: Record<string, string>

  /** What a binding says, under the names of `keys`. */
  const renamed = ({ host, port, database, username, password, ...rest }: Binding) => ({
    ...{ SERVER: host, PORT: port, DB: database, USER: username, PASS: password },
    'root.pem': rest['ca.crt'],
  })

  beforeAll(async () => {
    await make(theirs, { engine, storage: { size: '1Gi' }, resources: cases[engine]?.resources })
    await condition(theirs, 'Ready', 'True', 240_000)
    given = renamed(await bindingIn(names.bindingSecret(theirs, 'owner')))
  }, 300_000)
  // One server at a time.
  afterAll(async () => {
    await client.request('DELETE', `/apis/apps/v1/namespaces/${namespace}/statefulsets/${theirs}`)
  })

  test('waits for its Secret and names it', async () => {
    const connectionSecretRef = { name: login, keys }
    await make(ours, { engine, mode: 'external', connectionSecretRef })
    const found = await condition(ours, 'DependenciesReady', 'False')
    expect(found).toMatchObject({ reason: 'SecretMissing' })
    expect(found.message).toBe(`spec.connectionSecretRef names ${login}, which is not there`)
  })

  test('names each key that the spec names and the Secret has not', async () => {
    await setSecret(login, { SERVER: 'somewhere' })
    await until(async () => (await condition(ours, 'DependenciesReady', 'False')).reason === 'ConnectionInvalid')
    const { message } = await condition(ours, 'DependenciesReady', 'False')
    expect(message).toContain(`Secret ${login}, which spec.connectionSecretRef names`)
    for (const key of Object.values(keys).filter((one) => one !== 'SERVER'))
      expect(message).toContain(`key ${key} is missing or empty`)
  })

  test('is Ready with a Secret of another chart, and its binding is all that the official client needs', async () => {
    await setSecret(login, given)
    await condition(ours, 'Ready', 'True')
    const binding = await bindingIn(names.bindingSecret(ours, 'app'))
    expect(renamed(binding)).toEqual(given)
    expect(await bindingIn(names.bindingSecret(ours, 'owner'))).toEqual(binding)
    expect(await roundTrips[engine]?.(binding, { host: addressOf(theirs) ?? '', port: Number(binding.port) })).toBe(42)
    const { status } = (await client.get(storeKind, namespace, ours)) as DataStore
    expect(status).toMatchObject({ endpoint: `${given['SERVER']}:${given['PORT']}/${given['DB']}` })
  })

  test('makes nothing but Secrets', async () => {
    const kinds = ownedKinds.filter(({ kind }) => kind !== 'Secret')
    const made = kinds.flatMap((kind) => cache.list(kind, namespace)).filter(({ metadata }) => metadata.name.startsWith(ours)) // prettier-ignore
    expect(made.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([])
  })

  const refused = { password: 'PASS', ca: 'root.pem', host: 'SERVER', port: 'PORT' }
  test.each<[string, string, () => Promise<string> | string, RegExp, string]>([
    ['a wrong password', refused.password, () => 'wrong', /Degraded/, ''],
    [
      'another CA',
      refused.ca,
      async () => (await createAuthority('other', new Date())).certificate,
      /Degraded/,
      'certificate of',
    ],
    ['a name that no server has', refused.host, () => 'nowhere.invalid', /Unreachable/, 'nowhere.invalid'],
    ['a port where nothing listens', refused.port, () => '1', /Unreachable/, ':1'],
  ])('%s is told, and the Secret it is in', async (_what, key, value, reason, message) => {
    await setSecret(login, { ...given, [key]: await value() })
    const found = await condition(ours, 'EngineReady', 'False')
    expect(found.reason).toMatch(reason)
    expect(found.message).toContain(message)
    expect(found.message).toContain(`Secret ${login}, which spec.connectionSecretRef names`)
    await setSecret(login, given)
    await condition(ours, 'Ready', 'True')
  })

  test('the CA in a Secret of its own, which is named when it is not there', async () => {
    const store = () => client.get(storeKind, namespace, ours)
    const refer = async (ca: object) => {
      const edited = await edit((await store())!, { spec: { connectionSecretRef: ca } })
      await until(() => cache.get(storeKind, namespace, ours)?.metadata.generation === edited.metadata.generation)
    }
    await refer({ caSecret: { name: `${engine}-ca`, key: 'tls.crt' } })
    const found = await condition(ours, 'DependenciesReady', 'False')
    expect(found).toMatchObject({ reason: 'ConnectionInvalid' })
    expect(found.message).toContain(`Secret ${engine}-ca, which connectionSecretRef.caSecret names`)
    await setSecret(`${engine}-ca`, { 'tls.crt': given['root.pem'] ?? '' })
    await condition(ours, 'Ready', 'True')
    await refer({ caSecret: null })
    await condition(ours, 'Ready', 'True')
  })

  test('a login that may only look: each right it lacks by name, and the bindings stay as they were', async () => {
    const monitoring = await client.get(secretKind, namespace, names.monitoringSecret(theirs))
    const [USER = '', PASS = ''] = ['username', 'password'].map((key) => secretValue(monitoring, key))
    await setSecret(login, { ...given, USER, PASS })
    const found = await condition(ours, 'CredentialsReady', 'False')
    expect(found.reason).toBe('NotAllowed')
    expect(found.message).toMatch(new RegExp(`^not allowed to ${USER}: `))
    for (const right of cases[engine]?.lacking ?? []) expect(found.message).toContain(right)
    expect(renamed(await bindingIn(names.bindingSecret(ours, 'app')))).toEqual(given)
    await setSecret(login, given)
    await condition(ours, 'Ready', 'True')
  })
})
