import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { rulesOf } from '../../../crds/retention.ts'
import type { RetentionState } from '../engine.ts'
import { changes } from './retention-changes.ts'
import { places, tables } from './retention-places.ts'
import { stateOf, type Found } from './retention-state.ts'

const [one, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
const golden = readFileSync(new URL('../../../migrations/behavior/schema.golden.sql', import.meta.url), 'utf8')

const defaults: RetentionState = {
  rules: Object.fromEntries(Object.entries(rulesOf('behavior')).map(([rule, { keep }]) => [rule, { keep, hold: false }])),
  holds: [],
} // prettier-ignore
const rule = (name: string, keep: string, hold = false): RetentionState => ({
  ...defaults,
  rules: { ...defaults.rules, [name]: { keep, hold } },
})
const held = (...subjects: string[]) => subjects.map((subject) => ({ subject, reason: `case of ${subject}` }))

/** As migrations make them, but for `edits`. */
function found(notes: Record<string, string> = {}, ...edits: [from: RegExp, to: string][]): Found {
  const made = golden.split(';\n\n').flatMap((statement): [string, string[]][] => {
    const [, name = ''] = /CREATE TABLE (\w+)/.exec(statement) ?? []
    return tables.includes(name)
      ? [[name, [edits.reduce((text, [from, to]) => text.replace(from, to), statement)]]]
      : []
  })
  return { definitions: new Map(made), notes: new Map(Object.entries(notes)) }
}
const ttlOf = (column: string) => new RegExp(`(?<=${column}\` [^\`]*) TTL \\S+ \\+ toIntervalDay\\(30\\)`)
const freed = ['user_agent', 'ip_address', 'city'].map((column): [RegExp, string] => [ttlOf(column), ''])
const all: [RegExp, string] = [/(?<=\) TTL .*) SETTINGS/, ` WHERE user_id NOT IN (toUUID('${one}')) SETTINGS`]

test('every rule of the schema has its place, and people are who crds/retention.ts says', () => {
  expect([...places.keys()]).toEqual(Object.keys(rulesOf('behavior')))
  expect([...places].filter(([, { people }]) => !people).map(([name]) => name)).toEqual(['interaction-places', 'search-trends'])
}) // prettier-ignore

test('what migrations make is what a spec without words wants', () => {
  expect(stateOf(found(), defaults)).toEqual(defaults)
  expect(changes(found(), defaults, '')).toEqual([])
})

test('a table that is not there yet is as wanted, and left alone', () => {
  const nothing: Found = { definitions: new Map(), notes: new Map() }
  const next = rule('search-queries', '1y')
  expect(stateOf(nothing, next)).toEqual(next)
  expect(changes(nothing, next, '')).toEqual([])
})

test('another period is one statement, and that of columns another', () => {
  expect(changes(found(), rule('search-queries', '1y'), '')).toEqual([
    'ALTER TABLE search_queries MODIFY TTL toDateTime(timestamp) + toIntervalYear(1) DELETE WHERE true',
  ])
  const places = (name: string) => `MODIFY COLUMN ${name} TTL toDateTime(timestamp) + toIntervalDay(7)`
  expect(changes(found(), rule('interaction-places', '7d'), '')).toEqual([
    `ALTER TABLE user_interactions ${places('user_agent')}, ${places('ip_address')}, ${places('city')}`,
  ])
  expect(changes(found(), rule('search-queries', '24mo'), `ON CLUSTER '{cluster}'`)).toEqual([
    `ALTER TABLE search_queries ON CLUSTER '{cluster}' MODIFY TTL toDateTime(timestamp) + toIntervalMonth(24) DELETE WHERE true`,
  ])
})

test('24mo are 2y', () => {
  expect(changes(found(), rule('user-interactions', '24mo'), '')).toEqual([])
  expect(stateOf(found(), rule('user-interactions', '24mo')).rules['user-interactions']?.keep).toBe('24mo')
})

test('a person on hold is in the TTL of every table with people, and the reason in a note, last', () => {
  const statements = changes(found(), { ...defaults, holds: [{ subject: one, reason: `it's 1` }] }, '')
  expect(statements.map((statement) => statement.split(' ')[2])).toEqual([
    'user_interactions',
    'search_queries',
    'job_interactions',
    'user_behavior_segments',
    'daily_user_metrics',
    'REPLACE',
  ])
  for (const statement of statements.slice(0, -1)) expect(statement).toMatch(`DELETE WHERE user_id NOT IN (toUUID('${one}'))`)
  expect(statements.at(-1)).toContain(String.raw`('${one}', 'it\'s 1')`)
}) // prettier-ignore

test('a hold of rows keeps the period in the TTL; of columns, in a note', () => {
  expect(changes(found(), rule('search-trends', '1y', true), '')).toEqual([
    'ALTER TABLE search_trends MODIFY TTL date + toIntervalYear(1) DELETE WHERE false',
  ])
  const on = changes(found(), rule('interaction-places', '7d', true), '')
  expect(on).toHaveLength(3)
  expect(on[0]).toBe(
    'ALTER TABLE user_interactions MODIFY COLUMN user_agent REMOVE TTL, MODIFY COLUMN ip_address REMOVE TTL, MODIFY COLUMN city REMOVE TTL',
  )
  expect(on[1]).toBe('ALTER TABLE user_interactions MATERIALIZE TTL')
  expect(on[2]).toContain(`('interaction-places', '7d')`)
})

