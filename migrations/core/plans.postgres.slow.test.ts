import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import matrix from './matrix.json' with { type: 'json' }
import { one, testDatabase, transaction } from '../testing/database.ts'
import type { Query, Row } from '../testing/database.ts'
import { explainAll, largeTables, scans } from '../testing/plans.ts'
import type { Explained } from '../testing/plans.ts'
import { fillCore, idOf } from './testing/many.ts'

/**
 * Every function, trigger, policy and job of the database, as every role that may call it, with 200,000 rows in each table: by which
 * plans its statements ran. The queries of the services are in services/core/test/plans.postgres.slow.test.ts.
 */
const db = testDatabase('core')
let client: pg.Client
let query: Query
let taken: () => Explained[]
let large: Set<string>
/** Ids of the n-th user, recruiter, … */
let ids: Record<string, string>

/** A call as SQL over the ids, and as whom each role makes it; a session of the service's login has made it some times before. */
interface Call {
  sql: string
  as?: Record<string, string>
}

const self = { authenticated_users: 'user', recruiter_role: 'recruiter', admin_role: 'admin' }

beforeAll(async () => {
  client = await db.connect()
  query = async (sql, values = []) => (await client.query<Row>(sql, values)).rows
  await fillCore(query, 200_000)
  await query(
    `INSERT INTO users (user_id, email, password_hash, user_type) VALUES (md5('admin')::uuid, 'a@example.org', '!', 'admin')`,
  )
  const kinds = ['user', 'recruiter', 'candidate', 'company', 'job', 'application', 'skill', 'session'] as const
  const columns = kinds.map((kind) => `${idOf(kind, kind === 'recruiter' ? '2' : '1')} AS "${kind}"`)
  const [found = {}] = await query(
    `SELECT ${columns.join()}, md5('admin')::uuid AS admin, ${idOf('user', '8')} AS other`,
  )
  ids = found as Record<string, string>
  await query('SELECT seal_audit_log(1000000)')
  await query('ANALYZE')
  large = await largeTables(client)
  taken = await explainAll(client)
}, 900_000)

/** Of the functions that somebody may call; `{name}` stands for an id. */
const calls: Record<string, Call[]> = {
  'anonymize_user_data(uuid,text)': [{ sql: `anonymize_user_data(current_app_user(), 'asked')` }],
  'app_applied_jobs()': [{ sql: 'app_applied_jobs()' }],
  'app_can_see_candidate(uuid)': [{ sql: `app_can_see_candidate('{candidate}')` }],
  'app_candidate_access(uuid)': [{ sql: `app_candidate_access('{candidate}')` }],
  'app_companies()': [{ sql: 'app_companies()' }],
  'app_follows_status(text,uuid)': [
    { sql: `app_follows_status('job', '{job}')` },
    { sql: `app_follows_status('application', '{application}')` },
  ],
  'app_has_applied(uuid)': [{ sql: `app_has_applied('{job}')` }],
  'app_is_company_member(uuid)': [{ sql: `app_is_company_member('{company}')` }],
  'app_is_company_owner(uuid)': [{ sql: `app_is_company_owner('{company}')` }],
  'app_job_is_open(uuid)': [{ sql: `app_job_is_open('{job}')` }],
  'app_owns_application(uuid)': [{ sql: `app_owns_application('{application}')` }],
  'app_owns_candidate(uuid)': [{ sql: `app_owns_candidate('{candidate}')` }],
  'app_recruits_job(uuid)': [{ sql: `app_recruits_job('{job}')` }],
  'audit_read(text,uuid,uuid,text)': [{ sql: `audit_read('users', '{user}', '{user}', 'asked')` }],
  'create_user(text,text,text)': [{ sql: `create_user('new@example.org', 'candidate', '!')` }],
  'current_app_user()': [{ sql: 'current_app_user()' }],
  'derived_columns()': [{ sql: 'derived_columns()' }],
  'export_user_data(uuid)': [{ sql: 'export_user_data(current_app_user())' }],
  'find_account(text)': [{ sql: `find_account('C1@example.org')` }],
  'is_string_array(jsonb)': [{ sql: `is_string_array('[]')` }],
  'lock_aggregate(text,uuid)': [{ sql: `lock_aggregate('job', '{job}')` }],
  'read_outbox(text,integer)': [{ sql: `read_outbox('relay', 1000)` }],
  'read_session(uuid)': [{ sql: `read_session('{session}')` }],
  'record_consent(text,boolean,text,text)': [
    { sql: `record_consent('email_tracking', TRUE, '1', 'test')` },
    { sql: `record_consent('profiling', FALSE, '1', 'test')` },
  ],
  'record_login(uuid,boolean)': [{ sql: `record_login('{user}', TRUE)` }, { sql: `record_login('{user}', FALSE)` }],
  'revoke_sessions(uuid,uuid)': [
    { sql: 'revoke_sessions(current_app_user())' },
    { sql: `revoke_sessions(current_app_user(), '{session}')` },
  ],
  'rotate_session(text,text,timestamp with time zone,text)': [
    { sql: `rotate_session('token 1', 'next', now() + interval '1 day', 'agent')` },
    { sql: `rotate_session('unknown', 'next', now() + interval '1 day', 'agent')` },
  ],
  'search_candidates(text,text,integer)': [
    { sql: `search_candidates('w4321')` },
    { sql: `search_candidates('java', 'fra')` },
    { sql: `search_candidates('last7')` },
  ],
  'search_jobs(text,text,integer)': [{ sql: `search_jobs('w4321')` }, { sql: `search_jobs('java', 'eng', 100)` }],
  'start_session(uuid,text,timestamp with time zone,text)': [
    { sql: `start_session('{user}', 'fresh', now() + interval '1 day', 'agent')` },
  ],
  'verify_audit_log(date)': [{ sql: `verify_audit_log(date_trunc('month', now())::date)` }],
  'yearly_salary(numeric,text,numeric)': [{ sql: `yearly_salary(20, 'hourly', 35)` }],
}

