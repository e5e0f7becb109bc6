import { randomUUID } from 'node:crypto'
import policies from './policies.json' with { type: 'json' }
import { testDatabase } from '../testing/database.ts'
import { addSharedRows, callersOf, each, is, sharedTables, testPolicies } from '../testing/policies.ts'
import { addPattern, addSlot, bookedFor, someone } from './testing/slots.ts'

/**
 * Two people who can work on Mondays, each with an interview with a recruiter. Hypertables have no row security: no caller has a grant
 * on them (access.postgres.test.ts), and the conditions of the views are what policies are elsewhere.
 */
const db = testDatabase('temporal')

testPolicies(db, policies, async (query) => {
  const [self, other, recruiter] = [someone(), someone(), randomUUID()]
  const users = { own: self.userId, others: other.userId }
  const slot = (candidate: typeof self, recruiter: string, start = `now() + interval '5 days'`) =>
    addSlot(query, start, { ...bookedFor(candidate), recruiter_id: `'${recruiter}'` })
  const patterns = { own: await addPattern(query, self.userId), others: await addPattern(query, other.userId) }
  const slots = { own: await slot(self, recruiter), others: await slot(other, randomUUID()) }
  const offered = await addSlot(query, `now() + interval '6 days'`, { recruiter_id: `'${recruiter}'` })
  const begun = await slot(self, recruiter, `now() - interval '1 hour'`)
  await query(`SELECT record_metric('response_time', 'user', $1, 3, 'seconds')`, [self.userId])
  await addSharedRows(query)
  const starts = await query(`SELECT slot_id, slot_start::text FROM interview_slots`)
  /** Id and start of a slot, by which it is addressed. */
  const at = (id: string) => `'${id}', '${String(starts.find((row) => row['slot_id'] === id)?.['slot_start'])}'`

  const pattern = (user: string) =>
    `INSERT INTO availability_current (availability_id, user_id, availability_type, timezone, flexibility_minutes, priority, confirmed_at)
     VALUES (gen_random_uuid(), '${user}', 'preferred', 'Europe/Paris', 0, 1, now())`

  return {
    callers: {
      ...callersOf({ self: self.userId, other: other.userId, recruiter, admin: randomUUID() }),
      analyst: { role: 'analytics', userId: null },
    },
    tables: {
      ...sharedTables,
      availability_current: {
        rows: is('user_id', users),
        insert: { own: pattern(self.userId), others: pattern(other.userId) },
        update: { keep: 'priority = 2', 'give away': `user_id = '${other.userId}'` },
        blind: ['priority = 2', `user_id = '${other.userId}'`],
      },
      interview_bookings: {
        rows: is('slot_id', slots),
        insert: {
          any: `INSERT INTO interview_bookings (slot_id, recruiter_id, during) VALUES (gen_random_uuid(), '${recruiter}', 'empty')`,
        },
        blind: ['candidate_id = NULL'],
      },
    },
    views: {
      my_availability: is('availability_id', patterns),
      my_interviews: is('slot_id', slots),
      admin_interviews: is('slot_id', slots),
      admin_temporal_analytics: { any: 'TRUE' },
    },
    functions: {
      'book_interview()': {
        own: `SELECT book_interview(${at(offered)}, '${self.candidateId}', '${self.userId}')`,
        others: `SELECT book_interview(${at(offered)}, '${other.candidateId}', '${other.userId}')`,
      },
      'cancel_interview()': each(slots, (id) => `cancel_interview(${at(id)})`),
      'create_interview_slot()': {
        any: `SELECT create_interview_slot(gen_random_uuid(), now() + interval '9 days', now() + interval '10 days')`,
      },
      'finish_interview()': { begun: `SELECT finish_interview(${at(begun)}, 'completed')` },
      'free_busy()': each(users, (id) => `FROM free_busy('${id}', now(), now() + interval '8 days')`),
      'remove_availability()': each(patterns, (id) => `WHERE remove_availability('${id}')`),
      'reschedule_interview()': each(
        slots,
        (id) => `reschedule_interview(${at(id)}, now() + interval '7 days', now() + interval '8 days')`,
      ),
      'set_availability()': { any: `SELECT set_availability('preferred', 2, '10:00', '11:00', 'Europe/Paris')` },
      'set_job_schedule()': {
        any: `SELECT set_job_schedule(gen_random_uuid(), 'flexible', NULL, NULL, NULL, 'Europe/Paris')`,
      },
      'set_meeting()': each(slots, (id) => `set_meeting(${at(id)}, NULL, NULL)`),
    },
    personal: 'availability_current',
  }
})
