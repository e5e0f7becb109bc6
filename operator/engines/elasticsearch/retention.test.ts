import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { retentionRules } from '../../../crds/retention.ts'
import { dueBy, noted, retiredOf, storedIn, type Retired } from './retention.ts'

const marked = (retired_at: unknown, keep_days: unknown = 7) => ({ mappings: { _meta: { retired_at, keep_days } } })
const at = '2026-11-20T12:00:00.000Z'

// prettier-ignore
test.each<[string, string, object, number]>([
  ['an earlier version',                           'search-jobs_v1',                  marked(at),                                      1],
  ['one that an alias names, whatever its mark',   'search-jobs_v1',                  { ...marked(at), aliases: { 'search-jobs': {} } }, 0],
  ['one with an alias of somebody’s own',          'search-jobs_v1',                  { ...marked(at), aliases: { mine: {} } },        0],
  ['one that migrations did not mark',             'search-jobs_v1',                  { aliases: {}, mappings: { _meta: { checksum: 'a' } } }, 0],
  ['one without a mapping of ours',                'search-jobs_v1',                  { aliases: {} },                                 0],
  ['one with a mark that is no time',              'search-jobs_v1',                  marked('yesterday'),                             0],
  ['one with a mark that is no text',              'search-jobs_v1',                  marked(1),                                       0],
  ['an index of another store',                    'research-jobs_v1',                marked(at),                                      0],
  ['an index of the comparison of migrations',     'search-baseline0a1b2c3d-jobs_v1', marked(at),                                      0],
  ['an index that only begins so',                 'search-jobs_v1_copy',             marked(at),                                      0],
])('%s', (_name, index, found, count) => {
  expect(retiredOf(new Map([[index, found]]), 'search')).toHaveLength(count)
})

const retired = (name: string, days: number, keepDays?: number): Retired => ({
  name,
  at: new Date(new Date(at).getTime() - days * 86_400_000),
  keepDays,
})

test('what is older than the period is due, and nothing is on hold', () => {
  const all = [retired('a', 6), retired('b', 8), retired('c', 40)]
  const due = (keep: string, hold = false) => dueBy({ keep, hold }, all, new Date(at)).map(({ name }) => name)
  expect(due('7d')).toEqual(['b', 'c'])
  expect(due('1mo')).toEqual(['c'])
  expect(due('1h')).toEqual(['a', 'b', 'c'])
  expect(due('1h', true)).toEqual([])
  expect(dueBy(undefined, all, new Date(at))).toEqual([])
})

test('without a period of the operator’s the longest of the marks is in force, or what files say', () => {
  expect(noted([retired('a', 1, 3), retired('b', 1, 14), retired('c', 1)])).toEqual({ keep: '14d', hold: false })
  expect(noted([])).toEqual({ keep: '7d', hold: false })
  const folder = join(import.meta.dirname, '../../../migrations/search')
  const files = readdirSync(folder).filter((name) => /^[0-9].*\.json$/.test(name))
  for (const file of files) {
    const { keep_days } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { keep_days: number }
    expect(`${keep_days}d`, file).toBe(retentionRules.search['retired-indices'].keep)
  }
})

test('a stored period is read as it was written, and nonsense is none', () => {
  const stored = (_meta?: object) =>
    storedIn({ component_templates: [{ component_template: { ...(_meta && { _meta }) } }] })
  expect(stored({ keep: '14d', hold: true })).toEqual({ keep: '14d', hold: true })
  for (const other of [undefined, {}, { keep: 'ever', hold: false }, { keep: '1d' }, { keep: 7, hold: false }])
    expect(stored(other)).toBeUndefined()
  expect(storedIn({})).toBeUndefined()
})
