import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rulesOf, type RetentionRule } from '../../../crds/retention.ts'
import { addCandidate, addJob, addRecruiter, addUser, apply } from '../../../migrations/core/testing/people.ts'
import { addPlace } from '../../../migrations/geolocation/testing/places.ts'
import { addPattern, addSlot, bookedFor, someone } from '../../../migrations/temporal/testing/slots.ts'
import { one, testDatabase, type PostgresSchema, type Query } from '../../../migrations/testing/database.ts'
import { createAuthority, issueServerCertificate } from '../../certificates.ts'
import type { LegalHold, Plan, RetentionState } from '../engine.ts'
import { retention } from './retention.ts'
import { tlsFront } from './tls-front.ts'

/** Everything here is real PostgreSQL; only its TLS is ended by a listener of the test, since the test server has none. */
const serverName = 'store.ns.svc'
const authority = await createAuthority('ca', new Date())
const front = await tlsFront(
  new URL(process.env['TEST_POSTGRES_URL'] ?? ''),
  await issueServerCertificate(authority, [serverName], new Date()),
)
afterAll(() => front[Symbol.asyncDispose]())

const anyPlan = {} as Plan
const soon = () => AbortSignal.timeout(20_000)

/** A row of a rule, of somebody. */
interface Planted {
  /** Whether it is there, and as the rule means to leave it. */
  isThere: () => Promise<boolean>
  subject?: string
}
interface Case {
  job: string
  /** Less than by default. */
  shorter: string
  /** Older than the default; between the two; younger than `shorter`. */
  ages: [string, string, string]
  /** @param at  SQL: from when its age counts */
  plant: (query: Query, at: string) => Promise<Planted>
}

const there = (query: Query, table: string, where: string, id: string) => async () =>
  (await query(`SELECT FROM ${table} WHERE ${where} = $1`, [id])).length > 0

const years: Case['ages'] = ['6 years', '26 months', '2 days']
let day = 0

const published: Case = {
  job: 'drop-outbox-partitions',
  shorter: '3d',
  ages: ['8 days', '5 days', '1 day'],
  async plant(query, at) {
    day += 1
    const name = `outbox_events_past_${day}`
    const from = `'2020-01-01Z'::timestamptz + interval '${day} days'`
    await query(`SELECT create_range_partition('outbox_events', '${name}', ${from}, ${from} + interval '1 day')`)
    await query(`DO $$ BEGIN EXECUTE format('ALTER TABLE ${name} OWNER TO %I', (
                   SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'outbox_events'::regclass)); END $$`)
    await query(`INSERT INTO outbox_cursor (relay, xid, sequence) VALUES ('r', '1', 1) ON CONFLICT DO NOTHING`)
    await query(`INSERT INTO outbox_published_partitions VALUES ('${name}', ${at})`)
    return { isThere: () => one<boolean>(query, `SELECT to_regclass('${name}') IS NOT NULL`) }
  },
}
const records: Case = {
  job: 'purge-event-records',
  shorter: '15d',
  ages: ['31 days', '20 days', '2 days'],
  async plant(query, at) {
    const id = randomUUID()
    await query(`INSERT INTO inbox (consumer, event_id, created_at) VALUES ('c', $1, ${at})`, [id])
    return { isThere: there(query, 'inbox', 'event_id', id) }
  },
}
const metric = (type: 'user' | 'job', ages: Case['ages'], shorter: string): Case => ({
  job: 'expire-rows',
  shorter,
  ages,
  async plant(query, at) {
    const subject = randomUUID()
    await query(
      `INSERT INTO temporal_analytics ("timestamp", metric_type, entity_type, entity_id, value) VALUES (${at}, 'response_time', $1, $2, 1)`,
      [type, subject],
    )
    return { isThere: there(query, 'temporal_analytics', 'entity_id', subject), subject }
  },
})

