import { expect, test } from 'vitest'
import type { ScheduledJob, Upkeep } from '../engines/engine.ts'
import { due, judge } from './maintenance.ts'

const at = (time: string) => new Date(`2026-03-01T${time}Z`)
const now = at('12:00:00')

function job(given: Partial<ScheduledJob>): ScheduledJob {
  const { lastRunAt = null } = given
  return {
    name: 'tidy',
    schedule: '0 * * * *',
    createdAt: at('00:00:00'),
    lastRunAt,
    lastRun: lastRunAt && lastRunAt.toISOString(),
    lastSuccessAt: lastRunAt,
    lastError: null,
    scheduled: true,
    ...given,
  }
}

const upkeep = (...jobs: ScheduledJob[]): Upkeep => ({ now, timeZone: 'UTC', jobs })

// prettier-ignore
test.each<[string, Partial<ScheduledJob>, string]>([
  ['just ran',                                       { lastRunAt: at('11:30:00') },                                                     'OnTime'],
  ['hourly, one run passed over',                    { lastRunAt: at('10:30:00') },                                                     'OnTime'],
  ['hourly, two runs passed over',                   { lastRunAt: at('09:59:00') },                                                     'Overdue'],
  ['hourly, failed once',                            { lastRunAt: at('11:00:01'), lastSuccessAt: at('10:00:01'), lastError: '55P03 x' }, 'OnTime'],
  ['hourly, failed twice',                           { lastRunAt: at('11:00:01'), lastSuccessAt: at('09:00:01'), lastError: '55P03 x' }, 'Failed'],
  ['never ran, and was not to yet',                  { createdAt: at('11:10:00') },                                                     'OnTime'],
  ['never ran, and was to two hours ago',            { createdAt: at('09:10:00') },                                                     'Overdue'],
  ['daily, half an hour late',                       { schedule: '30 11 * * *', lastRunAt: new Date('2026-02-28T11:30:01Z') },           'OnTime'],
  ['daily, an hour and a half late',                 { schedule: '30 10 * * *', lastRunAt: new Date('2026-02-28T10:30:01Z') },           'Overdue'],
  ['every ten minutes, 20 of them late',             { schedule: '*/10 * * * *', lastRunAt: at('11:39:00') },                            'Overdue'],
  ['every second, half a minute late',               { schedule: '1 second', lastRunAt: at('11:59:30') },                               'OnTime'],
  ['every 30 seconds, two minutes late',             { schedule: '30 seconds', lastRunAt: at('11:57:00') },                             'Overdue'],
  ['on the last day of the month, which was passed', { schedule: '0 0 $ * *', createdAt: new Date('2026-02-20T00:00:00Z') },             'Overdue'],
  ['of a schedule that nobody can read',             { schedule: 'now and then' },                                                     'Overdue'],
])('%s', (_what, given, reason) => {
  expect(judge(upkeep(job(given)))).toMatchObject({ kind: reason === 'OnTime' ? 'done' : 'warn', reason })
})

test('an empty list is no work', () => {
  expect(judge(upkeep())).toEqual({ kind: 'done', reason: 'NoJobs' })
})

test('the message names what failed first, why, and the others; it does not change with the time', () => {
  const failed = { lastSuccessAt: at('09:00:00'), lastError: '22012 division by zero' }
  const jobs = [job({ name: 'idle', lastRunAt: at('08:00:00') }), job({ ...failed, lastRunAt: at('11:00:00') })]
  const outcome = judge(upkeep(...jobs))
  expect(outcome).toMatchObject({
    reason: 'Failed',
    message:
      'job tidy (0 * * * *) last succeeded at 2026-03-01T09:00:00.000Z: 22012 division by zero (and idle); docs/runbooks/maintenance.md says what to do',
  })
  const later = judge({ ...upkeep(...jobs), now: at('12:30:00') })
  expect(later).toEqual({ ...outcome, retryAfterMs: (later as { retryAfterMs: number }).retryAfterMs })
})

// prettier-ignore
test.each<[string, ScheduledJob[], number]>([
  ['when the first is late',                                [job({ lastRunAt: at('11:30:00') }), job({ lastRunAt: at('11:59:00'), schedule: '*/10 * * * *' })], 10 * 60_000],
  ['when one of ours is due',                               [job({ scheduled: false, lastRunAt: at('12:00:00'), schedule: '*/5 * * * *' })],                    5 * 60_000],
  ['at once, when one of ours is due now',                  [job({ scheduled: false, lastRunAt: at('11:49:00'), schedule: '*/5 * * * *' })],                    0],
  ['after a minute, while one is late',                     [job({ lastRunAt: at('03:00:00') })],                                                              60_000],
  ['now and then, when nothing is to be expected for long', [job({ lastRunAt: at('11:00:00'), schedule: '0 4 * * *' })],                                       15 * 60_000],
])('looks again %s', (_when, jobs, afterMs) => {
  expect(judge(upkeep(...jobs))).toMatchObject({ retryAfterMs: afterMs + (afterMs === 60_000 ? 0 : 1) })
})

test('ours are run when they are due, the longest overdue first; what the database runs is left to it', () => {
  const own = { scheduled: false }
  const jobs = [
    job({ ...own, name: 'recent', lastRunAt: at('11:30:00') }),
    job({ ...own, name: 'late', lastRunAt: at('10:30:00') }),
    job({ ...own, name: 'later', lastRunAt: at('08:30:00') }),
    job({ ...own, name: 'failed', lastRunAt: at('11:30:00'), lastSuccessAt: at('01:00:00'), lastError: 'x' }),
    job({ name: 'theirs', lastRunAt: at('01:00:00') }),
    job({ ...own, name: 'unreadable', schedule: 'now and then' }),
  ]
  expect(due({ ...upkeep(...jobs), now: at('11:59:00') }).map(({ name }) => name)).toEqual(['later', 'late'])
})

test('schedules are of the zone that pg_cron has', () => {
  const daily = job({ schedule: '0 13 * * *', lastRunAt: new Date('2026-02-28T13:00:30Z') })
  expect(judge({ ...upkeep(daily), now: at('13:01:00') }).kind).toBe('done')
  expect(judge({ ...upkeep(daily), now: at('13:01:00'), timeZone: 'Europe/Paris' }).kind).toBe('warn')
})
