import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { closest } from '../../closest.ts'
import { quantity } from '../../quantity.ts'

/** One row of settings.tsv. Names are in lower case throughout: PostgreSQL does not tell cases apart. */
interface Setting {
  /** As PostgreSQL writes it. */
  name: string
  type: 'bool' | 'integer' | 'real' | 'enum' | 'string'
  /** postmaster: a change needs a restart; every other one is a reload. */
  context: string
  unit: string
  min: number
  max: number
  values: string[]
}

/** The engines of this family: what differs between them. */
export type FamilyName = 'postgres' | 'timescale'

interface Family {
  title: string
  /** Loaded into every server. */
  libraries: string[]
  /**
   * What PostgreSQL 17 and these libraries say of themselves in pg_settings, by name in lower case. The files have name, type, context,
   * unit, min, max, values; made and compared by parameters.postgres.test.ts: `vitest run --project postgres parameters -u` writes them.
   */
  settings: Map<string, Setting>
}

const libraries = ['pg_cron', 'pgaudit', 'pg_stat_statements']
const ofPostgres = readSettings('settings.tsv')
const families: Record<FamilyName, Family> = {
  postgres: { title: 'PostgreSQL 17', libraries, settings: ofPostgres },
  timescale: {
    title: 'PostgreSQL 17 and TimescaleDB',
    libraries: ['timescaledb', ...libraries],
    settings: new Map([...ofPostgres, ...readSettings('../timescale/settings.tsv')]),
  },
}

/** The registry brings stores of these two engines here, and no others. */
export const familyName = ({ spec }: DataStore) => spec.engine as FamilyName
const familyOf = (store: DataStore) => families[familyName(store)]

function readSettings(file: string): Map<string, Setting> {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8')
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line): [string, Setting] => {
      const [name = '', type, context = '', unit = '', min, max, values] = line.split('\t')
      const range = { min: min ? Number(min) : -Infinity, max: max ? Number(max) : Infinity }
      const allowed = values ? values.split(',') : []
      return [name.toLowerCase(), { name, type: type as Setting['type'], context, unit, ...range, values: allowed }]
    })
  return new Map(rows)
}

/** Of the image's other libraries those that may be loaded besides. */
const moreLibraries = ['auto_explain']

const pods = 'it belongs to the pod the operator makes'
const members = 'Patroni keeps it for the members of the store'
const tls = 'every connection is TLS with the operator’s certificates'
const loss = 'any other value can lose or corrupt data'
const archive = 'backups will set it'
const developer = 'it is for developers of PostgreSQL'
const clients = 'it is for clients to set'
const locale = 'the image has the locale C.UTF-8 only'
const code = 'it would load code into every session'

