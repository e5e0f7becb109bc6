import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { ClientConfig } from 'pg'
import { appRole, databaseName, ownerRole, poolerRole } from '../../operator/data-store/names.ts'
import type { Options } from './dialect.ts'
import { Refused } from './errors.ts'
import { connect, runText, takeLock } from './postgres.ts'
import type { Session } from './postgres.ts'
import { scramVerifier } from './scram.ts'

export interface BootstrapOptions extends Options {
  schema: string
  /** Folder with `cluster.sql`. */
  dir: string
  /** Default: `supersmartmatch_<schema>`. */
  database?: string | undefined
  /** role name -> password, of owner, service and pooler; those left out get a generated one if they have none. */
  passwords: Record<string, string>
}

export interface BootstrapResult {
  database: string
  owner: string
  /** role name -> password, of the roles that got a generated one now. They are nowhere else. */
  generated: Record<string, string>
}

/**
 * Does outside Kubernetes what the operator does inside: owner, database, cluster.sql, passwords. May be run any number of times.
 * @param config  of a superuser, in any database of the server
 * @throws Refused when `passwords` names another role, or the login is no superuser
 */
export async function bootstrap(config: ClientConfig, options: BootstrapOptions): Promise<BootstrapResult> {
  checkPasswords(options)
  const owner = ownerRole(databaseName(options.schema))
  const database = options.database ?? databaseName(options.schema)
  const clusterSql = await readFile(join(options.dir, 'cluster.sql'), 'utf8')
  const server = await connect(config, options)
  try {
    await checkSuperuser(server, 'bootstrap')
    await takeLock(server)
    await keepOutOfLogs(server)
    await createOwner(server, owner)
    await createDatabase(server, database, owner)
    await runClusterSql({ ...config, ...inDatabase(config, database) }, clusterSql, options)
    const generated = await setPasswords(server, options)
    return { database, owner, generated }
  } finally {
    await server.client.end().catch(() => undefined)
  }
}

/** The logins that get passwords. */
function logins(schema: string): string[] {
  const database = databaseName(schema)
  return [ownerRole(database), appRole(database), poolerRole]
}

/** A misspelt role would otherwise keep its old password, or get a generated one. */
function checkPasswords({ schema, passwords }: BootstrapOptions): void {
  const unknown = Object.keys(passwords).filter((role) => !logins(schema).includes(role))
  if (unknown.length > 0)
    throw new Refused(
      'BadArguments',
      `the passwords name ${unknown.join(', ')}; bootstrap sets only those of ${logins(schema).join(', ')}`,
    )
}

/** The same server and login, another database. A connection string would win over a `database` beside it. */
export function inDatabase({ connectionString }: ClientConfig, database: string): ClientConfig {
  if (connectionString === undefined) return { database }
  const url = new URL(connectionString)
  url.pathname = `/${database}`
  return { connectionString: url.href }
}

export async function checkSuperuser({ client }: Session, command: string): Promise<void> {
  const { rows } = await client.query<{ role: string; super: boolean }>(
    'SELECT rolname AS role, rolsuper AS super FROM pg_roles WHERE rolname = current_user',
  )
  const [row] = rows
  if (!row?.super) throw new Refused('WrongRole', `${command} needs a superuser, and ${row?.role} is none`)
}

/** Who has a verifier can try passwords at leisure: no statement of this session is logged. */
async function keepOutOfLogs({ client }: Session): Promise<void> {
  await client.query(
    'SET log_statement = none; SET log_min_duration_statement = -1; SET log_min_error_statement = panic',
  )
}

/** Roles belong to the whole server: another database's bootstrap may create the same one at the same moment. */
async function createOwner({ client, log }: Session, owner: string): Promise<void> {
  if ((await client.query('SELECT FROM pg_roles WHERE rolname = $1', [owner])).rowCount) return
  await client.query(
    `DO $$ BEGIN CREATE ROLE ${pg.escapeIdentifier(owner)} LOGIN NOINHERIT;
     EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$`,
  )
  log(`created role ${owner}`)
}

/**
 * The locale is fixed, because it decides how text is sorted, and with it what indexes hold. By code point on every server: of
 * PostgreSQL itself from 17, before of the C library, whose C.UTF-8 sorts alike.
 * @param version  server_version_num
 */
export function localeClause(version: number): string {
  return version >= 170_000
    ? "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C.UTF-8'"
    : "LOCALE_PROVIDER libc LOCALE 'C.UTF-8'"
}

async function createDatabase({ client, log }: Session, database: string, owner: string): Promise<void> {
  if ((await client.query('SELECT FROM pg_database WHERE datname = $1', [database])).rowCount) return
  const { rows } = await client.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::integer AS version`,
  )
  await client.query(
    `CREATE DATABASE ${pg.escapeIdentifier(database)} OWNER ${pg.escapeIdentifier(owner)}
     TEMPLATE template0 ENCODING 'UTF8' ${localeClause(rows[0]?.version ?? 0)}`,
  )
  log(`created database ${database}`)
}

export async function runClusterSql(config: ClientConfig, sql: string, options: Options): Promise<void> {
  const { client } = await connect(config, options)
  try {
    await runText(client, 'cluster.sql', sql)
    options.log('cluster.sql applied')
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** @returns the passwords it generated */
async function setPasswords(server: Session, { schema, passwords }: BootstrapOptions): Promise<Record<string, string>> {
  const generated: Record<string, string> = {}
  for (const role of logins(schema)) {
    const given = passwords[role]
    if (given !== undefined) await setPassword(server, role, given)
    else if (await hasNoPassword(server, role)) {
      generated[role] = randomBytes(24).toString('base64url')
      await setPassword(server, role, generated[role])
    }
  }
  return generated
}

/** Also false for a role that cluster.sql did not create: this schema needs it not. */
async function hasNoPassword({ client }: Session, role: string): Promise<boolean> {
  const found = await client.query('SELECT FROM pg_authid WHERE rolname = $1 AND rolpassword IS NULL', [role])
  return found.rowCount === 1
}

async function setPassword({ client, log }: Session, role: string, password: string): Promise<void> {
  const verifier = pg.escapeLiteral(scramVerifier(password))
  await client.query(`ALTER ROLE ${pg.escapeIdentifier(role)} PASSWORD ${verifier}`)
  log(`set the password of ${role}`)
}
