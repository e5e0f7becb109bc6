import { describe, expect, test } from 'vitest'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { RetentionState } from '../engines/engine.ts'
import { decide, differences, overdue, protecting, retentionProblems, statusOf, type Asked } from './retention-plan.ts'
import { wanted } from '../engines/retention.ts'

const store = (schema: string | undefined, rules = {}, legalHolds: object[] = []) =>
  ({
    spec: {
      engine: schema ? 'postgres' : 'redis',
      schema: schema && { name: schema },
      retention: { rules, legalHolds },
    },
  }) as unknown as DataStore

const hold = (subject: string) => ({ subject, reason: 'case 1' })
const state = (rules: Record<string, string>, holds: string[] = []): RetentionState => ({
  rules: Object.fromEntries(
    Object.entries(rules).map(([name, keep]) => [name, { keep: keep.replace('!', ''), hold: keep.endsWith('!') }]),
  ),
  holds: holds.map(hold),
})
const nothing = { keepingHolds: {}, all: {} }
const asked: Asked = {
  uid: 'uid',
  generation: 3,
  now: new Date('2026-02-01T00:00:00Z'),
  at: 'host:5432/db',
  known: { a: { keep: '2y', since: '2026-01-01T00:00:00.000Z' } },
}

describe('wanted', () => {
  test('is the table where the spec says nothing', () => {
    expect(wanted(store('search'))).toEqual(state({ 'retired-indices': '7d' }))
    expect(wanted(store('core', { sessions: { keep: '24mo' } })).rules['sessions']).toEqual({ keep: '2y', hold: false })
    expect(wanted(store(undefined)).rules['results']).toEqual({ keep: '5min', hold: false })
    expect(wanted(store('vault'))).toEqual(state({}))
  })
  test('is the spec where it says something, the rest as in the table', () => {
    const { rules, holds } = wanted(store('core', { sessions: { keep: '10d' }, consents: { hold: true } }, [hold('a')]))
    expect(rules['sessions']).toEqual({ keep: '10d', hold: false })
    expect(rules['consents']).toEqual({ keep: '5y', hold: true })
    expect(holds).toEqual([hold('a')])
  })
})

describe('decide', () => {
  test('what removes nothing comes into force at once, shorter or longer', () => {
    const [seen, next] = [state({ a: '1y', b: '1y' }), state({ a: '2y', b: '1mo' }, ['x'])]
    expect(decide(asked, seen, next, nothing)).toEqual({ atOnce: next })
  })

  test('a rule that would remove rows stays as it is, the others change', () => {
    const [seen, next] = [state({ a: '2y', b: '1y' }), state({ a: '1y', b: '2y' }, ['x'])]
    const removes = { a: 1204 }
    const { atOnce, plan } = decide(asked, seen, next, { keepingHolds: removes, all: removes })
    expect(atOnce).toEqual(state({ a: '2y', b: '2y' }, ['x']))
    expect(plan?.differences).toEqual(['a: 2y → 1y removes 1,204 rows'])
    // Once that is in force the plan is the same.
    expect(decide(asked, atOnce, next, { keepingHolds: removes, all: removes })).toEqual({ atOnce, plan })
  })

  test('the end of a hold waits like a shorter period, and with it everybody who was on hold', () => {
    const [seen, next] = [state({ a: '1y!' }, ['x', 'y']), state({ a: '1y' }, ['z'])]
    const { atOnce, plan } = decide(asked, seen, next, { keepingHolds: { a: 1 }, all: { a: 3 } })
    expect(atOnce).toEqual(state({ a: '1y!' }, ['z', 'x', 'y']))
    expect(plan?.differences).toEqual(['a: 1y, on hold → 1y removes 3 rows', 'legal holds ended: 2'])
  })

  test('rows that go because a person is let off are counted although the rule is as it was', () => {
    const [seen, next] = [state({ a: '1y' }, ['x']), state({ a: '1y' })]
    const { atOnce, plan } = decide(asked, seen, next, { keepingHolds: {}, all: { a: 1 } })
    expect(atOnce).toEqual(seen)
    expect(plan?.differences).toEqual(['a: 1y removes 1 row', 'legal holds ended: 1'])
  })

  test('the hash is of the change, the store, where it is and since when it is so; not of how many rows there are by now', () => {
    const [seen, next] = [state({ a: '2y' }), state({ a: '1y' })]
    const hash = (of: Asked, from: RetentionState, to: RetentionState, rows = 1) =>
      decide(of, from, to, { keepingHolds: { a: rows }, all: { a: rows } }).plan?.hash
    const first = hash(asked, seen, next)
    expect(first).toMatch(/^[0-9a-f]{12}$/)
    expect(hash(asked, seen, next, 2)).toBe(first)
    expect(hash({ ...asked, uid: 'other' }, seen, next)).not.toBe(first)
    expect(hash({ ...asked, at: 'elsewhere:5432/db' }, seen, next)).not.toBe(first)
    expect(hash(asked, seen, state({ a: '6mo' }))).not.toBe(first)
    expect(hash(asked, state({ a: '3y' }), next)).not.toBe(first)
    expect(hash(asked, seen, state({ a: '1y' }, ['x']))).not.toBe(first)
    expect(hash({ ...asked, generation: 5 }, seen, next)).not.toBe(first)
    expect(hash({ ...asked, now: new Date() }, seen, next)).toBe(first)
    // Approved, undone in the store itself, and found again: nobody was asked this time.
    const again = { ...asked, known: { a: { keep: '2y', since: '2027-01-01T00:00:00.000Z' } } }
    expect(hash(again, seen, next)).not.toBe(first)
  })

  test('what comes into force at once is part of the hash from the first time on', () => {
    // Of the hold's end only the second part waits: the shorter period itself costs nobody anything.
    const [seen, next] = [state({ a: '2y' }, ['x']), state({ a: '1y' })]
    const counts = { keepingHolds: {}, all: { a: 1 } }
    const { atOnce, plan } = decide(asked, seen, next, counts)
    expect(atOnce).toEqual(state({ a: '1y' }, ['x']))
    const known = { a: { keep: '1y', since: asked.now.toISOString() } }
    expect(decide({ ...asked, known, now: new Date() }, atOnce, next, counts).plan).toEqual(plan)
  })

  test('whoever is to be held is held before anything is counted; of two periods the longer', () => {
    expect(protecting(state({ a: '7d', b: '2y' }), state({ a: '1mo', b: '1y' }))).toEqual(state({ a: '1mo', b: '2y' }))
    expect(protecting(state({ a: 'without end' }), state({ a: '1y' }))).toEqual(state({ a: 'without end' }))
    const [seen, next] = [state({ a: '2y', b: '1y!' }, ['x']), state({ a: '1y!', b: '1y' }, ['y'])]
    expect(protecting(seen, next)).toEqual(state({ a: '2y!', b: '1y!' }, ['y', 'x']))
  })
})

