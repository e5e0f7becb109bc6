import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formsOf, measured, statementsOf } from '../migrations/lint-locks.ts'
import { lint } from '../migrations/lint.ts'
import type { Finding } from '../migrations/lint-rules.ts'
import { apply } from '../migrations/runner/apply.ts'
import { clientConfig } from '../migrations/runner/connection.ts'
import { readMigrations, type MigrationSet } from '../migrations/runner/files.ts'
import { makePlan } from '../migrations/runner/plan.ts'
import { formatOfPostgres } from '../migrations/runner/postgres-file.ts'
import { postgres } from '../migrations/runner/postgres.ts'
import { onServer, uniqueName, urlOf } from '../migrations/runner/testing.ts'
import { figure } from './compare.ts'

/*
 * How long a writer waits at worst while a migration runs over tables of two million rows: each form that the lint lets pass. Each writer is
 * a loop inside of the server, so what it measures is neither this process nor the way there. Two write to these tables, and two others to
 * one that no migration touches. The machine holds writers up as well, all of them or one: what is too long is made anew and measured again.
 */

const rows = Number(process.env['STALL_ROWS'] ?? 2_000_000)
const limitMs = 100
const tries = 3
const breaking = '-- migrate: breaking\n'

const tables = `
  CREATE TABLE kinds (kind integer PRIMARY KEY);
  CREATE TABLE stall (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n integer NOT NULL, kind integer, code uuid DEFAULT gen_random_uuid(), note text);
  CREATE TABLE parts (id bigint, day date, n integer, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
  CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');`

const fill = `
  INSERT INTO kinds SELECT generate_series(0, 9);
  INSERT INTO stall (n, kind, note) SELECT n, n % 10, md5(n::text) FROM generate_series(1, ${rows}) n;
  INSERT INTO parts SELECT n, '2026-01-01', n FROM generate_series(1, ${rows}) n;
  CREATE SEQUENCE next_part START ${rows + 1};
  CREATE TABLE beside (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n integer);
  INSERT INTO beside (n) SELECT generate_series(1, 10000);
  CREATE TABLE writing (goes_on boolean);
  INSERT INTO writing VALUES (true);
  -- Half updates, half inserts, each in a transaction of its own.
  CREATE PROCEDURE write_on(is_beside boolean, INOUT worst double precision, INOUT count integer) LANGUAGE plpgsql AS $$
  DECLARE
    one bigint;
    began timestamptz;
  BEGIN
    COMMIT;
    SET synchronous_commit = off;
    WHILE (SELECT goes_on FROM writing) LOOP
      one := 1 + floor(random() * ${rows}); -- of the column's own type, or its index is not used
      began := clock_timestamp();
      IF is_beside THEN
        UPDATE beside SET n = n + 1 WHERE id = 1 + one % 10000;
        INSERT INTO beside (n) VALUES (1);
      ELSIF count % 2 = 0 THEN
        UPDATE stall SET n = n + 1 WHERE id = one;
        UPDATE parts SET n = n + 1 WHERE id = one AND day = '2026-01-01';
      ELSE
        INSERT INTO stall (n, kind, note) VALUES (1, 1, 'new');
        INSERT INTO parts VALUES (nextval('next_part'), '2026-01-01', 1);
      END IF;
      COMMIT;
      worst := greatest(worst, 1000 * extract(epoch FROM clock_timestamp() - began));
      count := count + 1;
      PERFORM pg_sleep(0.002);
    END LOOP;
  END $$`

