import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Role } from '../testing/database.ts'
import { addCandidate, addJob, addRecruiter, addSkill, addUser, apply } from './testing/people.ts'
import type { Recruiter } from './testing/people.ts'

const db = testDatabase('core')
let recruiter: Recruiter

beforeAll(async () => {
  recruiter = await addRecruiter(db.query, 'Société Générale & Cie')
})

const column = (name: string, jobId: string) =>
  one(db.query, `SELECT ${name} FROM job_postings WHERE job_id = $1`, [jobId])
const insert = (title: string) =>
  `INSERT INTO job_postings (company_id, title, employment_type, description, work_location)
   VALUES ('${recruiter.companyId}', '${title}', 'full-time', '-', '{"type":"remote"}') RETURNING job_id, slug`

describe('slugs', () => {
  test('are folded, trimmed and cut', async () => {
    const slug = async (title: string) => column('slug', await addJob(db.query, recruiter, { title: `'${title}'` }))
    expect(await slug('Développeur C++ (H/F)')).toBe('developpeur-c-h-f-societe-generale-cie')
    const long = await addRecruiter(db.query, 'x'.repeat(200))
    const cut = await column('slug', await addJob(db.query, long, { title: `'${'y'.repeat(200)}'` }))
    expect(cut).toHaveLength(250)
    const symbols = await addRecruiter(db.query, '株式会社')
    const jobId = await addJob(db.query, symbols, { title: `'職'` })
    expect(await column('slug', jobId)).toBe(`job-${jobId}`)
  })

  test('of two transactions at once differ', async () => {
    const [first, second] = [await db.connect(), await db.connect()]
    await first.query('BEGIN')
    await second.query('BEGIN')
    const one = await first.query<{ slug: string }>(insert('Race'))
    const waiting = second.query<{ job_id: string; slug: string }>(insert('Race'))
    const early = await Promise.race([waiting.then(() => 'done'), sleep(300, 'waits')])
    expect(early).toBe('waits')
    await first.query('COMMIT')
    const [two] = (await waiting).rows
    await second.query('COMMIT')
    expect(one.rows[0]?.slug).toBe('race-societe-generale-cie')
    expect(two?.slug).toBe(`race-societe-generale-cie-${two?.job_id.slice(0, 8)}`)
  })

  test('of 10,000 equal titles by 50 connections at once are unique', async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => db.connect()))
    await Promise.all(
      clients.map(async (client) => {
        for (let i = 0; i < 200; i++) await client.query(insert('Popular'))
      }),
    )
    expect(
      await db.query(
        `SELECT count(*)::integer AS jobs, count(DISTINCT slug)::integer AS slugs, count(DISTINCT k.slug)::integer AS keys,
                bool_and(slug = 'popular-societe-generale-cie' OR slug LIKE 'popular-societe-generale-cie-________') AS named
           FROM job_postings JOIN job_posting_keys k USING (job_id, slug) WHERE title = 'Popular'`,
      ),
    ).toEqual([{ jobs: 10_000, slugs: 10_000, keys: 10_000, named: true }])
  })

  test('fall back to the whole id', async () => {
    const jobId = randomUUID()
    await addJob(db.query, recruiter, { title: `'Twin'` })
    await addJob(db.query, recruiter, { slug: `'twin-societe-generale-cie-${jobId.slice(0, 8)}'` })
    await addJob(db.query, recruiter, { title: `'Twin'`, job_id: `'${jobId}'` })
    expect(await column('slug', jobId)).toBe(`twin-societe-generale-cie-${jobId}`)
  })

  test('that are given are kept or refused, and never change', async () => {
    const jobId = await addJob(db.query, recruiter, { slug: `'my-own'` })
    await expect(addJob(db.query, recruiter, { slug: `'my-own'` })).rejects.toMatchObject({ code: '23505' })
    for (const change of [`slug = 'other'`, `created_at = now() - interval '1 day'`, `job_id = gen_random_uuid()`])
      await expect(db.query(`UPDATE job_postings SET ${change} WHERE job_id = $1`, [jobId])).rejects.toMatchObject({
        code: '23514',
        constraint: 'job_postings_identity',
      })
  })
})

