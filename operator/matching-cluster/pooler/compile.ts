import { createHash } from 'node:crypto'
import type { MatchingCluster } from '../../../crds/schema/matching-cluster.ts'
import { poolerRole } from '../../data-store/names.ts'
import type { Identity } from '../../labels.ts'
import type { Pooling } from '../profile.ts'
import { connectionLimits } from './budget.ts'
import { databasesOf, type PooledDatabase } from './databases.ts'
import { databaseSettings, effectiveSettings, lineSettings, userSettings } from './settings.ts'

export const poolerPort = 6432
export const adminUser = 'pooler_admin'

/** Where the Deployment mounts what pgbouncer.ini refers to. */
export const configDirectory = '/etc/pgbouncer'
export const tlsDirectory = '/tls'

export interface PoolerPlan {
  cluster: MatchingCluster
  pooling: Pooling
  identity: Identity
  image: string
  /** The databases that exist, one per PostgreSQL-family store. */
  backends: Backend[]
  /** PEM of the platform's CA. */
  authority: string
  /**
   * sha256 of the CA's certificate and of userlist.txt: another of either rolls the pods. Until then nobody could verify what they
   * show, and the operator could not log in to tell them to reload.
   */
  fingerprint: string
}

/** One PostgreSQL-family store, as the pooler sees it. */
export interface Backend {
  /** Name of the database, for clients and on the server. */
  database: string
  /** Leads to the primary. */
  host: string
  /** Leads to the replicas; absent when there are none. */
  readOnlyHost?: string
  port: number
  /** PEM of the CA of a server that is not the platform's. */
  ca?: string
  /** max_connections of each server. */
  maxConnections: number
  /** Logins that go through the pooler; the first is the one in use. */
  logins: string[]
}

/** What a pod that runs these settings says of itself. */
export interface Effective {
  /** The version that the file carries: tells of settings that no SHOW command prints, too. */
  version: string
  /** SHOW CONFIG: setting -> value; settings not listed are not compared. */
  config: Record<string, string>
  /** SHOW DATABASES: database -> column -> value; databases not listed must not exist. */
  databases: Record<string, Record<string, string>>
  /** SHOW USERS: login -> column -> value; columns not listed are not compared. */
  users: Record<string, Record<string, string>>
}

export interface Compiled {
  /** pgbouncer.ini. */
  ini: string
  /** PEM of every CA that a server's certificate may be verified with: PgBouncer has one file for all of them. */
  servers: string
  effective: Effective
  /** sha256 of both files; the version in the ini is the beginning of it. */
  hash: string
}

/**
 * pgbouncer.ini for the databases of `plan`, and how to recognise a pod that runs it. Pure.
 * Settings have passed `validate`. The version comes last: a pod that could not read what is before it does not show it.
 */
export function compile(plan: PoolerPlan): Compiled {
  const { parameters, users } = plan.pooling
  const chosen = effectiveSettings(parameters)
  const section = { ...operatorSettings, ...pick(chosen, [...writtenDefaults, ...Object.keys(parameters).sort()]) }
  const text = [
    '[databases]',
    ...databaseLines(plan).map(({ name, keys }) => `${lineName(name)} = ${pairs(keys)}`),
    '',
    '[users]',
    // A login without settings is listed as well: only so does a RELOAD take back those it had.
    ...loginsOf(plan).map((login) => `${login} = ${pairs(lineSettings(userSettings, users[login]))}`.trimEnd()),
    '',
    '[pgbouncer]',
    ...Object.entries(section).map(([name, value]) => `${name} = ${value}`),
  ].join('\n')
  const servers = [...new Set([plan.authority, ...plan.backends.flatMap(({ ca }) => ca ?? [])])].join('\n')
  const hash = createHash('sha256').update(text).update(servers).digest('hex')
  const version = hash.slice(0, 16)
  const effective = {
    version,
    config: { ...operatorSettings, ...chosen },
    databases: expectedDatabases(plan, chosen),
    users: expectedUsers(plan, chosen),
  }
  return { ini: `${text}\n${versionSetting} = ${version}\n`, servers, effective, hash }
}

/** Has no effect while nothing goes to syslog, and SHOW CONFIG prints it. */
export const versionSetting = 'syslog_ident'

/**
 * What the operator sets itself. Logins are looked up in the database (auth_query), so that a new password needs no reload.
 * listen_addr: a pod has the pod network's interface only, and everything on it is TLS.
 */
const operatorSettings = {
  listen_addr: '0.0.0.0',
  listen_port: String(poolerPort),
  unix_socket_dir: '',
  auth_type: 'scram-sha-256',
  auth_file: `${configDirectory}/userlist.txt`,
  auth_user: poolerRole,
  auth_query: 'SELECT usename, passwd FROM pgbouncer.get_auth($1)',
  admin_users: adminUser,
  client_tls_sslmode: 'require',
  client_tls_cert_file: `${tlsDirectory}/tls.crt`,
  client_tls_key_file: `${tlsDirectory}/tls.key`,
  // Loaded at start although no client certificate is asked for; without it PgBouncer wants the system's CA bundle.
  client_tls_ca_file: `${tlsDirectory}/ca.crt`,
  client_tls_protocols: 'tlsv1.3',
  server_tls_sslmode: 'verify-full',
  server_tls_ca_file: `${configDirectory}/servers.crt`,
  server_tls_protocols: 'tlsv1.3',
}