/** In order, each a file: later ones use what earlier ones made. */
// prettier-ignore
const forms: [name: string, sql: string][] = [
  ['a column',                        'ALTER TABLE stall ADD COLUMN more text;'],
  ['a column with a default',         'ALTER TABLE stall ADD COLUMN rank integer NOT NULL DEFAULT 5;'],
  ['a column with the time',          'ALTER TABLE stall ADD COLUMN since timestamptz DEFAULT now(), ADD COLUMN day date DEFAULT CURRENT_DATE;'],
  ['another default',                 `${breaking}ALTER TABLE stall ALTER rank SET DEFAULT 6, ALTER since DROP DEFAULT;`],
  ['a check, not validated yet',      `${breaking}ALTER TABLE stall ADD CONSTRAINT positive CHECK (n >= 0) NOT VALID;`],
  ['the check validated',             'ALTER TABLE stall VALIDATE CONSTRAINT positive;'],
  ['a foreign key',                   `${breaking}ALTER TABLE stall ADD CONSTRAINT parent FOREIGN KEY (kind) REFERENCES kinds NOT VALID;`],
  ['the foreign key validated',       'ALTER TABLE stall VALIDATE CONSTRAINT parent;'],
  ['a foreign key deferred',          'ALTER TABLE stall ALTER CONSTRAINT parent DEFERRABLE;'],
  ['a check of NOT NULL',             `${breaking}ALTER TABLE stall ADD CONSTRAINT has_code CHECK (code IS NOT NULL) NOT VALID;`],
  ['validated, then NOT NULL',        `${breaking}ALTER TABLE stall VALIDATE CONSTRAINT has_code; ALTER TABLE stall ALTER code SET NOT NULL; ALTER TABLE stall DROP CONSTRAINT has_code;`],
  ['no NOT NULL any more',            `${breaking}ALTER TABLE stall ALTER code DROP NOT NULL;`],
  ['an identity',                     'ALTER TABLE stall ALTER n ADD GENERATED BY DEFAULT AS IDENTITY;'],
  ['an identity changed, and gone',   'ALTER TABLE stall ALTER n SET CACHE 10; ALTER TABLE stall ALTER n DROP IDENTITY;'],
  ['an index',                        'CREATE INDEX CONCURRENTLY by_note ON stall (note);'],
  ['a unique index',                  `${breaking}CREATE UNIQUE INDEX CONCURRENTLY by_code ON stall (code);`],
  ['a unique constraint',             `${breaking}ALTER TABLE stall ADD CONSTRAINT one_code UNIQUE USING INDEX by_code;`],
  ['an index gone',                   'DROP INDEX CONCURRENTLY IF EXISTS by_note;'],
  ['another name of a constraint',    'ALTER TABLE stall RENAME CONSTRAINT parent TO kind_of;'],
  ['a trigger',                       `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                                       CREATE TRIGGER keep BEFORE UPDATE ON stall FOR EACH ROW EXECUTE FUNCTION keep();`],
  ['its function replaced',           `CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := NEW.n + 0; RETURN NEW; END';
                                       ALTER FUNCTION keep() SET search_path = pg_catalog; ALTER FUNCTION keep() OWNER TO CURRENT_USER;`],
  ['a trigger off and on',            'ALTER TABLE stall DISABLE TRIGGER keep; ALTER TABLE stall ENABLE TRIGGER keep;'],
  ['triggers made by DO',             `DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['stall', 'parts'] LOOP
                                         EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows %s', t || '_x', t, 'EXECUTE FUNCTION keep()');
                                       END LOOP; END $$;`],
  ['a trigger gone',                  'DROP TRIGGER keep ON stall;'],
  ['row security',                    `${breaking}ALTER TABLE stall ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY own ON stall USING (n >= 0);`],
  ['another policy, no row security', `${breaking}ALTER POLICY own ON stall USING (true); ALTER TABLE stall NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;`],
  ['rights',                          'GRANT SELECT ON stall TO pg_monitor;'],
  ['another owner',                   'ALTER TABLE stall OWNER TO pg_monitor; ALTER TABLE stall OWNER TO CURRENT_USER;'],
  ['a comment',                       `COMMENT ON TABLE stall IS 'written all the time'; COMMENT ON COLUMN stall.note IS 'a note';`],
  ['how a column is kept',            'ALTER TABLE stall ALTER note SET STATISTICS 500, ALTER note SET (n_distinct = -1), ALTER note SET STORAGE EXTERNAL, ALTER note SET COMPRESSION pglz;'],
  ['how a table is kept',             'ALTER TABLE stall SET (fillfactor = 90); ALTER TABLE stall RESET (fillfactor); ALTER TABLE stall ALTER note RESET (n_distinct);'],
  ['extended statistics',             'CREATE STATISTICS n_kind ON n, kind FROM stall;'],
  ['statistics anew',                 'ANALYZE stall;'],
  ['a replica identity',              'ALTER TABLE stall REPLICA IDENTITY FULL;'],
  ['a view',                          'CREATE VIEW shown AS SELECT id, note FROM stall;'],
  ['a view replaced',                 'CREATE OR REPLACE VIEW shown AS SELECT id, note, n FROM stall;'],
  ['a view gone',                     `${breaking}DROP VIEW shown;`],
  ['a materialized view',             'CREATE MATERIALIZED VIEW totals AS SELECT kind, count(*) AS rows FROM stall GROUP BY kind; CREATE UNIQUE INDEX one_total ON totals (kind);'],
  ['a materialized view refreshed',   'REFRESH MATERIALIZED VIEW CONCURRENTLY totals;'],
  ['a table that refers to it',       'CREATE TABLE notes (stall bigint REFERENCES stall, note text);'],
  ['a table that refers to it later', 'CREATE TABLE later (stall bigint); ALTER TABLE later ADD FOREIGN KEY (stall) REFERENCES stall;'],
  ['a table filled from it',          'CREATE TABLE copied AS SELECT id, n FROM stall; CREATE INDEX by_n ON copied (n);'],
  ['another table filled from it',    'CREATE TABLE inserted (id bigint); INSERT INTO inserted SELECT id FROM stall;'],
  ['rows',                            `INSERT INTO stall (n, kind) VALUES (1, 1), (2, 2); INSERT INTO kinds VALUES (1), (10) ON CONFLICT DO NOTHING;`],
  ['a question',                      'SELECT count(*) FROM stall;'],
  ['another role',                    'SET LOCAL ROLE pg_monitor; RESET ROLE;'],
  ['a partition',                     `CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');`],
  ['a partition attached',            `CREATE TABLE parts_3 (LIKE parts INCLUDING ALL, CHECK (day >= '2026-03-01' AND day < '2026-04-01'));
                                       ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');`],
  ['an index of a partition',         'CREATE INDEX CONCURRENTLY parts_1_n ON parts_1 (n);'],
  ['an index of partitions',          'CREATE INDEX parts_n ON ONLY parts (n); ALTER INDEX parts_n ATTACH PARTITION parts_1_n;'],
  ['what is no table',                `CREATE SCHEMA apart; CREATE SEQUENCE counter; CREATE TYPE pair AS (a integer, b integer); CREATE DOMAIN word AS text;
                                       CREATE TYPE size AS ENUM ('s', 'm'); CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
                                       CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple); ALTER TEXT SEARCH CONFIGURATION plain ALTER MAPPING FOR word WITH simple;`],
  ['a value of an enum',              `ALTER TYPE size ADD VALUE 'l' AFTER 'm';`],
  ['another name of a column',        `${breaking}ALTER TABLE stall RENAME more TO most;`],
  ['another name of the table',       `${breaking}ALTER TABLE stall RENAME TO other; ALTER TABLE other RENAME TO stall;`],
  ['a column gone',                   `${breaking}ALTER TABLE stall DROP COLUMN most;`],
  ['a constraint gone',               'ALTER TABLE stall DROP CONSTRAINT positive;'],
  ['a table gone that refers to it',  `${breaking}DROP TABLE notes;`],
  ['a table gone that is as long',    `${breaking}DROP TABLE copied;`],
  ['all rows gone',                   'TRUNCATE parts;'],
]

