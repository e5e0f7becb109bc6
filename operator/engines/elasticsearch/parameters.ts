import type { DataStore } from '../../../crds/schema/data-store.ts'
import { closest } from '../../closest.ts'
import { quantity } from '../../quantity.ts'

/*
 * What spec.parameters may hold. A static setting is in the server's file and needs new pods; a dynamic one is a persistent cluster
 * setting, and the same for all nodes. docs/reference/elasticsearch-parameters.md is generated from these tables.
 */

type Kind =
  | { kind: 'integer'; min: number; max: number }
  | { kind: 'number'; min: number; max: number }
  | { kind: 'boolean' }
  | { kind: 'choice'; values: string[] }
  | { kind: 'size' }
  /** Of the heap. */
  | { kind: 'share' }
  | { kind: 'time' }
  /** `-1` for no limit among the values. */
  | { kind: 'timeOrNone' }
  | { kind: 'text'; pattern: RegExp; what: string }

interface Setting {
  type: Kind
  /** Unless the spec says otherwise: the server's own, or the operator's where it differs. */
  default: string
  about: string
}

const integer = (min: number, max: number): Kind => ({ kind: 'integer', min, max })
const boolean: Kind = { kind: 'boolean' }
const size: Kind = { kind: 'size' }
const share: Kind = { kind: 'share' }
const time: Kind = { kind: 'time' }
const choice = (...values: string[]): Kind => ({ kind: 'choice', values })

// prettier-ignore
const staticTable: Record<string, Setting> = {
  'indices.memory.index_buffer_size':       { type: share, default: '10%', about: 'Memory for documents that are not in a segment yet' },
  'indices.queries.cache.size':             { type: share, default: '10%', about: 'Memory for the results of filters' },
  'indices.requests.cache.size':            { type: share, default: '1%', about: 'Memory for the answers of whole searches' },
  'indices.fielddata.cache.size':           { type: share, default: 'no limit', about: 'Memory for values of text fields that are sorted or aggregated by' },
  'node.processors':                        { type: integer(1, 1024), default: 'those of the machine', about: 'Processors that thread pools are sized by' },
  'thread_pool.write.queue_size':           { type: integer(1, 1_000_000), default: '10000', about: 'Writes that wait per node before more are refused' },
  'thread_pool.search.queue_size':          { type: integer(1, 1_000_000), default: '2000 times node.processors', about: 'Searches that wait per node before more are refused' },
  'http.max_content_length':                { type: size, default: '100mb', about: 'Longest request' },
  'http.compression':                       { type: boolean, default: 'false', about: 'Compress answers for clients that ask for it' },
  'gateway.expected_data_nodes':            { type: integer(0, 100), default: 'none', about: 'Nodes to wait for after a stop of all before shards are copied' },
  'gateway.recover_after_data_nodes':       { type: integer(0, 100), default: 'none', about: 'Nodes without which nothing is recovered after a stop of all' },
  'gateway.recover_after_time':             { type: time, default: '5m', about: 'Longest wait for gateway.expected_data_nodes' },
}

