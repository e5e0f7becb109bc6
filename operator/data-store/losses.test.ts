import { expect, test } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import { claimsOf, dataAtRisk, volumeEmpty, volumesMissing, volumesUnfit } from './losses.ts'

const schema = { version: 14, digest: 'd' }
const store = (status: object = { schema }) =>
  ({ apiVersion, kind: 'DataStore', metadata: { name: 'demo' }, spec: {}, status }) as unknown as DataStore
const claim = (name: string, deletionTimestamp?: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
})
const [first, third] = [claim('data-demo-0'), claim('data-demo-2')]
const identity = { name: 'postgres', instance: 'demo', component: 'database' }

test('its claims are those of every member, and of no other store', () => {
  const others = ['data-demo-core-0', 'data-demo-', 'data-demo-0x', 'wal-demo-0'].map((name) => claim(name))
  expect(claimsOf(store(), [first, third, ...others])).toEqual([first, third])
})

// prettier-ignore
test.each<[string, DataStore, KubeObject[], boolean, boolean]>([
  ['a new store has no volume yet',                       store({}),   [],             false, false],
  ['one that was migrated and lost all is not made anew', store(),     [],             false, true],
  ['the first volume is enough: the others copy it',      store(),     [first],        false, false],
  ['its first would be made empty beside the third',      store({}),   [third],        false, true],
  ['with its StatefulSet, its pod looks',                 store(),     [],             true,  false],
])('%s', (_what, one, claims, hasStatefulSet, refused) => {
  const outcome = volumesMissing(one, claims, hasStatefulSet, identity)
  expect(outcome !== undefined).toBe(refused)
  if (refused) expect(outcome).toMatchObject({ kind: 'blocked', reason: 'VolumeMissing', message: expect.stringContaining('data-demo-0') as string })
})

test('who is told to bring a volume back knows its labels, and deletes nothing while another member has the data', () => {
  const words = (claims: KubeObject[]) => JSON.stringify(volumesMissing(store(), claims, false, identity))
  expect(words([])).toContain('app.kubernetes.io/managed-by=supersmartmatch-operator')
  expect(words([])).toContain('delete DataStore demo')
  expect(words([third])).toContain('data-demo-2')
  expect(words([third])).not.toContain('delete DataStore')
  const pods = [prepared(ended(refusal))]
  expect(volumeEmpty(store(), pods, [first])?.message).toContain('delete DataStore demo and volume claim data-demo-0')
  expect(volumeEmpty(store(), pods, [first, third])?.message).toContain('data-demo-2 may hold the data')
})

const refusal = 'The volume is empty, but demo had a database: bring its volume back'
const prepared = (state: object, lastState: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'demo-0' },
  status: { initContainerStatuses: [{ name: 'prepare', state, lastState }] },
})
const ended = (message: string, exitCode = 1) => ({ terminated: { exitCode, message } })

// prettier-ignore
test.each<[string, KubeObject, boolean]>([
  ['refused just now',            prepared(ended(refusal)),                                                    true],
  ['waits to refuse again',       prepared({ waiting: { reason: 'CrashLoopBackOff' } }, ended(refusal)),       true],
  ['had its data back at last',   prepared(ended('', 0), ended(refusal)),                                      false],
  ['failed for another reason',   prepared(ended('no space left on device')),                                  false],
])('a pod that %s', (_what, pod, lost) => expect(volumeEmpty(store(), [pod], [])?.reason).toBe(lost ? 'VolumeMissing' : undefined))

test('a claim that goes when its pod stops is named, one that stays is not', () => {
  expect(dataAtRisk([first])).toEqual([])
  const [finding] = dataAtRisk([first, claim('data-demo-1', '2026-01-02T03:04:05Z')])
  expect(finding).toMatchObject({ type: 'DataAtRisk', status: 'True' })
  expect(finding?.message).toContain('data-demo-1 was deleted')
  expect(finding?.message).not.toContain('data-demo-0')
})

test('volumes that the engine cannot begin with stop a store before its first pod, and no store that runs', () => {
  const engine = { unfitVolumes: (_store: DataStore, volumes: number) => (volumes === 1 ? undefined : 'make it so') }
  expect(volumesUnfit(store(), [], false, engine)).toBeUndefined()
  expect(volumesUnfit(store(), [first], false, engine)).toBeUndefined()
  expect(volumesUnfit(store(), [first, third], false, engine)).toMatchObject({ kind: 'blocked', message: 'make it so' })
  expect(volumesUnfit(store(), [first, third], true, engine)).toBeUndefined()
  expect(volumesUnfit(store(), [first, third], false, {})).toBeUndefined()
})
