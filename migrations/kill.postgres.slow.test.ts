import { describe, expect, test } from 'vitest'
import { databaseName, ownerRole } from '../operator/data-store/names.ts'
import { schemaDifferences } from './runner/differences.ts'
import { fileName, readMigrations } from './runner/files.ts'
import { readCatalogue } from './runner/postgres-catalogue.ts'
import { formatOfPostgres } from './runner/postgres-file.ts'
import { open, runCli, urlOf } from './runner/testing.ts'
import { bootstrapped, folderOf, postgresSchemas, type PostgresSchema } from './testing/database.ts'

/* A migrator that is killed within or after any file of the platform: the next one completes to the same schema. */

const run = (schema: PostgresSchema, database: string) =>
  runCli('apply', '--schema', schema, '--url', urlOf(database, ownerRole(databaseName(schema))), '--breaking')

describe.each(postgresSchemas)('%s', (schema) => {
  test.each(['within', 'after'])('killed %s each file', { timeout: 600_000 }, async (moment) => {
    const { migrations, extension } = await readMigrations(folderOf(schema), formatOfPostgres)
    const whole = await bootstrapped(schema)
    expect(await run(schema, whole).done).toMatchObject({ code: 0 })
    const wanted = await readCatalogue(await open(urlOf(whole)))
    for (const migration of migrations) {
      const name = fileName(migration, extension)
      const database = await bootstrapped(schema)
      const first = run(schema, database)
      await first.saw(moment === 'within' ? `${name} …` : `${name} applied in`)
      first.kill('SIGKILL')
      await first.done
      expect(await run(schema, database).done).toMatchObject({ code: 0 })
      const client = await open(urlOf(database))
      const { rows } = await client.query('SELECT version FROM migrations.schema_migrations ORDER BY version')
      expect(rows).toEqual(migrations.map(({ version }) => ({ version })))
      expect(schemaDifferences(wanted, await readCatalogue(client)), name).toEqual([])
    }
  })
})
