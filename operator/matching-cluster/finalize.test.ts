import { expect, test } from 'vitest'
import type { ObjectMeta } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { labels } from '../labels.ts'
import { finalizer } from '../reconcile/finalizer.ts'
import { storeFate, type StoreFate } from './finalize.ts'

type Policy = DataStore['spec']['deletionPolicy']

const cluster = (deletionPolicy: Policy): MatchingCluster =>
  ({
    apiVersion,
    kind: 'MatchingCluster',
    metadata: { name: 'demo', uid: 'u1' },
    spec: { deletionPolicy },
  }) as MatchingCluster

const ofDemo = labels({ name: 'postgres', instance: 'demo-core', component: 'store', cluster: 'demo', store: 'core' })
const ownedBy = (uid: string) => ({
  ownerReferences: [{ apiVersion, kind: 'MatchingCluster', name: 'demo', uid, controller: true }],
})

function store(deletionPolicy: Policy, metadata: Partial<ObjectMeta> = {}): DataStore {
  const all = { name: 'demo-core', labels: ofDemo, ...metadata }
  return { apiVersion, kind: 'DataStore', metadata: all, spec: { deletionPolicy } } as DataStore
}

const deletionTimestamp = '2026-01-02T03:04:05Z'
const held = { ...ownedBy('u1'), finalizers: [finalizer] }

// prettier-ignore
test.each<[string, Policy, DataStore, StoreFate]>([
  ['one that will take its data along goes',         'Delete',         store('Delete', held),                                     'delete'],
  ['one without its finalizer would leave its data', 'Delete',         store('Delete', ownedBy('u1')),                            'wait'],
  ['one that has not heard of the policy hears it',  'Delete',         store('Retain', ownedBy('u1')),                            'take back'],
  ['also one that was protected',                    'Delete',         store('DoNotTerminate'),                                   'take back'],
  ['one that is going is waited for',                'Delete',         store('Delete', { ...held, deletionTimestamp }),           'wait'],
  ['a protected one is left',                        'DoNotTerminate', store('DoNotTerminate'),                                   'leave'],
  ['one that is no longer protected is told so',     'Retain',         store('DoNotTerminate'),                                   'take back'],
  ['and goes',                                       'Retain',         store('Retain', ownedBy('u1')),                            'delete'],
  ['an orphan that may stay does',                   'Retain',         store('Delete', { finalizers: [finalizer] }),              'leave'],
  ['an orphan stays until that is clear',                                'Delete',         store('Delete', { finalizers: [finalizer] }),              'orphaned'],
  ['one of an earlier cluster of the name is not ours', 'Delete',      store('Delete', { ...held, ...ownedBy('u0') }),            'leave'],
  ['one that somebody made is not ours',             'Delete',         store('Delete', { labels: {} }),                           'leave'],
])('%s', (_what, policy, one, fate) => expect(storeFate(cluster(policy), one)).toBe(fate))

test('while the garbage collector makes orphans, none goes', () => {
  const one = cluster('Delete')
  const orphaning = { ...one, metadata: { ...one.metadata, finalizers: ['orphan', finalizer] } }
  expect(storeFate(orphaning, store('Delete', held))).toBe('orphaned')
})
