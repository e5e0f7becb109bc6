import { ClickHouseLogLevel, createClient, type ClickHouseClient, type ClickHouseSettings } from '@clickhouse/client'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { split } from '../runner/clickhouse-file.ts'
import { readMigrations } from '../runner/files.ts'
import { formats } from '../runner/formats.ts'
import { applyTo, ca, urlOf } from '../runner/testing-engines.ts'
import { missing, type Thing } from '../testing/coverage.ts'

/* The tables of the behaviour store, in a database of this file's own. Rows are written as the service will: in batches with a token. */

const database = `behavior_${randomBytes(4).toString('hex')}`
const url = urlOf('clickhouse', 'admin', database)
const tls = { ca_cert: readFileSync(ca) }
/** What goes wrong is seen by the test. */
const log = { level: ClickHouseLogLevel.OFF }
let client: ClickHouseClient

const rows = async <Row>(query: string, parameters: Record<string, unknown> = {}): Promise<Row[]> =>
  (await client.query({ query, query_params: parameters, format: 'JSONEachRow' })).json<Row>()

let batch = 0
const nextToken = () => `BEHAVIOR:${++batch}`

async function insert(table: string, values: object[], settings: ClickHouseSettings = {}): Promise<void> {
  const clickhouse_settings = {
    insert_deduplication_token: nextToken(),
    deduplicate_blocks_in_dependent_materialized_views: 1,
    ...settings,
  } as const
  await client.insert({ table, values, format: 'JSONEachRow', clickhouse_settings })
}

beforeAll(async () => {
  const { origin, username, password } = new URL(url)
  const admin = createClient({ url: origin, username, password, tls, log })
  await admin.command({ query: `CREATE DATABASE ${database}` })
  await admin.close()
  await applyTo('clickhouse', url, await readMigrations(import.meta.dirname, formats.clickhouse))
  client = createClient({ url: origin, username, password, database, tls, log })
})
afterAll(async () => {
  await client.command({ query: `DROP DATABASE ${database} SYNC` })
  await client.close()
})

const interaction = (user: string, more: object = {}) => ({
  event_id: randomUUID(),
  user_id: user,
  timestamp: '2026-11-20 10:00:00.000',
  event_type: 'page_view',
  session_id: randomUUID(),
  ip_address: '::ffff:192.0.2.0',
  ...more,
})
const search = (user: string, text: string, more: object = {}) => ({
  query_id: randomUUID(),
  user_id: user,
  timestamp: '2026-11-20 10:00:00.000',
  query_text: text,
  results_count: 7,
  results_clicked: 2,
  time_spent_seconds: 30,
  session_id: randomUUID(),
  ...more,
})
const segment = (more: object) => ({ user_id: randomUUID(), model_version: 'm1', ...more })
const jobInteraction = (user: string, more: object = {}) => ({
  interaction_id: randomUUID(),
  user_id: user,
  job_id: randomUUID(),
  timestamp: '2026-11-20 10:00:00.000',
  interaction_type: 'view',
  time_on_page: 12,
  session_id: randomUUID(),
  ...more,
})

test('the schema is the golden one', async () => {
  const found = await rows<{ name: string; statement: string }>(
    `SELECT name, create_table_query AS statement FROM system.tables WHERE database = {database:String} ORDER BY name`,
    { database },
  )
  const own = found.filter(({ name }) => !name.startsWith('schema_migrations'))
  const text = own.map(({ statement }) => `${statement.replaceAll(`${database}.`, '')};\n`).join('\n')
  await expect(text).toMatchFileSnapshot('schema.golden.sql')
})

test('the database has what docs/reference/specification-coverage.md names, each of its kind', async () => {
  const live = await rows<Thing>(
    `SELECT if(endsWith(engine, 'View'), 'view', 'table') AS kind, name FROM system.tables WHERE database = {database:String}
     UNION ALL SELECT 'column', concat(table, '.', name) FROM system.columns WHERE database = {database:String}`,
    { database },
  )
  expect(missing('behavior', live)).toEqual([])
})

