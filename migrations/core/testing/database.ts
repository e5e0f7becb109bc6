import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { apply } from '../../runner/apply.ts'
import { readMigrations } from '../../runner/files.ts'

const folder = join(import.meta.dirname, '..')
export const owner = 'supersmartmatch_core_owner'
export type Role = 'authenticated_users' | 'recruiter_role' | 'admin_role' | 'authentication_role'
export type Row = Record<string, unknown>

/** A query, of any rows. */
export type Query = (sql: string, values?: unknown[]) => Promise<Row[]>

export interface CoreDatabase {
  name: string
  /** Runs as superuser, past row security. */
  query: Query
  /** One transaction as the services make it: role and identity by SET LOCAL. Rolled back when `work` throws. */
  as: <T>(role: Role, userId: string | null, work: (query: Query) => Promise<T>) => Promise<T>
  /** A further connection, closed at the end. */
  connect: (login?: string) => Promise<pg.Client>
}

/** cluster.sql, as the operator runs it. */
export const clusterSql = (): Promise<string> => readFile(join(folder, 'cluster.sql'), 'utf8')

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

/** Rows as [{column: value}], values as pg gives them. */
const queryOf =
  (client: pg.Client): Query =>
  async (sql, values = []) =>
    (await client.query<Row>(sql, values)).rows

/**
 * A migrated core database for the tests of a file, dropped after the last.
 * @param name  fixed only where the server wants it so (pg_cron)
 */
export function coreDatabase(name = `core_${randomBytes(5).toString('hex')}`): CoreDatabase {
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

  beforeAll(async () => {
    await onServer(
      `DO $$ BEGIN CREATE ROLE ${owner} LOGIN NOINHERIT; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$`,
    )
    await onServer(`CREATE DATABASE ${name} OWNER ${owner} TEMPLATE template0 ENCODING 'UTF8'`)
    superuser = await connect()
    await superuser.query(await clusterSql())
    const config = { connectionString: urlOf(name), options: `-c role=${owner}` }
    const log = () => undefined
    await apply(await readMigrations(folder), config, { waitMs: 20_000, signal: new AbortController().signal, log })
    service = await connect('supersmartmatch_core_app_a')
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  })

  return {
    name,
    connect,
    query: (sql, values) => queryOf(superuser)(sql, values),
    as: async (role, userId, work) => {
      await service.query('BEGIN')
      try {
        await service.query(`SET LOCAL ROLE ${role}`)
        if (userId !== null) await service.query(`SELECT set_config('app.current_user_id', $1, true)`, [userId])
        const result = await work(queryOf(service))
        await service.query('COMMIT')
        return result
      } catch (error) {
        await service.query('ROLLBACK')
        throw error
      }
    },
  }
}
