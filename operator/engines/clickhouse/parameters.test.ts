import { expect, test } from 'vitest'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { nested, reference, settings, settingsOf, validateParameters } from './parameters.ts'

function problems(parameters: Record<string, string>, memoryLimit = '1Gi'): string[] {
  const spec = { parameters, resources: { cpu: '1', memory: '512Mi', memoryLimit } }
  return validateParameters({ spec } as unknown as DataStore)
}

test.each([
  { max_threads: '4', max_execution_time: ' 30 ', async_insert: 'true' },
  { 'merge_tree.parts_to_throw_insert': '3000', 'query_cache.max_entries': '10', 'logger.level': 'debug' },
  { priority: '1', background_merges_mutations_concurrency_ratio: '1.5' },
])('%j is accepted', (parameters) => expect(problems(parameters)).toEqual([]))

// prettier-ignore
test.each([
  [{ max_thread: '4' },                          'spec.parameters.max_thread is not among the settings of ClickHouse that can be set; did you mean max_threads?'],
  [{ zzz: '4' },                                 'spec.parameters.zzz is not among the settings of ClickHouse that can be set; see docs/reference/clickhouse-parameters.md'],
  [{ http_port: '8123' },                        'spec.parameters.http_port cannot be set: every connection is TLS with the operator’s certificates; remove it'],
  [{ 'openSSL.server.verificationMode': 'none' }, 'spec.parameters.openSSL.server.verificationMode cannot be set: every connection is TLS with the operator’s certificates; remove it'],
  [{ readonly: '0' },                            'spec.parameters.readonly cannot be set: logins, profiles and quotas are the operator’s; remove it'],
  [{ wait_for_async_insert: '0' },               'spec.parameters.wait_for_async_insert cannot be set: an insert that is acknowledged before it is written can be lost; remove it'],
  [{ max_threads: 'many' },                      'spec.parameters.max_threads: "many" is not a whole number without a unit'],
  [{ max_memory_usage: '1Gi' },                  'spec.parameters.max_memory_usage: "1Gi" is not a whole number without a unit'],
  [{ max_memory_usage: '-1' },                   'spec.parameters.max_memory_usage: "-1" is below 0'],
  [{ 'merge_tree.index_granularity': '-1' },     'spec.parameters.merge_tree.index_granularity: "-1" is below 0'],
  [{ async_insert: 'yes' },                      'spec.parameters.async_insert: "yes" is neither 1 nor 0'],
  [{ 'logger.level': 'loud' },                   'spec.parameters.logger.level: "loud" is none of fatal, critical, error, warning, notice, information, debug, trace'],
  [{ max_connections: '99999999999' },           'spec.parameters.max_connections: "99999999999" is above 2147483647'],
  [{ mark_cache_size: '800000000' },             'spec.parameters: caches of 800000000 bytes are more than half of spec.resources.memoryLimit (1Gi), and queries need memory, too; lower them or raise the limit'],
  [{ 'merge_tree.number_of_free_entries_in_pool_to_execute_mutation': '9' }, 'spec.parameters.merge_tree.number_of_free_entries_in_pool_to_execute_mutation: "9" is more than background_pool_size × background_merges_mutations_concurrency_ratio (8), and the server would not start; lower it'],
])('%j is refused', (parameters, problem) => expect(problems(parameters)).toEqual([problem]))

test('less memory than the server needs at rest is refused', () => {
  expect(problems({}, '511Mi')).toEqual([
    'spec.resources.memoryLimit: 511Mi is less than the 512Mi that ClickHouse needs; raise it',
  ])
})

test('a setting goes where it is in force, and no reload changes what a restart would', () => {
  const parameters = {
    max_threads: '4',
    background_pool_size: '8',
    mark_cache_size: '5',
    'merge_tree.max_parts_in_total': '6',
  }
  expect(settingsOf(parameters, 'reload')).toEqual({
    server: { mark_cache_size: '5' },
    mergeTree: {},
    profile: { max_threads: '4' },
  })
  expect(settingsOf(parameters, 'restart')).toEqual({
    server: { background_pool_size: '8' },
    mergeTree: { max_parts_in_total: '6' },
    profile: {},
  })
  expect(nested({ a: '1', 'b.c': '2', 'b.d': '3' })).toEqual({ a: '1', b: { c: '2', d: '3' } })
})

test('every setting is either accepted or refused, and the reference has each once', () => {
  const text = reference()
  for (const name of settings.keys()) {
    expect(text.split(`| \`${name}\` |`), name).toHaveLength(2)
    const value = settings.get(name)?.type === 'Bool' ? '1' : '4'
    expect(problems({ [name]: value }), name).toEqual([])
  }
})
