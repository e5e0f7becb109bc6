import { X509Certificate } from 'node:crypto'
import { beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Condition, ConditionType } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import { createAuthority, fingerprint, type KeyPair } from '../certificates.ts'
import type { Bootstrap, Engine, Health, Members, RetentionSeen, Upkeep } from '../engines/engine.ts'
import { engines } from '../engines/registry.ts'
import { Applier } from '../kube/apply.ts'
import { GivenSecrets } from './given-secrets.ts'
import { Cache } from '../kube/cache.ts'
import { EventRecorder } from '../kube/events.ts'
import { startReflectors } from '../kube/reflector.ts'
import { client, edit, log, testNamespace, until } from '../kube/testing/cluster.ts'
import { managedBy } from '../labels.ts'
import { reconciler } from '../reconcile/controller.ts'
import { rollout } from '../rollout.ts'
import { secret, secretValue } from '../secrets.ts'
import { beyondAnyNode, playRunning } from '../testing/kubelet.ts'
import { playMembers } from '../testing/members.ts'
import { surroundings } from '../testing/platform.ts'
import { dataStoreController } from './controller.ts'
import { ownedKinds } from '../wake.ts'
import { wanted } from '../engines/retention.ts'

/**
 * The API server and its controllers are real, the tests play the kubelet; the engine is the real one but for its probe and
 * bootstrap, which need no database here.
 */
const namespace = await testNamespace()
const cache = new Cache()
const dataStoreKind = { apiVersion, kind: 'DataStore' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }
const jobKind = { apiVersion: 'batch/v1', kind: 'Job' }
const claimKind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }
const serviceKind = { apiVersion: 'v1', kind: 'Service' }
const podKind = { apiVersion: 'v1', kind: 'Pod' }
const statefulSetKind = { apiVersion: 'apps/v1', kind: 'StatefulSet' }

let health: Health
let bootstrapped: Bootstrap[]
/** What was asked of engine and members, in this test. */
let asked: string[]
let isLeader: boolean
let upkeep: Upkeep | undefined
/** What the engine keeps how long, and how many rows any change would cost. */
let kept: RetentionSeen | undefined
let removes: Record<string, number>
let refuses = ''
const members = playMembers(cache, namespace)
const engine: Engine = {
  ...engines.postgres,
  members: noting(members),
  probe: async () => {
    asked.push('probe')
    return health
  },
  bootstrap: async (_target, wanted) => {
    asked.push('bootstrap')
    bootstrapped.push(wanted)
    return { clusterSql: 'sha', changed: [], unavailable: [] }
  },
  maintenance: {
    observe: async () => {
      asked.push('maintenance')
      return upkeep
    },
    run: async () => 'taken',
  },
  retention: {
    observe: async () => {
      asked.push('retention')
      return kept && { ...structuredClone(kept), oldest: { ...kept.oldest } }
    },
    removes: async () => {
      if (refuses) throw new Error(refuses)
      return removes
    },
    apply: async (_target, _plan, next) => {
      asked.push('set retention')
      if (kept) kept = { ...kept, ...structuredClone(next) }
    },
  },
}

const tools = {
  client,
  cache,
  applier: new Applier(client, cache, log),
  events: new EventRecorder({ client, instance: 'test', log }),
  engines: { postgres: engine },
  given: new GivenSecrets(client, cache),
  images: { postgres: 'localhost/none:1', platform: 'localhost/none:1' },
  surroundings,
  schemas: {
    core: {
      files: [{ version: 1, name: '000001_a.sql', breaking: false, digest: 'digest-1' }],
      clusterSql: 'SELECT 1',
    },
  },
  now: () => new Date(),
  fence() {
    if (!isLeader) throw new Error('the Lease was last renewed 11 s ago')
  },
}
const process = reconciler(dataStoreController(tools), {
  watchNamespaces: [namespace],
  client,
  cache,
  events: tools.events,
  log,
})

beforeAll(async () => {
  const stop = new AbortController()
  const labels = { 'app.kubernetes.io/managed-by': managedBy }
  const watches = [{ ...dataStoreKind, namespace }, ...ownedKinds.map((kind) => ({ ...kind, namespace, labels }))]
  await startReflectors({ client, cache, watches, onChange: () => {}, log, signal: stop.signal }).whenSynced
  return () => stop.abort()
})

beforeEach(() => {
  health = { state: 'ready', version: '17.1' }
  bootstrapped = []
  asked = []
  isLeader = true
  upkeep = undefined
  kept = undefined
  removes = {}
  members.pendingRestart = []
  members.restarts = 0
})

/** The same members, each question noted. */
function noting(members: Members): Members {
  return new Proxy(members, {
    get(target, name) {
      asked.push(String(name))
      return Reflect.get(target, name) as unknown
    },
  })
}

async function make(name: string, spec: object = {}): Promise<void> {
  await client.create({
    ...dataStoreKind,
    metadata: { name, namespace },
    spec: { engine: 'postgres', schema: { name: 'core' }, resources: { cpu: beyondAnyNode }, ...spec },
  })
  await until(() => cache.get(dataStoreKind, namespace, name) !== undefined)
}

/** One reconcile; returns the conditions it left. */
async function reconcile(name: string): Promise<Map<ConditionType, Condition>> {
  await process(`${namespace}/${name}`, AbortSignal.timeout(30_000))
  const store = (await client.get(dataStoreKind, namespace, name)) as DataStore
  return new Map((store.status?.conditions ?? []).map((condition) => [condition.type, condition]))
}

/** Plays the kubelet until the StatefulSet's controller says that every pod is new and available. */
async function run(name: string): Promise<void> {
  await until(async () => {
    const pod = cache.get(podKind, namespace, `${name}-0`)
    const phase = (pod?.['status'] as { phase?: string } | undefined)?.phase
    if (pod && phase !== 'Running' && !pod.metadata.deletionTimestamp) await playRunning(client, pod)
    const statefulSet = cache.get(statefulSetKind, namespace, name)
    return statefulSet !== undefined && rollout(statefulSet) === undefined
  }, 60_000)
}

const get = (kind: { apiVersion: string; kind: string }, name: string) => client.get(kind, namespace, name)

async function remove(kind: { apiVersion: string; kind: string }, name: string): Promise<void> {
  await client.delete((await get(kind, name))!)
  await until(() => cache.get(kind, namespace, name) === undefined)
}

/** Plays the migration: the API server wants the whole story of a finished Job. */
async function finish({ metadata: { name } }: KubeObject, type: 'Complete' | 'Failed', message = ''): Promise<void> {
  await until(() => statusOf(cache.get(jobKind, namespace, name)).startTime !== undefined)
  const lastTransitionTime = new Date().toISOString()
  const before = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget'
  const conditions = [before, type].map((name) => ({
    type: name,
    status: 'True',
    reason: 'Test',
    message,
    lastTransitionTime,
  }))
  const { startTime } = statusOf(cache.get(jobKind, namespace, name))
  const ended = type === 'Complete' ? { completionTime: new Date().toISOString(), succeeded: 1 } : { failed: 1 }
  const status = { startTime, conditions, ...ended, active: 0, ready: 0, terminating: 0, uncountedTerminatedPods: {} }
  await client.mergePatch(jobKind, namespace, name, { status }, 'status')
  await until(() =>
    JSON.stringify(statusOf(cache.get(jobKind, namespace, name)).conditions ?? []).includes(`"${type}"`),
  )
}

interface JobStatus {
  startTime?: string
  conditions?: unknown[]
}
const statusOf = (job: KubeObject | undefined) => (job?.['status'] ?? {}) as JobStatus

async function migrationJob(store: string): Promise<KubeObject> {
  const job = (await client.list(jobKind, namespace)).find(({ metadata }) =>
    metadata.name.startsWith(`${store}-migrate-`),
  )
  if (!job) throw new Error(`no migration Job of ${store}`)
  return job
}

