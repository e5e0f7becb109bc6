import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { databaseName, ownerRole } from '../operator/data-store/names.ts'
import { apply } from './runner/apply.ts'
import { bootstrap } from './runner/bootstrap.ts'
import { clientConfig } from './runner/connection.ts'
import { readMigrations } from './runner/files.ts'
import { formatOfPostgres } from './runner/postgres-file.ts'
import { postgres } from './runner/postgres.ts'
import { onServer, open, serverUrl, uniqueName, urlOf } from './runner/testing.ts'
import { postgresSchemas, type PostgresSchema } from './testing/database.ts'

const folderOf = (schema: PostgresSchema) => join(import.meta.dirname, schema)
const options = { waitMs: 60_000, signal: new AbortController().signal, log: () => undefined }

/** A database as `bootstrap` leaves it, dropped when the test ends. The roles are the server's and stay. */
async function bootstrapped(schema: PostgresSchema): Promise<string> {
  const database = uniqueName()
  const config = await clientConfig({ url: serverUrl })
  await bootstrap(config, { ...options, schema, dir: folderOf(schema), database, passwords: {} })
  onTestFinished(() => onServer(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`))
  return database
}

const applyAll = async (schema: PostgresSchema, database: string) =>
  apply(
    await readMigrations(folderOf(schema), formatOfPostgres),
    postgres(await clientConfig({ url: urlOf(database, ownerRole(databaseName(schema))) })),
    options,
  )

/** Partitions for the days and months around now: not part of the schema, and other ones tomorrow. */
async function dropDatedPartitions(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class
      WHERE relispartition AND relkind = 'r' AND pg_get_expr(relpartbound, oid) <> 'DEFAULT'`,
  )
  for (const { name } of rows) await client.query(`DROP TABLE ${name}`)
}

/** What pg_dump says of the schema, without what differs between servers of the same version. */
async function dumpSchema(database: string): Promise<string> {
  const { hostname, port, username } = new URL(serverUrl)
  const local = `pg_dump --host ${hostname} --port ${port} --username ${username}`
  const [command = '', ...args] = (process.env['TEST_PG_DUMP'] ?? local).split(' ')
  const run = promisify(execFile)(command, [...args, '--schema-only', '--dbname', database], { maxBuffer: 2 ** 26 })
  return (await run).stdout
    .replace(/^--\n-- .*\n--\n/gm, '')
    .replace(/^-- Dumped .*\n/gm, '')
    .replace(/^\\(un)?restrict .*\n/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trimStart()
}

describe.each(postgresSchemas)('%s', (schema) => {
  test('20 first runs at once apply each file exactly once; a second round finds nothing to do', async () => {
    const database = await bootstrapped(schema)
    const { migrations } = await readMigrations(folderOf(schema), formatOfPostgres)
    const results = await Promise.all(Array.from({ length: 20 }, () => applyAll(schema, database)))
    expect(results.flat().sort((a, b) => a - b)).toEqual(migrations.map((migration) => migration.version))
    expect(await applyAll(schema, database)).toEqual([])
  })

  /** Of temporal: on the apache edition of TimescaleDB, which the image has. */
  test('the schema is the golden one', async () => {
    const database = await bootstrapped(schema)
    await applyAll(schema, database)
    await dropDatedPartitions(await open(urlOf(database)))
    await expect(await dumpSchema(database)).toMatchFileSnapshot(`./${schema}/schema.golden.sql`)
  })
})