/** What the lint refuses, and rightly: the writers are seen to wait. */
// prettier-ignore
const refused: [name: string, sql: string, rule: string][] = [
  ['an index made in a transaction',  'CREATE INDEX late ON stall (note);', 'blocks-others'],
  ['a column with a number for each', 'ALTER TABLE stall ADD COLUMN number bigserial;', 'blocks-others'],
  ['a check validated at once',       `${breaking}ALTER TABLE stall ADD CONSTRAINT few CHECK (length(md5(note)) = 32) NOT VALID; ALTER TABLE stall VALIDATE CONSTRAINT few;`, 'long-under-lock'],
  ['rows changed by DO',              'DO $$ BEGIN UPDATE stall SET n = 0 WHERE id % 4 = 0; END $$;', 'blocks-others'],
]

const database = uniqueName()
const connect = postgres(await clientConfig({ url: urlOf(database) }))
const options = { waitMs: 60_000, signal: new AbortController().signal, log: () => undefined, breaking: true }
const files = [tables, ...forms.map(([, sql]) => sql), ...refused.map(([, sql]) => sql)]
const nameOf = (version: number) => `${String(version).padStart(6, '0')}_x.sql`
const worst: [ms: number, name: string][] = []
let dir: string
let set: MigrationSet
let findings: Finding[]
let control: pg.Client

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stall-'))
  for (const [index, sql] of files.entries()) await writeFile(join(dir, nameOf(index + 1)), `-- A test.\n${sql}\n`)
  set = await readMigrations(dir, formatOfPostgres)
  findings = await lint(dir, 'postgres')
  await begin()
}, 600_000)