describe('a batch that is delivered again', () => {
  test('counts once: in the table, the daily metrics and the trends (D-137)', async () => {
    const user = randomUUID()
    await insert('trend_vocabulary', [{ keyword: 'haskell', source: 'skill' }])
    const token = { insert_deduplication_token: nextToken() }
    const deliver = async () => {
      await insert('user_interactions', interactions, token)
      await insert('search_queries', searches, token)
      await insert('job_interactions', jobs, token)
    }
    const interactions = [interaction(user, { page_load_time: 100 }), interaction(user, { page_load_time: 300 })]
    const searches = [search(user, 'Haskell')]
    const jobs = [jobInteraction(user)]
    await deliver()
    const metrics = () =>
      rows(`SELECT * EXCEPT (user_id, date) FROM daily_user_metrics_v WHERE user_id = {user:UUID}`, { user })
    const trends = () => rows(`SELECT * FROM search_trends_v WHERE keyword = 'haskell'`)
    const once = [await metrics(), await trends()]
    expect(once).toEqual([
      [{ total_events: 2, unique_sessions: 2, avg_page_load_time: 200, total_time_spent: 42 }],
      [{ keyword: 'haskell', date: '2026-11-20', search_count: 1, total_results: 7, total_clicks: 2 }],
    ])
    await deliver()
    await deliver()
    expect([await metrics(), await trends()]).toEqual(once)
    expect(await rows(`SELECT count() AS n FROM user_interactions WHERE user_id = {user:UUID}`, { user })).toEqual([
      { n: 2 },
    ])
  })

  test('an event that comes again in another batch counts once by its id, and again in averages and sums', async () => {
    const user = randomUUID()
    const event = interaction(user, { page_load_time: 100 })
    await insert('user_interactions', [event])
    await insert('user_interactions', [event, interaction(user, { page_load_time: 400 })])
    await insert('trend_vocabulary', [{ keyword: 'elixir', source: 'skill' }])
    const [query, job] = [search(user, 'Elixir'), jobInteraction(user)]
    for (let delivery = 0; delivery < 2; delivery++) {
      await insert('search_queries', [query])
      await insert('job_interactions', [job])
    }
    const select = `SELECT uniqExact(event_id) AS events, (SELECT total_events FROM daily_user_metrics_v WHERE user_id = {user:UUID}) AS total
                      FROM user_interactions WHERE user_id = {user:UUID}`
    expect(await rows(select, { user })).toEqual([{ events: 2, total: 2 }])
    // Ids count once: of events, of sessions. The average has 100 twice, and the sum 30 and 12 seconds twice.
    expect(
      await rows(`SELECT * EXCEPT (user_id, date) FROM daily_user_metrics_v WHERE user_id = {user:UUID}`, { user }),
    ).toEqual([{ total_events: 2, unique_sessions: 2, avg_page_load_time: 200, total_time_spent: 84 }])
    expect(await rows(`SELECT * EXCEPT date FROM search_trends_v WHERE keyword = 'elixir'`)).toEqual([
      { keyword: 'elixir', search_count: 2, total_results: 14, total_clicks: 4 },
    ])
    const left = { user_interactions: 2, search_queries: 1, job_interactions: 1 }
    for (const [table, n] of Object.entries(left)) {
      await client.command({ query: `OPTIMIZE TABLE ${table} FINAL` })
      expect(await rows(`SELECT count() AS n FROM ${table} WHERE user_id = {user:UUID}`, { user }), table).toEqual([
        { n },
      ])
    }
  })
})

