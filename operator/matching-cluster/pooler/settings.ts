import type { MatchingClusterSpec } from '../../../crds/schema/matching-cluster.ts'
import { closest } from '../../closest.ts'

/** What a value of a setting may look like. `seconds` may have a fraction, `names` are separated by commas. */
type Kind =
  | { kind: 'integer'; min: number; max: number }
  | { kind: 'seconds' }
  | { kind: 'boolean' }
  | { kind: 'choice'; values: readonly string[] }
  | { kind: 'names' }

interface Setting {
  type: Kind
  about: string
}

interface GlobalSetting extends Setting {
  /** In force when the spec does not name the setting. */
  default: string
}

const integer = (min: number, max: number): Kind => ({ kind: 'integer', min, max })
const seconds: Kind = { kind: 'seconds' }
/** Of one database or login PgBouncer takes no fraction, and 0 for "as for all". */
const wholeSeconds = integer(1, 99_999_999)
const boolean: Kind = { kind: 'boolean' }
const names: Kind = { kind: 'names' }
const choice = (...values: string[]): Kind => ({ kind: 'choice', values })

/**
 * The settings of section [pgbouncer] that `spec.pooling.parameters` may set: those of PgBouncer 1.24 that a RELOAD applies, that
 * have an effect here and that the operator does not need for itself. docs/reference/pooling.md is generated from this table.
 */