afterAll(async () => {
  await end()
  await rm(dir, { recursive: true })
  const [ms, name] = worst.sort(([a], [b]) => b - a)[0] ?? [0, 'nothing measured']
  console.log(`stall, ${rows} rows, ${worst.length} forms: at worst ${figure(ms)} ms (${name})`)
})

async function begin() {
  await onServer(`CREATE DATABASE ${database}`)
  control = await connectTo()
  await reach(1)
  await control.query(fill)
  // Or autovacuum does, and whoever wants the table waits until it gives way.
  await control.query('VACUUM ANALYZE')
}

async function end() {
  await control.end()
  await onServer(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
}

async function connectTo(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlOf(database) })
  await client.connect()
  return client
}

/** Applies what is missing up to a file. */
async function reach(target: number) {
  const upTo = { ...set, target, migrations: set.migrations.slice(0, target) }
  const session = await connect(options)
  const plan = await makePlan(upTo, await session.readLedger(), session, options, false)
  await session.close()
  await apply(upTo, connect, { ...options, approve: plan.hash })
}

interface Worst {
  /** The longest that a writer of these tables took for a transaction, in ms. */
  during: number
  /** The same of the others. */
  beside: number
}

async function worstOf(work: () => Promise<unknown>): Promise<Worst> {
  await control.query('UPDATE writing SET goes_on = true')
  const writers = await Promise.all(
    [false, false, true, true].map(async (isBeside) => ({ isBeside, client: await connectTo() })),
  )
  const written = writers.map(async ({ isBeside, client }) => {
    const { rows: found } = await client.query<{ worst: number; count: number }>('CALL write_on($1, 0, 0)', [isBeside])
    expect(found[0]?.count).toBeGreaterThan(10)
    return found[0]?.worst ?? Infinity
  })
  const worked = sleep(300)
    .then(work)
    .then(() => sleep(300))
    .finally(() => control.query('UPDATE writing SET goes_on = false'))
  try {
    const [ms] = await Promise.all([Promise.all(written), worked])
    return { during: Math.max(...ms.slice(0, 2)), beside: Math.max(...ms.slice(2)) }
  } finally {
    await Promise.all(writers.map(({ client }) => client.end()))
  }
}

/** What a file does to the writers, measured again while it is not `clear`. */
async function measure(version: number, clear: (ms: Worst) => boolean): Promise<Worst> {
  for (let left = tries - 1; ; left--) {
    await reach(version - 1)
    const ms = await worstOf(() => reach(version))
    if (clear(ms) || left === 0) return ms
    console.log(`${inWords(ms)}: once more`)
    await end()
    await begin()
  }
}

const inWords = ({ during, beside }: Worst) => `at worst ${figure(during)} ms, and beside it ${figure(beside)} ms`

const rulesOf = (version: number) =>
  findings.filter(({ file }) => file === join(dir, nameOf(version))).map(({ rule }) => rule)

test('all forms that the lint lets pass are measured', () => {
  const here = set.migrations.slice(1, 1 + forms.length).flatMap((migration) => statementsOf(migration))
  expect(new Set(here.flatMap(({ stmt }) => formsOf(stmt)))).toEqual(measured)
})

test.each(forms.map(([name], index) => [name, index + 2] as const))(
  '%s',
  { timeout: 600_000 },
  async (name, version) => {
    expect(rulesOf(version)).toEqual([])
    // What a form does to the writers it does each time.
    const ms = await measure(version, ({ during }) => during <= limitMs)
    worst.push([ms.during, name])
    console.log(`${name}: ${inWords(ms)}`)
    expect(ms.during, inWords(ms)).toBeLessThanOrEqual(limitMs)
  },
)

// Few rows are done before anybody waits.
test
  .skipIf(rows < 2_000_000)
  .each(refused.map(([name, , rule], index) => [name, rule, forms.length + index + 2] as const))(
  '%s, which the lint refuses',
  { timeout: 600_000 },
  async (name, rule, version) => {
    expect(rulesOf(version)).toEqual([rule])
    const ms = await measure(version, ({ beside }) => beside <= limitMs / 2)
    console.log(`refused, ${name}: ${inWords(ms)}`)
    expect(ms.during).toBeGreaterThan(Math.max(limitMs, 2 * ms.beside))
  },
)
