import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Value from 'typebox/value'
import { expect, test } from 'vitest'
import { DataStoreSpec, type DataStore } from '../../../crds/schema/data-store.ts'
import { fixedText } from './config.ts'
import { given, reference, validateParameters } from './parameters.ts'

function storeWith(parameters: Record<string, string>, more: object = {}): DataStore {
  const spec = Value.Default(DataStoreSpec, { engine: 'nats', parameters, ...more }) as DataStoreSpec
  return { apiVersion: '', kind: 'DataStore', metadata: { name: 'events', namespace: 'ns' }, spec }
}

// prettier-ignore
test.each([
  ['max_payload', '8MB'], ['max_payload', '1024'], ['max_payload', '64MB'], ['ping_interval', '30s'], ['ping_interval', '2m'], ['debug', 'true'],
  ['write_timeout', 'retry'], ['jetstream.limits.duplicate_window', '24h'], ['jetstream.max_file', '1TB'], ['jetstream.limits.batch.max_msgs', '1000'],
])('%s: %s is accepted', (name, value) => expect(validateParameters(storeWith({ [name]: value }))).toEqual([]))

// prettier-ignore
test.each([
  ['max_payload',   '8M',    'spec.parameters.max_payload: "8M" is not a size: a whole number of bytes, or one with KB, MB, GB or TB'],
  ['max_payload',   '65MB',  'spec.parameters.max_payload: "65MB" is not from 1KB to 64MB'],
  ['max_payload',   '-1',    'spec.parameters.max_payload: "-1" is not a size'],
  ['max_payload',   '1e3',   'is not a size'],
  ['max_connections', '1k',  'is not a whole number'],
  ['max_connections', '9',   'is not from 10 to 1000000'],
  ['ping_interval', '30',    'is not a duration: a whole number with ms, s, m or h'],
  ['ping_interval', '1ms',   'is not from 1s to 24h'],
  ['debug',         'yes',   'is neither true nor false'],
  ['write_timeout', 'never', 'is none of default, close, retry'],
  ['max_paylod',    '1MB',   'spec.parameters.max_paylod: nats-server has no such setting; did you mean max_payload?'],
  ['frobnicate',    '1',     'see docs/reference/nats-parameters.md'],
  ['max_payload',   '1toString', 'is not a size'],
  ['toString',      '1',     'nats-server has no such setting'],
  ['max_payload"',  '1MB',   'nats-server has no such setting'],
  ['port',          '4223',  'spec.parameters.port cannot be set: it belongs to the pod the operator makes; remove it'],
  ['tls.verify',    'false', 'cannot be set: every connection is TLS'],
  ['cluster.name',  'x',     'cannot be set'],
  ['jetstream.sync_interval', '2m', 'cannot be set: it is always: any other value can lose acknowledged messages'],
])('%s: %s is refused', (name, value, words) => {
  const problems = validateParameters(storeWith({ [name]: value }))
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(words)
})

test('values that contradict each other are refused', () => {
  const pending = validateParameters(storeWith({ max_payload: '16MB', max_pending: '8MB' }))
  expect(pending).toEqual([expect.stringContaining('raise max_pending or lower max_payload')])
  const memory = storeWith({ 'jetstream.max_mem': '600MB' }, { resources: { memoryLimit: '1Gi' } })
  expect(validateParameters(memory)).toEqual([expect.stringContaining('more than half of spec.resources.memoryLimit')])
})

test('sizes are written in bytes: for nats-server 1M is 1000 KB in one place and 1024 in another', () => {
  const store = storeWith({ max_payload: '2MB', debug: 'true', ping_interval: '30s', max_subscriptions: '5' })
  expect(given(store, 'reload')).toEqual({ debug: true, max_payload: 2_097_152, ping_interval: '30s' })
  expect(given(store, 'restart')).toEqual({ max_subscriptions: 5 })
})

test('what is derived from the spec gives way to what it sets', () => {
  const text = (parameters: Record<string, string>) =>
    fixedText({ store: storeWith(parameters, { resources: { memoryLimit: '1Gi' } }) } as never)
  expect(text({})).toContain('max_mem: 268435456')
  expect(text({ 'jetstream.max_mem': '1MB' })).toMatch(/max_mem: 1048576\n/)
  expect(text({})).not.toContain('max_file')
  expect(text({ 'jetstream.max_file': '1GB' })).toContain('max_file: 1073741824')
})

test('the page is up to date', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/nats-parameters.md'), 'utf8')
  expect(page).toBe(reference())
})
