/**
 * Loads reference data and the synthetic demo into the core database, as its owner on a direct connection.
 * Runs in the cluster as the Job that `make demo` creates. Loading again adds nothing.
 *
 * No aggregate locks are taken. Every aggregate is created here, in whole; only a skill's parent is set in a second step, because
 * it may come later in the list, and no service writes skills.
 */
import pg from 'pg'
import { readBinding } from '../../chassis/stores/binding.ts'
import { readCities } from './cities.ts'
import { readEsco, type Esco } from './esco.ts'
import { insertMissing } from './insert.ts'
import { synthesize, type Candidate, type Company, type Job, type Person, type Synthetic } from './synthesize.ts'

const started = performance.now()
const binding = await readBinding(process.argv[2] ?? '/binding')
const db = new pg.Client({
  host: binding.host,
  port: Number(binding.port),
  database: binding.database,
  user: binding.username,
  password: binding.password,
  ssl: { ca: binding['ca.crt'], servername: binding.host },
})
await db.connect()
try {
  const esco = await readEsco(new URL('../../../data/esco/', import.meta.url))
  const cities = readCities()
  await loadReference(esco, cities)
  await loadSynthetic(synthesize(esco, cities))
  await step('statistics', async () => {
    await db.query('ANALYZE')
    return 0
  })
  console.log(`done in ${seconds(started)} s`)
} finally {
  await db.end()
}

async function loadReference(esco: Esco, cities: ReturnType<typeof readCities>) {
  const skill = { skill_id: 'uuid', esco_uri: 'text', skill_name: 'text', category: 'text', aliases: 'jsonb', is_verified: 'boolean', verification_source: 'text' } // prettier-ignore
  await step('skills and skill groups', async () => {
    const rows = esco.skills.map((s) => ({
      skill_id: s.id,
      esco_uri: s.uri,
      skill_name: s.name,
      category: s.category,
      aliases: s.aliases,
      is_verified: true,
      verification_source: 'ESCO 1.2.0', // prettier-ignore
    }))
    return insertMissing(db, 'skills_taxonomy', skill, rows)
  })
  await step('skill parents', async () => {
    const pairs = esco.skills.filter((s) => s.parentId).map((s) => ({ skill_id: s.id, parent_id: s.parentId }))
    const result = await db.query(
      `UPDATE skills_taxonomy s SET parent_skill_id = r.parent_id
         FROM json_to_recordset($1::json) AS r(skill_id uuid, parent_id uuid)
        WHERE s.skill_id = r.skill_id AND s.parent_skill_id IS DISTINCT FROM r.parent_id`,
      [JSON.stringify(pairs)],
    )
    return result.rowCount ?? 0
  })
  await step('skill relations', () => {
    const rows = esco.relations.map((r) => ({
      skill_id: r.skillId,
      related_skill_id: r.relatedId,
      relation: r.relation,
    }))
    return insertMissing(db, 'skill_relations', { skill_id: 'uuid', related_skill_id: 'uuid', relation: 'text' }, rows)
  })
  await step('occupations', () => {
    const rows = esco.occupations.map((o) => ({
      occupation_id: o.id,
      esco_uri: o.uri,
      label: o.label,
      isco08: o.isco08,
      aliases: o.aliases, // prettier-ignore
    }))
    const columns = { occupation_id: 'uuid', esco_uri: 'text', label: 'text', isco08: 'text', aliases: 'jsonb' }
    return insertMissing(db, 'occupations', columns, rows)
  })
  await step('skills of occupations', () => {
    const rows = esco.occupations.flatMap((o) => [
      ...o.essential.map((skill_id) => ({ occupation_id: o.id, skill_id, relation: 'essential' })),
      ...o.optional.map((skill_id) => ({ occupation_id: o.id, skill_id, relation: 'optional' })),
    ])
    return insertMissing(
      db,
      'occupation_skills',
      { occupation_id: 'uuid', skill_id: 'uuid', relation: 'text' },
      rows,
      20_000,
    )
  })
  await step('cities', () => {
    const rows = cities.map((c) => ({
      geoname_id: c.geonameId,
      name: c.name,
      country_code: c.country,
      admin1: c.admin1,
      population: c.population,
      latitude: c.latitude,
      longitude: c.longitude, // prettier-ignore
    }))
    const columns = { geoname_id: 'integer', name: 'text', country_code: 'text', admin1: 'text', population: 'integer', latitude: 'float8', longitude: 'float8' } // prettier-ignore
    return insertMissing(db, 'cities', columns, rows, 20_000)
  })
}

async function loadSynthetic({ admin, companies, candidates, jobs }: Synthetic) {
  await step('users', () => {
    const people = [admin, ...companies.map((c) => c.recruiter), ...candidates.map((c) => c.person)]
    return asDefiner(() => insertUsers(people))
  })
  await step('companies', () => asDefiner(() => insertCompanies(companies)))
  await step('candidates', () => asDefiner(() => insertCandidates(candidates)))
  await step('jobs', async () => {
    let inserted = 0
    // Small transactions: a load that is interrupted keeps what it has, and nobody who posts under an equal slug waits for long.
    for (let start = 0; start < jobs.length; start += 500) {
      inserted += await asDefiner(() => insertJobs(jobs.slice(start, start + 500)))
    }
    return inserted
  })
}