test('from a new DataStore to a published binding, each step waiting for its turn', async () => {
  await make('path')
  health = { state: 'starting', message: 'PostgreSQL is starting' }
  const first = await reconcile('path')
  expect(first.get('ObjectsApplied')?.status).toBe('True')
  expect(first.get('EngineReady')).toMatchObject({
    status: 'False',
    reason: 'Starting',
    message: 'PostgreSQL is starting',
  })
  expect(first.get('SchemaReady')).toMatchObject({ status: 'Unknown', reason: 'NotReached' })
  health = { state: 'unreachable', message: 'connect ECONNREFUSED' }
  await until(() => JSON.stringify(cache.get(podKind, namespace, 'path-0')?.['status'] ?? {}).includes('Unschedulable'))
  expect((await reconcile('path')).get('EngineReady')).toMatchObject({
    reason: 'Unreachable',
    message: expect.stringMatching(/^pod path-0 cannot be scheduled/) as string,
  })
  expect(await get(secretKind, 'path-owner')).toBeUndefined()

  health = { state: 'ready', version: '17.1' }
  await run('path')
  const second = await reconcile('path')
  expect(second.get('SchemaReady')).toMatchObject({ status: 'False', reason: 'Running' })
  // The template that the first reconcile made is the final one, or the first pod would be rolled while it starts.
  expect((await get(statefulSetKind, 'path'))?.metadata.generation).toBe(1)
  const logins = Object.keys(bootstrapped[0]?.passwords ?? {}).sort()
  expect(logins).toEqual(['pgbouncer_auth', 'replicator', 'supersmartmatch_core_owner', 'supersmartmatch_monitoring'])
  expect(await get(secretKind, 'path-app')).toBeUndefined()

  await finish(await migrationJob('path'), 'Complete')
  const third = await reconcile('path')
  expect(third.get('Ready')?.status).toBe('True')
  const binding = await get(secretKind, 'path-app')
  expect(secretValue(binding, 'username')).toBe('supersmartmatch_core_app_a')
  expect(bootstrapped.at(-1)?.passwords['supersmartmatch_core_app_a']).toBe(secretValue(binding, 'password'))

  const store = (await get(dataStoreKind, 'path')) as DataStore
  expect(store.status).toMatchObject({ version: '17.1', phase: 'Ready', schema: { version: 1, digest: 'digest-1' } })
  await reconcile('path')
  expect((await get(dataStoreKind, 'path'))?.metadata.resourceVersion).toBe(store.metadata.resourceVersion)
})

test('an operator that lost the Lease asks an engine for nothing: a password or a switchover is a write, too', async () => {
  await make('fenced')
  await reconcile('fenced')
  await run('fenced')
  await reconcile('fenced')
  await finish(await migrationJob('fenced'), 'Complete')
  expect((await reconcile('fenced')).get('Ready')?.status).toBe('True')
  expect(asked).toEqual(expect.arrayContaining(['probe', 'bootstrap', 'observe', 'configure', 'shownCertificates']))

  asked = []
  isLeader = false
  const conditions = await reconcile('fenced')
  expect(conditions.get('EngineReady')?.message).toContain('the Lease was last renewed')
  expect(asked).toEqual([])
})

test('a Secret that somebody else made is refused, not overwritten', async () => {
  const foreign = { ...secretKind, metadata: { name: 'foreign-superuser', namespace }, data: { password: 'bWluZQ==' } }
  await client.create(foreign)
  await make('foreign')
  const conditions = await reconcile('foreign')
  expect(conditions.get('ObjectsApplied')?.status).toBe('False')
  expect(conditions.get('ObjectsApplied')?.message).toContain('foreign-superuser')
  expect(secretValue(await get(secretKind, 'foreign-superuser'), 'password')).toBe('mine')
})

test('a Secret of ours that belongs to another thing is refused too: a cluster and a store of one name share nothing', async () => {
  const labels = {
    'app.kubernetes.io/managed-by': managedBy,
    'app.kubernetes.io/name': 'platform',
    'app.kubernetes.io/instance': 'shared',
    'app.kubernetes.io/component': 'platform',
  }
  const data = { 'userlist.txt': 'bWluZQ==' }
  await client.create({ ...secretKind, metadata: { name: 'shared-pooler', namespace, labels }, data })
  await until(() => cache.get(secretKind, namespace, 'shared-pooler') !== undefined)
  await make('shared')
  const applied = (await reconcile('shared')).get('ObjectsApplied')
  expect(applied).toMatchObject({ status: 'False', reason: 'FieldConflict' })
  expect(applied?.message).toContain('shared-pooler')
  expect(secretValue(await get(secretKind, 'shared-pooler'), 'userlist.txt')).toBe('mine')
})

test('a storage class that does not exist is named before anything is made', async () => {
  await make('class', { storage: { storageClass: 'nope' } })
  const conditions = await reconcile('class')
  expect(conditions.get('DependenciesReady')).toMatchObject({ status: 'False', reason: 'StorageClassMissing' })
  expect(conditions.get('Ready')?.message).toContain('spec.storage.storageClass names nope')
  expect(await get({ apiVersion: 'apps/v1', kind: 'StatefulSet' }, 'class')).toBeUndefined()
})

test('a priority class that does not exist is named before a pod that runs is replaced', async () => {
  await make('rank', { placement: { priorityClassName: 'nope' } })
  const conditions = await reconcile('rank')
  expect(conditions.get('DependenciesReady')).toMatchObject({ status: 'False', reason: 'PriorityClassMissing' })
  expect(conditions.get('Ready')?.message).toContain('spec.placement.priorityClassName names nope')
  expect(await get({ apiVersion: 'apps/v1', kind: 'StatefulSet' }, 'rank')).toBeUndefined()
})

test('a CA Secret that is not there is named', async () => {
  await make('ca', { tls: { caSecret: 'nowhere-ca' } })
  const conditions = await reconcile('ca')
  expect(conditions.get('DependenciesReady')).toMatchObject({ status: 'False', reason: 'SecretMissing' })
  expect(conditions.get('DependenciesReady')?.message).toContain('nowhere-ca')
})

test('a CA that is replaced while the storage class is looked up is the one in the pod template', async () => {
  const authority = async (values: KeyPair) => {
    const metadata = { name: 'theirs-ca', namespace, labels: { 'app.kubernetes.io/managed-by': managedBy } }
    return secret(metadata, { 'tls.crt': values.certificate, 'tls.key': values.key })
  }
  const [first, second] = [await createAuthority('first', new Date()), await createAuthority('second', new Date())]
  cache.wrote(await client.create(await authority(first)))
  const getObject = client.get.bind(client)
  const lookup = vi.spyOn(client, 'get').mockImplementation(async (kind, of, name) => {
    if (kind.kind !== 'StorageClass') return getObject(kind, of, name)
    cache.wrote(await client.mergePatch(secretKind, namespace, 'theirs-ca', { data: (await authority(second)).data }))
    return { ...kind, metadata: { name } }
  })
  onTestFinished(() => lookup.mockRestore())
  await make('rotated', { tls: { caSecret: 'theirs-ca' }, storage: { storageClass: 'looked-up' } })
  expect((await reconcile('rotated')).get('ObjectsApplied')?.status).toBe('True')
  expect(JSON.stringify((await get(statefulSetKind, 'rotated'))?.['spec'])).toContain(fingerprint(second.certificate))
})

test('a migration that failed stalls the store with the runner’s reason; a deleted Job is made anew', async () => {
  await make('failed')
  await reconcile('failed')
  await run('failed')
  await reconcile('failed')
  const job = await migrationJob('failed')
  await finish(job, 'Failed', 'BackoffLimitExceeded')
  const conditions = await reconcile('failed')
  expect(conditions.get('SchemaReady')).toMatchObject({ status: 'False', reason: 'Failed' })
  expect(conditions.get('SchemaReady')?.message).toContain(job.metadata.name)
  expect(conditions.get('Stalled')?.status).toBe('True')

  await client.request('DELETE', `/apis/batch/v1/namespaces/${namespace}/jobs/${job.metadata.name}`, {
    query: { propagationPolicy: 'Background' },
  })
  await until(() => cache.get(jobKind, namespace, job.metadata.name) === undefined)
  expect((await reconcile('failed')).get('SchemaReady')?.reason).toBe('Running')
  expect((await migrationJob('failed')).metadata.uid).not.toBe(job.metadata.uid)
})