// prettier-ignore
export const settings: Record<string, GlobalSetting> = {
  pool_mode:                   { default: 'transaction', type: choice('transaction', 'session'), about: 'When a server connection goes back to the pool. The services need no more than transaction' },
  max_client_conn:             { default: '1000', type: integer(1, 100_000),    about: 'Client connections per pooler pod' },
  default_pool_size:           { default: '20',   type: integer(1, 10_000),     about: 'Server connections per database and login' },
  min_pool_size:               { default: '5',    type: integer(0, 10_000),     about: 'Server connections kept open per database and login while a client is connected' },
  reserve_pool_size:           { default: '5',    type: integer(0, 10_000),     about: 'Extra server connections for clients that wait longer than reserve_pool_timeout' },
  reserve_pool_timeout:        { default: '5',    type: seconds,                about: 'Wait after which a client may use a reserve connection; 0: never' },
  max_db_client_connections:   { default: '0',    type: integer(0, 100_000),    about: 'Client connections per database; 0: no limit' },
  max_user_connections:        { default: '0',    type: integer(0, 10_000),     about: 'Server connections per login; 0: no limit' },
  max_user_client_connections: { default: '0',    type: integer(0, 100_000),    about: 'Client connections per login; 0: no limit' },
  server_round_robin:          { default: '0',    type: boolean,                about: 'Use server connections in turn rather than the last used first; only for a TCP balancer in front of the database' },
  ignore_startup_parameters:   { default: 'extra_float_digits,options', type: names, about: 'Parameters a client may send at connect although the pooler cannot keep them' },
  max_prepared_statements:     { default: '200',  type: integer(0, 100_000),    about: 'Prepared statements kept per server connection; 0: clients cannot prepare by name' },
  application_name_add_host:   { default: '0',    type: boolean,                about: 'Add the client’s address to application_name' },
  query_timeout:               { default: '0',    type: seconds,                about: 'Cancel a query that runs longer; 0: never. Prefer statement_timeout' },
  query_wait_timeout:          { default: '120',  type: seconds,                about: 'Disconnect a client whose query waits longer for a server connection; 0: never' },
  cancel_wait_timeout:         { default: '10',   type: seconds,                about: 'Give a cancel request up that waits longer; 0: never' },
  client_idle_timeout:         { default: '0',    type: seconds,                about: 'Disconnect a client that is idle longer; 0: never' },
  client_login_timeout:        { default: '60',   type: seconds,                about: 'Disconnect a client that takes longer to log in' },
  idle_transaction_timeout:    { default: '0',    type: seconds,                about: 'Disconnect a client that leaves a transaction idle longer; 0: never' },
  server_lifetime:             { default: '3600', type: seconds,                about: 'Age at which an unused server connection is closed' },
  server_idle_timeout:         { default: '600',  type: seconds,                about: 'Close a server connection that is unused longer; 0: never' },
  server_connect_timeout:      { default: '5',    type: seconds,                about: 'Give a server connection up that takes longer to log in. PgBouncer’s own default of 15 would wait for a vanished primary after another leads' },
  server_login_retry:          { default: '1',    type: seconds,                about: 'Pause after a failed server login; clients get its error meanwhile. PgBouncer’s own default of 15 would outlast a failover' },
  server_check_delay:          { default: '30',   type: seconds,                about: 'Check a server connection that was unused longer before it is used' },
  server_fast_close:           { default: '0',    type: boolean,                about: 'In session mode, close a server connection whose settings changed at once' },
  server_reset_query_always:   { default: '0',    type: boolean,                about: 'Run DISCARD ALL after each transaction too, not only after each session' },
  dns_max_ttl:                 { default: '15',   type: seconds,                about: 'How long a looked-up address of a database is used' },
  dns_nxdomain_ttl:            { default: '15',   type: seconds,                about: 'How long a failed look-up is believed' },
  dns_zone_check_period:       { default: '0',    type: seconds,                about: 'How often DNS zones are checked for a change; 0: never' },
  max_packet_size:             { default: '2147483647', type: integer(1024, 2_147_483_647), about: 'Largest packet let through, in bytes' },
  sbuf_loopcnt:                { default: '5',    type: integer(0, 10_000),     about: 'Reads from one connection before the next one’s turn; 0: no limit' },
  tcp_keepalive:               { default: '1',    type: boolean,                about: 'TCP keep-alive' },
  tcp_keepcnt:                 { default: '3',    type: integer(0, 127),        about: 'Keep-alive probes before a connection is given up; 0: the kernel’s value' },
  tcp_keepidle:                { default: '10',   type: integer(0, 32_767),     about: 'Idle seconds before the first keep-alive probe; 0: the kernel’s value, two hours, for which a vanished primary would hold its clients' },
  tcp_keepintvl:               { default: '5',    type: integer(0, 32_767),     about: 'Seconds between keep-alive probes; 0: the kernel’s value' },
  tcp_socket_buffer:           { default: '0',    type: integer(0, 1_073_741_824), about: 'Socket buffer in bytes; 0: the kernel’s value' },
  tcp_user_timeout:            { default: '15000', type: integer(0, 2_147_483_647), about: 'Milliseconds that sent data may stay unacknowledged, or unread by a stuck reader; 0: the kernel’s value, about 15 minutes' },
  stats_period:                { default: '60',   type: integer(1, 86_400),     about: 'Seconds over which averages are computed' },
  log_connections:             { default: '1',    type: boolean,                about: 'Log each login' },
  log_disconnections:          { default: '1',    type: boolean,                about: 'Log each disconnect with its reason' },
  log_pooler_errors:           { default: '1',    type: boolean,                about: 'Log errors sent to clients' },
  log_stats:                   { default: '1',    type: boolean,                about: 'Log statistics every stats_period' },
  verbose:                     { default: '0',    type: integer(0, 3),          about: 'Verbosity of the log' },
}

/** What `spec.pooling.databases.<database>` may set: settings of a line in section [databases]. */
// prettier-ignore
export const databaseSettings: Record<string, Setting> = {
  pool_mode:                   { type: choice('transaction', 'session'), about: 'As above, for this database' },
  pool_size:                   { type: integer(1, 10_000),     about: 'Server connections per login, instead of default_pool_size' },
  reserve_pool_size:           { type: integer(0, 10_000),     about: 'As above, for this database' },
  max_db_connections:          { type: integer(1, 10_000),     about: 'Server connections of all logins together, per pooler pod. By default what the server can give; more than that is PoolBudgetExceeded' },
  max_db_client_connections:   { type: integer(1, 100_000),    about: 'Client connections per pooler pod' },
  server_lifetime:             { type: wholeSeconds,           about: 'As above, for this database. A read-only database whose store has replicas: 300, so that reads leave a replica that was made primary' },
}

