import { beforeAll, expect, test } from 'vitest'
import type { Condition, ConditionType } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { createAuthority } from '../certificates.ts'
import { dataStoreController } from '../data-store/controller.ts'
import { engines } from '../engines/registry.ts'
import { Applier } from '../kube/apply.ts'
import { GivenSecrets } from '../data-store/given-secrets.ts'
import { Cache } from '../kube/cache.ts'
import { hasStatus } from '../kube/client.ts'
import { EventRecorder } from '../kube/events.ts'
import { startReflectors } from '../kube/reflector.ts'
import { client, edit, log, testNamespace, until } from '../kube/testing/cluster.ts'
import { managedBy, poolerPausedAnnotation } from '../labels.ts'
import { reconciler } from '../reconcile/controller.ts'
import { rollout } from '../rollout.ts'
import { secret, secretValue } from '../secrets.ts'
import { coreAlone, surroundings } from '../testing/platform.ts'
import { beyondAnyNode, playRunning } from '../testing/kubelet.ts'
import { policyKind } from '../network.ts'
import { matchingClusterController } from './controller.ts'
import { ownedKinds } from '../wake.ts'

/**
 * The API server and its controllers are real. The tests play the DataStore's controller, by writing a store's status, and
 * the kubelet; nothing listens where a pooler pod should, so the last a cluster says here is that it cannot reach it.
 */
const namespace = await testNamespace()
const cache = new Cache()
const clusterKind = { apiVersion, kind: 'MatchingCluster' }
const dataStoreKind = { apiVersion, kind: 'DataStore' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }
const configMapKind = { apiVersion: 'v1', kind: 'ConfigMap' }
const serviceKind = { apiVersion: 'v1', kind: 'Service' }
const podKind = { apiVersion: 'v1', kind: 'Pod' }
const deploymentKind = { apiVersion: 'apps/v1', kind: 'Deployment' }
const disruptionBudgetKind = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' }

const tools = {
  client,
  cache,
  applier: new Applier(client, cache, log),
  events: new EventRecorder({ client, instance: 'test', log }),
  engines,
  given: new GivenSecrets(client, cache),
  images: { postgres: 'localhost/none:1', pgbouncer: 'localhost/none:1', platform: 'localhost/none:1' },
  surroundings,
  schemas: {
    core: {
      files: [{ version: 1, name: '000001_a.sql', breaking: false, digest: 'digest-1' }],
      clusterSql: 'SELECT 1',
    },
  },
  now: () => new Date(),
  fence: () => undefined,
}
const process = reconciler(matchingClusterController(tools), {
  watchNamespaces: [namespace],
  client,
  cache,
  events: tools.events,
  log,
})
const processStore = reconciler(dataStoreController(tools), {
  watchNamespaces: [namespace],
  client,
  cache,
  events: tools.events,
  log,
})

beforeAll(async () => {
  const stop = new AbortController()
  const labels = { 'app.kubernetes.io/managed-by': managedBy }
  const own = [clusterKind, dataStoreKind].map((kind) => ({ ...kind, namespace }))
  const watches = [...own, ...ownedKinds.map((kind) => ({ ...kind, namespace, labels }))]
  await startReflectors({ client, cache, watches, onChange: () => {}, log, signal: stop.signal }).whenSynced
  return () => stop.abort()
})

const get = (kind: { apiVersion: string; kind: string }, name: string) => client.get(kind, namespace, name)

async function make(name: string, spec: { pooling?: object; stores?: object } = {}): Promise<void> {
  const pooling = { resources: { cpu: beyondAnyNode }, ...spec.pooling }
  const stores = { ...coreAlone, ...spec.stores }
  await client.create({ ...clusterKind, metadata: { name, namespace }, spec: { ...spec, stores, pooling } })
  await until(() => cache.get(clusterKind, namespace, name) !== undefined)
}

/** Edits the spec as a user would. */
async function change(name: string, spec: object): Promise<void> {
  const { metadata } = await edit((await get(clusterKind, name))!, { spec })
  await until(() => cache.get(clusterKind, namespace, name)?.metadata.generation === metadata.generation)
}

const read = async (name: string) => (await get(clusterKind, name)) as MatchingCluster

