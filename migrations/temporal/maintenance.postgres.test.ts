import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import { addPattern, addSlot, bookedFor, someone } from './testing/slots.ts'

const db = testDatabase('temporal')
const run = (name: string) =>
  db.as('outbox_worker', null, async (query) => {
    await query(`SET LOCAL ROLE ${db.owner}`)
    const done = await one<boolean>(query, `SELECT run_maintenance_job($1)`, [name])
    return { done, error: await one(query, `SELECT last_error FROM maintenance_jobs WHERE name = $1`, [name]) }
  })
const ended = { done: true, error: null }
const daysAgo = (days: number) => `now() - interval '${days} days'`

describe('jobs', () => {
  test('all of the list succeed as owner, and say when they ran', async () => {
    const names = (await db.query('SELECT name FROM maintenance_jobs')).map((row) => row['name'] as string)
    expect(names.sort()).toEqual([
      'create-outbox-partitions',
      'drop-outbox-partitions',
      'expire-rows',
      'purge-cron-history',
      'purge-event-records',
      'purge-interview-bookings',
      'purge-meeting-details',
      'refresh-daily-scheduling-metrics',
      'refresh-hourly-availability-stats',
      'watch-default-partitions',
    ])
    for (const name of names) expect(await run(name), name).toEqual(ended)
    expect(await db.query('SELECT FROM maintenance_jobs WHERE last_run_at IS NULL')).toEqual([])
  })

  test('make partitions for a week, and fail while something lies beside them', async () => {
    const days = `SELECT count(*) FROM range_partitions('outbox_events') WHERE range_to > now()`
    expect(await one(db.query, days)).toBe('8')
    await db.query(`INSERT INTO outbox_events (aggregate_type, aggregate_id, event_type, event_data, created_at)
                    VALUES ('interview', gen_random_uuid(), 'x', '{}', '2020-01-01')`)
    const watch = () => run('watch-default-partitions')
    expect(await watch()).toEqual({
      done: false,
      error: expect.stringMatching(/^23514 rows in the default partition of outbox_events: 1\. /) as string,
    })
    await db.query('DELETE FROM outbox_events_default')
    expect(await watch()).toEqual(ended)
  })

  test('forget a booking in the guard a week after the interview, not before', async () => {
    const [old, young] = [
      await addSlot(db.query, daysAgo(8), bookedFor(someone())),
      await addSlot(db.query, daysAgo(6), bookedFor(someone())),
    ]
    expect(await run('purge-interview-bookings')).toEqual(ended)
    expect(await db.query(`SELECT slot_id AS id FROM interview_bookings`)).toEqual([{ id: young }])
    expect(await db.query(`SELECT FROM interview_slots WHERE slot_id = $1`, [old])).toHaveLength(1)
  })

  test('forget how to get into a meeting a week after it ended, not before, and leave the booking alone', async () => {
    const meeting = { meeting_url: `'https://meet.invalid'`, meeting_location: `'{"room":1}'` }
    const old = await addSlot(db.query, daysAgo(8), { ...meeting, ...bookedFor(someone()) })
    const long = await addSlot(db.query, daysAgo(8), { ...meeting, slot_end: daysAgo(6) })
    expect(await run('purge-meeting-details')).toEqual(ended)
    expect(
      await db.query(
        `SELECT slot_id AS id FROM interview_slots WHERE meeting_url IS NOT NULL AND meeting_location IS NOT NULL`,
      ),
    ).toEqual([{ id: long }])
    expect(await db.query(`SELECT status FROM interview_slots WHERE slot_id = $1`, [old])).toEqual([
      { status: 'booked' },
    ])
  })
})

