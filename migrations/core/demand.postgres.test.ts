import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import { addJob, addRecruiter, addSkill } from './testing/people.ts'
import type { Recruiter } from './testing/people.ts'

const db = testDatabase('core')
let recruiter: Recruiter
let asked: string, rare: string, remote: string, old: string

/** So many postings that ask for a skill. */
async function post(count: number, skill: string, columns: Record<string, string>): Promise<void> {
  for (let i = 0; i < count; i++) {
    const job = await addJob(db.query, recruiter, columns)
    await db.query(`INSERT INTO job_required_skills (job_id, skill_id, requirement_type) VALUES ($1, $2, 'required')`, [
      job,
      skill,
    ])
  }
}
const at = (...countries: string[]) =>
  `'${JSON.stringify({ type: 'onsite', locations: countries.map((countryCode) => ({ city: 'x', countryCode })) })}'`

const refresh = async () => (await db.connect(db.owner)).query(`SELECT run_maintenance_job('refresh-skill-demand')`)
const cells = () =>
  db.query(
    `SELECT skill_id, region, month = date_trunc('month', now() AT TIME ZONE 'UTC')::date AS now, postings FROM skill_demand ORDER BY region`,
  )
const demand = (skill: string) =>
  one(db.query, `SELECT market_demand::float FROM skills_taxonomy WHERE skill_id = $1`, [skill])

beforeAll(async () => {
  recruiter = await addRecruiter(db.query)
  ;[asked, rare, remote, old] = [
    await addSkill(db.query),
    await addSkill(db.query),
    await addSkill(db.query),
    await addSkill(db.query),
  ]
  await post(11, asked, { work_location: at('FR') })
  await post(10, asked, { work_location: at('DE', 'DE') })
  await post(1, asked, { work_location: at('DE', 'ES') })
  await post(10, rare, { work_location: at('FR') })
  await post(5, rare, { work_location: at('FR'), status: `'draft'` })
  await post(12, remote, { work_location: `'{"type":"remote"}'` })
  await post(12, old, { work_location: at('FR'), posted_at: `now() - interval '4 months'` })
  await db.query(`UPDATE skills_taxonomy SET market_demand = 7 WHERE skill_id = $1`, [rare])
  await refresh()
})

test('a cell has 11 postings at least; drafts do not count, and a posting once per country', async () => {
  expect((await cells()).filter((cell) => cell['now'])).toEqual([
    { skill_id: asked, region: 'DE', now: true, postings: '11' },
    { skill_id: asked, region: 'FR', now: true, postings: '11' },
    { skill_id: remote, region: 'remote', now: true, postings: '12' },
  ])
})

describe('market_demand', () => {
  test('follows from the cells of three months', async () => {
    expect(await demand(asked)).toBe(10)
    expect(await demand(remote)).toBeCloseTo((10 * Math.log(13)) / Math.log(23), 2)
    expect(await demand(rare)).toBe(0)
    expect(await demand(old)).toBe(0)
  })

  test('is an event of the skill, and none when nothing changed', async () => {
    const events = () =>
      one(db.query, `SELECT count(*) FROM outbox_events WHERE event_data -> 'changed_fields' ? 'market_demand'`)
    const before = await events()
    expect(before).toBe('4')
    await refresh()
    expect(await events()).toBe(before)
  })
})

test('is refreshed beside its readers, and read by everyone', async () => {
  const reader = await db.connect()
  await reader.query('BEGIN; SELECT count(*) FROM skill_demand')
  await refresh()
  expect(await db.query(`SELECT last_error FROM maintenance_jobs WHERE name = 'refresh-skill-demand'`)).toEqual([
    { last_error: null },
  ])
  await reader.query('ROLLBACK')
  const count = db.as('authenticated_users', null, (query) => one(query, 'SELECT count(*) FROM skill_demand'))
  expect(await count).toBe('4')
})