test('columns on hold are read back, and let off', () => {
  const state = found({ 'interaction-places': '7d' }, ...freed)
  expect(stateOf(state, defaults).rules['interaction-places']).toEqual({ keep: '7d', hold: true })
  expect(changes(state, rule('interaction-places', '7d', true), '')).toEqual([])
  expect(changes(state, defaults, '')).toEqual([
    expect.stringContaining('MODIFY COLUMN city TTL toDateTime(timestamp) + toIntervalDay(30)'),
    'DROP VIEW IF EXISTS retention_notes',
  ])
})

test('cut short: columns without TTL and note are not on hold yet', () => {
  const state = found({}, ...freed)
  const next = rule('interaction-places', '7d', true)
  expect(stateOf(state, next).rules['interaction-places']).toEqual({ keep: 'without end', hold: false })
  expect(changes(state, next, '')).toEqual([
    'ALTER TABLE user_interactions MATERIALIZE TTL',
    expect.stringContaining('retention_notes'),
  ])
  // A table without any TTL has nothing to forget, and no such statement.
  expect(changes(found({}, ...freed, [/ TTL toDateTime\(timestamp\) \+ toIntervalYear\(2\)/, '']), { ...next, rules: { 'interaction-places': { keep: '7d', hold: true } } }, '')).toHaveLength(1)
}) // prettier-ignore

test('one column of three that differs is what there is', () => {
  const state = found({}, [ttlOf('city'), ' TTL toDateTime(timestamp) + toIntervalDay(90)'])
  expect(stateOf(state, defaults).rules['interaction-places']?.keep).toBe('90d')
  expect(changes(state, defaults, '')).toEqual([
    'ALTER TABLE user_interactions MODIFY COLUMN city TTL toDateTime(timestamp) + toIntervalDay(30)',
  ])
})

test('one server of several that differs is what there is', () => {
  const state = found()
  const [definition = ''] = state.definitions.get('search_trends') ?? []
  const both = [definition, definition.replace('toIntervalYear(2)', 'toIntervalYear(1)')]
  const mixed = { ...state, definitions: new Map([...state.definitions, ['search_trends', both]]) }
  expect(stateOf(mixed, defaults).rules['search-trends']?.keep).toBe('1y')
  expect(stateOf(mixed, rule('search-trends', '1y')).rules['search-trends']?.keep).toBe('2y')
  expect(stateOf(mixed, rule('search-trends', '6mo')).rules['search-trends']?.keep).toBe('2y')
  expect(changes(mixed, defaults, '')).toHaveLength(1)
})

test('a person whom one table forgot is on hold where the spec does not want it, and is not where it does', () => {
  const everywhere = found({ [one]: 'case 1' }, all)
  expect(stateOf(everywhere, defaults).holds).toEqual([{ subject: one, reason: 'case 1' }])
  const trends = everywhere.definitions.get('search_trends')
  const definitions = new Map([...everywhere.definitions, ['search_trends', trends ?? []], ...[...found().definitions].filter(([table]) => table === 'job_interactions')])
  const forgotten = { ...everywhere, definitions }
  expect(stateOf(forgotten, defaults).holds).toEqual([{ subject: one, reason: 'case 1' }])
  expect(stateOf(forgotten, { ...defaults, holds: held(one, other) }).holds).toEqual([])
  expect(changes(forgotten, { ...defaults, holds: [{ subject: one, reason: 'case 1' }] }, '')).toEqual([
    expect.stringMatching(/^ALTER TABLE job_interactions MODIFY TTL/),
    // It had people in it, and nobody can be on hold there.
    expect.stringMatching(/^ALTER TABLE search_trends MODIFY TTL .* WHERE true$/),
  ])
}) // prettier-ignore

test('without its note a hold is to begin again', () => {
  expect(stateOf(found({}, all), { ...defaults, holds: held(one) }).holds).toEqual([])
  expect(stateOf(found({}, all), defaults).holds).toEqual([{ subject: one, reason: '' }])
})

test('where all rules are on hold the notes say who is', () => {
  const state = found({ [one]: 'case 1' }, [/(?<=\) TTL .*) SETTINGS/, ' WHERE false SETTINGS'])
  expect(stateOf(state, { ...defaults, holds: held(one) }).holds).toEqual([{ subject: one, reason: 'case 1' }])
})

test('by hand: none, and another TTL, are no period; what waits for an approval stays', () => {
  const none = found({}, [/(?<=\)) TTL date \+ toIntervalYear\(2\)/, ''])
  const seen = stateOf(none, defaults)
  expect(seen.rules['search-trends']).toEqual({ keep: 'without end', hold: false })
  expect(changes(none, seen, '')).toEqual([])
  const foreign = found({}, [/date \+ toIntervalYear\(2\)/, 'date + 1'])
  expect(stateOf(foreign, defaults).rules['search-trends']).toEqual({ keep: 'another TTL', hold: false })
})