describe('values', () => {
  test('what is left out is unknown, and not the first of a list (D-134)', async () => {
    const user = randomUUID()
    const { event_type: _, ...without } = interaction(user)
    await insert('user_interactions', [without])
    const select = `SELECT event_type, event_category, device_type FROM user_interactions WHERE user_id = {user:UUID}`
    expect(await rows(select, { user })).toEqual([
      { event_type: 'unknown', event_category: 'unknown', device_type: 'unknown' },
    ])
  })

  test.each<[string, string, object, string]>([
    [
      'a whole IPv4 address',
      'user_interactions',
      interaction(randomUUID(), { ip_address: '::ffff:192.0.2.7' }),
      'ip_address_is_a_network',
    ],
    [
      'a whole IPv6 address',
      'user_interactions',
      interaction(randomUUID(), { ip_address: '2001:db8:1:2::7' }),
      'ip_address_is_a_network',
    ],
    ['nobody', 'user_interactions', interaction('00000000-0000-0000-0000-000000000000'), 'user_id_is_given'],
    [
      'a property of no list',
      'user_interactions',
      interaction(randomUUID(), { properties: { email: 'a@example.org' } }),
      'properties_are_known',
    ],
    ['nobody who searches', 'search_queries', search('00000000-0000-0000-0000-000000000000', 'x'), 'user_id_is_given'],
    [
      'more than all of it',
      'job_interactions',
      jobInteraction(randomUUID(), { scroll_depth: 101 }),
      'scroll_depth_is_a_percentage',
    ],
    ['a model without name', 'user_behavior_segments', { user_id: randomUUID() }, 'model_is_named'],
    [
      'a salary without currency',
      'user_behavior_segments',
      segment({ salary_range_inferred: [40_000, 50_000] }),
      'salary_has_a_currency',
    ],
    [
      'a currency that is none',
      'user_behavior_segments',
      segment({ salary_range_inferred: [40_000, 50_000], salary_currency: '€' }),
      'salary_has_a_currency',
    ],
    [
      'a range upside down',
      'user_behavior_segments',
      segment({ salary_range_inferred: [50_000, 40_000], salary_currency: 'EUR' }),
      'salary_range_is_one',
    ],
    ['an address as a word', 'trend_vocabulary', { keyword: 'a@example.org', source: 'typed' }, 'keyword_is_clean'],
    ['a number as a word', 'trend_vocabulary', { keyword: '0612345678', source: 'typed' }, 'keyword_is_clean'],
  ])('%s is refused (D-026, D-133, D-136, D-142, D-143)', async (_name, table, row, constraint) => {
    await expect(insert(table, [row])).rejects.toMatchObject({
      code: '469',
      message: expect.stringContaining(constraint) as string,
    })
  })

  test('networks of both kinds are kept', async () => {
    const user = randomUUID()
    await insert('user_interactions', [interaction(user), interaction(user, { ip_address: '2001:db8:1::' })])
    expect(await rows(`SELECT count() AS n FROM user_interactions WHERE user_id = {user:UUID}`, { user })).toEqual([
      { n: 2 },
    ])
  })

  test('a salary has its currency (D-026), and days are numbered as in every store: 0 is Sunday (D-121)', async () => {
    const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
    const user = randomUUID()
    const salary = { salary_range_inferred: [40_000, 50_000], salary_currency: 'EUR' }
    await insert(
      'user_behavior_segments',
      // 22 November 2026 is a Sunday.
      days.map((day, i) =>
        segment({ user_id: user, calculation_date: `2026-11-${22 + i}`, most_active_day: day, ...salary }),
      ),
    )
    const select = `SELECT most_active_day AS day, toInt8(most_active_day) AS number, toDayOfWeek(calculation_date, 2) AS weekday,
                           salary_range_inferred, salary_currency
                      FROM user_behavior_segments_v WHERE user_id = {user:UUID} ORDER BY calculation_date`
    expect(await rows(select, { user })).toEqual(days.map((day, i) => ({ day, number: i, weekday: i, ...salary })))
  })

  test('of segments the last version of a day is read, merged or not (D-132)', async () => {
    const user = randomUUID()
    const version = (engagement_score: number) =>
      segment({
        user_id: user,
        calculation_date: '2026-11-20',
        engagement_score,
        last_updated: `2026-11-20 10:00:00.00${engagement_score}`,
      })
    await insert('user_behavior_segments', [version(1)])
    await insert('user_behavior_segments', [version(2)])
    const select = `SELECT engagement_score, most_active_day, uniqExact(segment_id) OVER () AS ids FROM user_behavior_segments_v WHERE user_id = {user:UUID}`
    expect(await rows(select, { user })).toEqual([{ engagement_score: 2, most_active_day: 'unknown', ids: 1 }])
  })
})

