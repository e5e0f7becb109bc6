import { randomUUID } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { testDatabase, transaction } from '../testing/database.ts'
import type { Query, Role, Row } from '../testing/database.ts'
import { someone } from './testing/slots.ts'

const db = testDatabase('temporal')
const [recruiters, candidates, slots] = [10, 20, 1000]
const connections: Query[] = []

beforeAll(async () => {
  for (let i = 0; i < 40; i++) {
    const client = await db.connect('supersmartmatch_temporal_app_a')
    connections.push(async (sql, values = []) => (await client.query<Row>(sql, values)).rows)
  }
})

/** A call of a function in a transaction of its own, on one of the connections. */
const call = (connection: Query | undefined, role: Role, userId: string, sql: string, values: unknown[]) =>
  transaction(connection ?? db.query, role, userId, (query) => query(`SELECT ${sql}`, values))

/** Booked slots that overlap another of the same recruiter or candidate. */
const doubleBookings = () =>
  db.query(
    `SELECT a.slot_id FROM interview_slots a JOIN interview_slots b
         ON a.slot_id < b.slot_id AND a.slot_start < b.slot_end AND b.slot_start < a.slot_end
        AND (a.recruiter_id = b.recruiter_id OR a.candidate_id = b.candidate_id)
      WHERE a.status = 'booked' AND b.status = 'booked'`,
  )

test('1,000 bookings of overlapping slots over 40 connections: no double booking, none refused without a reason', async () => {
  // Half an hour each, at any of 48 quarters of an hour in one morning: about every fourth meets the next.
  await db.query(
    `INSERT INTO interview_slots ("timestamp", slot_start, slot_end, recruiter_id, job_id)
     SELECT t, t, t + interval '30 min', (ARRAY(SELECT gen_random_uuid() FROM generate_series(1, ${recruiters})))[1 + n % ${recruiters}], gen_random_uuid()
       FROM generate_series(1, ${slots}) n
      CROSS JOIN LATERAL (SELECT date_trunc('day', now()) + interval '7 days' + (n * 7919 % 48) * interval '15 min') AS at(t)`,
  )
  const people = Array.from({ length: candidates }, someone)
  const offered = await db.query(
    `SELECT slot_id, slot_start::text AS start FROM interview_slots ORDER BY md5(slot_id::text)`,
  )
  const bookings = offered.map((slot, index) => ({ slot, person: people[index % candidates] ?? someone() }))

  const refusals: { code: string; slot: Row; candidateId: string }[] = []
  const queue = bookings.values()
  const book = async (connection: Query) => {
    for (const { slot, person } of queue)
      await call(connection, 'authenticated_users', person.userId, `book_interview($1, $2, $3, $4)`, [
        slot['slot_id'],
        slot['start'],
        person.candidateId,
        person.userId,
      ]).catch((error: unknown) => {
        refusals.push({ code: (error as { code: string }).code, slot, candidateId: person.candidateId })
      })
  }
  await Promise.all(connections.map(book))

  expect(await doubleBookings()).toEqual([])
  expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['23P01']))
  const booked = await db.query(`SELECT slot_id FROM interview_slots WHERE status = 'booked'`)
  expect(booked.length + refusals.length).toBe(slots)
  expect(booked.length).toBeGreaterThan(candidates)
  expect(await db.query(`SELECT slot_id FROM interview_bookings ORDER BY 1`)).toEqual(
    await db.query(`SELECT slot_id FROM interview_slots WHERE status = 'booked' ORDER BY 1`),
  )
  // Each refusal has a booked slot in its way.
  const free = await db.query(
    `SELECT r.slot_id FROM unnest($1::uuid[], $2::uuid[]) AS r(slot_id, candidate_id) JOIN interview_slots s USING (slot_id)
      WHERE NOT EXISTS (SELECT FROM interview_slots b WHERE b.status = 'booked' AND b.slot_start < s.slot_end AND s.slot_start < b.slot_end
                           AND (b.recruiter_id = s.recruiter_id OR b.candidate_id = r.candidate_id))`,
    [refusals.map(({ slot }) => slot['slot_id']), refusals.map(({ candidateId }) => candidateId)],
  )
  expect(free).toEqual([])
})

test('the same slot asked for by 40 candidates at once is one’s', async () => {
  const recruiter = randomUUID()
  const start = `date_trunc('hour', now()) + interval '30 days'`
  const [slot] = await db.query(
    `INSERT INTO interview_slots ("timestamp", slot_start, slot_end, recruiter_id, job_id)
     VALUES (${start}, ${start}, ${start} + interval '1 h', $1, $1) RETURNING slot_id, slot_start::text AS start`,
    [recruiter],
  )
  const outcomes = await Promise.allSettled(
    connections.map((connection) => {
      const { candidateId, userId } = someone()
      const values = [slot?.['slot_id'], slot?.['start'], candidateId, userId]
      return call(connection, 'authenticated_users', userId, `book_interview($1, $2, $3, $4)`, values)
    }),
  )
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: '55000' })
})

test('two that move into each other’s time do not both succeed, and do not deadlock', async () => {
  const [recruiter, day] = [randomUUID(), `date_trunc('day', now()) + interval '60 days'`]
  for (let round = 0; round < 20; round++) {
    const at = (hour: number) => `${day} + interval '${round} days' + interval '${hour} h'`
    const add = async (hour: number) => {
      const { candidateId, userId } = someone()
      const [slot] = await db.query(
        `INSERT INTO interview_slots ("timestamp", slot_start, slot_end, recruiter_id, job_id, status, candidate_id, candidate_user_id)
         VALUES (${at(hour)}, ${at(hour)}, ${at(hour)} + interval '1 h', $1, $1, 'booked', $2, $3) RETURNING slot_id AS id, slot_start::text AS start`,
        [recruiter, candidateId, userId],
      )
      return slot
    }
    const both = [await add(8), await add(10)]
    const outcomes = await Promise.allSettled(
      both.map((slot, index) =>
        call(connections[index], 'recruiter_role', recruiter, `reschedule_interview($1, $2, ${at(12)}, ${at(13)})`, [
          slot?.['id'],
          slot?.['start'],
        ]),
      ),
    )
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: '23P01' })
  }
  expect(await doubleBookings()).toEqual([])
})
