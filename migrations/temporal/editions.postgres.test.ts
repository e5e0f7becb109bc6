import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Row } from '../testing/database.ts'
import { communityDatabase } from './testing/community.ts'
import type { Edition } from './testing/community.ts'
import { addPattern, addSlot, bookedFor, someone } from './testing/slots.ts'

/**
 * What people see is the same on both editions of TimescaleDB (D-120): the apache edition is the server's, the community edition runs in
 * this process.
 */
const runMaintenance = ({ as, owner }: Edition, name: string) =>
  as('outbox_worker', null, async (query) => {
    await query(`SET LOCAL ROLE ${owner}`)
    await query(`SELECT run_maintenance_job($1)`, [name])
    expect(await one(query, `SELECT last_error FROM maintenance_jobs WHERE name = $1`, [name]), name).toBeNull()
  })

/** Runs TimescaleDB's jobs of a kind, which its background workers would do. */
async function runPolicies({ query, owner }: Edition, kind: string): Promise<void> {
  const jobs = await query(`SELECT job_id AS id FROM timescaledb_information.jobs WHERE proc_name = $1`, [kind])
  expect(jobs.length).toBeGreaterThan(0)
  await query(`SET ROLE ${owner}`)
  for (const { id } of jobs) await query(`CALL run_job(${String(id)})`)
  await query('RESET ROLE')
}

const editions: Record<
  string,
  { database: () => Edition; refresh: (db: Edition) => Promise<void>; expire: (db: Edition) => Promise<void> }
> = {
  apache: {
    database: () => testDatabase('temporal'),
    refresh: async (db) => {
      await runMaintenance(db, 'refresh-hourly-availability-stats')
      await runMaintenance(db, 'refresh-daily-scheduling-metrics')
    },
    expire: (db) => runMaintenance(db, 'expire-rows'),
  },
  community: {
    database: communityDatabase,
    refresh: (db) => runPolicies(db, 'policy_refresh_continuous_aggregate'),
    expire: async (db) => {
      await runPolicies(db, 'policy_retention')
      await runMaintenance(db, 'expire-rows')
    },
  },
}

/** The two aggregates, as text, for numbers come as such from one driver only. */
const aggregates = async ({ query }: Edition) => ({
  hourly: await query(
    `SELECT extract(epoch FROM now() - bucket)::int / 3600 AS age, availability_type AS type, slot_count::text AS count,
            round(avg_flexibility, 6)::text AS average, user_count::text AS people
       FROM hourly_availability_stats ORDER BY bucket, availability_type`,
  ),
  daily: await query(
    `SELECT extract(epoch FROM date_trunc('day', now()) - bucket)::int / 86400 AS age, status, interview_count::text AS count,
            round(avg_duration_minutes, 6)::text AS average
       FROM daily_scheduling_metrics ORDER BY bucket, status`,
  ),
})

const hoursAgo = (hours: number) => `date_trunc('hour', now()) - interval '${hours} hours' + interval '7 min'`
const daysAgo = (days: number) => `date_trunc('day', now()) - interval '${days} days' + interval '9 hours'`

/** The same rows in every database: of this hour, of the last weeks, of the days to come. */
async function seed({ query }: Edition): Promise<void> {
  const people = Array.from({ length: 3 }, () => randomUUID())
  for (const [index, hours] of [0, 0, 1, 2, 2, 30, 30, 400].entries())
    await addPattern(query, people[index % 3] ?? '', {
      '"timestamp"': hoursAgo(hours),
      flexibility_minutes: String(index * 10),
      ...(index % 2 ? { availability_type: `'unavailable'` } : {}),
    })
  for (const [index, days] of [-20, -1, 0, 0, 1, 5, 5, 5, 60].entries())
    await addSlot(query, `${daysAgo(days)} + interval '${index} min'`, {
      slot_end: `${daysAgo(days)} + interval '${30 + 7 * index} min'`,
      ...(index % 2 ? { status: `'completed'` } : {}),
    })
}

const results = new Map<string, Awaited<ReturnType<typeof aggregates>>>()

