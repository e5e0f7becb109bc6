import { AppError } from '../../chassis/errors.ts'
import { decodeCursor, keyChecks, page } from '../../chassis/pagination.ts'
import type { Page } from '../../chassis/pagination.ts'
import type { Role } from '../../chassis/roles.ts'
import { assignments, insertion, selection } from '../../chassis/stores/columns.ts'
import type { Db } from '../../chassis/stores/postgres.ts'
import type { Candidate, CandidateCreate, CandidatePatch, CandidateQuery } from '../schemas.ts'

const writable = {
  firstName: 'first_name',
  lastName: 'last_name',
  currentTitle: 'current_title',
  experienceYears: 'experience_years',
  availabilityStatus: 'availability_status',
  expectedSalaryMin: 'expected_salary_min',
  expectedSalaryMax: 'expected_salary_max',
  currency: 'currency',
  expectedSalaryPeriod: 'expected_salary_period',
  shareExpectedSalary: 'share_expected_salary',
  profileVisibility: 'profile_visibility',
  contentLanguage: 'content_language',
}
const whole = selection({
  candidateId: 'candidate_id',
  userId: 'user_id',
  ...writable,
  profileCompleteness: 'profile_completeness',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
})
/** Columns of recruiter_candidates; it answers NULL above the level the recruiter has. */
const card = { candidateId: 'candidate_id', currentTitle: 'current_title', experienceYears: 'experience_years' }
const profile = {
  firstName: 'first_name',
  lastName: 'last_name',
  availabilityStatus: 'availability_status',
  expectedSalaryMin: 'expected_salary_min',
  expectedSalaryMax: 'expected_salary_max',
  currency: 'currency',
  expectedSalaryPeriod: 'expected_salary_period',
}
const seenByRecruiter = selection({ ...card, ...profile, email: 'email', level: 'access' })

/** What each role reads: the row level security of candidate_profiles, or the recruiters' view. */
// prettier-ignore
const sources = {
  candidate: `(SELECT ${whole}, 'self' AS access FROM candidate_profiles) c`,
  admin:     `(SELECT ${whole}, 'admin' AS access FROM candidate_profiles) c`,
  recruiter: `(SELECT ${seenByRecruiter} FROM recruiter_candidates) c`,
} satisfies Record<Role, string>

type Row = Candidate & { level?: number }

/** The caller's own profile; a second one is a CONFLICT. */
export async function createCandidate(db: Db, userId: string, profileOf: CandidateCreate): Promise<Candidate> {
  const { text, values } = insertion({ userId: 'user_id', ...writable }, { userId, ...profileOf })
  const sql = `INSERT INTO candidate_profiles ${text} RETURNING ${whole}, 'self' AS access`
  const [created] = await db.query<Row>(sql, values)
  if (!created) throw new AppError('FORBIDDEN')
  return visible(created)
}

/** @throws AppError NOT_FOUND, also for a candidate the caller may not see */
export async function readCandidate(db: Db, role: Role, candidateId: string): Promise<Candidate> {
  const [row] = await db.query<Row>(`SELECT * FROM ${sources[role]} WHERE "candidateId" = $1`, [candidateId])
  if (!row) throw new AppError('NOT_FOUND')
  return visible(row)
}

/** @throws AppError NOT_FOUND, also for another person's profile */
export async function updateCandidate(
  db: Db,
  role: 'candidate' | 'admin',
  candidateId: string,
  patch: CandidatePatch,
): Promise<Candidate> {
  const { text, values } = assignments(writable, patch)
  const sql = `UPDATE candidate_profiles SET ${text} WHERE candidate_id = $1 RETURNING candidate_id`
  const updated = await db.query(sql, [candidateId, ...values])
  if (updated.length === 0) throw new AppError('NOT_FOUND')
  return readCandidate(db, role, candidateId)
}

/**
 * Everyone the caller may see, by id. Which ones are on the page is asked of the table: the view would first work out for every
 * candidate there is what the recruiter may see.
 */
export async function listCandidates(db: Db, role: Role, query: CandidateQuery): Promise<Page<Candidate>> {
  const { limit, cursor } = query
  const [after] = decodeCursor('candidates', [keyChecks.uuid], cursor) ?? [null]
  const rows = await db.query<Row>(
    `SELECT * FROM ${sources[role]}
      WHERE "candidateId" = ANY (ARRAY(
              SELECT candidate_id FROM candidate_profiles WHERE $1::uuid IS NULL OR candidate_id > $1 ORDER BY candidate_id LIMIT $2))
      ORDER BY "candidateId"`,
    [after, limit + 1],
  )
  return page('candidates', rows, limit, (row) => [row.candidateId], visible)
}

const levels = { 1: 'card', 2: 'profile', 3: 'applied' } as const

/** A recruiter's row without what is above its level: an absent field says "not for you", null says "not given". */
function visible(row: Row): Candidate {
  const { level, email, ...rest } = row
  if (level === undefined) return rest
  const access = levels[level as keyof typeof levels]
  const { candidateId, currentTitle, experienceYears } = rest
  if (access === 'card') return { candidateId, currentTitle, experienceYears, access }
  const { expectedSalaryMin, expectedSalaryMax, currency, expectedSalaryPeriod, ...named } = rest
  const salary = { expectedSalaryMin, expectedSalaryMax, currency, expectedSalaryPeriod }
  // The view answers NULL for all four unless the person shares the salary; the period is never NULL otherwise.
  const shared = expectedSalaryPeriod ? salary : {}
  return { ...named, ...(shared as Partial<Candidate>), access, ...(access === 'applied' && email ? { email } : {}) }
}
