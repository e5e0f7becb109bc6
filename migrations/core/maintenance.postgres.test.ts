import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import { addCandidate, addJob, addRecruiter, addUser, apply } from './testing/people.ts'

describe('jobs', () => {
  const db = testDatabase('core')
  let asOwner: pg.Client
  const run = async (name: string) => {
    const { rows } = await asOwner.query<{ done: boolean }>('SELECT run_maintenance_job($1) AS done', [name])
    const [job] = await db.query('SELECT last_error FROM maintenance_jobs WHERE name = $1', [name])
    return { done: rows[0]?.done, error: job?.['last_error'] }
  }

  beforeAll(async () => {
    asOwner = await db.connect(db.owner)
  })

  test('all of the list succeed as owner, and say when they ran', async () => {
    const names = (await db.query('SELECT name FROM maintenance_jobs')).map((row) => row['name'] as string)
    expect(names).toContain('create-partitions')
    for (const name of names) expect(await run(name), name).toEqual({ done: true, error: null })
    expect(await db.query('SELECT FROM maintenance_jobs WHERE last_run_at IS NULL')).toEqual([])
    expect(await db.query('SELECT FROM maintenance_jobs WHERE last_success_at IS DISTINCT FROM last_run_at')).toEqual(
      [],
    )
  })

  test('that fail change nothing and say why; unknown ones are refused', async () => {
    await asOwner.query(`INSERT INTO maintenance_jobs (name, command, schedule)
                         VALUES ('broken', 'DELETE FROM cities; SELECT 1/0', '0 0 1 1 *')`)
    await db.query(`INSERT INTO cities VALUES (1, 'Paris', 'FR', NULL, 1, 48.8, 2.3)`)
    expect(await run('broken')).toEqual({ done: false, error: '22012 division by zero' })
    expect(await db.query('SELECT geoname_id FROM cities')).toEqual([{ geoname_id: 1 }])
    const never = `SELECT last_success_at FROM maintenance_jobs WHERE name = 'broken' AND last_run_at IS NOT NULL`
    expect(await db.query(never)).toEqual([{ last_success_at: null }])
    await asOwner.query(`DELETE FROM maintenance_jobs WHERE name = 'broken'`)
    await expect(run('broken')).rejects.toMatchObject({ code: '42704' })
  })

  test('time out postings and certificates, with events', async () => {
    const recruiter = await addRecruiter(db.query)
    const due = await addJob(db.query, recruiter, { expires_at: `now() - interval '1 s'` })
    const later = await addJob(db.query, recruiter, { expires_at: `now() + interval '1 h'` })
    const { candidateId } = await addCandidate(db.query, 'limited')
    await db.query(`UPDATE certifications SET expiration_date = CURRENT_DATE - 2 WHERE candidate_id = $1`, [
      candidateId,
    ])
    await run('expire-jobs')
    await run('expire-certifications')
    const jobs = await db.query(`SELECT job_id, status FROM job_postings WHERE job_id IN ($1, $2) ORDER BY status`, [
      due,
      later,
    ])
    expect(jobs).toEqual([
      { job_id: later, status: 'active' },
      { job_id: due, status: 'expired' },
    ])
    expect(await db.query(`SELECT verification_status FROM certifications`)).toEqual([
      { verification_status: 'expired' },
    ])
    const last = await db.query(`SELECT aggregate_id FROM outbox_events ORDER BY sequence DESC LIMIT 2`)
    expect(last.map((row) => row['aggregate_id'])).toEqual([candidateId, due])
  })

  test('purge sessions 30 days after they ended', async () => {
    const userId = await addUser(db.query, 'candidate')
    for (const days of [29, 31])
      await db.query(
        `INSERT INTO user_sessions (user_id, refresh_token_hash, expires_at) VALUES ($1, $2::text, now() - make_interval(days => $2::integer))`,
        [userId, `${days}`],
      )
    await run('purge-sessions')
    expect(await db.query('SELECT refresh_token_hash FROM user_sessions')).toEqual([{ refresh_token_hash: '29' }])
  })

  test('purge applications 2 years after the decision, then postings 2 years closed', async () => {
    const recruiter = await addRecruiter(db.query)
    const job = await addJob(db.query, recruiter, { status: `'filled'`, closed_at: `now() - interval '25 months'` })
    const { candidateId } = await addCandidate(db.query, 'limited')
    await apply(db.query, job, candidateId)
    const left = () => db.query(`SELECT FROM job_posting_keys WHERE job_id = $1`, [job])
    await db.query(`UPDATE job_applications SET status = 'rejected', decided_at = now() - interval '23 months'`)
    await run('purge-applications')
    await run('purge-closed-jobs')
    expect(await left()).toHaveLength(1)
    await db.query(`UPDATE job_applications SET decided_at = now() - interval '25 months'`)
    await run('purge-applications')
    await run('purge-closed-jobs')
    expect(await left()).toHaveLength(0)
  })

  test('an application that nobody decided goes 2 years after its posting closed', async () => {
    const recruiter = await addRecruiter(db.query)
    const job = await addJob(db.query, recruiter, { status: `'filled'`, closed_at: `now() - interval '23 months'` })
    const { candidateId } = await addCandidate(db.query, 'limited')
    const application = await apply(db.query, job, candidateId)
    const touched = async (age: string) => {
      const client = await db.connect()
      // Without the trigger that says when it was.
      await client.query(
        `BEGIN; SET LOCAL session_replication_role = replica;
         UPDATE job_applications SET updated_at = now() - interval '${age}' WHERE application_id = '${application}'; COMMIT`,
      )
    }
    await touched('3 years')
    const left = () => db.query(`SELECT FROM job_applications WHERE job_id = $1`, [job])
    const oldest = () => one<Date>(db.query, `SELECT oldest FROM retention_state() WHERE name = 'job-applications'`)
    const removes = (keep: string) =>
      one<number>(db.query, `SELECT retention_removes('job-applications', $1, FALSE, '{}')::int`, [keep])
    await run('purge-applications')
    expect(await left()).toHaveLength(1)
    expect(Date.now() - (await oldest()).getTime()).toBeGreaterThan(600 * 86_400_000)
    expect([await removes('2 years'), await removes('1 year')]).toEqual([0, 1])
    await db.query(`UPDATE job_postings SET closed_at = now() - interval '25 months' WHERE job_id = $1`, [job])
    // A decision was taken back, or it came to an interview: what counts is when somebody last touched it.
    await db.query(`UPDATE job_applications SET status = 'rejected' WHERE job_id = $1`, [job])
    await db.query(`UPDATE job_applications SET status = 'offer' WHERE job_id = $1`, [job])
    await run('purge-applications')
    expect(await left()).toHaveLength(1)
    expect(Date.now() - (await oldest()).getTime()).toBeLessThan(86_400_000)
    await touched('25 months')
    // While a posting is open nothing of it is old.
    await db.query(`UPDATE job_postings SET status = 'active' WHERE job_id = $1`, [job])
    await run('purge-applications')
    expect(await left()).toHaveLength(1)
    expect(await removes('1 day')).toBe(0)
    await db.query(
      `UPDATE job_postings SET status = 'filled', closed_at = now() - interval '25 months' WHERE job_id = $1`,
      [job],
    )
    await run('purge-applications')
    expect(await left()).toHaveLength(0)
  })

  test('purge a thousand applications a run, of both kinds together', async () => {
    const recruiter = await addRecruiter(db.query)
    const job = await addJob(db.query, recruiter, { status: `'filled'`, closed_at: `now() - interval '25 months'` })
    const client = await db.connect()
    await client.query(
      `BEGIN; SET LOCAL session_replication_role = replica;
       INSERT INTO job_applications (job_id, candidate_id, user_id, status, decided_at, updated_at)
       SELECT '${job}', gen_random_uuid(), gen_random_uuid(), CASE WHEN i > 600 THEN 'rejected' ELSE 'submitted' END,
              CASE WHEN i > 600 THEN now() - interval '25 months' END, now() - interval '25 months'
         FROM generate_series(1, 1200) i; COMMIT`,
    )
    const left = () => one<number>(db.query, `SELECT count(*)::int FROM job_applications WHERE job_id = $1`, [job])
    await run('purge-applications')
    expect(await left()).toBe(200)
    await run('purge-applications')
    expect(await left()).toBe(0)
  })

  test('a posting of a recruiter on hold stays', async () => {
    const recruiter = await addRecruiter(db.query)
    const job = await addJob(db.query, recruiter, { status: `'filled'`, closed_at: `now() - interval '25 months'` })
    const hold = (holds: object) => db.query(`SELECT set_retention('{}', $1)`, [JSON.stringify(holds)])
    const left = () => db.query(`SELECT FROM job_postings WHERE job_id = $1`, [job])
    await hold({ [recruiter.userId]: 'case 2' })
    await run('purge-closed-jobs')
    expect(await left()).toHaveLength(1)
    const removes = `SELECT retention_removes('closed-jobs', '2 years', FALSE, '{}')::int AS rows`
    expect(await db.query(removes)).toEqual([{ rows: 1 }])
    await hold({})
    await run('purge-closed-jobs')
    expect(await left()).toHaveLength(0)
  })

  test('a posting with a score that has to stay, or of somebody on hold, stays', async () => {
    const recruiter = await addRecruiter(db.query)
    const job = await addJob(db.query, recruiter, { status: `'filled'`, closed_at: `now() - interval '25 months'` })
    const { userId, candidateId } = await addCandidate(db.query, 'limited')
    await db.query(
      `INSERT INTO candidate_job_matches (candidate_id, job_id, score, model_version, computed_at)
       VALUES ($1, $2, 1, 'm', now() - interval '89 days')`,
      [candidateId, job],
    )
    const hold = (holds: object) => db.query(`SELECT set_retention('{}', $1)`, [JSON.stringify(holds)])
    const left = () => db.query(`SELECT FROM candidate_job_matches WHERE job_id = $1`, [job])
    // One that has to stay longer by its own rule.
    await run('purge-closed-jobs')
    expect(await left()).toHaveLength(1)
    await db.query(`UPDATE candidate_job_matches SET computed_at = now() - interval '91 days'`)
    await hold({ [userId]: 'case 1' })
    await run('purge-closed-jobs')
    expect(await left()).toHaveLength(1)
    const removes = `SELECT retention_removes('closed-jobs', '2 years', FALSE, '{}')::int AS rows`
    expect(await db.query(removes)).toEqual([{ rows: 1 }])
    await hold({})
    await run('purge-closed-jobs')
    expect(await left()).toHaveLength(0)
  })

  test('drop an outbox partition 7 days after all of it was published, not before', async () => {
    const day = 'outbox_events_y2020m01d01'
    await asOwner.query(`SELECT create_range_partition('outbox_events', '${day}', '2020-01-01Z', '2020-01-02Z')`)
    await db.query(`INSERT INTO outbox_events (aggregate_type, aggregate_id, event_type, event_data, created_at)
                    VALUES ('skill', gen_random_uuid(), 'skill.updated', '{}', '2020-01-01Z')`)
    const dropped = async () => {
      expect(await run('drop-outbox-partitions')).toEqual({ done: true, error: null })
      return (await db.query(`SELECT to_regclass('${day}')::text AS found`))[0]?.['found'] === null
    }
    const aged = `UPDATE outbox_published_partitions SET published_at = now() - interval '7 days'`
    expect(await dropped()).toBe(false) // no relay
    await db.query(`INSERT INTO outbox_cursor (relay, xid, sequence) VALUES ('slow', '1', 1)`)
    expect(await dropped()).toBe(false) // not published
    await db.query(
      `UPDATE outbox_cursor SET (xid, sequence) = (SELECT xid, sequence FROM outbox_events ORDER BY xid DESC, sequence DESC LIMIT 1)`,
    )
    expect(await dropped()).toBe(false) // published today
    await db.query(`UPDATE outbox_cursor SET xid = '1'`)
    await db.query(aged)
    expect(await dropped()).toBe(false) // an event of a late commit
    await db.query(
      `UPDATE outbox_cursor SET (xid, sequence) = (SELECT xid, sequence FROM outbox_events ORDER BY xid DESC, sequence DESC LIMIT 1)`,
    )
    expect(await dropped()).toBe(false)
    await db.query(aged)
    expect(await dropped()).toBe(true)
  })

  test('give up after a second behind a long reader, so that writers do not queue behind them', async () => {
    await asOwner.query(`SELECT create_job_partition('2018-01-10'), create_job_partition('2018-02-10')`)
    const recruiter = await addRecruiter(db.query)
    await addJob(db.query, recruiter, { created_at: `'2018-02-10'` })
    const reader = await db.connect()
    await reader.query('BEGIN; SELECT count(*) FROM job_postings')
    const started = performance.now()
    const ended = run('drop-empty-job-partitions')
    await addJob(db.query, recruiter)
    expect(await ended).toEqual({ done: false, error: expect.stringMatching(/^55P03 /) as string })
    expect(performance.now() - started).toBeLessThan(5_000)
    // A partition that stays is not locked at all.
    await reader.query('COMMIT')
    expect(await run('drop-empty-job-partitions')).toEqual({ done: true, error: null })
    await reader.query('BEGIN; SELECT count(*) FROM job_postings')
    expect(await run('drop-empty-job-partitions')).toEqual({ done: true, error: null })
    await reader.query('ROLLBACK')
  })

  test('of partitions run hourly, so that one that gave up is tried again soon', async () => {
    expect(
      await db.query(
        `SELECT name FROM maintenance_jobs WHERE name LIKE '%partitions' AND schedule !~ '^\\d+ \\* \\* \\* \\*$'`,
      ),
    ).toEqual([])
  })

  test('fail while rows lie in a default partition', async () => {
    expect(await run('watch-default-partitions')).toEqual({ done: true, error: null })
    await addJob(db.query, await addRecruiter(db.query), { created_at: `'2019-05-05'` })
    expect(await run('watch-default-partitions')).toEqual({
      done: false,
      error: expect.stringMatching(/^23514 rows in the default partition of job_postings: 1\. /) as string,
    })
  })

  test('forget when an erased account accepted the terms five years later, never of another account', async () => {
    const added: string[] = []
    const add = async (status: string, years: number) => {
      const sql = `INSERT INTO users (email, password_hash, user_type, status, terms_accepted_at, privacy_accepted_at, updated_at)
         VALUES (gen_random_uuid() || '@example.org', '!', 'candidate', $1, now() - interval '9 years', now() - interval '9 years',
                 now() - make_interval(years => $2, days => 1)) RETURNING user_id`
      added.push(String(await one(db.query, sql, [status, years])))
    }
    await add('anonymized', 5)
    await add('anonymized', 4)
    await add('inactive', 5)
    expect(await run('purge-proofs')).toEqual({ done: true, error: null })
    expect(
      await db.query(
        `SELECT status, num_nonnulls(terms_accepted_at, privacy_accepted_at) AS left FROM users WHERE user_id = ANY ($1) ORDER BY 1, 2`,
        [added],
      ),
    ).toEqual([
      { status: 'anonymized', left: 0 },
      { status: 'anonymized', left: 2 },
      { status: 'inactive', left: 2 },
    ])
  })
})
