import { AppError } from '../../chassis/errors.ts'
import { decodeCursor, keyChecks, page } from '../../chassis/pagination.ts'
import type { Page } from '../../chassis/pagination.ts'
import { assignments, insertion, selection } from '../../chassis/stores/columns.ts'
import type { Db } from '../../chassis/stores/postgres.ts'
import type { Job, JobCreate, JobPatch, JobQuery, JobSummary, RequiredSkillInput } from '../schemas.ts'

const writable = {
  title: 'title',
  department: 'department',
  employmentType: 'employment_type',
  seniorityLevel: 'seniority_level',
  experienceRequiredMin: 'experience_required_min',
  experienceRequiredMax: 'experience_required_max',
  description: 'description',
  responsibilities: 'responsibilities',
  requirements: 'requirements',
  niceToHave: 'nice_to_have',
  benefits: 'benefits',
  salaryMin: 'salary_min',
  salaryMax: 'salary_max',
  salaryCurrency: 'salary_currency',
  salaryPeriod: 'salary_period',
  workLocation: 'work_location',
  remotePolicy: 'remote_policy',
  status: 'status',
  expiresAt: 'expires_at',
  contentLanguage: 'content_language',
}
const insertable = { ...writable, companyId: 'company_id', recruiterId: 'recruiter_id' }
const jobColumns = {
  jobId: 'job_id',
  ...insertable,
  slug: 'slug',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
}
/** Sort value of the list: created_at to the microsecond, which a JavaScript date would cut. */
const createdKey = `to_char(j.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

const selectJob = `
  SELECT ${selection(jobColumns, 'j.')}, c.company_name AS company, (
           SELECT coalesce(jsonb_agg(jsonb_build_object('skillId', r.skill_id, 'name', s.skill_name,
                    'requirementType', r.requirement_type, 'minimumLevel', r.minimum_level,
                    'minimumYears', r.minimum_years, 'weight', r.weight)
                    ORDER BY r.requirement_type = 'required' DESC, r.requirement_type = 'preferred' DESC, s.skill_name), '[]')
             FROM job_required_skills r JOIN skills_taxonomy s USING (skill_id)
            WHERE r.job_id = j.job_id
         ) AS "requiredSkills"
    FROM job_postings j JOIN companies c USING (company_id)`

/** @param recruiterId  who posts it; null for a job an administrator enters */
export async function createJob(db: Db, job: JobCreate, recruiterId: string | null): Promise<Job> {
  const { requiredSkills = [], ...record } = job
  const { text, values } = insertion(insertable, { ...record, recruiterId })
  const sql = `INSERT INTO job_postings ${text} RETURNING job_id AS "jobId"`
  const [created] = await db.query<{ jobId: string }>(sql, values)
  if (!created) throw new AppError('FORBIDDEN')
  await addSkills(db, created.jobId, requiredSkills)
  return readJob(db, created.jobId)
}

/** @throws AppError NOT_FOUND, also for a job the caller may not see */
export async function readJob(db: Db, jobId: string): Promise<Job> {
  const [job] = await db.query<Job>(`${selectJob} WHERE j.job_id = $1`, [jobId])
  if (!job) throw new AppError('NOT_FOUND')
  return job
}

/**
 * Changes the given fields; `requiredSkills` replaces the whole set.
 * @throws AppError NOT_FOUND, or FORBIDDEN when the caller sees it and may not change it
 */
export async function updateJob(db: Db, jobId: string, patch: JobPatch): Promise<Job> {
  const { requiredSkills, ...record } = patch
  const { text, values } = assignments(writable, record)
  // Without a field of its own the row is still written to, as proof that the caller may.
  const set = text === '' ? 'title = title' : text
  const sql = `UPDATE job_postings SET ${set} WHERE job_id = $1 RETURNING job_id`
  const updated = await db.query(sql, [jobId, ...values])
  if (updated.length === 0) {
    await readJob(db, jobId)
    throw new AppError('FORBIDDEN', 'Only the recruiter who posted the job may change it')
  }
  if (requiredSkills) await replaceSkills(db, jobId, requiredSkills)
  return readJob(db, jobId)
}

async function replaceSkills(db: Db, jobId: string, skills: RequiredSkillInput[]): Promise<void> {
  const kept = skills.map((skill) => skill.skillId)
  await db.query('DELETE FROM job_required_skills WHERE job_id = $1 AND skill_id <> ALL ($2::uuid[])', [jobId, kept])
  await addSkills(db, jobId, skills)
}

async function addSkills(db: Db, jobId: string, skills: RequiredSkillInput[]): Promise<void> {
  if (skills.length === 0) return
  refuseDuplicates(skills)
  await db.query(
    `INSERT INTO job_required_skills (job_id, skill_id, requirement_type, minimum_level, minimum_years, weight)
     SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::numeric[], $6::numeric[])
     ON CONFLICT (job_id, skill_id) DO UPDATE
        SET requirement_type = excluded.requirement_type, minimum_level = excluded.minimum_level,
            minimum_years = excluded.minimum_years, weight = excluded.weight`,
    [
      jobId,
      skills.map((skill) => skill.skillId),
      skills.map((skill) => skill.requirementType),
      skills.map((skill) => skill.minimumLevel),
      skills.map((skill) => skill.minimumYears),
      skills.map((skill) => skill.weight),
    ],
  )
}

/** ON CONFLICT cannot change a row twice; say which one it is instead. */
function refuseDuplicates(skills: RequiredSkillInput[]): void {
  const seen = new Set<string>()
  const again = skills.findIndex(({ skillId }) => seen.size === seen.add(skillId).size)
  if (again === -1) return
  const path = `/requiredSkills/${again}/skillId`
  throw new AppError('VALIDATION_FAILED', undefined, { fields: [{ in: 'body', path, problem: 'is there twice' }] })
}

/** Newest first. */
export async function listJobs(db: Db, query: JobQuery): Promise<Page<JobSummary>> {
  const { companyId, skillId, status, employmentType, seniorityLevel, remotePolicy, limit, cursor } = query
  const filters = [companyId, skillId, status, employmentType, seniorityLevel, remotePolicy].map((f) => f ?? null)
  const list = `jobs ${filters.map((f) => f ?? '').join(' ')}`
  const after = decodeCursor(list, [keyChecks.instant, keyChecks.uuid], cursor) ?? [null, null]
  const rows = await db.query<JobSummary & { createdKey: string }>(
    `SELECT ${selection(jobColumns, 'j.')}, c.company_name AS company, ${createdKey} AS "createdKey"
       FROM job_postings j JOIN companies c USING (company_id)
      WHERE ($1::uuid IS NULL OR j.company_id = $1)
        AND ($2::uuid IS NULL OR EXISTS (SELECT FROM job_required_skills r WHERE r.job_id = j.job_id AND r.skill_id = $2))
        AND ($3::text IS NULL OR j.status = $3)
        AND ($4::text IS NULL OR j.employment_type = $4)
        AND ($5::text IS NULL OR j.seniority_level = $5)
        AND ($6::text IS NULL OR j.remote_policy = $6)
        AND ($7::timestamptz IS NULL OR (j.created_at, j.job_id) < ($7, $8::uuid))
      ORDER BY j.created_at DESC, j.job_id DESC
      LIMIT $9`,
    [...filters, ...after, limit + 1],
  )
  return page(
    list,
    rows,
    limit,
    (j) => [j.createdKey, j.jobId],
    (j) => j,
  )
}