describe('partitions', () => {
  const partitionOf = (jobId: string) => column('tableoid::regclass::text', jobId)

  test('exist for this month and the next two, whatever the time zone', async () => {
    const client = await db.connect(db.owner)
    await client.query(`SET timezone = 'Pacific/Kiritimati'`)
    await client.query('SELECT create_monthly_partitions()')
    const { rows } = await client
      .query<{ bound: string }>(
        `SET timezone = 'UTC'; SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class
        WHERE relname = to_char(now() AT TIME ZONE 'UTC' + interval '2 months', '"job_postings_y"YYYY"m"MM')`,
      )
      .then((results) => (results as unknown as (typeof results)[])[1] ?? results)
    expect(rows[0]?.bound).toMatch(
      /^FOR VALUES FROM \('\d{4}-\d\d-01 00:00:00\+00'\) TO \('\d{4}-\d\d-01 00:00:00\+00'\)$/,
    )
    expect(await partitionOf(await addJob(db.query, recruiter))).toMatch(/^job_postings_y\d{4}m\d\d$/)
  })

  test('take two months of inserts across their borders while no job runs; what comes later waits in the default', async () => {
    const fresh = await addRecruiter(db.query)
    // Each border of the next two months and more, to the microsecond, and every sixth hour between.
    const instants = `
      SELECT generate_series(now(), now() + interval '2 months', interval '6 hours')
      UNION ALL
      SELECT month + step FROM generate_series(1, 2) i,
             LATERAL (SELECT date_trunc('month', now(), 'UTC') + make_interval(months => i)) m(month),
             unnest('{-1 microsecond,0,1 microsecond}'::interval[]) step`
    const job = (created: string) =>
      db.query(
        `INSERT INTO job_postings (company_id, recruiter_id, title, employment_type, description, work_location, created_at)
         SELECT $1, $2, 'Later', 'full-time', '-', '{"type":"remote"}', created FROM (${created}) AS i(created)`,
        [fresh.companyId, fresh.userId],
      )
    const rows = (table: string) =>
      one(db.query, `SELECT count(*) FROM ${table} WHERE company_id = $1`, [fresh.companyId])
    await job(instants)
    expect(Number(await rows('job_postings'))).toBeGreaterThan(240)
    expect(await rows('job_postings_default')).toBe('0')
    expect(
      await one(
        db.query,
        `SELECT bool_and(created_at = k.created_at) FROM job_postings JOIN job_posting_keys k USING (job_id, created_at)
                                 WHERE company_id = $1`,
        [fresh.companyId],
      ),
    ).toBe(true)

    await job(`SELECT now() + interval '4 months'`)
    expect(await rows('job_postings_default')).toBe('1')
    const client = await db.connect(db.owner)
    const watch = () => client.query(`SELECT run_maintenance_job('watch-default-partitions') AS quiet`)
    expect((await watch()).rows).toEqual([{ quiet: false }])
    expect(
      await one(db.query, `SELECT last_error FROM maintenance_jobs WHERE name = 'watch-default-partitions'`),
    ).toMatch(/^23514 rows in the default partition of job_postings: \d+\. .*create_range_partition/)
    await client.query(`SELECT create_job_partition(now() + interval '4 months')`)
    expect(await rows('job_postings_default')).toBe('0')
  })

  test('of a month that nobody made in time are made when the job comes to it, and its rows move', async () => {
    const jobId = await addJob(db.query, recruiter, { created_at: `'2001-05-31 23:30+00'` })
    expect(await partitionOf(jobId)).toBe('job_postings_default')
    const client = await db.connect(db.owner)
    expect((await client.query(`SELECT run_maintenance_job('rescue-partitions') AS done`)).rows).toEqual([
      { done: true },
    ])
    expect(await partitionOf(jobId)).toBe('job_postings_y2001m05')
    await db.query(`DELETE FROM job_postings WHERE job_id = $1`, [jobId])
  })

  test('of missed months are made one a run, few rows each, and none stops the months ahead', async () => {
    const client = await db.connect(db.owner)
    const rescue = async (limit = 2) =>
      (await client.query<{ done: boolean }>(`SELECT rescue_job_partition(${limit}) AS done`)).rows[0]?.done
    const add = (month: string) => addJob(db.query, recruiter, { created_at: `'${month}-05 00:00+00'` })
    // The first is more than may move, the name of the second is taken.
    const many = [await add('2002-01'), await add('2002-01'), await add('2002-01')]
    await client.query('CREATE TABLE job_postings_y2002m02 ()')
    const [taken, third, fourth] = [await add('2002-02'), await add('2002-03'), await add('2002-04')]
    const places = async () => {
      const found = []
      for (const id of [...many, taken, third, fourth]) found.push(await partitionOf(id))
      return found
    }
    const rest = Array<string>(4).fill('job_postings_default')

    expect(await rescue()).toBe(true)
    expect(await places()).toEqual([...rest, 'job_postings_y2002m03', 'job_postings_default'])
    expect(await rescue()).toBe(true)
    expect(await places()).toEqual([...rest, 'job_postings_y2002m03', 'job_postings_y2002m04'])
    await expect(rescue()).rejects.toMatchObject({ code: '42P07' })

    const [ahead] = (
      await client.query<{ name: string }>(
        `SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 months', '"job_postings_y"YYYY"m"MM') AS name`,
      )
    ).rows
    await client.query(`DROP TABLE ${ahead?.name}`)
    await client.query(`SELECT create_monthly_partitions()`)
    expect((await client.query(`SELECT to_regclass('${ahead?.name}') IS NOT NULL AS made`)).rows).toEqual([
      { made: true },
    ])

    await client.query('DROP TABLE job_postings_y2002m02')
    expect(await rescue()).toBe(true)
    expect(await rescue()).toBe(false)
    expect(await rescue(3)).toBe(true)
    expect(await places()).not.toContain('job_postings_default')
    await db.query(`DELETE FROM job_postings WHERE job_id = ANY ($1)`, [[...many, taken, third, fourth]])
  })

  test('of a month ahead that has rows already are not made in passing', async () => {
    const client = await db.connect(db.owner)
    const [month] = (
      await client.query<{ name: string; start: string }>(
        `SELECT to_char(m, '"job_postings_y"YYYY"m"MM') AS name, (m AT TIME ZONE 'UTC')::text AS start
         FROM date_trunc('month', now() AT TIME ZONE 'UTC' + interval '2 months') AS m`,
      )
    ).rows
    await client.query(`DROP TABLE ${month?.name}`)
    const jobId = await addJob(db.query, recruiter, { created_at: `'${month?.start}'` })
    await client.query(`SELECT create_monthly_partitions()`)
    expect(await partitionOf(jobId)).toBe('job_postings_default')
    await client.query(`SELECT rescue_job_partition()`)
    expect(await partitionOf(jobId)).toBe(month?.name)
    await db.query(`DELETE FROM job_postings WHERE job_id = $1`, [jobId])
  })

  test('take rows over from the default; keys, skills and applications stay', async () => {
    const { candidateId } = await addCandidate(db.query, 'limited')
    const jobId = await addJob(db.query, recruiter, { created_at: `'2024-05-31 23:30+00'` })
    const later = await addJob(db.query, recruiter, { created_at: `'2024-06-01 00:00+00'` })
    await db.query(`INSERT INTO job_required_skills (job_id, skill_id, requirement_type) VALUES ($1, $2, 'required')`, [
      jobId,
      await addSkill(db.query),
    ])
    await apply(db.query, jobId, candidateId)
    expect(await partitionOf(jobId)).toBe('job_postings_default')
    const before = await db.query(`SELECT * FROM job_postings WHERE job_id = $1`, [jobId])
    const events = () => one(db.query, `SELECT count(*) FROM outbox_events`)
    const eventsBefore = await events()

    const client = await db.connect(db.owner)
    await client.query(`SELECT create_job_partition('2024-05-10')`)

    expect(await partitionOf(jobId)).toBe('job_postings_y2024m05')
    expect(await partitionOf(later)).toBe('job_postings_default')
    expect(await db.query(`SELECT * FROM job_postings WHERE job_id = $1`, [jobId])).toEqual(before)
    for (const table of ['job_posting_keys', 'job_required_skills', 'job_applications'])
      expect(await db.query(`SELECT FROM ${table} WHERE job_id = $1`, [jobId]), table).toHaveLength(1)
    expect(await events()).toBe(eventsBefore)

    // Row triggers and foreign keys are back on both.
    await db.query(`DELETE FROM job_postings WHERE job_id IN ($1, $2)`, [jobId, later])
    expect(await db.query(`SELECT FROM job_posting_keys WHERE job_id IN ($1, $2)`, [jobId, later])).toEqual([])
    await expect(
      addJob(db.query, { ...recruiter, companyId: randomUUID() }, { created_at: `'2024-05-02'`, slug: `'no-company'` }),
    ).rejects.toMatchObject({ code: '23503' })
  })

  test('are refused when a table of that name is something else', async () => {
    const client = await db.connect(db.owner)
    await client.query('CREATE TABLE job_postings_y2023m01 ()')
    await expect(client.query(`SELECT create_job_partition('2023-01-10')`)).rejects.toMatchObject({ code: '42P07' })
    await client.query('DROP TABLE job_postings_y2023m01')
  })

  test('go two years after their month, when empty', async () => {
    const client = await db.connect(db.owner)
    await client.query(`SELECT create_job_partition('2020-01-10'), create_job_partition('2020-02-10')`)
    await addJob(db.query, recruiter, { created_at: `'2020-02-10'` })
    await client.query(`SELECT drop_empty_partitions('job_postings', '2 years')`)
    const left = `SELECT relname FROM pg_class WHERE relname LIKE 'job_postings_y2020m__' ORDER BY 1`
    expect((await client.query(left)).rows).toEqual([{ relname: 'job_postings_y2020m02' }])
  })
})

