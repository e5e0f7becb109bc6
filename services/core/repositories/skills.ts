import { AppError } from '../../chassis/errors.ts'
import { decodeCursor, keyChecks, page } from '../../chassis/pagination.ts'
import type { Page } from '../../chassis/pagination.ts'
import type { Db } from '../../chassis/stores/postgres.ts'
import type { Skill, SkillDemand, SkillDemandQuery, SkillQuery } from '../schemas.ts'

const columns = `s.skill_id AS "skillId", s.skill_name AS "name", s.category, s.aliases, s.parent_skill_id AS "parentSkillId",
  s.esco_uri AS "escoUri", s.skill_level_max AS "maxLevel"`

interface RankedSkill extends Skill {
  rank: number
  popularity: number
}

/**
 * Skills whose name or alias contains the text. Order: name equal, alias equal, name begins with it, a word of the name
 * begins with it, alias begins with it, contained in the name, contained in an alias; then popularity, then name.
 */
export async function searchSkills(db: Db, query: SkillQuery): Promise<Page<Skill>> {
  const { q = '', category = null, limit, cursor } = query
  const list = `skills ${q} ${category ?? ''}`
  const after = decodeCursor(list, [keyChecks.integer, keyChecks.integer, keyChecks.text, keyChecks.uuid], cursor)
  const term = q.trim().toLowerCase()
  const rows = await db.query<RankedSkill>(search, [term, escapeLike(term), category, ...(after ?? empty), limit + 1])
  return page(
    list,
    rows,
    limit,
    (s) => [s.rank, s.popularity, s.name, s.skillId],
    (s) => s,
  )
}

const empty = [null, null, null, null]

const search = `
  SELECT * FROM (
    SELECT ${columns}, s.popularity_score AS popularity, CASE
             WHEN $1 = '' THEN 0
             WHEN lower(s.skill_name) = $1 THEN 1
             WHEN a.equal THEN 2
             WHEN lower(s.skill_name) LIKE $2 || '%' THEN 3
             WHEN lower(s.skill_name) LIKE '% ' || $2 || '%' THEN 4
             WHEN a.prefix THEN 5
             WHEN lower(s.skill_name) LIKE '%' || $2 || '%' THEN 6
             ELSE 7
           END AS rank
      FROM skills_taxonomy s
     CROSS JOIN LATERAL (
       SELECT bool_or(lower(alias) = $1) AS equal, bool_or(lower(alias) LIKE $2 || '%') AS prefix,
              bool_or(lower(alias) LIKE '%' || $2 || '%') AS contained
         FROM jsonb_array_elements_text(s.aliases) alias
     ) a
     WHERE ($3::text IS NULL OR s.category = $3)
       AND ($1 = '' OR lower(s.skill_name) LIKE '%' || $2 || '%' OR a.contained)
  ) found
  WHERE $4::integer IS NULL
     OR (rank, -popularity, name, "skillId") > ($4::integer, -$5::integer, $6::text, $7::uuid)
  ORDER BY rank, -popularity, name, "skillId"
  LIMIT $8`

/** @throws AppError NOT_FOUND */
export async function readSkill(db: Db, skillId: string): Promise<Skill> {
  const [skill] = await db.query<Skill>(`SELECT ${columns} FROM skills_taxonomy s WHERE s.skill_id = $1`, [skillId])
  if (!skill) throw new AppError('NOT_FOUND')
  return skill
}

/** % and _ stand for themselves. */
const escapeLike = (text: string) => text.replace(/[\\%_]/g, '\\$&')

const isMonth = (value: string) => /^[12]\d{3}-(0[1-9]|1[0-2])$/.test(value)

/** Which skills postings of a region ask for: newest month first, most postings first. Nothing of a region that nobody named. */
export async function listSkillDemand(db: Db, query: SkillDemandQuery): Promise<Page<SkillDemand>> {
  const { region, month = null, skillId = null, limit, cursor } = query
  const list = `skill demand ${region} ${month ?? ''} ${skillId ?? ''}`
  const after = decodeCursor(list, [isMonth, keyChecks.integer, keyChecks.uuid], cursor) ?? [null, null, null]
  const rows = await db.query<SkillDemand>(demand, [region, month, skillId, ...after, limit + 1])
  return page(
    list,
    rows,
    limit,
    (d) => [d.month, d.postings, d.skillId],
    (d) => d,
  )
}

/** The page is cut before names are looked up, so that it reads the index of a region and no more of it than it shows. */
const demand = `
  SELECT d.skill_id AS "skillId", s.skill_name AS "name", s.category, to_char(d.month, 'YYYY-MM') AS month, d.postings::integer
    FROM (SELECT * FROM skill_demand
           WHERE region = $1
             AND ($2::text IS NULL OR month = ($2 || '-01')::date)
             AND ($3::uuid IS NULL OR skill_id = $3)
             AND ($4::text IS NULL OR (month, postings, skill_id) < (($4 || '-01')::date, $5::bigint, $6::uuid))
           ORDER BY month DESC, postings DESC, skill_id DESC
           LIMIT $7) d
    JOIN skills_taxonomy s USING (skill_id)
   ORDER BY d.month DESC, d.postings DESC, d.skill_id DESC`
