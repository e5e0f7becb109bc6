import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Query, Role } from '../testing/database.ts'
import { addPattern, addSlot, bookedFor, someone } from './testing/slots.ts'

const db = testDatabase('temporal')
const refused = { code: '42501' }
const [self, other, recruiter, rival, admin] = [someone(), someone(), randomUUID(), randomUUID(), randomUUID()]
const roles: Role[] = ['authenticated_users', 'recruiter_role', 'admin_role']
const day = (days: number) => `date_trunc('day', now()) + interval '${days} days 9 hours'`

let mine: string, theirs: string

beforeAll(async () => {
  await addPattern(db.query, self.userId, { notes: `'v1.k.n.note.t'` })
  await addPattern(db.query, other.userId)
  mine = await addSlot(db.query, day(5), {
    ...bookedFor(self),
    recruiter_id: `'${recruiter}'`,
    meeting_url: `'https://meet.invalid/mine'`,
  })
  theirs = await addSlot(db.query, day(5), { ...bookedFor(other), recruiter_id: `'${rival}'` })
})

const read = (role: Role, userId: string | null, sql: string) => db.as(role, userId, (query) => query(sql))

describe('reading', () => {
  test.each(roles)('%s has no way to a hypertable, an aggregate, the guard or the outbox', async (role) => {
    for (const table of [
      'availability_patterns',
      'job_schedules',
      'interview_slots',
      'temporal_analytics',
      'interview_bookings',
      'hourly_availability_stats',
      'daily_scheduling_metrics',
      'hourly_availability_stats_history',
      'daily_scheduling_metrics_history',
      'outbox_events',
      'availability_statistics',
    ])
      await expect(read(role, self.userId, `SELECT FROM ${table}`), table).rejects.toMatchObject(refused)
    const chunk = await one(db.query, `SELECT show_chunks('interview_slots')::text LIMIT 1`)
    await expect(read(role, self.userId, `SELECT FROM ${chunk}`)).rejects.toMatchObject(refused)
  })

  test('a person sees the own availability, notes included, and nobody else does', async () => {
    const notes = `SELECT notes FROM my_availability`
    const current = `SELECT user_id FROM availability_current`
    expect(await read('authenticated_users', self.userId, notes)).toEqual([{ notes: 'v1.k.n.note.t' }])
    expect(await read('authenticated_users', self.userId, current)).toEqual([{ user_id: self.userId }])
    for (const nobody of [null, '', randomUUID()]) {
      expect(await read('authenticated_users', nobody, notes)).toEqual([])
      expect(await read('authenticated_users', nobody, current)).toEqual([])
    }
    for (const role of ['recruiter_role', 'admin_role'] as const) {
      await expect(read(role, self.userId, notes)).rejects.toMatchObject(refused)
      await expect(read(role, self.userId, current)).rejects.toMatchObject(refused)
    }
  })

  test('an interview is its parties’; an administrator sees all but how to get in', async () => {
    const slots = async (role: Role, userId: string | null) =>
      (await read(role, userId, `SELECT slot_id, meeting_url FROM my_interviews`)).map((row) => row['slot_id'])
    expect(await slots('authenticated_users', self.userId)).toEqual([mine])
    expect(await slots('recruiter_role', recruiter)).toEqual([mine])
    expect(await slots('recruiter_role', rival)).toEqual([theirs])
    for (const nobody of [null, '', randomUUID()]) expect(await slots('recruiter_role', nobody)).toEqual([])
    await expect(slots('admin_role', admin)).rejects.toMatchObject(refused)
    expect(await read('admin_role', admin, 'SELECT FROM admin_interviews')).toHaveLength(2)
    await expect(read('admin_role', admin, 'SELECT meeting_url FROM admin_interviews')).rejects.toMatchObject({
      code: '42703',
    })
    await expect(read('recruiter_role', recruiter, 'SELECT FROM admin_interviews')).rejects.toMatchObject(refused)
  })

  test('free or busy is all that a recruiter learns of a person', async () => {
    const ask = (role: Role) =>
      db.as(role, recruiter, (query) =>
        query(`SELECT * FROM free_busy($1, now(), now() + interval '8 days')`, [self.userId]),
      )
    const found = await ask('recruiter_role')
    expect(found.map((row) => row['state']).sort()).toEqual(expect.arrayContaining(['busy', 'free']))
    expect(Object.keys(found[0] ?? {})).toEqual(['during', 'state'])
    await expect(ask('authenticated_users')).rejects.toMatchObject(refused)
  })

  test('analysts see no cell that could be about one person', async () => {
    const hour = `date_trunc('hour', now()) - interval '3 hours'`
    // Eleven patterns of one person, and one each of eleven people.
    for (let i = 0; i < 11; i++) {
      const times = { start_time: `'0${i % 10}:0${Math.floor(i / 10)}'`, '"timestamp"': hour }
      await addPattern(db.query, other.userId, { ...times, availability_type: `'unavailable'` })
      await addPattern(db.query, randomUUID(), { ...times, availability_type: `'preferred'` })
      await addSlot(db.query, day(-3), { status: `'completed'` })
      await db.query(`SELECT record_metric('response_time', 'user', $1, 3, 'seconds')`, [randomUUID()])
      await db.query(`SELECT record_metric('response_time', 'job', gen_random_uuid(), 3, 'seconds')`)
    }
    await db.query(
      `SELECT record_metric('availability_coverage', 'user', $1, 50, 'percentage') FROM generate_series(1, 20)`,
      [self.userId],
    )
    await addSlot(db.query, day(-3), { status: `'no_show'` })
    for (const view of ['hourly_availability_stats', 'daily_scheduling_metrics'])
      await db.query(`REFRESH MATERIALIZED VIEW ${view}`)
    const seen = (sql: string) => db.as('analytics', null, (query) => query(sql))
    expect(await seen(`SELECT availability_type AS type, user_count AS people FROM availability_statistics`)).toEqual([
      { type: 'preferred', people: '11' },
    ])
    expect(await seen(`SELECT status, interview_count AS count FROM scheduling_statistics`)).toEqual([
      { status: 'completed', count: '11' },
    ])
    expect(
      await seen(
        `SELECT metric_type AS metric, entity_type AS of, measurements AS count FROM metric_statistics ORDER BY 2`,
      ),
    ).toEqual([
      { metric: 'response_time', of: 'job', count: '11' },
      { metric: 'response_time', of: 'user', count: '11' },
    ])
    await expect(seen(`SELECT FROM hourly_availability_stats`)).rejects.toMatchObject(refused)
    expect(await read('admin_role', admin, `SELECT FROM admin_temporal_analytics`)).toHaveLength(42)
  })
})

