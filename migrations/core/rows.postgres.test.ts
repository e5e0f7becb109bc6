import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import { addCandidate, addJob, addRecruiter, addSkill, addUser } from './testing/people.ts'
import type { Candidate, Recruiter } from './testing/people.ts'

const db = testDatabase('core')
let candidate: Candidate
let recruiter: Recruiter

beforeAll(async () => {
  candidate = await addCandidate(db.query, 'limited')
  recruiter = await addRecruiter(db.query)
})

describe('refused rows', () => {
  const profile = (change: string) => () =>
    `UPDATE candidate_profiles SET ${change} WHERE candidate_id = '${candidate.candidateId}'`
  const child = (table: string, change: string) => () =>
    `UPDATE ${table} SET ${change} WHERE candidate_id = '${candidate.candidateId}'`

  test.each([
    ['plaintext phone', profile(`phone = '+33 1 23'`)],
    ['plaintext birth date', profile(`date_of_birth = '1990-01-01'`)],
    ['plaintext nationality', profile(`nationality = 'FRA'`)],
    ['plaintext work permit', profile(`work_authorization = '{}'`)],
    ['plaintext salary history', child('work_experiences', `salary_range = '{"min":1}'`)],
    ['minimum above maximum', profile(`expected_salary_min = 2, expected_salary_max = 1`)],
    ['negative experience', profile(`experience_years = -1`)],
    ['lower-case currency', profile(`currency = 'eur'`)],
    ['unknown period', profile(`expected_salary_period = 'fortnightly'`)],
    ['bibliographic language code', child('candidate_languages', `language_code = 'fre'`)],
    ['unknown CEFR level', child('candidate_languages', `cefr_level = 'D1'`)],
    ['score above 1', child('candidate_skills', `proficiency_score = 1.5`)],
    ['end before start', child('work_experiences', `end_date = start_date - 1`)],
    ['unknown degree', child('education', `degree_type = 'guru'`)],
    ['demand above 10', () => `UPDATE skills_taxonomy SET market_demand = 10.5`],
    ['aliases that are no strings', () => `UPDATE skills_taxonomy SET aliases = '[1]'`],
    ['level above 5', () => `UPDATE skills_taxonomy SET skill_level_max = 6`],
    ['rating below 0', () => `UPDATE companies SET glassdoor_rating = -1`],
    ['a profile of a recruiter', () => `INSERT INTO candidate_profiles (user_id) VALUES ('${recruiter.userId}')`],
    [
      'a membership of a candidate',
      () =>
        `INSERT INTO company_members (company_id, user_id) VALUES ('${recruiter.companyId}', '${candidate.userId}')`,
    ],
    [
      'a candidate who turns recruiter',
      () => `UPDATE users SET user_type = 'recruiter' WHERE user_id = '${candidate.userId}'`,
    ],
    [
      'a recruiter who turns candidate',
      () => `UPDATE users SET user_type = 'candidate' WHERE user_id = '${recruiter.userId}'`,
    ],
  ])('%s', async (_, sql) => {
    await expect(db.query(sql())).rejects.toMatchObject({ code: '23514' })
  })

  test('a candidate as recruiter of a job, a place without type', async () => {
    const posted = addJob(db.query, { ...recruiter, userId: candidate.userId })
    await expect(posted).rejects.toMatchObject({ code: '23514', constraint: 'job_postings_recruiter_type' })
    for (const place of [`{}`, `{"type":"moon"}`, `{"type":null}`, `[]`])
      await expect(addJob(db.query, recruiter, { work_location: `'${place}'` }), place).rejects.toMatchObject({
        code: '23514',
      })
  })

  test('names and addresses that differ in case only', async () => {
    const skill = await addSkill(db.query, 'Welding')
    expect(skill).toBeDefined()
    await expect(addSkill(db.query, 'welding')).rejects.toMatchObject({ constraint: 'skills_taxonomy_name_unique' })
    await db.query(`INSERT INTO users (email, password_hash, user_type) VALUES ('Ann@example.invalid', '!', 'admin')`)
    await expect(
      db.query(`INSERT INTO users (email, password_hash, user_type) VALUES ('ann@EXAMPLE.invalid', '!', 'admin')`),
    ).rejects.toMatchObject({ constraint: 'users_email_idx' })
  })

  test('a skill above itself, over three steps', async () => {
    const [a, b, c] = [await addSkill(db.query), await addSkill(db.query), await addSkill(db.query)]
    const parent = (child: string, above: string) =>
      db.query(`UPDATE skills_taxonomy SET parent_skill_id = $2 WHERE skill_id = $1`, [child, above])
    await parent(a, b)
    await parent(b, c)
    await expect(parent(c, a)).rejects.toMatchObject({ code: '23514', constraint: 'skills_taxonomy_no_cycle' })
    await expect(parent(c, c)).rejects.toMatchObject({ code: '23514' })
  })
})

describe('accepted rows', () => {
  test('anonymized accounts, demand of 10, a job that starts next month', async () => {
    const userId = await addUser(db.query, 'candidate')
    await db.query(`UPDATE users SET status = 'anonymized' WHERE user_id = $1`, [userId])
    await db.query(`UPDATE skills_taxonomy SET market_demand = 10`)
    await db.query(
      `INSERT INTO work_experiences (candidate_id, company_name, position_title, start_date)
       VALUES ($1, 'Next', 'Cook', CURRENT_DATE + 31)`,
      [candidate.candidateId],
    )
  })
})

