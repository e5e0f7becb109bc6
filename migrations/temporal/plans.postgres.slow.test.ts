import matrix from './matrix.json' with { type: 'json' }
import { testDatabase } from '../testing/database.ts'
import { idOf } from '../testing/many.ts'
import { state, testPlans } from '../testing/plans.ts'
import { fillTemporal } from './testing/many.ts'
import { addSlot, bookedFor } from './testing/slots.ts'

/** Every function, trigger, policy and job, with 200,000 rows in each table: by which plans its statements ran. */
const db = testDatabase('temporal')

testPlans(db, {
  matrix,
  fill: async (query) => {
    await fillTemporal(query, 200_000)
    const kinds = ['user', 'candidate', 'recruiter', 'admin', 'job', 'pattern', 'past', 'held']
    const times = {
      offeredAt: `date_trunc('hour', now()) + interval '1 day'`,
      bookedAt: `date_trunc('hour', now()) + interval '2 days'`,
      begunAt: `date_trunc('second', now()) - interval '10 minutes'`,
    }
    const [found = {}] = await query(
      `SELECT ${kinds.map((kind) => `${idOf(kind, 1)} AS ${kind}`).join()}, ${Object.entries(times)
        .map(([name, sql]) => `(${sql})::text AS "${name}"`)
        .join()}`,
    )
    const ids = found as Record<string, string>
    const own = { recruiter_id: `'${ids['recruiter']}'` }
    const booked = { ...own, ...bookedFor({ candidateId: ids['candidate'] ?? '', userId: ids['user'] ?? '' }) }
    const at = (name: keyof typeof times) => `'${ids[name]}'::timestamptz`
    return {
      ...ids,
      offered: await addSlot(query, at('offeredAt'), own),
      booked: await addSlot(query, at('bookedAt'), booked),
      begun: await addSlot(query, at('begunAt'), booked),
    }
  },
  calls: {
    'book_interview(uuid,timestamp with time zone,uuid,uuid)': [
      `book_interview('{offered}', '{offeredAt}', '{candidate}', '{user}')`,
    ],
    'cancel_interview(uuid,timestamp with time zone,text)': [
      `cancel_interview('{booked}', '{bookedAt}', 'v1.k.n.x.t')`,
    ],
    'close_job_schedules(uuid)': [`close_job_schedules('{job}')`],
    'create_interview_slot(uuid,timestamp with time zone,timestamp with time zone,text,text,jsonb,integer)': [
      `create_interview_slot('{job}', now() + interval '3 days', now() + interval '73 hours')`,
    ],
    'current_app_user()': ['current_app_user()'],
    'derived_columns()': ['derived_columns()'],
    'erase_user_data(uuid)': [
      `erase_user_data('{user}')`,
      `erase_user_data('{recruiter}')`,
      'erase_user_data(gen_random_uuid())',
    ],
    'finish_interview(uuid,timestamp with time zone,text)': [`finish_interview('{begun}', '{begunAt}', 'completed')`],
    'free_busy(uuid,timestamp with time zone,timestamp with time zone)': [
      `free_busy('{user}', now(), now() + interval '31 days')`,
    ],
    'lock_aggregate(text,uuid)': [`lock_aggregate('interview', '{booked}')`],
    'read_outbox(text,integer)': [`read_outbox('new', 1000)`, `read_outbox('done', 1000)`],
    'record_metric(text,text,uuid,numeric,text,jsonb,timestamp with time zone)': [
      `record_metric('response_time', 'user', '{user}', 3, 'seconds')`,
    ],
    'remove_availability(uuid)': [`remove_availability('{pattern}')`],
    'reschedule_interview(uuid,timestamp with time zone,timestamp with time zone,timestamp with time zone)': [
      `reschedule_interview('{booked}', '{bookedAt}', now() + interval '90 days', now() + interval '91 days')`,
    ],
    'set_availability(text,integer,time without time zone,time without time zone,text,integer,integer,boolean,text,text,timestamp with time zone,uuid)':
      [
        `set_availability('preferred', 1, '09:00', '10:00', 'Europe/Paris')`,
        `set_availability('work_hours', 1, '09:00', '17:00', 'Europe/Paris')`,
        `set_availability('work_hours', 2, '09:00', '17:00', 'Europe/Paris', p_availability_id => '{pattern}')`,
      ],
    'set_job_schedule(uuid,text,time without time zone,time without time zone,integer[],text,text,integer,text,integer,timestamp with time zone)':
      [`set_job_schedule('{job}', 'work_hours', '09:00', '17:00', '{1,2,3}', 'Europe/Paris')`],
    'set_meeting(uuid,timestamp with time zone,text,jsonb)': [
      `set_meeting('{offered}', '{offeredAt}', 'https://meet.invalid/2', NULL)`,
    ],
  },
  statements: [
    ['authenticated_users', 'SELECT * FROM my_availability'],
    ['authenticated_users', 'SELECT * FROM availability_current'],
    ['authenticated_users', 'SELECT * FROM my_interviews ORDER BY slot_start DESC LIMIT 50'],
    ['recruiter_role', 'SELECT * FROM my_interviews ORDER BY slot_start DESC LIMIT 50'],
    ['recruiter_role', 'SELECT * FROM my_interviews WHERE "timestamp" > now()'],
    ['recruiter_role', `SELECT * FROM my_interviews WHERE job_id = '{job}'`],
    ['admin_role', `SELECT * FROM admin_interviews WHERE slot_id = '{past}'`],
    ['admin_role', `SELECT * FROM admin_interviews WHERE recruiter_id = '{recruiter}'`],
    ['admin_role', `SELECT * FROM admin_temporal_analytics WHERE entity_type = 'user' AND entity_id = '{user}'`],
    [
      'admin_role',
      `SELECT * FROM admin_temporal_analytics
        WHERE metric_type = 'response_time' AND "timestamp" BETWEEN now() - interval '30 days' AND now() - interval '719 hours'`,
    ],
    ['analytics', 'SELECT * FROM availability_statistics'],
    ['analytics', 'SELECT * FROM scheduling_statistics'],
    ['analytics', 'SELECT * FROM metric_statistics'],
    ...['authenticated_users', 'recruiter_role', 'admin_role'].map((role): [string, string] => [
      role,
      `SELECT * FROM job_schedule_current WHERE job_id = '{job}'`,
    ]),
    ['outbox_worker', 'SELECT * FROM outbox_events_status ORDER BY xid DESC, sequence DESC LIMIT 50'],
    ['outbox_worker', `DELETE FROM outbox_dead_letters WHERE event_id = ${idOf('dead', 1)}`],
    [db.owner, 'SELECT check_policies()'], // a job of the community edition
  ],
  refused: [
    ['outbox_worker', `SELECT * FROM erase_user_data('{held}')`],
    ['authenticated_users', `SELECT set_availability('preferred', 1, '09:00', '10:00', 'Europe/Nowhere')`],
    ['recruiter_role', `SELECT create_interview_slot('{job}', '{bookedAt}', '{offeredAt}')`],
  ],
  whole: {
    [state]: 'looks for the oldest row of each rule, every five minutes',
    'SELECT * FROM metric_statistics': 'of all measurements, for analysts',
    'refresh-daily-scheduling-metrics': 'counts all interviews, once a day, where TimescaleDB does not',
    'refresh-hourly-availability-stats': 'counts all patterns, once an hour, where TimescaleDB does not',
  },
  once: ['add_event_triggers'],
  moreThan: 40,
})