describe('free and busy', () => {
  const sql = `SELECT lower(during) AS from, upper(during) AS to, state FROM free_busy($1, $2, $3)`
  const ask = async (userId: string, from: string, to: string) =>
    (await db.as('recruiter_role', recruiter, (query) => query(sql, [userId, from, to]))).map(
      ({ from, to, state }) => `${(from as Date).toISOString()} ${(to as Date).toISOString()} ${state as string}`,
    )

  test('follow the clock of the zone through summer time, overnight and all day (D-122)', async () => {
    const userId = randomUUID()
    // Sundays: on 29 March 2026 Paris skips 2:00 to 3:00, on 25 October it has 2:00 to 3:00 twice.
    await addPattern(db.query, userId, { day_of_week: '0', start_time: `'09:00'`, end_time: `'10:00'` })
    await addPattern(db.query, userId, {
      day_of_week: '6',
      start_time: `'22:00'`,
      end_time: `'06:00'`,
      availability_type: `'unavailable'`,
    })
    expect(await ask(userId, '2026-03-28 12:00Z', '2026-03-29 12:00Z')).toEqual([
      '2026-03-28T21:00:00.000Z 2026-03-29T04:00:00.000Z busy',
      '2026-03-29T07:00:00.000Z 2026-03-29T08:00:00.000Z free',
    ])
    expect(await ask(userId, '2026-10-24 12:00Z', '2026-10-25 12:00Z')).toEqual([
      '2026-10-24T20:00:00.000Z 2026-10-25T05:00:00.000Z busy',
      '2026-10-25T08:00:00.000Z 2026-10-25T09:00:00.000Z free',
    ])
    // Cut to what was asked for.
    expect(await ask(userId, '2026-06-07 07:30Z', '2026-06-07 07:45Z')).toEqual([
      '2026-06-07T07:30:00.000Z 2026-06-07T07:45:00.000Z free',
    ])
    const allDay = randomUUID()
    await addPattern(db.query, allDay, {
      day_of_week: 'NULL',
      start_time: 'NULL',
      end_time: 'NULL',
      timezone: `'Asia/Tokyo'`,
    })
    expect(await ask(allDay, '2026-06-07 00:00Z', '2026-06-08 00:00Z')).toEqual([
      '2026-06-07T00:00:00.000Z 2026-06-07T15:00:00.000Z free',
      '2026-06-07T15:00:00.000Z 2026-06-08T00:00:00.000Z free',
    ])
  })

  test('an hour that is left out in spring is left out', async () => {
    const userId = randomUUID()
    await addPattern(db.query, userId, { day_of_week: '0', start_time: `'02:30'`, end_time: `'03:15'` })
    expect(await ask(userId, '2026-03-29 00:00Z', '2026-03-29 12:00Z')).toEqual([])
    expect(await ask(userId, '2026-03-22 00:00Z', '2026-03-22 12:00Z')).toHaveLength(1)
  })

  test.each([
    ['2026-01-02', '2026-01-01'],
    ['2026-01-01', '2026-03-01'],
  ])('refuse %s to %s', async (from, to) => {
    await expect(ask(randomUUID(), from, to)).rejects.toMatchObject({ code: '22023' })
  })
})