test('a DataStore that comes back adopts its Secrets', async () => {
  await make('back')
  await reconcile('back')
  const before = await get(secretKind, 'back-superuser')
  await client.delete((await get(dataStoreKind, 'back'))!)
  await until(() => cache.get(dataStoreKind, namespace, 'back') === undefined)
  await make('back')
  await until(async () => (await reconcile('back')).get('ObjectsApplied')?.status === 'True', 60_000)
  const after = await get(secretKind, 'back-superuser')
  expect(after?.metadata.uid).toBe(before?.metadata.uid)
  expect(secretValue(after, 'password')).toBe(secretValue(before, 'password'))
})

test('EngineReady waits until the new pod is there, although an old one may still answer', async () => {
  await make('roll')
  expect((await reconcile('roll')).get('EngineReady')).toMatchObject({ status: 'False', reason: 'Starting' })
  expect(await get(secretKind, 'roll-owner')).toBeUndefined()
  await run('roll')
  expect((await reconcile('roll')).get('EngineReady')).toMatchObject({ status: 'True', reason: 'Ready' })

  const old = (await get(podKind, 'roll-0'))?.metadata.uid
  await change('roll', { resources: { memory: '640Mi' } })
  await until(async () => {
    const ready = (await reconcile('roll')).get('EngineReady')
    expect(ready?.status).toBe('False')
    return cache.get(podKind, namespace, 'roll-0')?.metadata.uid !== old
  })
  await run('roll')
  expect((await reconcile('roll')).get('EngineReady')?.status).toBe('True')
})

/** Edits the spec as a user does, and waits until the cache has it. */
async function change(name: string, spec: object): Promise<void> {
  const edited = await edit((await get(dataStoreKind, name))!, { spec })
  await until(() => cache.get(dataStoreKind, namespace, name)?.metadata.generation === edited.metadata.generation)
}

async function annotate(name: string, annotations: Record<string, string>): Promise<void> {
  const edited = await edit((await get(dataStoreKind, name))!, { metadata: { annotations } })
  const { resourceVersion } = edited.metadata
  await until(
    () => Number(cache.get(dataStoreKind, namespace, name)?.metadata.resourceVersion) >= Number(resourceVersion),
  )
}

const statusOfStore = async (name: string) => ((await get(dataStoreKind, name)) as DataStore).status

test('bad keys and values are named, and nothing is made or touched', async () => {
  await make('invalid', { parameters: { max_conections: '10' }, pgHba: ['host all all all trust'] })
  const valid = (await reconcile('invalid')).get('SpecValid')
  expect(valid).toMatchObject({ status: 'False', reason: 'Invalid' })
  for (const part of ['max_conections', 'did you mean max_connections?', 'spec.pgHba[0]']) {
    expect(valid?.message).toContain(part)
  }
  expect(await get(statefulSetKind, 'invalid')).toBeUndefined()
})

test('what another operator would change waits, and says what; approval lets it go', async () => {
  await make('upgrade')
  await reconcile('upgrade')
  await run('upgrade')
  expect((await reconcile('upgrade')).get('EngineReady')?.status).toBe('True')
  const before = await get(statefulSetKind, 'upgrade')
  const pod = (await get(podKind, 'upgrade-0'))?.metadata.uid
  // Edits that make no other template, before the upgrade and while it waits.
  await change('upgrade', { parameters: { work_mem: '8MB' } })
  await reconcile('upgrade')

  tools.images.postgres = 'localhost/none:2'
  try {
    const conditions = await reconcile('upgrade')
    expect(conditions.get('PendingRollout')).toMatchObject({ status: 'True', reason: 'OperatorUpgrade' })
    expect(conditions.get('EngineReady')?.status).toBe('True')
    const pending = (await statusOfStore('upgrade'))?.pending
    expect(pending?.differences).toContain('spec.containers.postgres.image: localhost/none:1 → localhost/none:2')
    expect((await get(statefulSetKind, 'upgrade'))?.metadata.generation).toBe(before?.metadata.generation)
    expect((await get(podKind, 'upgrade-0'))?.metadata.uid).toBe(pod)

    await change('upgrade', { parameters: { work_mem: '9MB' } })
    expect((await reconcile('upgrade')).get('PendingRollout')?.reason).toBe('OperatorUpgrade')
    await annotate('upgrade', { 'supersmartmatch.io/approve': 'another' })
    expect((await reconcile('upgrade')).get('PendingRollout')?.status).toBe('True')
    await annotate('upgrade', { 'supersmartmatch.io/approve': pending?.hash ?? '' })
    expect((await reconcile('upgrade')).get('PendingRollout')).toBeUndefined()
    expect((await statusOfStore('upgrade'))?.pending).toBeUndefined()
    expect((await get(statefulSetKind, 'upgrade'))?.metadata.generation).toBeGreaterThan(
      before?.metadata.generation ?? 0,
    )
  } finally {
    tools.images.postgres = 'localhost/none:1'
  }
})

test('a pod that was evicted brings no image that nobody approved', async () => {
  await make('evicted', { updatePolicy: { type: 'Never' } })
  await reconcile('evicted')
  await run('evicted')
  await reconcile('evicted')
  await change('evicted', { image: 'localhost/none:2' })
  expect((await reconcile('evicted')).get('PendingRollout')?.reason).toBe('Never')
  // As in the moment before its StatefulSet makes the next one.
  const list = cache.list.bind(cache)
  const noPods = vi.spyOn(cache, 'list').mockImplementation((kind, of) => (kind.kind === 'Pod' ? [] : list(kind, of)))
  onTestFinished(() => noPods.mockRestore())
  expect((await reconcile('evicted')).get('PendingRollout')?.reason).toBe('Never')
  expect(JSON.stringify((await get(statefulSetKind, 'evicted'))?.['spec'])).not.toContain('localhost/none:2')
})

test('a pod template that somebody edits while another waits is put right, and takes no pod along', async () => {
  await make('edited', { updatePolicy: { type: 'Never' } })
  await reconcile('edited')
  await run('edited')
  await reconcile('edited')
  await change('edited', { image: 'localhost/none:2' })
  expect((await reconcile('edited')).get('PendingRollout')?.reason).toBe('Never')
  const uid = (await get(podKind, 'edited-0'))?.metadata.uid
  const template = async () =>
    ((await get(statefulSetKind, 'edited'))?.['spec'] as { template: { spec: { containers: object[] } } }).template
  const [first, ...others] = (await template()).spec.containers
  const containers = [{ ...first, image: 'localhost/none:3' }, ...others]
  cache.wrote(
    await client.mergePatch(statefulSetKind, namespace, 'edited', { spec: { template: { spec: { containers } } } }),
  )
  const conditions = await reconcile('edited')
  expect(conditions.get('PendingRollout')?.message).toContain('localhost/none:1 → localhost/none:2')
  expect((await template()).spec.containers[0]).toMatchObject({ image: 'localhost/none:1' })
  await reconcile('edited')
  expect((await get(podKind, 'edited-0'))?.metadata).toMatchObject({ uid })
  expect((await get(podKind, 'edited-0'))?.metadata.deletionTimestamp).toBeUndefined()
})

test('a restart that no edit asks for waits; one that an edit asks for does not', async () => {
  await make('settings', { parameters: { max_connections: '100' } })
  await reconcile('settings')
  await run('settings')
  expect((await reconcile('settings')).get('EngineReady')?.status).toBe('True')
  members.pendingRestart = ['shared_preload_libraries: a → a,b']
  await change('settings', { parameters: { work_mem: '8MB' } })
  expect((await reconcile('settings')).get('PendingRollout')?.reason).toBe('OperatorUpgrade')
  expect(members.restarts).toBe(0)
  members.pendingRestart = ['max_connections: 100 → 200']
  await change('settings', { parameters: { max_connections: '200' } })
  const conditions = await reconcile('settings')
  expect(conditions.get('PendingRollout')).toBeUndefined()
  expect(members.restarts).toBe(1)
})

