import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { lint } from './lint.ts'
import { apply } from './runner/apply.ts'
import { clientConfig } from './runner/connection.ts'
import { makePlan } from './runner/plan.ts'
import { postgres } from './runner/postgres.ts'
import { newFolder, onServer, uniqueName, urlOf } from './runner/testing.ts'

/*
 * How long a writer waits at worst while a migration runs over a table of two million rows. Each writer is a loop inside of the server, so
 * what it measures is neither this process nor the way there. Beside each form stands a time of the same length without a migration: what a
 * busy machine does to the writers shows there, too. The last form is one that the lint refuses, and shows that a stall is seen.
 */

const rows = Number(process.env['STALL_ROWS'] ?? 2_000_000)
const limitMs = 100
const database = uniqueName()
const connect = postgres(await clientConfig({ url: urlOf(database) }))
const options = { waitMs: 60_000, signal: new AbortController().signal, log: () => undefined, breaking: true }
/** Each form is the next file of one folder. */
const files: Record<string, string> = {}
let control: pg.Client

/** In order: later ones use what earlier ones made. */
const forms: [string, string][] = [
  ['a column', 'ALTER TABLE stall ADD COLUMN more text;'],
  ['a column with a default', 'ALTER TABLE stall ADD COLUMN rank integer NOT NULL DEFAULT 5;'],
  ['another default', 'ALTER TABLE stall ALTER rank SET DEFAULT 6;'],
  ['a check that is not validated yet', 'ALTER TABLE stall ADD CONSTRAINT positive CHECK (n >= 0) NOT VALID;'],
  ['the check validated', 'ALTER TABLE stall VALIDATE CONSTRAINT positive;'],
  ['a foreign key', 'ALTER TABLE stall ADD CONSTRAINT parent FOREIGN KEY (kind) REFERENCES kinds NOT VALID;'],
  ['the foreign key validated', 'ALTER TABLE stall VALIDATE CONSTRAINT parent;'],
  ['an index', 'CREATE INDEX CONCURRENTLY by_note ON stall (note);'],
  ['a unique index', 'CREATE UNIQUE INDEX CONCURRENTLY by_code ON stall (code);'],
  ['an index gone', 'DROP INDEX CONCURRENTLY IF EXISTS by_note;'],
  [
    'a trigger',
    'CREATE TRIGGER same BEFORE UPDATE ON stall FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();',
  ],
  ['row security', 'ALTER TABLE stall ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON stall USING (n >= 0);'],
  ['statistics', 'ALTER TABLE stall ALTER note SET STATISTICS 500;'],
  ['a view', 'CREATE VIEW shown AS SELECT id, note FROM stall;'],
  ['a view gone', '-- migrate: breaking\nDROP VIEW shown;'],
  ['another name', '-- migrate: breaking\nALTER TABLE stall RENAME more TO most;'],
  ['a column gone', '-- migrate: breaking\nALTER TABLE stall DROP COLUMN most;'],
  ['a constraint gone', 'ALTER TABLE stall DROP CONSTRAINT positive;'],
]

beforeAll(async () => {
  await onServer(`CREATE DATABASE ${database}`)
  control = await connectTo()
  return async () => {
    await control.end()
    await onServer(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
  }
}, 600_000)

function addFile(sql: string) {
  files[`${String(Object.keys(files).length + 1).padStart(6, '0')}_x.sql`] = sql
}

async function connectTo(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlOf(database) })
  await client.connect()
  return client
}

/** The longest that one of two writers took for a row while `work` went on, in ms. */
async function worstDuring(work: () => Promise<void>): Promise<number> {
  await control.query('UPDATE writing SET goes_on = true')
  const writers = await Promise.all([connectTo(), connectTo()])
  const written = writers.map((writer) => writer.query<{ worst: number; count: number }>('CALL write_on(0, 0)'))
  await sleep(300)
  try {
    await work()
    await sleep(300)
  } finally {
    await control.query('UPDATE writing SET goes_on = false')
  }
  const results = (await Promise.all(written)).flatMap((result) => result.rows)
  await Promise.all(writers.map((writer) => writer.end()))
  for (const { count } of results) expect(count).toBeGreaterThan(10)
  return Math.max(...results.map(({ worst }) => worst))
}

/** What `sql` does to the writers. */
async function measure(sql: string) {
  addFile(sql)
  const folder = await newFolder(files)
  const set = await folder.read()
  let tookMs = 0
  const during = await worstDuring(async () => {
    const began = performance.now()
    await apply(set, connect, { ...options, approve: await hashOf(set) })
    tookMs = performance.now() - began
  })
  const beside = await worstDuring(() => sleep(tookMs))
  return { during, beside, tookMs, findings: await lint(join(folder.dir, 'test'), 'postgres') }
}

async function hashOf(set: Parameters<typeof apply>[0]): Promise<string | undefined> {
  const session = await connect(options)
  const plan = await makePlan(set, await session.readLedger(), session, options, false)
  await session.close()
  return plan.hash
}

describe('while a migration runs', () => {
  test('two tables to begin with', { timeout: 600_000 }, async () => {
    addFile(`
      CREATE TABLE kinds (kind integer PRIMARY KEY);
      CREATE TABLE stall (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n integer NOT NULL, kind integer, code uuid DEFAULT gen_random_uuid(), note text);`)
    await apply(await (await newFolder(files)).read(), connect, options)
    await control.query(`
      INSERT INTO kinds SELECT generate_series(0, 9);
      INSERT INTO stall (n, kind, note) SELECT n, n % 10, md5(n::text) FROM generate_series(1, ${rows}) n;
      CREATE TABLE writing (goes_on boolean);
      INSERT INTO writing VALUES (true);
      -- Half updates, half inserts, each in a transaction of its own.
      CREATE PROCEDURE write_on(INOUT worst double precision, INOUT count integer) LANGUAGE plpgsql AS $$
      DECLARE
        one bigint;
        began timestamptz;
      BEGIN
        COMMIT;
        SET synchronous_commit = off;
        WHILE (SELECT goes_on FROM writing) LOOP
          one := 1 + floor(random() * ${rows}); -- of the column's own type, or its index is not used
          began := clock_timestamp();
          IF count % 2 = 0 THEN
            UPDATE stall SET n = n + 1 WHERE id = one;
          ELSE
            INSERT INTO stall (n, kind, note) VALUES (1, 1, 'new');
          END IF;
          COMMIT;
          worst := greatest(worst, 1000 * extract(epoch FROM clock_timestamp() - began));
          count := count + 1;
          PERFORM pg_sleep(0.002);
        END LOOP;
      END $$`)
  })

  test.each(forms)('%s', { timeout: 600_000 }, async (name, sql) => {
    const { during, beside, tookMs, findings } = await measure(sql)
    console.log(
      `${name}: worst ${during.toFixed(1)} ms, ${beside.toFixed(1)} ms without, the file took ${tookMs.toFixed(0)} ms`,
    )
    expect(findings).toEqual([])
    expect(during).toBeLessThan(Math.max(limitMs, 2 * beside))
  })

  test('an index made in a transaction, which the lint refuses, is seen to stall', { timeout: 600_000 }, async () => {
    const { during, beside, tookMs, findings } = await measure('CREATE INDEX late ON stall (note);')
    console.log(
      `refused by the lint: worst ${during.toFixed(1)} ms, ${beside.toFixed(1)} ms without, the file took ${tookMs.toFixed(0)} ms`,
    )
    expect(findings.map(({ rule }) => rule)).toEqual(['require-concurrent-index-creation'])
    expect(during).toBeGreaterThan(Math.max(limitMs, 2 * beside))
  })
})