describe.each(Object.entries(editions))('%s', (name, { database, refresh, expire }) => {
  const db = database()
  const count = (table: string, where = 'true') => one(db.query, `SELECT count(*)::text FROM ${table} WHERE ${where}`)

  beforeAll(() => seed(db))

  test('says it is itself, and has what that edition has', async () => {
    const licence = await one(db.query, `SELECT current_setting('timescaledb.license')`)
    expect(licence).toBe(name === 'apache' ? 'apache' : 'timescale')
    const policies = name === 'apache' ? '0' : '6'
    expect(
      await one(
        db.query,
        `SELECT count(*)::text FROM timescaledb_information.jobs WHERE owner = '${db.owner}'::regrole`,
      ),
    ).toBe(policies)
  })

  test('the aggregates are what the rows say, after a refresh and before', async () => {
    if (name === 'apache') await refresh(db)
    const fresh = await aggregates(db)
    const rows = await db.query(
      `SELECT availability_type AS type, count(*)::text AS count, round(avg(flexibility_minutes), 6)::text AS average, count(DISTINCT user_id)::text AS people
         FROM availability_patterns GROUP BY date_trunc('hour', "timestamp"), availability_type ORDER BY date_trunc('hour', "timestamp"), 1`,
    )
    expect(fresh.hourly.map(({ age: _, ...row }) => row)).toEqual(rows)
    const days = await db.query(
      `SELECT status, count(*)::text AS count, round(avg(EXTRACT(EPOCH FROM slot_end - slot_start) / 60), 6)::text AS average
         FROM interview_slots GROUP BY date_trunc('day', "timestamp"), status ORDER BY date_trunc('day', "timestamp"), 1`,
    )
    expect(fresh.daily.map(({ age: _, ...row }) => row)).toEqual(days)
    await refresh(db)
    expect(await aggregates(db)).toEqual(fresh)
    results.set(name, fresh)
  })

  test('what is deleted or changed within the last weeks counts as it is now', async () => {
    await db.query(`DELETE FROM availability_patterns WHERE "timestamp" < now() - interval '10 days'`)
    await db.query(
      `UPDATE interview_slots SET status = 'no_show' WHERE "timestamp" BETWEEN now() - interval '7 days' AND now() - interval '3 days'`,
    )
    await refresh(db)
    const { hourly, daily } = await aggregates(db)
    expect(hourly.length).toBe((results.get(name)?.hourly.length ?? 0) - 1)
    expect(daily.filter(({ status }) => status === 'no_show')).toMatchObject([{ age: 5, count: '3' }])
  })

  test('history outlives its rows: they go to the day, the aggregates keep what they counted (D-117)', async () => {
    const limits = { availability_patterns: 731, job_schedules: 366, interview_slots: 1096, temporal_analytics: 1827 }
    const user = randomUUID()
    const add = async (days: number) => {
      await addPattern(db.query, user, { '"timestamp"': daysAgo(days), flexibility_minutes: '30' })
      await addSlot(db.query, daysAgo(days), { status: `'completed'` })
      await db.query(
        `INSERT INTO job_schedules (job_id, "timestamp", schedule_type, timezone) VALUES (gen_random_uuid(), ${daysAgo(days)}, 'flexible', 'UTC')`,
      )
      await db.query(`INSERT INTO temporal_analytics ("timestamp", metric_type, entity_type, entity_id, value)
                      VALUES (${daysAgo(days)}, 'response_time', 'job', gen_random_uuid(), 1)`)
    }
    const ages = Object.values(limits).flatMap((limit) => [limit - 2, limit + 2])
    for (const days of ages) await add(days)
    // About a person only a year.
    for (const days of [364, 368])
      await db.query(
        `INSERT INTO temporal_analytics ("timestamp", metric_type, entity_type, entity_id, value) VALUES (${daysAgo(days)}, 'response_time', 'user', $1, 1)`,
        [user],
      )
    // As they were when the rows were young.
    if (name === 'community')
      for (const view of ['hourly_availability_stats', 'daily_scheduling_metrics'])
        await db.query(`CALL refresh_continuous_aggregate('${view}', NULL, now() - interval '2 days')`)
    else await refresh(db)
    const before = await aggregates(db)
    expect(before.hourly.length).toBeGreaterThan(ages.length)

    await expire(db)
    for (const [table, limit] of Object.entries(limits)) {
      expect(await count(table, `"timestamp" < ${daysAgo(limit)}`), table).toBe('0')
      expect(await count(table, `"timestamp" BETWEEN ${daysAgo(limit - 1)} AND ${daysAgo(limit - 3)}`), table).not.toBe(
        '0',
      )
    }
    expect(await count('temporal_analytics', `entity_type = 'user'`)).toBe('1')
    await refresh(db)
    expect(await aggregates(db)).toEqual(before)
    // And again: nothing is counted twice.
    await expire(db)
    await refresh(db)
    expect(await aggregates(db)).toEqual(before)
    const cutoff = `date_trunc('day', now() - interval '2 years')`
    expect(
      await one(db.query, `SELECT count(*)::text FROM show_chunks('availability_patterns', older_than => ${cutoff})`),
    ).toBe('0')
    // What is in force outlives its history (D-115).
    expect(await count('availability_current', `user_id = '${user}'`)).toBe('1')
  })

  test('bookings are guarded, and a person can be forgotten', async () => {
    const [candidate, recruiter] = [someone(), randomUUID()]
    const at = daysAgo(-40)
    await addPattern(db.query, candidate.userId)
    await addSlot(db.query, at, { ...bookedFor(candidate), recruiter_id: `'${recruiter}'` })
    await expect(
      addSlot(db.query, at, { ...bookedFor(someone()), recruiter_id: `'${recruiter}'` }),
    ).rejects.toMatchObject({ code: '23P01' })
    const erase = () =>
      db.as('outbox_worker', null, (query) =>
        query(`SELECT left_over::int AS left, erased > 0 AS done FROM erase_user_data($1)`, [candidate.userId]),
      )
    expect(await erase()).toEqual([{ left: 0, done: true }])
    expect(await erase()).toEqual([{ left: 0, done: false }])
    await addSlot(db.query, at, { ...bookedFor(someone()), recruiter_id: `'${recruiter}'` })
  })
})

