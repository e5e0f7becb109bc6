import { createHash } from 'node:crypto'
import type { MatchingCluster } from '../../../crds/schema/matching-cluster.ts'
import { poolerRole } from '../../data-store/names.ts'
import type { Identity } from '../../labels.ts'
import { effectiveSettings } from './settings.ts'

export const poolerPort = 6432
export const adminUser = 'pooler_admin'

/** Where the Deployment mounts what pgbouncer.ini refers to. */
export const configDirectory = '/etc/pgbouncer'
export const tlsDirectory = '/tls'

export interface PoolerPlan {
  cluster: MatchingCluster
  identity: Identity
  image: string
  /** The databases that exist, one per PostgreSQL-family store. */
  backends: Backend[]
  /**
   * sha256 of the CA's certificate and of userlist.txt: another of either rolls the pods. Until then nobody could verify what they
   * show, and the operator could not log in to tell them to reload.
   */
  fingerprint: string
}

export interface Backend {
  /** Name of the database, for clients and on the server. */
  database: string
  host: string
  port: number
  /** max_connections of the server. */
  maxConnections: number
}

/** What a pod that runs these settings says of itself. */
export interface Effective {
  /** SHOW CONFIG: setting -> value; settings not listed are not compared. */
  config: Record<string, string>
  /** SHOW DATABASES: database -> column -> value; databases not listed must not exist. */
  databases: Record<string, Record<string, string>>
}

export interface Compiled {
  /** pgbouncer.ini. */
  ini: string
  effective: Effective
  /** sha256 of the ini. */
  hash: string
}

/**
 * pgbouncer.ini for the databases of `plan`, and how to recognise a pod that runs it. Pure.
 * Settings have passed `validate`.
 */
export function compile(plan: PoolerPlan): Compiled {
  const { parameters } = plan.cluster.spec.pooling
  const chosen = effectiveSettings(parameters)
  const section = { ...operatorSettings, ...pick(chosen, [...writtenDefaults, ...Object.keys(parameters).sort()]) }
  const ini = [
    '[databases]',
    ...plan.backends.map((backend) => `${backend.database} = ${entries(databaseKeys(plan, backend))}`),
    '',
    '[pgbouncer]',
    ...Object.entries(section).map(([name, value]) => `${name} = ${value}`),
    '',
  ].join('\n')
  const effective = { config: { ...operatorSettings, ...chosen }, databases: expectedDatabases(plan) }
  return { ini, effective, hash: createHash('sha256').update(ini).digest('hex') }
}

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
  server_tls_ca_file: `${tlsDirectory}/ca.crt`,
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
  'server_login_retry',
]

function databaseKeys(plan: PoolerPlan, { database, host, port, maxConnections }: Backend): Record<string, string> {
  const budget = String(connectionBudget(maxConnections, plan.cluster.spec.pooling.replicas))
  return { host, port: String(port), dbname: database, max_db_connections: budget }
}

function expectedDatabases(plan: PoolerPlan): Effective['databases'] {
  return Object.fromEntries(
    plan.backends.map((backend) => {
      const { host = '', port = '', dbname = '', max_db_connections: limit = '' } = databaseKeys(plan, backend)
      return [backend.database, { host, port, database: dbname, max_connections: limit }]
    }),
  )
}

/** Connections of a server that the pooler leaves alone: migrations, relay, operator, replication, people, superuser_reserved. */
const directConnections = 20
/** A rollout starts the new pod before it ends an old one. */
const surge = 1

/**
 * Server connections one pooler pod may open to one database (max_db_connections), whatever logins they are for.
 * @param maxConnections  max_connections of the server
 * @param replicas        pooler pods; one more may run during a rollout
 * @returns               connections, rounded down, at least 1
 */
export function connectionBudget(maxConnections: number, replicas: number): number {
  return Math.max(1, Math.floor((maxConnections - directConnections) / (replicas + surge)))
}

/** Why the databases cannot serve the pools that are asked for, in a sentence; undefined when they can. */
export function budgetProblem(plan: PoolerPlan): string | undefined {
  const { replicas, parameters } = plan.cluster.spec.pooling
  const size = Number(effectiveSettings(parameters)['default_pool_size'])
  for (const { database, maxConnections } of plan.backends) {
    const budget = connectionBudget(maxConnections, replicas)
    if (size <= budget) continue
    const wanted = size * (replicas + surge)
    return (
      `${replicas} pooler pods (one more during a rollout) with default_pool_size ${size} need ${wanted} connections to ` +
      `${database}, which leaves ${maxConnections - directConnections} to the pooler: lower spec.pooling.replicas, or ` +
      `spec.pooling.parameters.default_pool_size to ${budget}`
    )
  }
  return undefined
}

function entries(keys: Record<string, string>): string {
  return Object.entries(keys)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}

function pick(values: Record<string, string>, keys: string[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, values[key] ?? '']))
}
