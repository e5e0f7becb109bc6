import { expect, test } from 'vitest'
import type { DataStore } from '../../crds/schema/data-store.ts'
import { decideHold } from './switchover.ts'

const at = '2026-01-02T03:04:05Z'

function store(switchover: object | undefined, annotations: Record<string, string> = {}): DataStore {
  const metadata = { name: 'demo-core', namespace: 'ns', annotations }
  const status = switchover ? { switchover: { request: 'any', at, message: '', ...switchover } } : undefined
  return { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'DataStore', metadata, spec: {}, status } as DataStore
}

const told = { 'supersmartmatch.io/pooler-paused': at }
const earlier = { 'supersmartmatch.io/pooler-paused': '2026-01-01T00:00:00Z' }

// prettier-ignore
test.each([
  ['no switchover ever',                 store(undefined),                       1, { kind: 'none' }],
  ['one that is only scheduled',         store({ state: 'Scheduled' }),          1, { kind: 'none' }],
  ['preparing',                          store({ state: 'Preparing' }),          1, { kind: 'begin', endsInMs: 29_000 }],
  ['told for an earlier one',            store({ state: 'Preparing' }, earlier), 1, { kind: 'begin', endsInMs: 29_000 }],
  ['told already: never paused twice',   store({ state: 'Preparing' }, told),    1, { kind: 'keep',  endsInMs: 29_000 }],
  ['running',                            store({ state: 'Running' }, told),     29, { kind: 'keep',  endsInMs: 1_000 }],
  ['running without having waited',      store({ state: 'Running' }),            6, { kind: 'keep',  endsInMs: 24_000 }],
  ['running for too long',               store({ state: 'Running' }, told),     30, { kind: 'none' }],
  ['preparing for too long',             store({ state: 'Preparing' }),         31, { kind: 'none' }],
  ['succeeded',                          store({ state: 'Succeeded' }, told),    3, { kind: 'none' }],
  ['failed',                             store({ state: 'Failed' }, told),       3, { kind: 'none' }],
  ['a time that is none',                store({ state: 'Running', at: 'soon' }), 1, { kind: 'none' }],
])('%s', (_name, store, afterSeconds, expected) => {
  expect(decideHold(store, new Date(Date.parse(at) + afterSeconds * 1000))).toEqual(expected)
})