describe('availability', () => {
  const set = (userId: string | null, rest = '') =>
    db.as('authenticated_users', userId, (query) =>
      one(query, `SELECT set_availability('work_hours', 2, '09:00', '12:00', 'Europe/Paris'${rest})`),
    )

  test('a person enters, changes and ends the own', async () => {
    const userId = randomUUID()
    const id = await set(userId)
    expect(await set(userId, `, p_priority => 4, p_from => now() + interval '1 s'`)).toBe(id)
    expect(await read('authenticated_users', userId, `SELECT priority FROM availability_current`)).toEqual([
      { priority: 4 },
    ])
    expect(await read('authenticated_users', userId, `SELECT FROM my_availability`)).toHaveLength(2)
    const remove = (who: string) =>
      db.as('authenticated_users', who, (query) => one<boolean>(query, `SELECT remove_availability($1)`, [id]))
    expect(await remove(other.userId)).toBe(false)
    expect(await remove(userId)).toBe(true)
    expect(await read('authenticated_users', userId, `SELECT FROM availability_current`)).toEqual([])
    await expect(set(userId, `, p_notes => 'plain'`)).rejects.toMatchObject({ code: '23514' })
  })

  test('not without identity, not another’s', async () => {
    await expect(set(null)).rejects.toMatchObject(refused)
    const id = await set(randomUUID())
    await expect(set(randomUUID(), `, p_availability_id => '${id}'`)).rejects.toMatchObject(refused)
    await expect(read('authenticated_users', self.userId, `DELETE FROM availability_current`)).rejects.toMatchObject(
      refused,
    )
  })
})

describe('schedules', () => {
  test('a recruiter sets them, everybody reads what is in force, a closed job has none', async () => {
    const job = randomUUID()
    const set = (role: Role) =>
      db.as(role, recruiter, (query) =>
        one(query, `SELECT set_job_schedule($1, 'work_hours', '09:00', '17:00', '{1,2,3}', 'Europe/Paris')`, [job]),
      )
    const id = await set('recruiter_role')
    expect(await set('admin_role')).toBe(id)
    await expect(set('authenticated_users')).rejects.toMatchObject(refused)
    for (const role of roles)
      expect(
        await read(role, null, `SELECT schedule_id AS id FROM job_schedule_current WHERE job_id = '${job}'`),
      ).toEqual([{ id }])
    expect(
      await db.as('outbox_worker', null, (query) => one<number>(query, `SELECT close_job_schedules($1)`, [job])),
    ).toBe(1)
    expect(await db.query(`SELECT FROM job_schedule_current WHERE job_id = $1`, [job])).toEqual([])
    expect(await db.query(`SELECT FROM job_schedules WHERE job_id = $1`, [job])).toHaveLength(2)
  })
})

