import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clickHouseStatements, forCluster, formatOfClickHouse, split } from './clickhouse-file.ts'
import { Refused } from './errors.ts'

const refuse = (why: string) => new Refused('BadFile', why)
const read = (sql: string) => formatOfClickHouse.read(`-- A test.\n${sql}`, refuse)
const on = '/* ON CLUSTER */'

test('splits at semicolons that end statements, and nowhere else', () => {
  const sql = `-- One; two.
SELECT ';', 'it\\'s; ', "a;b", \`c;d\`, $$ e; f $$ /* g; h */;
# i; j

SELECT 2 -- no semicolon at the end`
  expect(split(sql).map(({ text, line }) => [line, text.slice(0, 8), text.at(-1)])).toEqual([
    [2, "SELECT '", '/'],
    [5, 'SELECT 2', 'd'],
  ])
})

// prettier-ignore
test.each<[string, string, object]>([
  ['a table',               `CREATE TABLE IF NOT EXISTS a ${on} (id UInt8) ENGINE = /* Replicated */MergeTree ORDER BY id`, { kind: 'table', name: 'a', exists: true }],
  ['a table without parts', `CREATE TABLE IF NOT EXISTS a ${on} (id UInt8) ENGINE = Null`,      { kind: 'table', name: 'a', exists: true }],
  ['a view',                `CREATE OR REPLACE VIEW v ${on} AS SELECT 1`,                       { kind: 'table', name: 'v', exists: true }],
  ['a materialized view',   `CREATE MATERIALIZED VIEW IF NOT EXISTS m ${on} TO a AS SELECT 1`,  { kind: 'table', name: 'm', exists: true }],
  ['an end',                `DROP TABLE IF EXISTS a ${on} SYNC`,                                { kind: 'table', name: 'a', exists: false }],
  ['a column',              `ALTER TABLE a ${on} ADD COLUMN IF NOT EXISTS c Array(String) DEFAULT ['a,b', 'c']`, { kind: 'column', table: 'a', name: 'c', exists: true }],
  ['a column that goes',    `ALTER TABLE a ${on} DROP COLUMN IF EXISTS c`,                      { kind: 'column', table: 'a', name: 'c', exists: false }],
  ['another name',          `ALTER TABLE a ${on} RENAME COLUMN IF EXISTS c TO d`,               { kind: 'column', table: 'a', name: 'd', exists: true }],
  ['another type',          `alter table a ${on} modify column c Decimal(8, 2)`,                { kind: 'settled', table: 'a' }],
  ['settings',              `ALTER TABLE a ${on} MODIFY SETTING x = 1, y = 2`,                  { kind: 'settled', table: 'a' }],
])('lets through %s', (_name, statement, effect) => {
  expect(read(`${statement};`)).toEqual({ breaking: false, destructive: false, statements: 1 })
  expect(clickHouseStatements(statement)).toMatchObject([{ line: 1, text: statement, effect }])
})

// prettier-ignore
test.each<[string, string, RegExp]>([
  ['a table that may be there',  `CREATE TABLE a ${on} (id UInt8) ENGINE = Null`,                      /line 2, "CREATE TABLE a .*none of the statements that may be run twice/],
  ['one server of several',      'CREATE TABLE IF NOT EXISTS a (id UInt8) ENGINE = Null',              /none of the statements/],
  ['copies that do not follow',  `CREATE TABLE IF NOT EXISTS a ${on} (id UInt8) ENGINE = MergeTree ORDER BY id`, /write the engine as \/\* Replicated \*\/MergeTree/],
  ['an engine one has not',      `CREATE TABLE IF NOT EXISTS a ${on} (id UInt8) ENGINE = ReplicatedMergeTree ORDER BY id`, /write the engine as/],
  ['a table made anew',          `CREATE OR REPLACE TABLE a ${on} (id UInt8) ENGINE = Null`,           /none of the statements/],
  ['rows',                       'INSERT INTO a VALUES (1)',                                           /none of the statements/],
  ['a change of rows',           `ALTER TABLE a ${on} UPDATE n = n + 1 WHERE true`,                    /none of the statements/],
  ['an exchange',                'EXCHANGE TABLES a AND b',                                            /none of the statements/],
  ['two changes at once',        `ALTER TABLE a ${on} ADD COLUMN IF NOT EXISTS c String, DROP COLUMN IF EXISTS d`, /line 2: has several changes in one ALTER/],
  ['a change beside a setting',  `ALTER TABLE a ${on} ADD COLUMN IF NOT EXISTS c UInt8, DELETE WHERE 1, MODIFY SETTING x = 1`, /several changes/],
  ['a change after a setting',   `ALTER TABLE a ${on} MODIFY SETTING x = 1, DELETE WHERE 1`,            /several changes/],
  ['an expression that hides one', `ALTER TABLE a ${on} ADD COLUMN c String`,                          /none of the statements/],
  ['nothing',                    '/* CREATE */ ;',                                                     /has no statement/],
])('refuses %s', (_name, sql, message) => {
  expect(() => read(sql)).toThrow(message)
})

test('on several servers a statement is for all of them, and tables are copies', () => {
  const sql = `CREATE TABLE IF NOT EXISTS a ${on} (id UInt8) ENGINE = /* Replicated */ReplacingMergeTree ORDER BY id`
  expect(forCluster(sql)).toBe(
    `CREATE TABLE IF NOT EXISTS a ON CLUSTER '{cluster}' (id UInt8) ENGINE = ReplicatedReplacingMergeTree ORDER BY id`,
  )
})

test('the behaviour store’s own files: every statement is for all servers, every table has copies', () => {
  const folder = join(import.meta.dirname, '../behavior')
  const files = readdirSync(folder).filter((name) => /^\d.*\.sql$/.test(name))
  expect(files.length).toBeGreaterThan(0)
  for (const file of files)
    for (const { text } of clickHouseStatements(readFileSync(join(folder, file), 'utf8'))) {
      const words = forCluster(text)
      expect(words).toContain(`ON CLUSTER '{cluster}'`)
      for (const [engine] of words.matchAll(/\b\w*MergeTree\b/g)) expect(engine).toMatch(/^Replicated/)
    }
})