// prettier-ignore
const dynamicTable: Record<string, Setting> = {
  'action.auto_create_index':               { type: { kind: 'text', pattern: /^[^\s]+$/, what: 'true, false, or patterns of index names with + or - before them, comma between' }, default: 'true', about: 'Which indices come into being with their first document' },
  'action.destructive_requires_name':       { type: boolean, default: 'true', about: 'Indices can be deleted by their full names only' },
  'cluster.max_shards_per_node':            { type: integer(1, 1_000_000), default: '1000', about: 'Shards per node, beyond which no index can be made' },
  'cluster.no_master_block':                { type: choice('write', 'metadata_write', 'all'), default: 'write', about: 'What is refused while there is no master' },
  'cluster.info.update.interval':           { type: time, default: '30s', about: 'How often the space on the volumes is looked at' },
  'cluster.routing.allocation.enable':      { type: choice('all', 'primaries', 'new_primaries', 'none'), default: 'all', about: 'Which shards are given to nodes' },
  'cluster.routing.rebalance.enable':       { type: choice('all', 'primaries', 'replicas', 'none'), default: 'all', about: 'Which shards are moved to even nodes out' },
  'cluster.routing.allocation.cluster_concurrent_rebalance':         { type: integer(-1, 1000), default: '2', about: 'Shards that move at the same time to even nodes out; -1: no limit' },
  'cluster.routing.allocation.node_concurrent_recoveries':           { type: integer(1, 1000), default: '2', about: 'Copies of shards that a node sends or receives at the same time' },
  'cluster.routing.allocation.node_initial_primaries_recoveries':    { type: integer(1, 1000), default: '4', about: 'Primaries that a node opens at the same time after its start' },
  'cluster.routing.allocation.disk.threshold_enabled':               { type: boolean, default: 'true', about: 'Whether the three watermarks are kept' },
  'cluster.routing.allocation.disk.watermark.low':                   { type: { kind: 'text', pattern: /^([0-9]+(\.[0-9]+)?%|[0-9]+(b|kb|mb|gb|tb))$/, what: 'a share of the volume that is used, such as 85%, or what must be left, such as 2gb' }, default: '15 % of spec.storage.size left', about: 'From here on a node gets no more shards' },
  'cluster.routing.allocation.disk.watermark.high':                  { type: { kind: 'text', pattern: /^([0-9]+(\.[0-9]+)?%|[0-9]+(b|kb|mb|gb|tb))$/, what: 'a share of the volume that is used, such as 85%, or what must be left, such as 2gb' }, default: '10 % of spec.storage.size left', about: 'From here on shards move to other nodes' },
  'cluster.routing.allocation.disk.watermark.flood_stage':           { type: { kind: 'text', pattern: /^([0-9]+(\.[0-9]+)?%|[0-9]+(b|kb|mb|gb|tb))$/, what: 'a share of the volume that is used, such as 85%, or what must be left, such as 2gb' }, default: '5 % of spec.storage.size left', about: 'From here on indices with a shard on the node can only be read and deleted from' },
  'indices.recovery.max_bytes_per_sec':     { type: size, default: '40mb', about: 'Speed at which a node copies shards' },
  'indices.breaker.total.limit':            { type: share, default: '95%', about: 'Memory beyond which requests are refused' },
  'indices.breaker.request.limit':          { type: share, default: '60%', about: 'Memory that one request may take' },
  'indices.breaker.fielddata.limit':        { type: share, default: '40%', about: 'Memory for values of text fields beyond which requests are refused' },
  'search.max_buckets':                     { type: integer(1, 10_000_000), default: '65536', about: 'Buckets of aggregations in one answer' },
  'search.default_search_timeout':          { type: { kind: 'timeOrNone' }, default: '-1', about: 'How long a search may take that gives no timeout itself; -1: for ever' },
  'search.default_keep_alive':              { type: time, default: '5m', about: 'How long a scroll is kept that does not say itself' },
  'search.max_keep_alive':                  { type: time, default: '24h', about: 'How long a scroll or point in time may be kept' },
  'search.max_open_scroll_context':         { type: integer(0, 1_000_000), default: '500', about: 'Scrolls that may be open per node' },
  'search.allow_expensive_queries':         { type: boolean, default: 'true', about: 'Allow queries that look at every document or term' },
  'search.default_allow_partial_results':   { type: boolean, default: 'true', about: 'Answer a search although a shard did not' },
  'search.low_level_cancellation':          { type: boolean, default: 'true', about: 'A search that was cancelled stops at once' },
  'transport.tracer.include':               { type: { kind: 'text', pattern: /^[^\s]*$/, what: 'patterns of actions, comma between' }, default: 'none', about: 'Actions between nodes that are logged, once logger.org.elasticsearch.transport.TransportService.tracer is TRACE' },
}

const levels = ['OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE']
const logger = /^logger\.[A-Za-z_][A-Za-z0-9_.]*$/

const settable = { ...staticTable, ...dynamicTable }
export const settableNames = Object.keys(settable)
const isDynamic = (name: string) => Object.hasOwn(dynamicTable, name) || logger.test(name)

const pods = 'it belongs to the pod the operator makes'
const members = 'the operator sets it for the nodes of the store'
const security = 'every connection is TLS and logged in, with certificates and logins of the operator'
const perIndex = 'it belongs to an index: set it there, or in an index template'
const moves = 'the operator sets it when nodes come and go'

