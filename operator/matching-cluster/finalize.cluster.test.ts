import { beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { client, edit, testNamespace, until } from '../kube/testing/cluster.ts'
import { finalizer } from '../reconcile/finalizer.ts'
import { beyondAnyNode } from '../testing/kubelet.ts'
import { coreAlone } from '../testing/platform.ts'
import { testOperator } from '../testing/operator.ts'

/** Deletion of MatchingClusters by the whole operator; the API server and its garbage collector are real. No pooler answers here. */
const namespace = await testNamespace()
const clusterKind = { apiVersion, kind: 'MatchingCluster' }
const storeKind = { apiVersion, kind: 'DataStore' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }
const claimKind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }
const podKind = { apiVersion: 'v1', kind: 'Pod' }
type Kind = typeof clusterKind

const operator = testOperator(namespace)
beforeAll(() => operator.start())

const get = (kind: Kind, name: string) => client.get(kind, namespace, name)
const readStore = async (name: string) => (await get(storeKind, name)) as DataStore | undefined

/** Applies a cluster and waits until its store is Ready and its pooler made. */
async function make(name: string, deletionPolicy = 'Retain'): Promise<void> {
  const resources = { cpu: beyondAnyNode }
  const spec = { stores: { ...coreAlone, core: { resources } }, pooling: { resources }, deletionPolicy }
  const metadata = { name, namespace }
  tools().cache.wrote(await client.create({ ...clusterKind, metadata, spec }))
  await until(async () => (await readStore(`${name}-core`))?.status?.phase === 'Ready', 60_000)
  await until(async () => (await leftOf(name)).length === everything(name).length, 60_000)
}
const tools = () => operator.tools

async function setPolicy(name: string, deletionPolicy: string): Promise<MatchingCluster> {
  return (await edit((await get(clusterKind, name))!, { spec: { deletionPolicy } })) as MatchingCluster
}

async function remove(name: string, propagationPolicy = 'Background'): Promise<void> {
  const path = `/apis/${apiVersion}/namespaces/${namespace}/matchingclusters/${name}`
  await client.request('DELETE', path, { body: { propagationPolicy } })
}

async function leftOf(name: string): Promise<string[]> {
  const objects = [...(await client.list(secretKind, namespace)), ...(await client.list(claimKind, namespace))]
  return objects
    .map(({ metadata }) => metadata.name)
    .filter((found) => found.startsWith(`${name}-`) || found.startsWith(`data-${name}-`))
    .sort()
}

const platformSecrets = ['ca', 'pooler', 'pooler-tls', 'tokens']
const storeSecrets = ['app', 'monitoring', 'owner', 'pooler', 'replication', 'superuser', 'tls'].map(
  (of) => `core-${of}`,
)
const everything = (name: string) =>
  [`data-${name}-core-0`, ...[...platformSecrets, ...storeSecrets].map((of) => `${name}-${of}`)].sort()

const gone = (kind: Kind, name: string) => until(async () => (await get(kind, name)) === undefined, 60_000)
const ownersOf = (object: KubeObject | undefined) => object?.metadata.ownerReferences?.map(({ uid }) => uid) ?? []

test('Retain: no finalizer; the stores follow, what holds data stays', async () => {
  await make('keep')
  expect((await get(clusterKind, 'keep'))?.metadata.finalizers).toBeUndefined()
  await remove('keep')
  await gone(clusterKind, 'keep')
  await gone(storeKind, 'keep-core')
  await gone(podKind, 'keep-core-0')
  expect(await leftOf('keep')).toEqual(everything('keep'))
})

