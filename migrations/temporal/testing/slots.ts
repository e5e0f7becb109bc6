import { randomUUID } from 'node:crypto'
import { one } from '../../testing/database.ts'
import type { Query } from '../../testing/database.ts'

/** @param columns  further columns, as SQL literals; `start` is one of when it begins */
export async function addSlot(query: Query, start: string, columns: Record<string, string> = {}): Promise<string> {
  const row = {
    '"timestamp"': start,
    slot_start: start,
    slot_end: `${start} + interval '30 min'`,
    recruiter_id: `'${randomUUID()}'`,
    job_id: `'${randomUUID()}'`,
    ...columns,
  }
  return one(
    query,
    `INSERT INTO interview_slots (${Object.keys(row).join()}) VALUES (${Object.values(row).join()}) RETURNING slot_id`,
  )
}

export interface Candidate {
  candidateId: string
  userId: string
}
export const someone = (): Candidate => ({ candidateId: randomUUID(), userId: randomUUID() })

/** Columns of a slot that is booked for a candidate. */
export const bookedFor = ({ candidateId, userId }: Candidate) => ({
  status: `'booked'`,
  candidate_id: `'${candidateId}'`,
  candidate_user_id: `'${userId}'`,
  booked_by: `'${userId}'`,
  booked_at: 'now()',
})

export const addPattern = (query: Query, userId: string, columns: Record<string, string> = {}): Promise<string> => {
  const row = {
    user_id: `'${userId}'`,
    '"timestamp"': 'now()',
    availability_type: `'work_hours'`,
    day_of_week: '1',
    start_time: `'09:00'`,
    end_time: `'17:00'`,
    timezone: `'Europe/Paris'`,
    ...columns,
  }
  return one(
    query,
    `INSERT INTO availability_patterns (${Object.keys(row).join()}) VALUES (${Object.values(row).join()}) RETURNING availability_id`,
  )
}
