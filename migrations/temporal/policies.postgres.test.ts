import { randomUUID } from 'node:crypto'
import policies from './policies.json' with { type: 'json' }
import { testDatabase } from '../testing/database.ts'
import { addSharedRows, callersOf, is, sharedTables, testPolicies } from '../testing/policies.ts'
import { addPattern, addSlot, bookedFor, someone } from './testing/slots.ts'

/**
 * Two people who can work on Mondays, each with an interview with a recruiter. Hypertables have no row security: no caller has a grant
 * on them (access.postgres.test.ts), and the conditions of the views are what policies are elsewhere.
 */
const db = testDatabase('temporal')

testPolicies(db, policies, async (query) => {
  const [self, other, recruiter] = [someone(), someone(), randomUUID()]
  const users = { own: self.userId, others: other.userId }
  const slot = (candidate: typeof self, recruiter: string) =>
    addSlot(query, `now() + interval '5 days'`, { ...bookedFor(candidate), recruiter_id: `'${recruiter}'` })
  const patterns = { own: await addPattern(query, self.userId), others: await addPattern(query, other.userId) }
  const slots = { own: await slot(self, recruiter), others: await slot(other, randomUUID()) }
  await addSharedRows(query)

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
    },
    personal: 'availability_current',
  }
})
