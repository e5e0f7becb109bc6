import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import policies from './policies.json' with { type: 'json' }
import { one, testDatabase } from '../testing/database.ts'
import { addSharedRows, callersOf, each, is, sharedTables, testPolicies } from '../testing/policies.ts'
import type { Attempts } from '../testing/policies.ts'
import { addCandidate, addJob, addRecruiter, addSkill, addUser, apply } from './testing/people.ts'

/** Candidates with each visibility, two companies with their recruiters, and what is between them. */
const db = testDatabase('core')

testPolicies(db, policies, async (query) => {
  const people = {
    hidden: await addCandidate(query, 'private'), // the candidate who asks, and who applied to A
    card: await addCandidate(query, 'limited'),
    open: await addCandidate(query, 'public'),
    secret: await addCandidate(query, 'private'), // applied nowhere
  }
  const { hidden, card, open, secret } = people
  const fresh = await addUser(query, 'candidate')
  const admin = await addUser(query, 'admin')
  const ownerA = await addRecruiter(query)
  const ownerB = await addRecruiter(query)
  const [colleague, memberB, newcomer] = [
    await addUser(query, 'recruiter'),
    await addUser(query, 'recruiter'),
    await addUser(query, 'recruiter'),
  ]
  const [a, b] = [ownerA.companyId, ownerB.companyId]
  await query(`INSERT INTO company_members (company_id, user_id) VALUES ($1, $2), ($3, $4)`, [a, colleague, b, memberB])

  const jobs = {
    activeA: await addJob(query, ownerA),
    draftA: await addJob(query, ownerA, { status: `'draft'` }),
    colleaguesA: await addJob(query, { userId: colleague, companyId: a }, { status: `'draft'` }),
    activeB: await addJob(query, ownerB),
    draftB: await addJob(query, ownerB, { status: `'draft'` }),
    filledB: await addJob(query, ownerB), // hidden applied to it
    leftB: await addJob(query, { userId: ownerA.userId, companyId: b }), // by somebody who is no member
    another: await addJob(query, ownerA),
  }
  const applications = {
    submitted: await apply(query, jobs.activeA, hidden.candidateId),
    withdrawn: await apply(query, jobs.draftA, hidden.candidateId),
    decided: await apply(query, jobs.filledB, hidden.candidateId),
    others: await apply(query, jobs.activeB, card.candidateId),
  }
  await query(`UPDATE job_applications SET status = 'withdrawn' WHERE application_id = $1`, [applications.withdrawn])
  await query(`UPDATE job_applications SET status = 'rejected' WHERE application_id = $1`, [applications.decided])
  await query(`UPDATE job_postings SET status = 'filled' WHERE job_id = $1`, [jobs.filledB])
  const skill = await addSkill(query)
  const location = randomUUID()
  for (const job of [jobs.activeA, jobs.activeB]) {
    await query(`INSERT INTO job_required_skills (job_id, skill_id, requirement_type) VALUES ($1, $2, 'required')`, [
      job,
      skill,
    ])
    await query(`INSERT INTO job_locations (job_id, location_id) VALUES ($1, $2)`, [job, location])
  }
  await query(
    `INSERT INTO candidate_job_matches (candidate_id, job_id, score, model_version)
     VALUES ($1, $4, 0.5, '1'), ($2, $4, 0.5, '1'), ($2, $5, 0.5, '1'), ($3, $4, 0.5, '1')`,
    [hidden.candidateId, card.candidateId, secret.candidateId, jobs.activeA, jobs.activeB],
  )
  for (const user of [hidden.userId, ownerA.userId]) {
    await query(`INSERT INTO user_consents (user_id, purpose, version, source) VALUES ($1, 'profiling', '1', 'test')`, [
      user,
    ])
    await query(
      `INSERT INTO user_sessions (user_id, user_agent, refresh_token_hash, expires_at, is_revoked)
       SELECT $1::uuid, $1::uuid || ' ' || state, $1::uuid || state, CASE state WHEN 'expired' THEN now() ELSE 'infinity' END, state = 'revoked'
         FROM unnest('{live,revoked,expired}'::text[]) AS state`,
      [user],
    )
  }
  for (const store of ['core', 'search'])
    await query(`INSERT INTO erasure_requests (request_id, user_id, store) VALUES ($1, $1, $2)`, [hidden.userId, store])
  await query('INSERT INTO audit_epochs (rows) VALUES (1)')
  await query(`INSERT INTO audit_heads (month, rows, xid, audit_id, hash) VALUES ('2020-01-01', 1, '1', 1, '')`)
  await query(
    `INSERT INTO audit_chain (month, position, audit_id, row_hash, retention_until, hash) VALUES ('2020-01-01', 1, 1, '', '2021-01-01', '')`,
  )
  await addSharedRows(query)

  const callers = {
    ...callersOf({ self: hidden.userId, other: open.userId, recruiter: memberB, admin }),
    'recruiter with application': { role: 'recruiter_role', userId: ownerA.userId },
  } as const

  const ids = Object.fromEntries(Object.entries(people).map(([name, person]) => [name, person.candidateId]))
  const child = (insert: (id: string) => string, set: string): Attempts => ({
    rows: is('candidate_id', ids),
    insert: Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, insert(id)])),
    update: { keep: set, 'give away': `candidate_id = '${card.candidateId}'` },
    blind: [set],
  })
  const ofJobs = (insert: (id: string) => string, set: string): Attempts => ({
    rows: is('job_id', { activeA: jobs.activeA, activeB: jobs.activeB }),
    insert: { another: insert(jobs.another), activeB: insert(jobs.activeB) },
    update: { keep: set, 'give away': `job_id = '${jobs.leftB}'` },
    blind: [set],
  })
  const posting = (recruiter: string, company: string) =>
    `INSERT INTO job_postings (company_id, recruiter_id, title, employment_type, description, work_location)
     VALUES ('${company}', '${recruiter}', 'New', 'full-time', '-', '{"type":"remote"}')`
  const application = (candidate: string, job: string, status = 'submitted') =>
    `INSERT INTO job_applications (candidate_id, job_id, status) VALUES ('${candidate}', '${job}', '${status}')`
  const membership = (company: string) =>
    `INSERT INTO company_members (company_id, user_id) VALUES ('${company}', '${newcomer}')`

  const tables: Record<string, Attempts> = {
    ...sharedTables,
    users: {
      rows: is('user_id', { hidden: hidden.userId, ownerA: ownerA.userId }),
      insert: {
        any: `INSERT INTO users (email, password_hash, user_type) VALUES ('new@example.invalid', '!', 'admin')`,
      },
      blind: [`status = 'active'`],
    },
    user_sessions: {
      rows: is('user_id', { hidden: hidden.userId, ownerA: ownerA.userId }),
      insert: {
        hidden: `INSERT INTO user_sessions (user_id, refresh_token_hash, expires_at) VALUES ('${hidden.userId}', 'new', now())`,
      },
      blind: ['is_revoked = TRUE'],
    },
    candidate_profiles: {
      rows: is('candidate_id', ids),
      insert: {
        hidden: `INSERT INTO candidate_profiles (user_id) VALUES ('${hidden.userId}')`,
        fresh: `INSERT INTO candidate_profiles (user_id) VALUES ('${fresh}')`,
      },
      update: { keep: 'experience_years = 3', 'give away': `user_id = '${fresh}'` },
      blind: ['experience_years = 4'],
    },
    candidate_skills: child(
      (id) => `INSERT INTO candidate_skills (candidate_id, skill_id) VALUES ('${id}', '${skill}')`,
      'skill_level = 4',
    ),
    work_experiences: child(
      (id) =>
        `INSERT INTO work_experiences (candidate_id, company_name, position_title, start_date) VALUES ('${id}', '-', '-', '2020-01-01')`,
      'team_size = 4',
    ),
    education: child(
      (id) => `INSERT INTO education (candidate_id, institution_name) VALUES ('${id}', '-')`,
      `grade = 'A'`,
    ),
    certifications: child(
      (id) =>
        `INSERT INTO certifications (candidate_id, certification_name, issuing_organization) VALUES ('${id}', '-', '-')`,
      `credential_id = '7'`,
    ),
    candidate_languages: child(
      (id) =>
        `INSERT INTO candidate_languages (candidate_id, language_code, language_name, proficiency_level) VALUES ('${id}', 'eng', 'English', 'native')`,
      `cefr_level = 'C2'`,
    ),
    companies: {
      rows: is('company_id', { a, b }),
      insert: { any: `INSERT INTO companies (company_name) VALUES ('New')` },
      update: { keep: `industry = 'Food'`, 'give away': `company_id = '${randomUUID()}'` },
      blind: [`industry = 'Food'`],
    },
    company_members: {
      rows: is('user_id', { ownerA: ownerA.userId, colleague, ownerB: ownerB.userId, memberB }),
      insert: { a: membership(a), b: membership(b) },
      update: {
        keep: `role = 'member'`,
        'give away': `company_id = CASE company_id WHEN '${a}' THEN '${b}' ELSE '${a}' END::uuid`,
      },
      blind: [`role = 'member'`, `company_id = '${b}'`],
    },
    job_postings: {
      rows: is('job_id', jobs),
      insert: {
        'own for A': posting(ownerA.userId, a),
        'own for B': posting(ownerA.userId, b),
        'in another’s name': posting(colleague, a),
      },
      update: {
        keep: `department = 'x'`,
        'give to a colleague': `recruiter_id = '${colleague}'`,
        'give to B': `company_id = '${b}'`,
        'take over': `recruiter_id = '${ownerA.userId}'`,
        'take for A': `company_id = '${a}'`,
      },
      blind: [`department = 'x'`],
    },
    job_required_skills: ofJobs(
      (id) =>
        `INSERT INTO job_required_skills (job_id, skill_id, requirement_type) VALUES ('${id}', '${skill}', 'required')`,
      'minimum_level = 2',
    ),
    job_locations: ofJobs(
      (id) => `INSERT INTO job_locations (job_id, location_id) VALUES ('${id}', '${randomUUID()}')`,
      'is_primary = TRUE',
    ),
    job_applications: {
      rows: is('application_id', applications),
      insert: {
        own: application(hidden.candidateId, jobs.another),
        'own to a draft': application(hidden.candidateId, jobs.draftB),
        'own hired': application(hidden.candidateId, jobs.another, 'hired'),
        'another’s': application(card.candidateId, jobs.another),
      },
      update: {
        withdraw: `status = 'withdrawn'`,
        offer: `status = 'offer'`,
        'withdraw as another': `status = 'withdrawn', candidate_id = '${open.candidateId}'`,
        'offer for another job': `status = 'offer', job_id = '${jobs.leftB}'`,
      },
      blind: [
        `status = 'in_review'`,
        `status = 'withdrawn', candidate_id = '${hidden.candidateId}'`,
        `status = 'withdrawn', candidate_id = '${open.candidateId}'`,
        `status = 'offer', job_id = '${jobs.leftB}'`,
      ],
    },
    user_consents: {
      rows: is('user_id', { hidden: hidden.userId, ownerA: ownerA.userId }),
      insert: {
        hidden: `INSERT INTO user_consents (user_id, purpose, version, source) VALUES ('${hidden.userId}', 'profiling', '1', 'test')`,
      },
      blind: [`source = 'x'`],
    },
    erasure_requests: {
      rows: is('store', { core: 'core', search: 'search' }),
      insert: {
        hidden: `INSERT INTO erasure_requests (request_id, user_id, store) VALUES (gen_random_uuid(), '${hidden.userId}', 'cache')`,
      },
      update: { keep: 'matched = 1', 'make it core’s': `store = 'core'` },
      blind: ['matched = 1'],
    },
    candidate_job_matches: {
      rows: {
        'hidden A': `candidate_id = '${hidden.candidateId}' AND job_id = '${jobs.activeA}'`,
        'card A': `candidate_id = '${card.candidateId}' AND job_id = '${jobs.activeA}'`,
        'card B': `candidate_id = '${card.candidateId}' AND job_id = '${jobs.activeB}'`,
        'secret A': `candidate_id = '${secret.candidateId}' AND job_id = '${jobs.activeA}'`,
      },
      insert: {
        hidden: `INSERT INTO candidate_job_matches (candidate_id, job_id, score, model_version) VALUES ('${hidden.candidateId}', '${jobs.another}', 1, '1')`,
      },
      update: { keep: 'score = 1' },
      blind: ['score = 1'],
    },
    aggregate_events: {
      rows: is('aggregate_id', { ...applications, activeA: jobs.activeA, draftA: jobs.draftA, activeB: jobs.activeB }),
      insert: {
        submitted: `INSERT INTO aggregate_events (aggregate_type, aggregate_id, version, old_status, new_status)
                    VALUES ('application', '${applications.submitted}', 9, 'offer', 'hired')`,
      },
      blind: [`new_status = 'offer'`],
    },
    audit_log: {
      rows: { any: 'TRUE' },
      insert: {
        any: `INSERT INTO audit_log (table_name, operation, data_classification, retention_until) VALUES ('users', 'SELECT', 'public', now())`,
      },
      blind: [`reason = 'x'`],
    },
    audit_chain: {
      rows: { any: 'TRUE' },
      insert: {
        any: `INSERT INTO audit_chain (month, position, audit_id, row_hash, retention_until, hash) VALUES ('2020-01-01', 2, 2, '', now(), '')`,
      },
      blind: ['epoch_id = NULL'],
    },
    audit_epochs: {
      rows: { any: 'TRUE' },
      insert: { any: 'INSERT INTO audit_epochs (rows) VALUES (1)' },
      blind: ['rows = 2'],
    },
    audit_heads: {
      rows: { any: 'TRUE' },
      insert: {
        any: `INSERT INTO audit_heads (month, rows, xid, audit_id, hash) VALUES ('2020-02-01', 1, '1', 1, '')`,
      },
      blind: ['rows = 2'],
    },
  }
  const sessions = ['live', 'revoked', 'expired'].map((state) => [state, `${hidden.userId} ${state}`])
  const views = {
    my_user: is('user_id', { hidden: hidden.userId, ownerA: ownerA.userId }),
    my_sessions: is('user_agent', Object.fromEntries(sessions) as Record<string, string>),
    admin_users: is('user_id', { hidden: hidden.userId, ownerA: ownerA.userId }),
    admin_audit_log: { any: 'TRUE' },
    recruiter_candidates: is('candidate_id', ids),
    recruiter_certifications: is('candidate_id', ids),
  }
  const functions = {
    'anonymize_user_data()': each({ hidden: hidden.userId }, (id) => `anonymize_user_data('${id}')`),
    'app_applied_jobs()': { any: 'SELECT FROM unnest(app_applied_jobs())' },
    'app_can_see_candidate()': each(ids, (id) => `WHERE app_can_see_candidate('${id}')`),
    'app_candidate_access()': each(ids, (id) => `WHERE app_candidate_access('${id}') > 0`),
    'app_companies()': { any: 'SELECT FROM unnest(app_companies())' },
    'app_follows_status()': each(applications, (id) => `WHERE app_follows_status('application', '${id}')`),
    'app_has_applied()': each(jobs, (id) => `WHERE app_has_applied('${id}')`),
    'app_is_company_member()': each({ a, b }, (id) => `WHERE app_is_company_member('${id}')`),
    'app_is_company_owner()': each({ a, b }, (id) => `WHERE app_is_company_owner('${id}')`),
    'app_job_is_open()': each(jobs, (id) => `WHERE app_job_is_open('${id}')`),
    'app_owns_application()': each(applications, (id) => `WHERE app_owns_application('${id}')`),
    'app_owns_candidate()': each(ids, (id) => `WHERE app_owns_candidate('${id}')`),
    'app_recruits_job()': each(jobs, (id) => `WHERE app_recruits_job('${id}')`),
    'audit_read()': each({ hidden: hidden.userId }, (id) => `audit_read('users', '${id}', '${id}', 'support')`),
    'create_user()': { any: `SELECT create_user('new@example.invalid', 'candidate')` },
    'export_user_data()': each({ hidden: hidden.userId }, (id) => `export_user_data('${id}')`),
    'record_consent()': { any: `SELECT record_consent('email_tracking', TRUE, '1', 'test')` },
    'revoke_sessions()': each({ hidden: hidden.userId }, (id) => `FROM revoke_sessions('${id}')`),
    'search_candidates()': each(ids, (id) => `FROM search_candidates('manager') WHERE candidate_id = '${id}'`),
    'search_jobs()': each(jobs, (id) => `FROM search_jobs('baker') WHERE job_id = '${id}'`),
    'verify_audit_log()': { any: 'SELECT FROM verify_audit_log()' },
  }
  expect(await one(query, `SELECT count(*) FROM job_postings_default`)).toBe('0')
  return { callers, tables, views, functions, impersonal: ['verify_audit_log()'], personal: 'candidate_profiles' }
})