test('an edit of the spec that restarts pods waits where the policy says so, whatever else goes on', async () => {
  await make('policy', { updatePolicy: { type: 'OnApproval' } })
  await reconcile('policy')
  await run('policy')
  await reconcile('policy')
  await change('policy', { resources: { memory: '640Mi' } })
  expect((await reconcile('policy')).get('PendingRollout')).toMatchObject({ reason: 'AwaitingApproval' })
  await change('policy', { resources: { memory: '512Mi' } })
  expect((await reconcile('policy')).get('PendingRollout')).toBeUndefined()

  members.pendingRestart = ['max_connections: 100 → 200']
  expect((await reconcile('policy')).get('PendingRollout')?.message).toContain('max_connections: 100 → 200')
  expect(members.restarts).toBe(0)
  const hash = (await statusOfStore('policy'))?.pending?.hash ?? ''
  await annotate('policy', { 'supersmartmatch.io/approve': hash })
  expect((await reconcile('policy')).get('EngineReady')).toMatchObject({ reason: 'Restarting' })
  expect(members.restarts).toBe(1)

  // The same again, but after an edit: what was approved was another plan.
  await change('policy', { parameters: { work_mem: '8MB' } })
  members.pendingRestart = ['max_connections: 100 → 200']
  expect((await reconcile('policy')).get('PendingRollout')?.message).toContain('max_connections: 100 → 200')
  expect(members.restarts).toBe(1)
})

test('a renewed certificate is loaded as soon as the kubelet brings it, and the store stays ready meanwhile', async () => {
  await make('renewed')
  await reconcile('renewed')
  await run('renewed')
  const tls = () => secretValue(cache.get(secretKind, namespace, 'renewed-tls'), 'tls.crt') ?? ''
  const played = { mounted: tls(), shown: tls(), reloads: 0 }
  const shows = (pem: string) => new X509Certificate(pem).fingerprint256
  // One listener has loaded it, the other has not.
  members.shownCertificates = async () => [shows(played.mounted), shows(played.shown)]
  members.reload = async () => {
    played.reloads++
    played.shown = played.mounted
  }
  onTestFinished(() => void Object.assign(members, playMembers(cache, namespace)))
  expect((await reconcile('renewed')).get('EngineReady')?.status).toBe('True')
  expect(played.reloads).toBe(0)

  await remove(secretKind, 'renewed-tls')
  const waiting = await process(`${namespace}/renewed`, AbortSignal.timeout(30_000))
  expect(tls()).not.toBe(played.shown)
  expect((await reconcile('renewed')).get('EngineReady')?.status).toBe('True')
  expect(played).toMatchObject({ reloads: 2 })
  expect(waiting).toMatchObject({ afterMs: expect.toSatisfy((ms: number) => ms <= 10_000) as number })
  played.mounted = tls()
  await reconcile('renewed')
  expect(played).toMatchObject({ reloads: 3, shown: tls() })
  await reconcile('renewed')
  expect(played.reloads).toBe(3)
})

test('nobody answers: nothing is said to run, and nobody to be primary', async () => {
  await make('silent')
  await reconcile('silent')
  await run('silent')
  await reconcile('silent')
  expect(await statusOfStore('silent')).toMatchObject({ replicas: 1, primary: 'silent-0' })
  const silence = vi.spyOn(members, 'observe').mockRejectedValue(new Error('ECONNREFUSED'))
  onTestFinished(() => silence.mockRestore())
  health = { state: 'unreachable', message: 'nobody answers' }
  expect((await reconcile('silent')).get('EngineReady')?.status).toBe('False')
  expect(await statusOfStore('silent')).toMatchObject({ replicas: 0 })
  expect(await statusOfStore('silent')).not.toHaveProperty('primary')
})

test('a member that has not taken a setting over in ten seconds is told to compare again', async () => {
  await make('deaf')
  await reconcile('deaf')
  await run('deaf')
  await reconcile('deaf')
  const told = vi.spyOn(members, 'reload')
  const lag = vi.spyOn(members, 'unapplied').mockResolvedValue(['work_mem is not 9MB yet'])
  const { now } = tools
  onTestFinished(() => {
    told.mockRestore()
    lag.mockRestore()
    tools.now = now
  })
  const message = 'deaf-0: work_mem is not 9MB yet'
  expect((await reconcile('deaf')).get('EngineReady')).toMatchObject({ reason: 'Configuring', message })
  await reconcile('deaf')
  expect(told).not.toHaveBeenCalled()
  tools.now = () => new Date(now().getTime() + 11_000)
  await reconcile('deaf')
  expect(told).toHaveBeenCalledOnce()
  expect(told.mock.calls[0]?.[0].serverName).toContain('deaf-0.')
})

test('hibernate: no pod, everything else stays; waking brings it back', async () => {
  await make('sleepy')
  await reconcile('sleepy')
  await run('sleepy')
  await reconcile('sleepy')
  const claim = (await get(claimKind, 'data-sleepy-0'))?.metadata.uid
  await change('sleepy', { hibernate: true })
  await until(
    async () =>
      (await reconcile('sleepy')).get('EngineReady')?.reason === 'Hibernated' &&
      cache.get(podKind, namespace, 'sleepy-0') === undefined,
  )
  await reconcile('sleepy')
  const store = (await get(dataStoreKind, 'sleepy')) as DataStore
  expect(store.status).toMatchObject({ phase: 'Hibernated', replicas: 0 })
  expect(store.status).not.toHaveProperty('primary')
  await change('sleepy', { hibernate: false })
  await reconcile('sleepy')
  await run('sleepy')
  expect((await reconcile('sleepy')).get('EngineReady')?.status).toBe('True')
  expect((await get(claimKind, 'data-sleepy-0'))?.metadata.uid).toBe(claim)
})

test('a request that nobody can carry out is answered once', async () => {
  await make('alone')
  await reconcile('alone')
  await run('alone')
  await annotate('alone', { 'supersmartmatch.io/switchover': 'any' })
  await reconcile('alone')
  const { switchover } = (await statusOfStore('alone')) ?? {}
  expect(switchover).toMatchObject({ request: 'any', state: 'Failed', answered: 'any' })
  await reconcile('alone')
  expect((await statusOfStore('alone'))?.switchover).toEqual(switchover)
})

test.each([
  ['whole', {}, 3],
  ['outlived', { 'supersmartmatch.io/outdated': '2026-01-01T00:00:00Z' }, 1],
])(
  'volumes of a former store of three, %s: those that may hold the newest data begin at once',
  async (name, annotations, begin) => {
    await leaveVolumes(name, 3, annotations)
    await make(name, { replicas: 3 })
    expect((await reconcile(name)).get('ObjectsApplied')?.status).toBe('True')
    expect((await get(statefulSetKind, name))?.['spec']).toMatchObject({ replicas: begin })
  },
)

/** As a store of this name does that is deleted. */
async function leaveVolumes(name: string, count: number, annotations: Record<string, string> = {}): Promise<void> {
  const identity = { 'app.kubernetes.io/name': 'postgres', 'app.kubernetes.io/component': 'database' }
  const labels = { 'app.kubernetes.io/managed-by': managedBy, 'app.kubernetes.io/instance': name, ...identity }
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } }
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const claim = `data-${name}-${ordinal}`
    const metadata = { name: claim, namespace, labels, annotations: ordinal > 0 ? annotations : {} }
    await client.create({ ...claimKind, metadata, spec })
    await until(() => cache.get(claimKind, namespace, claim) !== undefined)
  }
  const metadata = { name: `${name}-superuser`, namespace, labels }
  await client.create({ ...secretKind, metadata, data: { password: 'eA==' } })
  await until(() => cache.get(secretKind, namespace, `${name}-superuser`) !== undefined)
}

