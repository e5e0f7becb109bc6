import fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { parts, seniorityYears } from '../matching.ts'
import { seniorityLevels } from '../schemas.ts'
import { addSkills, addUser, startCore } from './core.ts'
import type { TestCore, TestUser } from './core.ts'

let core: TestCore
let candidate: TestUser
let admin: TestUser
let skillIds: string[]
let companyId: string

beforeAll(async () => {
  core = await startCore()
  candidate = await addUser(core.database, 'candidate')
  admin = await addUser(core.database, 'admin')
  skillIds = await addSkills(
    core.database,
    Array.from({ length: 12 }, (_, i) => `skill ${i}`),
  )
  companyId = (await core.as(admin, 'POST', '/v1/companies', { name: 'Acme' })).body.companyId
})
afterAll(() => core.close())
beforeEach(async () => {
  await core.database.admin.query('DELETE FROM job_postings')
  await core.database.admin.query('DELETE FROM candidate_profiles')
})

interface HeldSkill {
  skill: number
  level: number
  years: number
}
interface AskedSkill {
  skill: number
  type: 'required' | 'preferred' | 'nice_to_have'
  minimumLevel: number
  minimumYears: number
  weight: number
}
interface JobCase {
  jobId: string
  skills: AskedSkill[]
  yearsAsked: number
  seniority: (typeof seniorityLevels)[number] | null
  status: 'active' | 'paused' | 'draft'
  expiresInDays: number | null
  postedDaysAgo: number
}
interface Case {
  experienceYears: number
  held: HeldSkill[]
  jobs: JobCase[]
}

const tenths = (max: number) => fc.integer({ min: 0, max: max * 10 }).map((n) => n / 10)
const level = fc.integer({ min: 1, max: 5 })
const skill = fc.integer({ min: 0, max: 11 })
const bySkill = { selector: (entry: { skill: number }) => entry.skill }
const job = fc.record<JobCase>({
  jobId: fc.uuid(),
  skills: fc.uniqueArray(
    fc.record<AskedSkill>({
      skill,
      type: fc.constantFrom('required', 'required', 'preferred', 'nice_to_have'),
      minimumLevel: level,
      minimumYears: tenths(6),
      weight: fc.constantFrom(0, 0.25, 0.5, 1),
    }),
    { ...bySkill, minLength: 1, maxLength: 8, size: 'max' },
  ),
  yearsAsked: fc.integer({ min: 0, max: 12 }),
  seniority: fc.constantFrom(null, ...seniorityLevels),
  status: fc.constantFrom('active', 'active', 'active', 'paused', 'draft'),
  expiresInDays: fc.constantFrom(null, null, -1, 1),
  postedDaysAgo: fc.integer({ min: 0, max: 3 }),
})
const anyCase = fc.record<Case>({
  experienceYears: fc.integer({ min: 0, max: 25 }),
  held: fc.uniqueArray(fc.record<HeldSkill>({ skill, level, years: tenths(8) }), {
    ...bySkill,
    minLength: 1,
    maxLength: 8,
    size: 'max',
  }),
  jobs: fc.uniqueArray(job, { selector: (j) => j.jobId, minLength: 10, maxLength: 40, size: 'max' }),
})

/** The ranking once more, by brute force and in the words of docs/reference/matching.md. */
function oracle({ experienceYears, held, jobs }: Case): { jobId: string; score: number }[] {
  const mine = new Map(held.map((entry) => [entry.skill, entry]))
  const share = (skills: AskedSkill[], counted: (asked: AskedSkill) => number, ifNone: number) => {
    const total = skills.reduce((sum, asked) => sum + asked.weight, 0)
    return total === 0 ? ifNone : skills.reduce((sum, asked) => sum + asked.weight * counted(asked), 0) / total
  }
  const has = (asked: AskedSkill) => (mine.has(asked.skill) ? 1 : 0)
  const fit = (asked: AskedSkill) => {
    const own = mine.get(asked.skill)
    if (!own) return 0
    const years = asked.minimumYears > 0 ? Math.min(1, own.years / asked.minimumYears) : 1
    return Math.min(1, own.level / asked.minimumLevel) * years
  }
  const score = ({ skills, yearsAsked, seniority }: JobCase) => {
    const required = skills.filter((asked) => asked.type === 'required')
    const optional = skills.filter((asked) => asked.type !== 'required')
    const rank = seniorityYears.findLastIndex((from) => experienceYears >= from)
    const exact =
      parts.coverage * share(required, has, 0) +
      parts.level * share(required, fit, 0) +
      parts.preferred * share(optional, has, 1) +
      parts.years * (yearsAsked > 0 ? Math.min(1, experienceYears / yearsAsked) : 1) +
      parts.seniority * (seniority ? 1 - Math.max(0, seniorityLevels.indexOf(seniority) - rank) / 5 : 1)
    return Math.round(exact * 10_000 + 1e-7) / 10_000
  }
  return jobs
    .filter((j) => j.status === 'active' && (j.expiresInDays ?? 1) > 0 && j.skills.some(has))
    .map((j) => ({ jobId: j.jobId, score: score(j), postedDaysAgo: j.postedDaysAgo }))
    .toSorted((a, b) => b.score - a.score || a.postedDaysAgo - b.postedDaysAgo || (a.jobId < b.jobId ? -1 : 1))
    .map(({ jobId, score: s }) => ({ jobId, score: s }))
}