function insertUsers(people: Person[]): Promise<number> {
  const rows = people.map((p) => ({
    user_id: p.userId,
    email: p.email,
    password_hash: 'SYNTHETIC, NO LOGIN',
    user_type: p.role,
  }))
  return insertMissing(db, 'users', { user_id: 'uuid', email: 'text', password_hash: 'text', user_type: 'text' }, rows)
}

async function insertCompanies(companies: Company[]): Promise<number> {
  const rows = companies.map((c) => ({
    company_id: c.id,
    company_name: c.name,
    industry: c.industry,
    company_size: c.size,
    headquarters_location: place(c.city),
    description: c.description, // prettier-ignore
  }))
  const columns = { company_id: 'uuid', company_name: 'text', industry: 'text', company_size: 'text', headquarters_location: 'jsonb', description: 'text' } // prettier-ignore
  const inserted = await insertMissing(db, 'companies', columns, rows)
  const members = companies.map((c) => ({ company_id: c.id, user_id: c.recruiter.userId, role: 'owner' }))
  await insertMissing(db, 'company_members', { company_id: 'uuid', user_id: 'uuid', role: 'text' }, members)
  return inserted
}

async function insertCandidates(candidates: Candidate[]): Promise<number> {
  const rows = candidates.map((c) => ({
    candidate_id: c.id,
    user_id: c.person.userId,
    first_name: c.firstName,
    last_name: c.lastName,
    current_title: c.title,
    experience_years: c.years, // prettier-ignore
  }))
  const columns = { candidate_id: 'uuid', user_id: 'uuid', first_name: 'text', last_name: 'text', current_title: 'text', experience_years: 'integer' } // prettier-ignore
  const inserted = await insertMissing(db, 'candidate_profiles', columns, rows)
  const skills = candidates.flatMap(
    (c) =>
    c.skills.map((s) => ({ candidate_id: c.id, skill_id: s.skillId, skill_level: s.level, years_experience: s.years, is_primary: s.primary })), // prettier-ignore
  )
  const skillColumns = { candidate_id: 'uuid', skill_id: 'uuid', skill_level: 'integer', years_experience: 'numeric', is_primary: 'boolean' } // prettier-ignore
  await insertMissing(db, 'candidate_skills', skillColumns, skills)
  return inserted
}

async function insertJobs(jobs: Job[]): Promise<number> {
  // job_postings is partitioned: its key holds created_at, so that a job already there must be left out by its id.
  const known = await db.query<{ job_id: string }>(
    'SELECT job_id FROM job_posting_keys WHERE job_id = ANY($1::uuid[])',
    [jobs.map((j) => j.id)],
  )
  const present = new Set(known.rows.map((row) => row.job_id))
  const missing = jobs.filter((j) => !present.has(j.id))
  const day = 86_400_000
  const rows = missing.map((j) => ({
    job_id: j.id, company_id: j.company.id, recruiter_id: j.company.recruiter.userId, title: j.title, description: j.description,
    employment_type: 'full-time', seniority_level: j.seniority, experience_required_min: j.years, salary_min: j.salary, salary_max: j.salary + 12_000,
    work_location: { type: j.remote, locations: [place(j.city)] }, status: 'active',
    posted_at: new Date(Date.now() - j.postedDaysAgo * day).toISOString(), expires_at: new Date(Date.now() + 60 * day).toISOString(),
  })) // prettier-ignore
  const columns = {
    job_id: 'uuid',
    company_id: 'uuid',
    recruiter_id: 'uuid',
    title: 'text',
    description: 'text',
    employment_type: 'text',
    seniority_level: 'text',
    experience_required_min: 'integer',
    salary_min: 'numeric',
    salary_max: 'numeric',
    work_location: 'jsonb',
    status: 'text',
    posted_at: 'timestamptz',
    expires_at: 'timestamptz',
  }
  const inserted = await insertMissing(db, 'job_postings', columns, rows)
  const skills = missing.flatMap(
    (j) =>
    j.skills.map((s) => ({ job_id: j.id, skill_id: s.skillId, requirement_type: s.requirement, minimum_level: s.level, minimum_years: s.years, weight: s.weight })), // prettier-ignore
  )
  const skillColumns = { job_id: 'uuid', skill_id: 'uuid', requirement_type: 'text', minimum_level: 'integer', minimum_years: 'numeric', weight: 'numeric' } // prettier-ignore
  await insertMissing(db, 'job_required_skills', skillColumns, skills, 20_000)
  return inserted
}

function place(city: Company['city']) {
  const { name, country, latitude, longitude, geonameId } = city
  return { city: name, country, latitude, longitude, geonameId }
}

/** Tables with row level security are written as matching_definer: as owner the rows would be refused. */
async function asDefiner(work: () => Promise<number>): Promise<number> {
  await db.query('BEGIN')
  try {
    await db.query('SET LOCAL ROLE matching_definer')
    const inserted = await work()
    await db.query('COMMIT')
    return inserted
  } catch (error) {
    await db.query('ROLLBACK')
    throw error
  }
}

async function step(what: string, work: () => Promise<number>): Promise<void> {
  const from = performance.now()
  const count = await work()
  console.log(`${what}: ${count > 0 ? `${count} new` : 'up to date'} (${seconds(from)} s)`)
}

function seconds(from: number): string {
  return ((performance.now() - from) / 1000).toFixed(1)
}
