import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { apply } from './apply.ts'
import { clientConfig } from './connection.ts'
import type { MigrationSet } from './files.ts'
import { postgres } from './postgres.ts'
import { newDatabase, newFolder, open, runCli, urlOf } from './testing.ts'

/* An index made or dropped without a transaction: what is there decides. */

const applyTo = async (database: string, set: MigrationSet) =>
  apply(set, postgres(await clientConfig({ url: urlOf(database) })), {
    waitMs: 20_000,
    signal: new AbortController().signal,
    log: () => undefined,
  })
const first = 'CREATE TABLE a (id integer, note text); INSERT INTO a SELECT n, n % 9 FROM generate_series(1, 1000) n;'
const files = { '000001_a.sql': first, '000002_i.sql': 'CREATE INDEX CONCURRENTLY i ON a (note);' }

async function state(database: string) {
  const client = await open(urlOf(database))
  const indexes = await client.query<{ name: string; valid: boolean }>(
    `SELECT indexrelid::regclass::text AS name, indisvalid AS valid FROM pg_index WHERE indrelid = 'a'::regclass ORDER BY 1`,
  )
  const ledger = await client.query<{ version: number }>('SELECT version FROM migrations.schema_migrations ORDER BY 1')
  return { indexes: indexes.rows, applied: ledger.rows.map(({ version }) => version) }
}
const valid = [{ name: 'i', valid: true }]

test('twenty at once make it once; it is dropped the same way', async () => {
  const database = await newDatabase()
  const folder = await newFolder(files)
  const set = await folder.read()
  const results = await Promise.all(Array.from({ length: 20 }, () => applyTo(database, set)))
  expect(results.flat().sort()).toEqual([1, 2])
  expect(await state(database)).toEqual({ indexes: valid, applied: [1, 2] })
  await folder.write('000003_d.sql', 'DROP INDEX CONCURRENTLY IF EXISTS i;')
  expect(await applyTo(database, await folder.read())).toEqual([3])
  expect(await state(database)).toEqual({ indexes: [], applied: [1, 2, 3] })
})

test('killed while it waits for a transaction: the unfinished index is made anew by the next run', async () => {
  const database = await newDatabase()
  const folder = await newFolder(files)
  const args = ['apply', '--schema', 'test', '--dir', folder.dir, '--url', urlOf(database)]
  await folder.remove('000002_i.sql')
  await applyTo(database, await folder.read())
  await folder.write('000002_i.sql', files['000002_i.sql'])
  const writer = await open(urlOf(database))
  await writer.query(`BEGIN; UPDATE a SET note = 'x' WHERE id = 1`)
  const run = runCli(...args)
  await run.saw('000002_i.sql …')
  while ((await state(database)).indexes.length === 0) await sleep(50)
  run.kill('SIGKILL')
  await run.done
  // The server notices within seconds that nobody listens any more.
  const other = await open(urlOf(database))
  const isBuilding = async () =>
    ((
      await other.query(
        `SELECT FROM pg_stat_activity WHERE query LIKE '%CREATE INDEX CONCURRENTLY i%' AND pid <> pg_backend_pid() AND state = 'active'`,
      )
    ).rowCount ?? 0) > 0
  while (await isBuilding()) await sleep(100)
  expect(await state(database)).toEqual({ indexes: [{ name: 'i', valid: false }], applied: [1] })
  await writer.query('COMMIT')
  expect(await runCli(...args).done).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('index i was not finished by an earlier run') as string,
  })
  expect(await state(database)).toEqual({ indexes: valid, applied: [1, 2] })
})

test('finished, and killed before the ledger had it: it is noted and not made again', async () => {
  const database = await newDatabase()
  const folder = await newFolder(files)
  await applyTo(database, await folder.read())
  const client = await open(urlOf(database))
  await client.query('DELETE FROM migrations.schema_migrations WHERE version = 2')
  const { rows: before } = await client.query(`SELECT 'i'::regclass::oid AS oid`)
  expect(await applyTo(database, await folder.read())).toEqual([2])
  expect((await client.query(`SELECT 'i'::regclass::oid AS oid`)).rows).toEqual(before)
})

test('a unique one that the rows forbid: said with file and statement, and nothing is left behind', async () => {
  const database = await newDatabase()
  const folder = await newFolder({ ...files, '000002_i.sql': 'CREATE UNIQUE INDEX CONCURRENTLY i ON a (note);' })
  await expect(applyTo(database, await folder.read())).rejects.toMatchObject({
    reason: 'StatementFailed',
    message: expect.stringMatching(/^000002_i\.sql, statement 1 \(line 2\): 23505 /) as string,
  })
  expect(await state(database)).toEqual({ indexes: [], applied: [1] })
})

// prettier-ignore
test.each([
  ['a second statement', 'CREATE INDEX CONCURRENTLY i ON a (note); SELECT 1;'],
  ['no name',            'CREATE INDEX CONCURRENTLY ON a (note);'],
  ['IF NOT EXISTS',      'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (note);'],
  ['a drop that fails',  'DROP INDEX CONCURRENTLY i;'],
  ['two at once',        'DROP INDEX CONCURRENTLY IF EXISTS i, j;'],
  ['REINDEX',            'REINDEX INDEX CONCURRENTLY i;'],
])('%s is refused', async (_name, statement) => {
  const folder = await newFolder({ '000001_a.sql': statement })
  await expect(folder.read()).rejects.toMatchObject({ reason: 'BadFile', message: expect.stringContaining('CONCURRENTLY') as string })
})
