import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { isPostgresFamily, schemaEngines, schemaNames, type SchemaName } from '../../crds/schema/data-store.ts'
import { appRole, databaseName, ownerRole } from '../../operator/data-store/names.ts'
import { apply } from '../runner/apply.ts'
import { bootstrap } from '../runner/bootstrap.ts'
import { clientConfig } from '../runner/connection.ts'
import { readMigrations } from '../runner/files.ts'
import { formatOfPostgres } from '../runner/postgres-file.ts'
import { postgres } from '../runner/postgres.ts'

/** Schemas whose files are PostgreSQL's. */
export type PostgresSchema = Exclude<SchemaName, 'behavior' | 'search' | 'events'>
export const postgresSchemas = schemaNames.filter((name): name is PostgresSchema =>
  schemaEngines[name].some(isPostgresFamily),
)

/** What a service's login may become. */
export type Role = 'authenticated_users' | 'recruiter_role' | 'admin_role' | 'authentication_role' | 'key_keeper'
/** Of workers, which have logins of their own. */
export type WorkerRole = 'outbox_worker' | 'analytics'
export type Row = Record<string, unknown>

/** A query, of any rows. */
export type Query = (sql: string, values?: unknown[]) => Promise<Row[]>

export interface TestDatabase {
  name: string
  owner: string
  /** Of the services. */
  login: string
  /** Runs as superuser, past row security. */
  query: Query
  /** One transaction as the services make it: role and identity by SET LOCAL. Rolled back when `work` throws. */
  as: <T>(role: Role | WorkerRole, userId: string | null, work: (query: Query) => Promise<T>) => Promise<T>
  /** A further connection, closed at the end. */
  connect: (login?: string) => Promise<pg.Client>
}

export const folderOf = (schema: PostgresSchema) => join(import.meta.dirname, '..', schema)

/** cluster.sql, as the operator runs it. */
export const clusterSql = (schema: PostgresSchema): Promise<string> =>
  readFile(join(folderOf(schema), 'cluster.sql'), 'utf8')

const serverUrl = () => process.env['TEST_POSTGRES_URL'] ?? ''

function urlOf(database: string): string {
  const url = new URL(serverUrl())
  url.pathname = `/${database}`
  return url.href
}

export async function onServer(sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

/** A database as `bootstrap` leaves it, dropped when the test ends. The roles are the server's and stay. */
export async function bootstrapped(schema: PostgresSchema): Promise<string> {
  const database = `migrate_${randomBytes(5).toString('hex')}`
  const config = await clientConfig({ url: serverUrl() })
  const options = { waitMs: 60_000, signal: new AbortController().signal, log: () => undefined }
  await bootstrap(config, { ...options, schema, dir: folderOf(schema), database, passwords: {} })
  onTestFinished(() => onServer(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`).then(() => undefined))
  return database
}

/** The value of the only column of the only row. */
export async function one<T = string>(query: Query, sql: string, values?: unknown[]): Promise<T> {
  const [row] = await query(sql, values)
  return Object.values(row ?? {})[0] as T
}

/** Rows as [{column: value}], values as pg gives them. */
const queryOf =
  (client: pg.Client): Query =>
  async (sql, values = []) =>
    (await client.query<Row>(sql, values)).rows

/** Runs `work` in a transaction of a role and identity, on a connection that may become that role. */
export async function transaction<T>(
  query: Query,
  role: string,
  userId: string | null,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  await query('BEGIN')
  try {
    await query(`SET LOCAL ROLE ${role}`)
    if (userId !== null) await query(`SELECT set_config('app.current_user_id', $1, true)`, [userId])
    const result = await work(query)
    await query('COMMIT')
    return result
  } catch (error) {
    await query('ROLLBACK')
    throw error
  }
}

/**
 * A migrated database for the tests of a file, dropped after the last.
 * @param name  fixed only where the server wants it so (pg_cron)
 */
export function testDatabase(
  schema: PostgresSchema,
  name = `${schema}_${randomBytes(5).toString('hex')}`,
): TestDatabase {
  const owner = ownerRole(databaseName(schema))
  const login = appRole(databaseName(schema))
  const clients: pg.Client[] = []
  const connect = async (login?: string): Promise<pg.Client> => {
    // A test that fails amid a transaction must not make the next one wait for its locks for ever.
    const client = new pg.Client({ connectionString: urlOf(name), options: '-c lock_timeout=10s' })
    await client.connect()
    clients.push(client)
    // Logs in as superuser and drops to the login: what SET ROLE may do from there is decided by the login's memberships.
    if (login !== undefined) await client.query(`SET SESSION AUTHORIZATION ${login}`)
    return client
  }
  let superuser: pg.Client
  let service: pg.Client
  // Two files may want the one name: the second waits for the first.
  const turn = new pg.Client({ connectionString: serverUrl() })
  let worker: pg.Client

  beforeAll(async () => {
    await turn.connect()
    await turn.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [name])
    await onServer(
      `DO $$ BEGIN CREATE ROLE ${owner} LOGIN NOINHERIT; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$`,
    )
    await onServer(`CREATE DATABASE ${name} OWNER ${owner} TEMPLATE template0 ENCODING 'UTF8'`)
    superuser = await connect()
    await superuser.query(await clusterSql(schema))
    const config = { connectionString: urlOf(name), options: `-c role=${owner}` }
    const log = () => undefined
    const files = await readMigrations(folderOf(schema), formatOfPostgres)
    await apply(files, postgres(config), { waitMs: 20_000, signal: new AbortController().signal, log })
    service = await connect(login)
    worker = await connect()
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await turn.end()
  })

  return {
    name,
    owner,
    login,
    connect,
    query: (sql, values) => queryOf(superuser)(sql, values),
    as: (role, userId, work) =>
      transaction(queryOf(role === 'outbox_worker' || role === 'analytics' ? worker : service), role, userId, work),
  }
}
