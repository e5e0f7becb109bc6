import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { apply } from './apply.ts'
import type { Options } from './dialect.ts'
import { clientConfig } from './connection.ts'
import type { Migration, MigrationSet } from './files.ts'
import { applyFile, connect, createLedger, postgres, takeLock } from './postgres.ts'
import { newDatabase, newFolder, newProxy, onServer, open, runCli, serverUrl, uniqueName, urlOf } from './testing.ts'

const files = {
  '000001_a.sql': 'CREATE TABLE a (id integer PRIMARY KEY, note text UNIQUE);\nINSERT INTO a VALUES (1, $$one; two$$);',
  '000002_b.sql':
    '-- migrate: breaking\nCREATE TABLE b (id integer REFERENCES a);\nALTER TABLE a ADD COLUMN more text;',
}

function options(more: Partial<Options> = {}): Options & { lines: string[] } {
  const lines: string[] = []
  return { waitMs: 20_000, signal: new AbortController().signal, log: (line) => lines.push(line), ...more, lines }
}

const applyTo = async (database: string, set: MigrationSet, more: Partial<Options> = {}, url = urlOf(database)) =>
  apply(set, postgres(await clientConfig({ url })), options(more))

const ledger = async (client: pg.Client) =>
  (
    await client.query<{ version: number }>('SELECT version FROM migrations.schema_migrations ORDER BY version')
  ).rows.map((row) => row.version)

const tables = async (client: pg.Client) =>
  (
    await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
    )
  ).rows.map((row) => row.name)

describe('apply', () => {
  test('applies everything, then nothing, then what is new', async () => {
    const database = await newDatabase()
    const folder = await newFolder(files)
    expect(await applyTo(database, await folder.read())).toEqual([1, 2])
    expect(await applyTo(database, await folder.read())).toEqual([])
    await folder.write('000003_c.sql', 'CREATE TABLE c ();')
    expect(await applyTo(database, await folder.read())).toEqual([3])

    const client = await open(urlOf(database))
    expect(await tables(client)).toEqual(['a', 'b', 'c'])
    const { rows } = await client.query(
      `SELECT version, name, checksum, breaking, applied_at >= started_at AND execution_ms >= 0 AS timed
         FROM migrations.schema_migrations ORDER BY version`,
    )
    const set = await folder.read()
    expect(rows).toEqual(
      set.migrations.map(({ version, name, checksum, breaking }) => ({
        version,
        name,
        checksum,
        breaking,
        timed: true,
      })),
    )
  })

  test('20 at once, first ever: each file exactly once, all end well', async () => {
    const database = await newDatabase()
    const set = await (await newFolder(files)).read()
    const results = await Promise.all(Array.from({ length: 20 }, () => applyTo(database, set)))
    expect(results.flat().sort()).toEqual([1, 2])
  })

  test('settings and role of one file do not reach the next', async () => {
    const database = await newDatabase()
    const role = uniqueName()
    await onServer(`CREATE ROLE ${role}`)
    onTestFinished(() => onServer(`DROP ROLE ${role}`))
    const folder = await newFolder({
      '000001_a.sql': `SET search_path = pg_catalog; SET timezone = 'Asia/Tokyo'; SET datestyle = 'SQL, DMY'; SET ROLE ${role};`,
      '000002_b.sql': `CREATE TABLE b AS SELECT current_user AS role, current_setting('timezone') AS zone, current_setting('datestyle') AS dates;`,
    })
    await applyTo(database, await folder.read())
    const client = await open(urlOf(database))
    const { rows } = await client.query('SELECT zone, dates, role = session_user AS own FROM public.b')
    expect(rows).toEqual([{ zone: 'UTC', dates: 'ISO, MDY', own: true }])
  })
})

