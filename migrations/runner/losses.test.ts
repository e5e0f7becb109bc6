import { describe, expect, test } from 'vitest'
import { clickHouseLosses } from './clickhouse-file.ts'
import type { Migration } from './files.ts'
import { formats } from './formats.ts'
import { lossesOfFile } from './nats-changes.ts'
import { postgresLosses } from './postgres-losses.ts'

const fileOf = (text: string, destructive = false): Migration => ({
  version: 7,
  name: 'x',
  checksum: '',
  breaking: false,
  destructive,
  statements: 1,
  text,
})
const whys = (losses: { why: string }[]) => losses.map(({ why }) => why)

describe('PostgreSQL', () => {
  const of = (sql: string) => whys(postgresLosses(fileOf(`-- A test: é.\n${sql}`)))

  // prettier-ignore
  test.each([
    ['DROP TABLE a, public.b',                                        ['drops table a, public.b with what it holds']],
    ['DROP TABLE IF EXISTS a CASCADE',                                ['drops table a with what it holds, and what depends on it']],
    ['DROP SCHEMA s',                                                 ['drops schema s with what it holds']],
    ['DROP SEQUENCE s',                                               ['drops sequence s with what it holds']],
    ['DROP TYPE t CASCADE',                                           ['drops type t with what it holds, and what depends on it']],
    ['DROP EXTENSION postgis CASCADE',                                ['drops extension postgis with what it holds, and what depends on it']],
    ['DROP MATERIALIZED VIEW v',                                      ['drops materialized view v with what it holds']],
    ['DROP COLLATION c CASCADE',                                      ['drops collation c with what it holds, and what depends on it']],
    ['ALTER TABLE a ALTER b TYPE numeric',                            ['changes the type of b of a']],
    ['DROP OWNED BY r',                                               ['drops all that a role owns']],
    ['DROP DATABASE d',                                               ['drops database d']],
    ['ALTER TABLE a ADD COLUMN c text, DROP COLUMN b',                ['drops column b of a']],
    ['ALTER TABLE IF EXISTS s.a DROP b',                              ['drops column b of s.a']],
    ['ALTER TABLE a ALTER b TYPE varchar(9), ALTER c TYPE integer',   ['changes the type of b, changes the type of c of a']],
    ['ALTER TABLE a ALTER b TYPE numeric(9, 2)',                      ['changes the type of b of a']],
    ['ALTER TABLE a ALTER b TYPE text USING left(b, 3)',              ['changes the type of b of a']],
    ['TRUNCATE a, s.b',                                               ['empties a, s.b']],
    ['DELETE FROM a WHERE false',                                     ['deletes rows of a']],
    ['WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone', ['deletes rows of a']],
    ['MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE',    ['deletes rows by MERGE']],
    ['DO $$ BEGIN IF true THEN DROP  TABLE a; END IF; END $$',        ['has DROP TABLE in the body of DO']],
    ['DO $$ BEGIN ALTER TABLE a DROP b; END $$',                      ['has ALTER TABLE A DROP in the body of DO']],
    ["DO 'BEGIN delete from a; END'",                                 ['has DELETE FROM in the body of DO']],
    ['CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM a; END', []],
    ['CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE a; END $$', []],
    ['CREATE RULE r AS ON INSERT TO a DO ALSO DELETE FROM b',         []],
    ['CREATE TABLE d (t text); DROP VIEW v; DROP INDEX i; DROP FUNCTION f; DROP TRIGGER t ON a; DROP TYPE t', []],
    ['ALTER TABLE a ALTER b TYPE text, ALTER c TYPE varchar', []],
    ['ALTER TABLE a ALTER b DROP DEFAULT, ALTER b DROP NOT NULL, DROP CONSTRAINT c', []],
    ["SELECT 'DROP TABLE a'; UPDATE a SET b = 1; REVOKE DELETE ON a FROM b; GRANT TRUNCATE ON a TO b", []],
    ['ALTER TABLE p DETACH PARTITION a',                              []],
  ])('%s', (sql, expected) => expect(of(sql)).toEqual(expected))

  test('says which statement it is, and where', () => {
    const file = fileOf('-- Ünïcode.\nSELECT 1;\n\n-- about b\nTRUNCATE\n  b; /* c */ DROP TABLE c;')
    expect(postgresLosses(file)).toMatchObject([
      { version: 7, where: 'statement 2 (line 5)', why: 'empties b' },
      { version: 7, where: 'statement 3 (line 6)' },
    ])
  })
})

