import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lint } from './lint.ts'
import type { DialectName } from './runner/dialect.ts'

/** Rules that these files break, as `number rule`. The last one is what the test is about. */
async function rulesOf(dialect: DialectName, ...texts: string[]): Promise<string[]> {
  const dir = await mkdtemp(join(tmpdir(), 'lint-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const extension = dialect === 'postgres' || dialect === 'clickhouse' ? 'sql' : 'json'
  for (const [index, text] of texts.entries()) await writeFile(join(dir, `00000${index + 1}_x.${extension}`), text)
  return (await lint(dir, dialect)).map(
    ({ file, line, rule }) => `${Number(file.slice(-8 - extension.length, -3 - extension.length))}:${line} ${rule}`,
  )
}
const sql = (statement: string, header = '') => `-- A test.\n${header}${statement};\n`

// prettier-ignore
test.each<[string, string[]]>([
  ['ALTER TABLE a ADD COLUMN b integer',                                 []],
  ['ALTER TABLE a ADD COLUMN b integer NOT NULL DEFAULT 5',              []],
  ['ALTER TABLE a ADD COLUMN b timestamptz DEFAULT now()',               []],
  ["ALTER TABLE a ADD COLUMN b date DEFAULT CURRENT_DATE, ADD COLUMN c jsonb DEFAULT '{}'::jsonb", []],
  ['ALTER TABLE a ADD COLUMN b integer NOT NULL',                        ['adding-required-field']],
  ['ALTER TABLE a ADD COLUMN b timestamptz DEFAULT clock_timestamp()',   ['blocks-others']],
  ['ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid()',          ['blocks-others']],
  ['ALTER TABLE a ADD COLUMN b integer DEFAULT 1 + floor(random() * 6)', ['blocks-others']],
  ["ALTER TABLE a ADD COLUMN b bigint DEFAULT nextval('s')",             ['blocks-others']],
  ['ALTER TABLE a ADD COLUMN b serial',                                  ['blocks-others']],
  ['ALTER TABLE s.a ADD COLUMN b bigserial',                             ['blocks-others']],
  ['ALTER TABLE a ADD COLUMN b bigint GENERATED ALWAYS AS IDENTITY',     ['blocks-others']],
  ['ALTER TABLE a ADD COLUMN b integer GENERATED ALWAYS AS (c + 1) STORED', ['blocks-others']],
  ['ALTER TABLE a ADD COLUMN b integer CHECK (b > 0)',                   ['blocks-others']],
  ['ALTER TABLE a ADD COLUMN b integer REFERENCES c',                    ['blocks-others']],
  ['ALTER TABLE a ADD COLUMN b integer UNIQUE',                          ['blocks-others']],
  ['ALTER TABLE a ADD COLUMN b integer PRIMARY KEY',                     ['blocks-others']],
  ['CREATE DOMAIN d AS text; ALTER TABLE a ADD COLUMN b d',              ['blocks-others']],
  ['CREATE TABLE a (c integer); ALTER TABLE a ADD COLUMN b bigserial',   []],
  ['ALTER TABLE a ALTER b SET DEFAULT gen_random_uuid()',                []],
  ['ALTER TABLE a ALTER b ADD GENERATED ALWAYS AS IDENTITY',             []],
  ['ALTER TABLE a ALTER b SET EXPRESSION AS (c + 2)',                    ['blocks-others']],
  ['ALTER TABLE a ALTER b SET NOT NULL',                                 ['blocks-others', 'breaks-older-releases']],
  ['ALTER TABLE a ALTER b DROP NOT NULL',                                ['breaks-older-releases']],
  ['ALTER TABLE a ALTER b TYPE bigint',                                  ['blocks-others', 'breaks-older-releases']],
  ['ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID',             ['breaks-older-releases']],
  ['ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)',                       ['blocks-others', 'breaks-older-releases']],
  ['ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES c NOT VALID', ['breaks-older-releases']],
  ['ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c',                     ['blocks-others', 'breaks-older-releases']],
  ['ALTER TABLE a VALIDATE CONSTRAINT c',                                []],
  ['ALTER TABLE a VALIDATE CONSTRAINT c, ADD COLUMN b text',             ['blocks-others']],
  ['ALTER TABLE a ADD CONSTRAINT c UNIQUE USING INDEX i',                ['breaks-older-releases']],
  ['ALTER TABLE a ADD UNIQUE (b)',                                       ['blocks-others', 'breaks-older-releases']],
  ['ALTER TABLE a ADD PRIMARY KEY (b)',                                  ['blocks-others']],
  ['ALTER TABLE a ADD CONSTRAINT c PRIMARY KEY USING INDEX i',           ['blocks-others']],
  ['ALTER TABLE a ADD EXCLUDE USING gist (b WITH =)',                    ['blocks-others']],
  ['ALTER TABLE a DROP CONSTRAINT c; ALTER TABLE a RENAME CONSTRAINT d TO e', []],
  ['ALTER TABLE a DISABLE TRIGGER t; ALTER TABLE a REPLICA IDENTITY FULL', []],
  ['ALTER TABLE a SET UNLOGGED',                                         ['blocks-others']],
  ['ALTER TABLE a SET LOGGED',                                           ['blocks-others']],
  ['ALTER TABLE a SET TABLESPACE t',                                     ['blocks-others']],
  ['ALTER INDEX i SET TABLESPACE t',                                     ['blocks-others']],
  ['ALTER TABLE ALL IN TABLESPACE t SET TABLESPACE u',                   ['blocks-others']],
  ['ALTER TABLE a SET ACCESS METHOD heap',                               ['blocks-others']],
  ['ALTER TABLE a INHERIT b',                                            ['unmeasured']],
  ['ALTER DOMAIN d VALIDATE CONSTRAINT c',                               ['unmeasured']],
  ['CREATE INDEX CONCURRENTLY i ON a (b)',                               []],
  ['DROP INDEX CONCURRENTLY IF EXISTS i',                                []],
  ['CREATE TABLE a (b integer); CREATE INDEX i ON a (b); ALTER TABLE a ADD CHECK (b > 0); DROP INDEX i', []],
  ['CREATE INDEX i ON a (b)',                                            ['blocks-others']],
  ['CREATE INDEX i ON ONLY a (b)',                                       ['blocks-others']],
  ['DROP INDEX i',                                                       ['blocks-others']],
  ['REINDEX TABLE a',                                                    ['blocks-others']],
  ['CREATE TABLE p PARTITION OF a FOR VALUES FROM (1) TO (2)',           []],
  ['CREATE TABLE p (LIKE a, CHECK (b = 1)); ALTER TABLE a ATTACH PARTITION p FOR VALUES IN (1)', []],
  ['ALTER TABLE a ATTACH PARTITION p FOR VALUES IN (1)',                 ['blocks-others']],
  ['CREATE TABLE p AS SELECT * FROM q; ALTER TABLE a ATTACH PARTITION p FOR VALUES IN (1)', ['blocks-others']],
  ['ALTER TABLE a DETACH PARTITION p',                                   ['blocks-others']],
  ['ALTER TABLE a DETACH PARTITION p CONCURRENTLY',                      ['blocks-others']],
  ['LOCK TABLE a',                                                       ['blocks-others']],
  ['CLUSTER a USING i',                                                  ['blocks-others']],
  ['VACUUM FULL a',                                                      ['blocks-others']],
  ['ANALYZE a',                                                          []],
  ['REFRESH MATERIALIZED VIEW v',                                        ['blocks-others']],
  ['REFRESH MATERIALIZED VIEW CONCURRENTLY v',                           []],
  ['CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()', []],
  ['CREATE RULE r AS ON INSERT TO a DO INSTEAD NOTHING',                 ['unmeasured']],
  ['CREATE STATISTICS s ON b, c FROM a',                                 []],
  ['CREATE TABLE b (a integer REFERENCES a)',                            []],
  ['TRUNCATE a',                                                         []],
  ['SET lock_timeout = 0',                                               ['blocks-others']],
  ["SELECT set_config('lock_timeout', '0', true)",                       ['blocks-others']],
  ['SELEC',                                                              ['blocks-others', 'syntax-error']],

  // Rows that are there already.
  ['UPDATE a SET b = 1 WHERE b IS NULL',                                 ['blocks-others']],
  ['DELETE FROM a',                                                      ['blocks-others']],
  ['MERGE INTO a USING c ON a.b = c.b WHEN MATCHED THEN DELETE',         ['blocks-others']],
  ['WITH x AS (UPDATE a SET b = 1 RETURNING b) SELECT * FROM x',         ['blocks-others']],
  ['CREATE TABLE c AS WITH x AS (DELETE FROM a RETURNING b) SELECT * FROM x', ['blocks-others']],
  ['INSERT INTO a SELECT * FROM c ON CONFLICT (b) DO UPDATE SET b = 1',  ['blocks-others']],
  ['INSERT INTO a VALUES (1) ON CONFLICT (b) DO UPDATE SET b = 1',       ['blocks-others']],
  ['INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING',                    []],
  ['INSERT INTO a SELECT * FROM c',                                      ['blocks-others']],
  ['INSERT INTO a SELECT name FROM pg_timezone_names',                   []],
  ['CREATE TABLE a (b integer); INSERT INTO a SELECT b FROM c',          []],
  ['CREATE TABLE a (b integer REFERENCES d); INSERT INTO a SELECT b FROM c', ['blocks-others', 'long-under-lock']],
  ['CREATE TABLE a AS SELECT * FROM c; ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c', ['blocks-others']],
  ['CREATE TABLE a (b integer); INSERT INTO a VALUES (1); UPDATE a SET b = 2', []],
  ['CREATE TABLE a (b integer); UPDATE s.a SET b = 2',                   ['blocks-others']],
  ['UPDATE a SET b = 1; DROP TABLE a; CREATE TABLE a (b integer)',       ['blocks-others']],
  ['SELECT b FROM a FOR UPDATE',                                         ['blocks-others']],
  ['EXPLAIN ANALYZE UPDATE a SET b = 1',                                 ['unmeasured']],
  ['CALL p()',                                                           ['blocks-others']],
  ["CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE a SET b = 1'", []],
  ["CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE a SET b = 1'; SELECT f()", ['blocks-others']],
  ["SELECT create_hypertable('a', 'b', migrate_data => true)",           ['blocks-others']],
  ["CREATE TABLE a (b timestamptz); SELECT create_hypertable('a', 'b')", []],

  // In DO, and in what it executes.
  ['DO $$ BEGIN UPDATE a SET b = 1; END $$',                             ['blocks-others']],
  ["DO $$ BEGIN EXECUTE format('UPDATE %I SET b = %L', 'a', 1); END $$", ['blocks-others']],
  ["DO $$ DECLARE v text := 'DELETE FROM a'; BEGIN EXECUTE v; END $$",   ['blocks-others']],
  ["DO $$ BEGIN EXECUTE 'ALTER TABLE ' || 'a' || ' SET UNLOGGED'; END $$", ['blocks-others']],
  ["DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN b bigserial', 'a'); END $$", ['blocks-others']],
  ["DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN b text', 'a'); END $$", []],
  ["DO $$ BEGIN EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I %s', 'a', 'b', 'c'); END $$", []],
  ['DO $$ BEGIN IF true THEN CREATE TABLE c (b integer); CREATE INDEX i ON c (b); END IF; END $$', []],
  ['DO $$ BEGIN CREATE INDEX i ON a (b); END $$',                        ['blocks-others']],
  ['DO $$ BEGIN ALTER TABLE a DROP COLUMN b; END $$',                    ['breaks-older-releases']],
  ["DO LANGUAGE plperl 'x'",                                             ['blocks-others']],

  // As long as there are rows, while a lock is held.
  ['ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID; ALTER TABLE a VALIDATE CONSTRAINT c', ['breaks-older-releases', 'long-under-lock']],
  ['ALTER TABLE a VALIDATE CONSTRAINT c; ALTER TABLE a ADD COLUMN b text', []],
  ['ALTER TABLE a ADD COLUMN b text; CREATE TABLE c AS SELECT * FROM d', ['long-under-lock']],
  ['CREATE TABLE c AS SELECT * FROM d; CREATE INDEX i ON c (b); ALTER TABLE a ADD COLUMN b text', []],
  ['CREATE TABLE c AS SELECT * FROM d; ALTER TABLE a ADD COLUMN b text; CREATE INDEX i ON c (b)', ['long-under-lock']],
  ['DROP TRIGGER t ON a; SELECT count(*) FROM a',                        ['long-under-lock']],

  // What an older release may use.
  ['ALTER TABLE a RENAME TO b',                                          ['breaks-older-releases']],
  ['ALTER TABLE a RENAME b TO c',                                        ['breaks-older-releases']],
  ['ALTER TABLE a DROP COLUMN b',                                        ['breaks-older-releases']],
  ['DROP TABLE a',                                                       ['breaks-older-releases']],
  ['DROP VIEW v',                                                        ['breaks-older-releases']],
  ['DROP VIEW v; CREATE VIEW v AS SELECT 1',                             []],
  ['CREATE TABLE IF NOT EXISTS a (b integer); ALTER TABLE a RENAME b TO c', ['breaks-older-releases']],
  ['DROP FUNCTION f(integer)',                                           ['breaks-older-releases']],
  ['DROP FUNCTION f(integer); CREATE FUNCTION f(integer) RETURNS text LANGUAGE sql RETURN 1', []],
  ['ALTER FUNCTION f(integer) RENAME TO g',                              ['breaks-older-releases']],
  ['CREATE FUNCTION f() RETURNS integer LANGUAGE sql RETURN 1; ALTER FUNCTION f() RENAME TO g', []],
  ['CREATE OR REPLACE VIEW v AS SELECT 1 AS a; ALTER VIEW v RENAME COLUMN a TO b', ['breaks-older-releases']],
  ['DROP TYPE t',                                                        ['breaks-older-releases']],
  ['DROP MATERIALIZED VIEW m',                                           ['breaks-older-releases']],
  ['DROP POLICY p ON a',                                                 ['breaks-older-releases']],
  ['DROP POLICY p ON a; CREATE POLICY q ON a USING (b > 0)',             ['breaks-older-releases']],
  ['DROP POLICY p ON a; CREATE POLICY p ON a USING (b > 0)',             ['breaks-older-releases']],
  ['CREATE POLICY p ON a USING (b > 0); ALTER POLICY p ON a USING (b > 1); DROP POLICY p ON s.a', []],
  ['CREATE TABLE a (b integer); CREATE POLICY p ON a USING (b > 0); DROP POLICY p ON a', []],
  ['ALTER POLICY p ON a USING (b > 0)',                                  ['breaks-older-releases']],
  ['ALTER POLICY p ON a RENAME TO q',                                    []],
  ['ALTER TABLE a ENABLE ROW LEVEL SECURITY',                            ['breaks-older-releases']],
  ['ALTER TABLE a FORCE ROW LEVEL SECURITY',                             ['breaks-older-releases']],
  ['ALTER TABLE a NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', []],
  ['CREATE TABLE a (b integer); ALTER TABLE a ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', []],
  ['ALTER TABLE a ALTER b DROP DEFAULT',                                 ['breaks-older-releases']],
  ['CREATE TABLE a (b integer DEFAULT 1); ALTER TABLE a ALTER b DROP DEFAULT', []],
  ["ALTER TYPE t RENAME VALUE 'a' TO 'b'",                               ['breaks-older-releases']],
  ["ALTER TYPE t ADD VALUE 'a' BEFORE 'b'",                             []],
  ['REVOKE SELECT ON a FROM admin_role',                                 ['breaks-older-releases']],
  ['GRANT SELECT ON a TO admin_role',                                    []],
  ['CREATE FUNCTION f() RETURNS integer LANGUAGE sql RETURN 1; REVOKE ALL ON FUNCTION f() FROM PUBLIC', []],

  // What an older release may write.
  ['ALTER TABLE a ADD COLUMN b text, ADD CONSTRAINT c CHECK (d > 0) NOT VALID', ['breaks-older-releases']],
  ['CREATE TABLE a (b integer); ALTER TABLE a ADD CHECK (b > 0), ADD UNIQUE (b), ADD FOREIGN KEY (b) REFERENCES c', []],
  ["DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD CONSTRAINT c CHECK (b > 0) NOT VALID', 'a'); END $$", ['breaks-older-releases']],
  ['CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)',                        ['breaks-older-releases']],
  ['CREATE TABLE a (b integer); CREATE UNIQUE INDEX i ON a (b)',         []],
  ['CREATE POLICY p ON a AS RESTRICTIVE USING (b > 0)',                  ['breaks-older-releases']],
  ['CREATE POLICY p ON a USING (b > 0)',                                 []],
  ['CREATE TABLE a (b integer); CREATE POLICY p ON a AS RESTRICTIVE USING (b > 0)', []],
])('PostgreSQL: %s', async (statement, expected) => {
  const found = await rulesOf('postgres', sql(statement))
  expect([...new Set(found)].sort()).toEqual(expected.map((rule) => `1:2 ${rule}`))
})

const notNull = 'ALTER TABLE a ALTER b SET NOT NULL; ALTER TABLE a DROP CONSTRAINT c;'
const check = (column: string) =>
  `-- A test.\n-- migrate: breaking\nALTER TABLE a ADD CONSTRAINT c CHECK (${column} IS NOT NULL) NOT VALID;`
const validated = '-- A test.\nALTER TABLE a VALIDATE CONSTRAINT c;'
const partitioned = '-- A test.\nCREATE TABLE a (b integer) PARTITION BY RANGE (b);'
// prettier-ignore
test.each<[string, string[], string[]]>([
  ['NOT NULL by a validated check',          [check('b'), `-- A test.\n-- migrate: breaking\n${validated.slice(11)} ${notNull}`], []],
  ['NOT NULL by one that is not validated',  [check('b'), `-- A test.\n-- migrate: breaking\n${notNull}`],             ['2:3 blocks-others']],
  ['NOT NULL by that of another column',     [check('d'), validated, `-- A test.\n-- migrate: breaking\n${notNull}`], ['3:3 blocks-others']],
  ['NOT NULL by one that is gone',           [check('b'), validated, '-- A test.\nALTER TABLE a DROP CONSTRAINT c;', `-- A test.\n-- migrate: breaking\n${notNull}`], ['4:3 blocks-others']],
  ['an index of partitions',                 [partitioned, '-- A test.\nCREATE INDEX i ON ONLY a (b);', '-- A test.\nALTER INDEX i ATTACH PARTITION j;'], []],
  ['a partition beside a default one',       [`${partitioned} CREATE TABLE d PARTITION OF a DEFAULT;`, '-- A test.\nCREATE TABLE p PARTITION OF a FOR VALUES FROM (1) TO (2);'], ['2:2 blocks-others']],
  ['one attached beside a default one',      [`${partitioned} CREATE TABLE d PARTITION OF a DEFAULT;`, '-- A test.\nCREATE TABLE p (LIKE a); ALTER TABLE a ATTACH PARTITION p FOR VALUES FROM (1) TO (2);'], ['2:2 blocks-others']],
  ['a function of an earlier file called',   ["-- A test.\nCREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE a SET b = 1';", '-- A test.\nDO $$ BEGIN PERFORM f(); END $$;'], ['2:2 blocks-others']],
])('PostgreSQL, over several files: %s', async (_name, files, expected) => {
  expect(await rulesOf('postgres', ...files)).toEqual(expected)
})

test.each([
  'ALTER TABLE a DROP COLUMN b',
  'ALTER TABLE a ALTER b DROP NOT NULL',
  'ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID',
  'CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)',
  'CREATE POLICY p ON a AS RESTRICTIVE USING (b > 0)',
  'ALTER TABLE a ALTER b DROP DEFAULT',
  'DROP POLICY p ON a',
])('PostgreSQL: what is marked breaking may take something away or ask for more: %s', async (statement) => {
  expect(await rulesOf('postgres', sql(statement, '-- migrate: breaking\n'))).toEqual([])
})

const on = '/* ON CLUSTER */'
// prettier-ignore
test.each<[string, string[]]>([
  [`CREATE MATERIALIZED VIEW IF NOT EXISTS v ${on} TO a AS SELECT b FROM c`, []],
  [`CREATE OR REPLACE VIEW v ${on} AS SELECT b FROM c`,                  []],
  [`ALTER TABLE a ${on} ADD COLUMN IF NOT EXISTS b DateTime DEFAULT '2026-01-01 00:00:00'`, []],
  [`ALTER TABLE a ${on} MODIFY TTL day + INTERVAL 1 DAY`,                []],
  [`ALTER TABLE a ${on} MODIFY COLUMN b COMMENT 'x'`,                    []],
  [`CREATE MATERIALIZED VIEW IF NOT EXISTS v ${on} ENGINE = /* Replicated */MergeTree ORDER BY b AS SELECT b FROM c`, ['view-without-table']],
  [`CREATE MATERIALIZED VIEW IF NOT EXISTS v ${on} ENGINE = /* Replicated */MergeTree ORDER BY b POPULATE AS SELECT b FROM c`, ['populate', 'view-without-table']],
  [`CREATE OR REPLACE VIEW v ${on} AS SELECT * FROM c`,                  ['select-star']],
  [`ALTER TABLE a ${on} ADD COLUMN IF NOT EXISTS b DateTime DEFAULT now()`, ['changing-default']],
  [`CREATE TABLE IF NOT EXISTS a ${on} (b Nullable(UInt8)) ENGINE = /* Replicated */MergeTree ORDER BY b SETTINGS allow_nullable_key = 1`, ['key-of-null']],
  [`ALTER TABLE a ${on} DROP COLUMN IF EXISTS b`,                        ['breaks-older-releases']],
  [`ALTER TABLE a ${on} RENAME COLUMN IF EXISTS b TO c`,                 ['breaks-older-releases']],
  [`ALTER TABLE a ${on} MODIFY COLUMN b UInt8`,                          ['breaks-older-releases']],
  [`DROP TABLE IF EXISTS a ${on}`,                                       ['breaks-older-releases']],
  [`DROP VIEW IF EXISTS a ${on}`,                                        ['breaks-older-releases']],
])('ClickHouse: %s', async (statement, expected) => {
  const found = await rulesOf('clickhouse', sql(statement))
  expect(found.sort()).toEqual(expected.map((rule) => `1:2 ${rule}`))
  const marked = await rulesOf('clickhouse', sql(statement, '-- migrate: breaking\n'))
  expect(marked.sort()).toEqual(
    expected.filter((rule) => rule !== 'breaks-older-releases').map((rule) => `1:3 ${rule}`),
  )
})

const index = (version: number, properties: object, more: object = {}) =>
  JSON.stringify({
    about: 'A test.',
    index: 'things',
    version,
    keep_days: 7,
    settings: {},
    mappings: { dynamic: 'strict', properties },
    ...more,
  })
const keyword = { type: 'keyword' }

// prettier-ignore
test.each<[string, string[], string[]]>([
  ['a field more',           [index(1, { a: keyword }), index(2, { a: keyword, b: keyword })], []],
  ['a field fewer',          [index(1, { a: keyword, b: keyword }), index(2, { a: keyword })], ['2:1 breaks-older-releases']],
  ['a field of another type', [index(1, { a: keyword }), index(2, { a: { type: 'text' } })],   ['2:1 breaks-older-releases']],
  ['an inner field fewer',   [index(1, { a: { properties: { b: keyword } } }), index(2, { a: { properties: {} } })], ['2:1 breaks-older-releases']],
  ['marked as breaking',     [index(1, { a: keyword }), index(2, {}, { breaking: true })],     []],
  ['a version left out',     [index(1, {}), index(3, {})],                                     ['2:1 version-gap']],
  ['an open object',         [index(1, { a: { type: 'object', dynamic: true } })],             ['1:1 open-mapping']],
])('Elasticsearch: %s', async (_name, files, expected) => {
  expect(await rulesOf('elasticsearch', ...files)).toEqual(expected)
})

test('NATS: a subject that an older release publishes to is not taken away', async () => {
  const stream = (subjects: string[], more: object = {}) =>
    JSON.stringify({
      about: 'A test.',
      consumers: [],
      streams: [
        {
          name: 'A',
          description: 'x',
          subjects,
          retention: 'limits',
          discard: 'old',
          max_age: '7d',
          duplicate_window: '1h',
        },
      ],
      ...more,
    })
  const [both, one] = [['a.>', 'b.>'], ['a.>']]
  expect(await rulesOf('nats', stream(one), stream(both))).toEqual([])
  expect(await rulesOf('nats', stream(both), stream(one))).toEqual(['2:1 breaks-older-releases'])
  expect(await rulesOf('nats', stream(both), stream(one, { breaking: true }))).toEqual([])
})
