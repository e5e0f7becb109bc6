import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { apply } from './apply.ts'
import { bootstrap } from './bootstrap.ts'
import { clientConfig } from './connection.ts'
import { readMigrations } from './files.ts'
import { formatOfPostgres } from './postgres-file.ts'
import { postgres } from './postgres.ts'
import { onServer, open, serverUrl, uniqueName, urlOf } from './testing.ts'

const folder = join(import.meta.dirname, '../core')
const options = { waitMs: 60_000, signal: new AbortController().signal, log: () => undefined }

/** A database as `bootstrap` leaves it, dropped when the test ends. The roles are the server's and stay. */
async function newCoreDatabase(): Promise<string> {
  const database = uniqueName()
  const config = await clientConfig({ url: serverUrl })
  await bootstrap(config, { ...options, schema: 'core', dir: folder, database, passwords: {} })
  onTestFinished(() => onServer(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`))
  return database
}

const applyCore = async (database: string) =>
  apply(
    await readMigrations(folder, formatOfPostgres),
    postgres(await clientConfig({ url: urlOf(database, 'supersmartmatch_core_owner') })),
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

test('core: 20 first runs at once apply each file exactly once; a second round finds nothing to do', async () => {
  const database = await newCoreDatabase()
  const { migrations } = await readMigrations(folder, formatOfPostgres)
  const results = await Promise.all(Array.from({ length: 20 }, () => applyCore(database)))
  expect(results.flat().sort((a, b) => a - b)).toEqual(migrations.map((migration) => migration.version))
  expect(await applyCore(database)).toEqual([])
})

test('core: the schema is the golden one', async () => {
  const database = await newCoreDatabase()
  await applyCore(database)
  await dropDatedPartitions(await open(urlOf(database)))
  await expect(await dumpSchema(database)).toMatchFileSnapshot('../core/schema.golden.sql')
})
