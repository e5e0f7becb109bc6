import Value from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { DataStoreSpec, type DataStore } from '../../../crds/schema/data-store.ts'
import { maxMemory, runtimeSettings, startSettings, validateParameters } from './parameters.ts'
import { settings } from './settings.ts'
import { parse } from './values.ts'

function storeOf(given: object): DataStore {
  const spec = Value.Default(DataStoreSpec, { engine: 'redis', ...given }) as DataStoreSpec
  return {
    apiVersion: 'supersmartmatch.io/v1alpha1',
    kind: 'DataStore',
    metadata: { name: 'cache', namespace: 'ns' },
    spec,
  }
}
const problems = (parameters: Record<string, string>) => validateParameters(storeOf({ parameters }))

// prettier-ignore
test.each([
  ['maxmemory-policy', 'allkeys-lru'],
  ['maxmemory-policy', 'NoEviction'],
  ['maxmemory',        '256mb'],
  ['maxmemory-clients', '5%'],
  ['maxmemory-clients', '1g'],
  ['appendfsync',      'always'],
  ['hz',               '500'],
  ['list-max-listpack-size', '-5'],
  ['notify-keyspace-events', ''],
  ['notify-keyspace-events', 'KEA'],
  ['client-output-buffer-limit', 'replica 1gb 256mb 60 normal 0 0 0'],
])('%s: "%s" is accepted', (name, value) => expect(problems({ [name]: value })).toEqual([]))

// prettier-ignore
test.each([
  ['maxmemory-policy', 'lru',          'spec.parameters.maxmemory-policy: "lru" is not `volatile-lru`, '],
  ['maxmemory-polcy',  'allkeys-lru',  'has no such setting, or it is not one to set here; did you mean maxmemory-policy?'],
  ['MaxMemory-Policy', 'allkeys-lru',  'did you mean maxmemory-policy?'],
  ['no-such-thing',    '1',            'see docs/reference/redis-parameters.md'],
  ['hz',               '501',          'spec.parameters.hz: "501" is not a whole number from 1 to 500'],
  ['hz',               '10.5',         'is not a whole number'],
  ['timeout',          '-1',           'is not a whole number from 0'],
  ['appendfsync',      'every second', 'is not `always`, `everysec`, `no`'],
  ['dynamic-hz',       'on',           'is not `yes` or `no`'],
  ['repl-backlog-size', '1kib',        'is not a size of at least 16384 bytes'],
  ['repl-backlog-size', '100',         'is not a size of at least 16384 bytes'],
  ['maxmemory-clients', '101%',        'is not a size, or a share of maxmemory such as `5%`'],
  ['notify-keyspace-events', 'Q',      'is not letters out of'],
  ['client-output-buffer-limit', 'normal 0 0', 'is not `normal`, `replica` or `pubsub` with'],
  ['client-output-buffer-limit', 'all 0 0 0',  'is not `normal`, `replica` or `pubsub` with'],
  ['slave-lazy-flush', 'yes',          'is an old name of replica-lazy-flush: use that'],
  ['tls-auth-clients', 'yes',          'cannot be set: every connection is TLS with the operator’s certificates; remove it'],
  ['requirepass',      'secret',       'cannot be set: logins are in Secrets that the operator makes; remove it'],
  ['databases',        '4',            'cannot be set: Redis Cluster has one, number 0; remove it'],
  ['loglevel',         'notice\nrequirepass x', 'is not'],
])('%s: "%s" is refused', (name, value, message) => {
  const found = problems({ [name]: value })
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(message)
  expect(found[0]).toContain(`spec.parameters.${name}`)
})

describe('memory', () => {
  const resources = { memory: '64Mi', memoryLimit: '1000Mi' }
  const mebi = 2 ** 20

  test('is six tenths of the limit where nothing is said', () => {
    expect(maxMemory(storeOf({ resources }))).toBe(600 * mebi)
    expect(startSettings(storeOf({ resources }))).toMatchObject({ maxmemory: String(600 * mebi) })
    expect(maxMemory(storeOf({ resources, parameters: { maxmemory: '100mb' } }))).toBe(100 * mebi)
  })

  // prettier-ignore
  test.each([
    ['more than the pod can hold',   { parameters: { maxmemory: '751mb' } },      'more than three quarters of spec.resources.memoryLimit (1000Mi)'],
    ['without limit',                { parameters: { maxmemory: '0' } },          '"0" means without limit'],
    ['more than the volume can',     { storage: { size: '1Gi' } },                'ask for at least 1800Mi, or lower spec.resources.memoryLimit'],
  ])('%s: refused', (_name, given, message) => {
    expect(validateParameters(storeOf({ resources, storage: { size: '4Gi' }, ...given })).join()).toContain(message)
  })

  test('the defaults of a DataStore go together', () => expect(validateParameters(storeOf({}))).toEqual([]))
})

test('every default is a value of its setting', () => {
  for (const [name, setting] of settings) expect(parse(setting, setting.byDefault), name).toHaveProperty('value')
})

test('values are compared as Redis prints them', () => {
  const given = {
    'notify-keyspace-events': 'zExKlsh$g',
    'repl-backlog-size': '16mb',
    'client-output-buffer-limit': 'pubsub 1m 1k 05',
  }
  expect(runtimeSettings(storeOf({ parameters: given }))).toMatchObject({
    'notify-keyspace-events': 'g$lshzxKE',
    'repl-backlog-size': String(16 * 2 ** 20),
    'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 1000000 1000 5',
  })
  expect(runtimeSettings(storeOf({ parameters: { 'notify-keyspace-events': 'Eg$lshzxetd' } }))).toMatchObject({
    'notify-keyspace-events': 'AE',
  })
})
