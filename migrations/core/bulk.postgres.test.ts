import { beforeAll, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'

/** The size of the demo: 10,000 jobs with 20 skills each, 1,000 candidates with 20 each, loaded as an import does it. */
const db = testDatabase('core')
const loads = [
  `INSERT INTO skills_taxonomy (skill_name, category) SELECT 'skill ' || i, 'technical' FROM generate_series(1, 10000) i`,
  `INSERT INTO users (email, user_type, password_hash)
   SELECT i || '@example.invalid', CASE WHEN i <= 100 THEN 'recruiter' ELSE 'candidate' END, '!' FROM generate_series(1, 1100) i`,
  `INSERT INTO companies (company_name) SELECT 'Company ' || i FROM generate_series(1, 100) i`,
  `INSERT INTO company_members (company_id, user_id)
   SELECT company_id, user_id
     FROM (SELECT company_id, row_number() OVER () FROM companies) c
     JOIN (SELECT user_id, row_number() OVER () FROM users WHERE user_type = 'recruiter') u USING (row_number)`,
  `INSERT INTO candidate_profiles (user_id, first_name, last_name, current_title)
   SELECT user_id, 'Ann', 'Lee', 'Engineer' FROM users WHERE user_type = 'candidate'`,
  `INSERT INTO candidate_skills (candidate_id, skill_id, skill_level)
   SELECT candidate_id, skill_id, 3
     FROM (SELECT candidate_id, row_number() OVER () % 500 AS n FROM candidate_profiles) c
     JOIN (SELECT skill_id, row_number() OVER () % 500 AS n FROM skills_taxonomy) s USING (n)`,
  `INSERT INTO job_postings (company_id, recruiter_id, title, employment_type, description, work_location, status)
   SELECT company_id, user_id, 'Engineer', 'full-time', 'Builds good machines.', '{"type":"onsite"}',
          CASE WHEN i = 1 THEN 'draft' ELSE 'active' END
     FROM company_members, generate_series(1, 100) i`,
  `INSERT INTO job_required_skills (job_id, skill_id, requirement_type)
   SELECT job_id, skill_id, 'required'
     FROM (SELECT job_id, row_number() OVER () % 500 AS n FROM job_postings) j
     JOIN (SELECT skill_id, row_number() OVER () % 500 AS n FROM skills_taxonomy) s USING (n)`,
]

beforeAll(async () => {
  const client = await db.connect(db.owner)
  await client.query('BEGIN; SET LOCAL ROLE matching_definer')
  for (const load of loads) await client.query(load)
  await client.query('COMMIT')
  await db.query('VACUUM ANALYZE')
})

test('a load in one transaction emits one event per aggregate and statement', async () => {
  expect(await one(db.query, 'SELECT count(*) FROM job_required_skills')).toBe('200000')
  expect(await db.query('SELECT event_type, count(*)::integer FROM outbox_events GROUP BY 1 ORDER BY 1')).toEqual([
    { event_type: 'candidate.profile.created', count: 1000 },
    { event_type: 'candidate.profile.updated', count: 1000 },
    { event_type: 'company.created', count: 100 },
    { event_type: 'company.updated', count: 100 },
    { event_type: 'job.posting.created', count: 10_000 },
    { event_type: 'job.posting.updated', count: 10_000 },
    { event_type: 'skill.created', count: 10_000 },
    { event_type: 'user.created', count: 1100 },
  ])
})

test('the plan that a session keeps for the events of one row serves 10,000, too', async () => {
  const client = await db.connect(db.owner)
  await client.query(`SET ROLE matching_definer; SET statement_timeout = '60s'`)
  const { rows } = await client.query<{ job_id: string }>('SELECT job_id FROM job_postings LIMIT 10')
  for (const { job_id } of rows)
    await client.query('UPDATE job_postings SET salary_min = 1 WHERE job_id = $1', [job_id])
  const { rowCount } = await client.query('UPDATE job_postings SET salary_min = 2')
  expect(rowCount).toBe(10_000)
})

/** How often a query called each function of the policies. */
async function policyCalls(sql: string): Promise<Record<string, number>> {
  const { userId, candidateId } = (
    await db.query(`SELECT user_id AS "userId", candidate_id AS "candidateId" FROM candidate_profiles LIMIT 1`)
  )[0] as Record<string, string>
  const client = await db.connect()
  await client.query(`SET track_functions = 'all'; SET stats_fetch_consistency = none; SET ROLE authenticated_users`)
  await client.query(`SELECT set_config('app.current_user_id', $1, false)`, [userId])
  await client.query('BEGIN')
  await client.query(sql, sql.includes('$1') ? [candidateId] : [])
  const { rows } = await client.query<{ name: string; calls: number }>(
    `SELECT funcname AS name, calls::integer FROM pg_stat_xact_user_functions WHERE funcname LIKE 'app\\_%'`,
  )
  await client.query('COMMIT')
  return Object.fromEntries(rows.map(({ name, calls }) => [name, calls]))
}

test('a candidate’s match asks the policies about the own skills only, not about 10,000 jobs', async () => {
  const match = `
    WITH shared AS (
      SELECT r.job_id, sum(r.weight) AS weight
        FROM candidate_skills m JOIN job_required_skills r USING (skill_id)
       WHERE m.candidate_id = $1 AND r.requirement_type = 'required' GROUP BY r.job_id)
    SELECT j.job_id, c.company_name, s.weight / w.required_weight AS coverage
      FROM shared s JOIN job_skill_weights w USING (job_id) JOIN job_postings j USING (job_id) JOIN companies c USING (company_id)
     WHERE j.status = 'active' ORDER BY coverage DESC LIMIT 10`
  expect(await policyCalls(match)).toEqual({ app_owns_candidate: 20 })
})

test('listing jobs asks once, however many are not active', async () => {
  expect(await policyCalls('SELECT count(*) FROM job_postings')).toEqual({ app_applied_jobs: 1 })
})

test.each([
  [`lower(skill_name) LIKE 'skill 99%'`, /idx_skills_taxonomy_prefix|skills_taxonomy_name_unique/],
  [`lower(skill_name) LIKE '%ill 999%'`, /idx_skills_taxonomy_substring/],
  [`aliases ? 'js'`, /idx_skills_taxonomy_aliases/],
])('the skill search %s uses an index', async (condition, index) => {
  const plan = await db.as('authenticated_users', null, (query) =>
    query(`EXPLAIN (FORMAT JSON) SELECT skill_id FROM skills_taxonomy WHERE ${condition}`),
  )
  expect(JSON.stringify(plan)).toMatch(index)
})
