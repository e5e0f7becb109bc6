import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Row } from '../testing/database.ts'
import { addCandidate, addJob, addRecruiter, addSkill, addUser, apply } from './testing/people.ts'
import type { Candidate, Recruiter } from './testing/people.ts'

const db = testDatabase('core')
let candidate: Candidate
let recruiter: Recruiter
let job: string
let application: string

beforeAll(async () => {
  candidate = await addCandidate(db.query, 'public')
  recruiter = await addRecruiter(db.query)
  job = await addJob(db.query, recruiter)
  application = await apply(db.query, job, candidate.candidateId)
})

/** Type, aggregate and data of the events that some work writes. */
async function eventsOf(work: () => Promise<unknown>): Promise<Row[]> {
  const last = await one(db.query, `SELECT COALESCE(max(sequence), 0) FROM outbox_events`)
  await work()
  return db.query(
    `SELECT event_type AS type, aggregate_id AS id, event_data AS data FROM outbox_events WHERE sequence > $1 ORDER BY sequence`,
    [last],
  )
}
const update = (sql: string, id: string) => eventsOf(() => db.query(`UPDATE ${sql} = $1`, [id]))

describe('events', () => {
  test('of users', async () => {
    const [created] = await eventsOf(() => addUser(db.query, 'admin'))
    expect(created).toMatchObject({ type: 'user.created', data: { user_id: created?.['id'] } })
    const id = created?.['id'] as string
    expect(await update(`users SET email = 'new@example.invalid', last_login_at = now() WHERE user_id`, id)).toEqual([
      { type: 'user.updated', id, data: { user_id: id, changed_fields: ['email', 'last_login_at'] } },
    ])
    expect(await eventsOf(() => db.query(`DELETE FROM users WHERE user_id = $1`, [id]))).toEqual([
      { type: 'user.deleted', id, data: { user_id: id } },
    ])
  })

  test('of profiles carry both ids; their child tables are changes of the profile', async () => {
    const { userId, candidateId } = await addCandidate(db.query, 'limited')
    const ids = { candidate_id: candidateId, user_id: userId }
    const updated = (...changed_fields: string[]) => [
      { type: 'candidate.profile.updated', id: candidateId, data: { ...ids, changed_fields } },
    ]
    expect(
      await update(`candidate_profiles SET first_name = 'A', phone = 'v1.k.n.b.t' WHERE candidate_id`, candidateId),
    ).toEqual(updated('first_name', 'phone'))
    for (const table of [
      'candidate_skills',
      'work_experiences',
      'education',
      'certifications',
      'candidate_languages',
    ]) {
      const touched = await update(
        `${table} SET created_at = created_at - interval '1 s' WHERE candidate_id`,
        candidateId,
      )
      expect(touched, table).toEqual(updated(table))
      expect(await eventsOf(() => db.query(`DELETE FROM ${table} WHERE candidate_id = $1`, [candidateId]))).toEqual(
        updated(table),
      )
    }
    // The user takes the profile along: no event of a child table outlives its aggregate.
    expect(await eventsOf(() => db.query(`DELETE FROM users WHERE user_id = $1`, [userId]))).toEqual(
      expect.arrayContaining([
        { type: 'user.deleted', id: userId, data: { user_id: userId } },
        { type: 'candidate.profile.deleted', id: candidateId, data: ids },
      ]),
    )
  })

  test('of companies, skills and jobs', async () => {
    const { companyId } = recruiter
    expect(await update(`companies SET industry = 'Food' WHERE company_id`, companyId)).toEqual([
      { type: 'company.updated', id: companyId, data: { company_id: companyId, changed_fields: ['industry'] } },
    ])
    const member = await addUser(db.query, 'recruiter')
    const joined = () =>
      db.query(`INSERT INTO company_members (company_id, user_id) VALUES ($1, $2)`, [companyId, member])
    expect(await eventsOf(joined)).toEqual([
      { type: 'company.updated', id: companyId, data: { company_id: companyId, changed_fields: ['company_members'] } },
    ])
    const skill = await addSkill(db.query)
    expect(await update(`skills_taxonomy SET description = '…' WHERE skill_id`, skill)).toEqual([
      { type: 'skill.updated', id: skill, data: { skill_id: skill, changed_fields: ['description'] } },
    ])
    const data = { job_id: job, company_id: companyId }
    expect(await update(`job_postings SET salary_min = 1 WHERE job_id`, job)).toEqual([
      { type: 'job.posting.updated', id: job, data: { ...data, changed_fields: ['salary_min'] } },
    ])
    const require = () =>
      db.query(`INSERT INTO job_required_skills (job_id, skill_id, requirement_type) VALUES ($1, $2, 'required')`, [
        job,
        skill,
      ])
    expect(await eventsOf(require)).toEqual([
      { type: 'job.posting.updated', id: job, data: { ...data, changed_fields: ['job_required_skills'] } },
    ])
  })

  test('of applications name the person too, and a deleted job takes them along', async () => {
    const ids = {
      application_id: application,
      job_id: job,
      candidate_id: candidate.candidateId,
      user_id: candidate.userId,
    }
    expect(await update(`job_applications SET status = 'rejected' WHERE application_id`, application)).toEqual([
      { type: 'job.application.updated', id: application, data: { ...ids, changed_fields: ['decided_at', 'status'] } },
    ])
    const other = await addJob(db.query, recruiter)
    const second = await apply(db.query, other, candidate.candidateId)
    const events = await eventsOf(() => db.query(`DELETE FROM job_postings WHERE job_id = $1`, [other]))
    expect(events.map(({ type, id }) => [type, id]).sort()).toEqual([
      ['job.application.deleted', second],
      ['job.posting.deleted', other],
    ])
  })

  test.each(['user', 'candidate', 'application'])(
    'of a %s without the person are refused: no erasure would find them',
    async (type) => {
      const publish = db.query(`SELECT publish_domain_event($1, gen_random_uuid(), 'x', '{}')`, [type])
      await expect(publish).rejects.toMatchObject({ constraint: 'outbox_events_person_check' })
    },
  )

  test.each(['candidate_profiles', 'users'])('of applications name the person when %s goes', async (table) => {
    const { userId, candidateId } = await addCandidate(db.query, 'limited')
    const id = await apply(db.query, job, candidateId)
    const events = await eventsOf(() => db.query(`DELETE FROM ${table} WHERE user_id = $1`, [userId]))
    expect(events.filter((event) => event['id'] === id)).toEqual([
      {
        type: 'job.application.deleted',
        id,
        data: { application_id: id, job_id: job, candidate_id: candidateId, user_id: userId },
      },
    ])
  })

  test('of applications name the candidate’s user, whoever the writer says it is', async () => {
    const { userId, candidateId } = await addCandidate(db.query, 'limited')
    const insert = (candidate: string) =>
      db.query(
        `INSERT INTO job_applications (job_id, candidate_id, user_id) VALUES ($1, $2, gen_random_uuid()) RETURNING user_id`,
        [job, candidate],
      )
    expect(await insert(candidateId)).toEqual([{ user_id: userId }])
    await expect(insert(userId)).rejects.toMatchObject({
      code: '23503',
      constraint: 'job_applications_candidate_id_fkey',
    })
  })

  test('are not written for changes of nothing, of counters, of derived columns', async () => {
    expect(await update(`users SET status = status WHERE user_id`, candidate.userId)).toEqual([])
    expect(await update(`job_postings SET view_count = view_count + 1 WHERE job_id`, job)).toEqual([])
    expect(
      await update(`candidate_skills SET skill_level = skill_level WHERE candidate_id`, candidate.candidateId),
    ).toEqual([])
    expect(await eventsOf(() => db.query(`UPDATE companies SET industry = 'x' WHERE false`))).toEqual([])
  })

  test('are one per aggregate and statement', async () => {
    const jobs = [await addJob(db.query, recruiter), await addJob(db.query, recruiter)]
    const skills = [await addSkill(db.query), await addSkill(db.query), await addSkill(db.query)]
    const events = await eventsOf(() =>
      db.query(
        `INSERT INTO job_required_skills (job_id, skill_id, requirement_type)
         SELECT j, s, 'required' FROM unnest($1::uuid[]) j, unnest($2::uuid[]) s`,
        [jobs, skills],
      ),
    )
    expect(events.map(({ id }) => id).sort()).toEqual(jobs.sort())
  })

  test('hold no personal value', async () => {
    await db.query(`UPDATE candidate_profiles SET last_name = 'Canaryson' WHERE candidate_id = $1`, [
      candidate.candidateId,
    ])
    const text = JSON.stringify(await db.query(`SELECT aggregate_type, event_type, event_data FROM outbox_events`))
    expect(text).toContain(candidate.candidateId)
    expect(text).not.toMatch(/canary|Zoé|v1\.|@example|IT Manager|\b50000\b/i)
  })
})

