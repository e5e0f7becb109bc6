import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { before, readPeriod } from '../../../crds/retention.ts'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { baseline } from '../../../migrations/runner/baseline.ts'
import { split } from '../../../migrations/runner/clickhouse-file.ts'
import { readMigrations } from '../../../migrations/runner/files.ts'
import { formats } from '../../../migrations/runner/formats.ts'
import { applyTo, ca, connectTo, options, urlOf } from '../../../migrations/runner/testing-engines.ts'
import type { LegalHold, Plan, RetentionState, Target } from '../engine.ts'
import { changes } from './retention-changes.ts'
import { places, tables } from './retention-places.ts'
import { retention } from './retention.ts'
import { endless, foreign } from './ttl.ts'
import { wanted } from '../retention.ts'

/*
 * Against a real server, in a database of this file's own. Parts are wide, as those of a store with much in it: what a part notes of TTL
 * is used in other ways when it is compact. Several servers, and so ON CLUSTER, are nowhere to be had: images/clickhouse/README.md.
 */

const behavior = join(import.meta.dirname, '../../../migrations/behavior')
const migrations = await readMigrations(behavior, formats.clickhouse)
const database = `retention_${randomBytes(4).toString('hex')}`
const url = urlOf('clickhouse', 'admin', database)

const targetOf = (address: string): Target => {
  const { hostname, port, username, password, pathname } = new URL(address)
  const name = decodeURIComponent(pathname.slice(1))
  return { host: hostname, port: Number(port), username, password, database: name, ca: readFileSync(ca, 'utf8') }
}
const target = targetOf(url)
const soon = () => AbortSignal.timeout(20_000)

type Rules = Record<string, { keep?: string; hold?: boolean }>
const storeOf = (rules: Rules, legalHolds: LegalHold[] = []) =>
  ({ spec: { schema: { name: 'behavior' }, retention: { rules, legalHolds } } }) as unknown as DataStore
const stateOf = (rules: Rules = {}, ...subjects: string[]) =>
  wanted(storeOf(rules, subjects.map((subject) => ({ subject, reason: `case ${subject}` })))) // prettier-ignore
/** As the spec would say it. */
const planOf = ({ rules, holds }: RetentionState) => ({ store: storeOf(rules, holds) }) as Plan

/** @param next  what the spec wants; it decides only where servers or columns are not of one mind */
async function observe(next = stateOf()) {
  const seen = await retention.observe(target, planOf(next), soon())
  if (!seen) throw new Error('there is no table')
  return seen
}
/** Where there is something. */
async function removes(next: RetentionState): Promise<Record<string, number>> {
  const counts = await retention.removes(target, planOf(next), next, soon())
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}
const apply = (next: RetentionState) => retention.apply(target, planOf(next), next, soon())

let client: ClickHouseClient
const rows = async <Row>(query: string, parameters: Record<string, unknown> = {}): Promise<Row[]> =>
  (await client.query({ query, query_params: parameters, format: 'JSONEachRow' })).json<Row>()
const command = (query: string) => client.command({ query })
const definition = async (name: string): Promise<string> => {
  const [row] = await rows<{ text: string }>(
    `SELECT create_table_query AS text FROM system.tables WHERE database = {database:String} AND name = {name:String}`,
    { database, name },
  )
  return row?.text ?? ''
}

/** What was left to the server is done, and all that merges would do. */
async function merged(): Promise<void> {
  const left = `SELECT count() AS n FROM system.mutations WHERE database = {database:String} AND NOT is_done`
  await expect.poll(() => rows(left, { database }), { timeout: 30_000 }).toEqual([{ n: 0 }])
  for (const table of tables) await command(`OPTIMIZE TABLE ${table} FINAL`)
}