test('trends hold words of the vocabulary, whole, and nothing that was typed besides (D-127, D-128, D-142)', async () => {
  const words = ['c++', 'c#', 'développeur', 'node.js']
  await insert(
    'trend_vocabulary',
    words.map((keyword) => ({ keyword, source: 'skill' })),
  )
  const text = 'C++  c# DÉVELOPPEUR node.js, marie.dupont@example.org 0612345678 Marie'
  await insert('search_queries', [search(randomUUID(), text, { timestamp: '2026-10-01 10:00:00.000' })])
  const found = await rows<{ keyword: string }>(
    `SELECT keyword FROM search_trends_v WHERE date = '2026-10-01' ORDER BY keyword`,
  )
  expect(found.map(({ keyword }) => keyword)).toEqual([...words].sort())
})

test('retention: what is older than its period goes, and what tells of a person sooner (D-129, D-140)', async () => {
  const user = randomUUID()
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().replace('T', ' ').slice(0, 23)
  await insert('user_interactions', [
    interaction(user, { timestamp: ago(732) }),
    interaction(user, { timestamp: ago(31), user_agent: 'a browser', city: 'Lyon', country: 'FR' }),
    interaction(user, { timestamp: ago(29), user_agent: 'a browser', city: 'Lyon', country: 'FR' }),
  ])
  await insert('search_queries', [
    search(user, 'old', { timestamp: ago(550) }),
    search(user, 'new', { timestamp: ago(500) }),
  ])
  await insert('job_interactions', [
    jobInteraction(user, { timestamp: ago(1097) }),
    jobInteraction(user, { timestamp: ago(1000) }),
  ])
  await insert('user_behavior_segments', [
    { user_id: user, calculation_date: ago(367).slice(0, 10), model_version: 'm' },
  ])
  await insert('trend_vocabulary', [{ keyword: 'forgotten', source: 'typed', updated_at: ago(3) }])
  for (const table of [
    'user_interactions',
    'search_queries',
    'job_interactions',
    'user_behavior_segments',
    'trend_vocabulary',
    'daily_user_metrics',
  ])
    await client.command({ query: `OPTIMIZE TABLE ${table} FINAL` })

  const select = `SELECT user_agent, city, country, toString(ip_address) AS ip FROM user_interactions WHERE user_id = {user:UUID} ORDER BY timestamp`
  expect(await rows(select, { user })).toEqual([
    { user_agent: '', city: '', country: 'FR', ip: '::' },
    { user_agent: 'a browser', city: 'Lyon', country: 'FR', ip: '::ffff:192.0.2.0' },
  ])
  expect(await rows(`SELECT query_text FROM search_queries WHERE user_id = {user:UUID}`, { user })).toEqual([
    { query_text: 'new' },
  ])
  expect(await rows(`SELECT count() AS n FROM job_interactions WHERE user_id = {user:UUID}`, { user })).toEqual([
    { n: 1 },
  ])
  expect(await rows(`SELECT count() AS n FROM user_behavior_segments WHERE user_id = {user:UUID}`, { user })).toEqual([
    { n: 0 },
  ])
  expect(await rows(`SELECT count() AS n FROM trend_vocabulary WHERE keyword = 'forgotten'`)).toEqual([{ n: 0 }])
  const days = await rows<{ date: string }>(`SELECT date FROM daily_user_metrics_v WHERE user_id = {user:UUID}`, {
    user,
  })
  expect(days.filter(({ date }) => date < ago(731).slice(0, 10))).toEqual([])
})

