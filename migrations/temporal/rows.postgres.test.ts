import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import { addPattern, addSlot, bookedFor, someone } from './testing/slots.ts'

const db = testDatabase('temporal')
const soon = `date_trunc('minute', now() + interval '2 days')`

const schedule = (columns: Record<string, string> = {}) => {
  const row = {
    job_id: `'${randomUUID()}'`,
    '"timestamp"': 'now()',
    schedule_type: `'work_hours'`,
    timezone: `'Europe/Paris'`,
    ...columns,
  }
  return db.query(`INSERT INTO job_schedules (${Object.keys(row).join()}) VALUES (${Object.values(row).join()})`)
}
const metric = (columns: Record<string, string> = {}) => {
  const row = {
    '"timestamp"': 'now()',
    metric_type: `'response_time'`,
    entity_type: `'system'`,
    value: '1',
    unit: `'seconds'`,
    ...columns,
  }
  return db.query(`INSERT INTO temporal_analytics (${Object.keys(row).join()}) VALUES (${Object.values(row).join()})`)
}

describe('refused rows', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['day 7', () => addPattern(db.query, randomUUID(), { day_of_week: '7' })],
    ['an end that is the start', () => addPattern(db.query, randomUUID(), { end_time: `'09:00'` })],
    ['a start without end', () => addPattern(db.query, randomUUID(), { end_time: 'NULL' })],
    ['priority 6', () => addPattern(db.query, randomUUID(), { priority: '6' })],
    ['an unknown type', () => addPattern(db.query, randomUUID(), { availability_type: `'sleep'` })],
    ['an unknown zone', () => addPattern(db.query, randomUUID(), { timezone: `'Europe/Pariss'` })],
    ['an offset as zone', () => addPattern(db.query, randomUUID(), { timezone: `'UTC+3'` })],
    ['plaintext notes', () => addPattern(db.query, randomUUID(), { notes: `'ill'` })],
    ['negative flexibility', () => addPattern(db.query, randomUUID(), { flexibility_minutes: '-1' })],
    ['a schedule on day 7', () => schedule({ days_of_week: `'{1,7}'` })],
    ['a schedule in no zone', () => schedule({ timezone: `'Mars/Olympus'` })],
    ['a schedule 110 % remote', () => schedule({ remote_work_percentage: '110' })],
    ['a rotation of no days', () => schedule({ shift_rotation_days: '0' })],
    ['a slot that ends before it begins', () => addSlot(db.query, soon, { slot_end: `${soon} - interval '1 min'` })],
    ['a slot of no length', () => addSlot(db.query, soon, { slot_end: soon })],
    ['a slot filed under another time (D-113)', () => addSlot(db.query, soon, { '"timestamp"': 'now()' })],
    ['a booking of nobody', () => addSlot(db.query, soon, { status: `'booked'` })],
    ['a candidate without user (D-123)', () => addSlot(db.query, soon, { candidate_id: `'${randomUUID()}'` })],
    ['a plaintext reason', () => addSlot(db.query, soon, { cancellation_reason: `'ill'` })],
    ['an unknown status', () => addSlot(db.query, soon, { status: `'maybe'` })],
    ['a metric of an unknown kind', () => metric({ metric_type: `'mood'` })],
    ['a metric of a user without id', () => metric({ entity_type: `'user'` })],
    ['a metric of the system with an id', () => metric({ entity_id: `'${randomUUID()}'` })],
    ['an id in the dimensions', () => metric({ dimensions: `'{"by":"${randomUUID()}"}'` })],
    ['dimensions that are a list', () => metric({ dimensions: `'[]'` })],
  ])('%s', async (_, insert) => {
    await expect(insert()).rejects.toMatchObject({ code: '23514' })
  })
})

test('accepted: overnight, all day, every day, a value beyond a million (D-124)', async () => {
  await addPattern(db.query, randomUUID(), { start_time: `'22:00'`, end_time: `'06:00'` })
  await addPattern(db.query, randomUUID(), { start_time: 'NULL', end_time: 'NULL', day_of_week: 'NULL' })
  await schedule({ days_of_week: `'{0,6}'` })
  await metric({ value: '123456789012.5', dimensions: `'{"region":"FR"}'` })
})

