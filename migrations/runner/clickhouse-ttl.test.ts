import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readTable } from './clickhouse-ttl.ts'

const golden = readFileSync(join(import.meta.dirname, '../behavior/schema.golden.sql'), 'utf8')
  .split(';\n')
  .map((statement) => statement.trim())
  .filter(Boolean)

test('the TTLs of the behaviour store, of rows and of columns', () => {
  const found = golden.flatMap((statement) => {
    const [, name = ''] = /^CREATE TABLE (\w+)/.exec(statement) ?? []
    const { rows, columns } = readTable(statement)
    return name ? [[name, rows, ...Object.entries(columns).map((column) => column.join(': '))]] : []
  })
  const month = 'toDateTime(timestamp) + toIntervalDay(30)'
  expect(found).toEqual([
    ['daily_user_metrics', 'date + toIntervalYear(2)'],
    ['job_interactions', 'toDateTime(timestamp) + toIntervalYear(3)'],
    ['search_queries', 'toDateTime(timestamp) + toIntervalMonth(18)'],
    ['search_trends', 'date + toIntervalYear(2)'],
    ['trend_vocabulary', 'toDateTime(updated_at) + toIntervalDay(2)'],
    ['user_behavior_segments', 'calculation_date + toIntervalYear(1)'],
    ['user_interactions', 'toDateTime(timestamp) + toIntervalYear(2)', `user_agent: ${month}`, `ip_address: ${month}`, `city: ${month}`],
  ])
}) // prettier-ignore

test('without them a statement is as it would be', () => {
  for (const statement of golden)
    expect(readTable(statement).rest).toBe(statement.replace(/ TTL \S+ \+ toInterval\w+\(\d+\)/g, ''))
})

test('is no word of a comment, a default or a name, and ends where something else begins', () => {
  const head = `CREATE TABLE t (\`TTL\` Date COMMENT 'a TTL, it\\'s (', \`a,b\` String DEFAULT concat('TTL x', \`TTL\`)`
  const tail = `INDEX i \`TTL\` TYPE minmax GRANULARITY 1) ENGINE = MergeTree ORDER BY (\`a,b\`, TTL)`
  const ttl = `TTL + toIntervalDay(1) WHERE \`a,b\` NOT IN ('(', 'SETTINGS'), TTL + toIntervalDay(2) TO VOLUME 'cold'`
  const after = `SETTINGS index_granularity = 8192 COMMENT 'no TTL'`
  expect(
    readTable(`${head} TTL TTL + f(',', (1)) SETTINGS (max = 1), \`c\` UInt8 TTL d, ${tail} TTL ${ttl} ${after}`),
  ).toEqual({
    rest: `${head} SETTINGS (max = 1), \`c\` UInt8, ${tail} ${after}`,
    rows: ttl,
    columns: { 'a,b': `TTL + f(',', (1))`, c: 'd' },
  })
})

test('a view has none', () => {
  const view = 'CREATE VIEW v (`a` UInt8) AS SELECT TTL FROM (SELECT 1 AS TTL)'
  expect(readTable(view)).toEqual({ rest: view, rows: undefined, columns: {} })
})
