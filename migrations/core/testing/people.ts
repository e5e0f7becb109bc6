import { randomUUID } from 'node:crypto'
import { one } from '../../testing/database.ts'
import type { Query } from '../../testing/database.ts'

export const addUser = (query: Query, type: 'candidate' | 'recruiter' | 'admin') =>
  one(query, `INSERT INTO users (email, password_hash, user_type) VALUES ($1, '!', $2) RETURNING user_id`, [
    `${randomUUID()}@example.invalid`,
    type,
  ])

export interface Candidate {
  userId: string
  candidateId: string
}

/** A candidate with a row in each child table and every encrypted column filled. */
export async function addCandidate(query: Query, visibility: 'public' | 'limited' | 'private'): Promise<Candidate> {
  const userId = await addUser(query, 'candidate')
  const candidateId = await one(
    query,
    `INSERT INTO candidate_profiles (user_id, first_name, last_name, current_title, profile_visibility, phone, date_of_birth,
       nationality, work_authorization, expected_salary_min)
     VALUES ($1, 'Zoé', 'Canarydottir', 'IT Manager', $2, 'v1.k.n.phone.t', 'v1.k.n.birth.t', 'v1.k.n.nation.t', 'v1.k.n.permit.t', 50000)
     RETURNING candidate_id`,
    [userId, visibility],
  )
  await query(`INSERT INTO candidate_skills (candidate_id, skill_id, skill_level) VALUES ($1, $2, 3)`, [
    candidateId,
    await addSkill(query),
  ])
  await query(
    `INSERT INTO work_experiences (candidate_id, company_name, position_title, start_date, salary_range)
     VALUES ($1, 'Canaryworks', 'Clerk', '2020-01-01', 'v1.k.n.salary.t')`,
    [candidateId],
  )
  await query(`INSERT INTO education (candidate_id, institution_name) VALUES ($1, 'Canary College')`, [candidateId])
  await query(
    `INSERT INTO certifications (candidate_id, certification_name, issuing_organization, credential_id, credential_url)
     VALUES ($1, 'Canary Cert', 'Canary Inc', 'canary-42', 'https://example.invalid/canary-42')`,
    [candidateId],
  )
  await query(
    `INSERT INTO candidate_languages (candidate_id, language_code, language_name, proficiency_level)
     VALUES ($1, 'fra', 'French', 'native')`,
    [candidateId],
  )
  return { userId, candidateId }
}

export const addSkill = (query: Query, name = `skill ${randomUUID()}`) =>
  one(query, `INSERT INTO skills_taxonomy (skill_name, category) VALUES ($1, 'technical') RETURNING skill_id`, [name])

export interface Recruiter {
  userId: string
  companyId: string
}

export async function addRecruiter(query: Query, companyName = `Company ${randomUUID()}`): Promise<Recruiter> {
  const userId = await addUser(query, 'recruiter')
  const companyId = await one(query, `INSERT INTO companies (company_name) VALUES ($1) RETURNING company_id`, [
    companyName,
  ])
  await query(`INSERT INTO company_members (company_id, user_id, role) VALUES ($1, $2, 'owner')`, [companyId, userId])
  return { userId, companyId }
}

/** @param columns  further columns, as SQL literals */
export function addJob(query: Query, recruiter: Recruiter, columns: Record<string, string> = {}): Promise<string> {
  const row = {
    company_id: `'${recruiter.companyId}'`,
    recruiter_id: `'${recruiter.userId}'`,
    title: `'Baker'`,
    employment_type: `'full-time'`,
    description: `'Bakes bread.'`,
    work_location: `'{"type":"onsite"}'`,
    ...columns,
  }
  return one(
    query,
    `INSERT INTO job_postings (${Object.keys(row).join()}) VALUES (${Object.values(row).join()}) RETURNING job_id`,
  )
}

export const apply = (query: Query, jobId: string, candidateId: string) =>
  one(query, `INSERT INTO job_applications (job_id, candidate_id) VALUES ($1, $2) RETURNING application_id`, [
    jobId,
    candidateId,
  ])
