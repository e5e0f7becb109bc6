import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { closest } from '../../closest.ts'
import { quantity } from '../../quantity.ts'
import type { Elements } from './xml.ts'

type Change = 'reload' | 'restart'

/** One row of settings.tsv. */
interface Setting {
  /** Of the server, of tables (`merge_tree.…`), or of the profile that owner and app have. */
  scope: 'server' | 'merge_tree' | 'profile'
  /** ClickHouse's own word for it. */
  type: string
  change: Change
}

/**
 * What may be set. Chosen by hand; types, and whether ClickHouse takes a change over while it runs, are what version 26.7 says of
 * itself in system.server_settings, system.merge_tree_settings and system.settings: clickhouse.cluster.test.ts compares them.
 */
export const settings = readSettings(readFileSync(join(import.meta.dirname, 'settings.tsv'), 'utf8'))

function readSettings(text: string): Map<string, Setting> {
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line): [string, Setting] => {
      const [name = '', scope, type = '', change] = line.split('\t')
      return [name, { scope: scope as Setting['scope'], type, change: change as Change }]
    })
  return new Map(rows)
}

/** Not in the server's own tables, and taken over at once. */
const logLevels = ['fatal', 'critical', 'error', 'warning', 'notice', 'information', 'debug', 'trace']

const pods = 'it belongs to the pod the operator makes'
const tls = 'every connection is TLS with the operator’s certificates'
const users = 'logins, profiles and quotas are the operator’s'
const members = 'the operator tells servers of each other'
const memory = 'it follows spec.resources.memoryLimit'
const console = 'the log goes to the container’s output'

/** What the operator keeps for itself, and why. */
// prettier-ignore
const refused: Record<string, string> = {
  listen_host: pods, listen_try: pods, listen_reuse_port: pods, path: pods, tmp_path: pods, tmp_policy: pods, user_files_path: pods,
  format_schema_path: pods, user_scripts_path: pods, dictionaries_lib_path: pods, top_level_domains_path: pods, filesystem_caches_path: pods,
  custom_cached_disks_base_directory: pods, include_from: pods, timezone: pods, storage_configuration: pods, mlock_executable: pods,
  http_port: tls, https_port: tls, tcp_port: tls, tcp_port_secure: tls, tcp_with_proxy_port: tls, tcp_ssh_port: tls, mysql_port: tls,
  postgresql_port: tls, grpc_port: tls, arrowflight_port: tls, protocols: tls, prometheus: tls, http_handlers: pods,
  http_options_response: pods, enable_webterminal: 'it would be a shell in the pod',
  users_config: users, user_directories: users, users: users, profiles: users, quotas: users, default_profile: users, system_profile: users,
  buffer_profile: users, ldap_servers: users, kerberos: users, password_complexity: users, allow_plaintext_password: users,
  allow_no_password: users, allow_implicit_no_password: users, default_password_type: users, readonly: users, allow_ddl: users,
  allow_introspection_functions: users, grants: users,
  remote_servers: members, macros: members, zookeeper: members, keeper: members, keeper_server: members, interserver_http_host: members,
  default_replica_path: members, default_replica_name: members,
  max_server_memory_usage: memory, max_server_memory_usage_to_ram_ratio: memory,
  default_database: 'the store’s own database is in the binding', database: 'the store’s own database is in the binding',
  wait_for_async_insert: 'an insert that is acknowledged before it is written can be lost', limit: 'it is for queries to set',
  offset: 'it is for queries to set', query_log: 'statements are kept for 14 days, because they may hold personal data',
}

/** Groups of the same kind, by how their names begin. */
const refusedGroups: [string, string][] = [
  ['openSSL', tls],
  ['interserver_', members],
  ['distributed_ddl.', members],
  ['access_control_improvements', users],
  ['logger.', console],
]

export interface Chosen {
  server: Record<string, string>
  mergeTree: Record<string, string>
  profile: Record<string, string>
}

