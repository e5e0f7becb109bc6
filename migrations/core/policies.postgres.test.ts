import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import policies from './policies.json' with { type: 'json' }
import { one, testDatabase } from '../testing/database.ts'
import type { Query } from '../testing/database.ts'
import { addCandidate, addJob, addRecruiter, addSkill, addUser, apply } from './testing/people.ts'

/**
 * Which rows each kind of caller reaches, grants aside: policies.json has it by table, caller and attempt, as the names of the rows
 * that the attempt reached; what is not there reaches nothing. matrix.json has the grants: together they say who may do what.
 *
 * Then every predicate of every policy is taken out, one at a time, and the matrix has to notice.
 */
const db = testDatabase('core')

/** Everybody's privileges on all tables, so that policies alone decide; all of it in one transaction that is rolled back. */
const prepare = `
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO authenticated_users, recruiter_role, admin_role, outbox_worker;
  GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO authenticated_users, recruiter_role, admin_role, outbox_worker;
  -- Tries a statement and undoes it: the number of its rows, 'accepted' when a constraint stops it, which comes after the policies,
  -- or 'refused'.
  CREATE FUNCTION attempt(p_sql text) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    v_rows text;
  BEGIN
    EXECUTE p_sql;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = 'raise_exception', MESSAGE = v_rows;
  EXCEPTION
    WHEN raise_exception THEN RETURN SQLERRM;
    WHEN insufficient_privilege THEN RETURN 'refused';
    WHEN integrity_constraint_violation THEN RETURN 'accepted';
  END
  $$;
  GRANT EXECUTE ON FUNCTION attempt(text) TO PUBLIC`

interface Caller {
  role: 'authenticated_users' | 'recruiter_role' | 'admin_role' | 'outbox_worker'
  /** null: no identity was ever set; '': what is left of one in a pooled session. */
  userId: string | null
}
type Rows = Record<string, string>
interface Attempts {
  /** Condition of each named row. */
  rows: Rows
  /** A statement for each named row that would be new. */
  insert: Rows
  /** SET clauses that leave a row where it is or give it away; tried on each row. */
  update?: Rows
  /** SET clauses with constants only, on all rows: without a condition the policies for SELECT do not join in. */
  blind: string[]
}

let callers: Record<string, Caller>
let tables: Record<string, Attempts>

beforeAll(async () => {
  const { query } = db
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
    await query(`INSERT INTO user_sessions (user_id, refresh_token_hash, expires_at) VALUES ($1, $2, now())`, [
      user,
      randomUUID(),
    ])
  }
  for (const store of ['core', 'search'])
    await query(`INSERT INTO erasure_requests (request_id, user_id, store) VALUES ($1, $1, $2)`, [hidden.userId, store])
  await query('INSERT INTO audit_epochs (rows) VALUES (1)')
  await query(`INSERT INTO audit_heads (month, rows, xid, audit_id, hash) VALUES ('2020-01-01', 1, '1', 1, '')`)
  await query(
    `INSERT INTO audit_chain (month, position, audit_id, row_hash, retention_until, hash) VALUES ('2020-01-01', 1, 1, '', '2021-01-01', '')`,
  )
  await query(`INSERT INTO outbox_dead_letters (event_id, aggregate_type, aggregate_id, event_type, event_data, event_version, sequence, last_error, attempts)
               SELECT event_id, aggregate_type, aggregate_id, event_type, event_data, event_version, sequence, '-', 1 FROM outbox_events LIMIT 1`)

  callers = {
    self: { role: 'authenticated_users', userId: hidden.userId },
    other: { role: 'authenticated_users', userId: open.userId },
    recruiter: { role: 'recruiter_role', userId: memberB },
    'recruiter with application': { role: 'recruiter_role', userId: ownerA.userId },
    admin: { role: 'admin_role', userId: admin },
    'no context': { role: 'authenticated_users', userId: null },
    'recruiter, no context': { role: 'recruiter_role', userId: null },
    'empty context': { role: 'authenticated_users', userId: '' },
    'forged context': { role: 'recruiter_role', userId: hidden.userId },
    worker: { role: 'outbox_worker', userId: null },
  }

  const is = (column: string, values: Record<string, string>): Rows =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `${column} = '${value}'`]))
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

  tables = {
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
    outbox_events: {
      rows: { any: 'TRUE' },
      insert: {
        any: `INSERT INTO outbox_events (aggregate_type, aggregate_id, event_type, event_data)
              VALUES ('user', gen_random_uuid(), 'user.updated', '{}')`,
      },
      blind: ['published = TRUE'],
    },
    outbox_dead_letters: {
      rows: { any: 'TRUE' },
      insert: {
        any: `INSERT INTO outbox_dead_letters (event_id, aggregate_type, aggregate_id, event_type, event_data, event_version, sequence, last_error, attempts)
              VALUES (gen_random_uuid(), 'user', gen_random_uuid(), 'user.updated', '{}', 1, 1, '-', 1)`,
      },
      update: { keep: 'attempts = 2' },
      blind: ['attempts = 2'],
    },
  }
  expect(await one(query, `SELECT count(*) FROM job_postings_default`)).toBe('0')
})