/** What fires the triggers that no call above fires, as superuser: the policies are those of the services' requests. */
const changes = [
  `UPDATE users SET status = 'inactive' WHERE user_id = '{user}'`,
  `DELETE FROM users WHERE user_id = '{user}'`,
  `DELETE FROM users WHERE user_id = '{recruiter}'`,
  `UPDATE companies SET description = 'new' WHERE company_id = '{company}'`,
  `DELETE FROM company_members WHERE company_id = '{company}'`,
  `UPDATE candidate_profiles SET profile_visibility = 'public', phone = 'v1.x' WHERE candidate_id = '{candidate}'`,
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
  `UPDATE maintenance_jobs SET schedule = '1 1 1 1 *'`,
  `SELECT run_maintenance_job('create-partitions')`,
  `SELECT decrypt_pii(encrypt_pii('text'))`,
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
/** Run by migrations only. */
const once = ['add_event_triggers']

/** Statements of the views that show a caller's own rows, or one row by its key. */
const views: [role: keyof typeof self, sql: string][] = [
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
const whole: Record<string, string> = {
  'purge-audit-log': 'deletes the links of whole months',
  'purge-event-records': 'once a day; an index by age would cost each event more than this saves',
  'purge-proofs': 'once a day',
  'refresh-skill-demand': 'counts all postings by skill, country and month, once an hour',
  'verify-audit-log': 'proves the log of the last months, once a day',
  'verify_audit_log(date)': 'the same, asked for by an administrator',
}

const filled = (sql: string) => sql.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name)

/** The large tables that a statement reads as a whole, or why it failed; undone afterwards. */
async function readsWhole(role: string, userId: string | null, sql: string): Promise<string[]> {
  taken()
  const undo = new Error('undo')
  const end: unknown = await transaction(query, role, userId, async (inside) => {
    await inside(filled(sql))
    throw undo
  }).catch((error: unknown) => error)
  return [...scans(taken(), large), ...(end === undo ? [] : [`failed: ${String(end)}`])]
}

const failures = (found: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(found).filter(([, read]) => read.length > 0))

/** The functions whose statements cannot be elsewhere than in a plan of their own. */
const functions = `
  SELECT p.oid, p.proname::text AS name FROM pg_proc p
   WHERE p.pronamespace = 'public'::regnamespace AND p.prosqlbody IS NULL
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')`

test('no function reads a large table from one end to the other', { timeout: 600_000 }, async () => {
  const callable = Object.entries(matrix.functions).filter(([, roles]) => roles !== 'matching_definer')
  expect(Object.keys(calls).sort()).toEqual(callable.map(([name]) => name).sort())
  const found: Record<string, string[]> = {}
  for (const [name, roles] of callable.filter(([name]) => !(name in whole)))
    for (const role of roles.split(' ').filter((role) => role !== 'matching_definer'))
      for (const { sql } of calls[name] ?? []) {
        const userId = ids[self[role as keyof typeof self]] ?? null
        found[`${role} ${sql}`] = await readsWhole(role, userId, `SELECT * FROM ${sql}`)
      }
  for (const [role, sql] of views) found[`${role} ${sql}`] = await readsWhole(role, ids[self[role]] ?? null, sql)
  for (const sql of ownChanges) found[sql] = await readsWhole('authenticated_users', ids['user'] ?? null, sql)
  const asOwner = (sql: string) => (sql.includes('maintenance') || sql.includes('_pii') ? db.owner : 'postgres')
  for (const sql of changes) found[sql] = await readsWhole(asOwner(sql), null, sql)
  for (const sql of refused) {
    const [failure, ...read] = (await readsWhole('postgres', null, sql)).reverse()
    found[sql] = failure?.startsWith('failed') ? read : ['was not refused']
  }
  expect(failures(found)).toEqual({})
})

test(
  'no job reads a large table from one end to the other, but those about all of it',
  { timeout: 600_000 },
  async () => {
    const jobs = await query('SELECT name, command FROM maintenance_jobs ORDER BY name')
    const found: Record<string, string[]> = {}
    for (const { name, command } of jobs) found[name as string] = await readsWhole(db.owner, null, command as string)
    expect(Object.keys(failures(found)).filter((name) => !(name in whole))).toEqual([])
    // What reads everything no longer is taken off the list.
    const jobsOfList = Object.keys(whole).filter((name) => !(name in calls))
    expect(jobsOfList.filter((name) => (found[name] ?? []).length === 0)).toEqual([])
  },
)

test('every function was among them', async () => {
  await query('SELECT pg_stat_force_next_flush()')
  const never = await query(
    `SELECT name FROM (${functions}) f WHERE NOT EXISTS (SELECT FROM pg_stat_user_functions s WHERE s.funcid = f.oid) ORDER BY 1`,
  )
  expect(never.map(({ name }) => name)).toEqual(once)
  expect(Number(await one(query, `SELECT count(*) FROM (${functions}) f`))).toBeGreaterThan(50)
})