/** What `spec.pooling.users.<login>` may set: settings of a line in section [users]. */
// prettier-ignore
export const userSettings: Record<string, Setting> = {
  pool_mode:                   { type: choice('transaction', 'session'), about: 'As above, for this login' },
  pool_size:                   { type: integer(1, 10_000),     about: 'Server connections per database; comes before the database’s own' },
  reserve_pool_size:           { type: integer(0, 10_000),     about: 'As above; comes before the database’s own' },
  max_user_connections:        { type: integer(1, 10_000),     about: 'Server connections of this login to all databases together' },
  max_user_client_connections: { type: integer(1, 100_000),    about: 'Client connections of this login' },
  query_timeout:               { type: wholeSeconds,           about: 'As above, for this login' },
  idle_transaction_timeout:    { type: wholeSeconds,           about: 'As above, for this login' },
  client_idle_timeout:         { type: wholeSeconds,           about: 'As above, for this login' },
}

const byOperator = 'the operator sets it'
const tls = 'the operator sets it: every connection is TLS, with certificates from the cluster’s CA'
const login = 'the operator sets it: logins and passwords come from the databases'
const container = 'it has no use in a container: the log goes to stderr and clients connect by TCP'
const restart = 'PgBouncer reads it only when it starts, and a pooling change must not end connections'
const idle = 'it would have no effect here'

/** Settings of PgBouncer 1.24 that cannot be set, and why. */
// prettier-ignore
export const refusedSettings: Record<string, string> = {
  syslog_ident: 'the operator keeps the version of pgbouncer.ini in it',
  listen_addr: byOperator, listen_port: byOperator, conffile: byOperator, peer_id: byOperator, tcp_defer_accept: byOperator,
  max_db_connections: 'the operator computes it from max_connections of the server and the number of pooler pods: set default_pool_size, or max_db_connections of a database',
  server_reset_query: 'the operator keeps DISCARD ALL: what one client leaves behind must not reach the next',
  server_check_query: 'the operator keeps PgBouncer’s own',
  auth_type: login, auth_file: login, auth_hba_file: login, auth_ident_file: login, auth_user: login, auth_query: login,
  auth_dbname: login, admin_users: login, stats_users: login,
  client_tls_sslmode: tls, client_tls_key_file: tls, client_tls_cert_file: tls, client_tls_ca_file: tls, client_tls_protocols: tls,
  client_tls_ciphers: tls, client_tls_ecdhcurve: tls, client_tls_dheparams: tls,
  server_tls_sslmode: tls, server_tls_key_file: tls, server_tls_cert_file: tls, server_tls_ca_file: tls, server_tls_protocols: tls,
  server_tls_ciphers: tls,
  logfile: container, pidfile: container, syslog: container, syslog_facility: container, user: container,
  unix_socket_dir: container, unix_socket_mode: container, unix_socket_group: container, service_name: container, job_name: container,
  listen_backlog: restart, pkt_buf: restart, disable_pqexec: restart, track_extra_parameters: restart, so_reuseport: restart,
  resolv_conf: restart,
  autodb_idle_timeout: idle, suspend_timeout: idle,
}

const address = 'the operator sets it from the store'
const role = 'a role has its own: ALTER ROLE … SET'

// prettier-ignore
export const refusedDatabaseSettings: Record<string, string> = {
  host: address, port: address, dbname: address, load_balance_hosts: address,
  user: login, password: login, auth_user: login, auth_dbname: login, auth_query: login,
  connect_query: 'the operator uses it to leave a server that is no primary any more',
  client_encoding: role, datestyle: role, timezone: role, application_name: role,
  min_pool_size: 'PgBouncer would keep to it while the database is paused for a switchover, and clients would get errors: set it in parameters',
  reserve_pool: 'it is the old name of reserve_pool_size',
}