/** What the operator keeps for itself, by how the names begin, and why. */
// prettier-ignore
const refused: [string, string][] = [
  ['index.', perIndex],
  ['xpack.security.', security], ['http.cors.', 'browsers are not to talk to the store itself'],
  ['cluster.name', members], ['cluster.initial_', 'a second cluster could come into being beside the first'], ['discovery.', members], ['node.name', members],
  ['node.roles', 'every node holds data and may become master'], ['node.attr.', members], ['node.store.allow_mmap', 'memory maps would need a setting of the machine’s kernel'],
  ['cluster.routing.allocation.exclude.', moves], ['cluster.routing.allocation.include.', moves], ['cluster.routing.allocation.require.', moves], ['cluster.routing.allocation.awareness.', moves],
  ['cluster.auto_shrink_voting_configuration', moves],
  ['network.', pods], ['http.port', pods], ['http.host', pods], ['http.bind_host', pods], ['http.publish_', pods], ['transport.port', pods], ['transport.host', pods], ['transport.bind_host', pods], ['transport.publish_', pods], ['transport.profiles.', pods],
  ['path.', pods], ['bootstrap.', 'pods have no right to lock memory'], ['readiness.port', pods],
  ['cluster.remote.', 'the store is a cluster of its own'],
]

/** One sentence per problem of the fields only Elasticsearch understands, naming the field and what to do; empty when all is well. Pure. */
export function validate(store: DataStore): string[] {
  const { parameters } = store.spec
  const problems = Object.entries(parameters).flatMap(([name, value]) => problemOf(name, value) ?? [])
  return [...problems, ...watermarkProblem(parameters), ...memoryProblem(store)]
}

/** Less, and the server does not start or is ended by the kernel under its first load. */
const leastMemory = '768Mi'

function memoryProblem({ spec: { resources, mode } }: DataStore): string[] {
  if (mode === 'external' || (quantity(resources.memoryLimit) ?? 0) >= (quantity(leastMemory) ?? 0)) return []
  return [
    `spec.resources.memoryLimit: ${resources.memoryLimit} is too little for Elasticsearch: give it at least ${leastMemory}`,
  ]
}

const pathOf = (name: string) => `spec.parameters.${name}`

function problemOf(name: string, value: string): string | undefined {
  const why = refused.find(([prefix]) => name.startsWith(prefix))?.[1]
  if (why) return `${pathOf(name)} cannot be set: ${why}; remove it`
  if (logger.test(name))
    return levels.includes(value.toUpperCase())
      ? undefined
      : `${pathOf(name)}: "${value}" is none of ${levels.join(', ')}`
  const setting = Object.hasOwn(settable, name) ? settable[name] : undefined
  if (!setting) return unknown(name)
  const problem = valueProblem(setting.type, value)
  return problem && `${pathOf(name)}: "${value}" ${problem}`
}

function unknown(name: string): string {
  const close = closest(name, Object.keys(settable))
  const fix = close ? `did you mean ${close}?` : 'see docs/reference/elasticsearch-parameters.md'
  return `${pathOf(name)} is no setting of Elasticsearch that can be set here; ${fix}`
}

const sizeForm = /^[0-9]+(b|kb|mb|gb|tb|pb)$/
const shareForm = /^[0-9]+(\.[0-9]+)?%$/
const timeForm = /^[0-9]+(nanos|micros|ms|s|m|h|d)$/

function valueProblem(type: Kind, value: string): string | undefined {
  switch (type.kind) {
    case 'integer':
    case 'number': {
      const form = type.kind === 'integer' ? /^-?[0-9]+$/ : /^-?[0-9]+(\.[0-9]+)?$/
      const fits = form.test(value) && Number(value) >= type.min && Number(value) <= type.max
      return fits ? undefined : `is no ${type.kind} from ${type.min} to ${type.max}`
    }
    case 'boolean':
      return value === 'true' || value === 'false' ? undefined : 'is neither true nor false'
    case 'choice':
      return type.values.includes(value) ? undefined : `is none of ${type.values.join(', ')}`
    case 'size':
      return sizeForm.test(value) ? undefined : 'is no size with a unit, such as 64mb'
    case 'share':
      return sizeForm.test(value) || (shareForm.test(value) && Number.parseFloat(value) <= 100)
        ? undefined
        : 'is neither a share of the heap, such as 10%, nor a size with a unit, such as 64mb'
    case 'time':
      return timeForm.test(value) ? undefined : 'is no time with a unit, such as 30s'
    case 'timeOrNone':
      return value === '-1' || timeForm.test(value) ? undefined : 'is neither -1 nor a time with a unit, such as 30s'
    case 'text':
      return type.pattern.test(value) ? undefined : `is not ${type.what}`
  }
}