test('a shrink that is refused is approved as it is, for this spec', async () => {
  await leaveVolumes('fewer', 3)
  await make('fewer', { replicas: 1 })
  await reconcile('fewer')
  const refused = async () => {
    expect((await reconcile('fewer')).get('ObjectsApplied')).toMatchObject({ status: 'False', reason: 'ShrinkRefused' })
    expect((await get(statefulSetKind, 'fewer'))?.['spec']).toMatchObject({ replicas: 3 })
    return (await statusOfStore('fewer'))?.pending?.hash ?? ''
  }
  const before = await refused()
  await change('fewer', { parameters: { work_mem: '8MB' } })
  await annotate('fewer', { 'supersmartmatch.io/approve': before })
  const now = await refused()
  expect(now).not.toBe(before)
  await annotate('fewer', { 'supersmartmatch.io/approve': now })
  for (const left of [2, 1]) {
    await reconcile('fewer')
    expect((await get(statefulSetKind, 'fewer'))?.['spec']).toMatchObject({ replicas: left })
  }
  // Nobody could tell who had the data: who is left may lack some, and was answered for.
  const of = (ordinal: number) => get(claimKind, `data-fewer-${ordinal}`)
  const marksOf = async (ordinal: number) =>
    Object.keys((await of(ordinal))?.metadata.annotations ?? {}).filter((key) => key.includes('supersmartmatch'))
  const [mayLead, givenUp, outdated] = ['may-lead', 'given-up', 'outdated'].map((mark) => `supersmartmatch.io/${mark}`)
  expect([await marksOf(0), await marksOf(1), await marksOf(2)]).toEqual([
    [mayLead],
    [givenUp, outdated],
    [givenUp, outdated],
  ])
  expect(await promotedAfter('fewer', 40_000)).toEqual([])
  await run('fewer')
  expect(await promotedAfter('fewer', 10_000)).toEqual([])
  expect(await message('fewer')).toContain(
    'fewer-0, the only member left of a shrink that was approved, is told to lead unless',
  )
  expect(await promotedAfter('fewer', 40_000, 'no good candidates')).toEqual(['fewer-0'])
  expect(await message('fewer')).toContain('does not lead: no good candidates')
  expect(await promotedAfter('fewer', 40_000)).toEqual(['fewer-0'])
  await reconcile('fewer')
  expect(await marksOf(0)).toEqual([])
  expect(await reasonsOf('fewer')).toContain('MemberPromoted')
  await change('fewer', { replicas: 2 })
  const isUnfit = async () => {
    expect((await reconcile('fewer')).get('ObjectsApplied')).toMatchObject({ status: 'False', reason: 'VolumesUnfit' })
    expect((await get(statefulSetKind, 'fewer'))?.['spec']).toMatchObject({ replicas: 1 })
  }
  await isUnfit()
  expect((await statusOfStore('fewer'))?.conditions?.find(({ type }) => type === 'EngineReady')?.status).toBe('True')
  // By hand neither: what follows there is not trusted, and goes.
  await client.mergePatch(statefulSetKind, namespace, 'fewer', { spec: { replicas: 2 } })
  await until(() => cache.get(podKind, namespace, 'fewer-1') !== undefined)
  await playPods('fewer')
  await isUnfit()
  expect(await marksOf(1)).toEqual([givenUp, outdated])
  await client.delete((await of(1))!)
  await until(async () => {
    await reconcile('fewer')
    return ((await get(statefulSetKind, 'fewer'))?.['spec'] as { replicas: number }).replicas === 2
  })
})

/** Of its Events. */
async function reasonsOf(store: string): Promise<unknown[]> {
  await tools.events.flush()
  const events = await client.list({ apiVersion: 'events.k8s.io/v1', kind: 'Event' }, namespace)
  const ours = events.filter(({ regarding }) => (regarding as KubeObject['metadata']).name === store)
  return ours.map(({ reason }) => reason)
}

async function message(store: string): Promise<string | undefined> {
  return (await statusOfStore(store))?.conditions?.find(({ type }) => type === 'EngineReady')?.message
}

test('a member stays until its volume is marked, and that only as it was when it was looked at', async () => {
  await leaveVolumes('stale', 3)
  await make('stale', { replicas: 1 })
  await reconcile('stale')
  await reconcile('stale')
  await annotate('stale', { 'supersmartmatch.io/approve': (await statusOfStore('stale'))?.pending?.hash ?? '' })
  const list = cache.list.bind(cache)
  const former = ({ metadata, ...claim }: KubeObject) => ({ ...claim, metadata: { ...metadata, resourceVersion: '1' } })
  const late = vi
    .spyOn(cache, 'list')
    .mockImplementation((kind, of) => (kind.kind === claimKind.kind ? list(kind, of).map(former) : list(kind, of)))
  onTestFinished(() => late.mockRestore())
  const members = async () => ((await get(statefulSetKind, 'stale'))?.['spec'] as { replicas: number }).replicas
  expect((await reconcile('stale')).get('ObjectsApplied')?.reason).toBe('Applied')
  expect(await members()).toBe(3)
  late.mockRestore()
  await reconcile('stale')
  expect(await members()).toBe(2)
})

test('the volume of a member that goes is marked as outlived, and trusted again once the member follows', async () => {
  await make('shrunk', { replicas: 2 })
  await until(async () => {
    await reconcile('shrunk')
    await playPods('shrunk')
    return (await reconcile('shrunk')).get('EngineReady')?.status === 'True'
  }, 60_000)
  const mark = async () =>
    (await get(claimKind, 'data-shrunk-1'))?.metadata.annotations?.['supersmartmatch.io/outdated']
  await change('shrunk', { replicas: 1 })
  await until(
    async () =>
      (await reconcile('shrunk')).get('EngineReady')?.status === 'True' &&
      cache.get(podKind, namespace, 'shrunk-1') === undefined,
    60_000,
  )
  expect(await mark()).toBeDefined()
  expect(Object.keys((await get(claimKind, 'data-shrunk-1'))?.metadata.annotations ?? {}).join()).not.toContain(
    'given-up',
  )
  expect(await promotedAfter('shrunk', 40_000)).toEqual([])
  await change('shrunk', { replicas: 2 })
  await until(async () => {
    await playPods('shrunk')
    return (await reconcile('shrunk')).get('EngineReady')?.status === 'True'
  }, 60_000)
  expect(await mark()).toBeUndefined()
})