describe('what is in force', () => {
  const current = (userId: string) =>
    db.query(
      `SELECT availability_id AS id, start_time, priority FROM availability_current WHERE user_id = $1 ORDER BY start_time`,
      [userId],
    )

  test('is the recurring patterns, each once however often it is entered (D-115, D-125)', async () => {
    const userId = randomUUID()
    const first = await addPattern(db.query, userId)
    await addPattern(db.query, userId, { priority: '3', '"timestamp"': `now() + interval '1 s'` })
    await addPattern(db.query, userId, { recurring: 'FALSE', start_time: `'10:00'` })
    expect(await current(userId)).toEqual([{ id: first, start_time: '09:00:00', priority: 3 }])
    // An import of what was said before changes nothing.
    await addPattern(db.query, userId, { priority: '5', '"timestamp"': `now() - interval '1 year'` })
    expect(await current(userId)).toMatchObject([{ priority: 3 }])
    expect(await one(db.query, `SELECT count(*) FROM availability_patterns WHERE user_id = $1`, [userId])).toBe('4')
  })

  test('follows a pattern that is changed, and keeps patterns without times apart', async () => {
    const userId = randomUUID()
    const id = await addPattern(db.query, userId)
    await addPattern(db.query, userId, {
      availability_id: `'${id}'`,
      start_time: `'10:00'`,
      '"timestamp"': `now() + interval '1 s'`,
    })
    expect(await current(userId)).toEqual([{ id, start_time: '10:00:00', priority: 1 }])
    for (let i = 0; i < 2; i++)
      await addPattern(db.query, userId, { day_of_week: 'NULL', start_time: 'NULL', end_time: 'NULL' })
    expect(await current(userId)).toHaveLength(2)
  })

  test('of a job is one schedule of a type, or one for each shift', async () => {
    const job = randomUUID()
    const add = (columns: Record<string, string>) => schedule({ job_id: `'${job}'`, ...columns })
    await add({})
    await add({ remote_work_percentage: '40', '"timestamp"': `now() + interval '1 s'` })
    await add({ schedule_type: `'shift_work'`, shift_name: `'early'` })
    await add({ schedule_type: `'shift_work'`, shift_name: `'late'` })
    await add({ remote_work_percentage: '90', '"timestamp"': `now() - interval '1 day'` })
    const rows = await db.query(
      `SELECT schedule_type AS type, shift_name AS shift, remote_work_percentage AS remote FROM job_schedule_current WHERE job_id = $1 ORDER BY 1, 2`,
      [job],
    )
    expect(rows).toEqual([
      { type: 'shift_work', shift: 'early', remote: 0 },
      { type: 'shift_work', shift: 'late', remote: 0 },
      { type: 'work_hours', shift: null, remote: 40 },
    ])
  })
})