type Reached = Record<string, string>
type Try = [attempt: string, row: string, sql: string]

const triesOf = (table: string, { rows, insert, update = {}, blind }: Attempts): Try[] => {
  const onEach = (attempt: string, statement: string): Try[] =>
    Object.entries(rows).map(([row, where]) => [attempt, row, `${statement} WHERE ${where}`])
  return [
    ...onEach('SELECT', `SELECT FROM ${table}`),
    ...Object.entries(insert).map(([row, sql]): Try => ['INSERT', row, sql]),
    ...Object.entries(update).flatMap(([name, set]) => onEach(`UPDATE ${name}`, `UPDATE ${table} SET ${set}`)),
    ...onEach('DELETE', `DELETE FROM ${table}`),
    ...blind.map((set): Try => ['UPDATE all', '', `UPDATE ${table} SET ${set}`]),
    ['DELETE all', '', `DELETE FROM ${table}`],
  ]
}

/** What a caller reaches of a table, by attempt: names of rows, or the number of rows where none is named. */
async function reach(query: Query, table: string, caller: Caller): Promise<Reached> {
  const tries = triesOf(table, tables[table] ?? { rows: {}, insert: {}, blind: [] })
  await query(`SET LOCAL ROLE ${caller.role}`)
  await query(`SELECT set_config('app.current_user_id', $1, true)`, [caller.userId ?? ''])
  const results = await query(
    `SELECT attempt(sql) AS result FROM unnest($1::text[]) WITH ORDINALITY AS t(sql, n) ORDER BY n`,
    [tries.map(([, , sql]) => sql)],
  )
  await query('RESET ROLE')
  const reached: Record<string, string[]> = {}
  tries.forEach(([attempt, row], i) => {
    const result = results[i]?.['result'] as string
    if (result === '0' || result === 'refused') return
    ;(reached[attempt] ??= []).push(row || result)
  })
  return Object.fromEntries(Object.entries(reached).map(([attempt, names]) => [attempt, names.join(', ')]))
}

/** Of a table, for the callers with one of these roles. */
async function matrixOf(query: Query, table: string, roles?: string[]): Promise<Record<string, Reached>> {
  const matrix: Record<string, Reached> = {}
  for (const [name, caller] of Object.entries(callers)) {
    if (roles && !roles.includes(caller.role)) continue
    const reached = await reach(query, table, caller)
    if (Object.keys(reached).length > 0) matrix[name] = reached
  }
  return matrix
}

async function aside<T>(work: (query: Query) => Promise<T>): Promise<T> {
  const client = await db.connect()
  const query: Query = async (sql, values = []) => (await client.query<Record<string, unknown>>(sql, values)).rows
  await client.query('BEGIN')
  try {
    await client.query(prepare)
    return await work(query)
  } finally {
    await client.query('ROLLBACK')
  }
}