type Pooling = Pick<MatchingClusterSpec['pooling'], 'parameters' | 'databases' | 'users'>

/** What may be named in the spec. */
export interface Pooled {
  /** Databases of the pooler. */
  databases: string[]
  /** Logins of the platform that go through it. */
  logins: string[]
}

/** A group of settings: a section of pgbouncer.ini, or one line of it. */
interface Section {
  settings: Record<string, Setting>
  refused: Record<string, string>
  /** Whose line; absent for the settings of all. */
  of?: 'database' | 'login'
}

const globalSection: Section = { settings, refused: refusedSettings }
const databaseSection: Section = { settings: databaseSettings, refused: refusedDatabaseSettings, of: 'database' }
const userSection: Section = { settings: userSettings, refused: {}, of: 'login' }

/** One sentence per problem, naming the field and what to do; empty when all can be applied. */
export function validate({ parameters, databases, users }: Pooling, pooled: Pooled): string[] {
  const path = 'spec.pooling'
  const problems = [
    ...problemsOf(`${path}.parameters`, parameters, globalSection),
    ...linesProblems(`${path}.databases`, databases, pooled.databases, databaseSection),
    ...linesProblems(`${path}.users`, users, pooled.logins, userSection),
  ]
  return problems.length > 0 ? problems : contradictions(parameters, databases)
}

function linesProblems(path: string, lines: Pooling['databases'], known: string[], section: Section): string[] {
  return Object.entries(lines).flatMap(([name, values]) => {
    if (known.includes(name)) return problemsOf(`${path}.${name}`, values, section)
    const close = closest(name, known)
    const fix = close ? `did you mean ${close}?` : `it has ${known.join(', ')}`
    return `${path}.${name}: the pooler has no such ${section.of}; ${fix}`
  })
}

function problemsOf(path: string, values: Record<string, string>, section: Section): string[] {
  return Object.entries(values).flatMap(([name, value]) => problemOf(`${path}.${name}`, name, value, section) ?? [])
}

function problemOf(path: string, name: string, value: string, { settings, refused, of }: Section): string | undefined {
  const setting = Object.hasOwn(settings, name) ? settings[name] : undefined
  if (setting) {
    const why = valueProblem(setting.type, value)
    return why && `${path}: "${value}" ${why}`
  }
  if (Object.hasOwn(refused, name)) return `${path} cannot be set: ${refused[name]}; remove it`
  const close = closest(name, Object.keys(settings))
  const fix = close ? `did you mean ${close}?` : 'see docs/reference/pooling.md for those it has'
  return `${path}: PgBouncer 1.24 has no such setting${of ? ` of a ${of}` : ''}; ${fix}`
}

function valueProblem(type: Kind, value: string): string | undefined {
  switch (type.kind) {
    case 'integer': {
      const inside = /^\d{1,10}$/.test(value) && Number(value) >= type.min && Number(value) <= type.max
      return inside ? undefined : `is not a whole number from ${type.min} to ${type.max}`
    }
    case 'seconds':
      return /^\d{1,8}(\.\d{1,6})?$/.test(value) ? undefined : 'is not a number of seconds, such as 30 or 2.5 (no unit)'
    case 'boolean':
      return /^[01]$/.test(value) ? undefined : 'is neither 0 nor 1'
    case 'choice':
      return type.values.includes(value) ? undefined : `is none of ${type.values.join(', ')}`
    case 'names':
      return /^\w+(\s*,\s*\w+)*$/.test(value) ? undefined : 'is not a list of names separated by commas'
  }
}

/** What each value allows and both together do not. */
function contradictions(parameters: Record<string, string>, databases: Pooling['databases']): string[] {
  const value = (name: string) => parameters[name] ?? settings[name]?.default ?? ''
  const min = value('min_pool_size')
  const sizes = [
    ['spec.pooling.parameters', 'default_pool_size', value('default_pool_size')],
    ...Object.entries(databases).map(([name, own]) => [
      `spec.pooling.databases.${name}`,
      'pool_size',
      own['pool_size'],
    ]),
  ] as const
  return sizes
    .filter(([, , size]) => size !== undefined && Number(min) > Number(size))
    .map(
      ([path, name, size]) =>
        `${path}: min_pool_size ${min} is more than ${name} ${size}: lower the one or raise the other`,
    )
}