/** Who is told to lead when all that are there only follow, and have been ready for so long. */
async function promotedAfter(store: string, ms: number, refusal?: string): Promise<string[]> {
  const promoted: string[] = []
  const observe = members.observe.bind(members)
  const spies = [
    vi.spyOn(members, 'observe').mockImplementation(async (...given) => {
      const { members: found } = await observe(...given)
      return { members: found.map((one) => ({ ...one, role: 'replica', healthy: false })), paused: false }
    }),
    vi.spyOn(members, 'promote').mockImplementation(async (_at, name) => {
      promoted.push(name)
      return refusal
    }),
    vi.spyOn(tools, 'now').mockReturnValue(new Date(Date.now() + ms)),
  ]
  try {
    await reconcile(store)
    return promoted
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

async function playPods(store: string): Promise<void> {
  for (const pod of cache.list(podKind, namespace)) {
    const { phase } = (pod['status'] ?? {}) as { phase?: string }
    if (pod.metadata.name.startsWith(`${store}-`) && phase !== 'Running' && !pod.metadata.deletionTimestamp)
      await playRunning(client, pod)
  }
}

const growingClass = `growing-${namespace}`

test('a volume grows without a restart; a class that cannot is said so', async () => {
  const classKind = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' }
  const path = '/apis/storage.k8s.io/v1/storageclasses'
  const fields = { provisioner: 'example.com/none', volumeBindingMode: 'Immediate' }
  const rigidClass = `rigid-${namespace}`
  for (const [name, allowVolumeExpansion] of [
    [growingClass, true],
    [rigidClass, false],
  ] as const) {
    await client.request('POST', path, { body: { ...classKind, metadata: { name }, ...fields, allowVolumeExpansion } })
  }
  try {
    await growth()
    await make('rigid', { storage: { size: '1Gi', storageClass: rigidClass } })
    await reconcile('rigid')
    await until(() => cache.get(claimKind, namespace, 'data-rigid-0') !== undefined)
    await change('rigid', { storage: { size: '2Gi' } })
    await run('rigid')
    const conditions = await reconcile('rigid')
    const applied = conditions.get('ObjectsApplied')
    expect(applied).toMatchObject({ status: 'False', reason: 'VolumeCannotGrow' })
    expect(applied?.message).toContain(rigidClass)
    for (const type of ['EngineReady', 'CredentialsReady'] as const)
      expect(conditions.get(type)?.status, type).toBe('True')
    expect(conditions.get('Ready')).toMatchObject({ status: 'False', message: applied?.message })
    expect(conditions.get('Stalled')?.status).toBe('True')
  } finally {
    for (const name of [growingClass, rigidClass]) await client.request('DELETE', `${path}/${name}`)
  }

  // A store whose class is gone is told so, and looked after all the same.
  const service = { apiVersion: 'v1', kind: 'Service' }
  await remove(service, 'grow-ro')
  const conditions = await reconcile('grow')
  expect(conditions.get('DependenciesReady')).toMatchObject({ status: 'False', reason: 'StorageClassMissing' })
  expect(conditions.get('EngineReady')?.status).toBe('True')
  expect(await get(service, 'grow-ro')).toBeDefined()
})

/** The test plays the driver: no provisioner here can resize. */
async function growth(): Promise<void> {
  await make('grow', { storage: { size: '1Gi', storageClass: growingClass } })
  await reconcile('grow')
  await run('grow')
  await bindClaim('data-grow-0', '1Gi')
  const pod = (await get(podKind, 'grow-0'))?.metadata.uid
  const statefulSet = (await get(statefulSetKind, 'grow'))?.metadata.uid
  await change('grow', { storage: { size: '2Gi' } })
  expect((await reconcile('grow')).get('ObjectsApplied')).toMatchObject({ status: 'False', reason: 'VolumeResizing' })
  expect(JSON.stringify((await get(claimKind, 'data-grow-0'))?.['spec'])).toContain('"storage":"2Gi"')
  const asked = vi.spyOn(members, 'configure')
  await remove({ apiVersion: 'v1', kind: 'Service' }, 'grow-ro')
  const meanwhile = await reconcile('grow')
  const waiting = meanwhile.get('ObjectsApplied')
  expect(await get({ apiVersion: 'v1', kind: 'Service' }, 'grow-ro')).toBeDefined()
  expect(meanwhile.get('EngineReady')?.status).toBe('True')
  expect(meanwhile.get('CredentialsReady')?.status).toBe('True')
  expect(meanwhile.get('Reconciling')?.message).toBe(waiting?.message)
  expect(asked.mock.lastCall?.[1].store.spec.storage.size).toBe('1Gi')
  expect(waiting?.message).toContain('volume of claim data-grow-0 has 1Gi and is growing to 2Gi')

  await client.mergePatch(claimKind, namespace, 'data-grow-0', { status: { capacity: { storage: '2Gi' } } }, 'status')
  await until(() => JSON.stringify(cache.get(claimKind, namespace, 'data-grow-0')?.['status']).includes('"2Gi"'))
  await until(async () => (await reconcile('grow')).get('EngineReady')?.status === 'True', 60_000)
  expect(asked.mock.lastCall?.[1].store.spec.storage.size).toBe('2Gi')
  asked.mockRestore()
  expect((await get(statefulSetKind, 'grow'))?.metadata.uid).not.toBe(statefulSet)
  expect(JSON.stringify((await get(statefulSetKind, 'grow'))?.['spec'])).toContain('"storage":"2Gi"')
  expect((await get(podKind, 'grow-0'))?.metadata.uid).toBe(pod)
}

/** Plays provisioner and volume controller. */
async function bindClaim(name: string, storage: string): Promise<void> {
  await until(() => cache.get(claimKind, namespace, name) !== undefined)
  const volume = `${name}-${namespace}`
  const claim = (await get(claimKind, name))!
  const claimRef = { namespace, name, uid: claim.metadata.uid, apiVersion: 'v1', kind: 'PersistentVolumeClaim' }
  const spec = {
    capacity: { storage },
    accessModes: ['ReadWriteOnce'],
    hostPath: { path: '/nowhere' },
    storageClassName: growingClass,
    persistentVolumeReclaimPolicy: 'Retain',
    claimRef,
  }
  const body = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: volume }, spec }
  await client.request('POST', '/api/v1/persistentvolumes', { body })
  onTestFinished(async () => {
    await client.request('DELETE', `/api/v1/persistentvolumes/${volume}`)
  })
  const bound = () =>
    (cache.get(claimKind, namespace, name)?.['status'] as { phase?: string } | undefined)?.phase === 'Bound'
  await until(bound, 60_000)
}

test('a lost superuser Secret is not made anew for a volume that only the old password opens', async () => {
  await make('lost')
  await reconcile('lost')
  await until(() => cache.get(claimKind, namespace, 'data-lost-0') !== undefined)
  const { data, metadata, type } = (await get(secretKind, 'lost-superuser'))!
  const passwordOf = async (name: string) => secretValue(await get(secretKind, `lost-${name}`), 'password')
  const before = { replication: await passwordOf('replication'), pooler: await passwordOf('pooler') }
  await remove(secretKind, 'lost-superuser')
  await remove(secretKind, 'lost-replication')
  await remove(secretKind, 'lost-pooler')

  const conditions = await reconcile('lost')
  expect(conditions.get('ObjectsApplied')).toMatchObject({ status: 'False', reason: 'SecretMissing' })
  for (const name of ['lost-superuser', 'data-lost-0']) {
    expect(conditions.get('ObjectsApplied')?.message).toContain(name)
  }
  expect(conditions.get('Stalled')?.status).toBe('True')
  expect(await get(secretKind, 'lost-superuser')).toBeUndefined()

  const { name, labels = {} } = metadata
  const restored = await client.create({ ...secretKind, metadata: { name, namespace, labels }, data, type })
  await until(() => cache.get(secretKind, namespace, name) !== undefined)
  expect((await reconcile('lost')).get('ObjectsApplied')?.status).toBe('True')
  expect((await get(secretKind, name))?.['data']).toEqual(restored['data'])
  // The pooler's is set in the engine again, so it is simply made anew; that of replication is what the running pods have.
  expect(await passwordOf('pooler')).toHaveLength(43)
  expect(await passwordOf('pooler')).not.toBe(before.pooler)
  expect(await passwordOf('replication')).toBe(before.replication)
  expect(Object.values(before)).not.toContain(secretValue(restored, 'password'))
})

test('a retained volume that is larger than asked for is named with both sizes before anything is made', async () => {
  const labels = { 'app.kubernetes.io/managed-by': managedBy, 'app.kubernetes.io/instance': 'size' }
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '3Gi' } } }
  await client.create({ ...claimKind, metadata: { name: 'data-size-0', namespace, labels }, spec })
  await until(() => cache.get(claimKind, namespace, 'data-size-0') !== undefined)
  await make('size', { storage: { size: '1Gi' } })
  const conditions = await reconcile('size')
  expect(conditions.get('ObjectsApplied')).toMatchObject({ status: 'False', reason: 'VolumeSizeDiffers' })
  for (const part of ['data-size-0', '1Gi', '3Gi']) {
    expect(conditions.get('ObjectsApplied')?.message).toContain(part)
  }
  expect(conditions.get('Stalled')?.status).toBe('True')
  expect(await get(statefulSetKind, 'size')).toBeUndefined()
  expect(await get(secretKind, 'size-superuser')).toBeUndefined()
})

const endpointsKind = { apiVersion: 'v1', kind: 'Endpoints' }

/** As a Patroni that is stopping may leave it behind. */
async function remember(name: string): Promise<void> {
  const metadata = { name: `${name}-config`, namespace, annotations: { initialize: '7123' } }
  await client.create({ ...endpointsKind, metadata })
}

const remembered = async (name: string) =>
  (await get(endpointsKind, `${name}-config`))?.metadata.annotations?.['initialize']

test('what Patroni remembers of a former store goes before a first start with an empty volume', async () => {
  await remember('empty')
  await make('empty')
  await reconcile('empty')
  expect(await remembered('empty')).toBeUndefined()
})

test('what Patroni remembers has no owner: like the volumes it outlives the store, also one that an earlier operator made', async () => {
  await make('memory')
  await reconcile('memory')
  const services = ['memory-config', 'memory-sync']
  const owners = async () =>
    Promise.all(services.map(async (name) => (await get(serviceKind, name))?.metadata.ownerReferences ?? []))
  expect(await owners()).toEqual([[], []])

  const { ownerReferences } = (await get(serviceKind, 'memory'))!.metadata
  expect(ownerReferences).toHaveLength(1)
  for (const name of services) {
    await client.mergePatch(serviceKind, namespace, name, { metadata: { ownerReferences } })
    await until(() => cache.get(serviceKind, namespace, name)?.metadata.ownerReferences !== undefined)
  }
  expect((await reconcile('memory')).get('ObjectsApplied')?.status).toBe('True')
  expect(await owners()).toEqual([[], []])
})

