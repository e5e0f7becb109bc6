import { describe, expect, test } from 'vitest'
import { apply } from './apply.ts'
import { clientConfig } from './connection.ts'
import type { ApplyOptions } from './dialect.ts'
import type { MigrationSet } from './files.ts'
import { upTo } from './files.ts'
import { postgres } from './postgres.ts'
import { newDatabase, newFolder, open, runCli, urlOf } from './testing.ts'

const applyTo = async (database: string, set: MigrationSet, more: Partial<ApplyOptions> = {}) => {
  const options = { waitMs: 20_000, signal: new AbortController().signal, log: () => undefined, ...more }
  return apply(set, postgres(await clientConfig({ url: urlOf(database) })), options)
}
const tables = async (database: string) => {
  const { rows } = await (
    await open(urlOf(database))
  ).query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
  )
  return rows.map(({ name }) => name).join(' ')
}

const files = {
  '000001_a.sql': 'CREATE TABLE a (id integer PRIMARY KEY, note text); INSERT INTO a VALUES (1);',
  '000002_b.sql': 'CREATE TABLE b ();',
  '000003_c.sql': 'CREATE TABLE c ();\nDROP TABLE b;',
  '000004_d.sql': 'CREATE TABLE d ();',
}
/** A database at the second of these files. */
async function atTwo(more: Record<string, string> = {}) {
  const database = await newDatabase()
  const folder = await newFolder({ ...files, ...more })
  await applyTo(database, upTo(await folder.read(), 2))
  const args = ['--schema', 'test', '--dir', folder.dir, '--url', urlOf(database)]
  return { database, folder, run: (command: string, ...rest: string[]) => runCli(command, ...args, ...rest).done }
}

describe('a plan that loses data', () => {
  test('is printed with its hash, refused without it before any statement, and run with it', async () => {
    const { database, run } = await atTwo()
    const { code, stdout } = await run('plan')
    const [, hash = ''] = /plan ([0-9a-f]{12}) loses data/.exec(stdout) ?? []
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('000003_c.sql, statement 2 (line 3): drops table b with what it holds') as string,
    })
    expect(JSON.parse((await run('plan', '--json')).stdout)).toMatchObject({ hash, losses: [{ version: 3 }], held: [] })

    for (const wrong of [[], ['--approve', '0123456789ab']])
      expect(await run('apply', ...wrong)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`ApprovalNeeded: plan ${hash} loses data: 000003_c.sql, statement 2`) as string,
      })
    expect(await tables(database)).toBe('a b')
    expect(await run('apply', '--approve', hash)).toMatchObject({ code: 0 })
    expect(await tables(database)).toBe('a c d')
    expect((await run('plan')).stdout).not.toContain('loses data')
  })

  test('needs nothing in a database that has no file yet', async () => {
    const database = await newDatabase()
    expect(await applyTo(database, await (await newFolder(files)).read())).toEqual([1, 2, 3, 4])
  })

  test('goes on with its approval after it was cut short', async () => {
    const { database, folder, run } = await atTwo({ '000004_d.sql': 'DROP TABLE nowhere;' })
    const [, hash = ''] = /plan ([0-9a-f]{12})/.exec((await run('plan')).stdout) ?? []
    expect(await run('apply', '--approve', hash)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nowhere') as string,
    })
    expect(await tables(database)).toBe('a c')
    await expect(applyTo(database, await folder.read())).rejects.toMatchObject({ reason: 'ApprovalNeeded' })
    await (await open(urlOf(database))).query('CREATE TABLE nowhere ()')
    expect(await applyTo(database, await folder.read(), { approve: hash })).toEqual([4])
  })

  test('twenty at once with the approval: each file once; one that waited with an older approval runs nothing', async () => {
    const { database, folder, run } = await atTwo()
    const [, hash = ''] = /plan ([0-9a-f]{12})/.exec((await run('plan')).stdout) ?? []
    const set = await folder.read()
    const results = await Promise.all(Array.from({ length: 20 }, () => applyTo(database, set, { approve: hash })))
    expect(results.flat().sort()).toEqual([3, 4])
  })
})

describe('a database without a ledger', () => {
  test('that has tables is not new: nothing runs, whatever was approved', async () => {
    const { database, folder, run } = await atTwo()
    await (await open(urlOf(database))).query('DROP SCHEMA migrations CASCADE')
    for (const command of ['plan', 'apply'])
      expect(await run(command, '--breaking')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('NoLedger: the database has table public.a and no ledger') as string,
      })
    await expect(applyTo(database, upTo(await folder.read(), 1))).rejects.toMatchObject({ reason: 'NoLedger' })
    expect(await tables(database)).toBe('a b')
  })

  test('is not new to one that waited while another migrator made it', async () => {
    const database = await newDatabase()
    const set = await (await newFolder(files)).read()
    const connect = postgres(await clientConfig({ url: urlOf(database) }))
    const other = await connect({ waitMs: 20_000, signal: new AbortController().signal, log: () => undefined })
    await other.takeLock()
    let said: () => void = () => undefined
    const waits = new Promise<void>((resolve) => (said = resolve))
    const late = applyTo(database, set, { log: (line) => void (line.startsWith('waiting for another') && said()) })
    const result = late.catch((error: unknown) => error)
    await waits
    await other.createLedger()
    for (const migration of set.migrations.slice(0, 2)) await other.applyFile(migration, [])
    await other.close()
    expect(await result).toMatchObject({ reason: 'ApprovalNeeded' })
    expect(await tables(database)).toBe('a b')
  })
})

describe('a breaking file', () => {
  const breaking = { '000003_c.sql': '-- migrate: breaking\nALTER TABLE a RENAME TO z;' }

  test('waits with all after it until nothing older runs; what comes before it does not', async () => {
    const { database, run } = await atTwo({ ...breaking, '000002_b.sql': 'CREATE TABLE b ();' })
    const waits = '2 of 4 files wait, from 000003_c.sql on, which is breaking'
    expect((await run('plan')).stdout).toContain(waits)
    const said = expect.stringContaining(`BreakingFileWaits: at 2: ${waits}`) as string
    expect(await run('apply')).toMatchObject({ code: 2, stderr: said })
    expect(await tables(database)).toBe('a b')
    expect(await run('verify')).toMatchObject({ code: 1, stderr: expect.stringContaining('NotCurrent') as string })
    expect(await run('apply', '--breaking')).toMatchObject({ code: 0 })
    expect(await tables(database)).toBe('b d z')
    expect(await run('verify')).toMatchObject({ code: 0 })
  })

  test('is applied like any other to a database that has no file yet', async () => {
    const database = await newDatabase()
    expect(await applyTo(database, await (await newFolder({ ...files, ...breaking })).read())).toEqual([1, 2, 3, 4])
  })
})

test('--target ends earlier, and leads nowhere back', async () => {
  const { database, run } = await atTwo({ '000003_c.sql': 'CREATE TABLE c ();' })
  expect((await run('plan', '--target', '3')).stdout).toMatch(/at 2, target 3, 1 to apply/)
  expect(await run('apply', '--target', '3')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('now at 3') as string,
  })
  expect(await tables(database)).toBe('a b c')
  expect(await run('apply', '--target', '1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('TargetIsOlder: the database is at 3, and nothing leads back to 1') as string,
  })
  expect(await run('apply', '--target', '5')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no file 5 in test: they end at 4') as string,
  })
})