beforeAll(async () => {
  const { origin, username, password } = new URL(url)
  const login = { url: origin, username, password, tls: { ca_cert: readFileSync(ca) }, log: { level: ClickHouseLogLevel.OFF } } // prettier-ignore
  const admin = createClient(login)
  await admin.command({ query: `CREATE DATABASE ${database}` })
  await admin.close()
  client = createClient({ ...login, database })
})
afterAll(async () => {
  await command(`DROP DATABASE ${database} SYNC`)
  await client.close()
})

test('before the migrations there is nothing', async () => {
  expect(await retention.observe(target, planOf(stateOf()), soon())).toBeUndefined()
  await applyTo('clickhouse', url, migrations)
  for (const table of tables)
    await command(`ALTER TABLE ${table} MODIFY SETTING min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0`)
})

describe('with the tables', () => {
  beforeEach(async () => {
    for (const table of tables) await command(`TRUNCATE TABLE ${table}`)
    await apply(stateOf())
  })

  test('what migrations make is what a spec without words wants', async () => {
    const seen = await observe()
    expect(seen).toMatchObject(stateOf())
    expect(seen.oldest).toEqual({})
    expect(Math.abs(seen.now.getTime() - Date.now())).toBeLessThan(60_000)
    expect(await removes(stateOf())).toEqual({})
  })

  test.each(['3y', '13mo', '45d', '7h', '90min', '30s'])('%s is read back, of each rule', async (keep) => {
    const rules = Object.fromEntries([...places.keys()].map((rule) => [rule, { keep }]))
    const person = randomUUID()
    for (const next of [stateOf(rules), stateOf(rules, person)]) {
      await apply(next)
      // Whatever the spec says by now.
      const { rules: found } = await observe()
      expect(found).toEqual(next.rules)
      expect(await observe(next)).toMatchObject(next)
    }
    const onHold = stateOf(Object.fromEntries([...places.keys()].map((rule) => [rule, { keep, hold: true }])), person)
    await apply(onHold)
    expect((await observe()).rules).toEqual(onHold.rules)
    expect(await observe(onHold)).toMatchObject(onHold)
    const before = await Promise.all(tables.map(definition))
    await apply(onHold)
    expect(await Promise.all(tables.map(definition))).toEqual(before)
  })

  const day = 86_400_000
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString().replace('T', ' ').slice(0, 23)
  const dayAgo = (days: number) => ago(days * day).slice(0, 10)
  const insert = (table: string, row: object) => client.insert({ table, values: [row], format: 'JSONEachRow' })

  /** A row of somebody, of that age; the second column of a table tells one row from another. */
  const plant: Record<string, (who: string, days: number) => Promise<unknown>> = {
    'user-interactions': (user_id, days) => insert('user_interactions', { user_id, timestamp: ago(days * day) }),
    'search-queries': (user_id, days) => insert('search_queries', { user_id, timestamp: ago(days * day) }),
    'job-interactions': (user_id, days) => insert('job_interactions', { user_id, timestamp: ago(days * day) }),
    'behavior-segments': (user_id, days) =>
      insert('user_behavior_segments', { user_id, calculation_date: dayAgo(days), model_version: 'm' }),
    'daily-user-metrics': (user_id, days) => insert('daily_user_metrics', { user_id, date: dayAgo(days) }),
    'search-trends': (keyword, days) =>
      insert('search_trends', { keyword, date: dayAgo(days), search_count: 1, total_results: 1, total_clicks: 1 }),
  }
  async function left(rule: string): Promise<string[]> {
    const { table = '', people = false } = places.get(rule) ?? {}
    const found = await rows<{ who: string }>(`SELECT ${people ? 'user_id' : 'keyword'} AS who FROM ${table}`)
    return found.map(({ who }) => who).sort()
  }

  describe.each(Object.keys(plant))('%s', (rule) => {
    const short = (hold = false) => ({ [rule]: { keep: '6mo', hold } })
    const { people = false } = places.get(rule) ?? {}
    const [young, old, held] = [randomUUID(), randomUUID(), randomUUID()]

    test('a shorter period is counted, and removes just that; a person on hold keeps all', async () => {
      await plant[rule]?.(young, 100)
      await plant[rule]?.(old, 300)
      await plant[rule]?.(held, 310)
      const next = stateOf(short(), held)
      const all = [young, old, held].sort()
      expect((await observe()).oldest[rule]?.toISOString().slice(0, 10)).toBe(dayAgo(310))
      expect((await removes(next))[rule]).toBe(people ? 1 : 2)
      expect((await removes(stateOf(short())))[rule]).toBe(2)
      await merged()
      expect(await left(rule)).toEqual(all)

      await apply(next)
      await merged()
      expect(await left(rule)).toEqual(people ? [young, held].sort() : [young])
      const seen = await observe(next)
      expect(seen).toMatchObject(next)
      expect(seen.oldest[rule]?.toISOString().slice(0, 10)).toBe(dayAgo(100))
      expect(await removes(next)).toEqual({})

      // The end of the hold.
      expect((await removes(stateOf(short())))[rule]).toBe(people ? 1 : undefined)
      await apply(stateOf(short()))
      await merged()
      expect(await left(rule)).toEqual([young])
    })

    test('of a rule on hold nothing goes, and nothing is old', async () => {
      await apply(stateOf(short(true)))
      await plant[rule]?.(old, 300)
      await merged()
      expect(await left(rule)).toEqual([old])
      const seen = await observe()
      expect(seen.rules[rule]).toEqual({ keep: '6mo', hold: true })
      expect(seen.oldest[rule]).toBeUndefined()
      expect(await removes(stateOf(short(true)))).toEqual({})
      // It ends with another period, and then with its own.
      expect(await removes(stateOf({ [rule]: { keep: '1y' } }))).toEqual({})
      await apply(stateOf({ [rule]: { keep: '1y' } }))
      await merged()
      expect(await left(rule)).toEqual([old])
      expect((await removes(stateOf(short())))[rule]).toBe(1)
      await apply(stateOf(short()))
      await merged()
      expect(await left(rule)).toEqual([])
    })
  })

  describe('interaction-places', () => {
    const full = { user_agent: 'a browser', ip_address: '::ffff:192.0.2.0', city: 'Lyon', country: 'FR' }
    const user = randomUUID()
    const at = (ms: number) => insert('user_interactions', { user_id: user, timestamp: ago(ms), ...full })
    const found = () =>
      rows(`SELECT user_agent, city, toString(ip_address) AS ip, country FROM user_interactions ORDER BY timestamp`)
    const emptied = { user_agent: '', city: '', ip: '::', country: 'FR' }
    const whole = { user_agent: 'a browser', city: 'Lyon', ip: '::ffff:192.0.2.0', country: 'FR' }
    const rule = 'interaction-places'

    test('a shorter period empties the columns, also of people on hold, whose rows stay', async () => {
      await at(20 * day)
      await at(5 * day)
      const next = stateOf({ [rule]: { keep: '10d' } }, user)
      expect(await removes(next)).toEqual({ [rule]: 1 })
      expect((await observe()).oldest[rule]?.toISOString().slice(0, 10)).toBe(dayAgo(20))
      await apply(next)
      await merged()
      expect(await found()).toEqual([emptied, whole])
      expect(await observe(next)).toMatchObject(next)
      // What is empty is no longer old.
      expect((await observe(next)).oldest[rule]?.toISOString().slice(0, 10)).toBe(dayAgo(5))
      expect(await removes(next)).toEqual({})
    })

    test('on hold they stay, and its end counts what came of age', async () => {
      await apply(stateOf({ [rule]: { keep: '10d', hold: true } }))
      await at(20 * day)
      await merged()
      expect(await found()).toEqual([whole])
      const seen = await observe()
      expect(seen.rules[rule]).toEqual({ keep: '10d', hold: true })
      expect(seen.oldest[rule]).toBeUndefined()
      expect(await removes(stateOf({ [rule]: { keep: '10d' } }))).toEqual({ [rule]: 1 })
      await apply(stateOf({ [rule]: { keep: '10d' } }))
      await merged()
      expect(await found()).toEqual([emptied])
      expect(await rows(`SELECT name FROM system.tables WHERE database = {database:String} AND name = 'retention_notes'`, { database })).toEqual([])
    }) // prettier-ignore
  })

  // Parts have noted when all in them is too old, by the TTL of the time when they were written.
  describe('what comes of age meanwhile stays when a longer period comes after', () => {
    const afterSeconds = 5
    const justInTime = () => {
      const timestamp = new Date(before(new Date(), readPeriod('1h')).getTime() + afterSeconds * 1000)
      return timestamp.toISOString().replace('T', ' ').slice(0, 23)
    }
    const comesOfAge = () => new Promise((resolve) => setTimeout(resolve, (afterSeconds + 2) * 1000))
    const stopped = ['user_interactions', 'search_queries']

    // As when the last one was not long ago. One would note anew.
    beforeEach(async () => {
      for (const table of stopped) await command(`SYSTEM STOP TTL MERGES ${table}`)
    })
    afterEach(async () => {
      for (const table of stopped) await command(`SYSTEM START TTL MERGES ${table}`)
    })

    test('columns on hold', async () => {
      const values = { user_agent: 'a browser', city: 'Lyon' }
      await apply(stateOf({ 'interaction-places': { keep: '1h' } }))
      await insert('user_interactions', { user_id: randomUUID(), timestamp: justInTime(), ...values })
      await apply(stateOf({ 'interaction-places': { keep: '1h', hold: true } }))
      await comesOfAge()
      await apply(stateOf({ 'interaction-places': { keep: '2h' } }))
      await merged()
      expect(await rows('SELECT user_agent, city FROM user_interactions')).toEqual([values])
    })

    test('rows on hold', async () => {
      await command('ALTER TABLE search_queries MODIFY TTL toDateTime(timestamp) + INTERVAL 1 HOUR')
      await insert('search_queries', { user_id: randomUUID(), timestamp: justInTime() })
      await apply(stateOf({ 'search-queries': { keep: '1h', hold: true } }))
      await comesOfAge()
      await apply(stateOf({ 'search-queries': { keep: '2h' } }))
      await merged()
      expect(await left('search-queries')).toHaveLength(1)
    })

    test('rows of a TTL that somebody took away', async () => {
      await command('ALTER TABLE search_queries MODIFY TTL toDateTime(timestamp) + INTERVAL 1 HOUR')
      await insert('search_queries', { user_id: randomUUID(), timestamp: justInTime() })
      await command('ALTER TABLE search_queries REMOVE TTL')
      await comesOfAge()
      await apply(stateOf())
      await merged()
      expect(await left('search-queries')).toHaveLength(1)
    })
  })

  test('by hand: another period, none, another TTL and one column are seen, and put right', async () => {
    const time = 'toDateTime(timestamp)'
    await plant['search-queries']?.(randomUUID(), 300)
    // prettier-ignore
    const byHand: [statement: string, rule: string, keep: string][] = [
      [`search_queries MODIFY TTL ${time} + INTERVAL 2 YEAR`,                       'search-queries',     '2y'],
      [`search_queries MODIFY TTL ${time} + INTERVAL 12 MONTH`,                     'search-queries',     '1y'],
      [`search_queries MODIFY TTL ${time} + INTERVAL 14 MONTH + INTERVAL 3 DAY`,    'search-queries',     '14mo 3d'],
      ['search_queries REMOVE TTL',                                                 'search-queries',     endless],
      [`search_queries MODIFY TTL ${time} + INTERVAL 2 YEAR WHERE is_anonymous`,    'search-queries',     foreign],
      [`user_interactions MODIFY COLUMN city TTL ${time} + INTERVAL 90 DAY`,        'interaction-places', '90d'],
      ['user_interactions MODIFY COLUMN ip_address REMOVE TTL',                     'interaction-places', endless],
    ]
    const short = stateOf({ 'search-queries': { keep: '6mo' } })
    for (const [statement, rule, keep] of byHand) {
      await command(`ALTER TABLE ${statement}`)
      expect((await observe()).rules, statement).toEqual({ ...stateOf().rules, [rule]: { keep, hold: false } })
      // Nothing that is there is as old as that.
      expect(await removes(stateOf()), statement).toEqual({})
      expect((await removes(short))['search-queries'], statement).toBe(1)
      await apply(stateOf())
      expect((await observe()).rules, statement).toEqual(stateOf().rules)
    }
    await merged()
    expect(await left('search-queries')).toHaveLength(1)
  })

  test('a rule that waits for an approval stays as it is, while people are put on hold', async () => {
    await command('ALTER TABLE search_trends REMOVE TTL')
    const { rules, holds } = stateOf({}, randomUUID())
    const next: RetentionState = { rules: { ...rules, 'search-trends': { keep: endless, hold: false } }, holds }
    await apply(next)
    expect(await observe({ ...stateOf(), holds })).toMatchObject(next)
    expect(await definition('search_trends')).not.toContain('TTL')
  })

  test('a TTL that is none of ours, and waits, removes nothing any more once somebody is on hold', async () => {
    await command(
      'ALTER TABLE search_queries MODIFY TTL toDateTime(timestamp) + toIntervalYear(1) WHERE results_count = 0',
    )
    const { rules, holds } = stateOf({}, randomUUID())
    const seen = await observe({ ...stateOf(), holds })
    expect(seen.rules['search-queries']).toEqual({ keep: foreign, hold: false })
    await apply({ rules: { ...rules, 'search-queries': { keep: foreign, hold: false } }, holds })
    const after = await observe({ ...stateOf(), holds })
    expect(after.rules['search-queries']).toEqual({ keep: '18mo', hold: true })
    expect(after.holds).toEqual(holds)
  })

  test('cut short anywhere: what there is differs from what is wanted, and the rest is left to do', async () => {
    const people = [randomUUID(), randomUUID()].sort()
    const everything = {
      'search-trends': { keep: '1y', hold: true },
      'interaction-places': { keep: '60d', hold: true },
    }
    const less = stateOf({ 'search-queries': { keep: '3y' } }, people[0] ?? '')
    for (const next of [stateOf(everything, ...people), less, stateOf()]) {
      const statements = changes(await look(), next, '')
      expect(statements.length).toBeGreaterThan(1)
      for (const [done, statement] of statements.entries()) {
        const { rules, holds } = await observe(next)
        expect({ rules, holds }, statement).not.toEqual(next)
        // Of which nobody knows whether it was done is done again.
        const rest = changes(await look(), next, '').filter((one) => !one.endsWith('MATERIALIZE TTL'))
        expect(rest).toEqual(statements.slice(done).filter((one) => !one.endsWith('MATERIALIZE TTL')))
        await command(statement)
      }
      expect(await observe(next)).toMatchObject(next)
    }
  })

  const look = async () => {
    const definitions = new Map<string, string[]>()
    for (const table of tables) definitions.set(table, [await definition(table)])
    const isNoted = (await definition('retention_notes')) !== ''
    const found = isNoted ? await rows<{ about: string; text: string }>('SELECT about, text FROM retention_notes') : []
    return { definitions, notes: new Map(found.map(({ about, text }) => [about, text])) }
  }

  test('a reason is text, whatever it says, and changes alone', async () => {
    const subject = randomUUID()
    const reasons = [
      `it's "case" \\ 1; -- /* {x:String} */`,
      `'); DROP TABLE user_interactions; --`,
      'línea\nzwei\ttab\\n',
      'case 2',
    ]
    for (const reason of reasons) {
      const next = { ...stateOf(), holds: [{ subject, reason }] }
      await apply(next)
      expect((await observe(next)).holds).toEqual(next.holds)
    }
    expect(await definition('user_interactions')).toContain(subject)
  })

  test('as many people as a spec may name, with the longest reasons', async () => {
    const holds = Array.from({ length: 256 }, () => ({ subject: randomUUID(), reason: '界'.repeat(256) }))
    const [first] = holds
    await plant['search-queries']?.(first?.subject ?? '', 300)
    await plant['search-queries']?.(randomUUID(), 300)
    const next = { ...stateOf({ 'search-queries': { keep: '6mo' } }), holds }
    expect((await removes(next))['search-queries']).toBe(1)
    await apply(next)
    await merged()
    expect(await left('search-queries')).toEqual([first?.subject])
    const seen = await observe(next)
    expect(seen.holds).toEqual([...holds].sort((a, b) => (a.subject < b.subject ? -1 : 1)))
  })

  test('migrations find nothing to do, and a schema with other periods and holds is adopted', async () => {
    await apply(
      stateOf({ 'search-queries': { keep: '5d' }, 'interaction-places': { keep: '5d', hold: true }, 'search-trends': { keep: '1y', hold: true } }, randomUUID()),
    ) // prettier-ignore
    const before = await Promise.all(tables.map(definition))
    expect(await applyTo('clickhouse', url, migrations)).toEqual([])
    for (const table of tables) await command(`ALTER TABLE ${table} RESET SETTING min_bytes_for_wide_part, min_rows_for_wide_part`)
    await command('DROP TABLE schema_migrations SYNC')
    await baseline(migrations, await connectTo('clickhouse', url), options())
    expect(await applyTo('clickhouse', url, migrations)).toEqual([])
    for (const table of tables) await command(`ALTER TABLE ${table} MODIFY SETTING min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0`)
    expect(await Promise.all(tables.map(definition))).toEqual(before)
  }) // prettier-ignore

  test('an erasure reaches also who was on hold', async () => {
    const [person, other] = [randomUUID(), randomUUID()]
    await apply(stateOf({}, person))
    for (const rule of Object.keys(plant).filter((name) => places.get(name)?.people)) {
      await plant[rule]?.(person, 100)
      await plant[rule]?.(other, 100)
    }
    const statements = split(readFileSync(join(behavior, 'erase.sql'), 'utf8')).map(({ text }) => text)
    for (const query of statements.slice(0, -1)) await client.command({ query, query_params: { user_id: person } })
    const count = async (user_id: string) =>
      Number((await rows<{ left: number }>(statements.at(-1) ?? '', { user_id }))[0]?.left)
    expect(await count(person)).toBe(0)
    expect(await count(other)).toBeGreaterThanOrEqual(5)
  })
})

test('the owner may do all of it', async () => {
  await applyTo('clickhouse', urlOf('clickhouse'), migrations)
  const owner = targetOf(urlOf('clickhouse'))
  const next = stateOf({ 'search-trends': { hold: true }, 'interaction-places': { hold: true } }, randomUUID())
  for (const state of [next, stateOf()]) {
    await retention.removes(owner, planOf(state), state, soon())
    await retention.apply(owner, planOf(state), state, soon())
    expect(await retention.observe(owner, planOf(state), soon())).toMatchObject(state)
  }
})

test('a server that does not answer is not told to be without tables', async () => {
  const plan = planOf(stateOf())
  await expect(retention.observe({ ...target, port: 1 }, plan, soon())).rejects.toThrow()
  await expect(retention.observe({ ...target, password: 'wrong' }, plan, soon())).rejects.toThrow()
  await expect(retention.observe(target, plan, AbortSignal.abort())).rejects.toThrow()
})