describe('refuses before any statement', () => {
  const third = { '000003_c.sql': 'CREATE TABLE c ();' }

  // prettier-ignore
  test.each<[string, string, RegExp]>([
    ['FileEdited',      `UPDATE migrations.schema_migrations SET checksum = 'abc' WHERE version = 1`, /000001_a\.sql .*sha256 abc, file sha256 [0-9a-f]{64}/],
    ['FileRenamed',     `UPDATE migrations.schema_migrations SET name = 'z' WHERE version = 2`,       /000002_b\.sql was applied as 000002_z\.sql/],
    ['FileOutOfOrder',  'DELETE FROM migrations.schema_migrations WHERE version = 1',                 /000001_a\.sql was never applied/],
    ['DatabaseIsNewer', `INSERT INTO migrations.schema_migrations VALUES (3, 'd', '', true)`,         /000003_d\.sql.* ends at 2/],
  ])('%s', async (reason, change, message) => {
    const database = await newDatabase()
    await applyTo(database, await (await newFolder(files)).read())
    const client = await open(urlOf(database))
    await client.query(change)
    const set = await (await newFolder(reason === 'DatabaseIsNewer' ? files : { ...files, ...third })).read()
    // prettier-ignore
    await expect(applyTo(database, set)).rejects.toMatchObject({ name: 'Refused', reason, message: expect.stringMatching(message) as string })
    expect(await tables(client)).toEqual(['a', 'b'])
  })

  test('a newer database whose new files break nothing is left alone', async () => {
    const database = await newDatabase()
    await applyTo(database, await (await newFolder({ ...files, ...third })).read())
    expect(await applyTo(database, await (await newFolder(files)).read())).toEqual([])
  })

  test('WrongRole: somebody else owns the database', async () => {
    const database = await newDatabase()
    const role = uniqueName()
    await onServer(`CREATE ROLE ${role} LOGIN`, `ALTER DATABASE ${database} OWNER TO ${role}`)
    onTestFinished(() => onServer(`DROP DATABASE ${database} WITH (FORCE)`, `DROP ROLE ${role}`))
    const set = await (await newFolder(files)).read()
    await expect(applyTo(database, set)).rejects.toMatchObject({ name: 'Refused', reason: 'WrongRole' })
    expect(await applyTo(database, set, {}, urlOf(database, role))).toEqual([1, 2])
  })

  const pooler = process.env['TEST_PGBOUNCER_URL']
  test.skipIf(pooler === undefined)('PoolerInBetween: a real PgBouncer, pooling transactions', async () => {
    const database = await newDatabase()
    const set = await (await newFolder(files)).read()
    const through = applyTo(database, set, {}, urlOf(database, undefined, pooler))
    await expect(through).rejects.toMatchObject({ name: 'Refused', reason: 'PoolerInBetween' })
    expect(await tables(await open(urlOf(database)))).toEqual([])
  })
})

describe('a failing file', () => {
  // prettier-ignore
  test.each<[string, string, RegExp]>([
    ['at run time',        `INSERT INTO a VALUES (2, 'secret');\n\nINSERT INTO a\n  VALUES (3, 'secret');`, /^000003_c\.sql, statement 2 \(line 4\): 23505 duplicate key value violates unique constraint "a_note_key"$/],
    ['a name',             'SELECT 1;\nSELECT 2,\n  nope;',                        /^000003_c\.sql, statement 2 \(line 4\): 42703 column "nope" does not exist$/],
    ['syntax',             'SELECT 1;\nSELECT 2;\nSELEC 3;',                       /^000003_c\.sql, statement 3 \(line 4\): 42601 syntax error at or near "SELEC"$/],
    ['a value in the message', `SELECT 1;\nSELECT note::integer AS secret FROM a;`, /^000003_c\.sql, statement 2 \(line 3\): 22P02 invalid input syntax for type integer: "…"$/],
    ['at COMMIT',          'CREATE TABLE c (id integer REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO c VALUES (77);', /^000003_c\.sql, its ledger row or COMMIT: 23503 /],
  ])('%s: says where, keeps nothing of it and everything before it', async (_name, sql, message) => {
    const database = await newDatabase()
    const folder = await newFolder({ ...files, '000003_c.sql': sql })
    const attempt = applyTo(database, await folder.read())
    // prettier-ignore
    await expect(attempt).rejects.toMatchObject({ name: 'Failed', reason: 'StatementFailed', message: expect.stringMatching(message) as string })
    await expect(attempt).rejects.not.toThrow(/secret|one; two|77/)
    const client = await open(urlOf(database))
    expect(await ledger(client)).toEqual([1, 2])
    expect(await tables(client)).toEqual(['a', 'b'])
    await folder.write('000003_c.sql', 'CREATE TABLE c ();')
    expect(await applyTo(database, await folder.read())).toEqual([3])
  })

  test('a file that ends its transaction behind our back is noticed', async () => {
    const database = await newDatabase()
    const session = await connect(await clientConfig({ url: urlOf(database) }), options())
    onTestFinished(() => session.client.end())
    await takeLock(session)
    await createLedger(session)
    const text = 'COMMIT; BEGIN; SELECT 1'
    const file: Migration = {
      version: 1,
      name: 'x',
      checksum: '',
      breaking: false,
      destructive: false,
      statements: 3,
      text,
    }
    await expect(applyFile(session, file)).rejects.toThrow('000001_x.sql ended the transaction it runs in')
  })
})