describe('interviews', () => {
  let next = 100
  /** A fresh slot of the recruiter's, on a day of its own. */
  const offer = async () => {
    const start = await one(db.query, `SELECT (${day(next++)})::text`)
    const id = await db.as('recruiter_role', recruiter, (query) =>
      one(
        query,
        `SELECT create_interview_slot($1, $2, $2::timestamptz + interval '1 h', 'video', 'https://meet.invalid')`,
        [randomUUID(), start],
      ),
    )
    return { id, start }
  }
  type Slot = Awaited<ReturnType<typeof offer>>
  const call = (role: Role, userId: string | null, name: string, { id, start }: Slot, ...rest: unknown[]) =>
    db.as(role, userId, (query: Query) =>
      query(`SELECT ${name}($1, $2${rest.map((_, index) => `, $${index + 3}`).join('')})`, [id, start, ...rest]),
    )
  const state = async ({ id }: Slot) =>
    (
      await db.query(
        `SELECT status, candidate_user_id AS user, booked_by AS by, booked_at IS NOT NULL AS at, cancellation_reason AS reason FROM interview_slots WHERE slot_id = $1`,
        [id],
      )
    )[0]
  const book = (role: Role, userId: string | null, slot: Slot, who = self) =>
    call(role, userId, 'book_interview', slot, who.candidateId, who.userId)
  const missing = { code: 'P0002' }
  const notNow = { code: '55000' }

  test('a candidate books for itself, a recruiter the own slots, an administrator any; once', async () => {
    const [a, b, c] = [await offer(), await offer(), await offer()]
    await book('authenticated_users', self.userId, a)
    expect(await state(a)).toEqual({ status: 'booked', user: self.userId, by: self.userId, at: true, reason: null })
    await book('recruiter_role', recruiter, b, other)
    expect(await state(b)).toMatchObject({ user: other.userId, by: recruiter })
    await book('admin_role', admin, c)
    await expect(book('authenticated_users', other.userId, a, other)).rejects.toMatchObject({
      ...notNow,
      message: expect.stringContaining('it is booked') as string,
    })
    const d = await offer()
    await expect(book('authenticated_users', other.userId, d)).rejects.toMatchObject(refused)
    await expect(book('authenticated_users', null, d, { ...self, userId: '' })).rejects.toMatchObject({ code: '22P02' })
    await expect(book('recruiter_role', rival, d)).rejects.toMatchObject(missing)
    await expect(book('recruiter_role', null, d)).rejects.toMatchObject(missing)
    await expect(book('authenticated_users', self.userId, { ...d, start: a.start })).rejects.toMatchObject(missing)
  })

  test('nobody books what is past', async () => {
    const slot = await offer()
    const past = await one(db.query, `SELECT (now() - interval '1 h')::text`)
    await db.query(`DELETE FROM interview_slots WHERE slot_id = $1`, [slot.id])
    await addSlot(db.query, `'${past}'::timestamptz`, { slot_id: `'${slot.id}'`, recruiter_id: `'${recruiter}'` })
    await expect(book('authenticated_users', self.userId, { ...slot, start: past })).rejects.toMatchObject({
      ...notNow,
      message: expect.stringContaining('past') as string,
    })
  })

  test('moves with its booking to another chunk (D-114), for the recruiter only', async () => {
    const slot = await offer()
    await book('authenticated_users', self.userId, slot)
    const to = await one(db.query, `SELECT (${day(next + 90)})::text`)
    const end = await one(db.query, `SELECT (${day(next + 90)} + interval '2 h')::text`)
    await expect(call('authenticated_users', self.userId, 'reschedule_interview', slot, to, end)).rejects.toMatchObject(
      refused,
    )
    await expect(call('recruiter_role', rival, 'reschedule_interview', slot, to, end)).rejects.toMatchObject(missing)
    await call('recruiter_role', recruiter, 'reschedule_interview', slot, to, end)
    expect(await state(slot)).toMatchObject({ status: 'booked', user: self.userId })
    expect(
      await db.query(`SELECT FROM interview_bookings WHERE slot_id = $1 AND lower(during) = $2`, [slot.id, to]),
    ).toHaveLength(1)
    await expect(
      call('recruiter_role', recruiter, 'reschedule_interview', { ...slot, start: to }, to, to),
    ).rejects.toMatchObject({ code: '23514' })
    expect(await state(slot)).toMatchObject({ status: 'booked' })
  })

  test('is called off by either party or an administrator, once, with a reason that is ciphertext', async () => {
    for (const [role, userId] of [
      ['authenticated_users', self.userId],
      ['recruiter_role', recruiter],
      ['admin_role', admin],
    ] as const) {
      const slot = await offer()
      await book('authenticated_users', self.userId, slot)
      for (const [stranger, id] of [
        ['authenticated_users', other.userId],
        ['recruiter_role', rival],
        ['authenticated_users', null],
      ] as const)
        await expect(call(stranger, id, 'cancel_interview', slot, 'v1.k.n.x.t')).rejects.toMatchObject(missing)
      await expect(call(role, userId, 'cancel_interview', slot, 'ill')).rejects.toMatchObject({ code: '23514' })
      await call(role, userId, 'cancel_interview', slot, 'v1.k.n.reason.t')
      expect(await state(slot)).toMatchObject({ status: 'cancelled', reason: 'v1.k.n.reason.t' })
      await expect(call(role, userId, 'cancel_interview', slot, null)).rejects.toMatchObject(notNow)
      // The time is free again.
      expect(await db.query(`SELECT FROM interview_bookings WHERE slot_id = $1`, [slot.id])).toEqual([])
    }
  })

  test('ends when it has begun, as completed or no_show', async () => {
    const slot = await offer()
    await book('authenticated_users', self.userId, slot)
    await expect(call('recruiter_role', recruiter, 'finish_interview', slot, 'completed')).rejects.toMatchObject({
      ...notNow,
      message: expect.stringContaining('yet to come') as string,
    })
    const start = await one(db.query, `SELECT (now() - interval '10 min')::text`)
    const begun = {
      id: await addSlot(db.query, `'${start}'::timestamptz`, {
        ...bookedFor(someone()),
        recruiter_id: `'${recruiter}'`,
      }),
      start,
    }
    await expect(call('recruiter_role', recruiter, 'finish_interview', begun, 'cancelled')).rejects.toMatchObject({
      code: '22023',
    })
    await expect(call('recruiter_role', rival, 'finish_interview', begun, 'no_show')).rejects.toMatchObject(missing)
    await call('recruiter_role', recruiter, 'finish_interview', begun, 'no_show')
    expect(await state(begun)).toMatchObject({ status: 'no_show' })
  })

  test('the recruiter says where', async () => {
    const slot = await offer()
    await expect(call('recruiter_role', rival, 'set_meeting', slot, null, null)).rejects.toMatchObject(missing)
    await call('recruiter_role', recruiter, 'set_meeting', slot, 'https://meet.invalid/2', '{"room":7}')
    expect(
      await db.query(`SELECT meeting_url AS url, meeting_location AS at FROM interview_slots WHERE slot_id = $1`, [
        slot.id,
      ]),
    ).toEqual([{ url: 'https://meet.invalid/2', at: { room: 7 } }])
  })

  test('an offer needs an identity', async () => {
    const create = (role: Role, userId: string | null) =>
      db.as(role, userId, (query) => query(`SELECT create_interview_slot($1, ${day(80)}, ${day(81)})`, [randomUUID()]))
    await expect(create('recruiter_role', null)).rejects.toMatchObject(refused)
    await expect(create('authenticated_users', self.userId)).rejects.toMatchObject(refused)
  })
})

