import type { Query } from '../../testing/database.ts'
import { eventRows, fillTables, idOf, series } from '../../testing/many.ts'

/**
 * Fills an empty temporal database: so many rows in each table. Those of a hypertable are in one chunk, the largest there can be, of
 * interviews in one that is past and one that is to come. A recruiter has ten interviews in each.
 */
export const fillTemporal = (query: Query, rows: number): Promise<void> => {
  /** 25 days in the chunk so many before this one; chunks of 30 days begin at multiples of that. */
  const inChunk = (before: number) =>
    `to_timestamp((floor(extract(epoch FROM now()) / 2592000) - ${before}) * 2592000 + n % 2160000)`
  const [user, recruiter] = [idOf('user', 'n'), idOf('recruiter', `1 + n % ${rows / 10}`)]
  const pattern = `${user}, 'work_hours', n % 7, time '09:00', time '17:00', 'Europe/Paris', 0, 1`
  const schedule = `${idOf('job', 'n')}, 'work_hours', time '09:00', time '17:00', ARRAY[1,2,3], 'Europe/Paris'`
  const slot = (kind: string, at: string, status: string, candidate: boolean, details: string) => {
    const [id, userId] = candidate ? [idOf('candidate', 'n'), user] : ['NULL', 'NULL']
    return `SELECT ${idOf(kind, 'n')}, ${at}, ${recruiter}, ${id}::uuid, ${userId}::uuid, ${idOf('job', 'n')}, ${at}, ${at} + interval '1 minute',
                   '${status}', ${userId}::uuid, ${details} FROM ${series(rows)}`
  }
  return fillTables(query, {
    availability_patterns: `(availability_id, "timestamp", user_id, availability_type, day_of_week, start_time, end_time, timezone, flexibility_minutes, priority)
      SELECT ${idOf('pattern', 'n')}, ${inChunk(1)}, ${pattern} FROM ${series(rows)}`,
    availability_current: `(availability_id, confirmed_at, user_id, availability_type, day_of_week, start_time, end_time, timezone, flexibility_minutes, priority)
      SELECT ${idOf('pattern', 'n')}, ${inChunk(1)}, ${pattern} FROM ${series(rows)}`,
    job_schedules: `(schedule_id, "timestamp", job_id, schedule_type, start_time, end_time, days_of_week, timezone)
      SELECT ${idOf('schedule', 'n')}, ${inChunk(1)}, ${schedule} FROM ${series(rows)}`,
    job_schedule_current: `(schedule_id, confirmed_at, job_id, schedule_type, start_time, end_time, days_of_week, timezone, remote_work_percentage)
      SELECT ${idOf('schedule', 'n')}, ${inChunk(1)}, ${schedule}, 0 FROM ${series(rows)}`,
    // Those of a week ago still have how to get in, and some of the hour before, for the next run to take away.
    interview_slots: `(slot_id, "timestamp", recruiter_id, candidate_id, candidate_user_id, job_id, slot_start, slot_end, status, booked_by, meeting_url)
      ${slot('past', inChunk(2), 'completed', true, `CASE WHEN n <= 100 THEN 'https://meet.invalid' END`)}
      UNION ALL ${slot('offered', inChunk(-1), 'available', false, `'https://meet.invalid'`)}`,
    interview_bookings: `(slot_id, recruiter_id, candidate_id, during)
      SELECT ${idOf('booked', 'n')}, ${recruiter}, ${idOf('candidate', 'n')}, tstzrange(t, t + interval '1 minute')
        FROM ${series(rows)} CROSS JOIN LATERAL (SELECT now() + (n - 100) * interval '2 minutes' - interval '7 days') at (t)`,
    temporal_analytics: `("timestamp", metric_type, entity_type, entity_id, value, unit)
      SELECT ${inChunk(1)}, 'response_time', CASE n % 2 WHEN 0 THEN 'user' ELSE 'job' END, ${user}, n % 100, 'seconds' FROM ${series(rows)}`,
    legal_holds: `(subject_id, reason) SELECT ${idOf('held', 'n')}, 'case' FROM ${series(10)}`,
    ...eventRows(
      rows,
      'interview',
      idOf('past', 'n'),
      `jsonb_build_object('candidate_user_id', ${user}, 'recruiter_id', ${recruiter}) || CASE n % 3 WHEN 0 THEN jsonb_build_object('user_id', ${user}) ELSE '{}' END`,
    ),
  })
}
