import { AppError } from '../../chassis/errors.ts'
import { decodeCursor, keyChecks, page } from '../../chassis/pagination.ts'
import type { Page } from '../../chassis/pagination.ts'
import type { Role } from '../../chassis/roles.ts'
import { assignments } from '../../chassis/stores/columns.ts'
import type { Db } from '../../chassis/stores/postgres.ts'
import { maxSkills } from '../schemas.ts'
import type { CandidateQuery, CandidateSkill, CandidateSkillPatch, CandidateSkillPut } from '../schemas.ts'

const columns = `k.skill_id AS "skillId", s.skill_name AS "name", s.category, k.skill_level AS "level",
  k.years_experience AS "years", k.is_primary AS "isPrimary", k.verification_status AS "verificationStatus"`
/** When a skill was last used is not for recruiters: they have no grant on the column. */
const columnsOf = (role: Role) => (role === 'recruiter' ? columns : `${columns}, k.last_used_date AS "lastUsedDate"`)
const from = 'candidate_skills k JOIN skills_taxonomy s USING (skill_id)'

/** By name. @throws AppError NOT_FOUND, also for a candidate the caller may not see */
export async function listCandidateSkills(
  db: Db,
  role: Role,
  candidateId: string,
  { limit, cursor }: CandidateQuery,
): Promise<Page<CandidateSkill>> {
  await requireCandidate(db, candidateId)
  const list = `skills of ${candidateId}`
  const [name, skillId] = decodeCursor(list, [keyChecks.text, keyChecks.uuid], cursor) ?? [null, null]
  const rows = await db.query<CandidateSkill>(
    `SELECT ${columnsOf(role)} FROM ${from}
      WHERE k.candidate_id = $1 AND ($2::text IS NULL OR (s.skill_name, k.skill_id) > ($2, $3::uuid))
      ORDER BY s.skill_name, k.skill_id
      LIMIT $4`,
    [candidateId, name, skillId, limit + 1],
  )
  return page(
    list,
    rows,
    limit,
    (skill) => [skill.name, skill.skillId],
    (skill) => skill,
  )
}

/**
 * Adds the skill or replaces what was said about it. The caller holds the candidate's lock, so that the number of skills stands.
 * @throws AppError NOT_FOUND, REFERENCE_NOT_FOUND (no such skill), RULE_VIOLATED (one more than a candidate may have)
 */
export async function putCandidateSkill(
  db: Db,
  role: Role,
  candidateId: string,
  skillId: string,
  skill: CandidateSkillPut,
): Promise<CandidateSkill> {
  await requireCandidate(db, candidateId)
  await requireRoom(db, candidateId, skillId)
  await db.query(
    `INSERT INTO candidate_skills (candidate_id, skill_id, skill_level, years_experience, is_primary, last_used_date)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (candidate_id, skill_id) DO UPDATE
        SET skill_level = excluded.skill_level, years_experience = excluded.years_experience,
            is_primary = excluded.is_primary, last_used_date = excluded.last_used_date`,
    [candidateId, skillId, skill.level, skill.years, skill.isPrimary, skill.lastUsedDate ?? null],
  )
  return readCandidateSkill(db, role, candidateId, skillId)
}

async function requireRoom(db: Db, candidateId: string, skillId: string): Promise<void> {
  const sql = `SELECT count(*) >= $3 AND NOT bool_or(skill_id = $2) AS "full" FROM candidate_skills WHERE candidate_id = $1`
  const [skills] = await db.query<{ full: boolean }>(sql, [candidateId, skillId, maxSkills])
  if (skills?.full) throw new AppError('RULE_VIOLATED', `A candidate has ${maxSkills} skills at most`)
}

const writable = {
  level: 'skill_level',
  years: 'years_experience',
  isPrimary: 'is_primary',
  lastUsedDate: 'last_used_date',
}

/** @throws AppError NOT_FOUND when the candidate lacks the skill, or is not the caller's */
export async function updateCandidateSkill(
  db: Db,
  role: Role,
  candidateId: string,
  skillId: string,
  patch: CandidateSkillPatch,
): Promise<CandidateSkill> {
  const { text, values } = assignments(writable, patch)
  const skillPlace = values.length + 2
  const sql = `UPDATE candidate_skills SET ${text} WHERE candidate_id = $1 AND skill_id = $${skillPlace} RETURNING skill_id`
  const updated = await db.query(sql, [candidateId, ...values, skillId])
  if (updated.length === 0) throw new AppError('NOT_FOUND')
  return readCandidateSkill(db, role, candidateId, skillId)
}

/** @throws AppError NOT_FOUND when the candidate lacks the skill, or is not the caller's */
export async function deleteCandidateSkill(db: Db, candidateId: string, skillId: string): Promise<void> {
  const sql = 'DELETE FROM candidate_skills WHERE candidate_id = $1 AND skill_id = $2 RETURNING skill_id'
  const deleted = await db.query(sql, [candidateId, skillId])
  if (deleted.length === 0) throw new AppError('NOT_FOUND')
}

async function readCandidateSkill(db: Db, role: Role, candidateId: string, skillId: string): Promise<CandidateSkill> {
  const sql = `SELECT ${columnsOf(role)} FROM ${from} WHERE k.candidate_id = $1 AND k.skill_id = $2`
  const [skill] = await db.query<CandidateSkill>(sql, [candidateId, skillId])
  if (!skill) throw new AppError('NOT_FOUND')
  return skill
}

/**
 * Whole years of work of a candidate the caller may see; also the check that the caller may.
 * @throws AppError NOT_FOUND
 */
export async function requireCandidate(db: Db, candidateId: string): Promise<{ experienceYears: number }> {
  const sql = `SELECT experience_years AS "experienceYears" FROM candidate_profiles WHERE candidate_id = $1`
  const [candidate] = await db.query<{ experienceYears: number }>(sql, [candidateId])
  if (!candidate) throw new AppError('NOT_FOUND')
  return candidate
}