describe('the guard', () => {
  const guarded = (slot: string) =>
    db.query(`SELECT candidate_id AS candidate FROM interview_bookings WHERE slot_id = $1`, [slot])
  const set = (slot: string, change: string) =>
    db.query(`UPDATE interview_slots SET ${change} WHERE slot_id = $1`, [slot])

  test('holds what is booked and nothing else', async () => {
    const candidate = someone()
    const slot = await addSlot(db.query, soon, bookedFor(candidate))
    expect(await guarded(slot)).toEqual([{ candidate: candidate.candidateId }])
    await set(slot, `status = 'cancelled'`)
    expect(await guarded(slot)).toEqual([])
    await set(slot, `status = 'booked'`)
    expect(await guarded(slot)).toHaveLength(1)
    await db.query(`DELETE FROM interview_slots WHERE slot_id = $1`, [slot])
    expect(await guarded(slot)).toEqual([])
  })

  test('refuses a second interview at the same time, of the recruiter or the candidate; one after the other is fine', async () => {
    const [candidate, recruiter] = [someone(), randomUUID()]
    const from = `${soon} + interval '3 days'`
    await addSlot(db.query, from, { ...bookedFor(candidate), recruiter_id: `'${recruiter}'` })
    const later = `${from} + interval '29 min'`
    await expect(
      addSlot(db.query, later, { ...bookedFor(someone()), recruiter_id: `'${recruiter}'` }),
    ).rejects.toMatchObject({ code: '23P01', constraint: 'interview_bookings_recruiter' })
    await expect(addSlot(db.query, later, bookedFor(candidate))).rejects.toMatchObject({
      code: '23P01',
      constraint: 'interview_bookings_candidate',
    })
    await addSlot(db.query, later, { recruiter_id: `'${recruiter}'` })
    await addSlot(db.query, `${from} + interval '30 min'`, { ...bookedFor(candidate), recruiter_id: `'${recruiter}'` })
  })

  test('does not bring back what was purged when only the meeting changes', async () => {
    const slot = await addSlot(db.query, `${soon} - interval '30 days'`, {
      ...bookedFor(someone()),
      meeting_url: `'https://meet.invalid/1'`,
    })
    await db.query(`DELETE FROM interview_bookings WHERE slot_id = $1`, [slot])
    await set(slot, `meeting_url = NULL`)
    expect(await guarded(slot)).toEqual([])
  })
})

describe('events', () => {
  const events = async (work: () => Promise<unknown>) => {
    const last = await one(db.query, `SELECT COALESCE(max(sequence), 0) FROM outbox_events`)
    await work()
    return db.query(
      `SELECT event_type AS type, event_data AS data FROM outbox_events WHERE sequence > $1 ORDER BY sequence`,
      [last],
    )
  }

  test('of interviews carry the ids and the changed columns', async () => {
    const candidate = someone()
    const [recruiter, job] = [randomUUID(), randomUUID()]
    let slot = ''
    const created = await events(async () => {
      slot = await addSlot(db.query, `${soon} + interval '9 days'`, {
        recruiter_id: `'${recruiter}'`,
        job_id: `'${job}'`,
        meeting_url: `'https://canary.invalid'`,
      })
    })
    const data = { slot_id: slot, job_id: job, recruiter_id: recruiter }
    expect(created).toEqual([{ type: 'interview.slot.created', data }])
    const { candidateId: candidate_id, userId: candidate_user_id } = candidate
    const booked = await events(() =>
      db.query(
        `UPDATE interview_slots SET status = 'booked', candidate_id = $2, candidate_user_id = $3 WHERE slot_id = $1`,
        [slot, candidate_id, candidate_user_id],
      ),
    )
    expect(booked).toEqual([
      {
        type: 'interview.slot.updated',
        data: {
          ...data,
          candidate_id,
          candidate_user_id,
          changed_fields: ['candidate_id', 'candidate_user_id', 'status'],
        },
      },
    ])
    const ids = { ...data, candidate_id, candidate_user_id }
    expect(await events(() => db.query(`DELETE FROM interview_slots WHERE slot_id = $1`, [slot]))).toEqual([
      { type: 'interview.slot.deleted', data: ids },
    ])
    expect(JSON.stringify(await db.query('SELECT event_data FROM outbox_events'))).not.toContain('canary')
  })

  test('of availability and schedules are those of what is in force', async () => {
    const userId = randomUUID()
    let id = ''
    const add = (columns: Record<string, string> = {}) =>
      events(async () => {
        id = await addPattern(db.query, userId, columns)
      })
    expect(await add()).toEqual([{ type: 'availability.created', data: { availability_id: id, user_id: userId } }])
    const first = id
    expect(await add({ priority: '2', '"timestamp"': `now() + interval '1 s'` })).toEqual([
      {
        type: 'availability.updated',
        data: { availability_id: first, user_id: userId, changed_fields: ['confirmed_at', 'priority'] },
      },
    ])
    const job = randomUUID()
    expect(await events(() => schedule({ job_id: `'${job}'` }))).toMatchObject([
      { type: 'job.schedule.created', data: { job_id: job } },
    ])
  })
})