test('among thousands of interviews and patterns nothing is read but what is asked for', async () => {
  const [user, candidate] = [randomUUID(), someone()]
  await db.query(
    `INSERT INTO interview_slots ("timestamp", slot_start, slot_end, recruiter_id, job_id)
     SELECT t, t, t + interval '20 min', md5((n % 500)::text)::uuid, gen_random_uuid()
       FROM generate_series(1, 5000) n CROSS JOIN LATERAL (SELECT now() - interval '60 days' + n * interval '10 min') AS at(t)`,
  )
  await db.query(
    `INSERT INTO availability_patterns (user_id, "timestamp", availability_type, day_of_week, start_time, end_time, timezone)
     SELECT md5((n % 5000)::text)::uuid, now() - n * interval '3 min', 'work_hours', n % 7, '09:00', '17:00', 'Europe/Paris'
       FROM generate_series(1, 2500) n`,
  )
  const slot = await addSlot(db.query, day(250), { recruiter_id: `'${user}'` })
  await db.query('ANALYZE')
  const client = await db.connect()
  for (const [role, sql] of [
    ['recruiter_role', `SELECT FROM my_interviews WHERE "timestamp" > now()`],
    ['authenticated_users', `SELECT FROM my_interviews`],
    ['authenticated_users', `SELECT FROM my_availability`],
    ['authenticated_users', `SELECT FROM availability_current`],
    ['recruiter_role', `SELECT FROM free_busy('${user}', now(), now() + interval '7 days')`],
    ['authenticated_users', `SELECT set_availability('preferred', 1, '09:00', '10:00', 'Europe/Paris')`],
    [
      'recruiter_role',
      `SELECT book_interview('${slot}', ${day(250)}, '${candidate.candidateId}', '${candidate.userId}')`,
    ],
    ['outbox_worker', `SELECT * FROM erase_user_data('${user}')`],
  ]) {
    await client.query(`BEGIN; SET LOCAL ROLE ${role}; SELECT set_config('app.current_user_id', '${user}', true)`)
    await client.query(sql ?? '')
    await client.query('RESET ROLE')
    const { rows } = await client.query(
      `SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE seq_tup_read > 2000 AND relname <> 'time_zones'`,
    )
    expect(rows, sql).toEqual([])
    await client.query('ROLLBACK')
  }
})
