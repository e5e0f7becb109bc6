import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeCursor } from '../../chassis/pagination.ts'
import { addSkills, addUser, startCore } from './core.ts'
import type { TestCore, TestUser } from './core.ts'

let core: TestCore
let ada: TestUser
let bob: TestUser
let rita: TestUser
let rob: TestUser
let root: TestUser
let skills: string[]

beforeAll(async () => {
  core = await startCore()
  const { database } = core
  ada = await addUser(database, 'candidate')
  bob = await addUser(database, 'candidate')
  rita = await addUser(database, 'recruiter')
  rob = await addUser(database, 'recruiter')
  root = await addUser(database, 'admin')
  skills = await addSkills(database, ['SQL', 'TypeScript', 'Kubernetes', 'Node.js', '100% cotton'])
})
afterAll(() => core.close())

const jobOf = (companyId: string, extra: object = {}) => ({
  companyId,
  title: 'Data engineer',
  employmentType: 'full-time',
  description: 'Pipelines.\n\t- and tables',
  workLocation: { type: 'remote' },
  requiredSkills: [
    { skillId: skills[0], minimumLevel: 3, minimumYears: 0.3 },
    { skillId: skills[1], requirementType: 'preferred' },
  ],
  ...extra,
})

describe('a job board, front to back', () => {
  let companyId: string
  let jobId: string
  let candidateId: string

  test('a recruiter enters a company and becomes its member', async () => {
    const created = await core.as(rita, 'POST', '/v1/companies', { name: 'Acme', foundedYear: 1949 })
    expect(created).toMatchObject({ status: 201, body: { name: 'Acme', foundedYear: 1949, isVerified: false } })
    companyId = created.body.companyId
    const changed = await core.as(rita, 'PATCH', `/v1/companies/${companyId}`, { industry: 'Explosives' })
    expect(changed).toMatchObject({ status: 200, body: { industry: 'Explosives', name: 'Acme' } })
    expect(await core.as(rob, 'PATCH', `/v1/companies/${companyId}`, { name: 'Mine' })).toMatchObject({ status: 403 })
    expect(await core.as(ada, 'GET', `/v1/companies/${companyId}`)).toMatchObject({
      status: 200,
      body: { name: 'Acme' },
    })
  })

  test('and posts a job with its skills', async () => {
    const created = await core.as(
      rita,
      'POST',
      '/v1/jobs',
      jobOf(companyId, { experienceRequiredMin: 3, salaryMin: 50_000.5 }),
    )
    expect(created).toMatchObject({
      status: 201,
      body: {
        company: 'Acme',
        remotePolicy: 'full',
        recruiterId: rita.userId,
        salaryMin: 50_000.5,
        slug: 'data-engineer-acme',
      },
    })
    expect(created.body.requiredSkills).toEqual([
      { skillId: skills[0], name: 'SQL', requirementType: 'required', minimumLevel: 3, minimumYears: 0.3, weight: 1 },
      {
        skillId: skills[1],
        name: 'TypeScript',
        requirementType: 'preferred',
        minimumLevel: 1,
        minimumYears: 0,
        weight: 1,
      },
    ])
    jobId = created.body.jobId
  })

  test('a patch changes what it names; skills are replaced as a whole', async () => {
    const { body: before } = await core.as(rita, 'GET', `/v1/jobs/${jobId}`)
    const patch = { title: 'Senior data engineer', requiredSkills: [{ skillId: skills[0] }, { skillId: skills[2] }] }
    const { status, body } = await core.as(rita, 'PATCH', `/v1/jobs/${jobId}`, patch)
    expect(status).toBe(200)
    expect(body).toMatchObject({ title: 'Senior data engineer', description: before.description, slug: before.slug })
    expect(body.requiredSkills.map((skill: { name: string }) => skill.name)).toEqual(['Kubernetes', 'SQL'])
    expect(await core.as(rob, 'PATCH', `/v1/jobs/${jobId}`, { title: 'Mine' })).toMatchObject({ status: 403 })
    const onlySkills = await core.as(rob, 'PATCH', `/v1/jobs/${jobId}`, { requiredSkills: [] })
    expect(onlySkills).toMatchObject({ status: 403 })
  })

  test('a draft is nobody else’s: not found, rather than forbidden', async () => {
    const { body: draft } = await core.as(rita, 'POST', '/v1/jobs', jobOf(companyId, { status: 'draft' }))
    for (const user of [rob, ada]) {
      expect(await core.as(user, 'GET', `/v1/jobs/${draft.jobId}`)).toMatchObject({ status: 404 })
    }
    expect(await core.as(rob, 'PATCH', `/v1/jobs/${draft.jobId}`, { title: 'Mine' })).toMatchObject({ status: 404 })
    expect(await core.as(rita, 'GET', `/v1/jobs/${draft.jobId}`)).toMatchObject({ status: 200 })
  })

  test('a candidate makes a profile, once', async () => {
    const created = await core.as(ada, 'POST', '/v1/candidates', {
      firstName: 'Ada',
      currentTitle: 'Engineer',
      experienceYears: 5,
    })
    expect(created).toMatchObject({
      status: 201,
      body: { access: 'self', userId: ada.userId, profileVisibility: 'limited', firstName: 'Ada', lastName: null },
    })
    candidateId = created.body.candidateId
    expect(await core.as(ada, 'POST', '/v1/candidates', {})).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT', errors: [{ in: 'body', path: '', problem: 'there is a profile of yours already' }] },
    })
    const patched = await core.as(ada, 'PATCH', `/v1/candidates/${candidateId}`, { lastName: 'L', firstName: null })
    expect(patched).toMatchObject({ status: 200, body: { firstName: null, lastName: 'L', currentTitle: 'Engineer' } })
  })

  test('with skills: add, replace, change, remove', async () => {
    const url = `/v1/candidates/${candidateId}/skills`
    const added = await core.as(ada, 'PUT', `${url}/${skills[0]}`, { level: 2, years: 2.5 })
    expect(added).toMatchObject({
      status: 200,
      body: { name: 'SQL', level: 2, years: 2.5, isPrimary: false, lastUsedDate: null },
    })
    await core.as(ada, 'PUT', `${url}/${skills[0]}`, { level: 4, lastUsedDate: '2026-01-31' })
    const changed = await core.as(ada, 'PATCH', `${url}/${skills[0]}`, { isPrimary: true })
    expect(changed.body).toMatchObject({ level: 4, years: 0, isPrimary: true, lastUsedDate: '2026-01-31' })
    await core.as(ada, 'PUT', `${url}/${skills[3]}`, { level: 1 })
    expect(await core.as(ada, 'DELETE', `${url}/${skills[3]}`)).toEqual({ status: 204, body: null })
    expect(await core.as(ada, 'DELETE', `${url}/${skills[3]}`)).toMatchObject({ status: 404 })
    const { body } = await core.as(ada, 'GET', url)
    expect(body.items.map((skill: { name: string }) => skill.name)).toEqual(['SQL'])
    expect(await core.as(ada, 'PUT', `${url}/${randomUUID()}`, { level: 1 })).toMatchObject({
      status: 422,
      body: { code: 'REFERENCE_NOT_FOUND' },
    })
  })

  test('and gets jobs that fit, with reasons', async () => {
    const { status, body } = await core.as(ada, 'GET', `/v1/candidates/${candidateId}/matches?limit=5`)
    expect(status).toBe(200)
    expect(body.items).toEqual([
      {
        jobId,
        title: 'Senior data engineer',
        company: 'Acme',
        // 0.6 × 1/2 + 0.15 × 1/2 + 0.1 × 1 + 0.1 × 1 + 0.05 × 1
        score: 0.625,
        reasons: [
          '1 of 2 required skills: SQL',
          'missing: Kubernetes',
          'level and years as asked in each of them',
          '5 years of work, 3 asked',
        ],
      },
    ])
    const forRita = await core.as(rita, 'GET', `/v1/candidates/${candidateId}/matches`)
    expect(forRita.body.items).toHaveLength(1)
    const forRob = await core.as(rob, 'GET', `/v1/candidates/${candidateId}/matches`)
    expect(forRob).toEqual({ status: 200, body: { items: [] } })
  })

  test('what a recruiter sees of a candidate follows visibility and applications', async () => {
    const url = `/v1/candidates/${candidateId}`
    const card = { candidateId, currentTitle: 'Engineer', experienceYears: 5, access: 'card' }
    expect(await core.as(rita, 'GET', url)).toEqual({ status: 200, body: card })
    expect((await core.as(rita, 'GET', `${url}/skills`)).body.items[0]).not.toHaveProperty('lastUsedDate')

    await core.as(ada, 'PATCH', url, { profileVisibility: 'private' })
    expect(await core.as(rita, 'GET', url)).toMatchObject({ status: 404 })
    expect(await core.as(rita, 'GET', `${url}/skills`)).toMatchObject({ status: 404 })
    expect(await core.as(rita, 'GET', `${url}/matches`)).toMatchObject({ status: 404 })
    expect((await core.as(rita, 'GET', '/v1/candidates')).body.items).toEqual([])

    await core.database.admin.query('INSERT INTO job_applications (job_id, candidate_id) VALUES ($1, $2)', [
      jobId,
      candidateId,
    ])
    const applied = await core.as(rita, 'GET', url)
    expect(applied).toMatchObject({
      status: 200,
      body: { access: 'applied', lastName: 'L', email: `${ada.userId}@example.org` },
    })
    expect(applied.body).not.toHaveProperty('expectedSalaryMin')
    expect(applied.body).not.toHaveProperty('userId')
    expect(await core.as(rob, 'GET', url)).toMatchObject({ status: 404 })

    await core.as(ada, 'PATCH', url, {
      profileVisibility: 'public',
      shareExpectedSalary: true,
      expectedSalaryMin: 60_000,
    })
    const profile = await core.as(rob, 'GET', url)
    expect(profile.body).toMatchObject({ access: 'profile', lastName: 'L', expectedSalaryMin: 60_000, currency: 'EUR' })
    expect(profile.body).not.toHaveProperty('email')
    expect((await core.as(rob, 'GET', '/v1/candidates')).body.items).toHaveLength(1)
  })

  test('an administrator sees and changes everyone', async () => {
    const { body } = await core.as(root, 'GET', '/v1/candidates')
    expect(body.items).toMatchObject([{ candidateId, access: 'admin', userId: ada.userId }])
    const changed = await core.as(root, 'PATCH', `/v1/candidates/${candidateId}`, { currentTitle: 'Corrected' })
    expect(changed).toMatchObject({ status: 200, body: { currentTitle: 'Corrected', access: 'admin' } })
    const job = await core.as(root, 'POST', '/v1/jobs', jobOf(companyId))
    expect(job).toMatchObject({
      status: 201,
      body: { recruiterId: null, slug: `data-engineer-acme-${job.body.jobId.slice(0, 8)}` },
    })
  })

  test('a change and its events are one transaction; what is refused leaves none', async () => {
    const { admin } = core.database
    const events = async () =>
      (
        await admin.query<{ type: string; xid: string }>(
          `SELECT event_type AS type, (xid::text::numeric % 4294967296)::text AS xid FROM outbox_events
            WHERE aggregate_id = $1 ORDER BY sequence`,
          [jobId],
        )
      ).rows
    const before = await events()
    expect(before[0]?.type).toBe('job.posting.created')

    const patch = { title: 'Data engineer', requiredSkills: [{ skillId: skills[0] }, { skillId: skills[1] }] }
    expect(await core.as(rita, 'PATCH', `/v1/jobs/${jobId}`, patch)).toMatchObject({ status: 200 })
    const { rows } = await admin.query<{ xid: string }>(
      `SELECT xmin::text AS xid FROM job_postings WHERE job_id = $1
       UNION SELECT xmin::text FROM job_required_skills WHERE job_id = $1`,
      [jobId],
    )
    expect(rows).toHaveLength(1)
    const after = await events()
    const added = after.slice(before.length)
    expect(added.length).toBeGreaterThan(0)
    expect(new Set(added.map(({ type, xid }) => `${type} ${xid}`))).toEqual(
      new Set([`job.posting.updated ${rows[0]?.xid}`]),
    )

    const refused = { title: 'Never', requiredSkills: [{ skillId: randomUUID() }] }
    expect(await core.as(rita, 'PATCH', `/v1/jobs/${jobId}`, refused)).toMatchObject({ status: 422 })
    expect(await events()).toEqual(after)
  })
})

