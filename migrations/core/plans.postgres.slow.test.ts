import matrix from './matrix.json' with { type: 'json' }
import { testDatabase } from '../testing/database.ts'
import { state, testPlans } from '../testing/plans.ts'
import type { Shipped } from '../testing/plans.ts'
import { fillCore, idOf } from './testing/many.ts'

/**
 * Every function, trigger, policy and job of the database, as every role that may call it, with 200,000 rows in each table: by which
 * plans its statements ran. The queries of the services are in services/core/test/plans.postgres.slow.test.ts.
 */
const db = testDatabase('core')

const fill: Shipped['fill'] = async (query) => {
  await fillCore(query, 200_000)
  await query(
    `INSERT INTO users (user_id, email, password_hash, user_type) VALUES (md5('admin')::uuid, 'a@example.org', '!', 'admin')`,
  )
  const kinds = ['user', 'recruiter', 'candidate', 'company', 'job', 'application', 'skill', 'session'] as const
  const columns = kinds.map((kind) => `${idOf(kind, kind === 'recruiter' ? '2' : '1')} AS "${kind}"`)
  const [found = {}] = await query(
    `SELECT ${columns.join()}, md5('admin')::uuid AS admin, ${idOf('user', '8')} AS other`,
  )
  await query('SELECT seal_audit_log(1000000)')
  return found as Record<string, string>
}

/** Of the functions that somebody may call; `{name}` stands for an id. */
const calls: Shipped['calls'] = {
  'anonymize_user_data(uuid,text)': [`anonymize_user_data(current_app_user(), 'asked')`],
  'app_applied_jobs()': ['app_applied_jobs()'],
  'app_can_see_candidate(uuid)': [`app_can_see_candidate('{candidate}')`],
  'app_candidate_access(uuid)': [`app_candidate_access('{candidate}')`],
  'app_companies()': ['app_companies()'],
  'app_follows_status(text,uuid)': [
    `app_follows_status('job', '{job}')`,
    `app_follows_status('application', '{application}')`,
  ],
  'app_has_applied(uuid)': [`app_has_applied('{job}')`],
  'app_is_company_member(uuid)': [`app_is_company_member('{company}')`],
  'app_is_company_owner(uuid)': [`app_is_company_owner('{company}')`],
  'app_job_is_open(uuid)': [`app_job_is_open('{job}')`],
  'app_owns_application(uuid)': [`app_owns_application('{application}')`],
  'app_owns_candidate(uuid)': [`app_owns_candidate('{candidate}')`],
  'app_recruits_job(uuid)': [`app_recruits_job('{job}')`],
  'audit_read(text,uuid,uuid,text)': [`audit_read('users', '{user}', '{user}', 'asked')`],
  'create_user(text,text,text)': [`create_user('new@example.org', 'candidate', '!')`],
  'current_app_user()': ['current_app_user()'],
  'derived_columns()': ['derived_columns()'],
  'export_user_data(uuid)': ['export_user_data(current_app_user())'],
  'find_account(text)': [`find_account('C1@example.org')`],
  'is_string_array(jsonb)': [`is_string_array('[]')`],
  'lock_aggregate(text,uuid)': [`lock_aggregate('job', '{job}')`],
  'read_outbox(text,integer)': [`read_outbox('relay', 1000)`],
  'read_session(uuid)': [`read_session('{session}')`],
  'record_consent(text,boolean,text,text)': [
    `record_consent('email_tracking', TRUE, '1', 'test')`,
    `record_consent('profiling', FALSE, '1', 'test')`,
  ],
  'record_login(uuid,boolean)': [`record_login('{user}', TRUE)`, `record_login('{user}', FALSE)`],
  'revoke_sessions(uuid,uuid)': [
    'revoke_sessions(current_app_user())',
    `revoke_sessions(current_app_user(), '{session}')`,
  ],
  'rotate_session(text,text,timestamp with time zone,text)': [
    `rotate_session('token 1', 'next', now() + interval '1 day', 'agent')`,
    `rotate_session('unknown', 'next', now() + interval '1 day', 'agent')`,
  ],
  'search_candidates(text,text,integer)': [
    `search_candidates('w4321')`,
    `search_candidates('java', 'fra')`,
    `search_candidates('last7')`,
  ],
  'search_jobs(text,text,integer)': [`search_jobs('w4321')`, `search_jobs('java', 'eng', 100)`],
  'start_session(uuid,text,timestamp with time zone,text)': [
    `start_session('{user}', 'fresh', now() + interval '1 day', 'agent')`,
  ],
  'verify_audit_log(date)': [`verify_audit_log(date_trunc('month', now())::date)`],
  'yearly_salary(numeric,text,numeric)': [`yearly_salary(20, 'hourly', 35)`],
}