/** Defaults that are written out: the specification's block, and those that differ from PgBouncer's own. */
const writtenDefaults = [
  'pool_mode',
  'max_client_conn',
  'default_pool_size',
  'min_pool_size',
  'reserve_pool_size',
  'server_round_robin',
  'ignore_startup_parameters',
  'max_prepared_statements',
  'server_connect_timeout',
  'server_login_retry',
  'tcp_keepidle',
  'tcp_keepintvl',
  'tcp_keepcnt',
  'tcp_user_timeout',
]

/**
 * Run by each new connection before a client gets it, and only where writes go. While a former primary is a replica already and the
 * Service still leads there, the connection ends itself and PgBouncer tries again; it would be kept for its lifetime otherwise, and
 * every write on it would fail. Connections from before are no matter: PostgreSQL restarts to become a replica.
 */
const leaveReplica = `SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid()) WHERE pg_catalog.pg_is_in_recovery()`

/** How long a connection to a replica lives by default: one to a replica that was made primary belongs elsewhere. */
const replicaLifetime = { server_lifetime: '300' }

/** Section [databases]: names, and the keys of each line. */
function databaseLines(plan: PoolerPlan): { name: string; keys: Record<string, string> }[] {
  const limits = connectionLimits(plan)
  return databasesOf(plan.backends).map((database) => {
    const { name, host, port, server, leadsTo } = database
    const keys = {
      host,
      port: String(port),
      dbname: server,
      ...ownSettings(plan, database),
      max_db_connections: String(limits.get(name)),
      ...(leadsTo === 'primary' ? { connect_query: leaveReplica } : {}),
    }
    return { name, keys }
  })
}

function ownSettings({ pooling }: PoolerPlan, { name, leadsTo }: PooledDatabase): Record<string, string> {
  const given = pooling.databases[name]
  return { ...(leadsTo === 'replicas' ? replicaLifetime : {}), ...lineSettings(databaseSettings, given) }
}

function expectedDatabases(plan: PoolerPlan, chosen: Record<string, string>): Effective['databases'] {
  const of = (keys: Record<string, string>, name: string, global = name) => keys[name] ?? chosen[global] ?? ''
  return Object.fromEntries(
    databaseLines(plan).map(({ name, keys }) => [
      name,
      {
        host: of(keys, 'host'),
        port: of(keys, 'port'),
        database: of(keys, 'dbname'),
        pool_mode: keys['pool_mode'] ?? '',
        pool_size: of(keys, 'pool_size', 'default_pool_size'),
        min_pool_size: of(keys, 'min_pool_size'),
        reserve_pool_size: of(keys, 'reserve_pool_size'),
        server_lifetime: String(Math.trunc(Number(of(keys, 'server_lifetime')))),
        max_connections: of(keys, 'max_db_connections'),
        max_client_connections: of(keys, 'max_db_client_connections'),
        paused: '0',
      },
    ]),
  )
}

/** Sizes only where they are given: for a login that has none, PgBouncer 1.24 prints that of the login before it. */
function expectedUsers(plan: PoolerPlan, chosen: Record<string, string>): Effective['users'] {
  const expected = loginsOf(plan).map((login) => {
    const given = lineSettings(userSettings, plan.pooling.users[login])
    const of = (name: string) => given[name] ?? chosen[name] ?? ''
    const sizes = ['pool_size', 'reserve_pool_size'].filter((name) => given[name] !== undefined)
    const columns = {
      pool_mode: given['pool_mode'] ?? '',
      max_user_connections: of('max_user_connections'),
      max_user_client_connections: of('max_user_client_connections'),
      ...pick(given, sizes),
    }
    return [login, columns] as const
  })
  return Object.fromEntries(expected)
}

function loginsOf({ backends }: PoolerPlan): string[] {
  return backends.flatMap(({ logins }) => logins)
}

function pairs(keys: Record<string, string>): string {
  return Object.entries(keys)
    .map(([key, value]) => `${key}=${quoteValue(value)}`)
    .join(' ')
}

/** PgBouncer takes no quotes on the left side, and one line it cannot read would keep it from reading the file. */
function lineName(database: string): string {
  if (/^[\w.-]+$/.test(database) && database !== 'pgbouncer') return database
  throw new Error(`database ${JSON.stringify(database)} cannot be pooled: PgBouncer takes letters, digits, _, . and -`)
}

/** A host comes from the Secret of an external store: one that went on in another line could be any setting. */
function quoteValue(value: string): string {
  if (/\p{Cc}/u.test(value)) throw new Error(`${JSON.stringify(value)} cannot be written to pgbouncer.ini`)
  return /^[\w.:-]+$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`
}

/** A database's name in the admin console, which is not case-sensitive without quotes. */
export const quoteName = (name: string) => `"${name.replaceAll('"', '""')}"`

function pick(values: Record<string, string>, keys: string[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, values[key] ?? '']))
}