describe('Delete', () => {
  test.each(['Background', 'Foreground'])('%s: stores go first, and nothing is left', async (propagation) => {
    const name = propagation.toLowerCase()
    await make(name, 'Delete')
    await remove(name, propagation)
    await until(async () => (await get(clusterKind, name)) === undefined || (await leftOf(name)).length === 0, 60_000)
    await gone(clusterKind, name)
    expect(await get(storeKind, `${name}-core`)).toBeUndefined()
    expect(await leftOf(name)).toEqual([])
  })

  test('the CA outlives the stores, and the status says what goes on', async () => {
    await make('order', 'Delete')
    const hold = { metadata: { finalizers: ['test.example/hold', finalizer] } }
    await edit((await get(storeKind, 'order-core'))!, hold)
    await remove('order')
    await until(async () => (await get(storeKind, 'order-core'))?.metadata.deletionTimestamp !== undefined)
    await until(async () => (await leftOf('order')).every((left) => !left.includes('order-core')), 60_000)
    expect(await leftOf('order')).toEqual(platformSecrets.map((of) => `order-${of}`))
    const { status } = (await get(clusterKind, 'order')) as MatchingCluster
    expect(status?.phase).toBe('Deleting')
    expect(status?.conditions.find(({ type }) => type === 'Ready')?.message).toContain('order-core')
    await edit((await get(storeKind, 'order-core'))!, { metadata: { finalizers: null } })
    await gone(clusterKind, 'order')
    expect(await leftOf('order')).toEqual([])
  })

  test('orphaned: the stores were meant to go on, so they do until somebody says what is to be', async () => {
    await make('orphan', 'Delete')
    await remove('orphan', 'Orphan')
    const step = async () =>
      ((await get(clusterKind, 'orphan')) as MatchingCluster | undefined)?.status?.conditions.find(
        ({ type }) => type === 'StoresGone',
      )
    await until(async () => (await step())?.reason === 'Orphaned')
    expect((await step())?.message).toContain('DataStore orphan-core')
    await until(async () => ownersOf(await get(storeKind, 'orphan-core')).length === 0)
    await setPolicy('orphan', 'Retain')
    await gone(clusterKind, 'orphan')
    expect((await get(storeKind, 'orphan-core'))?.metadata.deletionTimestamp).toBeUndefined()
    expect(await leftOf('orphan')).toEqual(everything('orphan'))
  })

  // The finalizer is there before the store hears of the policy: in between, Kubernetes would delete the store without its data.
  test.each(['Background', 'Foreground'])(
    '%s, right after the policy was chosen: nothing is left',
    async (propagation) => {
      const name = `${propagation.toLowerCase()}-late`
      await make(name)
      await setPolicy(name, 'Delete')
      await until(async () => (await get(clusterKind, name))?.metadata.finalizers?.includes(finalizer) === true)
      await remove(name, propagation)
      await gone(clusterKind, name)
      expect(await leftOf(name)).toEqual([])
    },
  )

  test('what a store left that went without its data goes, too', async () => {
    await make('former')
    // As an operator leaves it that is killed when it has put its finalizer on, and the store has not heard of the policy.
    await operator.kill()
    await setPolicy('former', 'Delete')
    await edit((await get(clusterKind, 'former'))!, { metadata: { finalizers: [finalizer] } })
    await remove('former', 'Foreground')
    await gone(storeKind, 'former-core')
    expect(await leftOf('former')).toEqual(everything('former'))
    operator.start()
    await gone(clusterKind, 'former')
    expect(await leftOf('former')).toEqual([])
  })
})

describe('DoNotTerminate', () => {
  test('the store has no owner from then on, and one again when the field is changed back', async () => {
    await make('guard')
    const uid = (await get(clusterKind, 'guard'))?.metadata.uid
    expect(ownersOf(await get(storeKind, 'guard-core'))).toEqual([uid])
    await setPolicy('guard', 'DoNotTerminate')
    await until(async () => (await readStore('guard-core'))?.spec.deletionPolicy === 'DoNotTerminate')
    await until(async () => ownersOf(await get(storeKind, 'guard-core')).length === 0)
    const protectedStore = await readStore('guard-core')
    await until(async () => (await readStore('guard-core'))?.status?.phase === 'Ready')
    await setPolicy('guard', 'Retain')
    await until(async () => ownersOf(await get(storeKind, 'guard-core')).length === 1)
    expect(ownersOf(await get(storeKind, 'guard-core'))).toEqual([uid])
    expect((await readStore('guard-core'))?.metadata.uid).toBe(protectedStore?.metadata.uid)
    await until(async () => (await get(clusterKind, 'guard'))?.metadata.finalizers === undefined)
  })

  test('where the API server lets the cluster go, its stores go on running, an Event says so, and it finds them again', async () => {
    await make('left', 'DoNotTerminate')
    const pod = (await get(podKind, 'left-core-0'))?.metadata.uid
    const store = (await get(storeKind, 'left-core'))?.metadata.uid
    // As where the policy of the CRD chart is not installed: an API server that has it would refuse this.
    await letGo('left')
    await gone(clusterKind, 'left')
    await gone({ apiVersion: 'apps/v1', kind: 'Deployment' }, 'left-pooler')
    expect((await get(podKind, 'left-core-0'))?.metadata.uid).toBe(pod)
    expect(await get({ apiVersion: 'v1', kind: 'Service' }, 'left-core')).toBeDefined()
    expect(await leftOf('left')).toEqual(everything('left'))
    await tools().events.flush()
    const events = await client.list({ apiVersion: 'events.k8s.io/v1', kind: 'Event' }, namespace)
    const about = events.filter(
      ({ reason, regarding }) => reason === 'LeftRunning' && nameOf(regarding) === 'left-core',
    )
    expect(about).toHaveLength(1)

    await make('left')
    await until(async () => ownersOf(await get(storeKind, 'left-core')).length === 1)
    expect((await get(storeKind, 'left-core'))?.metadata.uid).toBe(store)
    expect((await get(podKind, 'left-core-0'))?.metadata.uid).toBe(pod)
  })
})

const nameOf = (regarding: unknown) => (regarding as { name: string }).name

/** Deletes a protected cluster: its policy is changed only for as long as the operator does not look. */
async function letGo(name: string): Promise<void> {
  await operator.kill()
  await setPolicy(name, 'Retain')
  await remove(name)
  const { metadata } = await setPolicy(name, 'DoNotTerminate')
  await until(
    () => operator.cache.get(clusterKind, namespace, name)?.metadata.resourceVersion === metadata.resourceVersion,
  )
  operator.start()
}