describe('order (D-180)', () => {
  const titled = (title: string) => `UPDATE job_postings SET title = '${title}' WHERE job_id = '${job}'`
  const touch = `UPDATE companies SET industry = industry || '.' `
  const position = async () =>
    (
      await db.query(
        `SELECT e.xid::text, e.sequence::text FROM outbox_events e ORDER BY e.xid DESC, e.sequence DESC LIMIT 1`,
      )
    )[0]
  const setCursor = async (relay: string, at: Row | undefined) =>
    db.query(
      `INSERT INTO outbox_cursor (relay, xid, sequence) VALUES ($1, $2, $3)
       ON CONFLICT (relay) DO UPDATE SET xid = EXCLUDED.xid, sequence = EXCLUDED.sequence`,
      [relay, at?.['xid'], at?.['sequence']],
    )
  const read = (relay: string) =>
    db.query(`SELECT xid::text, sequence::text, aggregate_id FROM read_outbox($1)`, [relay])

  test('a late commit with an older sequence is not lost', async () => {
    const relay = 'late'
    await setCursor(relay, await position())
    const slow = await db.connect()
    await slow.query('BEGIN')
    await slow.query(titled('slow'))
    await db.query(`${touch} WHERE company_id = $1`, [recruiter.companyId])
    // By sequence alone the fast event, which is readable, would carry the cursor past the slow one.
    expect(await read(relay)).toEqual([])
    await slow.query('COMMIT')
    await settled()
    expect((await read(relay)).map((row) => row['aggregate_id'])).toEqual([job, recruiter.companyId])
    await setCursor(relay, (await read(relay)).at(-1))
    expect(await read(relay)).toEqual([])
  })

  /** Waits until the last event may be read: a transaction of another database of this server holds it back as well. */
  const settled = () =>
    expect
      .poll(
        () =>
          one<boolean>(db.query, `SELECT bool_and(xid < pg_snapshot_xmin(pg_current_snapshot())) FROM outbox_events`),
        {
          timeout: 30_000,
        },
      )
      .toBe(true)

  /** Sequences of the job's events, in reading order. */
  const sequences = async (relay: string) =>
    (await read(relay)).filter((row) => row['aggregate_id'] === job).map((row) => Number(row['sequence']))

  test('(xid, sequence) alone can invert the changes of one aggregate', async () => {
    await setCursor('inverted', await position())
    const older = await db.connect()
    await older.query('BEGIN')
    await older.query(`${touch} WHERE company_id = '${recruiter.companyId}'`)
    await db.query(titled('first'))
    await older.query(titled('second'))
    await older.query('COMMIT')
    await settled()
    const [read1, read2] = await sequences('inverted')
    expect(read1).toBeGreaterThan(read2 ?? Infinity)
  })

  test('the lock of the aggregate, taken before the first write, keeps their order', async () => {
    await setCursor('locked', await position())
    const lock = `SELECT lock_aggregate('job', '${job}')`
    const [waiting, holding] = [await db.connect(), await db.connect()]
    await waiting.query('BEGIN')
    await holding.query('BEGIN')
    await holding.query(lock)
    const locked = waiting.query(lock)
    await holding.query(titled('first'))
    await holding.query('COMMIT')
    await locked
    await waiting.query(`${touch} WHERE company_id = '${recruiter.companyId}'`)
    await waiting.query(titled('second'))
    await waiting.query('COMMIT')
    await settled()
    const [read1, read2] = await sequences('locked')
    expect(read1).toBeLessThan(read2 ?? -Infinity)
  })
})

