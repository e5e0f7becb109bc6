import { expect, test } from 'vitest'
import type { KubeObject, OwnerReference } from '../crds/object.ts'
import { apiVersion } from '../crds/schema/common.ts'
import type { Change } from './kube/cache.ts'
import { labels, managedBy } from './labels.ts'
import { Wakeups, type OwnKind } from './wake.ts'

const ofStore = labels({
  name: 'postgres',
  instance: 'demo-core',
  component: 'database',
  cluster: 'demo',
  store: 'core',
})
const ofAlone = labels({ name: 'postgres', instance: 'alone', component: 'database', store: 'alone' })
const ofCluster = labels({ name: 'platform', instance: 'demo', component: 'platform', cluster: 'demo' })

function object(kind: string, name: string, metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  const group = ['DataStore', 'MatchingCluster'].includes(kind) ? apiVersion : 'v1'
  return { apiVersion: group, kind, metadata: { name, namespace: 'ns', uid: `uid-${name}`, ...metadata } }
}

function ownedBy(kind: string, name: string, from = apiVersion): { ownerReferences: OwnerReference[] } {
  return { ownerReferences: [{ apiVersion: from, kind, name, uid: 'u', controller: true }] }
}

const store = (name: string, caSecret?: string) => ({ ...object('DataStore', name), spec: { tls: { caSecret } } })
const external = {
  ...object('DataStore', 'cloud'),
  spec: { tls: {}, connectionSecretRef: { name: 'cloud-login', caSecret: { name: 'cloud-ca' } } },
}
const pooled = { ...object('DataStore', 'pooled'), spec: { tls: {}, binding: { caSecret: 'demo-pooler-tls' } } }
const stores = [store('demo-core', 'demo-ca'), store('demo-events', 'demo-ca'), store('alone'), external, pooled]
const cache = { list: () => stores }

// prettier-ignore
test.each<[string, KubeObject, Record<OwnKind, string[]>]>([
  ['a store itself, and its cluster', object('DataStore', 'demo-core', { ...ownedBy('MatchingCluster', 'demo'), labels: ofStore }),
    { DataStore: ['ns/demo-core'], MatchingCluster: ['ns/demo'] }],
  ['a cluster itself', object('MatchingCluster', 'demo'),
    { DataStore: [], MatchingCluster: ['ns/demo'] }],
  ['the controller of an owned object', object('Service', 'demo-core', { ...ownedBy('DataStore', 'demo-core'), labels: ofStore }),
    { DataStore: ['ns/demo-core'], MatchingCluster: [] }],
  ['both who read a store’s credentials', object('Secret', 'demo-core-pooler', { labels: ofStore }),
    { DataStore: ['ns/demo-core'], MatchingCluster: ['ns/demo'] }],
  ['the store alone when it has no cluster', object('Secret', 'alone-owner', { labels: ofAlone }),
    { DataStore: ['ns/alone'], MatchingCluster: [] }],
  ['every store that a CA signs for', object('Secret', 'demo-ca', { labels: ofCluster }),
    { DataStore: ['ns/demo', 'ns/demo-core', 'ns/demo-events'], MatchingCluster: ['ns/demo'] }],
  ['the external store that a Secret tells where to connect', object('Secret', 'cloud-login', { labels: { 'app.kubernetes.io/managed-by': managedBy } }),
    { DataStore: ['ns/cloud'], MatchingCluster: [] }],
  ['the external store whose server is verified by it', object('Secret', 'cloud-ca', { labels: { 'app.kubernetes.io/managed-by': managedBy } }),
    { DataStore: ['ns/cloud'], MatchingCluster: [] }],
  ['the store whose clients verify by it', object('Secret', 'demo-pooler-tls', { labels: ofCluster }),
    { DataStore: ['ns/demo', 'ns/pooled'], MatchingCluster: ['ns/demo'] }],
  ['no store by the name of what is no Secret', object('ConfigMap', 'demo-ca'),
    { DataStore: [], MatchingCluster: [] }],
  ['those a pod is labelled for', object('Pod', 'demo-core-0', { ...ownedBy('StatefulSet', 'demo-core', 'apps/v1'), labels: ofStore }),
    { DataStore: ['ns/demo-core'], MatchingCluster: ['ns/demo'] }],
  ['nobody when it is not ours', object('Pod', 'other', { labels: { 'app.kubernetes.io/instance': 'demo-core' } }),
    { DataStore: [], MatchingCluster: [] }],
])('a change wakes %s', (_who, one, expected) => {
  const woken = new Wakeups(cache).of('added', one)
  const keys = (kind: OwnKind) => woken.filter((each) => each.kind === kind).map(({ key }) => key)
  expect(keys('DataStore')).toEqual(expected.DataStore)
  expect(keys('MatchingCluster')).toEqual(expected.MatchingCluster)
})

const pod = { ...object('Pod', 'p', { labels: ofStore }), status: { phase: 'Running', podIP: '10.0.0.1' } }
const deletionTimestamp = '2026-01-02T03:04:05Z'
const changed = (before: KubeObject, metadata: Partial<KubeObject['metadata']>, status?: object): KubeObject => ({
  ...before,
  metadata: { ...before.metadata, ...metadata },
  ...(status ? { status } : {}),
})
const own = changed(object('DataStore', 'a', { generation: 1, resourceVersion: '1' }), {}, { phase: 'Creating' })
const secret = object('Secret', 's', { resourceVersion: '1', labels: ofStore })

// prettier-ignore
test.each<[string, KubeObject, KubeObject, boolean]>([
  ['our own status write',    own,    changed(own, { resourceVersion: '2' }, { phase: 'Ready' }),            false],
  ['a new spec',              own,    changed(own, { generation: 2 }),                                       true],
  ['a label',                 own,    changed(own, { labels: { a: '1' } }),                                  true],
  ['an annotation',           own,    changed(own, { annotations: { a: '1' } }),                             true],
  ['a deletion that waits',   own,    changed(own, { deletionTimestamp }),                                   true],
  ['another of that name',    own,    changed(own, { uid: 'other' }),                                        true],
  ['Patroni’s annotation',    pod,    changed(pod, { annotations: { status: '{"xlog_location":1}' } }),      false],
  ['Patroni’s role label',    pod,    changed(pod, { labels: { ...ofStore, role: 'primary' } }),             true],
  ['a pod that is ready',     pod,    changed(pod, {}, { ...pod.status, conditions: [{ type: 'Ready' }] }),  true],
  ['a pod that ends',         pod,    changed(pod, { deletionTimestamp }),                                   true],
  ['any change of a Secret',  secret, changed(secret, { resourceVersion: '2' }),                             true],
])('news or not: %s', (_what, before, after, expected) => {
  const wakeups = new Wakeups(cache)
  const isWoken = (change: Change, one: KubeObject) => wakeups.of(change, one).length > 0
  expect(isWoken('added', before)).toBe(true)
  expect(isWoken('modified', after)).toBe(expected)
  expect(isWoken('deleted', after)).toBe(true)
  expect(isWoken('added', after)).toBe(true)
})

test('the status of a store wakes its cluster, not the store', () => {
  const before = changed(own, ownedBy('MatchingCluster', 'demo'))
  const wakeups = new Wakeups(cache)
  wakeups.of('added', before)
  expect(wakeups.of('modified', changed(before, {}, { phase: 'Ready' }))).toEqual([
    { kind: 'MatchingCluster', key: 'ns/demo' },
  ])
})