describe('refusals name the field', () => {
  test.each([
    ['unknown field', { name: 'X', evil: true }, { path: '/evil', problem: 'is not a known field' }],
    ['missing field', {}, { path: '/name', problem: 'is required' }],
    ['no coercion', { name: 5 }, { path: '/name', problem: 'must be string' }],
    ['two lines where one is meant', { name: 'a\nb' }, { path: '/name', problem: 'must not hold control characters' }],
    [
      'a control character in text of several lines',
      { name: 'X', description: 'a\n\u0000b' },
      { path: '/description', problem: 'must not hold control characters' },
    ],
    ['out of range', { name: 'X', foundedYear: 99 }, { path: '/foundedYear', problem: 'must be >= 1000' }],
    [
      'not in the list',
      { name: 'X', companySize: 'huge' },
      {
        path: '/companySize',
        problem: 'must be equal to one of the allowed values: startup, small, medium, large, enterprise',
      },
    ],
  ])('%s', async (_name, body, problem) => {
    const answer = await core.as(rita, 'POST', '/v1/companies', body)
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_FAILED', errors: [{ in: 'body', ...problem }] },
    })
  })

  test('dates that are none, or that PostgreSQL cannot hold', async () => {
    const { body: company } = await core.as(rita, 'POST', '/v1/companies', { name: 'Dates' })
    const expiring = (expiresAt: string) => core.as(rita, 'POST', '/v1/jobs', jobOf(company.companyId, { expiresAt }))
    expect(await expiring('2030-02-28T23:59:60+05:30')).toMatchObject({ status: 400 })
    // Before Christ, and the year 10000, once in UTC.
    for (const far of ['0001-01-01T00:00:00+15:00', '9999-12-31T23:59:59-15:00']) {
      expect(await expiring(far)).toMatchObject({ status: 400, body: { errors: [{ path: '/expiresAt' }] } })
    }
    expect(await expiring('2030-01-01T00:00:00+16:00')).toMatchObject({ status: 422, body: { code: 'RULE_VIOLATED' } })
    expect(await expiring('2030-01-01T00:00:00+15:00')).toMatchObject({
      status: 201,
      body: { expiresAt: '2029-12-31T09:00:00.000Z' },
    })
    const { body: profile } = await core.as(await addUser(core.database, 'candidate'), 'POST', '/v1/candidates', {})
    const url = `/v1/candidates/${profile.candidateId}/skills/${skills[0]}`
    expect(await core.as(root, 'PUT', url, { level: 1, lastUsedDate: '0000-01-01' })).toMatchObject({
      status: 400,
      body: { errors: [{ path: '/lastUsedDate' }] },
    })
  })

  test('cross-field rules and references of the database', async () => {
    const { body: company } = await core.as(rita, 'POST', '/v1/companies', { name: 'Rules' })
    const refused = async (extra: object) =>
      (await core.as(rita, 'POST', '/v1/jobs', jobOf(company.companyId, extra))).body
    expect(await refused({ salaryMin: 2, salaryMax: 1 })).toMatchObject({
      status: 422,
      errors: [{ path: '/salaryMax', problem: 'must not be less than salaryMin' }],
    })
    expect(await refused({ experienceRequiredMin: 2, experienceRequiredMax: 1 })).toMatchObject({
      status: 422,
      errors: [{ path: '/experienceRequiredMax', problem: 'must not be less than experienceRequiredMin' }],
    })
    expect(await refused({ requiredSkills: [{ skillId: randomUUID() }] })).toMatchObject({
      status: 422,
      code: 'REFERENCE_NOT_FOUND',
      errors: [{ path: '/requiredSkills' }],
    })
    const twice = [{ skillId: skills[0] }, { skillId: skills[0] }]
    expect(await refused({ requiredSkills: twice })).toMatchObject({
      status: 400,
      errors: [{ path: '/requiredSkills/1/skillId' }],
    })
    expect(await core.as(root, 'POST', '/v1/jobs', jobOf(randomUUID()))).toMatchObject({
      status: 422,
      body: { code: 'REFERENCE_NOT_FOUND', errors: [{ path: '/companyId' }] },
    })
  })

  test('a token of a person who is not there, or is something else', async () => {
    const ghost = { userId: randomUUID(), role: 'candidate' } as const
    expect(await core.as(ghost, 'POST', '/v1/candidates', {})).toMatchObject({
      status: 422,
      body: { code: 'REFERENCE_NOT_FOUND' },
    })
    const recruiterAsCandidate = { ...rita, role: 'candidate' } as const
    const refused = await core.as(recruiterAsCandidate, 'POST', '/v1/candidates', {})
    expect(refused).toMatchObject({
      status: 422,
      body: { errors: [{ problem: 'the account of this token is not a candidate' }] },
    })
    const ghostRecruiter = { userId: randomUUID(), role: 'recruiter' } as const
    expect(await core.as(ghostRecruiter, 'POST', '/v1/companies', { name: 'Ghost' })).toMatchObject({ status: 422 })
  })
})