/** Values of all settings above: the given ones over the defaults, in the form SHOW CONFIG gives them back. */
export function effectiveSettings(parameters: Record<string, string>): Record<string, string> {
  const entries = Object.entries(settings).map(([name, setting]) => {
    return [name, normal(setting.type, parameters[name] ?? setting.default)] as const
  })
  return Object.fromEntries(entries)
}

/** The given values of one line, in the order of the table and in the form PgBouncer gives them back. */
export function lineSettings(
  table: Record<string, Setting>,
  values: Record<string, string> = {},
): Record<string, string> {
  const given = Object.entries(table).flatMap(([name, { type }]) => {
    const value = values[name]
    return value === undefined ? [] : [[name, normal(type, value)] as const]
  })
  return Object.fromEntries(given)
}

function normal(type: Kind, value: string): string {
  switch (type.kind) {
    case 'integer':
      return String(Number(value))
    case 'seconds':
      // PgBouncer prints times with six significant digits.
      return String(Number(Number(value).toPrecision(6)))
    case 'names':
      return value.replaceAll(/\s/g, '')
    case 'boolean':
    case 'choice':
      return value
  }
}

/** docs/reference/pooling.md. */
export function reference(): string {
  const allowed = Object.entries(settings).map(
    ([name, { type, default: value, about }]) => `| \`${name}\` | ${describe(type)} | \`${value}\` | ${about}. |`,
  )
  const parts = [
    '<!-- Generated by `make generate`. Do not edit. -->',
    '# Pooling settings',
    'What `spec.pooling` of a MatchingCluster accepts: settings of PgBouncer 1.24, all values as strings. A change is a RELOAD: connections stay. ' +
      'PgBouncer’s own page says more about each: <https://www.pgbouncer.org/config.html>.',
    'A value that is not accepted is named in condition SpecValid before anything changes. Pools that the servers cannot serve are PoolBudgetExceeded in condition PoolerReady; the message has the numbers and what would fit. How the pooler works is in [pooler.md](../pooler.md).',
    '## For all: `parameters`',
    'Section `[pgbouncer]`.',
    ['| setting | value | default | effect |', '| --- | --- | --- | --- |', ...allowed].join('\n'),
    '## For one database: `databases.<database>`',
    'A line in section `[databases]`: `supersmartmatch_core`, and `supersmartmatch_core_ro` for reads. What is left out is as for all.',
    lineTable(databaseSettings),
    '## For one login: `users.<login>`',
    'A line in section `[users]`: `supersmartmatch_core_app_a` and `supersmartmatch_core_app_b`, the pair that the application logs in as. What is left out is as for all.',
    lineTable(userSettings),
    '## Not settable',
    refusedTable(refusedSettings),
    'For one database:',
    refusedTable(refusedDatabaseSettings),
  ]
  return `${parts.join('\n\n')}\n`
}

function lineTable(table: Record<string, Setting>): string {
  const rows = Object.entries(table).map(([name, { type, about }]) => `| \`${name}\` | ${describe(type)} | ${about}. |`)
  return ['| setting | value | effect |', '| --- | --- | --- |', ...rows].join('\n')
}

function refusedTable(table: Record<string, string>): string {
  const rows = Object.entries(table).map(([name, why]) => `| \`${name}\` | ${why} |`)
  return ['| setting | why |', '| --- | --- |', ...rows].join('\n')
}

function describe(type: Kind): string {
  switch (type.kind) {
    case 'integer':
      return `${type.min} to ${type.max}`
    case 'seconds':
      return 'seconds'
    case 'boolean':
      return '0 or 1'
    case 'choice':
      return type.values.join(' or ')
    case 'names':
      return 'names, comma between'
  }
}