test('a store is not begun anew beside the volumes of others; a claim that is going is waited for', async () => {
  const labels = { 'app.kubernetes.io/managed-by': managedBy, 'app.kubernetes.io/instance': 'headless' }
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } }
  const metadata = { name: 'data-headless-1', namespace, labels, finalizers: ['test.example/hold'] }
  await client.create({ ...claimKind, metadata, spec })
  await until(() => cache.get(claimKind, namespace, 'data-headless-1') !== undefined)
  await make('headless')
  expect((await reconcile('headless')).get('ObjectsApplied')?.reason).toBe('VolumeMissing')
  expect(await get(statefulSetKind, 'headless')).toBeUndefined()

  await client.delete((await get(claimKind, 'data-headless-1'))!)
  await until(() => cache.get(claimKind, namespace, 'data-headless-1')?.metadata.deletionTimestamp !== undefined)
  expect((await reconcile('headless')).get('ObjectsApplied')?.reason).toBe('PreviousOwnerTerminating')
  await client.mergePatch(claimKind, namespace, 'data-headless-1', { metadata: { finalizers: null } })
  await until(() => cache.get(claimKind, namespace, 'data-headless-1') === undefined)
  expect((await reconcile('headless')).get('ObjectsApplied')?.status).toBe('True')
})

test('a retained volume of the size that is asked for is adopted, however it is written', async () => {
  const labels = { 'app.kubernetes.io/managed-by': managedBy, 'app.kubernetes.io/instance': 'equal' }
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } }
  await client.create({ ...claimKind, metadata: { name: 'data-equal-0', namespace, labels }, spec })
  await client.create({
    ...secretKind,
    metadata: {
      name: 'equal-superuser',
      namespace,
      labels: { ...labels, 'app.kubernetes.io/name': 'postgres', 'app.kubernetes.io/component': 'database' },
    },
    data: { password: 'eA==' },
  })
  await until(() => cache.get(claimKind, namespace, 'data-equal-0') !== undefined)
  await until(() => cache.get(secretKind, namespace, 'equal-superuser') !== undefined)
  await remember('equal')
  await make('equal', { storage: { size: '2048Mi' } })
  expect((await reconcile('equal')).get('ObjectsApplied')?.status).toBe('True')
  // With the volume there, what Patroni remembers is true.
  expect(await remembered('equal')).toBe('7123')
})

test('a finished Job of an earlier DataStore of the same name does not count: the new one migrates itself', async () => {
  await make('again')
  await reconcile('again')
  await run('again')
  await reconcile('again')
  const earlier = await migrationJob('again')
  await finish(earlier, 'Complete')
  // Held back, as a slow garbage collector would.
  await client.mergePatch(jobKind, namespace, earlier.metadata.name, { metadata: { finalizers: ['test/hold'] } })
  await client.delete((await get(dataStoreKind, 'again'))!)
  await until(() => cache.get(dataStoreKind, namespace, 'again') === undefined)

  await make('again')
  await until(async () => (await reconcile('again')).get('ObjectsApplied')?.status === 'True', 60_000)
  await run('again')
  const schemaReady = (await reconcile('again')).get('SchemaReady')
  expect(schemaReady?.status).toBe('False')
  expect(schemaReady?.message).toContain(earlier.metadata.name)
  expect((await get(dataStoreKind, 'again'))?.['status']).not.toHaveProperty('schema')

  await until(async () => {
    const job = cache.get(jobKind, namespace, earlier.metadata.name)
    if (job?.metadata.deletionTimestamp) {
      await client.mergePatch(jobKind, namespace, job.metadata.name, { metadata: { finalizers: null } })
    }
    return job === undefined
  }, 60_000)
  expect((await reconcile('again')).get('SchemaReady')).toMatchObject({ status: 'False', reason: 'Running' })
  expect((await migrationJob('again')).metadata.uid).not.toBe(earlier.metadata.uid)
})

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
const scheduledJob = (lastSuccessAt: Date) => ({
  name: 'tidy',
  schedule: '0 0 * * *',
  createdAt: daysAgo(9),
  lastRunAt: lastSuccessAt,
  lastRun: lastSuccessAt.toISOString(),
  lastSuccessAt,
  lastError: null,
  scheduled: true,
})

test('a scheduled job that is late is a warning: said once, and the store is Ready all the same', async () => {
  const clock = vi.spyOn(tools, 'now')
  onTestFinished(() => clock.mockRestore())
  const at = Date.now()
  upkeep = { now: new Date(), timeZone: 'UTC', jobs: [scheduledJob(daysAgo(0))] }
  await make('late')
  await reconcile('late')
  await run('late')
  await reconcile('late')
  await finish(await migrationJob('late'), 'Complete')
  const onTime = await reconcile('late')
  expect(onTime.get('MaintenanceOnTime')).toMatchObject({ status: 'True', reason: 'OnTime' })
  expect(onTime.get('Ready')?.status).toBe('True')

  // What happens in between leads to no further query, and to no write.
  const versionOf = async () => (await get(dataStoreKind, 'late'))?.metadata.resourceVersion
  const version = await versionOf()
  asked = []
  upkeep = { now: new Date(), timeZone: 'UTC', jobs: [scheduledJob(daysAgo(3))] }
  clock.mockReturnValue(new Date(at + 30_000))
  await reconcile('late')
  expect(asked).not.toContain('maintenance')
  expect(await versionOf()).toBe(version)

  clock.mockReturnValue(new Date(at + 120_000))
  const late = await reconcile('late')
  expect(late.get('MaintenanceOnTime')).toMatchObject({ status: 'False', reason: 'Overdue' })
  expect(late.get('MaintenanceOnTime')?.message).toMatch(
    /^job tidy \(0 0 \* \* \*\) last succeeded at .* and does not run/,
  )
  expect(late.get('BindingPublished')?.status).toBe('True')
  expect(late.get('Ready')).toMatchObject({ status: 'True', reason: 'Ready' })
  expect(late.has('Stalled') || late.has('Reconciling')).toBe(false)
  expect(((await get(dataStoreKind, 'late')) as DataStore).status?.phase).toBe('Ready')
  const warnings = async () => (await reasonsOf('late')).filter((reason) => reason === 'Overdue')
  expect(await warnings()).toHaveLength(1)
  const written = await versionOf()
  clock.mockReturnValue(new Date(at + 240_000))
  await reconcile('late')
  expect(asked.filter((what) => what === 'maintenance')).toHaveLength(2)
  expect(await versionOf()).toBe(written)
  expect(await warnings()).toHaveLength(1)

  upkeep = { now: new Date(), timeZone: 'UTC', jobs: [scheduledJob(daysAgo(0))] }
  clock.mockReturnValue(new Date(at + 360_000))
  expect((await reconcile('late')).get('MaintenanceOnTime')?.status).toBe('True')
})

const subject = '6f1c0b3e-8f43-4c0e-9a55-0d7c5e5b0001'