async function store({ experienceYears, held, jobs }: Case): Promise<string> {
  const { admin: db } = core.database
  await db.query('DELETE FROM job_postings')
  await db.query('DELETE FROM candidate_profiles')
  const candidateId = randomUUID()
  await db.query('INSERT INTO candidate_profiles (candidate_id, user_id, experience_years) VALUES ($1, $2, $3)', [
    candidateId,
    candidate.userId,
    experienceYears,
  ])
  await db.query(
    `INSERT INTO candidate_skills (candidate_id, skill_id, skill_level, years_experience)
     SELECT $1, * FROM unnest($2::uuid[], $3::integer[], $4::numeric[])`,
    [candidateId, held.map((h) => skillIds[h.skill]), held.map((h) => h.level), held.map((h) => h.years)],
  )
  await db.query(
    `INSERT INTO job_postings (company_id, title, employment_type, description, work_location, job_id, experience_required_min,
                               seniority_level, status, expires_at, posted_at)
     SELECT $1, 'Job', 'full-time', 'Work.', '{"type":"onsite"}', id, years, seniority, status,
            now() + make_interval(days => expires), timestamptz '2026-01-10 00:00+00' - make_interval(days => posted)
       FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::text[], $6::integer[], $7::integer[])
         AS j (id, years, seniority, status, expires, posted)`,
    [
      companyId,
      jobs.map((j) => j.jobId),
      jobs.map((j) => j.yearsAsked),
      jobs.map((j) => j.seniority),
      jobs.map((j) => j.status),
      jobs.map((j) => j.expiresInDays),
      jobs.map((j) => j.postedDaysAgo),
    ],
  )
  const asked = jobs.flatMap((j) => j.skills.map((s) => ({ ...s, jobId: j.jobId })))
  await db.query(
    `INSERT INTO job_required_skills (job_id, skill_id, requirement_type, minimum_level, minimum_years, weight)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::numeric[], $6::numeric[])`,
    [
      asked.map((a) => a.jobId),
      asked.map((a) => skillIds[a.skill]),
      asked.map((a) => a.type),
      asked.map((a) => a.minimumLevel),
      asked.map((a) => a.minimumYears),
      asked.map((a) => a.weight),
    ],
  )
  return candidateId
}

test('ranks as the brute-force oracle does, for any candidate and jobs', async () => {
  let compared = 0
  await fc.assert(
    fc.asyncProperty(anyCase, fc.integer({ min: 1, max: 20 }), async (one, limit) => {
      const candidateId = await store(one)
      const { status, body } = await core.as(candidate, 'GET', `/v1/candidates/${candidateId}/matches?limit=${limit}`)
      expect(status).toBe(200)
      const ranked = body.items.map(({ jobId, score }: { jobId: string; score: number }) => ({ jobId, score }))
      expect(ranked).toEqual(oracle(one).slice(0, limit))
      compared += ranked.length
    }),
    { numRuns: 60 },
  )
  // Cases where nothing matches would prove nothing.
  expect(compared).toBeGreaterThan(200)
})

test('years beyond what a job asks for cost nothing: they would stand for age', async () => {
  const [one] = fc.sample(anyCase, { numRuns: 1, seed: 7 })
  const asked = one?.jobs[0]
  if (!asked) throw new Error('no case')
  const held = asked.skills.map(({ skill: shared }) => ({ skill: shared, level: 3, years: 1 }))
  const jobs = seniorityLevels.map((seniority): JobCase => ({
    ...asked,
    jobId: randomUUID(),
    seniority,
    status: 'active',
    expiresInDays: null,
  }))
  let before = new Map<string, number>()
  for (const experienceYears of [0, 1, 3, 6, 10, 15, 40]) {
    const candidateId = await store({ experienceYears, held, jobs })
    const { body } = await core.as(candidate, 'GET', `/v1/candidates/${candidateId}/matches`)
    expect(body.items).toHaveLength(jobs.length)
    const scores = new Map(body.items.map(({ jobId, score }) => [jobId, score]))
    for (const [jobId, score] of before) expect(scores.get(jobId)).toBeGreaterThanOrEqual(score)
    before = scores
  }
})

test('protected characteristics and identity change nothing', async () => {
  const [one] = fc.sample(anyCase, { numRuns: 1, seed: 7 })
  if (!one) throw new Error('no case')
  const candidateId = await store(one)
  const matches = () => core.as(candidate, 'GET', `/v1/candidates/${candidateId}/matches?limit=20`)
  const before = await matches()
  expect(before.body.items).not.toEqual([])
  await core.database.admin.query(
    `UPDATE candidate_profiles SET date_of_birth = 'v1.k.n.a.t', nationality = 'v1.k.n.b.t', phone = 'v1.k.n.c.t', first_name = 'X',
       last_name = 'Y', work_authorization = 'v1.k.n.d.t', expected_salary_min = 1, content_language = 'fra'`,
  )
  expect(await matches()).toEqual(before)
})

test('a candidate without skills gets an empty list', async () => {
  const candidateId = await store({ experienceYears: 3, held: [], jobs: [] })
  expect(await core.as(candidate, 'GET', `/v1/candidates/${candidateId}/matches`)).toEqual({
    status: 200,
    body: { items: [] },
  })
})

test('the reference page says the same numbers', async () => {
  const page = await readFile(new URL('../../../docs/reference/matching.md', import.meta.url), 'utf8')
  for (const [part, weight] of Object.entries(parts)) expect(page).toContain(`| ${part} | ${weight.toFixed(2)} |`)
  expect(Object.values(parts).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1)
  const steps = seniorityLevels.map((name, i) => `${name} from ${seniorityYears[i]}`).join(', ')
  expect(page).toContain(steps)
})