describe('derived columns', () => {
  test.each([
    ['remote', 'no', 'full'],
    ['onsite', 'full', 'no'],
    ['hybrid', 'full', 'partial'],
    ['hybrid', 'flexible', 'flexible'],
  ])('%s work with policy %s is %s', async (type, given, derived) => {
    const columns = { work_location: `'{"type":"${type}"}'`, remote_policy: `'${given}'` }
    expect(await column('remote_policy', await addJob(db.query, recruiter, columns))).toBe(derived)
  })

  test('closing is dated, reopening clears it', async () => {
    const jobId = await addJob(db.query, recruiter)
    const dated = () =>
      db.query(
        `SELECT closed_at IS NOT NULL AS closed, filled_at IS NOT NULL AS filled FROM job_postings WHERE job_id = $1`,
        [jobId],
      )
    const set = (status: string) => db.query(`UPDATE job_postings SET status = $2 WHERE job_id = $1`, [jobId, status])
    await set('filled')
    expect(await dated()).toEqual([{ closed: true, filled: true }])
    await set('active')
    expect(await dated()).toEqual([{ closed: false, filled: false }])
    await set('cancelled')
    expect(await dated()).toEqual([{ closed: true, filled: false }])
  })

  test('applications are counted, and counting is no change', async () => {
    const jobId = await addJob(db.query, recruiter)
    const before = await column('updated_at', jobId)
    await apply(db.query, jobId, (await addCandidate(db.query, 'limited')).candidateId)
    await db.query(`UPDATE job_postings SET view_count = 7 WHERE job_id = $1`, [jobId])
    expect(
      await db.query(`SELECT application_count, view_count, updated_at FROM job_postings WHERE job_id = $1`, [jobId]),
    ).toEqual([{ application_count: 1, view_count: 7, updated_at: before }])
  })

  test('weights of requirements are their sums after every change, also by two at once', async () => {
    const jobId = await addJob(db.query, recruiter)
    const insert = (type: string, weight: number) =>
      `INSERT INTO job_required_skills (job_id, skill_id, requirement_type, weight)
       SELECT '${jobId}', skill_id, '${type}', ${weight} FROM skills_taxonomy
        WHERE NOT EXISTS (SELECT FROM job_required_skills r WHERE r.job_id = '${jobId}' AND r.skill_id = skills_taxonomy.skill_id)
        LIMIT 1`
    const weights = async () =>
      (
        await db.query(
          `SELECT required_weight::float AS required, optional_weight::float AS optional FROM job_skill_weights WHERE job_id = $1`,
          [jobId],
        )
      )[0]
    for (let i = 0; i < 4; i++) await addSkill(db.query)
    await db.query(insert('required', 0.5))
    await db.query(insert('preferred', 0.25))
    expect(await weights()).toEqual({ required: 0.5, optional: 0.25 })
    await db.query(
      `UPDATE job_required_skills SET requirement_type = 'required', weight = 1 WHERE job_id = $1 AND weight = 0.25`,
      [jobId],
    )
    expect(await weights()).toEqual({ required: 1.5, optional: 0 })
    await db.query(`DELETE FROM job_required_skills WHERE job_id = $1 AND weight = 1`, [jobId])
    expect(await weights()).toEqual({ required: 0.5, optional: 0 })

    const other = await db.connect()
    await other.query('BEGIN')
    await other.query(`UPDATE job_required_skills SET weight = 0.75 WHERE job_id = '${jobId}'`)
    const waiting = db.query(insert('required', 1))
    await sleep(100)
    await other.query('COMMIT')
    await waiting
    expect(await weights()).toEqual({ required: 1.75, optional: 0 })
    await db.query(`DELETE FROM job_postings WHERE job_id = $1`, [jobId])
    expect(await weights()).toBeUndefined()
  })

  test('text search folds accents and keeps short words; a job without requirements is found', async () => {
    const english = await addJob(db.query, recruiter, { title: `'IT Manager'` })
    const french = await addJob(db.query, recruiter, { title: `'Ingénieurs réseau'`, content_language: `'fra'` })
    const find = async (config: string, text: string) =>
      (
        await db.query(`SELECT job_id FROM job_postings WHERE search_vector @@ plainto_tsquery('${config}', $1)`, [
          text,
        ])
      ).map((row) => row['job_id'])
    expect(await find('ssm_eng', 'it')).toEqual([english])
    expect(await find('ssm_fra', 'ingenieur')).toEqual([french])
  })

  test('search_jobs() finds what the policies let each role find (D-081)', async () => {
    const [own, other] = [await addRecruiter(db.query), await addRecruiter(db.query)]
    const title = { title: `'Falconer'` }
    const active = await addJob(db.query, other, title)
    const draft = await addJob(db.query, own, { ...title, status: `'draft'` })
    const filled = await addJob(db.query, other, { ...title, status: `'filled'` })
    const candidate = await addCandidate(db.query, 'private')
    await apply(db.query, filled, candidate.candidateId)
    const admin = await addUser(db.query, 'admin')
    const words = `SELECT job_id FROM job_postings WHERE search_vector @@ plainto_tsquery('ssm_eng', 'falconer') ORDER BY 1`
    const found = (role: Role, userId: string | null, sql = `SELECT job_id FROM search_jobs('falconer') ORDER BY 1`) =>
      db.as(role, userId, async (query) => (await query(sql)).map((row) => row['job_id'] as string))
    const expected: [Role, string | null, string[]][] = [
      ['authenticated_users', candidate.userId, [active, filled]],
      ['authenticated_users', null, []],
      ['recruiter_role', own.userId, [active, draft]],
      ['recruiter_role', other.userId, [active, filled]],
      ['recruiter_role', candidate.userId, [active]],
      ['admin_role', admin, [active, draft, filled]],
    ]
    for (const [role, userId, jobs] of expected) {
      expect(await found(role, userId), role).toEqual(jobs.sort())
      expect(await found(role, userId, words), role).toEqual(jobs)
    }
    expect(
      await db.as('admin_role', admin, (query) => query(`SELECT FROM search_jobs('falconer', 'eng', 2)`)),
    ).toHaveLength(2)
    expect(await found('admin_role', admin, `SELECT job_id FROM search_jobs('fauconnier', 'fra')`)).toEqual([])
  })
})
