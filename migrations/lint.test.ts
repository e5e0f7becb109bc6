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
  ['ALTER TABLE a ALTER b SET DEFAULT 7',                                []],
  ['ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID',             []],
  ['ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES c NOT VALID', []],
  ['ALTER TABLE a VALIDATE CONSTRAINT c',                                []],
  ['CREATE INDEX CONCURRENTLY i ON a (b)',                               []],
  ['DROP INDEX CONCURRENTLY IF EXISTS i',                                []],
  ['CREATE TABLE a (b integer); CREATE INDEX i ON a (b); ALTER TABLE a ADD CHECK (b > 0)', []],
  ['UPDATE a SET b = 1 WHERE b IS NULL',                                 ['2 blocks-others']],
  ['DELETE FROM a',                                                      ['2 blocks-others']],
  ['CREATE TABLE a (b integer); INSERT INTO a VALUES (1); UPDATE a SET b = 2', []],
  ['ALTER TABLE a ADD COLUMN b integer NOT NULL',                        ['2 adding-required-field']],
  ['ALTER TABLE a ADD COLUMN b timestamptz DEFAULT clock_timestamp()',   ['2 adding-field-with-default']],
  ['ALTER TABLE a ALTER b SET NOT NULL',                                 ['2 adding-not-nullable-field', '2 breaks-older-releases']],
  ['ALTER TABLE a ALTER b TYPE bigint',                                  ['2 breaks-older-releases', '2 changing-column-type']],
  ['ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)',                       ['2 constraint-missing-not-valid']],
  ['ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c',                     ['2 adding-foreign-key-constraint', '2 constraint-missing-not-valid']],
  ['ALTER TABLE a ADD UNIQUE (b)',                                       ['2 constraint-missing-not-valid', '2 disallowed-unique-constraint']],
  ['CREATE INDEX i ON a (b)',                                            ['2 require-concurrent-index-creation']],
  ['DROP INDEX i',                                                       ['2 require-concurrent-index-deletion']],
  ['REINDEX TABLE a',                                                    ['2 require-concurrent-reindex']],
  ['LOCK TABLE a',                                                       ['2 blocks-others']],
  ['CLUSTER a USING i',                                                  ['2 blocks-others']],
  ['ALTER TABLE a SET UNLOGGED',                                         ['2 blocks-others']],
  ['ALTER TABLE a SET TABLESPACE t',                                     ['2 blocks-others']],
  ['REFRESH MATERIALIZED VIEW v',                                        ['2 blocks-others']],
  ['ALTER TABLE a RENAME TO b',                                          ['2 breaks-older-releases']],
  ['ALTER TABLE a RENAME b TO c',                                        ['2 breaks-older-releases']],
  ['ALTER TABLE a DROP COLUMN b',                                        ['2 breaks-older-releases']],
  ['DROP TABLE a',                                                       ['2 breaks-older-releases']],
  ['DROP VIEW v',                                                        ['2 breaks-older-releases']],
  ['DROP VIEW v; CREATE VIEW v AS SELECT 1',                             []],
  ['CREATE TABLE IF NOT EXISTS a (b integer); ALTER TABLE a RENAME b TO c', ['2 breaks-older-releases']],
  ['DROP FUNCTION f(integer)',                                           ['2 breaks-older-releases']],
  ['DROP FUNCTION f(integer); CREATE FUNCTION f(integer) RETURNS text LANGUAGE sql RETURN 1', []],
  ['ALTER FUNCTION f(integer) RENAME TO g',                              ['2 breaks-older-releases']],
  ['CREATE FUNCTION f() RETURNS integer LANGUAGE sql RETURN 1; ALTER FUNCTION f() RENAME TO g', []],
  ['CREATE OR REPLACE VIEW v AS SELECT 1 AS a; ALTER VIEW v RENAME COLUMN a TO b', ['2 breaks-older-releases']],
  ['DROP TYPE t',                                                        ['2 breaks-older-releases']],
  ['DROP MATERIALIZED VIEW m',                                           ['2 breaks-older-releases']],
  ['DROP POLICY p ON a',                                                 []],
  ['REVOKE SELECT ON a FROM admin_role',                                 ['2 breaks-older-releases']],
  ['GRANT SELECT ON a TO admin_role',                                    []],
  ['CREATE FUNCTION f() RETURNS integer LANGUAGE sql RETURN 1; REVOKE ALL ON FUNCTION f() FROM PUBLIC', []],
])('PostgreSQL: %s', async (statement, expected) => {
  const found = await rulesOf('postgres', sql(statement))
  expect([...new Set(found)].sort()).toEqual(expected.map((rule) => `1:${rule}`))
})

test('PostgreSQL: what is marked breaking may take something away', async () => {
  expect(await rulesOf('postgres', sql('ALTER TABLE a DROP COLUMN b', '-- migrate: breaking\n'))).toEqual([])
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