/** What the operator keeps for itself, and why. */
// prettier-ignore
const refused: Record<string, string> = {
  listen_addresses: pods, port: pods, unix_socket_directories: pods, unix_socket_group: pods, unix_socket_permissions: pods,
  data_directory: pods, config_file: pods, hba_file: pods, ident_file: pods, external_pid_file: pods, bonjour: pods, bonjour_name: pods,
  event_source: pods, dynamic_shared_memory_type: pods, shared_memory_type: pods, huge_pages: pods, huge_page_size: pods,
  log_destination: 'the log goes to the container’s output', logging_collector: 'the log goes to the container’s output',
  log_directory: 'the log goes to the container’s output', log_filename: 'the log goes to the container’s output',
  log_file_mode: 'the log goes to the container’s output', log_rotation_age: 'the log goes to the container’s output',
  log_rotation_size: 'the log goes to the container’s output', log_truncate_on_rotation: 'the log goes to the container’s output',
  syslog_facility: 'the log goes to the container’s output', syslog_ident: 'the log goes to the container’s output',
  syslog_sequence_numbers: 'the log goes to the container’s output', syslog_split_messages: 'the log goes to the container’s output',
  allow_alter_system: 'settings come from spec.parameters: one set on the server would be in force on one member only',
  cluster_name: members, hot_standby: members, primary_conninfo: members, primary_slot_name: members,
  synchronous_standby_names: 'spec.replication decides it', wal_log_hints: 'a former primary is rewound with its help',
  recovery_end_command: members, recovery_init_sync_method: members, recovery_min_apply_delay: 'a replica that is late on purpose cannot take over',
  recovery_prefetch: members, recovery_target: members, recovery_target_action: members, recovery_target_inclusive: members,
  recovery_target_lsn: members, recovery_target_name: members, recovery_target_time: members, recovery_target_timeline: members,
  recovery_target_xid: members, restart_after_crash: members, sync_replication_slots: members, synchronized_standby_slots: members,
  archive_mode: archive, archive_command: archive, archive_library: archive, archive_timeout: archive, archive_cleanup_command: archive, restore_command: archive,
  ssl: tls, ssl_ca_file: tls, ssl_cert_file: tls, ssl_ciphers: tls, ssl_crl_dir: tls, ssl_crl_file: tls, ssl_dh_params_file: tls, ssl_ecdh_curve: tls,
  ssl_key_file: tls, ssl_max_protocol_version: tls, ssl_min_protocol_version: tls, ssl_passphrase_command: tls,
  ssl_passphrase_command_supports_reload: tls, ssl_prefer_server_ciphers: tls,
  password_encryption: 'passwords are stored as SCRAM-SHA-256', db_user_namespace: 'passwords are stored as SCRAM-SHA-256',
  gss_accept_delegation: 'logins are by password', krb_caseins_users: 'logins are by password', krb_server_keyfile: 'logins are by password',
  fsync: loss, full_page_writes: loss, data_sync_retry: loss, zero_damaged_pages: loss, ignore_checksum_failure: loss, ignore_invalid_pages: loss,
  ignore_system_indexes: loss, wal_sync_method: loss, allow_system_table_mods: loss, allow_in_place_tablespaces: developer,
  default_transaction_read_only: 'the operator could not tell the primary from a broken one', event_triggers: developer,
  transaction_isolation: clients, transaction_read_only: clients, transaction_deferrable: clients, client_encoding: clients, application_name: clients,
  lc_messages: locale, lc_monetary: locale, lc_numeric: locale, lc_time: locale,
  local_preload_libraries: code, session_preload_libraries: code, dynamic_library_path: code, extension_destdir: code, jit_provider: code,
  output_plugin_libraries: code, default_tablespace: 'the pod has one volume', temp_tablespaces: 'the pod has one volume',
  default_table_access_method: 'the image has only one', timezone_abbreviations: 'the image has only one that works everywhere',
  post_auth_delay: developer, pre_auth_delay: developer, backtrace_functions: developer, wal_consistency_checking: developer,
  remove_temp_files_after_crash: developer, send_abort_for_crash: developer, send_abort_for_kill: developer,
  'cron.database_name': 'jobs are kept in the database of the store', 'cron.use_background_workers': 'a login of pg_cron’s own would need a password',
  'timescaledb.license': 'the image has one edition', 'timescaledb.restoring': 'it is for restores, which set it themselves',
  'timescaledb.disable_load': loss, 'timescaledb.last_tuned': developer, 'timescaledb.last_tuned_version': developer,
  'cron.host': 'a login of pg_cron’s own would need a password',
}

/** Groups of the same kind, by how their names begin. */
const refusedGroups: [string, string][] = [
  ['debug_', developer],
  ['timescaledb.debug_', developer],
  ['trace_', developer],
  ['jit_d', developer],
  ['jit_profiling', developer],
]

/** Where Patroni or what runs here needs more than PostgreSQL's own minimum. Patroni would put its default in place of less. */
const atLeast: Record<string, number> = {
  max_connections: 25,
  max_wal_senders: 10,
  max_replication_slots: 10,
  max_worker_processes: 8,
  max_locks_per_transaction: 32,
  wal_keep_size: 16,
  min_wal_size: 32,
  max_wal_size: 32,
}

/** Of the values of an enumeration those that keep what the store promises. */
const onlyValues: Record<string, { values: string[]; why: string }> = {
  wal_level: { values: ['replica', 'logical'], why: 'replicas need it' },
  synchronous_commit: {
    values: ['on', 'remote_apply', 'remote_write'],
    why: 'less would lose acknowledged commits; set it in the transactions that can afford it',
  },
}

