import { expect, test } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import { finalizer } from '../reconcile/finalizer.ts'
import { isOrphan } from './finalize.ts'

const store = (finalizers: string[]) =>
  ({ apiVersion, kind: 'DataStore', metadata: { name: 'demo', uid: 'u1', finalizers } }) as unknown as DataStore

function statefulSet(...owners: string[]): KubeObject {
  const ownerReferences = owners.map((uid) => ({ apiVersion, kind: 'DataStore', name: 'demo', uid }))
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'demo', ownerReferences } }
}

// prettier-ignore
test.each([
  ['owned, it goes with its store',                          statefulSet('u1'), [finalizer],                       false],
  ['in the foreground, too',                                 statefulSet('u1'), [finalizer, 'foregroundDeletion'], false],
  ['the garbage collector is about to take its owner off',   statefulSet('u1'), [finalizer, 'orphan'],             true],
  ['the garbage collector has',                              statefulSet(),     [finalizer],                       true],
  ['it is another store’s of that name',                     statefulSet('u0'), [finalizer],                       true],
])('%s', (_what, one, finalizers, orphan) => expect(isOrphan(one, store(finalizers))).toBe(orphan))
