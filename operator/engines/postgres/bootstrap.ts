import { createHash } from 'node:crypto'
import pg from 'pg'
import { monitoringRole, ownerRole } from '../../data-store/names.ts'
import type { Bootstrap, BootstrapResult, Target } from '../engine.ts'
import { withConnection, type Connection } from '../../postgres-connection.ts'
import { scramVerifier } from '../../../migrations/runner/scram.ts'
import { scramMatches } from './scram.ts'

const { escapeIdentifier, escapeLiteral } = pg

/**
 * Puts in place what migrations rely on, as superuser, and writes nothing that is there already:
 *
 * 1. the owner role and its database exist, and the monitoring role where it is to have a password
 * 2. cluster.sql is applied in that database: its text changed, or a role or the database was missing
 * 3. every login has its password
 * 4. the extensions that the spec adds exist; one that was taken off it stays: dropping it could drop data
 *
 * @throws  the driver's error; its message carries SQLSTATE and name, never a password
 */
export async function bootstrap(target: Target, wanted: Bootstrap, signal: AbortSignal): Promise<BootstrapResult> {
  const clusterSql = createHash('sha256').update(wanted.clusterSql).digest('hex')
  const created = await withConnection({ ...target, database: 'postgres' }, signal, (connection) =>
    createOwned(connection, wanted),
  )
  const applied = await withConnection({ ...target, database: wanted.database }, signal, async (connection) => {
    const missing = await missingRoles(connection, wanted)
    const due = created.length > 0 || missing.length > 0 || wanted.appliedClusterSql !== clusterSql
    if (due) await connection.query(wanted.clusterSql)
    const passwords = await setPasswords(connection, wanted.passwords)
    return {
      passwords: [...(due ? ['cluster.sql'] : []), ...passwords],
      ...(await extend(connection, wanted.extensions)),
      ...(await editionOf(connection)),
    }
  })
  const { passwords, extensions, ...rest } = applied
  return { clusterSql, changed: [...created, ...passwords, ...extensions], ...rest }
}

async function createOwned(
  connection: Connection,
  { database, mayCreateDatabase, passwords }: Bootstrap,
): Promise<string[]> {
  const owner = ownerRole(database)
  const missing = await lacks(connection, 'SELECT FROM pg_catalog.pg_database WHERE datname = $1', database)
  if (missing && !mayCreateDatabase) throw new Error(lost(database))
  return [
    ...(await createRole(connection, owner)),
    ...(missing ? await createDatabase(connection, database, owner) : []),
    ...(monitoringRole in passwords ? await createMonitoring(connection, database) : []),
  ]
}

const lost = (database: string) =>
  `database ${database} is gone although migrations were applied to it; restore it, or delete this object and its volume to begin with an empty one`

async function createRole(connection: Connection, role: string): Promise<string[]> {
  if (!(await lacks(connection, 'SELECT FROM pg_catalog.pg_roles WHERE rolname = $1', role))) return []
  await connection.query(`CREATE ROLE ${escapeIdentifier(role)} LOGIN`)
  return [`role ${role}`]
}

/** An exporter that hangs shall not take the connections of the others. */
const monitoringConnections = 5

async function createMonitoring(connection: Connection, database: string): Promise<string[]> {
  const created = await createRole(connection, monitoringRole)
  const [held] = await connection.query<{ monitor: boolean; connect: boolean }>(
    `SELECT pg_catalog.pg_has_role($1, 'pg_monitor', 'USAGE') AS monitor,
            pg_catalog.has_database_privilege($1, $2, 'CONNECT') AS connect`,
    [monitoringRole, database],
  )
  if (!held?.monitor)
    await connection.query(
      `GRANT pg_monitor TO ${monitoringRole}; ALTER ROLE ${monitoringRole} CONNECTION LIMIT ${monitoringConnections}`,
    )
  if (!held?.connect)
    await connection.query(`GRANT CONNECT ON DATABASE ${escapeIdentifier(database)} TO ${monitoringRole}`)
  return created
}

async function createDatabase(connection: Connection, database: string, owner: string): Promise<string[]> {
  await connection.query(`CREATE DATABASE ${escapeIdentifier(database)} OWNER ${escapeIdentifier(owner)}`)
  return [`database ${database}`]
}

async function extend(connection: Connection, wanted: string[]) {
  const rows = await connection.query<{ name: string; installed: string | null }>(
    'SELECT name, installed_version AS installed FROM pg_catalog.pg_available_extensions WHERE name = ANY($1)',
    [wanted],
  )
  const found = new Map(rows.map(({ name, installed }) => [name, installed]))
  const missing = wanted.filter((name) => found.get(name) === null)
  for (const name of missing) await connection.query(`CREATE EXTENSION IF NOT EXISTS ${escapeIdentifier(name)} CASCADE`)
  return {
    extensions: missing.map((name) => `extension ${name}`),
    unavailable: wanted.filter((name) => !found.has(name)),
  }
}

/** TimescaleDB's licence decides what it can do; a database without it has no such setting. */
export async function editionOf(connection: Connection): Promise<{ edition?: 'apache' | 'community' }> {
  const [row] = await connection.query<{ licence: string | null }>(
    `SELECT current_setting('timescaledb.license', true) AS licence`,
  )
  if (!row?.licence) return {}
  return { edition: row.licence === 'apache' ? 'apache' : 'community' }
}

async function lacks(connection: Connection, query: string, name: string): Promise<boolean> {
  return (await connection.query(query, [name])).length === 0
}

async function missingRoles(connection: Connection, wanted: Bootstrap): Promise<string[]> {
  const names = Object.keys(wanted.passwords)
  const found = await verifiers(connection, names)
  return names.filter((name) => !found.has(name))
}

/** Stored password verifiers by role; a role without one has null, a role that does not exist is absent. */
export async function verifiers(connection: Connection, names: string[]): Promise<Map<string, string | null>> {
  const rows = await connection.query<{ rolname: string; rolpassword: string | null }>(
    'SELECT rolname, rolpassword FROM pg_catalog.pg_authid WHERE rolname = ANY($1)',
    [names],
  )
  return new Map(rows.map((row) => [row.rolname, row.rolpassword]))
}

async function setPasswords(connection: Connection, passwords: Record<string, string>): Promise<string[]> {
  const stored = await verifiers(connection, Object.keys(passwords))
  const differing = Object.entries(passwords).filter(([role, password]) => {
    const verifier = stored.get(role)
    if (verifier === undefined) throw new Error(`role ${role} does not exist: cluster.sql must create it`)
    return !scramMatches(verifier, password)
  })
  if (differing.length === 0) return []
  await keepOutOfLogs(connection)
  for (const [role, password] of differing) {
    const verifier = escapeLiteral(scramVerifier(password))
    await connection.query(`ALTER ROLE ${escapeIdentifier(role)} PASSWORD ${verifier}`)
  }
  return differing.map(([role]) => `password of ${role}`)
}

/** A verifier is no password, but who has it can try passwords at leisure: for this session no log and no statistics record it. */
export async function keepOutOfLogs(connection: Connection): Promise<void> {
  await connection.query(`
    SET log_statement TO none;
    SET log_min_duration_statement TO -1;
    SET log_min_error_statement TO panic;
    SET pg_stat_statements.track_utility TO off;
    SET pgaudit.log TO none`)
}