/** What strings must look like, where a wrong one would keep a server from starting. */
const forms: Record<string, { test: (value: string) => boolean; what: string }> = {
  timezone: { test: isTimeZone, what: 'a time zone by its IANA name, such as Europe/Paris' },
  log_timezone: { test: isTimeZone, what: 'a time zone by its IANA name, such as Europe/Paris' },
  'cron.timezone': { test: isTimeZone, what: 'a time zone by its IANA name, such as Europe/Paris' },
  datestyle: form(/^(iso|postgres|sql|german)(\s*,\s*(dmy|mdy|ymd))?$/i, 'a style and an order, such as ISO, DMY'),
  createrole_self_grant: form(/^((set|inherit)(\s*,\s*(set|inherit))?)?$/i, 'a list of set and inherit'),
  restrict_nonsystem_relation_kind: form(
    /^((view|foreign-table)(\s*,\s*(view|foreign-table))?)?$/i,
    'a list of view and foreign-table',
  ),
  default_text_search_config: form(/^([a-z_]+\.)?[a-z_]+$/, 'the name of a configuration, such as pg_catalog.english'),
  search_path: form(/^("?[$\w]+"?(\s*,\s*"?[$\w]+"?)*)?$/, 'names of schemas, comma between'),
  'pgaudit.log': form(
    /^(none|-?(all|ddl|function|misc|misc_set|read|role|write)(\s*,\s*-?(all|ddl|function|misc|misc_set|read|role|write))*)$/i,
    'none, or classes of pgaudit, comma between: all, ddl, function, misc, misc_set, read, role, write',
  ),
  'pgaudit.log_level': form(/^(debug[1-5]|info|notice|warning|log)$/, 'debug1 to debug5, info, notice, warning or log'),
  'pgaudit.role': form(/^[a-z_][a-z0-9_]*$/, 'the name of a role'),
}

function form(pattern: RegExp, what: string) {
  return { test: (value: string) => pattern.test(value), what }
}

function isTimeZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: value })
    return /^[A-Za-z]/.test(value)
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** The parameters of a spec under their names in lower case. */
export function normalized(parameters: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]))
}

/** One sentence per problem of `spec.parameters`, naming the key and what to do; empty when all can be applied. Pure. */
export function validateParameters(store: DataStore): string[] {
  const { parameters } = store.spec
  const family = familyOf(store)
  const problems = [
    ...twice(parameters),
    ...Object.entries(parameters).flatMap(([key, value]) => problemOf(family, key, value, parameters) ?? []),
  ]
  return problems.length > 0 ? problems : contradictions(store)
}

const pathOf = (key: string) => `spec.parameters.${key}`

function twice(parameters: Record<string, string>): string[] {
  const keys = Object.keys(parameters)
  const lower = keys.map((key) => key.toLowerCase())
  return keys
    .filter((key, index) => lower.indexOf(key.toLowerCase()) !== index)
    .map((key) => `${pathOf(key)} is given twice: PostgreSQL does not tell upper from lower case; remove one`)
}

function problemOf(family: Family, key: string, value: string, parameters: Record<string, string>): string | undefined {
  const name = key.toLowerCase()
  if (name === 'shared_preload_libraries') return librariesProblem(family, value)
  const why = whyRefused(name)
  if (why) return `${pathOf(key)} cannot be set: ${why}; remove it`
  const setting = family.settings.get(name)
  if (!setting) return unknown(family, key)
  const missing = missingLibrary(family, name, parameters)
  if (missing) return `${pathOf(key)} needs the library ${missing}: add it to spec.parameters.shared_preload_libraries`
  const problem = valueProblem(name, setting, value)
  return problem && `${pathOf(key)}: "${value}" ${problem}`
}

function whyRefused(name: string): string | undefined {
  if (Object.hasOwn(refused, name)) return refused[name]
  return refusedGroups.find(([prefix]) => name.startsWith(prefix))?.[1]
}

/** Whether a spec may set it. */
export const isSettable = (name: string) => ofPostgres.has(name) && whyRefused(name) === undefined

function unknown({ title, libraries, settings }: Family, key: string): string {
  const candidates = [...settings.keys()].filter((name) => !whyRefused(name))
  const close = closest(key.toLowerCase(), candidates)
  const fix = close ? `did you mean ${settings.get(close)?.name}?` : 'see docs/reference/postgres-parameters.md'
  return `${pathOf(key)}: ${title} with ${libraries.join(', ')} has no such setting; ${fix}`
}

function librariesProblem({ libraries }: Family, value: string): string | undefined {
  const known = [...libraries, ...moreLibraries]
  const other = listOf(value).find((library) => !known.includes(library))
  if (other === undefined) return undefined
  return `${pathOf('shared_preload_libraries')}: "${other}" cannot be loaded; besides ${libraries.join(', ')}, which always are, there is ${moreLibraries.join(', ')}`
}

const listOf = (value: string) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)