const cases: Partial<Record<PostgresSchema, Record<string, Case>>> = {
  core: {
    'job-applications': {
      job: 'purge-applications',
      shorter: '1y',
      ages: ['25 months', '18 months', '2 days'],
      async plant(query, at) {
        const { userId, candidateId } = await addCandidate(query, 'limited')
        const id = await apply(query, await addJob(query, await addRecruiter(query)), candidateId)
        await query(`UPDATE job_applications SET status = 'rejected', decided_at = ${at} WHERE application_id = $1`, [
          id,
        ])
        return { isThere: there(query, 'job_applications', 'application_id', id), subject: userId }
      },
    },
    'closed-jobs': {
      job: 'purge-closed-jobs',
      shorter: '1y',
      ages: ['25 months', '18 months', '2 days'],
      async plant(query, at) {
        const id = await addJob(query, await addRecruiter(query), { status: `'filled'`, closed_at: at })
        const { userId, candidateId } = await addCandidate(query, 'limited')
        await query(
          `INSERT INTO candidate_job_matches (candidate_id, job_id, score, model_version, computed_at)
           VALUES ($1, $2, 0.5, 'm', now() - interval '100 days')`,
          [candidateId, id],
        )
        return { isThere: there(query, 'job_postings', 'job_id', id), subject: userId }
      },
    },
    'job-matches': {
      job: 'purge-matches',
      shorter: '45d',
      ages: ['91 days', '60 days', '2 days'],
      async plant(query, at) {
        const { userId, candidateId } = await addCandidate(query, 'limited')
        await query(
          `INSERT INTO candidate_job_matches (candidate_id, job_id, score, model_version, computed_at) VALUES ($1, $2, 0.5, 'm', ${at})`,
          [candidateId, await addJob(query, await addRecruiter(query))],
        )
        return { isThere: there(query, 'candidate_job_matches', 'candidate_id', candidateId), subject: userId }
      },
    },
    sessions: {
      job: 'purge-sessions',
      shorter: '15d',
      ages: ['31 days', '20 days', '2 days'],
      async plant(query, at) {
        const subject = await addUser(query, 'candidate')
        await query(`INSERT INTO user_sessions (user_id, refresh_token_hash, expires_at) VALUES ($1, $2, ${at})`, [
          subject,
          randomUUID(),
        ])
        return { isThere: there(query, 'user_sessions', 'user_id', subject), subject }
      },
    },
    consents: {
      job: 'purge-proofs',
      shorter: '2y',
      ages: years,
      async plant(query, at) {
        const subject = randomUUID()
        await query(
          `INSERT INTO user_consents (user_id, purpose, version, source, granted_at, withdrawn_at, created_at) VALUES ($1, 'profiling', '1', 't', ${at}, ${at}, ${at})`,
          [subject],
        )
        return { isThere: there(query, 'user_consents', 'user_id', subject), subject }
      },
    },
    'erasure-requests': {
      job: 'purge-proofs',
      shorter: '2y',
      ages: years,
      async plant(query, at) {
        const subject = randomUUID()
        await query(
          `INSERT INTO erasure_requests (request_id, user_id, store, matched, erased, verified_zero, done_at) VALUES ($1, $1, 'cache', 0, 0, TRUE, ${at})`,
          [subject],
        )
        return { isThere: there(query, 'erasure_requests', 'user_id', subject) }
      },
    },
    'accepted-terms': {
      job: 'purge-proofs',
      shorter: '2y',
      ages: years,
      async plant(query, at) {
        const subject = randomUUID()
        await query(
          `INSERT INTO users (user_id, email, password_hash, user_type, status, terms_accepted_at, privacy_accepted_at, updated_at)
           VALUES ($1, $1::uuid || '@anonymized.invalid', '!', 'candidate', 'anonymized', ${at} - interval '1 year', ${at}, ${at})`,
          [subject],
        )
        const proof = `SELECT num_nonnulls(terms_accepted_at, privacy_accepted_at) > 0 FROM users WHERE user_id = $1`
        return { isThere: () => one<boolean>(query, proof, [subject]), subject }
      },
    },
    'published-events': published,
    'event-records': records,
  },
  geolocation: {
    'private-places': {
      job: 'purge-private-locations',
      shorter: '15d',
      ages: ['31 days', '20 days', '2 days'],
      async plant(query, at) {
        const subject = randomUUID()
        const id = await addPlace(query, 1, 1, subject)
        await query(`UPDATE locations SET cache_expires_at = ${at} + interval '30 days' WHERE location_id = $1`, [id])
        return { isThere: there(query, 'locations', 'location_id', id), subject }
      },
    },
    distances: {
      job: 'purge-distances',
      shorter: '30min',
      ages: ['61 min', '45 min', '10 min'],
      async plant(query, at) {
        const id = await addPlace(query, 1, 1)
        await query(
          `INSERT INTO distance_calculations (origin_location_id, destination_location_id, cache_expires_at) VALUES ($1, $2, ${at} + interval '1 hour')`,
          [id, await addPlace(query, 2, 2)],
        )
        return { isThere: there(query, 'distance_calculations', 'origin_location_id', id) }
      },
    },
    'published-events': published,
    'event-records': records,
  },
  temporal: {
    'availability-patterns': {
      job: 'expire-rows',
      shorter: '1y',
      ages: ['25 months', '18 months', '2 days'],
      async plant(query, at) {
        const subject = randomUUID()
        await addPattern(query, subject, { '"timestamp"': at })
        return { isThere: there(query, 'availability_patterns', 'user_id', subject), subject }
      },
    },
    'job-schedules': {
      job: 'expire-rows',
      shorter: '6mo',
      ages: ['13 months', '8 months', '2 days'],
      async plant(query, at) {
        const id = randomUUID()
        await query(
          `INSERT INTO job_schedules (job_id, "timestamp", schedule_type, timezone) VALUES ($1, ${at}, 'flexible', 'UTC')`,
          [id],
        )
        return { isThere: there(query, 'job_schedules', 'job_id', id) }
      },
    },
    'interview-slots': {
      job: 'expire-rows',
      shorter: '1y',
      ages: ['37 months', '18 months', '9 days'],
      async plant(query, at) {
        const candidate = someone()
        const id = await addSlot(query, at, bookedFor(candidate))
        return { isThere: there(query, 'interview_slots', 'slot_id', id), subject: candidate.userId }
      },
    },
    'user-metrics': metric('user', ['13 months', '8 months', '2 days'], '6mo'),
    metrics: metric('job', ['61 months', '26 months', '2 days'], '2y'),
    'interview-bookings': {
      job: 'purge-interview-bookings',
      shorter: '3d',
      ages: ['8 days', '5 days', '2 days'],
      async plant(query, at) {
        const id = await addSlot(query, `${at} - interval '1 h'`, {
          ...bookedFor(someone()),
          slot_end: at,
        })
        return { isThere: there(query, 'interview_bookings', 'slot_id', id) }
      },
    },
    'meeting-details': {
      job: 'purge-meeting-details',
      shorter: '3d',
      ages: ['8 days', '5 days', '2 days'],
      async plant(query, at) {
        const candidate = someone()
        const start = `${at} - interval '1 h'`
        const url = `https://meet.invalid/${randomUUID()}`
        await addSlot(query, start, { ...bookedFor(candidate), slot_end: at, meeting_url: `'${url}'` })
        return { isThere: there(query, 'interview_slots', 'meeting_url', url), subject: candidate.userId }
      },
    },
    'published-events': published,
    'event-records': records,
  },
}