test('differences names no person, and nothing that is alike', () => {
  expect(differences(state({ a: '1y', b: '1d' }, ['x']), state({ a: '1y', b: '2d' }, ['x']))).toEqual(['b: 1d → 2d'])
  expect(differences(state({}, ['x']), state({}, ['y'])).join()).not.toMatch(/[xy]\b/)
  const days = differences(state({ 'published-events': '7d' }), state({ 'published-events': '1d' }), {
    'published-events': 6,
  })
  expect(days).toEqual(['published-events: 7d → 1d removes 6 days of events'])
  const reworded = { rules: {}, holds: [{ subject: 'x', reason: 'case 2' }] }
  expect(differences(state({}, ['x']), reworded)).toEqual(['legal holds with another reason: 1'])
})

describe('overdue', () => {
  const now = new Date('2026-03-31T12:00:00Z')
  const seen = (keep: string, oldest?: string) => ({
    ...state({ a: keep }),
    now,
    oldest: oldest ? { a: new Date(oldest) } : {},
  })
  const of = (keep: string, oldest?: string, since = '2026-03-01T00:00:00Z') =>
    overdue(seen(keep, oldest), { a: { keep, since } }, now)

  test('a day longer than the rule allows', () => {
    expect(of('1mo', '2026-02-27T13:00:00Z')).toEqual([])
    expect(of('1mo', '2026-02-27T11:00:00Z')).toEqual(['a (2026-02-27, keep 1mo)'])
    expect(of('30s', '2026-03-30T12:00:00Z')).toEqual([])
    expect(of('30s', '2026-03-30T11:59:00Z')).toHaveLength(1)
    expect(of('1mo 3d', '2026-02-24T11:00:00Z')).toHaveLength(1)
    expect(of('1mo 3d')).toEqual([])
  })
  test('not while it is held, nor in the first day of a rule, when what came of age is still going', () => {
    expect(of('1mo!', '2020-01-01T00:00:00Z')).toEqual([])
    expect(of('1mo', '2020-01-01T00:00:00Z', '2026-03-30T12:00:01Z')).toEqual([])
    expect(of('1mo', '2020-01-01T00:00:00Z', '2026-03-30T12:00:00Z')).toHaveLength(1)
  })
  test('since: as the status has it while the rule is as it was, else now', () => {
    const known = { a: { keep: '1y', since: '2026-01-01T00:00:00.000Z' } }
    const since = (keep: string, from: Parameters<typeof statusOf>[2]) =>
      statusOf(seen(keep), state({ a: keep.replace('!', '') }), from, now)['a']
    expect(since('1y', known)).toEqual({ keep: '1y', since: '2026-01-01T00:00:00.000Z' })
    expect(since('2y', known)?.since).toBe(now.toISOString())
    expect(since('1y!', known)).toEqual({ keep: '1y', held: true, since: now.toISOString(), wanted: '1y' })
    expect(since('1y', {})?.since).toBe(now.toISOString())
  })
})

test('a period under the least that a rule can have is a problem of the spec', () => {
  const patterns = (keep: string) => retentionProblems(store('temporal', { 'availability-patterns': { keep } }))
  expect(patterns('31d')).toEqual([
    'spec.retention.rules.availability-patterns.keep: 31d is less than 32d, and statistics are computed anew from the rows of the last 30 days',
  ])
  expect(patterns('32d')).toEqual([])
  expect(patterns('99999y')).toEqual([
    'spec.retention.rules.availability-patterns.keep: 99999y is more than 100y: hold: true keeps without end',
  ])
  expect(patterns('1y')).toEqual([])
  const trends = (keep: string) => retentionProblems(store('behavior', { 'search-trends': { keep } }), '50y')
  expect(trends('50y')).toEqual([])
  for (const keep of ['51y', '99999mo', '99999d']) expect(trends(keep)).toHaveLength(1)
  expect(retentionProblems(store('temporal', { metrics: { keep: '1s' }, 'interview-slots': { hold: true } }))).toEqual(
    [],
  )
})