/** The value of shared_preload_libraries: the operator's own, and what the spec adds. */
export function preloaded(engine: FamilyName, parameters: Record<string, string>): string {
  return [
    ...new Set([...families[engine].libraries, ...listOf(normalized(parameters)['shared_preload_libraries'] ?? '')]),
  ].join(',')
}

function missingLibrary({ libraries }: Family, name: string, parameters: Record<string, string>): string | undefined {
  const library = moreLibraries.find((candidate) => name.startsWith(`${candidate}.`))
  const given = listOf(normalized(parameters)['shared_preload_libraries'] ?? '')
  return library && ![...libraries, ...given].includes(library) ? library : undefined
}

function valueProblem(name: string, setting: Setting, value: string): string | undefined {
  if (/[\0\n\r]/.test(value)) return 'holds a line break'
  switch (setting.type) {
    case 'bool':
      return /^(on|off|true|false|yes|no|1|0)$/i.test(value) ? undefined : 'is neither on nor off'
    case 'enum':
      return enumProblem(name, setting, value)
    case 'integer':
    case 'real':
      return numberProblem(name, setting, value)
    case 'string': {
      const wanted = forms[name]
      return wanted && !wanted.test(value) ? `is not ${wanted.what}` : undefined
    }
  }
}

function enumProblem(name: string, setting: Setting, value: string): string | undefined {
  const only = onlyValues[name]
  const values = only?.values ?? setting.values
  if (values.includes(value.toLowerCase())) return undefined
  const because = only && setting.values.includes(value.toLowerCase()) ? `: ${only.why}` : ''
  return `is none of ${values.join(', ')}${because}`
}

const kibi = 1024
/** Units of a number by the unit it is counted in, each in bytes or microseconds. */
const memoryUnits: Record<string, number> = { B: 1, kB: kibi, MB: kibi ** 2, GB: kibi ** 3, TB: kibi ** 4 }
const timeUnits: Record<string, number> = { us: 1, ms: 1e3, s: 1e6, min: 6e7, h: 3.6e9, d: 8.64e10 }
const bases: Record<string, [Record<string, number>, number]> = {
  B: [memoryUnits, 1],
  kB: [memoryUnits, kibi],
  '8kB': [memoryUnits, 8 * kibi],
  MB: [memoryUnits, kibi ** 2],
  ms: [timeUnits, 1e3],
  s: [timeUnits, 1e6],
  min: [timeUnits, 6e7],
}

const numberForm = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([a-zA-Z]*)\s*$/

/** A number in the unit its setting is counted in; undefined when it is none, or has a unit that does not fit. */
function amountOf({ unit, type }: Setting, value: string): number | undefined {
  const [, digits, given = ''] = numberForm.exec(value) ?? []
  if (digits === undefined) return undefined
  const amount = Number(digits)
  if (given === '') return type === 'integer' ? Math.round(amount) : amount
  const [units, base] = bases[unit] ?? [{}, 1]
  const factor = Object.hasOwn(units, given) ? units[given] : undefined
  if (factor === undefined) return undefined
  const inUnit = (amount * factor) / base
  return type === 'integer' ? Math.round(inUnit) : inUnit
}

function numberProblem(name: string, setting: Setting, value: string): string | undefined {
  const amount = amountOf(setting, value)
  if (amount === undefined) return `is not ${numberWords(setting)}`
  const min = Math.max(setting.min, atLeast[name] ?? -Infinity)
  if (amount >= min && amount <= setting.max) return undefined
  return `is not from ${min} to ${setting.max}${unitWords(setting.unit)}`
}

function numberWords({ unit, type }: Setting): string {
  const number = type === 'integer' ? 'a whole number' : 'a number'
  const [units] = bases[unit] ?? []
  return units ? `${number}, with or without a unit (${Object.keys(units).join(', ')})` : number
}

function unitWords(unit: string): string {
  if (unit === '') return ''
  return unit === '8kB' ? ' pages of 8kB' : ` ${unit}`
}

