import { expect, test } from 'vitest'
import type { KubeObject, ObjectMeta } from '../crds/object.ts'
import { fateOf, type Belongings } from './leftovers.ts'

const labels = {
  'app.kubernetes.io/managed-by': 'supersmartmatch-operator',
  'app.kubernetes.io/name': 'postgres',
  'app.kubernetes.io/instance': 'demo-core',
  'app.kubernetes.io/component': 'database',
}
const belongings: Belongings = {
  secrets: ['demo-core-superuser', 'demo-core-owner', 'demo-core-ca'],
  services: ['demo-core-config'],
  claimPrefixes: ['data-demo-core-', 'data-demo-core-keeper-'],
  labels,
  spared: new Map([['demo-core-ca', 'DataStore other is signed by it']]),
}

function object(kind: string, name: string, metadata: Partial<ObjectMeta> = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, labels, ...metadata } }
}
const secret = (name: string, metadata?: Partial<ObjectMeta>) => object('Secret', name, metadata)
const claim = (name: string, metadata?: Partial<ObjectMeta>) => object('PersistentVolumeClaim', name, metadata)
const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'other', uid: 'u' }

// prettier-ignore
test.each<[string, KubeObject, boolean, string]>([
  ['its superuser',                       secret('demo-core-superuser'),                                                             true,  'a Secret made for it'],
  ['its first volume',                    claim('data-demo-core-0'),                                                                 true,  'a volume claim of its pods'],
  ['that of a member that is gone',       claim('data-demo-core-12'),                                                                true,  'a volume claim of its pods'],
  ['that of a companion',                 claim('data-demo-core-keeper-2'),                                                          true,  'a volume claim of its pods'],
  ['labels added by others',              claim('data-demo-core-0', { labels: { ...labels, team: 'a' } }),                           true,  'a volume claim of its pods'],
  ['what its members remember',           object('Service', 'demo-core-config'),                                                     true,  'a Service made for it'],
  ['a Service of another name',           object('Service', 'demo-core'),                                                            false, 'no name of its own'],
  ['a name that is not in the list',      secret('demo-core-backup'),                                                                false, 'no name of its own'],
  ['the volume of demo-core-x',           claim('data-demo-core-x-0'),                                                               false, 'no name of its own'],
  ['a claim of another template',         claim('wal-demo-core-0'),                                                                  false, 'no name of its own'],
  ['a claim with a Secret’s name',        claim('demo-core-superuser'),                                                              false, 'no name of its own'],
  ['another kind of that name',           object('ConfigMap', 'demo-core-owner'),                                                    false, 'no name of its own'],
  ['no labels',                           secret('demo-core-owner', { labels: {} }),                                                 false, 'label app.kubernetes.io/managed-by is missing'],
  ['a cluster called demo-core',          secret('demo-core-owner', { labels: { ...labels, 'app.kubernetes.io/name': 'platform' } }), false, 'label app.kubernetes.io/name is platform'],
  ['the claim of another store',          claim('data-demo-core-0', { labels: { ...labels, 'app.kubernetes.io/instance': 'core' } }), false, 'label app.kubernetes.io/instance is core'],
  ['one that has an owner',               claim('data-demo-core-0', { ownerReferences: [owner] }),                                   false, 'it belongs to StatefulSet other'],
  ['the CA of another store',             secret('demo-core-ca'),                                                                    false, 'DataStore other is signed by it'],
])('%s', (_what, one, goes, why) => expect(fateOf(one, belongings)).toEqual({ goes, why }))

test('without volumes no claim goes, whatever its name', () => {
  const { secrets, spared } = belongings
  expect(fateOf(claim('data-demo-core-0'), { secrets, labels, spared }).goes).toBe(false)
})