const watermark = 'cluster.routing.allocation.disk.watermark.'
const stages = ['low', 'high', 'flood_stage'] as const

/** The server compares them with each other, and takes shares or sizes, not both. */
function watermarkProblem(parameters: Record<string, string>): string[] {
  const given = stages.filter((stage) => parameters[watermark + stage] !== undefined)
  if (given.length === 0) return []
  const missing = stages.find((stage) => !given.includes(stage))
  if (missing) return [`${pathOf(watermark + missing)} is missing: set all three watermarks, or none`]
  const values = stages.map((stage) => parameters[watermark + stage] ?? '')
  const shares = values.filter((value) => value.endsWith('%'))
  if (shares.length > 0 && shares.length < 3)
    return [`${pathOf(`${watermark}*`)}: give all three as shares, or all three as sizes`]
  const [low = 0, high = 0, flood = 0] = values.map((value) =>
    value.endsWith('%') ? Number.parseFloat(value) : -bytesOf(value),
  )
  const rises = low <= high && high <= flood
  return rises ? [] : [`${pathOf(`${watermark}*`)}: low must be reached before high, and high before flood_stage`]
}

const units: Record<string, number> = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40, pb: 2 ** 50 }

function bytesOf(value: string): number {
  const [, digits, unit = 'b'] = /^([0-9.]+)([a-z]+)$/.exec(value) ?? []
  return Number(digits) * (units[unit] ?? 1)
}

/** For the server's file. */
export function staticSettings(parameters: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !isDynamic(name)))
}

/** Cluster settings there shall be. */
export function dynamicSettings({ spec }: DataStore): Record<string, string> {
  const given = Object.entries(spec.parameters).filter(([name]) => isDynamic(name))
  return { ...watermarks(spec.storage.size), ...Object.fromEntries(given) }
}

/** By the size of the volume: where one is only a folder, the disk below it may be nearly full all the time. */
function watermarks(storage: string): Record<string, string> {
  const bytes = quantity(storage) ?? 0
  const left = (percent: number) => `${Math.floor((bytes * percent) / 100)}b`
  return { [`${watermark}low`]: left(15), [`${watermark}high`]: left(10), [`${watermark}flood_stage`]: left(5) }
}

/** Whether the operator takes this cluster setting away when the spec does not have it. Others are left to whoever made them. */
export const isKept = isDynamic

const kinds: Record<Kind['kind'], (type: never) => string> = {
  integer: ({ min, max }: { min: number; max: number }) => `${min} … ${max}`,
  number: ({ min, max }: { min: number; max: number }) => `${min} … ${max}`,
  boolean: () => 'true, false',
  choice: ({ values }: { values: string[] }) => values.join(', '),
  size: () => 'size: `64mb`',
  share: () => 'share of the heap or size: `10%`, `64mb`',
  time: () => 'time: `30s`',
  timeOrNone: () => '-1 or time: `30s`',
  text: ({ what }: { what: string }) => what,
}

const rowsOf = (table: Record<string, Setting>) =>
  Object.entries(table)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { type, default: byDefault, about }]) => {
      return `| \`${name}\` | ${kinds[type.kind](type as never)} | ${byDefault} | ${about} |`
    })
    .join('\n')

/** docs/reference/elasticsearch-parameters.md */
export function reference(): string {
  const refusals = refused.map(
    ([prefix, why]) => `| \`${prefix}${prefix.endsWith('.') || prefix.endsWith('_') ? '…' : ''}\` | ${why} |`,
  )
  return `<!-- Generated by \`make generate\`. Do not edit. -->

# Elasticsearch parameters

\`spec.parameters\` of a DataStore with engine elasticsearch. Values are strings. Anything else is refused before anything changes.

## While nodes run

Persistent cluster settings: the same for every node, in force at once. What the spec does not name is set back to the default; cluster settings that are not in this
table are left as they are.

| setting | value | default | what |
| --- | --- | --- | --- |
${rowsOf(dynamicTable)}
| \`logger.<name>\` | ${levels.join(', ')} | INFO | Level of a logger, such as \`logger.org.elasticsearch.discovery\` |

## With a rolling restart

| setting | value | default | what |
| --- | --- | --- | --- |
${rowsOf(staticTable)}

## Refused

| setting | why |
| --- | --- |
${refusals.join('\n')}
`
}
