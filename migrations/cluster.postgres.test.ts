import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appRole, databaseName, ownerRole } from '../operator/data-store/names.ts'
import type { PostgresSchema } from './testing/database.ts'

const url = process.env['TEST_POSTGRES_URL'] ?? ''

async function connect(database: string, user = 'postgres'): Promise<pg.Client> {
  const address = new URL(url)
  address.pathname = `/${database}`
  address.username = user
  const client = new pg.Client({ connectionString: address.href })
  await client.connect()
  return client
}

/** By schema: extensions that its tables will need. */
const extensions: Record<PostgresSchema, string[]> = {
  core: ['pg_trgm', 'pgcrypto', 'unaccent'],
  vault: [],
  geolocation: ['postgis'],
  temporal: ['btree_gist', 'timescaledb'],
}

describe.each(Object.keys(extensions) as PostgresSchema[])('cluster.sql of %s', (schema) => {
  const database = `${schema}_${randomBytes(4).toString('hex')}`
  const [owner, app] = [ownerRole(databaseName(schema)), appRole(databaseName(schema))]
  let server: pg.Client
  let admin: pg.Client

  beforeAll(async () => {
    server = await connect('postgres')
    await server.query(`CREATE DATABASE ${database}`)
    admin = await connect(database)
  })
  afterAll(async () => {
    await admin.end()
    await server.query(`DROP DATABASE ${database} WITH (FORCE)`)
    await server.end()
  })

  test('may be run any number of times, and makes the extensions', async () => {
    const text = readFileSync(join(import.meta.dirname, schema, 'cluster.sql'), 'utf8')
    await admin.query(text)
    await admin.query(text)
    const { rows } = await admin.query<{ extname: string }>(
      `SELECT extname FROM pg_extension WHERE extname NOT IN ('plpgsql', 'pg_cron') ORDER BY 1`,
    )
    expect(rows.map(({ extname }) => extname)).toEqual(extensions[schema])
  })

  test('the owner may make tables, the application may not, and nobody else may connect', async () => {
    const asOwner = await connect(database, owner)
    await asOwner.query('CREATE TABLE made (id int)')
    await asOwner.end()
    const asApp = await connect(database, app)
    await expect(asApp.query('CREATE TABLE other (id int)')).rejects.toThrow('permission denied for schema public')
    await expect(asApp.query('CREATE TEMPORARY TABLE other (id int)')).rejects.toThrow('permission denied')
    await expect(asApp.query('SELECT * FROM made')).rejects.toThrow('permission denied for table made')
    await asApp.end()
    const stranger = `stranger_${randomBytes(4).toString('hex')}`
    await server.query(`CREATE ROLE ${stranger} LOGIN`)
    await expect(connect(database, stranger)).rejects.toThrow('permission denied for database')
    await server.query(`DROP ROLE ${stranger}`)
  })

  test.skipIf(schema === 'vault')('the pooler may look up the application’s login and not the owner’s', async () => {
    const pooler = await connect(database, 'pgbouncer_auth')
    const found = async (login: string) =>
      (await pooler.query<{ usename: string }>('SELECT usename FROM pgbouncer.get_auth($1)', [login])).rows
    expect(await found(app)).toEqual([{ usename: app }])
    for (const login of [owner, 'postgres']) expect(await found(login)).toEqual([])
    await pooler.end()
  })
})