/** What fires the triggers that no call above fires, as superuser: the policies are those of the services' requests. */
const changes = [
  `UPDATE users SET status = 'inactive' WHERE user_id = '{user}'`,
  `DELETE FROM users WHERE user_id = '{user}'`,
  `DELETE FROM users WHERE user_id = '{recruiter}'`,
  `UPDATE companies SET description = 'new' WHERE company_id = '{company}'`,
  `DELETE FROM company_members WHERE company_id = '{company}'`,
  `UPDATE candidate_profiles SET profile_visibility = 'public', phone = 'v1.k.n.x.t' WHERE candidate_id = '{candidate}'`,
  ...['candidate_skills', 'work_experiences', 'education', 'certifications', 'candidate_languages'].flatMap((table) => [
    `UPDATE ${table} SET created_at = now() WHERE candidate_id = '{candidate}'`,
    `DELETE FROM ${table} WHERE candidate_id = '{candidate}'`,
  ]),
  `UPDATE work_experiences SET end_date = CURRENT_DATE WHERE candidate_id = '{candidate}'`,
  `UPDATE candidate_languages SET proficiency_level = 'native' WHERE candidate_id = '{candidate}'`,
  `DELETE FROM candidate_profiles WHERE candidate_id = '{candidate}'`,
  `INSERT INTO job_applications (job_id, candidate_id) VALUES ('{job}', '{candidate}')`,
  `UPDATE job_applications SET status = 'hired' WHERE application_id = '{application}'`,
  `DELETE FROM job_applications WHERE application_id = '{application}'`,
  `UPDATE job_postings SET status = 'filled', title = 'new' WHERE job_id = '{job}'`,
  `INSERT INTO job_locations (job_id, location_id) VALUES ('{job}', gen_random_uuid())`,
  `DELETE FROM job_postings WHERE job_id = '{job}'`,
  `UPDATE skills_taxonomy SET description = 'new' WHERE skill_id = '{skill}'`,
]
/** The same, of what is refused. */
const refused = [
  `UPDATE users SET user_type = 'recruiter' WHERE user_id = '{user}'`,
  `UPDATE job_postings SET slug = 'new' WHERE job_id = '{job}'`,
  `DELETE FROM user_consents WHERE user_id = '{user}'`,
]
/** By candidates, whose word is not a verification. */
const ownChanges = [
  `UPDATE candidate_skills SET skill_level = 5 WHERE candidate_id = '{candidate}'`,
  `UPDATE certifications SET issuing_organization = 'new' WHERE candidate_id = '{candidate}'`,
]
/** By a recruiter, who becomes a member of the company. */
const founding = [
  `INSERT INTO companies (company_name) VALUES ('New')`,
  `INSERT INTO job_postings (company_id, recruiter_id, title, employment_type, description, work_location)
   VALUES ('{company}', '{recruiter}', 'New', 'full-time', '-', '{"type":"remote"}')`,
]
/** Statements of the views that show a caller's own rows, or one row by its key. */
const views: Shipped['statements'] = [
  ['authenticated_users', 'SELECT * FROM my_user'],
  ['authenticated_users', 'SELECT * FROM my_sessions'],
  ['admin_role', `SELECT * FROM admin_users WHERE user_id = '{user}'`],
  ['admin_role', `SELECT * FROM admin_audit_log WHERE subject_user_id = '{user}' ORDER BY timestamp DESC LIMIT 50`],
  ['recruiter_role', `SELECT * FROM recruiter_candidates WHERE candidate_id = '{candidate}'`],
  ['recruiter_role', `SELECT * FROM recruiter_certifications WHERE candidate_id = '{candidate}'`],
  ['recruiter_role', `SELECT application_id FROM job_applications WHERE job_id = '{job}'`],
  [
    'authenticated_users',
    `SELECT version FROM aggregate_events WHERE aggregate_type = 'application' AND aggregate_id = '{application}'`,
  ],
]

/** Jobs and functions that read everything, and why they may. */
const whole: Shipped['whole'] = {
  [state]: 'looks for the oldest row of each rule, every five minutes',
  'purge-audit-log': 'deletes the links of whole months',
  'refresh-skill-demand': 'counts all postings by skill, country and month, once an hour',
  'verify-audit-log': 'proves the log of the last months, once a day',
  'verify_audit_log(date)': 'the same, asked for by an administrator',
}

testPlans(db, {
  matrix,
  fill,
  calls,
  statements: [
    ...views,
    ...ownChanges.map((sql): [string, string] => ['authenticated_users', sql]),
    ...founding.map((sql): [string, string] => ['recruiter_role', sql]),
    ...changes.map((sql): [string, string] => ['postgres', sql]),
    [db.owner, `SELECT decrypt_pii(encrypt_pii('text'))`],
    [db.owner, `SELECT audit_ip_hash('192.0.2.1')`], // else of rows that are not sealed yet
  ],
  refused: refused.map((sql) => ['postgres', sql]),
  whole,
  once: ['add_event_triggers'],
  moreThan: 50,
})