test('ciphertext is v1, a key, a nonce, text and tag; the text may be empty', async () => {
  const { candidateId } = await addCandidate(db.query, 'limited')
  const set = (value: string) =>
    db.query(`UPDATE candidate_profiles SET phone = $1 WHERE candidate_id = $2`, [value, candidateId])
  for (const value of ['v1.kid.nonce.text.tag', 'v1.kid.nonce..tag']) await set(value)
  for (const value of [
    '0123',
    'v1.kid.nonce.text',
    'v1..nonce.text.tag',
    'v1.kid..text.tag',
    'v1.kid.nonce.text.',
    'v2.kid.nonce.text.tag',
  ])
    await expect(set(value), value).rejects.toMatchObject({ code: '23514' })
  const checks = await db.query(
    `SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE contype = 'c' AND pg_get_constraintdef(oid) LIKE '%v1%'`,
  )
  const patterns = checks.map(({ text }) => String(text).replace(/^CHECK \(\(\w+ /, ''))
  expect([checks.length, new Set(patterns).size]).toEqual([7, 1])
})

describe('derived columns', () => {
  test('is_current follows end_date', async () => {
    const { candidateId } = await addCandidate(db.query, 'limited')
    const current = () =>
      one<boolean>(db.query, `SELECT is_current FROM work_experiences WHERE candidate_id = $1`, [candidateId])
    expect(await current()).toBe(true)
    await db.query(`UPDATE work_experiences SET end_date = '2021-01-01' WHERE candidate_id = $1`, [candidateId])
    expect(await current()).toBe(false)
    const contradiction = db.query(`UPDATE work_experiences SET is_current = TRUE WHERE candidate_id = $1`, [
      candidateId,
    ])
    await expect(contradiction).rejects.toMatchObject({ code: '23514' })
  })

  test('a deleted promotion leaves the later job', async () => {
    const { candidateId } = await addCandidate(db.query, 'limited')
    const [before] = await db.query(`SELECT experience_id FROM work_experiences WHERE candidate_id = $1`, [candidateId])
    await db.query(
      `INSERT INTO work_experiences (candidate_id, company_name, position_title, start_date, promotion_from)
       VALUES ($1, 'Canaryworks', 'Boss', '2022-01-01', $2)`,
      [candidateId, before?.['experience_id']],
    )
    await db.query(`DELETE FROM work_experiences WHERE experience_id = $1`, [before?.['experience_id']])
    expect(
      await db.query(`SELECT promotion_from FROM work_experiences WHERE candidate_id = $1`, [candidateId]),
    ).toEqual([{ promotion_from: null }])
  })

  test('completeness and search vector follow the child tables', async () => {
    const { candidateId } = await addCandidate(db.query, 'limited')
    const state = async () =>
      (
        await db.query(
          `SELECT profile_completeness AS done, search_vector @@ plainto_tsquery('ssm_eng', 'glassblowing') AS found,
                  search_vector @@ plainto_tsquery('ssm_name', 'zoe') AS named
             FROM candidate_profiles WHERE candidate_id = $1`,
          [candidateId],
        )
      )[0]
    expect(await state()).toEqual({ done: 85, found: false, named: true })
    const skill = await addSkill(db.query, 'glassblowing')
    await db.query(`INSERT INTO candidate_skills (candidate_id, skill_id) VALUES ($1, $2)`, [candidateId, skill])
    expect(await state()).toEqual({ done: 90, found: true, named: true })
    await db.query(`DELETE FROM candidate_skills WHERE candidate_id = $1`, [candidateId])
    await db.query(`DELETE FROM education WHERE candidate_id = $1`, [candidateId])
    expect(await state()).toEqual({ done: 70, found: false, named: true })
    await db.query(`UPDATE candidate_profiles SET first_name = NULL WHERE candidate_id = $1`, [candidateId])
    expect(await state()).toEqual({ done: 50, found: false, named: false })
  })

  test('a company is found by its name, without accents, and by what it does in its language', async () => {
    await db.query(`INSERT INTO companies (company_name, description, content_language)
                    VALUES ('Zénith Ülm', 'Fabrique des horloges', 'fra')`)
    const find = async (config: string, text: string) =>
      (
        await db.query(`SELECT company_name FROM companies WHERE search_vector @@ plainto_tsquery('${config}', $1)`, [
          text,
        ])
      ).map((row) => row['company_name'])
    expect(await find('ssm_name', 'zenith')).toEqual(['Zénith Ülm'])
    expect(await find('ssm_fra', 'horloge')).toEqual(['Zénith Ülm'])
    await db.query(`UPDATE companies SET description = 'Vend du pain' WHERE company_name = 'Zénith Ülm'`)
    expect(await find('ssm_fra', 'horloge')).toEqual([])
  })

  test('updated_at moves when something changed, and is kept as given on insert', async () => {
    const [row] = await db.query(
      `INSERT INTO companies (company_name, updated_at) VALUES ('Old', '2001-01-01Z') RETURNING company_id, updated_at`,
    )
    expect(row?.['updated_at']).toEqual(new Date('2001-01-01Z'))
    const update = (name: string) =>
      one<Date>(db.query, `UPDATE companies SET company_name = $2 WHERE company_id = $1 RETURNING updated_at`, [
        row?.['company_id'],
        name,
      ])
    expect(await update('Old')).toEqual(new Date('2001-01-01Z'))
    expect((await update('New')).getFullYear()).toBeGreaterThan(2001)
  })

  test('a salary per year', async () => {
    const yearly = `SELECT yearly_salary(10, 'yearly')::float, yearly_salary(10, 'monthly')::float AS m, yearly_salary(10, 'hourly')::float AS h,
                           yearly_salary(10, 'hourly', 20)::float AS p`
    expect(await db.query(yearly)).toEqual([{ yearly_salary: 10, m: 120, h: 18200, p: 10400 }])
  })
})
