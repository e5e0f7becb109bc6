import { describe, expect, test } from 'vitest'
import { databaseName, ownerRole } from '../operator/data-store/names.ts'
import { apply } from './runner/apply.ts'
import { clientConfig } from './runner/connection.ts'
import { schemaDifferences } from './runner/differences.ts'
import { readMigrations, upTo, type MigrationSet } from './runner/files.ts'
import { readCatalogue } from './runner/postgres-catalogue.ts'
import { formatOfPostgres } from './runner/postgres-file.ts'
import { postgres } from './runner/postgres.ts'
import { open, urlOf } from './runner/testing.ts'
import { bootstrapped, folderOf, postgresSchemas, type PostgresSchema } from './testing/database.ts'

/* A database that was at an earlier file and was upgraded is the same as one that was made from nothing. */

// Of core about a minute, and more than twice that beside the other slow ones.
const everyFile = process.env['SLOW'] === '1'

async function applyTo(schema: PostgresSchema, database: string, files: MigrationSet): Promise<number[]> {
  const config = await clientConfig({ url: urlOf(database, ownerRole(databaseName(schema))) })
  const options = { waitMs: 60_000, signal: new AbortController().signal, log: () => undefined }
  return apply(files, postgres(config), { ...options, breaking: true })
}

describe.each(postgresSchemas.filter((schema) => schema !== 'vault'))('%s', (schema) => {
  test(`upgraded from ${everyFile ? 'each of its files' : 'the middle and the last but one'}: the same schema as from nothing`, async () => {
    const files = await readMigrations(folderOf(schema), formatOfPostgres)
    const fresh = await bootstrapped(schema)
    await applyTo(schema, fresh, files)
    const wanted = await readCatalogue(await open(urlOf(fresh)))
    const all = Array.from({ length: files.target - 1 }, (_, index) => index + 1)
    const chosen = everyFile ? all : [Math.floor(files.target / 2), files.target - 1]
    for (const earlier of chosen) {
      const database = await bootstrapped(schema)
      await applyTo(schema, database, upTo(files, earlier))
      const client = await open(urlOf(database))
      expect(schemaDifferences(wanted, await readCatalogue(client)).length).toBeGreaterThan(0)
      expect(await applyTo(schema, database, files)).toHaveLength(files.target - earlier)
      expect(schemaDifferences(wanted, await readCatalogue(client))).toEqual([])
    }
  }, 400_000)
})

test('core: rows written by an earlier release are there after the upgrade', async () => {
  const files = await readMigrations(folderOf('core'), formatOfPostgres)
  const database = await bootstrapped('core')
  await applyTo('core', database, upTo(files, 12))
  const client = await open(urlOf(database))
  await client.query(
    `INSERT INTO users (email, password_hash, user_type) VALUES ('old@example.invalid', '!', 'candidate')`,
  )
  await client.query(`INSERT INTO companies (company_name) VALUES ('Old')`)
  const before = await client.query('SELECT * FROM users')
  await applyTo('core', database, files)
  const [user] = (await client.query<Record<string, unknown>>('SELECT * FROM users')).rows
  expect(user).toMatchObject(before.rows[0] as object)
  expect((await client.query('SELECT company_name FROM companies')).rows).toEqual([{ company_name: 'Old' }])
})