test('both editions counted the same', () => {
  const [apache, community] = [results.get('apache'), results.get('community')]
  expect(apache?.hourly.length).toBeGreaterThan(5)
  expect(community).toEqual(apache)
})

describe('apache', () => {
  const db = testDatabase('temporal')

  test('a row that comes after its bucket went to history is added there, average and all', async () => {
    const bucket = daysAgo(800)
    const add = (minutes: number, userId = randomUUID()) =>
      addPattern(db.query, userId, { '"timestamp"': bucket, flexibility_minutes: String(minutes) })
    const slot = (minutes: number) =>
      addSlot(db.query, daysAgo(1200), { slot_end: `${daysAgo(1200)} + interval '${minutes} min'` })
    const user = randomUUID()
    await add(10, user)
    await add(20, user)
    await slot(30)
    const state = async (): Promise<Row[]> => {
      await editions['apache']?.expire(db)
      await editions['apache']?.refresh(db)
      return db.query(`SELECT slot_count::int AS count, avg_flexibility::float AS average, user_count::int AS people FROM hourly_availability_stats
                       UNION ALL SELECT interview_count::int, avg_duration_minutes::float, 0 FROM daily_scheduling_metrics`)
    }
    expect(await state()).toEqual([
      { count: 2, average: 15, people: 1 },
      { count: 1, average: 30, people: 0 },
    ])
    await add(60)
    await slot(60)
    expect(await state()).toEqual([
      { count: 3, average: 30, people: 1 },
      { count: 2, average: 45, people: 0 },
    ])
  })
})

describe('community', () => {
  const db = communityDatabase()

  test('its policies drop what every rule of a hypertable lets go, and nothing while anybody is on hold', async () => {
    const policies = async () => {
      const jobs = await db.query(
        `SELECT hypertable_name AS name, CASE WHEN scheduled THEN config ->> 'drop_after' ELSE 'held' END AS after
           FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'`,
      )
      return Object.fromEntries(jobs.map(({ name, after }) => [String(name), String(after)]))
    }
    const set = (rules: object, holds: object) =>
      db.query(`SELECT set_retention($1, $2)`, [JSON.stringify(rules), JSON.stringify(holds)])
    const rule = (keep: string, held = false) => ({ keep, held })
    const first = await policies()
    expect(first).toEqual({
      availability_patterns: '2 years',
      interview_slots: '3 years',
      job_schedules: '1 year',
      temporal_analytics: '5 years',
    })
    // What somebody changes by hand is put right with the next deletion.
    const byHand = `SELECT alter_job(job_id, scheduled => false, config => jsonb_set(config, '{drop_after}', '"30 days"'))
                      FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'`
    await db.query(byHand)
    await runMaintenance(db, 'expire-rows')
    expect(await policies()).toEqual(first)
    // Of two rules of a hypertable the longer.
    await set({ 'job-schedules': rule('6 mons'), metrics: rule('1 mon'), 'user-metrics': rule('2 mons') }, {})
    expect(await policies()).toEqual({ ...first, job_schedules: '6 mons', temporal_analytics: '2 mons' })
    await set({ 'user-metrics': rule('2 mons', true) }, {})
    expect(await policies()).toEqual({ ...first, job_schedules: '6 mons', temporal_analytics: 'held' })
    await set({ 'user-metrics': rule('1 year') }, { [randomUUID()]: 'case 1' })
    expect(Object.values(await policies())).toEqual(['held', 'held', 'held', 'held'])
    await set({ 'job-schedules': rule('1 year'), metrics: rule('5 years') }, {})
    expect(await policies()).toEqual(first)
  })

  test('says so when its policies do not run', async () => {
    await runMaintenance(db, 'check-policies')
    await db.query(`UPDATE maintenance_jobs SET created_at = now() - interval '3 days' WHERE name = 'check-policies'`)
    const error = await db.as('outbox_worker', null, async (query) => {
      await query(`SET LOCAL ROLE ${db.owner}`)
      expect(await one<boolean>(query, `SELECT run_maintenance_job('check-policies')`)).toBe(false)
      return one(query, `SELECT last_error FROM maintenance_jobs WHERE name = 'check-policies'`)
    })
    expect(error).toMatch(
      /^55000 TimescaleDB jobs failed or are late: policy_refresh_continuous_aggregate of \S+: last success never/,
    )
  })
})
