import { expect, test } from 'vitest'
import type { MigrationSet } from './files.ts'
import { compare } from './ledger.ts'
import type { LedgerRow } from './ledger.ts'

const files = (...names: string[]): MigrationSet => ({
  schema: 'x',
  extension: 'sql',
  digest: '',
  target: names.length,
  clusterSql: undefined,
  migrations: names.map((name, index) => ({
    version: index + 1,
    name,
    checksum: `sum-${name}`,
    breaking: false,
    destructive: false,
    statements: 1,
    text: '',
  })),
})
const row = (version: number, name: string, more: Partial<LedgerRow> = {}): LedgerRow => ({
  version,
  name,
  checksum: `sum-${name}`,
  breaking: false,
  appliedAt: new Date(0),
  executionMs: 0,
  ...more,
})

// prettier-ignore
test.each<[string, MigrationSet, LedgerRow[], number[], number[]]>([
  ['an untouched database',         files('a', 'b'), [],                                    [1, 2], []],
  ['one behind',                    files('a', 'b'), [row(1, 'a')],                         [2],    []],
  ['current',                       files('a', 'b'), [row(1, 'a'), row(2, 'b')],            [],     []],
  ['newer, breaking nothing',       files('a'),      [row(1, 'a'), row(2, 'b')],            [],     [2]],
  ['breaking, but known here',      files('a', 'b'), [row(1, 'a', { breaking: true })],     [2],    []],
])('%s', (_name, set, applied, pending, newer) => {
  const result = compare(set, applied)
  expect(result.pending.map((file) => file.version)).toEqual(pending)
  expect(result.newer.map((ledger) => ledger.version)).toEqual(newer)
})

// prettier-ignore
test.each<[string, MigrationSet, LedgerRow[], string, RegExp]>([
  ['an edited file',    files('a', 'b'), [row(1, 'a', { checksum: 'old' })], 'FileEdited', /000001_a\.sql .* applied sha256 old, file sha256 sum-a/],
  ['a renamed file',    files('b'), [row(1, 'a', { checksum: 'sum-b' })],    'FileRenamed', /000001_b\.sql was applied as 000001_a\.sql: sha256 sum-b/],
  ['an out-of-order file', files('a', 'b', 'c'), [row(1, 'a'), row(3, 'c')], 'FileOutOfOrder', /000002_b\.sql was never applied, but the later 000003_c\.sql was/],
  ['pending below a newer one', files('a', 'b'), [row(1, 'a'), row(3, 'c')], 'FileOutOfOrder', /000002_b\.sql .* 000003_c\.sql/],
  ['a newer breaking database', files('a'), [row(1, 'a'), row(2, 'b', { breaking: true }), row(3, 'c')], 'DatabaseIsNewer', /000002_b\.sql.*ends at 1/],
])('refuses %s', (_name, set, applied, reason, message) => {
  expect(() => compare(set, applied)).toThrow(message)
  expect(() => compare(set, applied)).toThrow(expect.objectContaining({ name: 'Refused', reason }))
})
