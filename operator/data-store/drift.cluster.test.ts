import { beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import { hasStatus } from '../kube/client.ts'
import { client, edit, testNamespace, until } from '../kube/testing/cluster.ts'
import { pathOf } from '../kube/resources.ts'
import { beyondAnyNode } from '../testing/kubelet.ts'
import { testOperator } from '../testing/operator.ts'
import { coreAlone } from '../testing/platform.ts'

/**
 * What the operator owns comes back when somebody deletes or edits it; what holds data never comes back empty. The whole operator
 * runs, woken by what happens; the API server and its controllers are real.
 */
const namespace = await testNamespace()
const operator = testOperator(namespace)
const limitMs = 30_000

const kinds = {
  MatchingCluster: apiVersion,
  DataStore: apiVersion,
  ConfigMap: 'v1',
  Endpoints: 'v1',
  PersistentVolumeClaim: 'v1',
  Pod: 'v1',
  Secret: 'v1',
  Service: 'v1',
  ServiceAccount: 'v1',
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  Role: 'rbac.authorization.k8s.io/v1',
  RoleBinding: 'rbac.authorization.k8s.io/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
}
type Kind = keyof typeof kinds
const ref = (kind: Kind) => ({ apiVersion: kinds[kind], kind })
const get = (kind: Kind, name: string) => client.get(ref(kind), namespace, name)

async function existing(kind: Kind, name: string): Promise<KubeObject> {
  const found = await get(kind, name)
  if (!found) throw new Error(`there is no ${kind} ${name}`)
  return { ...found, ...ref(kind) }
}

beforeAll(async () => {
  operator.start()
  const resources = { cpu: beyondAnyNode }
  await makeStore('alone')
  const spec = { stores: { ...coreAlone, core: { resources } }, pooling: { resources } }
  await client.create({ ...ref('MatchingCluster'), metadata: { name: 'all', namespace }, spec })
  await until(async () => (await get('Deployment', 'all-pooler')) !== undefined, 60_000)
})

async function makeStore(name: string): Promise<void> {
  const spec = { engine: 'postgres', schema: { name: 'core' }, resources: { cpu: beyondAnyNode } }
  await client.create({ ...ref('DataStore'), metadata: { name, namespace }, spec })
  await until(() => isReady(name), 60_000)
}

async function isReady(name: string): Promise<boolean> {
  return (await conditionOf(name, 'Ready'))?.status === 'True'
}

async function conditionOf(name: string, type: string) {
  const store = (await get('DataStore', name)) as DataStore | undefined
  return store?.status?.conditions.find((condition) => condition.type === type)
}

async function remove(kind: Kind, name: string): Promise<void> {
  await client.request('DELETE', pathOf(ref(kind), namespace, name), { body: { propagationPolicy: 'Background' } })
}

/** What an object says, without what the API server says about it. */
function content({ metadata, ...rest }: KubeObject): object {
  const { labels, ownerReferences = [] } = metadata
  const clean = { ...rest, status: undefined, labels, owners: ownerReferences.map(({ uid }) => uid) }
  return JSON.parse(
    JSON.stringify(clean, (key, value: unknown) => (assigned.includes(key) ? undefined : value)),
  ) as object
}
const assigned = ['clusterIP', 'clusterIPs', 'resourceVersion', 'uid']

// prettier-ignore
const derived: [Kind, string, object][] = [
  ['Service',        'alone',          { spec: { ports: [{ name: 'postgres', port: 5432, targetPort: 1 }] } }],
  ['Service',        'alone-headless', { spec: { publishNotReadyAddresses: false } }],
  ['Service',        'alone-config',   { metadata: { labels: { 'app.kubernetes.io/part-of': 'other' } } }],
  ['ConfigMap',      'alone-patroni',  { data: { 'patroni.yml': 'scope: other' } }],
  ['ServiceAccount', 'alone',          { automountServiceAccountToken: true }],
  ['Role',           'alone',          { rules: [] }],
  ['RoleBinding',    'alone',          { subjects: [] }],
  ['NetworkPolicy',  'alone',          { spec: { ingress: [{}] } }],
  ['NetworkPolicy',  'alone-migrate',  { spec: { egress: null } }],
  ['StatefulSet',    'alone',          { spec: { replicas: 0 } }],
  ['DataStore',      'all-core',       { spec: { resources: { memory: '100Mi' } } }],
  ['NetworkPolicy',  'all-pooler',     { spec: { policyTypes: ['Ingress'] } }],
  ['NetworkPolicy',  'all-core-api',   { spec: { podSelector: { matchLabels: null } } }],
  ['ConfigMap',      'all-pooler',     { data: { 'pgbouncer.ini': '[pgbouncer]' } }],
  ['Service',        'all-pooler',     { spec: { selector: { 'app.kubernetes.io/instance': 'other' } } }],
  ['Deployment',     'all-pooler',     { spec: { replicas: 0 } }],
]

test.each(derived)('%s %s is made again as it was', async (kind, name) => {
  const before = await existing(kind, name)
  await remove(kind, name)
  await until(
    async () => ((await get(kind, name))?.metadata.uid ?? before.metadata.uid) !== before.metadata.uid,
    limitMs,
  )
  expect(content(await existing(kind, name))).toEqual(content(before))
})

test.each(derived)('%s %s is put right when it is edited', async (kind, name, change) => {
  const before = await existing(kind, name)
  await editObject(before, change)
  const edited = await existing(kind, name)
  await until(async () => (await existing(kind, name)).metadata.resourceVersion !== before.metadata.resourceVersion)
  await until(async () => isEqual(content(await existing(kind, name)), content(before)), limitMs)
  expect(edited.metadata.uid).toBe((await existing(kind, name)).metadata.uid)
})

const isEqual = (one: object, other: object) => JSON.stringify(one) === JSON.stringify(other)

/** As somebody with kubectl does. */
async function editObject(object: KubeObject, change: object): Promise<void> {
  const { namespace, name } = object.metadata
  await client.request('PATCH', pathOf(object, namespace, name), {
    query: { fieldManager: 'someone' },
    body: change,
    contentType: 'application/merge-patch+json',
  })
}

describe('Secrets', () => {
  // prettier-ignore
  test.each([
    ['alone-owner',       'password'],
    ['alone-app',         'password'],
    ['alone-pooler',      'password'],
    ['alone-tls',         'tls.crt'],
    ['all-pooler-tls',    'tls.crt'],
  ])('%s is made anew', async (name, key) => {
    const before = await existing('Secret', name)
    await remove('Secret', name)
    await until(async () => ((await get('Secret', name))?.metadata.uid ?? before.metadata.uid) !== before.metadata.uid, limitMs)
    const after = await existing('Secret', name)
    expect(after.metadata.labels).toEqual(before.metadata.labels)
    expect(valueOf(after, key)).toBeTruthy()
    expect(valueOf(after, key)).not.toBe(valueOf(before, key))
    await until(() => isReady('alone'), limitMs)
  })

  test('that of replication comes back as it was: running pods have its password', async () => {
    const before = await existing('Secret', 'alone-replication')
    await remove('Secret', 'alone-replication')
    await until(
      async () =>
        ((await get('Secret', 'alone-replication'))?.metadata.uid ?? before.metadata.uid) !== before.metadata.uid,
      limitMs,
    )
    const after = await existing('Secret', 'alone-replication')
    expect(after.metadata.uid).not.toBe(before.metadata.uid)
    expect(after['data']).toEqual(before['data'])
  })

  // prettier-ignore
  test.each([
    ['alone-owner', { host: 'ZWxzZXdoZXJl' }],
    ['alone-app',   { port: 'MQ==' }],
    ['alone-tls',   { 'tls.key': 'bm9uZQ==' }],
  ])('%s is put right when it is edited', async (name, data) => {
    const before = await existing('Secret', name)
    await edit(before, { data })
    const [key = '', value] = Object.entries(data)[0] ?? []
    await until(async () => valueOf(await existing('Secret', name), key) !== value, limitMs)
    expect((await existing('Secret', name)).metadata.uid).toBe(before.metadata.uid)
  })

  test('the superuser’s is not made anew: the volume opens for its password only', async () => {
    await makeStore('locked')
    await until(async () => (await get('PersistentVolumeClaim', 'data-locked-0')) !== undefined)
    await remove('Secret', 'locked-superuser')
    await until(async () => (await conditionOf('locked', 'ObjectsApplied'))?.reason === 'SecretMissing', limitMs)
    expect((await conditionOf('locked', 'Stalled'))?.message).toContain('locked-superuser')
    expect(await get('Secret', 'locked-superuser')).toBeUndefined()
  })
})

const valueOf = (object: KubeObject, key: string) => (object['data'] as Record<string, string>)[key]

describe('volumes', () => {
  test('a StatefulSet that is made again finds the volume that was there', async () => {
    const claim = await existing('PersistentVolumeClaim', 'data-alone-0')
    const pod = await existing('Pod', 'alone-0')
    await remove('StatefulSet', 'alone')
    // The new one may have made its pod before anybody sees that the old one is gone.
    await until(async () => (await get('Pod', 'alone-0'))?.metadata.uid !== pod.metadata.uid, limitMs)
    await until(() => isReady('alone'), limitMs)
    expect((await existing('PersistentVolumeClaim', 'data-alone-0')).metadata.uid).toBe(claim.metadata.uid)
  })

  test('a claim that was deleted while its pod runs is warned of, and the store stays Ready', async () => {
    await makeStore('warned')
    await editObject(await existing('PersistentVolumeClaim', 'data-warned-0'), {
      metadata: { finalizers: ['test.example/pod'] },
    })
    await remove('PersistentVolumeClaim', 'data-warned-0')
    await until(async () => (await conditionOf('warned', 'DataAtRisk'))?.status === 'True', limitMs)
    expect((await conditionOf('warned', 'DataAtRisk'))?.message).toContain('data-warned-0')
    expect(await isReady('warned')).toBe(true)
    await operator.tools.events.flush()
    const events = await client.list({ apiVersion: 'events.k8s.io/v1', kind: 'Event' }, namespace)
    expect(events.filter(({ reason }) => reason === 'VolumeTerminating')).toHaveLength(1)
    await editObject(await existing('PersistentVolumeClaim', 'data-warned-0'), { metadata: { finalizers: null } })
  })

  test('volume and StatefulSet gone: nothing is made until the volume is back, and Patroni’s memory stays', async () => {
    await makeStore('emptied')
    const claim = await existing('PersistentVolumeClaim', 'data-emptied-0')
    await remember('emptied-config', '7123')
    await operator.kill()
    await remove('StatefulSet', 'emptied')
    await until(async () => (await get('Pod', 'emptied-0')) === undefined, limitMs)
    await remove('PersistentVolumeClaim', 'data-emptied-0')
    await until(async () => (await get('PersistentVolumeClaim', 'data-emptied-0')) === undefined, limitMs)
    await until(() => operator.cache.get(ref('PersistentVolumeClaim'), namespace, 'data-emptied-0') === undefined)
    operator.start()
    await until(async () => (await conditionOf('emptied', 'ObjectsApplied'))?.reason === 'VolumeMissing', limitMs)
    expect((await conditionOf('emptied', 'Stalled'))?.message).toContain('data-emptied-0')
    expect(await get('StatefulSet', 'emptied')).toBeUndefined()
    expect((await existing('Endpoints', 'emptied-config')).metadata.annotations?.['initialize']).toBe('7123')

    const { name, labels = {} } = claim.metadata
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } }
    await client.create({ ...ref('PersistentVolumeClaim'), metadata: { name, namespace, labels }, spec })
    await until(() => isReady('emptied'), limitMs)
  })

  test('a pod that found its volume empty says so through its store', async () => {
    await makeStore('hollow')
    const words = 'The volume is empty, but hollow had a database: bring its volume back.'
    const terminated = { exitCode: 1, reason: 'Error', message: words, finishedAt: '2026-01-02T03:04:05Z' }
    const state = { waiting: { reason: 'CrashLoopBackOff' } }
    const prepare = {
      name: 'prepare',
      image: 'none',
      imageID: '',
      ready: false,
      restartCount: 1,
      state,
      lastState: { terminated },
    }
    operator.tools.engines['postgres'] = {
      ...operator.tools.engines['postgres']!,
      probe: async () => ({ state: 'unreachable', message: 'no answer' }),
    }
    await client.mergePatch(
      ref('Pod'),
      namespace,
      'hollow-0',
      { status: { initContainerStatuses: [prepare] } },
      'status',
    )
    await until(async () => (await conditionOf('hollow', 'EngineReady'))?.reason === 'VolumeMissing', limitMs)
    expect((await conditionOf('hollow', 'Stalled'))?.message).toContain('hollow-0')
  })
})

/** As Patroni does, in the Endpoints of that name. */
async function remember(name: string, initialize: string): Promise<void> {
  const metadata = { name, namespace, annotations: { initialize } }
  try {
    await client.create({ ...ref('Endpoints'), metadata })
  } catch (error) {
    if (!hasStatus(error, 409)) throw error
    await client.mergePatch(ref('Endpoints'), namespace, name, { metadata: { annotations: { initialize } } })
  }
}
