import { describe, expect, onTestFinished, test } from 'vitest'
import { databaseName, ownerRole } from '../../operator/data-store/names.ts'
import { bootstrapped, folderOf, postgresSchemas } from '../testing/database.ts'
import { dumpSchema } from '../testing/dump.ts'
import { apply } from './apply.ts'
import { baseline } from './baseline.ts'
import { clientConfig } from './connection.ts'
import { readMigrations, upTo } from './files.ts'
import type { MigrationSet } from './files.ts'
import { formatOfPostgres } from './postgres-file.ts'
import { postgres } from './postgres.ts'
import { newDatabase, newFolder, onServer, open, runCli, uniqueName, urlOf } from './testing.ts'

const options = () => {
  const lines: string[] = []
  return { waitMs: 20_000, signal: new AbortController().signal, log: (line: string) => void lines.push(line), lines }
}
const adopt = async (database: string, files: MigrationSet, to = options()) =>
  baseline(files, postgres(await clientConfig({ url: urlOf(database) })), to)
const applyTo = async (database: string, files: MigrationSet, role?: string) =>
  apply(files, postgres(await clientConfig({ url: urlOf(database, role) })), options())

const files = {
  '000001_a.sql': 'CREATE TABLE a (id integer PRIMARY KEY, note text UNIQUE); CREATE INDEX ON a (note, id);',
  '000002_b.sql': `CREATE TABLE b (id integer REFERENCES a); ALTER TABLE a ADD COLUMN more text DEFAULT 'x';
    CREATE FUNCTION f() RETURNS integer LANGUAGE sql RETURN 1; CREATE VIEW v AS SELECT id FROM a;`,
  '000003_c.sql': 'CREATE TABLE c (); GRANT SELECT ON a TO PUBLIC;',
}

/** A database with the schema of these files and no ledger, as somebody else made it. */
async function foreign(set: MigrationSet): Promise<string> {
  const database = await newDatabase()
  await applyTo(database, set)
  await (await open(urlOf(database))).query('DROP SCHEMA migrations CASCADE')
  return database
}