describe('ClickHouse', () => {
  const of = (statement: string) => whys(clickHouseLosses(fileOf(`-- A test.\n${statement};`)))
  const table = 'ALTER TABLE a /* ON CLUSTER */'

  // prettier-ignore
  test.each([
    ['DROP TABLE IF EXISTS a /* ON CLUSTER */',              ['drops table a with its rows']],
    [`${table} DROP COLUMN IF EXISTS b`,                     ['drops column b of a']],
    [`${table} MODIFY COLUMN b UInt8`,                       ['changes the type or kind of a column of a']],
    [`${table} MODIFY COLUMN b LowCardinality(String)`,      ['changes the type or kind of a column of a']],
    [`${table} MODIFY TTL day + INTERVAL 1 DAY`,             ['lets rows of a go by another time']],
    [`${table} MATERIALIZE TTL`,                             ['lets rows of a go by another time']],
    [`${table} MODIFY COLUMN b TTL day + INTERVAL 1 DAY`,    ['lets values of a go by time']],
    [`${table} MODIFY COLUMN \`b\` UInt8`, ['changes the type or kind of a column of a']],
    [`${table} MODIFY COLUMN "b" UInt8`, ['changes the type or kind of a column of a']],
    [`${table} MODIFY COLUMN n.b UInt8`, ['changes the type or kind of a column of a']],
    [`${table} MODIFY COLUMN IF EXISTS b UInt8`, ['changes the type or kind of a column of a']],
    [`${table} MODIFY COLUMN b ALIAS 1`, ['changes the type or kind of a column of a']],
    [`${table} MODIFY COLUMN b EPHEMERAL 1`, ['changes the type or kind of a column of a']],
    [`${table} MODIFY COLUMN b MATERIALIZED 1`, ['changes the type or kind of a column of a']],
    [`${table} MODIFY COLUMN b REMOVE DEFAULT`, ['changes the type or kind of a column of a']],
    [`${table} MODIFY COLUMN \`b\` DEFAULT 1`, ['changes the type or kind of a column of a']],
    [`${table} MATERIALIZE COLUMN b`, ['writes values of a column of a anew']],
    [`${table} MODIFY COLUMN b DEFAULT 1`,                   []],
    [`${table} MODIFY COLUMN b CODEC(ZSTD)`,                 []],
    [`${table} MODIFY COLUMN IF EXISTS b FIRST`,             []],
    [`${table} MODIFY SETTING x = 1, y = 'z'`,               []],
    [`${table} MODIFY COLUMN b COMMENT 'x'`,                 []],
    [`${table} ADD COLUMN IF NOT EXISTS b UInt8`,            []],
    [`${table} DROP INDEX IF EXISTS b`,                      []],
    [`${table} REMOVE TTL`,                                  []],
    ['DROP VIEW IF EXISTS a /* ON CLUSTER */',               []],
  ])('%s', (statement, expected) => expect(of(statement)).toEqual(expected))

  test('says which statement it is', () => {
    const text = '-- A test.\nDROP VIEW IF EXISTS v /* ON CLUSTER */;\nDROP TABLE IF EXISTS a /* ON CLUSTER */;'
    expect(clickHouseLosses(fileOf(text))).toMatchObject([{ version: 7, where: 'statement 2 (line 3)' }])
  })
})

describe('NATS', () => {
  const stream = (more: object = {}) => ({
    name: 'A',
    description: 'x',
    subjects: ['a.>', 'b.>'],
    retention: 'limits',
    discard: 'old',
    max_age: '7d',
    duplicate_window: '1h',
    ...more,
  })
  const file = (...streams: object[]) => fileOf(JSON.stringify({ about: 'x', streams, consumers: [] }))
  const of = (earlier: Migration[], ...streams: object[]) => lossesOfFile(file(...streams), earlier)

  test('loses what an earlier file kept, by the last one that names the stream', () => {
    const earlier = [file(stream({ max_age: '1d' })), file(stream()), file(stream({ name: 'B' }))]
    expect(of(earlier, stream({ max_age: '2d' }))).toEqual([
      { version: 7, where: 'stream A', why: 'max_age from 604800000000000 to 172800000000000' },
    ])
    expect(whys(of(earlier, stream({ subjects: ['a.>'] })))).toEqual(['subject b.> is kept no more'])
    expect(whys(of(earlier, stream({ max_bytes: 9 })))).toEqual(['max_bytes from unlimited to 9'])
  })

  test('loses nothing where it keeps more, or is new', () => {
    expect(of([file(stream())], stream({ max_age: '8d' }), stream({ name: 'C' }))).toEqual([])
    expect(of([], stream())).toEqual([])
  })
})

test.each(['postgres', 'clickhouse'] as const)('%s: a file may say that it is destructive', (dialect) => {
  const statement = dialect === 'postgres' ? 'SELECT f()' : 'CREATE OR REPLACE VIEW v /* ON CLUSTER */ AS SELECT 1'
  const text = `-- A test.\n-- migrate: destructive\n${statement};`
  const content = formats[dialect].read(text, (why) => {
    throw new Error(why)
  })
  expect(content).toMatchObject({ destructive: true, breaking: false })
  const losses = dialect === 'postgres' ? postgresLosses : clickHouseLosses
  expect(losses(fileOf(text, true))).toEqual([{ version: 7, where: 'header', why: 'says that it is destructive' }])
})
