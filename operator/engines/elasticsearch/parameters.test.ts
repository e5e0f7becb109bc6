import Value from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { DataStoreSpec, type DataStore } from '../../../crds/schema/data-store.ts'
import { dynamicSettings, isKept, reference, staticSettings, validate } from './parameters.ts'

function storeOf(given: object): DataStore {
  const spec = Value.Default(DataStoreSpec, { engine: 'elasticsearch', ...given }) as DataStoreSpec
  return { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'DataStore', metadata: { name: 'a' }, spec }
}
const problems = (parameters: Record<string, string>) => validate(storeOf({ parameters })).join('\n')
const watermark = 'cluster.routing.allocation.disk.watermark.'
const marks = (low: string, high: string, flood: string) => ({
  [`${watermark}low`]: low,
  [`${watermark}high`]: high,
  [`${watermark}flood_stage`]: flood,
})

// prettier-ignore
describe('a parameter', () => {
  test.each([
    [{ 'search.max_buckets': '1000', 'http.compression': 'true', 'indices.breaker.total.limit': '80%' }],
    [{ 'logger.org.elasticsearch.discovery': 'debug', 'search.default_search_timeout': '-1', 'indices.queries.cache.size': '64mb' }],
    [marks('85%', '90%', '95%')],
    [marks('3gb', '2gb', '512mb')],
    [{}],
  ])('%o is accepted', (parameters) => {
    expect(problems(parameters)).toBe('')
  })

  test.each<[Record<string, string>, string]>([
    [{ 'search.max_bucket': '1' },                           'search.max_bucket is no setting of Elasticsearch that can be set here; did you mean search.max_buckets?'],
    [{ 'no_such_setting': '1' },                             'see docs/reference/elasticsearch-parameters.md'],
    [{ 'search.max_buckets': '0' },                          '"0" is no integer from 1 to 10000000'],
    [{ 'search.max_buckets': '1.5' },                        'is no integer'],
    [{ 'http.compression': 'yes' },                          'is neither true nor false'],
    [{ 'http.max_content_length': '100' },                   'is no size with a unit, such as 64mb'],
    [{ 'indices.breaker.total.limit': '120%' },              'is neither a share of the heap'],
    [{ 'search.default_keep_alive': '5 minutes' },           'is no time with a unit, such as 30s'],
    [{ 'cluster.no_master_block': 'read' },                  'is none of write, metadata_write, all'],
    [{ 'logger.org.elasticsearch': 'LOUD' },                 'is none of OFF'],
    [{ 'logger.x\ny: z': 'INFO' },                           'is no setting of Elasticsearch'],
    [{ 'action.auto_create_index': 'a\nb' },                 'is not true, false, or patterns'],
    [{ 'index.number_of_replicas': '0' },                    'cannot be set: it belongs to an index'],
    [{ 'xpack.security.enabled': 'false' },                  'cannot be set: every connection is TLS'],
    [{ 'xpack.security.http.ssl.enabled': 'false' },         'cannot be set: every connection is TLS'],
    [{ 'cluster.initial_master_nodes': 'a-0' },              'cannot be set: a second cluster'],
    [{ 'cluster.routing.allocation.exclude._name': 'a-0' },  'cannot be set: the operator sets it'],
    [{ 'path.data': '/tmp' },                                'cannot be set: it belongs to the pod'],
    [{ 'http.port': '9201' },                                'cannot be set: it belongs to the pod'],
    [{ 'bootstrap.memory_lock': 'true' },                    'cannot be set: pods have no right'],
    [{ [`${watermark}low`]: '85%' },                         `${watermark}high is missing: set all three watermarks, or none`],
    [marks('85%', '2gb', '95%'),                             'all three as shares, or all three as sizes'],
    [marks('95%', '90%', '85%'),                             'low must be reached before high'],
    [marks('1gb', '2gb', '3gb'),                             'low must be reached before high'],
    [{ 'constructor': '1' },                                 'is no setting of Elasticsearch'],
  ])('%o is refused', (parameters, sentence) => {
    const said = problems(parameters)
    expect(said).toContain(sentence)
    expect(said).toContain('spec.parameters.')
  })
})

test('too little memory is refused by the field', () => {
  const store = storeOf({ resources: { memory: '128Mi', memoryLimit: '512Mi' } })
  expect(validate(store)).toEqual([expect.stringContaining('spec.resources.memoryLimit: 512Mi is too little')])
})

test('each setting goes where the server takes it', () => {
  const store = storeOf({
    storage: { size: '10Gi' },
    parameters: { 'http.compression': 'true', 'search.max_buckets': '1000', 'logger.org.elasticsearch': 'WARN' },
  })
  expect(staticSettings(store.spec.parameters)).toEqual({ 'http.compression': 'true' })
  expect(dynamicSettings(store)).toEqual({
    ...marks('1610612736b', '1073741824b', '536870912b'),
    'search.max_buckets': '1000',
    'logger.org.elasticsearch': 'WARN',
  })
  expect(Object.keys(dynamicSettings(store)).every(isKept)).toBe(true)
})

test('the reference has a row for every setting and every refusal', () => {
  expect(reference()).toContain('| `search.max_buckets`')
  expect(reference()).toContain('| `xpack.security.…`')
})