/** Those of the parameters that are changed in this way, by where they go, under the names they have there. Pure. */
export function settingsOf(parameters: Record<string, string>, change: Change): Chosen {
  const chosen: Chosen = { server: {}, mergeTree: {}, profile: {} }
  for (const name of Object.keys(parameters).sort()) {
    const setting = name === 'logger.level' ? ({ scope: 'server', change: 'reload' } as const) : settings.get(name)
    const value = parameters[name]?.trim() ?? ''
    if (setting?.change !== change) continue
    if (setting.scope === 'server') chosen.server[name] = value
    else if (setting.scope === 'profile') chosen.profile[name] = value
    else chosen.mergeTree[name.slice('merge_tree.'.length)] = value
  }
  return chosen
}

/** `query_cache.max_entries` is an element in an element. */
export function nested(flat: Record<string, string>): Elements {
  const elements: Elements = {}
  for (const [name, value] of Object.entries(flat)) {
    const [group = '', inner] = name.split('.')
    elements[group] = inner === undefined ? value : { ...(elements[group] as Elements | undefined), [inner]: value }
  }
  return elements
}

/** One sentence per problem of `spec.parameters`, naming the key and what to do; empty when all can be applied. Pure. */
export function validateParameters({ spec }: DataStore): string[] {
  const problems = Object.entries(spec.parameters).flatMap(([name, value]) => problemOf(name, value) ?? [])
  return problems.length > 0 ? problems : [...memoryProblem(spec), ...contradictions(spec)]
}

const pathOf = (name: string) => `spec.parameters.${name}`

function problemOf(name: string, value: string): string | undefined {
  if (name === 'logger.level') {
    return logLevels.includes(value) ? undefined : `${pathOf(name)}: "${value}" is none of ${logLevels.join(', ')}`
  }
  const setting = settings.get(name)
  if (setting) {
    const problem = valueProblem(setting.type, value.trim())
    return problem && `${pathOf(name)}: "${value}" ${problem}`
  }
  const why = whyRefused(name)
  return why ? `${pathOf(name)} cannot be set: ${why}; remove it` : unknown(name)
}

function whyRefused(name: string): string | undefined {
  if (Object.hasOwn(refused, name)) return refused[name]
  return refusedGroups.find(([prefix]) => name.startsWith(prefix))?.[1]
}

function unknown(name: string): string {
  const close = closest(name, [...settings.keys(), 'logger.level'])
  const fix = close ? `did you mean ${close}?` : 'see docs/reference/clickhouse-parameters.md'
  return `${pathOf(name)} is not among the settings of ClickHouse that can be set; ${fix}`
}

const ranges: Record<string, [number, number]> = {
  NonZeroUInt64: [1, 2 ** 63],
  Int32: [-(2 ** 31), 2 ** 31 - 1],
  Int64: [-(2 ** 63), 2 ** 63],
  UInt32: [0, 2 ** 32 - 1],
}
const isFraction = (type: string) => type === 'Float' || type === 'Double'
const rangeOf = (type: string) => ranges[type] ?? [0, 2 ** 63]

function valueProblem(type: string, value: string): string | undefined {
  if (type === 'Bool') return /^(0|1|true|false)$/.test(value) ? undefined : 'is neither 1 nor 0'
  const number = isFraction(type) ? /^\d+(\.\d+)?$/ : /^-?\d+$/
  if (!number.test(value)) return isFraction(type) ? 'is not a number' : 'is not a whole number without a unit'
  const [least, most] = rangeOf(type)
  if (Number(value) < least) return `is below ${least}`
  return Number(value) > most ? `is above ${most}` : undefined
}

const mebibyte = 2 ** 20
const leastMemory = 512 * mebibyte