describe('erasure', () => {
  const statements = split(readFileSync(join(import.meta.dirname, 'erase.sql'), 'utf8')).map(({ text }) => text)
  const verify = statements.at(-1) ?? ''
  const left = (user: string) => rows<{ left: number }>(verify, { user_id: user })

  async function erase(user: string): Promise<void> {
    for (const query of statements.slice(0, -1)) await client.command({ query, query_params: { user_id: user } })
  }

  test('reaches every table that names a person, targets included, past the mask; others keep theirs; twice is as good (D-130, D-138, D-139)', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    for (const user of [one, other]) {
      await insert('user_interactions', [interaction(user, { user_agent: 'canary' })])
      await insert('search_queries', [search(user, 'canary')])
      await insert('job_interactions', [jobInteraction(user)])
      await insert('user_behavior_segments', [
        { user_id: user, model_version: 'm1' },
        { user_id: user, model_version: 'm2' },
      ])
    }
    const tables = await rows<{ table: string }>(
      `SELECT DISTINCT c.table AS table FROM system.columns c JOIN system.tables t ON t.name = c.table AND t.database = c.database
        WHERE c.database = {database:String} AND c.name = 'user_id' AND t.engine LIKE '%MergeTree' ORDER BY 1`,
      { database },
    )
    // A table that is added later and forgotten here fails.
    for (const { table } of tables)
      expect(
        statements.filter((statement) => new RegExp(`\\b${table}\\b`).test(statement)).length,
      ).toBeGreaterThanOrEqual(3)

    const [before] = await left(one)
    expect(Number(before?.left)).toBeGreaterThanOrEqual(5)
    await erase(one)
    expect((await left(one)).map((row) => Number(row.left))).toEqual([0])
    // Merges may have made fewer rows of its day.
    expect(Number((await left(other))[0]?.left)).toBeGreaterThanOrEqual(5)
    await erase(one)
    expect((await left(one)).map((row) => Number(row.left))).toEqual([0])
  })

  test('of a DELETE alone the rows are still there: the check looks past the mask', async () => {
    const user = randomUUID()
    await insert('search_queries', [search(user, 'canary')])
    await client.command({ query: statements[1] ?? '', query_params: { user_id: user } })
    await client.command({ query: statements[4] ?? '', query_params: { user_id: user } })
    expect(await rows(`SELECT count() AS n FROM search_queries WHERE user_id = {user:UUID}`, { user })).toEqual([
      { n: 0 },
    ])
    expect((await left(user)).map((row) => Number(row.left))).toEqual([2])
  })

  test('the login of the applications may erase, and neither make nor drop anything', async () => {
    const own = new URL(urlOf('clickhouse', 'supersmartmatch_behavior_app_a'))
    await applyTo('clickhouse', urlOf('clickhouse'), await readMigrations(import.meta.dirname, formats.clickhouse))
    const app = createClient({
      url: own.origin,
      username: own.username,
      password: own.password,
      database: own.pathname.slice(1),
      tls,
      log,
    })
    try {
      for (const query of statements.slice(0, -1)) await app.command({ query, query_params: { user_id: randomUUID() } })
      const denied = { code: '497' }
      await expect(app.command({ query: 'DROP TABLE user_interactions' })).rejects.toMatchObject(denied)
      await expect(app.command({ query: 'ALTER TABLE user_interactions DROP COLUMN city' })).rejects.toMatchObject(
        denied,
      )
      await expect(app.command({ query: 'TRUNCATE TABLE user_interactions' })).rejects.toMatchObject(denied)
    } finally {
      await app.close()
    }
  })
})