describe('the worker', () => {
  test('reads events and moves its cursor, and writes no event', async () => {
    const worker = await db.connect('supersmartmatch_core_owner')
    await worker.query('RESET SESSION AUTHORIZATION; SET ROLE outbox_worker')
    expect((await worker.query(`SELECT * FROM read_outbox('new', 3)`)).rowCount).toBe(3)
    await worker.query(`INSERT INTO outbox_cursor (relay, xid, sequence) VALUES ('mine', '1', 1)`)
    await worker.query(`UPDATE outbox_cursor SET sequence = 2 WHERE relay = 'mine'`)
    for (const sql of [
      `DELETE FROM outbox_events`,
      `UPDATE outbox_events SET published = TRUE`,
      `SELECT user_id FROM users`,
    ])
      await expect(worker.query(sql), sql).rejects.toMatchObject({ code: '42501' })
  })

  test('published follows from the cursors', async () => {
    await db.query(`DELETE FROM outbox_cursor`)
    const published = () => one<string>(db.query, `SELECT count(*) FROM outbox_events_status WHERE published`)
    expect(await published()).toBe('0')
    await db.query(`INSERT INTO outbox_cursor (relay, xid, sequence)
                    SELECT 'a', xid, sequence FROM outbox_events ORDER BY xid, sequence LIMIT 1 OFFSET 4`)
    expect(await published()).toBe('5')
  })

  test('a consumer does an event once', async () => {
    const done = `INSERT INTO inbox (consumer, event_id) SELECT 'index', event_id FROM outbox_events ORDER BY sequence LIMIT 1
                  ON CONFLICT DO NOTHING RETURNING event_id`
    expect(await db.query(done)).toHaveLength(1)
    expect(await db.query(done)).toHaveLength(0)
  })
})