/** One reconcile; returns the conditions it left. */
async function reconcile(name: string): Promise<Map<ConditionType, Condition>> {
  await process(`${namespace}/${name}`, AbortSignal.timeout(30_000))
  return new Map(((await read(name)).status?.conditions ?? []).map((condition) => [condition.type, condition]))
}

/** Plays the DataStore's controller: Ready for its present spec with what the pooler logs in with, or not Ready with that message. */
async function say(store: string, problem?: string, more: object = {}): Promise<void> {
  const { metadata } = (await get(dataStoreKind, store)) as DataStore
  const ready = {
    type: 'Ready',
    status: problem === undefined ? 'True' : 'False',
    reason: problem === undefined ? 'Ready' : 'NotReady',
    message: problem ?? '',
    observedGeneration: metadata.generation,
    lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z`,
  }
  const status = {
    observedGeneration: metadata.generation,
    phase: problem === undefined ? 'Ready' : 'Degraded',
    version: '17.1',
    endpoint: `${store}.${namespace}.svc:5432`,
    conditions: [ready],
    ...more,
  }
  tools.cache.wrote(await client.mergePatch(dataStoreKind, namespace, store, { status }, 'status'))
}

/** A cluster whose store is Ready and whose pooler is applied. */
async function makePooled(name: string, spec: { pooling?: object; stores?: object } = {}): Promise<void> {
  await make(name, spec)
  await reconcile(name)
  await say(`${name}-core`)
  await reconcile(name)
}

/** Plays the kubelet until the pooler's Deployment is complete. */
async function runPooler(cluster: string, status: object = {}): Promise<void> {
  await until(async () => {
    const pods = cache.list(podKind, namespace).filter(({ metadata }) => metadata.name.startsWith(`${cluster}-pooler-`))
    for (const pod of pods) await playRunning(client, pod, status)
    const deployment = cache.get(deploymentKind, namespace, `${cluster}-pooler`)
    return deployment !== undefined && rollout(deployment) === undefined
  }, 60_000)
}

async function remove(kind: { apiVersion: string; kind: string }, name: string): Promise<void> {
  await client.delete((await get(kind, name))!)
  await until(() => cache.get(kind, namespace, name) === undefined)
}

/** Plays the kubelet: the pod has ended. */
async function endPod({ metadata }: KubeObject): Promise<void> {
  try {
    await client.request('DELETE', `/api/v1/namespaces/${namespace}/pods/${metadata.name}?gracePeriodSeconds=0`)
  } catch (error) {
    if (!hasStatus(error, 404)) throw error
  }
}

const switchoverOf = (store: KubeObject | undefined) => (store as DataStore).status?.switchover

const ownerOf = (object: KubeObject | undefined) => object?.metadata.ownerReferences?.[0]

test('stores, then pooler, then services: nothing is made before what it needs is Ready, and Ready says what it waits for', async () => {
  await make('order')
  const first = await reconcile('order')
  expect(first.get('StoresApplied')?.status).toBe('True')
  expect(first.get('StoresReady')).toMatchObject({ status: 'False', reason: 'StoreNotReady' })
  expect(first.get('Ready')).toMatchObject({ status: 'False', message: 'core: not looked at yet' })
  expect(first.get('Reconciling')?.status).toBe('True')
  for (const later of ['PoolerReady', 'ServicesReady'] as const) {
    expect(first.get(later)).toMatchObject({ status: 'Unknown', reason: 'NotReached' })
  }
  expect(ownerOf(await get(dataStoreKind, 'order-core'))).toMatchObject({ kind: 'MatchingCluster', name: 'order' })
  for (const kind of [secretKind, configMapKind, serviceKind, deploymentKind]) {
    expect(await get(kind, 'order-pooler')).toBeUndefined()
  }

  await say('order-core', 'the volume is full')
  expect((await reconcile('order')).get('Ready')?.message).toBe('core: the volume is full')
  expect((await read('order')).status).toMatchObject({
    storesReady: '0/1',
    stores: { core: { ready: false, phase: 'Degraded', message: 'the volume is full' } },
  })

  const { resourceVersion } = (await read('order')).metadata
  await reconcile('order')
  expect((await read('order')).metadata.resourceVersion).toBe(resourceVersion)

  await say('order-core')
  const third = await reconcile('order')
  expect(third.get('StoresReady')?.status).toBe('True')
  expect(third.get('PoolerReady')).toMatchObject({ status: 'False', reason: 'Starting' })
  expect(third.get('Ready')?.message).toBe(third.get('PoolerReady')?.message)
  expect((await read('order')).status).toMatchObject({
    storesReady: '1/1',
    stores: { core: { ready: true, phase: 'Ready', version: '17.1', endpoint: `order-core.${namespace}.svc:5432` } },
  })
  for (const kind of [secretKind, configMapKind, serviceKind, deploymentKind]) {
    expect(await get(kind, 'order-pooler'), kind.kind).toBeDefined()
  }
  expect(await get(secretKind, 'order-pooler-tls')).toBeDefined()
  expect(third.get('ServicesReady')).toMatchObject({ status: 'Unknown', reason: 'NotReached' })
  expect(await get(deploymentKind, 'order-core-api')).toBeUndefined()
})

test('NetworkPolicies are there before what they close, and go at once, whatever the stores do', async () => {
  const policies = async () => {
    const found = await client.list(policyKind, namespace)
    return found.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('closed-'))
  }
  await make('closed')
  await reconcile('closed')
  expect((await policies()).sort()).toEqual(['closed-core-api', 'closed-pooler'])
  await change('closed', { networkPolicy: 'None' })
  expect((await reconcile('closed')).get('StoresReady')?.status).toBe('False')
  expect(await policies()).toEqual([])
})

test('a pooler pod whose admin console does not answer is named, and hastened by its annotation', async () => {
  await makePooled('console')
  await runPooler('console')
  const poolerReady = (await reconcile('console')).get('PoolerReady')
  expect(poolerReady).toMatchObject({ status: 'False', reason: 'Reloading' })
  expect(poolerReady?.message).toMatch(/^pod console-pooler-\S+: admin console: /)
  const [, pod = ''] = /^pod (\S+):/.exec(poolerReady?.message ?? '') ?? []
  expect((await get(podKind, pod))?.metadata.annotations?.['supersmartmatch.io/config-hash']).toMatch(/^[0-9a-f]{64}$/)
  expect(await get(deploymentKind, 'console-core-api')).toBeUndefined()
})

test('a pooler through which the application’s own login gets no answer is Unreachable, without the password', async () => {
  await makePooled('deaf')
  // Available, yet no pod to ask for its settings: what is left is the question through the pooler.
  await runPooler('deaf', { phase: 'Pending' })
  const labels = { 'app.kubernetes.io/managed-by': managedBy, 'app.kubernetes.io/instance': 'deaf-core' }
  const values = {
    host: '127.0.0.1',
    port: '1',
    database: 'supersmartmatch_core',
    username: 'supersmartmatch_core_app_a',
    password: 'not to be seen',
    'ca.crt': secretValue(await get(secretKind, 'deaf-ca'), 'tls.crt') ?? '',
  }
  await client.create(secret({ name: 'deaf-core-app', namespace, labels }, values))
  await until(() => cache.get(secretKind, namespace, 'deaf-core-app') !== undefined)
  const poolerReady = (await reconcile('deaf')).get('PoolerReady')
  expect(poolerReady).toMatchObject({ status: 'False', reason: 'Unreachable' })
  expect(poolerReady?.message).toMatch(/^supersmartmatch_core: .*ECONNREFUSED/)
  expect(poolerReady?.message).not.toContain(values.password)
  expect(await get(deploymentKind, 'deaf-core-api')).toBeUndefined()
})

test('a bad pooling parameter is named and changes nothing of what runs', async () => {
  await makePooled('bad')
  const before = [await get(configMapKind, 'bad-pooler'), await get(deploymentKind, 'bad-pooler')]
  await change('bad', { pooling: { replicas: 2, parameters: { query_timout: '30' } }, images: { postgres: 'other:1' } })
  const conditions = await reconcile('bad')
  expect(conditions.get('SpecValid')).toMatchObject({ status: 'False', reason: 'Invalid' })
  expect(conditions.get('SpecValid')?.message).toContain('spec.pooling.parameters.query_timout')
  expect(conditions.get('Ready')?.message).toContain('spec.pooling.parameters.query_timout')
  expect(conditions.get('Stalled')?.status).toBe('True')
  expect(conditions.get('StoresApplied')).toMatchObject({ status: 'Unknown', reason: 'NotReached' })
  const after = [await get(configMapKind, 'bad-pooler'), await get(deploymentKind, 'bad-pooler')]
  expect(after.map((object) => object?.['data'] ?? object?.['spec'])).toEqual(
    before.map((object) => object?.['data'] ?? object?.['spec']),
  )
  expect(((await get(dataStoreKind, 'bad-core')) as DataStore).spec.image).toBeUndefined()

  await change('bad', { pooling: { parameters: { query_timout: null, query_timeout: '30' } } })
  const fixed = await reconcile('bad')
  expect(fixed.get('SpecValid')?.status).toBe('True')
  expect(fixed.has('Stalled')).toBe(false)
})

test('the Secret with the pooler’s login comes back as it was, and the pooler does not notice', async () => {
  await makePooled('keyless')
  const passwordOf = async () => secretValue(await get(secretKind, 'keyless-core-pooler'), 'password')
  const userlist = async () => secretValue(await get(secretKind, 'keyless-pooler'), 'userlist.txt')
  const [password, before] = [await passwordOf(), await userlist()]
  expect(before).toContain(`"pgbouncer_auth" "${password}"`)
  const { generation } = (await get(deploymentKind, 'keyless-pooler'))!.metadata
  await remove(secretKind, 'keyless-core-pooler')
  await reconcile('keyless')
  expect(await passwordOf()).toBe(password)
  expect(await userlist()).toBe(before)
  expect((await get(deploymentKind, 'keyless-pooler'))?.metadata.generation).toBe(generation)
})

test('every pooled store has the same password of the pooler’s login', async () => {
  await make('shared', { stores: { geolocation: { enabled: true }, vault: { enabled: true } } })
  await reconcile('shared')
  const passwordOf = async (store: string) => secretValue(await get(secretKind, `shared-${store}-pooler`), 'password')
  expect(await passwordOf('core')).toBeTruthy()
  expect(await passwordOf('geolocation')).toBe(await passwordOf('core'))
  expect(await get(secretKind, 'shared-vault-pooler')).toBeUndefined()
})

test('a new cluster with a bad pooling parameter makes nothing at all', async () => {
  await make('never', { pooling: { parameters: { listen_port: '1' } } })
  const conditions = await reconcile('never')
  expect(conditions.get('SpecValid')?.message).toContain('spec.pooling.parameters.listen_port')
  expect(await get(dataStoreKind, 'never-core')).toBeUndefined()
  for (const name of ['never-ca', 'never-tokens']) expect(await get(secretKind, name)).toBeUndefined()
})

test('CA and token keys are made once, stay when the cluster is deleted, and are adopted when it comes back', async () => {
  await make('keys')
  await reconcile('keys')
  const before = await Promise.all(['keys-ca', 'keys-tokens'].map((name) => get(secretKind, name)))
  expect(before.map(ownerOf)).toEqual([undefined, undefined])
  await reconcile('keys')
  await remove(clusterKind, 'keys')
  await until(() => cache.get(dataStoreKind, namespace, 'keys-core') === undefined)

  await make('keys')
  expect((await reconcile('keys')).get('StoresApplied')?.status).toBe('True')
  const after = await Promise.all(['keys-ca', 'keys-tokens'].map((name) => get(secretKind, name)))
  expect(after.map((object) => object?.metadata.uid)).toEqual(before.map((object) => object?.metadata.uid))
  expect(after.map((object) => object?.['data'])).toEqual(before.map((object) => object?.['data']))
})

test.each(['ca', 'tokens'])('somebody else’s Secret <cluster>-%s is refused, not overwritten', async (suffix) => {
  const name = `foreign-${suffix}`
  const cluster = 'foreign'
  await client.create({ ...secretKind, metadata: { name, namespace }, data: { password: 'bWluZQ==' } })
  await make(cluster)
  const conditions = await reconcile(cluster)
  expect(conditions.get('StoresApplied')).toMatchObject({ status: 'False', reason: 'FieldConflict' })
  expect(conditions.get('StoresApplied')?.message).toContain(`Secret ${namespace}/${name}`)
  expect((await get(secretKind, name))?.['data']).toEqual({ password: 'bWluZQ==' })
  expect(await get(dataStoreKind, `${cluster}-core`)).toBeUndefined()
  await remove(clusterKind, cluster)
  await client.delete((await get(secretKind, name))!)
})

test('pools that the database cannot serve are refused before the pooler changes', async () => {
  await makePooled('budget', { pooling: { replicas: 4 } })
  const conditions = await reconcile('budget')
  expect(conditions.get('PoolerReady')).toMatchObject({ status: 'False', reason: 'PoolBudgetExceeded' })
  expect(conditions.get('PoolerReady')?.message).toContain('lower spec.pooling.replicas')
  expect(conditions.get('Stalled')?.status).toBe('True')
  for (const kind of [configMapKind, deploymentKind]) expect(await get(kind, 'budget-pooler')).toBeUndefined()

  await change('budget', { pooling: { replicas: 1 } })
  expect((await reconcile('budget')).get('PoolerReady')?.reason).toBe('Starting')
  const running = (await get(deploymentKind, 'budget-pooler'))?.['spec']
  await change('budget', { pooling: { replicas: 5 } })
  expect((await reconcile('budget')).get('PoolerReady')?.reason).toBe('PoolBudgetExceeded')
  expect((await get(deploymentKind, 'budget-pooler'))?.['spec']).toEqual(running)
  // Who uses the pooler that runs is looked after all the same.
  expect((await reconcile('budget')).get('ServicesReady')?.status).not.toBe('Unknown')
})

test('a store follows the cluster’s spec, and counts as Ready only for the spec it has now', async () => {
  await makePooled('follow')
  const spec = async () => ((await get(dataStoreKind, 'follow-core')) as DataStore).spec
  expect(await spec()).toMatchObject({
    engine: 'postgres',
    schema: { name: 'core' },
    storage: { size: '2Gi' },
    tls: { caSecret: 'follow-ca' },
    binding: { host: `follow-pooler.${namespace}.svc`, port: 6432 },
  })
  expect((await spec()).image).toBeUndefined()

  await change('follow', { images: { postgres: 'other:1' }, stores: { core: { resources: { memory: '768Mi' } } } })
  const changed = await reconcile('follow')
  expect(await spec()).toMatchObject({ image: 'other:1', resources: { memory: '768Mi' } })
  expect(changed.get('Ready')?.message).toBe('core: its new spec is not looked at yet')
  expect((await read('follow')).status).toMatchObject({ phase: 'Creating', storesReady: '0/1' })

  await say('follow-core')
  expect((await reconcile('follow')).get('StoresReady')?.status).toBe('True')
  await change('follow', { images: { postgres: null } })
  await reconcile('follow')
  expect((await spec()).image).toBeUndefined()
})

test('a change of settings alone edits pgbouncer.ini and leaves the Deployment', async () => {
  await makePooled('tuned')
  const deployment = await get(deploymentKind, 'tuned-pooler')
  await change('tuned', { pooling: { parameters: { query_timeout: '30' } } })
  await reconcile('tuned')
  const ini = ((await get(configMapKind, 'tuned-pooler'))?.['data'] as Record<string, string>)['pgbouncer.ini']
  expect(ini).toContain('query_timeout = 30')
  expect((await get(deploymentKind, 'tuned-pooler'))?.metadata.generation).toBe(deployment?.metadata.generation)
})

test('a DataStore that somebody made under the name of a child is refused and left as it is', async () => {
  const spec = { engine: 'postgres', schema: { name: 'core' } }
  await client.create({ ...dataStoreKind, metadata: { name: 'mine-core', namespace }, spec })
  await until(() => cache.get(dataStoreKind, namespace, 'mine-core') !== undefined)
  const before = await get(dataStoreKind, 'mine-core')
  await make('mine')
  const conditions = await reconcile('mine')
  expect(conditions.get('StoresApplied')).toMatchObject({ status: 'False', reason: 'FieldConflict' })
  expect(conditions.get('StoresApplied')?.message).toContain(`DataStore ${namespace}/mine-core`)
  expect(await get(dataStoreKind, 'mine-core')).toEqual(before)
})

test('a store’s Service under the name of a pooler stays the store’s', async () => {
  const spec = { engine: 'postgres', schema: { name: 'core' }, resources: { cpu: beyondAnyNode } }
  await client.create({ ...dataStoreKind, metadata: { name: 'near-pooler', namespace }, spec })
  await until(() => cache.get(dataStoreKind, namespace, 'near-pooler') !== undefined)
  await processStore(`${namespace}/near-pooler`, AbortSignal.timeout(30_000))
  const before = await get(serviceKind, 'near-pooler')
  expect(ownerOf(before)).toMatchObject({ kind: 'DataStore', name: 'near-pooler' })
  await makePooled('near')
  // So does its NetworkPolicy, which comes first.
  const applied = (await reconcile('near')).get('StoresApplied')
  expect(applied).toMatchObject({ status: 'False', reason: 'FieldConflict' })
  expect(applied?.message).toContain('near-pooler')
  await change('near', { networkPolicy: 'None' })
  await reconcile('near')
  await say('near-core')
  const poolerReady = (await reconcile('near')).get('PoolerReady')
  expect(poolerReady).toMatchObject({ status: 'False', reason: 'FieldConflict' })
  expect(poolerReady?.message).toContain('near-pooler')
  expect((await get(serviceKind, 'near-pooler'))?.['spec']).toEqual(before?.['spec'])
})

test('a cluster does not take the Secrets of the store that has its name', async () => {
  await make('twin')
  await reconcile('twin')
  await processStore(`${namespace}/twin-core`, AbortSignal.timeout(30_000))
  const names = ['twin-core-pooler', 'twin-core-tls']
  const before = await Promise.all(names.map((name) => get(secretKind, name)))
  expect(before.every((object) => object !== undefined)).toBe(true)

  // Its pooler's Secret would be twin-core-pooler, which holds the login of the store twin-core.
  await make('twin-core')
  await reconcile('twin-core')
  await say('twin-core-core')
  const conditions = await reconcile('twin-core')
  expect(conditions.get('PoolerReady')).toMatchObject({ status: 'False', reason: 'FieldConflict' })
  const after = await Promise.all(names.map((name) => get(secretKind, name)))
  expect(after.map((object) => object?.['data'])).toEqual(before.map((object) => object?.['data']))
})

test('a setting of a database or login that the pooler does not have is named, and nothing is made', async () => {
  const pooling = { databases: { supersmartmatch_cor: { pool_size: '5' } }, users: { nobody: { pool_size: '5' } } }
  await make('lines', { pooling })
  const conditions = await reconcile('lines')
  expect(conditions.get('SpecValid')).toMatchObject({ status: 'False', reason: 'Invalid' })
  expect(conditions.get('SpecValid')?.message).toBe(
    'spec.pooling.databases.supersmartmatch_cor: the pooler has no such database; did you mean supersmartmatch_core?; ' +
      'spec.pooling.users.nobody: the pooler has no such login; it has supersmartmatch_core_app_a, supersmartmatch_core_app_b',
  )
  expect(await get(dataStoreKind, 'lines-core')).toBeUndefined()
})

test('more than one pooler pod: one at a time may leave a drained node', async () => {
  await makePooled('several', { pooling: { replicas: 2 } })
  const budget = await get(disruptionBudgetKind, 'several-pooler')
  expect(budget?.['spec']).toMatchObject({ maxUnavailable: 1 })
  expect(ownerOf(budget)).toMatchObject({ kind: 'MatchingCluster', name: 'several' })
})

test('an external store is pooled where its Secret says, and its CA is trusted beside the platform’s', async () => {
  const labels = { 'app.kubernetes.io/managed-by': managedBy }
  const { certificate } = await createAuthority('elsewhere', new Date())
  const values = {
    host: 'db.example.com',
    port: '5433',
    database: 'jobs',
    username: 'u',
    password: 'p',
    'ca.crt': certificate,
  }
  await client.create(secret({ name: 'elsewhere', namespace, labels }, values))
  await until(() => cache.get(secretKind, namespace, 'elsewhere') !== undefined)
  const core = { mode: 'external', connectionSecretRef: { name: 'elsewhere' } }
  await makePooled('outside', { stores: { core } })
  expect(((await get(dataStoreKind, 'outside-core')) as DataStore).spec).toMatchObject({ ...core, hibernate: false })
  const data = (await get(configMapKind, 'outside-pooler'))?.['data'] as Record<string, string>
  expect(data['pgbouncer.ini']).toContain('\njobs = host=db.example.com port=5433 dbname=jobs max_db_connections=')
  const platform = secretValue(await get(secretKind, 'outside-ca'), 'tls.crt')
  expect(data['servers.crt']).toBe(`${platform}\n${certificate}`)

  await change('outside', { pooling: { databases: { jobs: { pool_size: '10' } } } })
  expect((await reconcile('outside')).get('SpecValid')?.status).toBe('True')

  // What the server accepts, and not what one of ours would.
  await say('outside-core', undefined, { maxConnections: 30 })
  expect((await reconcile('outside')).get('PoolerReady')).toMatchObject({
    reason: 'PoolBudgetExceeded',
    message: expect.stringContaining('max_connections 30 ') as string,
  })
})

test('clients are told to wait before a switchover, once, although the store is not Ready meanwhile', async () => {
  await makePooled('moving')
  const begin = async () => {
    const at = new Date().toISOString().slice(0, 19) + 'Z'
    await say('moving-core', 'switching over', { switchover: { request: 'any', at, state: 'Preparing', message: '' } })
    return at
  }
  const held = async () => (await get(dataStoreKind, 'moving-core'))?.metadata.annotations?.[poolerPausedAnnotation]
  const at = await begin()
  expect((await reconcile('moving')).get('StoresReady')).toMatchObject({ status: 'False', reason: 'StoreNotReady' })
  expect(await held()).toBe(at)
  const told = await get(dataStoreKind, 'moving-core')
  await reconcile('moving')
  expect((await get(dataStoreKind, 'moving-core'))?.metadata.resourceVersion).toBe(told?.metadata.resourceVersion)

  await say('moving-core', undefined, { switchover: { ...switchoverOf(told), state: 'Running' } })
  expect((await reconcile('moving')).get('PoolerReady')).toMatchObject({
    status: 'False',
    reason: 'Paused',
    message: 'clients of moving-core wait for its switchover',
  })
  await say('moving-core', undefined, { switchover: { ...switchoverOf(told), state: 'Succeeded' } })
  expect((await reconcile('moving')).get('PoolerReady')).toMatchObject({ status: 'False', reason: 'Starting' })
})

test('a cluster that is paused itself tells them all the same: nobody would end what it began', async () => {
  await makePooled('still')
  await change('still', { paused: true })
  const at = new Date().toISOString().slice(0, 19) + 'Z'
  await say('still-core', undefined, { switchover: { request: 'any', at, state: 'Preparing', message: '' } })
  const conditions = await reconcile('still')
  expect(conditions.get('ReconciliationPaused')?.status).toBe('True')
  expect((await get(dataStoreKind, 'still-core'))?.metadata.annotations?.[poolerPausedAnnotation]).toBe(at)
})

test('a CA that is lost after a switchover is made again', async () => {
  await makePooled('lost')
  await runPooler('lost')
  const at = new Date().toISOString()
  await say('lost-core', undefined, { switchover: { request: 'any', at, state: 'Succeeded', message: '' } })
  await remove(secretKind, 'lost-ca')
  expect((await reconcile('lost')).get('StoresApplied')?.status).toBe('True')
  expect(secretValue(await get(secretKind, 'lost-ca'), 'tls.crt')).toBeDefined()
})

test('sleep: services, pooler, stores, in this order; awake, each as it was', async () => {
  await makePooled('tired')
  const replicas = async () => ((await get(deploymentKind, 'tired-pooler'))?.['spec'] as { replicas: number }).replicas
  const sleeps = async () => ((await get(dataStoreKind, 'tired-core')) as DataStore).spec.hibernate
  const pods = () => cache.list(podKind, namespace).filter(({ metadata }) => metadata.name.startsWith('tired-pooler-'))
  await until(() => pods().length === 1)
  await runPooler('tired')

  await change('tired', { hibernate: true })
  const first = await reconcile('tired')
  expect(await replicas()).toBe(0)
  expect(await sleeps()).toBe(false)
  expect(first.get('StoresReady')).toMatchObject({ status: 'False', reason: 'Hibernated' })
  expect(first.get('StoresReady')?.message).toMatch(/^pod tired-pooler-\S+ is stopping; the stores follow/)
  expect(first.get('Reconciling')?.status).toBe('True')

  // No kubelet ends the pod; one that no node has seen goes at once.
  await until(() => pods().every(({ metadata }) => metadata.deletionTimestamp !== undefined))
  await Promise.all(pods().map(endPod))
  await until(() => pods().length === 0)
  const second = await reconcile('tired')
  expect(await sleeps()).toBe(true)
  expect(second.get('StoresReady')?.message).toBe('core: tired-core is stopping')

  const { metadata } = (await get(dataStoreKind, 'tired-core'))!
  const asleep = { type: 'EngineReady', status: 'False', reason: 'Hibernated', message: 'hibernated' }
  const common = { observedGeneration: metadata.generation, lastTransitionTime: '2026-01-01T00:00:00Z' }
  const conditions = [{ ...asleep, ...common }]
  await say('tired-core', 'pod tired-core-0 is stopping', { phase: 'Updating', conditions })
  expect((await reconcile('tired')).get('StoresReady')?.message).toBe('core: tired-core is stopping')
  await say('tired-core', 'hibernated', { phase: 'Hibernated', conditions })
  const third = await reconcile('tired')
  expect(third.get('StoresReady')).toMatchObject({ status: 'False', reason: 'Hibernated' })
  expect(third.get('Ready')?.message).toBe('hibernated: set spec.hibernate to false to wake it')
  expect(third.has('Reconciling') || third.has('Stalled')).toBe(false)
  expect((await read('tired')).status?.phase).toBe('Hibernated')

  // Somebody scales the Deployment up: its pod stops again, and the store sleeps on.
  await client.mergePatch(deploymentKind, namespace, 'tired-pooler', { spec: { replicas: 1 } })
  await until(() => pods().length === 1)
  await until(async () => /^pod tired-pooler-/.test((await reconcile('tired')).get('StoresReady')?.message ?? ''))
  expect([await sleeps(), await replicas()]).toEqual([true, 0])
  await until(() => pods().every(({ metadata }) => metadata.deletionTimestamp !== undefined))
  await Promise.all(pods().map(endPod))
  await until(() => pods().length === 0)

  await change('tired', { hibernate: false })
  expect((await reconcile('tired')).get('StoresReady')?.reason).toBe('StoreNotReady')
  expect([await sleeps(), await replicas()]).toEqual([false, 0])
  await say('tired-core')
  expect((await reconcile('tired')).get('PoolerReady')?.reason).toBe('Starting')
  expect(await replicas()).toBe(1)
})

test('a pod that was evicted keeps nothing from going to sleep', async () => {
  await makePooled('evicted')
  const pods = () =>
    cache.list(podKind, namespace).filter(({ metadata }) => metadata.name.startsWith('evicted-pooler-'))
  await until(() => pods().length === 1)
  const [evicted] = pods()
  await playRunning(client, evicted!, { phase: 'Failed', reason: 'Evicted' })
  await until(() => pods().length === 2)
  await change('evicted', { hibernate: true })
  await until(async () => {
    await Promise.all(
      pods()
        .filter(({ metadata }) => metadata.deletionTimestamp)
        .map(endPod),
    )
    await reconcile('evicted')
    return ((await get(dataStoreKind, 'evicted-core')) as DataStore).spec.hibernate
  }, 60_000)
  expect(pods().map(({ metadata }) => metadata.uid)).toEqual([evicted?.metadata.uid])
})

test('what waits in a store is said of the cluster, too, with its plan, and is gone with it', async () => {
  await makePooled('pending')
  const pending = { hash: 'abc123', what: 'a rolling restart', differences: [] }
  const { metadata } = (await get(dataStoreKind, 'pending-core'))!
  const message = 'waits for approval'
  const condition = { type: 'PendingRollout', status: 'True', reason: 'OperatorUpgrade', message }
  const common = { observedGeneration: metadata.generation, lastTransitionTime: '2026-01-01T00:00:00Z' }
  await say('pending-core', undefined, { pending, conditions: [{ ...condition, ...common }] })
  expect((await reconcile('pending')).get('PendingRollout')).toMatchObject({
    status: 'True',
    reason: 'OperatorUpgrade',
    message: 'core (DataStore pending-core, plan abc123): waits for approval',
  })
  await say('pending-core', undefined, { pending: null })
  expect((await reconcile('pending')).has('PendingRollout')).toBe(false)
})