const declared: Record<string, Record<string, Reached>> = policies

describe('row level security', () => {
  test('is tried on every table that has it', async () => {
    const guarded = await db.query(
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity AND NOT relispartition ORDER BY 1`,
    )
    expect(Object.keys(tables).sort()).toEqual(guarded.map((row) => row['relname']))
  })

  test('lets each caller reach the declared rows, no other', async () => {
    const found = await aside(async (query) => {
      const all: Record<string, Record<string, Reached>> = {}
      for (const table of Object.keys(tables).sort()) all[table] = await matrixOf(query, table)
      return all
    })
    expect(found).toEqual(declared)
  })

  test('lets nobody reach anything with an identity that is none', async () => {
    const forged = db.as('authenticated_users', `' OR TRUE --`, (query) =>
      query('SELECT candidate_id FROM candidate_profiles'),
    )
    await expect(forged).rejects.toMatchObject({ code: '22P02' })
    const client = await db.connect('supersmartmatch_core_app_a')
    await client.query(`SELECT set_config('app.current_user_id', '${callers['self']?.userId}', false)`)
    await expect(client.query('SELECT candidate_id FROM candidate_profiles')).rejects.toMatchObject({ code: '42501' })
  })
})

interface Policy {
  name: string
  roles: string[]
  using: string | null
  check: string | null
}

/** The parts that AND or OR joins at the top of an expression as pg_get_expr writes it. */
function parts(expression: string): { operator: string; operands: string[] } {
  const text = expression.trim()
  const tokens = text.matchAll(/'(?:[^']|'')*'|[()]| (AND|OR) /g)
  let depth = 0
  let whole = text.startsWith('(')
  let operator = 'AND'
  let from = 0
  const operands: string[] = []
  for (const token of tokens) {
    if (token[0] === '(') depth++
    else if (token[0] === ')') depth--
    else if (token[1] && depth === 0) {
      operator = token[1]
      operands.push(text.slice(from, token.index))
      from = token.index + token[0].length
    }
    if (depth === 0 && token.index + token[0].length < text.length) whole = false
  }
  if (whole) return parts(text.slice(1, -1))
  return { operator, operands: [...operands, text.slice(from)] }
}

/** The expression without each of its predicates in turn. */
function without(expression: string): string[] {
  if (expression === 'true') return ['false']
  const { operator, operands } = parts(expression)
  if (operands.length === 1) return ['true']
  return operands.map((_, i) => operands.filter((__, j) => j !== i).join(` ${operator} `))
}

describe('a policy without one of its predicates is noticed', () => {
  test.for(Object.keys(policies))('%s', async (table) => {
    const found = (await db.query(
      `SELECT polname AS name, ARRAY(SELECT rolname::text FROM pg_roles WHERE oid = ANY (polroles)) AS roles,
              pg_get_expr(polqual, polrelid) AS using, pg_get_expr(polwithcheck, polrelid) AS check
         FROM pg_policy WHERE polrelid = $1::regclass AND polname <> 'definer_access' ORDER BY polname`,
      [table],
    )) as unknown as Policy[]
    const unnoticed = await aside(async (query) => {
      const missed: string[] = []
      for (const { name, roles, using, check } of found) {
        const before = JSON.stringify(await matrixOf(query, table, roles))
        const changes = [
          ...(using === null ? [] : without(using).map((rest) => `USING (${rest})`)),
          ...(check === null ? [] : without(check).map((rest) => `WITH CHECK (${rest})`)),
        ]
        for (const change of changes) {
          await query('SAVEPOINT policy')
          await query(`ALTER POLICY ${name} ON ${table} ${change}`)
          const after = JSON.stringify(await matrixOf(query, table, roles))
          await query('ROLLBACK TO policy')
          if (before === after) missed.push(`${name} ${change}`)
        }
      }
      return missed
    })
    expect(unnoticed).toEqual([])
  })
})