/** What each value allows and several together do not: a server that would not start, or would be ended by the kernel. */
function contradictions(store: DataStore): string[] {
  const given = normalized(store.spec.parameters)
  const { settings } = familyOf(store)
  const value = (name: string, otherwise: number) => {
    const setting = settings.get(name)
    return (setting && given[name] !== undefined ? amountOf(setting, given[name]) : undefined) ?? otherwise
  }
  const problems: string[] = []
  const connections = maxConnections(store)
  const reserved = value('superuser_reserved_connections', 3) + value('reserved_connections', 0)
  if (reserved >= connections) {
    problems.push(
      `spec.parameters: superuser_reserved_connections and reserved_connections are ${reserved} together, max_connections is ${connections}: nobody else could connect; raise max_connections or lower them`,
    )
  }
  const [jobs, workers] = [
    value('cron.max_running_jobs', 5),
    value('max_worker_processes', maxWorkers(familyName(store))),
  ]
  if (jobs >= workers) {
    problems.push(`spec.parameters: cron.max_running_jobs is ${jobs}, max_worker_processes is ${workers}: each job needs a worker, and something else needs one, too; raise max_worker_processes or lower it`) // prettier-ignore
  }
  const shared = value('shared_buffers', 0) * 8 * kibi
  const limit = quantity(store.spec.resources.memoryLimit) ?? Infinity
  if (shared > limit * 0.75) {
    problems.push(
      `spec.parameters.shared_buffers: "${given['shared_buffers']}" is more than three quarters of spec.resources.memoryLimit (${store.spec.resources.memoryLimit}): the kernel would end the pod; lower it or raise the limit`,
    )
  }
  return problems
}

const defaultMaxConnections = 100

/** Parallel workers, logical replication, pg_cron's and TimescaleDB's background workers share them. */
export const maxWorkers = (engine: FamilyName) => (engine === 'timescale' ? 24 : 16)

/** Connections one server accepts, those kept for superusers included. The pooler's budget is computed from it. */
export function maxConnections(store: DataStore): number {
  const setting = ofPostgres.get('max_connections')
  const given = normalized(store.spec.parameters)['max_connections']
  return (setting && given !== undefined ? amountOf(setting, given) : undefined) ?? defaultMaxConnections
}

/** docs/reference/<engine>-parameters.md. */
export function reference(engine: FamilyName): string {
  const { title, libraries, settings } = families[engine]
  const names = [...settings.entries()]
  const allowed = names
    .filter(([name]) => !whyRefused(name) && name !== 'shared_preload_libraries')
    .map(
      ([name, setting]) =>
        `| \`${setting.name}\` | ${describe(name, setting)} | ${setting.context === 'postmaster' ? 'restart' : 'reload'} |`,
    )
  const kept = names.flatMap(([name, setting]) => {
    const why = whyRefused(name)
    return why ? [`| \`${setting.name}\` | ${why} |`] : []
  })
  const parts = [
    '<!-- Generated by `make generate`. Do not edit. -->',
    engine === 'timescale' ? '# TimescaleDB parameters' : '# PostgreSQL parameters',
    'What `spec.parameters` of a DataStore accepts: settings of ' +
      title +
      ' and of the libraries that are loaded, all values as strings. ' +
      'Numbers may have a unit: `B`, `kB`, `MB`, `GB`, `TB`, or `us`, `ms`, `s`, `min`, `h`, `d`. ' +
      'PostgreSQL’s own page says more about each: <https://www.postgresql.org/docs/17/runtime-config.html>. ' +
      'What is not set here follows from `spec.resources` and `spec.storage`, or is PostgreSQL’s default.',
    'An unknown name, a bad value and values that contradict each other are refused before anything changes: condition `SpecValid` names the key. ' +
      '`reload`: in force within seconds, no connection is lost. `restart`: PostgreSQL is restarted, replicas first, then a switchover, then the former primary; a store of one member is restarted in place.',
    `\`shared_preload_libraries\` (restart) names libraries to load besides ${libraries.map((name) => `\`${name}\``).join(', ')}, which always are: ${moreLibraries.map((name) => `\`${name}\``).join(', ')}. Settings of a library are accepted when it is loaded.`,
    ['| setting | value | change |', '| --- | --- | --- |', ...allowed].join('\n'),
    '## Not settable',
    ['| setting | why |', '| --- | --- |', ...kept].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

function describe(name: string, setting: Setting): string {
  switch (setting.type) {
    case 'bool':
      return '`on` or `off`'
    case 'enum':
      return (onlyValues[name]?.values ?? setting.values).map((value) => `\`${value}\``).join(', ')
    case 'integer':
    case 'real': {
      const min = Math.max(setting.min, atLeast[name] ?? -Infinity)
      return `${min} to ${setting.max}${unitWords(setting.unit)}`
    }
    case 'string':
      return forms[name]?.what ?? 'text'
  }
}
