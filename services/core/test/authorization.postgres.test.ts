import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addSkills, addUser, startCore } from './core.ts'
import type { TestCore, TestUser } from './core.ts'

/** Every endpoint × who asks, about what is their own and what is not. The list of endpoints is compared with the application's. */

let core: TestCore
const people: Record<string, TestUser> = {}
const ids: Record<string, string> = {}

beforeAll(async () => {
  core = await startCore()
  const { database } = core
  for (const name of ['candidate', 'otherCandidate'] as const) people[name] = await addUser(database, 'candidate')
  for (const name of ['recruiter', 'otherRecruiter'] as const) people[name] = await addUser(database, 'recruiter')
  people['admin'] = await addUser(database, 'admin')
  ids['skill'] = (await addSkills(database, ['SQL']))[0] ?? ''
  const as = (name: string, method: 'POST' | 'PUT', url: string, body: object) =>
    core.as(people[name], method, url, body)
  ids['company'] = (await as('recruiter', 'POST', '/v1/companies', { name: 'Acme' })).body.companyId
  const draft = { ...aJob(), status: 'draft' }
  ids['job'] = (await as('recruiter', 'POST', '/v1/jobs', aJob())).body.jobId
  ids['draft'] = (await as('recruiter', 'POST', '/v1/jobs', draft)).body.jobId
  ids['candidate'] = (
    await as('candidate', 'POST', '/v1/candidates', { profileVisibility: 'limited' })
  ).body.candidateId
  ids['private'] = (
    await as('otherCandidate', 'POST', '/v1/candidates', { profileVisibility: 'private' })
  ).body.candidateId
  for (const [who, whose] of [
    ['candidate', 'candidate'],
    ['otherCandidate', 'private'],
  ] as const) {
    await as(who, 'PUT', `/v1/candidates/${ids[whose]}/skills/${ids['skill']}`, { level: 3 })
  }
})
afterAll(() => core.close())

const aJob = () => ({
  companyId: ids['company'],
  title: 'Engineer',
  employmentType: 'full-time',
  description: 'Work.',
  workLocation: { type: 'onsite' },
  requiredSkills: [{ skillId: ids['skill'] }],
})

const callers = ['nobody', 'candidate', 'otherCandidate', 'recruiter', 'otherRecruiter', 'admin'] as const
type Row = [
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  url: string,
  body: (() => object) | null,
  ...statuses: number[],
]

// `candidate` is a limited profile of the caller `candidate`; `private` one of `otherCandidate`. `job` and `draft` are `recruiter`'s.
// prettier-ignore
const table: Row[] = [
  //                                                                              nobody candidate other recruiter other admin
  ['GET',    '/v1/skills',                              null,                            401, 200, 200, 200, 200, 200],
  ['GET',    '/v1/skills/{skill}',                      null,                            401, 200, 200, 200, 200, 200],
  ['GET',    '/v1/skills/demand?region=FR',             null,                            401, 200, 200, 200, 200, 200],
  ['GET',    '/v1/companies',                           null,                            401, 200, 200, 200, 200, 200],
  ['GET',    '/v1/companies/{company}',                 null,                            401, 200, 200, 200, 200, 200],
  ['PATCH',  '/v1/companies/{company}',                 () => ({ industry: 'IT' }),      401, 403, 403, 200, 403, 200],
  ['POST',   '/v1/companies',                           () => ({ name: 'New' }),         401, 403, 403, 201, 201, 201],
  ['GET',    '/v1/jobs',                                null,                            401, 200, 200, 200, 200, 200],
  ['GET',    '/v1/jobs/{job}',                          null,                            401, 200, 200, 200, 200, 200],
  ['GET',    '/v1/jobs/{draft}',                        null,                            401, 404, 404, 200, 404, 200],
  ['PATCH',  '/v1/jobs/{job}',                          () => ({ department: 'R&D' }),   401, 403, 403, 200, 403, 200],
  ['PATCH',  '/v1/jobs/{draft}',                        () => ({ department: 'R&D' }),   401, 403, 403, 200, 404, 200],
  ['POST',   '/v1/jobs',                                aJob,                            401, 403, 403, 201, 403, 201],
  ['GET',    '/v1/candidates',                          null,                            401, 200, 200, 200, 200, 200],
  ['POST',   '/v1/candidates',                          () => ({}),                      401, 409, 409, 403, 403, 403],
  ['GET',    '/v1/candidates/{candidate}',              null,                            401, 200, 404, 200, 200, 200],
  ['GET',    '/v1/candidates/{private}',                null,                            401, 404, 200, 404, 404, 200],
  ['PATCH',  '/v1/candidates/{candidate}',              () => ({ currentTitle: 'Dev' }), 401, 200, 404, 403, 403, 200],
  ['PATCH',  '/v1/candidates/{private}',                () => ({ currentTitle: 'Dev' }), 401, 404, 200, 403, 403, 200],
  ['GET',    '/v1/candidates/{candidate}/skills',       null,                            401, 200, 404, 200, 200, 200],
  ['GET',    '/v1/candidates/{private}/skills',         null,                            401, 404, 200, 404, 404, 200],
  ['GET',    '/v1/candidates/{candidate}/matches',      null,                            401, 200, 404, 200, 200, 200],
  ['GET',    '/v1/candidates/{private}/matches',        null,                            401, 404, 200, 404, 404, 200],
  ['PUT',    '/v1/candidates/{candidate}/skills/{skill}', () => ({ level: 2 }),          401, 200, 404, 403, 403, 200],
  ['PATCH',  '/v1/candidates/{candidate}/skills/{skill}', () => ({ level: 3 }),          401, 200, 404, 403, 403, 200],
  ['PUT',    '/v1/candidates/{private}/skills/{skill}', () => ({ level: 2 }),            401, 404, 200, 403, 403, 200],
  ['PATCH',  '/v1/candidates/{private}/skills/{skill}', () => ({ level: 3 }),            401, 404, 200, 403, 403, 200],
  // Last: only the owner's call finds it, and admin's no longer.
  ['DELETE', '/v1/candidates/{candidate}/skills/{skill}', null,                          401, 204, 404, 403, 403, 404],
  ['DELETE', '/v1/candidates/{private}/skills/{skill}', null,                            401, 404, 204, 403, 403, 404],
]