describe('waiting', () => {
  test('for a table lock: tries again, and gives way to others meanwhile', async () => {
    const database = await newDatabase()
    const folder = await newFolder(files)
    await applyTo(database, await folder.read())
    await folder.write('000003_c.sql', 'SELECT 1;\nALTER TABLE a ADD COLUMN c text;')
    const blocker = await open(urlOf(database))
    await blocker.query('BEGIN; LOCK TABLE a IN ACCESS SHARE MODE')

    const lines: string[] = []
    const applying = applyTo(database, await folder.read(), { log: (line) => lines.push(line) })
    await sleep(2_600)
    expect(lines).toContainEqual(expect.stringMatching(/^000003_c\.sql, statement 2 \(line 3\): 55P03 /))
    await blocker.query('COMMIT')
    expect(await applying).toEqual([3])
  })

  test('for a table lock that stays: gives up, keeping nothing', async () => {
    const database = await newDatabase()
    const folder = await newFolder({ ...files, '000003_c.sql': 'CREATE TABLE c ();' })
    await applyTo(database, await folder.read())
    await folder.write('000004_d.sql', 'CREATE TABLE d (); ALTER TABLE a ADD COLUMN late text;')
    const blocker = await open(urlOf(database))
    await blocker.query('BEGIN; LOCK TABLE a IN ACCESS SHARE MODE')
    const attempt = applyTo(database, await folder.read(), { waitMs: 1_000 })
    await expect(attempt).rejects.toMatchObject({ name: 'Failed', reason: 'LockTimeout' })
    await expect(attempt).rejects.toThrow(/^000004_d\.sql, statement 2 /)
    expect(await tables(blocker)).toEqual(['a', 'b', 'c'])
  })

  test('for another migrator that stays: says who it is', async () => {
    const database = await newDatabase()
    const set = await (await newFolder(files)).read()
    const config = await clientConfig({ url: urlOf(database) })
    const other = await connect({ ...config, application_name: 'the other one' }, options())
    onTestFinished(() => other.client.end())
    await takeLock(other)
    const attempt = applyTo(database, set, { waitMs: 500 })
    await expect(attempt).rejects.toMatchObject({ name: 'Failed', reason: 'LockTimeout' })
    await expect(attempt).rejects.toThrow(new RegExp(`the other one \\(process ${other.pid}, role `))
  })

  test('for a server that is not there: says so', async () => {
    const set = await (await newFolder(files)).read()
    const attempt = applyTo('x', set, { waitMs: 500 }, 'postgres://x@127.0.0.1:1/x')
    await expect(attempt).rejects.toMatchObject({ name: 'Failed', reason: 'Unavailable' })
    await expect(attempt).rejects.toThrow(/ECONNREFUSED/)
  })
})

