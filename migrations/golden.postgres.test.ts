import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { databaseName, ownerRole } from '../operator/data-store/names.ts'
import { apply } from './runner/apply.ts'
import { clientConfig } from './runner/connection.ts'
import { readMigrations } from './runner/files.ts'
import { formatOfPostgres } from './runner/postgres-file.ts'
import { postgres } from './runner/postgres.ts'
import { open, urlOf } from './runner/testing.ts'
import { bootstrapped, folderOf, postgresSchemas, type PostgresSchema } from './testing/database.ts'
import { dumpSchema } from './testing/dump.ts'

const options = { waitMs: 60_000, signal: new AbortController().signal, log: () => undefined }

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

/** Without what differs between servers of the same version. */
const normalised = (dump: string) =>
  dump
    .replace(/^--\n-- .*\n--\n/gm, '')
    .replace(/^-- Dumped .*\n/gm, '')
    .replace(/^\\(un)?restrict .*\n/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trimStart()

const everySchema = process.env['SLOW'] === '1'

describe.each(postgresSchemas)('%s', (schema) => {
  test.runIf(schema === 'core' || everySchema)(
    '20 first runs at once apply each file exactly once; a second round finds nothing to do',
    async () => {
      const database = await bootstrapped(schema)
      const { migrations } = await readMigrations(folderOf(schema), formatOfPostgres)
      const results = await Promise.all(Array.from({ length: 20 }, () => applyAll(schema, database)))
      expect(results.flat().sort((a, b) => a - b)).toEqual(migrations.map((migration) => migration.version))
      expect(await applyAll(schema, database)).toEqual([])
    },
  )

  /** Of temporal: on the apache edition of TimescaleDB, which the image has. */
  test('the schema is the golden one', async () => {
    const database = await bootstrapped(schema)
    await applyAll(schema, database)
    await dropDatedPartitions(await open(urlOf(database)))
    await expect(normalised(await dumpSchema(database))).toMatchFileSnapshot(`./${schema}/schema.golden.sql`)
  })
})