test('what keeps more is in force at once; what would remove rows is told and waits for its approval', async () => {
  const clock = vi.spyOn(tools, 'now')
  onTestFinished(() => clock.mockRestore())
  let ahead = 0
  const later = () => clock.mockReturnValue(new Date(Date.now() + (ahead += 301_000)))
  await make('kept')
  const store = async () => (await get(dataStoreKind, 'kept')) as DataStore
  const change = async (patch: object) => {
    const { metadata } = await edit(await store(), patch)
    await until(
      () => cache.get(dataStoreKind, namespace, 'kept')?.metadata.resourceVersion === metadata.resourceVersion,
    )
  }
  const rules = { ...wanted(await store()).rules }
  kept = { rules, holds: [], oldest: { sessions: daysAgo(3) }, now: new Date() }
  await reconcile('kept')
  await run('kept')
  await reconcile('kept')
  await finish(await migrationJob('kept'), 'Complete')
  expect((await reconcile('kept')).get('RetentionInSync')).toMatchObject({ status: 'True', reason: 'InSync' })
  expect((await store()).status?.retention?.['sessions']).toEqual({
    keep: '30d',
    since: expect.any(String) as string,
    oldest: daysAgo(3).toISOString().slice(0, 10),
  })
  expect(asked).not.toContain('set retention')

  // In between nobody asks, and nothing is written.
  const version = (await store()).metadata.resourceVersion
  asked = []
  await reconcile('kept')
  expect(asked).not.toContain('retention')
  expect((await store()).metadata.resourceVersion).toBe(version)

  // An edit is looked at as it comes.
  await change({
    spec: { retention: { rules: { sessions: { keep: '60d' } }, legalHolds: [{ subject, reason: 'case 1' }] } },
  })
  expect((await reconcile('kept')).get('RetentionInSync')).toMatchObject({ status: 'True', reason: 'InSync' })
  expect(kept).toMatchObject({ rules: { sessions: { keep: '60d' } }, holds: [{ subject, reason: 'case 1' }] })
  expect((await store()).status?.retention?.['sessions']?.keep).toBe('60d')

  removes = { sessions: 12 }
  await change({ spec: { retention: { rules: { sessions: { keep: '1d' }, consents: { keep: '6y' } } } } })
  const waiting = (await reconcile('kept')).get('RetentionInSync')
  expect(waiting).toMatchObject({ status: 'False', reason: 'AwaitingApproval' })
  expect(kept).toMatchObject({ rules: { sessions: { keep: '60d' }, consents: { keep: '6y' } } })
  const { status } = await store()
  expect(status?.retention?.['sessions']).toMatchObject({ keep: '60d', wanted: '1d' })
  expect(status?.pending).toMatchObject({ differences: ['sessions: 60d → 1d removes 12 rows'] })
  expect(status?.phase).toBe('Ready')
  expect(waiting?.message).toContain(`supersmartmatch.io/approve=${status?.pending?.hash}`)

  // Another plan's approval lets nothing go; its own does, also when there are more rows by now.
  await change({ metadata: { annotations: { 'supersmartmatch.io/approve': 'abc' } } })
  expect((await reconcile('kept')).get('RetentionInSync')?.reason).toBe('AwaitingApproval')
  removes = { sessions: 13 }
  await change({ metadata: { annotations: { 'supersmartmatch.io/approve': status?.pending?.hash } } })
  expect((await reconcile('kept')).get('RetentionInSync')).toMatchObject({ status: 'True', reason: 'InSync' })
  expect(kept).toMatchObject({ rules: { sessions: { keep: '1d' } } })
  expect((await store()).status?.pending).toBeUndefined()

  // The same change another time is asked for again: the annotation is still there.
  kept = { ...kept, rules: { ...kept.rules, sessions: { keep: '60d', hold: false } } }
  later()
  expect((await reconcile('kept')).get('RetentionInSync')?.reason).toBe('AwaitingApproval')
  expect((await store()).status?.pending?.hash).not.toBe(status?.pending?.hash)

  // A hold is in force although what else is wanted cannot be counted.
  refuses = 'canceling statement due to statement timeout'
  await change({ spec: { retention: { legalHolds: [{ subject, reason: 'case 2' }] } } })
  const uncounted = (await reconcile('kept')).get('RetentionInSync')
  expect(uncounted).toMatchObject({ status: 'False', reason: 'Unobserved' })
  expect(kept.holds).toEqual([{ subject, reason: 'case 2' }])
  expect((await store()).status?.legalHolds).toBe(1)
  refuses = ''

  // What somebody changes in the engine is put right, as long as that costs nothing.
  removes = {}
  kept = { ...kept, rules: { ...kept.rules, sessions: { keep: '9d', hold: false } }, oldest: {} }
  later()
  expect((await reconcile('kept')).get('RetentionInSync')?.status).toBe('True')
  expect(kept).toMatchObject({ rules: { sessions: { keep: '1d' } } })

  kept = { ...kept, oldest: { sessions: daysAgo(3) }, now: new Date() }
  later()
  // It has not been so for a day.
  expect((await reconcile('kept')).get('RetentionInSync')?.status).toBe('True')
  ahead += 86_400_000
  later()
  const behind = await reconcile('kept')
  expect(behind.get('RetentionInSync')).toMatchObject({ status: 'False', reason: 'Behind' })
  expect(behind.get('RetentionInSync')?.message).toMatch(/^rows older than the rules allow: sessions \(.*, keep 1d\)/)
  expect(behind.get('Ready')?.status).toBe('True')

  isLeader = false
  kept = { ...kept, rules: { ...kept.rules, sessions: { keep: '9d', hold: false } }, oldest: {} }
  later()
  await reconcile('kept')
  expect(kept).toMatchObject({ rules: { sessions: { keep: '9d' } } })
})

test('a period that a rule cannot have stops the spec, with its path', async () => {
  const timescale = { ...tools, engines: { ...tools.engines, timescale: engines.timescale } }
  const other = reconciler(dataStoreController(timescale), {
    watchNamespaces: [namespace],
    client,
    cache,
    events: tools.events,
    log,
  })
  const retention = { rules: { 'availability-patterns': { keep: '7d' } } }
  const spec = { engine: 'timescale', schema: { name: 'temporal' }, image: 'localhost/none:1', retention }
  timescale.schemas = { ...tools.schemas, temporal: tools.schemas.core } as typeof tools.schemas
  await client.create({ ...dataStoreKind, metadata: { name: 'brief', namespace }, spec })
  await until(() => cache.get(dataStoreKind, namespace, 'brief') !== undefined)
  await other(`${namespace}/brief`, AbortSignal.timeout(30_000))
  const conditions = ((await get(dataStoreKind, 'brief')) as DataStore).status?.conditions
  expect(conditions?.find(({ type }) => type === 'SpecValid')?.message).toMatch(
    /^spec\.retention\.rules\.availability-patterns\.keep: 7d is less than 32d/,
  )
})

test('a store without a schema has no scheduled work to be late', async () => {
  const others = { ...tools, engines: { ...tools.engines, redis: engines.redis } }
  const other = reconciler(dataStoreController(others), {
    watchNamespaces: [namespace],
    client,
    cache,
    events: tools.events,
    log,
  })
  await client.create({ ...dataStoreKind, metadata: { name: 'bare', namespace }, spec: { engine: 'redis' } })
  await until(() => cache.get(dataStoreKind, namespace, 'bare') !== undefined)
  await other(`${namespace}/bare`, AbortSignal.timeout(30_000))
  const types = ((await get(dataStoreKind, 'bare')) as DataStore).status?.conditions.map(({ type }) => type)
  expect(types).toContain('BindingPublished')
  expect(types).not.toContain('MaintenanceOnTime')
})

test('an issuer that is not there is named; a store that runs goes on with the certificate it has', async () => {
  await make('signed')
  await reconcile('signed')
  await run('signed')
  await reconcile('signed')
  const before = await get(secretKind, 'signed-tls')
  const { metadata } = await edit((await get(dataStoreKind, 'signed'))!, {
    spec: { tls: { issuerRef: { name: 'no' } } },
  })
  await until(() => cache.get(dataStoreKind, namespace, 'signed')?.metadata.generation === metadata.generation)
  const conditions = await reconcile('signed')
  const found = conditions.get('DependenciesReady')
  expect(found).toMatchObject({ status: 'False', reason: 'IssuerUnavailable' })
  expect(found?.message).toContain('spec.tls.issuerRef names Issuer no, ')
  for (const later of ['ObjectsApplied', 'EngineReady'] as const) expect(conditions.get(later)?.status).toBe('True')
  expect(conditions.get('Ready')?.message).toBe(found?.message)
  expect((await get(secretKind, 'signed-tls'))?.['data']).toEqual(before?.['data'])

  await make('unsigned', { tls: { issuerRef: { name: 'no' } } })
  expect((await reconcile('unsigned')).get('ObjectsApplied')?.status).toBe('Unknown')
  expect(await get(statefulSetKind, 'unsigned')).toBeUndefined()
})