describe('erasure', () => {
  const [person, other, recruiter, rival] = [someone(), someone(), randomUUID(), randomUUID()]
  let past: string, future: string, offered: string, done: string, foreign: string
  const erase = (userId: string) =>
    db.as('outbox_worker', null, (query) =>
      query(`SELECT matched = erased AS all, matched > 0 AS some, left_over::int AS left FROM erase_user_data($1)`, [
        userId,
      ]),
    )

  beforeAll(async () => {
    const meeting = {
      meeting_url: `'https://canary.invalid'`,
      meeting_location: `'{"at":"canary"}'`,
      recruiter_id: `'${recruiter}'`,
    }
    await addPattern(db.query, person.userId, { notes: `'v1.k.n.canary.t'`, created_by: `'ml_inference'` })
    await addPattern(db.query, person.userId, { '"timestamp"': daysAgo(700) })
    await addPattern(db.query, other.userId)
    past = await addSlot(db.query, daysAgo(20), { ...meeting, ...bookedFor(person) })
    future = await addSlot(db.query, daysAgo(-20), { ...meeting, ...bookedFor(person) })
    done = await addSlot(db.query, daysAgo(40), {
      ...meeting,
      ...bookedFor(person),
      status: `'cancelled'`,
      cancellation_reason: `'v1.k.n.canary.t'`,
    })
    offered = await addSlot(db.query, daysAgo(-30), {
      recruiter_id: `'${recruiter}'`,
      meeting_url: `'https://canary.invalid'`,
    })
    foreign = await addSlot(db.query, daysAgo(-30), {
      ...bookedFor(other),
      recruiter_id: `'${rival}'`,
      booked_by: `'${person.userId}'`,
    })
    for (const id of [person.userId, other.userId])
      await db.query(`SELECT record_metric('availability_coverage', 'user', $1, 40, 'percentage')`, [id])
    await db.query(
      `INSERT INTO outbox_dead_letters SELECT event_id, aggregate_type, aggregate_id, event_type, event_data, 1, sequence, 'x', 3
                      FROM outbox_events WHERE event_data ->> 'candidate_user_id' = $1 LIMIT 1`,
      [person.userId],
    )
  })

  /** Tables with a value that holds the text. */
  const traces = async (text: string) => {
    const tables = await db.query(
      `SELECT relname FROM pg_class c WHERE relkind IN ('r', 'p', 'm') AND NOT relispartition AND relnamespace = 'public'::regnamespace`,
    )
    const found = []
    for (const table of tables.map((row) => row['relname'] as string))
      if ((await db.query(`SELECT FROM ${table} t WHERE t::text LIKE $1`, [`%${text}%`])).length > 0) found.push(table)
    return found.sort()
  }
  const slot = async (id: string) =>
    (
      await db.query(
        `SELECT status, recruiter_id AS recruiter, candidate_user_id AS candidate, booked_by AS by FROM interview_slots WHERE slot_id = $1`,
        [id],
      )
    )[0]

  test('of a candidate leaves no trace in any table, the interviews without a person, and everybody else alone', async () => {
    expect(await traces(person.userId)).toEqual([
      'availability_current',
      'availability_patterns',
      'interview_slots',
      'outbox_dead_letters',
      'outbox_events',
      'temporal_analytics',
    ])
    const others = await traces(other.userId)
    expect(await erase(person.userId)).toEqual([{ all: true, some: true, left: 0 }])
    expect(await traces(person.userId)).toEqual([])
    expect(await traces(person.candidateId)).toEqual([])
    expect(await traces('v1.k.n.canary.t')).toEqual([])
    expect(await slot(past)).toEqual({ status: 'completed', recruiter, candidate: null, by: null })
    expect(await slot(future)).toEqual({ status: 'cancelled', recruiter, candidate: null, by: null })
    expect(await slot(done)).toMatchObject({ status: 'cancelled', candidate: null })
    expect(await slot(foreign)).toEqual({ status: 'booked', recruiter: rival, candidate: other.userId, by: null })
    expect(await traces(other.userId)).toEqual(others)
    // Who has to know hears that the interview is off, from an event that names nobody.
    const events = `SELECT event_data FROM outbox_events WHERE aggregate_id = $1 ORDER BY sequence DESC LIMIT 1`
    expect(await one(db.query, events, [future])).toMatchObject({
      changed_fields: expect.arrayContaining(['status']) as string[],
    })
    expect(await one(db.query, events, [future])).not.toHaveProperty('candidate_user_id')
    expect(await erase(person.userId)).toEqual([{ all: true, some: false, left: 0 }])
  })

  test('of a recruiter cancels what is to come and leaves a number that means nobody', async () => {
    await db.query(`UPDATE interview_slots SET booked_by = $2 WHERE slot_id = $1`, [foreign, recruiter])
    expect(await erase(recruiter)).toEqual([{ all: true, some: true, left: 0 }])
    expect(await traces(recruiter)).toEqual([])
    expect(await traces('canary')).toEqual([])
    const [first, second] = [await slot(offered), await slot(past)]
    expect(first).toMatchObject({ status: 'cancelled' })
    expect(first?.['recruiter']).toBe(second?.['recruiter'])
    expect(await slot(foreign)).toMatchObject({ status: 'booked', recruiter: rival, by: null })
    expect(await erase(recruiter)).toEqual([{ all: true, some: false, left: 0 }])
  })

  test.each(['authenticated_users', 'recruiter_role', 'admin_role'] as const)('is not for %s', async (role) => {
    await expect(
      db.as(role, other.userId, (query) => query(`SELECT * FROM erase_user_data($1)`, [other.userId])),
    ).rejects.toMatchObject({ code: '42501' })
  })
})
