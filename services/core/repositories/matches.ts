import type { Db } from '../../chassis/stores/postgres.ts'
import { parts, reasons, seniorityYears } from '../matching.ts'
import type { MatchFacts, SkillFact } from '../matching.ts'
import { seniorityLevels } from '../schemas.ts'
import type { Match } from '../schemas.ts'
import { requireCandidate } from './candidate-skills.ts'

interface RankedJob extends Omit<MatchFacts, 'skills' | 'experienceYears'> {
  jobId: string
  title: string
  company: string
  score: number
}

/**
 * The jobs that fit best, with reasons; matching.ts says how they are ranked.
 * @param limit        1 to 100
 * @param recruiterId  only jobs this person recruits for; null for all
 * @throws AppError NOT_FOUND, also for a candidate the caller may not see
 */
export async function findMatches(
  db: Db,
  candidateId: string,
  limit: number,
  recruiterId: string | null,
): Promise<{ items: Match[] }> {
  const { experienceYears } = await requireCandidate(db, candidateId)
  const jobs = await db.query<RankedJob>(ranking, [candidateId, experienceYears, limit, recruiterId])
  const skills = await readSkillFacts(db, candidateId, jobs)
  const items = jobs.map(({ jobId, title, company, score, ...asked }) => {
    const facts = { ...asked, experienceYears, skills: skills.get(jobId) ?? [] }
    return { jobId, title, company, score, reasons: reasons(facts) }
  })
  return { items }
}

const seniorityRank = (years: string) =>
  `CASE ${seniorityYears
    .map((from, rank) => `WHEN ${years} >= ${from} THEN ${rank}`)
    .reverse()
    .join(' ')} END`
const levelRank = (level: string) =>
  `CASE ${level} ${seniorityLevels.map((name, rank) => `WHEN '${name}' THEN ${rank}`).join(' ')} END`

/**
 * From the candidate's few skills to the rows of job_required_skills that ask for one of them, by index; what the job asks for
 * besides is known from its totals in job_skill_weights. Reading every skill of every such job took ten times as long.
 */
const ranking = `
  WITH shared AS (
    SELECT r.job_id, r.requirement_type = 'required' AS required, r.weight::float8 AS weight,
           least(1, k.skill_level::float8 / r.minimum_level)
             * CASE WHEN r.minimum_years > 0 THEN least(1, k.years_experience::float8 / r.minimum_years::float8) ELSE 1 END AS fit
      FROM candidate_skills k JOIN job_required_skills r USING (skill_id)
     WHERE k.candidate_id = $1
  ), held AS (
    SELECT job_id,
           coalesce(sum(weight) FILTER (WHERE required), 0) AS required,
           coalesce(sum(weight * fit) FILTER (WHERE required), 0) AS fit,
           coalesce(sum(weight) FILTER (WHERE NOT required), 0) AS optional
      FROM shared GROUP BY job_id
  ), scored AS (
    SELECT j.job_id, j.company_id, j.title, j.posted_at, j.experience_required_min, j.seniority_level,
           round((${parts.coverage} * coalesce(h.required / nullif(w.required_weight::float8, 0), 0)
             + ${parts.level} * coalesce(h.fit / nullif(w.required_weight::float8, 0), 0)
             + ${parts.preferred} * coalesce(h.optional / nullif(w.optional_weight::float8, 0), 1)
             + ${parts.years} * CASE WHEN j.experience_required_min > 0
                                     THEN least(1, $2::float8 / j.experience_required_min) ELSE 1 END
             + ${parts.seniority} * CASE WHEN j.seniority_level IS NULL THEN 1
                                         ELSE 1 - greatest(0, ${levelRank('j.seniority_level')} - ${seniorityRank('$2::float8')}) / 5::float8 END
           )::numeric, 4)::float8 AS score
      FROM held h JOIN job_skill_weights w USING (job_id) JOIN job_postings j USING (job_id)
     WHERE j.status = 'active' AND (j.expires_at IS NULL OR j.expires_at > now())
       AND ($4::uuid IS NULL OR j.recruiter_id = $4)
     ORDER BY score DESC, j.posted_at DESC, j.job_id
     LIMIT $3
  )
  SELECT s.job_id AS "jobId", s.title, c.company_name AS company, s.score,
         s.experience_required_min AS "experienceRequiredMin", s.seniority_level AS "seniorityLevel"
    FROM scored s JOIN companies c USING (company_id)
   ORDER BY s.score DESC, s.posted_at DESC, s.job_id`

const skillFacts = `
  SELECT r.job_id AS "jobId", s.skill_name AS "name", r.requirement_type AS "type", r.minimum_level AS "minimumLevel",
         r.minimum_years AS "minimumYears", k.skill_level AS "level", k.years_experience AS "years"
    FROM job_required_skills r
    JOIN skills_taxonomy s USING (skill_id)
    LEFT JOIN candidate_skills k ON k.skill_id = r.skill_id AND k.candidate_id = $1
   WHERE r.job_id = ANY ($2::uuid[])
   ORDER BY r.weight DESC, s.skill_name`

async function readSkillFacts(db: Db, candidateId: string, jobs: RankedJob[]): Promise<Map<string, SkillFact[]>> {
  const jobIds = jobs.map((job) => job.jobId)
  const rows = await db.query<SkillFact & { jobId: string }>(skillFacts, [candidateId, jobIds])
  return Map.groupBy(rows, (row) => row.jobId)
}
