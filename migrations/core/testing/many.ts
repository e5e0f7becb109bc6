import type { Query } from '../../testing/database.ts'
import { eventRows, fillTables, idOf as id, series as upTo } from '../../testing/many.ts'

/** SQL for the id of the n-th row of a kind that `fillCore` made, n from 1. */
export const idOf = (
  kind: 'user' | 'recruiter' | 'candidate' | 'company' | 'job' | 'application' | 'skill' | 'session',
  n: string,
) => id(kind, n)

/** Words of titles and descriptions; some are rare, so that a search for one has few answers. */
const words = `(ARRAY['data','senior','java','nurse','sales','kitchen','python','driver','teacher','welder','legal','cloud'])`
const word = (n: string) =>
  `${words}[1 + (${n}) % 12] || ' ' || ${words}[1 + (${n}) / 12 % 12] || ' w' || (${n}) % 5000`

const skills = 14_000

/** Tables that `fillCore` fills. */
export type Filled = keyof ReturnType<typeof statements>

/**
 * Fills an empty core database with so many rows in every table that grows with people, postings or time; the taxonomy gets the
 * 14,000 rows that ESCO has. As superuser. Rows are the same each time but for instants; all postings are in one partition, the largest
 * one table can get.
 * @param only  not all of the tables
 */
export async function fillCore(query: Query, rows: number, only?: Filled[]): Promise<void> {
  const fill = Object.entries(statements(rows)).filter(([table]) => only?.includes(table as Filled) ?? true)
  await fillTables(query, Object.fromEntries(fill))
}