describe.each(Object.entries(cases))('%s', (schema, rules) => {
  const db = testDatabase(schema as PostgresSchema)
  const defaults = Object.fromEntries(
    Object.entries(rulesOf(schema)).map(([name, { keep }]) => [name, { keep, hold: false }]),
  )
  const target = () => ({
    host: '127.0.0.1',
    serverName,
    port: front.port,
    database: db.name,
    username: db.owner,
    password: 'unused',
    ca: authority.certificate,
  })
  const observe = async () => {
    const seen = await retention.observe(target(), anyPlan, soon())
    if (!seen) throw new Error('there are no rules')
    return seen
  }
  const setting = (name: string, rule: { keep: string; hold?: boolean }, holds: LegalHold[] = []): RetentionState => ({
    rules: { ...defaults, [name]: { hold: false, ...rule } },
    holds,
  })
  const removes = async (next: RetentionState) => {
    const counts = await retention.removes(target(), anyPlan, next, soon())
    return Object.fromEntries(Object.entries(counts).filter(([, rows]) => rows > 0))
  }
  const set = (next: RetentionState) => retention.apply(target(), anyPlan, next, soon())
  let run: (job: string) => Promise<void>

  beforeAll(async () => {
    const asOwner = await db.connect(db.owner)
    run = async (job) => {
      await asOwner.query('SELECT run_maintenance_job($1)', [job])
      expect(await one(db.query, `SELECT last_error FROM maintenance_jobs WHERE name = $1`, [job]), job).toBeNull()
    }
  })

  test('has the rules of the table, with their periods, and nobody on hold', async () => {
    expect(await observe()).toMatchObject({ rules: defaults, oldest: {}, holds: [] })
    expect(Object.keys(rules).sort()).toEqual(Object.keys(defaults).sort())
  })

  test.each(Object.entries(rules))('%s', async (name, { job, shorter, ages, plant }) => {
    const { people = false } = rulesOf(schema)[name] as RetentionRule
    const [ancient, middle, young] = [
      await plant(db.query, `now() - interval '${ages[0]}'`),
      await plant(db.query, `now() - interval '${ages[1]}'`),
      await plant(db.query, `now() - interval '${ages[2]}'`),
    ]
    const left = async () => [await ancient.isThere(), await middle.isThere(), await young.isThere()]
    const oldest = async (age: string) =>
      expect((await observe()).oldest[name]).toEqual(await one(db.query, `SELECT now() - interval '${age}'`).then(near))
    expect(people).toBe(young.subject !== undefined && name !== 'metrics')

    await oldest(ages[0])
    expect(await removes({ rules: defaults, holds: [] })).toEqual({})
    await run(job)
    expect(await left()).toEqual([false, true, true])
    await oldest(ages[1])

    // What a shorter period would cost is told, and changes nothing.
    expect(await removes(setting(name, { keep: shorter }))).toEqual({ [name]: 1 })
    await run(job)
    expect(await left()).toEqual([false, true, true])
    await set(setting(name, { keep: shorter }))
    expect((await observe()).rules[name]).toEqual({ keep: shorter, hold: false })
    await run(job)
    expect(await left()).toEqual([false, false, true])

    // A hold of the rule: nothing goes, and nothing is overdue.
    const held = setting(name, { keep: '1s', hold: true })
    expect(await removes(held)).toEqual({})
    await set(held)
    await run(job)
    expect(await left()).toEqual([false, false, true])
    expect(await observe()).toMatchObject({ rules: { [name]: { keep: '1s', hold: true } } })
    expect((await observe()).oldest[name]).toBeUndefined()

    if (people && young.subject) {
      const holds = [{ subject: young.subject, reason: 'case 4711, "quoted"' }]
      const other = await plant(db.query, `now() - interval '${ages[2]}'`)
      expect(await removes(setting(name, { keep: '1s' }, holds))).toEqual({ [name]: 1 })
      await set(setting(name, { keep: '1s' }, holds))
      expect((await observe()).holds).toEqual(holds)
      await run(job)
      expect([await young.isThere(), await other.isThere()]).toEqual([true, false])
      expect((await observe()).oldest[name]).toBeUndefined()
    }
    // The end of a hold is a loss like any other.
    expect(await removes(setting(name, { keep: '1s' }))).toMatchObject({ [name]: 1 })
    await set(setting(name, { keep: '1s' }))
    await run(job)
    expect(await left()).toEqual([false, false, false])
    await set({ rules: defaults, holds: [] })
    expect(await observe()).toMatchObject({ rules: defaults, holds: [] })
  })

  test('days of the default partition are counted and go as partitions do', async () => {
    const day = `date_trunc('day', now(), 'UTC')`
    const add = (sequence: number, at: string) =>
      db.query(
        `INSERT INTO outbox_events (xid, sequence, aggregate_type, aggregate_id, event_type, event_data, created_at)
         OVERRIDING SYSTEM VALUE VALUES ('2', $1, 'skill', gen_random_uuid(), 'x', '{}', ${day} ${at})`,
        [sequence],
      )
    const left = async () => {
      await run('drop-outbox-partitions')
      return (await db.query('SELECT sequence::int AS n FROM outbox_events_default ORDER BY 1')).map(({ n }) => n)
    }
    const name = 'published-events'
    const fewer = setting(name, { keep: '3d' })
    const age = () => db.query(`UPDATE outbox_published_partitions SET published_at = now() - interval '5 days'`)
    // Two of one day, one of the next; of the third day a relay has passed one only; one that is of no past day.
    await add(1, `- interval '40 days'`)
    await add(2, `- interval '39 days 1 s'`)
    await add(3, `- interval '39 days'`)
    await add(4, `- interval '38 days'`)
    await add(6, `- interval '38 days'`)
    await add(5, `+ interval '30 days'`)
    await db.query(`UPDATE outbox_cursor SET xid = '2', sequence = 5`)

    expect(await left()).toEqual([1, 2, 3, 4, 5, 6])
    expect(await removes(fewer)).toEqual({})
    await age()
    expect((await observe()).oldest[name]).toEqual(await one(db.query, `SELECT now() - interval '5 days'`).then(near))
    expect(await removes(fewer)).toEqual({ [name]: 2 })
    expect(await left()).toEqual([1, 2, 3, 4, 5, 6])
    await set(fewer)
    expect(await left()).toEqual([4, 5, 6])

    await db.query(`UPDATE outbox_cursor SET sequence = 6`)
    expect(await left()).toEqual([4, 5, 6])
    await db.query('DELETE FROM outbox_events_default')
    await age()
    await run('drop-outbox-partitions')
    expect((await observe()).oldest[name]).toBeUndefined()
    await db.query(`UPDATE outbox_cursor SET xid = '1', sequence = 1`)
    await set({ rules: defaults, holds: [] })
  })

  test('holds that are not spoken of stay, in whatever letters they are written; an unknown rule is refused', async () => {
    const subject = randomUUID()
    await db.query(`SELECT set_retention('{}', jsonb_build_object(upper($1), 'r'))`, [subject])
    await db.query(`SELECT set_retention('{}', NULL)`)
    expect((await observe()).holds).toEqual([{ subject, reason: 'r' }])
    const unknown = `SELECT set_retention('{"no-rule": {"keep": "1 day", "held": false}}', '{}')`
    await expect(db.query(unknown)).rejects.toThrow('no retention rule is named no-rule')
    await set({ rules: defaults, holds: [] })
  })

  test('a period of several units that somebody set by hand is told as it is, and can be set again', async () => {
    await db.query(`UPDATE retention_rules SET keep = '18 mons 3 days' WHERE name = 'event-records'`)
    const { rules: seen } = await observe()
    expect(seen['event-records']).toEqual({ keep: '18mo 3d', hold: false })
    await set({ rules: seen, holds: [] })
    expect((await observe()).rules).toEqual(seen)
    await set({ rules: defaults, holds: [] })
  })

  test('who is on hold is not erased', async () => {
    const subject = schema === 'core' ? await addUser(db.query, 'candidate') : randomUUID()
    await set({ rules: defaults, holds: [{ subject, reason: 'r' }] })
    const erase = `SELECT ${schema === 'core' ? 'erase_user' : 'erase_user_data'}($1)`
    await expect(db.query(erase, [subject])).rejects.toThrow(/on legal hold/)
    await set({ rules: defaults, holds: [] })
    await db.query(erase, [subject])
  })

  test('only the owner sets it, and only the definer sees who is on hold', async () => {
    const role = schema === 'core' ? 'admin_role' : 'outbox_worker'
    for (const sql of [`SELECT set_retention('{}', '{}')`, 'SELECT * FROM legal_holds', 'SELECT list_legal_holds()'])
      await expect(db.as(role, randomUUID(), (query) => query(sql))).rejects.toMatchObject({ code: '42501' })
    // Row security hides them from the owner, too.
    await set({ rules: defaults, holds: [{ subject: randomUUID(), reason: 'r' }] })
    const asOwner = await db.connect(db.owner)
    expect((await asOwner.query('SELECT FROM legal_holds')).rowCount).toBe(0)
    await set({ rules: defaults, holds: [] })
  })
})

/** That moment, give or take ten seconds. */
const near = (at: unknown) =>
  expect.toSatisfy((found: Date) => Math.abs(found.getTime() - (at as Date).getTime()) < 10_000) as Date