describe('a database with the schema and no ledger', () => {
  test('is adopted at the version it has, and goes on from there', async () => {
    const set = await (await newFolder(files)).read()
    const database = await foreign(upTo(set, 2))
    await adopt(database, upTo(set, 2))
    const client = await open(urlOf(database))
    const { rows } = await client.query('SELECT version, checksum FROM migrations.schema_migrations ORDER BY version')
    expect(rows).toEqual(set.migrations.slice(0, 2).map(({ version, checksum }) => ({ version, checksum })))
    expect(await applyTo(database, set)).toEqual([3])
    await expect(adopt(database, set)).rejects.toMatchObject({ name: 'Refused', reason: 'NotEmptyLedger' })
  })

  // prettier-ignore
  test.each<[string, string, string]>([
    ['a table that is missing',        'DROP TABLE b',                                    'table public.b is missing'],
    ['one that no file makes',         'CREATE TABLE extra ()',                           'table public.extra is not of these files'],
    ['another type',                   'ALTER TABLE b ALTER COLUMN id TYPE bigint',       'column public.b.id is "bigint", not "integer"'],
    ['another default',                `ALTER TABLE a ALTER COLUMN more SET DEFAULT 'y'`, `column public.a.more is "text, 'y'::text", not "text, 'x'::text"`],
    ['an index that is missing',       'DROP INDEX a_note_id_idx',                        'index public.a_note_id_idx is missing'],
    ['a constraint that is missing',   'ALTER TABLE a DROP CONSTRAINT a_note_key',        'constraint public.a.a_note_key is missing'],
    ['one that was not validated',     'ALTER TABLE b DROP CONSTRAINT b_id_fkey, ADD CONSTRAINT b_id_fkey FOREIGN KEY (id) REFERENCES a NOT VALID', 'NOT VALID", not'],
    ['another function body',          'CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql RETURN 2', 'function public.f() is'],
    ['another view',                   'CREATE OR REPLACE VIEW v AS SELECT id + 0 AS id FROM a', 'view public.v is'],
    ['a grant',                        'GRANT DELETE ON a TO PUBLIC',                     'table public.a is'],
    ['row security',                   'ALTER TABLE a ENABLE ROW LEVEL SECURITY',         'row security'],
    ['a policy',                       'CREATE POLICY p ON a USING (true)',               'policy public.a.p is not of these files'],
    ['a trigger',                      'CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'trigger public.a.t is not'],
    ['a type',                         `CREATE TYPE mood AS ENUM ('good')`,               'type public.mood is not'],
    ['a sequence',                     'CREATE SEQUENCE s',                               'sequence public.s is not'],
    ['a storage option',               'ALTER TABLE a SET (fillfactor = 50)',             'fillfactor=50'],
    ['a null that is not allowed',     'ALTER TABLE b ALTER COLUMN id SET NOT NULL',      'column public.b.id is "integer, not null", not "integer"'],
  ])('%s: refused in words, and nothing is noted', async (_name, change, words) => {
    const set = upTo(await (await newFolder(files)).read(), 2)
    const database = await foreign(set)
    const client = await open(urlOf(database))
    await client.query(change)
    const to = options()
    await expect(adopt(database, set, to)).rejects.toMatchObject({ name: 'Refused', reason: 'SchemaDiffers' })
    expect(to.lines.join('\n')).toContain(words)
    expect((await client.query(`SELECT to_regnamespace('migrations') AS ledger`)).rows).toEqual([{ ledger: null }])
    const left = await client.query(`SELECT FROM pg_database WHERE datname LIKE 'migrate_baseline_%'`)
    expect(left.rowCount).toBe(0)
  })

  test('the order of columns, rows and comments do not matter', async () => {
    const set = upTo(await (await newFolder({ '000001_a.sql': 'CREATE TABLE a (x integer, y text);' })).read(), 1)
    const database = await newDatabase()
    const client = await open(urlOf(database))
    await client.query(
      `CREATE TABLE a (y text, x integer); INSERT INTO a VALUES ('one', 1); COMMENT ON TABLE a IS 'mine'`,
    )
    await adopt(database, set)
  })

  test('without the rights of a superuser: refused', async () => {
    const role = uniqueName()
    await onServer(`CREATE ROLE ${role} LOGIN`)
    const set = await (await newFolder(files)).read()
    const database = await foreign(set)
    onTestFinished(() => onServer(`DROP OWNED BY ${role}`, `DROP ROLE ${role}`))
    const config = await clientConfig({ url: urlOf(database, role) })
    await expect(baseline(set, postgres(config), options())).rejects.toMatchObject({ reason: 'WrongRole' })
  })

  test('the command names the target, and ends with 2 and the first difference', async () => {
    const folder = await newFolder(files)
    const database = await foreign(upTo(await folder.read(), 2))
    const run = (...more: string[]) =>
      runCli('baseline', '--schema', 'test', '--dir', folder.dir, '--url', urlOf(database), ...more).done
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('--target') as string })
    expect(await run('--target', '3')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /SchemaDiffers: .* up to 000003_c\.sql make: 2 differences, first: table public\.a is/,
      ) as string,
    })
    expect(await run('--target', '2')).toMatchObject({ code: 0 })
  })
})

describe.each(postgresSchemas)('%s', (schema) => {
  test('a restored dump without its ledger is adopted, and nothing is left to apply', async () => {
    const set = await readMigrations(folderOf(schema), formatOfPostgres)
    const role = ownerRole(databaseName(schema))
    const source = await bootstrapped(schema)
    await applyTo(source, set, role)
    const restored = uniqueName()
    await onServer(`CREATE DATABASE ${restored} OWNER ${role} TEMPLATE template0`)
    onTestFinished(() => onServer(`DROP DATABASE IF EXISTS ${restored} WITH (FORCE)`))
    const client = await open(urlOf(restored))
    await client.query((await dumpSchema(source)).replace(/^\\.*$/gm, ''))
    await client.query('RESET ALL; DROP SCHEMA migrations CASCADE')
    const to = options()
    await adopt(restored, set, to).catch((error: unknown) => {
      throw new Error(to.lines.join('\n'), { cause: error })
    })
    expect(await applyTo(restored, set, role)).toEqual([])
  })
})