function memoryProblem({ resources }: DataStore['spec']): string[] {
  const { memoryLimit } = resources
  if ((quantity(memoryLimit) ?? Infinity) >= leastMemory) return []
  return [`spec.resources.memoryLimit: ${memoryLimit} is less than the 512Mi that ClickHouse needs; raise it`]
}

/** What each value allows and several together do not: a server that would not start, or would be ended by the kernel. */
function contradictions({ parameters, resources }: DataStore['spec']): string[] {
  const limit = quantity(resources.memoryLimit) ?? Infinity
  const caches = ['mark_cache_size', 'primary_index_cache_size', 'index_mark_cache_size', 'uncompressed_cache_size', 'index_uncompressed_cache_size'] // prettier-ignore
  const cached = caches.reduce((sum, name) => sum + Number(parameters[name] ?? 0), 0)
  const problems: string[] = []
  if (cached > limit / 2) {
    problems.push(`spec.parameters: caches of ${cached} bytes are more than half of spec.resources.memoryLimit (${resources.memoryLimit}), and queries need memory, too; lower them or raise the limit`) // prettier-ignore
  }
  const pool = Number(parameters['background_pool_size'] ?? 4) * Number(parameters['background_merges_mutations_concurrency_ratio'] ?? 2) // prettier-ignore
  for (const [name, { scope }] of settings) {
    const given = parameters[name]
    if (scope === 'merge_tree' && name.includes('number_of_free_entries_in_pool') && Number(given ?? 0) > pool) {
      problems.push(`spec.parameters.${name}: "${given}" is more than background_pool_size × background_merges_mutations_concurrency_ratio (${pool}), and the server would not start; lower it`) // prettier-ignore
    }
  }
  return problems
}

/** docs/reference/clickhouse-parameters.md. */
export function reference(): string {
  const table = (scope: Setting['scope']) => {
    const rows = [...settings].filter(([, setting]) => setting.scope === scope)
    const lines = rows.map(([name, { type, change }]) => `| \`${name}\` | ${describe(type)} | ${change} |`)
    return ['| setting | value | change |', '| --- | --- | --- |', ...lines].join('\n')
  }
  const parts = [
    '<!-- Generated by `make generate`. Do not edit. -->',
    '# ClickHouse parameters',
    'What `spec.parameters` of a DataStore with `engine: clickhouse` accepts, all values as strings. Sizes are in bytes, without a unit. ' +
      'ClickHouse’s own pages say more about each: <https://clickhouse.com/docs/operations/settings/settings>. ' +
      'What is not set here follows from `spec.resources`, or is ClickHouse’s default.',
    'An unknown name, a bad value and values that contradict each other are refused before anything changes: condition `SpecValid` names the key. ' +
      '`reload`: in force as soon as the kubelet has brought the file into the pod, within two minutes; no connection is lost. `restart`: pods are replaced one by one.',
    '## Of queries',
    'They are the profile of the owner’s and the app’s login; a query may set them otherwise for itself. The operator’s login is not touched by them.',
    table('profile'),
    '## Of the server',
    `\`logger.level\` (reload) is one of ${logLevels.map((level) => `\`${level}\``).join(', ')}; default \`information\`.`,
    table('server'),
    '## Of tables',
    'Defaults of all tables of the MergeTree family; `SETTINGS` of a table win.',
    table('merge_tree'),
    '## Not settable',
    [
      '| setting | why |',
      '| --- | --- |',
      ...Object.entries(refused).map(([name, why]) => `| \`${name}\` | ${why} |`),
      ...refusedGroups.map(([prefix, why]) => `| \`${prefix}…\` | ${why} |`),
    ].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

function describe(type: string): string {
  if (type === 'Bool') return '`1` or `0`'
  if (isFraction(type)) return 'number'
  const unit = { Seconds: ', seconds', Milliseconds: ', milliseconds' }[type] ?? ''
  const [least] = rangeOf(type)
  return least === 1 ? `whole number from 1${unit}` : `whole number${unit}`
}