describe.each(table)('%s %s', (method, url, body, ...statuses) => {
  test.each(callers.map((caller, i) => [caller, statuses[i]] as const))('%s: %i', async (caller, status) => {
    const answer = await core.as(people[caller], method, fill(url), body?.())
    expect(answer.status).toBe(status)
    // Not even an existing id may be told from one that never was.
    if (status === 404) {
      const neverWas = url.replace(/\{(candidate|private|job|draft)\}/, randomUUID())
      const { status: same, body: other } = await core.as(people[caller], method, fill(neverWas), body?.())
      expect({ status: same, body: { ...other, requestId: '' } }).toEqual({
        status,
        body: { ...answer.body, requestId: '' },
      })
    }
  })
})

const fill = (url: string) => url.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name)

test('the table holds every endpoint of the application', () => {
  const document = core.app.swagger() as unknown as { paths: Record<string, Record<string, unknown>> }
  const endpoints = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(
      (method) => `${method.toUpperCase()} ${path.replace(/\/$/, '').replace(/\{\w+\}/g, '{}')}`,
    ),
  )
  const tested = new Set(table.map(([method, url]) => `${method} ${url.replace(/\?.*/, '').replace(/\{\w+\}/g, '{}')}`))
  expect(endpoints.filter((endpoint) => !tested.has(endpoint))).toEqual([])
  expect(endpoints.length).toBeGreaterThan(15)
})

test('recruiters’ answers are about the candidate and hold no protected characteristic', async () => {
  const { database } = core
  await core.as(people['candidate'], 'PUT', `/v1/candidates/${ids['candidate']}/skills/${ids['skill']}`, { level: 3 })
  await database.admin.query(
    `UPDATE candidate_profiles SET date_of_birth = 'v1.k.n.birth-canary.t', nationality = 'v1.k.n.nation-canary.t', phone = 'v1.k.n.phone-canary.t',
            work_authorization = 'v1.k.n.permit-canary.t', last_name = 'name-canary' WHERE candidate_id = $1`,
    [ids['candidate']],
  )
  for (const [path, found] of [
    ['', ids['candidate']],
    [`/${ids['candidate']}`, ids['candidate']],
    [`/${ids['candidate']}/skills`, ids['skill']],
    [`/${ids['candidate']}/matches`, ids['job']],
  ] as const) {
    const answer = JSON.stringify((await core.as(people['recruiter'], 'GET', `/v1/candidates${path}`)).body)
    expect(answer).toContain(found)
    expect(answer).not.toContain('canary')
  }
})

test('what an administrator reads of candidates is in the audit log; what others read is not', async () => {
  const { rows: users } = await core.database.admin.query<{ user_id: string }>(
    `SELECT user_id FROM candidate_profiles WHERE candidate_id = $1`,
    [ids['candidate']],
  )
  const reads = async (who: string, path: string) => {
    const last = `SELECT COALESCE(max(audit_id), 0) AS id FROM audit_log`
    const [before] = (await core.database.admin.query<{ id: string }>(last)).rows
    expect((await core.as(people[who], 'GET', `/v1/candidates${path}`)).status).toBe(200)
    const { rows } = await core.database.admin.query<Record<string, unknown>>(
      `SELECT operation, user_id AS actor, record_id AS record, subject_user_id AS subject, reason FROM audit_log WHERE audit_id > $1`,
      [before?.id],
    )
    return rows
  }
  for (const path of ['', '/:candidateId', '/:candidateId/skills', '/:candidateId/matches']) {
    const one = path !== ''
    expect(await reads('admin', path.replace(':candidateId', ids['candidate'] ?? '')), path).toEqual([
      {
        operation: 'SELECT',
        actor: people['admin']?.userId,
        record: one ? ids['candidate'] : null,
        subject: one ? users[0]?.user_id : null,
        reason: expect.stringMatching(new RegExp(`^GET /v1/candidates${path}/?$`)) as string,
      },
    ])
  }
  expect(await reads('candidate', `/${ids['candidate']}`)).toEqual([])
  expect(await reads('recruiter', `/${ids['candidate']}`)).toEqual([])
})