/** Columns and rows of each table. */
function statements(rows: number) {
  const recruiters = Math.ceil(rows / 10)
  const series = (count = rows) => upTo(count)
  const month = `date_trunc('month', now(), 'UTC')`
  /** Spread over 25 days of this month, so that none is in another partition. */
  const created = `${month} + n % 2160000 * interval '1 second'`
  const userOf = (n: string) => idOf('user', n)
  const candidate = idOf('candidate', 'n')
  return {
    skills_taxonomy: `(skill_id, skill_name, category, aliases, popularity_score)
     SELECT ${idOf('skill', 'n')}, 'skill ' || n || ' ' || ${word('n')}, 'technical',
            jsonb_build_array('alias ' || ${word('n * 3')}, 'alias ' || ${word('n * 5')}, 'also called ' || ${word('n * 7')}), n % 100
       FROM ${series(skills)}`,
    users: `(user_id, email, password_hash, user_type)
     SELECT ${userOf('n')}, 'c' || n || '@example.org', '!', 'candidate' FROM ${series()}
     UNION ALL SELECT ${idOf('recruiter', 'n')}, 'r' || n || '@example.org', '!', 'recruiter' FROM ${series(recruiters)}`,
    companies: `(company_id, company_name, industry, company_size, search_vector)
     SELECT ${idOf('company', 'n')}, 'company ' || n, 'industry ' || n % 50, 'small', to_tsvector('simple', 'company ' || n) FROM ${series()}`,
    company_members: `(company_id, user_id, role)
     SELECT ${idOf('company', 'n')}, ${idOf('recruiter', `1 + n % ${recruiters}`)}, 'owner' FROM ${series()}`,
    candidate_profiles: `(candidate_id, user_id, first_name, last_name, current_title, experience_years,
       profile_visibility, search_vector)
     SELECT ${candidate}, ${userOf('n')}, 'First', 'Last' || n, ${word('n')}, n % 40,
            (ARRAY['limited','limited','limited','limited','limited','limited','limited','public','public','private'])[1 + n % 10],
            setweight(to_tsvector('simple', 'last' || n), 'A') || setweight(to_tsvector('simple', ${word('n')}), 'B')
       FROM ${series()}`,
    candidate_skills: `(candidate_id, skill_id, skill_level, years_experience)
     SELECT ${candidate}, ${idOf('skill', `1 + (n * 31 + i * 997) % ${skills}`)}, 1 + n % 5, n % 10
       FROM ${series()}, generate_series(1, 3) i`,
    work_experiences: `(candidate_id, company_name, position_title, start_date)
     SELECT ${candidate}, 'company ' || n, ${word('n')}, date '2010-01-01' + n % 5000 FROM ${series()}`,
    education: `(candidate_id, institution_name) SELECT ${candidate}, 'school ' || n % 900 FROM ${series()}`,
    certifications: `(candidate_id, certification_name, issuing_organization, expiration_date)
     SELECT ${candidate}, 'certificate ' || n % 900, 'issuer', CURRENT_DATE + n % 3000 FROM ${series()}`,
    candidate_languages: `(candidate_id, language_code, language_name, proficiency_level)
     SELECT ${candidate}, 'fra', 'French', 'native' FROM ${series()}`,
    job_posting_keys: `(job_id, created_at, slug) SELECT ${idOf('job', 'n')}, ${created}, 'job-' || n FROM ${series()}`,
    job_postings: `(job_id, company_id, recruiter_id, title, employment_type, seniority_level, description, requirements,
       work_location, status, posted_at, expires_at, closed_at, slug, created_at, search_vector)
     SELECT ${idOf('job', 'n')}, ${idOf('company', 'n')}, ${idOf('recruiter', `1 + n % ${recruiters}`)}, ${word('n')}, 'full-time',
            (ARRAY['entry','junior','mid','senior'])[1 + n % 4], v.text, ARRAY[${word('n * 5')}], '{"type":"onsite"}', v.status,
            now() - n % 5000000 * interval '1 second', now() + (1 + n % 60) * interval '1 day',
            CASE v.status WHEN 'filled' THEN now() - n % 700 * interval '1 day' END, 'job-' || n, ${created},
            setweight(to_tsvector('ssm_eng', ${word('n')}), 'A') || setweight(to_tsvector('ssm_eng', v.text), 'B')
       FROM ${series()} CROSS JOIN LATERAL (SELECT
         ${word('n * 7')} || ' ' || ${word('n * 11')} || ' ' || ${word('n * 13')} || ' ' || repeat('we look for somebody ', 15),
         (ARRAY['active','active','active','active','active','active','active','active','filled','draft'])[1 + n % 10]) v(text, status)`,
    job_required_skills: `(job_id, skill_id, requirement_type, minimum_level)
     SELECT ${idOf('job', 'n')}, ${idOf('skill', `1 + (n * 17 + i * 991) % ${skills}`)}, (ARRAY['required','preferred','required'])[i], 1 + n % 5
       FROM ${series()}, generate_series(1, 3) i`,
    job_skill_weights: `(job_id, required_weight, optional_weight) SELECT ${idOf('job', 'n')}, 2, 1 FROM ${series()}`,
    job_locations: `(job_id, location_id, is_primary) SELECT ${idOf('job', 'n')}, md5('place ' || n % 9000)::uuid, TRUE FROM ${series()}`,
    job_applications: `(application_id, job_id, candidate_id, user_id, status, decided_at)
     SELECT ${idOf('application', 'n')}, ${idOf('job', 'n')}, ${idOf('candidate', `1 + n * 7 % ${rows}`)}, ${userOf(`1 + n * 7 % ${rows}`)},
            CASE WHEN n % 3 = 0 THEN 'rejected' ELSE 'submitted' END, CASE WHEN n % 3 = 0 THEN now() - n % 700 * interval '1 day' END
       FROM ${series()}`,
    candidate_job_matches: `(candidate_id, job_id, score, model_version, computed_at)
     SELECT ${candidate}, ${idOf('job', 'n')}, 0.5, '1', now() - n % 89 * interval '1 day' FROM ${series()}`,
    user_consents: `(user_id, purpose, version, source) SELECT ${userOf('n')}, 'profiling', '1', 'test' FROM ${series()}`,
    erasure_requests: `(request_id, user_id, store)
     SELECT md5('request ' || n / 2)::uuid, md5('erased ' || n / 2)::uuid, (ARRAY['cache','search'])[1 + n % 2] FROM ${series()}`,
    user_sessions: `(session_id, user_id, refresh_token_hash, expires_at)
     SELECT ${idOf('session', 'n')}, ${userOf('n')}, 'token ' || n, now() + n % 30 * interval '1 day' FROM ${series()}`,
    aggregate_events: `(aggregate_type, aggregate_id, version, new_status, user_id)
     SELECT 'job', ${idOf('job', 'n')}, 1, 'active', ${idOf('recruiter', `1 + n % ${recruiters}`)} FROM ${series()}
     UNION ALL SELECT 'application', ${idOf('application', 'n')}, 1, 'submitted', ${userOf(`1 + n * 7 % ${rows}`)} FROM ${series()}`,
    audit_log: `(table_name, operation, record_id, user_id, subject_user_id, user_ip, data_classification, retention_until)
     SELECT 'candidate_profiles', 'UPDATE', ${candidate}, ${userOf('n')}, ${userOf('n')}, '192.0.2.1', 'restricted', CURRENT_DATE + 1000 FROM ${series()}`,
    ...eventRows(
      rows,
      'candidate',
      candidate,
      `jsonb_build_object('candidate_id', ${candidate}, 'user_id', ${userOf('n')})`,
    ),
  }
}