/** Eight statements, a tenth of a second apart. */
const slow = Array.from({ length: 8 }, (_, n) => `CREATE TABLE s${n} (); SELECT pg_sleep(0.1);`).join('\n')
const slowFiles = {
  '000001_a.sql': 'CREATE TABLE a ();',
  '000002_slow.sql': slow,
  '000003_z.sql': 'CREATE TABLE z ();',
}
const slowTables = ['a', ...Array.from({ length: 8 }, (_, n) => `s${n}`), 'z']
const moments = [0, 150, 350, 550, 750]

describe('interrupted', () => {
  test.each([0, 350, 750])(
    'process killed %i ms into a file: all or nothing, and the next run completes it',
    async (ms) => {
      const database = await newDatabase()
      const folder = await newFolder(slowFiles)
      const args = ['apply', '--schema', 'test', '--dir', folder.dir, '--url', urlOf(database)]
      const run = runCli(...args)
      await run.saw('000002_slow.sql …')
      await sleep(ms)
      run.kill('SIGKILL')
      expect((await run.done).signal).toBe('SIGKILL')

      const client = await open(urlOf(database))
      expect(await tables(client)).toEqual(['a'])
      expect(await ledger(client)).toEqual([1])
      expect(await runCli(...args).done).toMatchObject({ code: 0 })
      expect(await tables(client)).toEqual(slowTables)
      expect(await ledger(client)).toEqual([1, 2, 3])
    },
  )

  test.each(moments)(
    'server process ended %i ms into a file: the same run connects again and completes it',
    async (ms) => {
      const database = await newDatabase()
      const set = await (await newFolder(slowFiles)).read()
      const client = await open(urlOf(database))
      const started = Promise.withResolvers<void>()
      const lines: string[] = []
      const log = (line: string) => {
        lines.push(line)
        if (line === '000002_slow.sql …') started.resolve()
      }
      const applying = applyTo(database, set, { log })
      await started.promise
      await sleep(ms)
      await client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'migrate %' AND datname = $1`,
        [database],
      )
      expect(await applying).toEqual([1, 2, 3])
      expect(lines).toContainEqual(expect.stringMatching(/^connection lost/))
      expect(await tables(client)).toEqual(slowTables)
    },
  )

  test('connection lost while COMMIT is answered: what was kept is not run again', async () => {
    const database = await newDatabase()
    const set = await (await newFolder(files)).read()
    const proxy = await newProxy('COMMIT')
    await applyTo(database, set, {}, urlOf(database, undefined, proxy.url))
    expect(proxy.cuts()).toBe(1)
    expect(await ledger(await open(urlOf(database)))).toEqual([1, 2])
  })

  test('a file that always ends its own server process is given up', async () => {
    const database = await newDatabase()
    const folder = await newFolder({ '000001_a.sql': 'SELECT pg_terminate_backend(pg_backend_pid());' })
    await expect(applyTo(database, await folder.read())).rejects.toThrow(/^the connection was lost 3 times/)
  })

  test('the server notices a killed process in the middle of a long statement', async () => {
    const database = await newDatabase()
    const folder = await newFolder({ '000001_a.sql': 'CREATE TABLE a (); SELECT pg_sleep(60);' })
    const run = runCli('apply', '--schema', 'test', '--dir', folder.dir, '--url', urlOf(database))
    await run.saw('000001_a.sql …')
    const client = await open(urlOf(database))
    const sleeping = `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = '${database}'`
    await expect.poll(async () => (await client.query(sleeping)).rowCount, { timeout: 5_000 }).toBe(1)
    run.kill('SIGKILL')
    await run.done
    await folder.write('000001_a.sql', 'CREATE TABLE a ();')
    const startedMs = performance.now()
    expect(await applyTo(database, await folder.read())).toEqual([1])
    expect(performance.now() - startedMs).toBeLessThan(10_000)
  })

  test('SIGTERM rolls the running file back, says so and exits 1 at once', async () => {
    const database = await newDatabase()
    const folder = await newFolder({ ...files, '000003_c.sql': 'CREATE TABLE c (); SELECT pg_sleep(60);' })
    const log = join(folder.dir, 'termination-log')
    const args = ['--schema', 'test', '--dir', folder.dir, '--url', urlOf(database), '--termination-log', log]
    const run = runCli('apply', ...args)
    await run.saw('000003_c.sql …')
    await sleep(200)
    const startedMs = performance.now()
    run.kill('SIGTERM')
    const reason = 'Interrupted: stopped by SIGTERM: 000003_c.sql was rolled back, nothing of it is kept'
    expect(await run.done).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) as string })
    expect(performance.now() - startedMs).toBeLessThan(3_000)
    expect(await readFile(log, 'utf8')).toBe(`${reason}\n`)
    expect(await ledger(await open(urlOf(database)))).toEqual([1, 2])
  })
})

describe('the command line', () => {
  test('plan, apply, status and verify tell the same story', async () => {
    const database = await newDatabase()
    const folder = await newFolder(files)
    const { digest, migrations } = await folder.read()
    const args = ['--schema', 'test', '--dir', folder.dir, '--url', urlOf(database)]
    const run = async (command: string, ...more: string[]) => runCli(command, ...args, ...more).done

    expect(await run('verify')).toMatchObject({ code: 1 })
    const planned = await run('plan', '--json')
    expect(JSON.parse(planned.stdout)).toEqual({
      schema: 'test',
      current: 0,
      target: 2,
      digest,
      pending: [
        {
          version: 1,
          name: 'a',
          checksum: migrations[0]?.checksum,
          breaking: false,
          statements: 2,
        },
        { version: 2, name: 'b', checksum: migrations[1]?.checksum, breaking: true, statements: 2 },
      ],
      held: [],
      losses: [],
      hash: null,
    })
    expect((await run('plan')).stdout).toMatch(/000002_b\.sql {2}sha256 [0-9a-f]{12} {2}2 statements {2}breaking\n/)
    expect(await tables(await open(urlOf(database)))).toEqual([])

    expect(await run('apply')).toMatchObject({ code: 0, stderr: expect.stringContaining('now at 2') as string })
    expect(await run('verify')).toMatchObject({ code: 0 })
    const reported = JSON.parse((await run('status', '--json')).stdout) as unknown
    expect(reported).toMatchObject({ current: 2, target: 2, pending: [], problem: null })

    await folder.write('000001_a.sql', 'SELECT 1;')
    expect(await run('verify')).toMatchObject({ code: 2 })
    expect(await run('apply')).toMatchObject({ code: 2 })
    const changed = await run('status')
    expect(changed).toMatchObject({ code: 0, stdout: expect.stringContaining('FileEdited: 000001_a.sql') as string })
  })

  test('bootstrap makes owner, database and passwords once; apply as owner follows', async () => {
    const schema = uniqueName()
    const [owner, database] = [`supersmartmatch_${schema}_owner`, `supersmartmatch_${schema}`]
    onTestFinished(() => onServer(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`, `DROP ROLE IF EXISTS ${owner}`))
    const folder = await newFolder({ '000001_a.sql': 'CREATE TABLE a ();' }, schema)
    await folder.write('cluster.sql', 'CREATE EXTENSION IF NOT EXISTS pgcrypto;')
    const run = async (command: string, url: string) =>
      runCli(command, '--schema', schema, '--dir', folder.dir, '--url', url).done

    const first = await run('bootstrap', serverUrl)
    expect(first).toMatchObject({ code: 0 })
    expect(first.stdout).toMatch(new RegExp(`^${owner} [\\w-]{32}\\n$`))
    const second = await run('bootstrap', serverUrl)
    expect(second).toMatchObject({ code: 0, stdout: '' })

    const url = new URL(urlOf(database, owner))
    url.password = first.stdout.trim().split(' ')[1] ?? ''
    expect(await run('apply', url.href)).toMatchObject({ code: 0 })
    expect(await run('bootstrap', url.href)).toMatchObject({ code: 2 })
  })
})