describe('search and pages', () => {
  beforeAll(async () => {
    const names = ['😀'.repeat(200), '\u0001'.repeat(200), '\u0001'.repeat(199) + '\u0002']
    await core.database.admin.query('INSERT INTO companies (company_name) SELECT unnest($1::text[])', [names])
  })

  test('skills: equal before prefix before inside; % and _ are letters', async () => {
    const names = async (query: string) =>
      (await core.as(ada, 'GET', `/v1/skills?${query}`)).body.items.map((skill: { name: string }) => skill.name)
    await core.database.admin.query(
      `INSERT INTO skills_taxonomy (skill_name, category, aliases, popularity_score) VALUES
        ('use SQL databases', 'technical', '[]', 0), ('SQLite', 'tool', '[]', 0), ('NoSQL', 'technical', '[]', 9),
        ('structured queries', 'technical', '["SQL"]', 0)`,
    )
    expect(await names('q=sql')).toEqual(['SQL', 'structured queries', 'SQLite', 'use SQL databases', 'NoSQL'])
    expect(await names('q=sql&category=tool')).toEqual(['SQLite'])
    expect(await names('q=0%25')).toEqual(['100% cotton'])
    expect(await names('q=%25')).toEqual(['100% cotton'])
    expect(await names('q=_')).toEqual([])
    expect((await names('limit=2'))[0]).toBe('NoSQL')
  })

  test.each(['/v1/skills?limit=2', '/v1/skills?q=sql&limit=2', '/v1/companies?limit=1', '/v1/jobs?limit=1'])(
    'pages of %s give every item once',
    async (url) => {
      const all = (await core.as(root, 'GET', url.replace(/limit=\d/, 'limit=100'))).body.items
      const seen = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const { status, body } = await core.as(root, 'GET', cursor === '' ? url : `${url}&cursor=${cursor}`)
        expect(status).toBe(200)
        seen.push(...body.items)
        cursor = body.nextCursor
      }
      expect(all.length).toBeGreaterThan(1)
      expect(seen).toEqual(all)
    },
  )

  test.each([
    ['/v1/skills?limit=0', '/limit'],
    ['/v1/skills?limit=101', '/limit'],
    ['/v1/skills?limit=ten', '/limit'],
    ['/v1/skills?limit=1&limit=2', '/limit'],
    ['/v1/skills?wrong=1', '/wrong'],
    ['/v1/skills/demand', '/region'],
    ['/v1/skills/demand?region=FR&month=2026-13', '/month'],
    [
      `/v1/skills/demand?region=FR&cursor=${encodeCursor('skill demand FR  ', ['2026-13', 11, randomUUID()])}`,
      '/cursor',
    ],
    ['/v1/jobs?companyId=1', '/companyId'],
    ['/v1/jobs?cursor=abc', '/cursor'],
    [`/v1/jobs?cursor=${encodeCursor('jobs      ', ['2026-02-30T00:00:00.000000Z', randomUUID()])}`, '/cursor'],
    ['/v1/candidates?cursor=e30', '/cursor'],
  ])('%s is refused at %s', async (url, path) => {
    const answer = await core.as(root, 'GET', url)
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_FAILED', errors: [{ in: 'querystring', path }] },
    })
  })

  test('a cursor of another list is refused, this list’s own is not', async () => {
    const { body } = await core.as(root, 'GET', '/v1/jobs?limit=1')
    // As the test above makes one.
    const made = encodeCursor('jobs      ', ['2026-02-28T00:00:00.000000Z', randomUUID()])
    for (const cursor of [made, body.nextCursor]) {
      expect(await core.as(root, 'GET', `/v1/jobs?limit=1&cursor=${cursor}`)).toMatchObject({ status: 200 })
    }
    expect(await core.as(root, 'GET', `/v1/jobs?limit=1&status=active&cursor=${body.nextCursor}`)).toMatchObject({
      status: 400,
    })
  })
})

