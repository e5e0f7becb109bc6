import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { coreDatabase } from './testing/database.ts'
import type { Query } from './testing/database.ts'
import { addCandidate, addJob, addRecruiter, apply, one } from './testing/people.ts'
import type { Candidate, Recruiter } from './testing/people.ts'

const db = coreDatabase()
let recruiter: Recruiter
let candidate: Candidate

beforeAll(async () => {
  recruiter = await addRecruiter(db.query)
  candidate = await addCandidate(db.query, 'limited')
})

interface StatusEvent {
  version: number
  old_status: string | null
  new_status: string
  created_at: Date
}

const jobEnds = ['filled', 'expired', 'cancelled']
const decisions = ['hired', 'rejected', 'withdrawn']

/** What the events of one aggregate say its row is: state, since when it has ended, since when it is in this state. */
function fold(events: StatusEvent[], ends: string[]) {
  return events.reduce<{ status: string | null; endedAt: Date | null; since: Date | null }>(
    (state, event) => {
      expect(event.old_status).toBe(state.status)
      const ended = ends.includes(event.new_status)
      return {
        status: event.new_status,
        endedAt: ended ? (state.endedAt ?? event.created_at) : null,
        since: event.created_at,
      }
    },
    { status: null, endedAt: null, since: null },
  )
}

async function eventsOf(id: string): Promise<StatusEvent[]> {
  const rows = await db.query(
    `SELECT version, old_status, new_status, created_at FROM aggregate_events WHERE aggregate_id = $1 ORDER BY version`,
    [id],
  )
  expect(rows.map((row) => row['version'])).toEqual(rows.map((_, i) => i + 1))
  return rows as unknown as StatusEvent[]
}

/** One step of a random history of two rows: set the status of both, one or none, delete and make anew, or roll back. */
const steps = (statuses: string[]) =>
  fc.array(
    fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'set', 'touch', 'replace'),
      which: fc.constantFrom([0], [1], [0, 1]),
      status: fc.constantFrom(...statuses),
      abort: fc.boolean(),
    }),
    { maxLength: 12 },
  )

async function inTransaction(abort: boolean, work: (query: Query) => Promise<void>): Promise<void> {
  await db.query('BEGIN')
  await work(db.query)
  await db.query(abort ? 'ROLLBACK' : 'COMMIT')
}

describe('the current row is the fold of its events', () => {
  const jobStatuses = ['draft', 'active', 'paused', ...jobEnds]
  test('of postings', async () => {
    await fc.assert(
      fc.asyncProperty(steps(jobStatuses), async (history) => {
        const ids = [await addJob(db.query, recruiter), await addJob(db.query, recruiter, { status: `'draft'` })]
        for (const { kind, which, status, abort } of history) {
          const chosen = which.map((i) => ids[i] ?? '')
          await inTransaction(abort, async (query) => {
            if (kind === 'set')
              await query(`UPDATE job_postings SET status = $1 WHERE job_id = ANY ($2)`, [status, chosen])
            else if (kind === 'touch')
              await query(`UPDATE job_postings SET title = title || '.', status = status WHERE job_id = ANY ($1)`, [
                chosen,
              ])
            else {
              await query(`DELETE FROM job_postings WHERE job_id = ANY ($1)`, [chosen])
              for (const id of chosen) await addJob(query, recruiter, { job_id: `'${id}'`, status: `'${status}'` })
            }
          })
        }
        for (const id of ids) {
          const [row] = await db.query(`SELECT status, closed_at, filled_at FROM job_postings WHERE job_id = $1`, [id])
          const { status, endedAt, since } = fold(await eventsOf(id), jobEnds)
          expect({ status, closed_at: endedAt, filled_at: status === 'filled' ? since : null }).toEqual(row)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('of applications', async () => {
    await fc.assert(
      fc.asyncProperty(steps(['submitted', 'in_review', 'interview', 'offer', ...decisions]), async (history) => {
        const people = [candidate, await addCandidate(db.query, 'private')]
        const job = await addJob(db.query, recruiter)
        const ids: string[] = []
        for (const person of people) ids.push(await apply(db.query, job, person.candidateId))
        for (const { kind, which, status, abort } of history) {
          const chosen = which.map((i) => ids[i] ?? '')
          await inTransaction(abort, async (query) => {
            if (kind === 'set')
              await query(`UPDATE job_applications SET status = $1 WHERE application_id = ANY ($2)`, [status, chosen])
            else if (kind === 'touch')
              await query(`UPDATE job_applications SET source = 'again' WHERE application_id = ANY ($1)`, [chosen])
            else
              for (const i of which) {
                await query(`DELETE FROM job_applications WHERE application_id = $1`, [ids[i]])
                await query(
                  `INSERT INTO job_applications (application_id, job_id, candidate_id, status) VALUES ($1, $2, $3, $4)`,
                  [ids[i], job, people[i]?.candidateId, status],
                )
              }
          })
        }
        for (const id of ids) {
          const [row] = await db.query(`SELECT status, decided_at FROM job_applications WHERE application_id = $1`, [
            id,
          ])
          const { status, endedAt } = fold(await eventsOf(id), decisions)
          expect({ status, decided_at: endedAt }).toEqual(row)
        }
      }),
      { numRuns: 40 },
    )
  })
})

test('writers of one posting at once leave versions without a gap', async () => {
  const job = await addJob(db.query, recruiter)
  const clients = await Promise.all(Array.from({ length: 8 }, () => db.connect()))
  await Promise.all(
    clients.map(async (client, i) => {
      for (let n = 0; n < 10; n++)
        await client.query(`UPDATE job_postings SET status = $1 WHERE job_id = $2`, [
          ['active', 'paused', 'draft'][(i + n) % 3],
          job,
        ])
    }),
  )
  const { status } = fold(await eventsOf(job), jobEnds)
  expect(status).toBe(await one(db.query, `SELECT status FROM job_postings WHERE job_id = $1`, [job]))
})

test('a history names who made it, and goes with what it tells of', async () => {
  const job = await db.as('recruiter_role', recruiter.userId, (query) => addJob(query, recruiter))
  const application = await apply(db.query, job, candidate.candidateId)
  expect(await db.query(`SELECT user_id FROM aggregate_events WHERE aggregate_id = $1`, [job])).toEqual([
    { user_id: recruiter.userId },
  ])
  await db.query(`DELETE FROM job_postings WHERE job_id = $1`, [job])
  expect(await db.query(`SELECT FROM aggregate_events WHERE aggregate_id IN ($1, $2)`, [job, application])).toEqual([])
})