test('bob has nothing to do with any of it', async () => {
  expect((await core.as(bob, 'GET', '/v1/candidates')).body.items).toEqual([])
})

test('a candidate has 200 skills at most, also when two are added at once', async () => {
  const cara = await addUser(core.database, 'candidate')
  const { candidateId } = (await core.as(cara, 'POST', '/v1/candidates', {})).body
  const ids = await addSkills(
    core.database,
    Array.from({ length: 202 }, (_, i) => `Skill no. ${i}`),
  )
  await core.database.admin.query(
    'INSERT INTO candidate_skills (candidate_id, skill_id, skill_level) SELECT $1, unnest($2::uuid[]), 1',
    [candidateId, ids.slice(0, 199)],
  )
  const put = (i: number) => core.as(cara, 'PUT', `/v1/candidates/${candidateId}/skills/${ids[i]}`, { level: 2 })
  const statuses = (await Promise.all([put(199), put(200), put(201)])).map(({ status }) => status)
  expect(statuses.toSorted()).toEqual([200, 422, 422])
  // What is there can still be said anew.
  expect(await put(0)).toMatchObject({ status: 200, body: { level: 2 } })
})

test('skills in demand: of a region, newest month first, most postings first, none of fewer than 11', async () => {
  const { admin } = core.database
  const { rows } = await admin.query<{ id: string }>(
    `INSERT INTO companies (company_name) VALUES ('Many') RETURNING company_id AS id`,
  )
  const post = async (count: number, skill: string | undefined, countryCode: string, at: string) => {
    const jobs = await admin.query<{ id: string }>(
      `INSERT INTO job_postings (company_id, title, employment_type, description, work_location, posted_at)
       SELECT $1, 'Job', 'full-time', '-', $2, $3 FROM generate_series(1, $4) RETURNING job_id AS id`,
      [rows[0]?.id, { type: 'onsite', locations: [{ city: 'x', countryCode }] }, at, count],
    )
    await admin.query(
      `INSERT INTO job_required_skills (job_id, skill_id, requirement_type) SELECT unnest($1::uuid[]), $2, 'required'`,
      [jobs.rows.map(({ id }) => id), skill],
    )
  }
  await post(11, skills[0], 'FR', '2026-02-28')
  await post(11, skills[0], 'FR', '2026-01-01')
  await post(13, skills[2], 'FR', '2026-01-31')
  await post(10, skills[3], 'FR', '2026-01-31')
  await post(12, skills[0], 'DE', '2026-01-31')
  await admin.query('REFRESH MATERIALIZED VIEW skill_demand')
  const ask = async (query: string) => (await core.as(ada, 'GET', `/v1/skills/demand?${query}`)).body
  const cells = async (query: string) =>
    (await ask(query)).items.map(({ name, month, postings }) => [month, name, postings])
  const all = [
    ['2026-02', 'SQL', 11],
    ['2026-01', 'Kubernetes', 13],
    ['2026-01', 'SQL', 11],
  ]
  expect(await cells('region=FR')).toEqual(all)
  expect(await cells('region=FR&month=2026-01')).toEqual(all.slice(1))
  expect(await cells(`region=FR&skillId=${skills[0]}`)).toEqual([all[0], all[2]])
  expect(await cells('region=DE')).toEqual([['2026-01', 'SQL', 12]])
  expect(await cells('region=ES')).toEqual([])

  const first = await ask('region=FR&limit=1')
  const second = await ask(`region=FR&limit=1&cursor=${first.nextCursor}`)
  const third = await ask(`region=FR&limit=1&cursor=${second.nextCursor}`)
  expect([first, second, third].flatMap(({ items }) => items)).toEqual((await ask('region=FR')).items)
  expect(third.nextCursor).toBeNull()
})
