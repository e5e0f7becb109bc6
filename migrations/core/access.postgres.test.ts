import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Role } from '../testing/database.ts'
import { addCandidate, addJob, addRecruiter, addSkill, addUser, apply } from './testing/people.ts'
import type { Candidate, Recruiter } from './testing/people.ts'

const db = testDatabase('core')
const children = ['candidate_skills', 'work_experiences', 'education', 'certifications', 'candidate_languages']
const refused = { code: '42501' }

let self: Candidate, visible: Candidate, card: Candidate, hidden: Candidate
let recruiter: Recruiter, rival: Recruiter
let job: string

beforeAll(async () => {
  self = await addCandidate(db.query, 'private')
  visible = await addCandidate(db.query, 'public')
  card = await addCandidate(db.query, 'limited')
  hidden = await addCandidate(db.query, 'private')
  recruiter = await addRecruiter(db.query)
  rival = await addRecruiter(db.query)
  job = await addJob(db.query, recruiter)
  await apply(db.query, job, self.candidateId)
})

const idsIn = (table: string, role: Role, userId: string | null) =>
  db.as(role, userId, async (query) =>
    (await query(`SELECT DISTINCT candidate_id FROM ${table}`)).map((row) => row['candidate_id']).sort(),
  )

const sorted = (...people: Candidate[]) => people.map((person) => person.candidateId).sort()

describe('a partition', () => {
  const parents = ['job_postings', 'audit_log', 'outbox_events']
  const roles = [
    'authenticated_users',
    'recruiter_role',
    'admin_role',
    'outbox_worker',
    'analytics',
    'authentication_role',
  ]

  test.each(parents)('of %s is nobody’s to read, and shows no row to whom somebody lets read it', async (parent) => {
    const partitions = (
      await db.query(`SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = '${parent}'::regclass`)
    ).map(({ name }) => String(name))
    expect(partitions.length).toBeGreaterThan(3)
    const client = await db.connect()
    await client.query('BEGIN')
    let rows = 0
    for (const partition of partitions) {
      rows += Number((await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${partition}`)).rows[0]?.n)
      for (const role of roles) {
        const may = `SELECT has_any_column_privilege('${role}', '${partition}', 'SELECT, INSERT, UPDATE') AS may`
        expect((await client.query(may)).rows, `${role}, ${partition}`).toEqual([{ may: false }])
        await client.query(`GRANT SELECT ON ${partition} TO ${role}; SET LOCAL ROLE ${role}`)
        await client.query(`SELECT set_config('app.current_user_id', $1, true)`, [recruiter.userId])
        const seen = await client.query(`SELECT FROM ${partition}`)
        expect(seen.rowCount, `${role}, ${partition}`).toBe(0)
        await client.query('RESET ROLE')
      }
    }
    await client.query('ROLLBACK')
    expect(rows).toBeGreaterThan(0)
  })
})

describe('a candidate', () => {
  test.each(['candidate_profiles', ...children])('sees only the own rows of %s', async (table) => {
    expect(await idsIn(table, 'authenticated_users', self.userId)).toEqual([self.candidateId])
    expect(await idsIn(table, 'authenticated_users', randomUUID())).toEqual([])
  })

  test.each(['candidate_profiles', ...children])('without identity sees no row of %s', async (table) => {
    expect(await idsIn(table, 'authenticated_users', null)).toEqual([])
    // What the setting is in a pooled session after a transaction that had an identity.
    expect(await idsIn(table, 'authenticated_users', '')).toEqual([])
  })

  test('changes the own profile, nobody else’s', async () => {
    const retitle = (userId: string) =>
      db.as('authenticated_users', userId, (query) =>
        query(`UPDATE candidate_profiles SET current_title = 'Cook' WHERE candidate_id = $1 RETURNING candidate_id`, [
          self.candidateId,
        ]),
      )
    expect(await retitle(self.userId)).toHaveLength(1)
    expect(await retitle(visible.userId)).toHaveLength(0)
  })

  test.each([
    ['give the profile away', `UPDATE candidate_profiles SET user_id = $2 WHERE candidate_id = $1`],
    ['delete the profile', `DELETE FROM candidate_profiles WHERE candidate_id = $1 OR user_id = $2`],
    [
      'write completeness',
      `UPDATE candidate_profiles SET profile_completeness = 100 WHERE candidate_id = $1 OR user_id = $2`,
    ],
    ['read the search vector', `SELECT search_vector FROM candidate_profiles WHERE candidate_id = $1 OR user_id = $2`],
    ['read accounts', `SELECT user_id FROM users WHERE user_id IN ($1, $2)`],
    ['read sessions', `SELECT user_id FROM user_sessions WHERE user_id IN ($1, $2)`],
    ['read events', `SELECT event_id FROM outbox_events WHERE aggregate_id IN ($1, $2)`],
    ['read all accounts', `SELECT email FROM admin_users WHERE user_id IN ($1, $2)`],
    ['read recruiters’ view', `SELECT email FROM recruiter_candidates WHERE candidate_id IN ($1, $2)`],
    ['verify a skill', `UPDATE candidate_skills SET verification_status = 'verified' WHERE candidate_id IN ($1, $2)`],
    ['read a recruiter’s notes', `SELECT notes FROM job_applications WHERE candidate_id IN ($1, $2)`],
    ['read a partition', `SELECT job_id FROM job_postings_default WHERE job_id IN ($1, $2)`],
    ['insert for somebody else', `INSERT INTO candidate_profiles (user_id) SELECT $2 WHERE $1::uuid IS NOT NULL`],
  ])('may not %s', async (_, sql) => {
    const attempt = db.as('authenticated_users', self.userId, (query) => query(sql, [self.candidateId, visible.userId]))
    await expect(attempt).rejects.toMatchObject(refused)
  })

  test('creates the own profile and reads the own account', async () => {
    const userId = await addUser(db.query, 'candidate')
    const [account, candidateId] = await db.as('authenticated_users', userId, async (query) => [
      await query(`SELECT user_id, user_type FROM my_user`),
      await one(query, `INSERT INTO candidate_profiles (user_id, last_name) VALUES ($1, 'Ng') RETURNING candidate_id`, [
        userId,
      ]),
    ])
    expect(account).toEqual([{ user_id: userId, user_type: 'candidate' }])
    expect(await idsIn('candidate_profiles', 'authenticated_users', userId)).toEqual([candidateId])
  })

  test('applies for itself to an open job, and only withdraws afterwards', async () => {
    const asVisible = (sql: string, values: unknown[]) =>
      db.as('authenticated_users', visible.userId, (query) => query(sql, values))
    const insert = `INSERT INTO job_applications (job_id, candidate_id) VALUES ($1, $2) RETURNING application_id`
    const draft = await addJob(db.query, rival, { status: `'draft'` })
    const open = await addJob(db.query, rival)
    await expect(asVisible(insert, [draft, visible.candidateId])).rejects.toMatchObject(refused)
    await expect(asVisible(insert, [open, card.candidateId])).rejects.toMatchObject(refused)
    expect(await asVisible(insert, [open, visible.candidateId])).toHaveLength(1)
    const set = `UPDATE job_applications SET status = $1 WHERE job_id = $2 RETURNING status, decided_at IS NOT NULL AS decided`
    await expect(asVisible(set, ['hired', open])).rejects.toMatchObject(refused)
    expect(await asVisible(set, ['withdrawn', open])).toEqual([{ status: 'withdrawn', decided: true }])
  })

  test.each(['rejected', 'hired', 'withdrawn'])('cannot withdraw once %s', async (decision) => {
    const person = await addCandidate(db.query, 'private')
    const application = await apply(db.query, await addJob(db.query, rival), person.candidateId)
    await db.query(`UPDATE job_applications SET status = $1 WHERE application_id = $2`, [decision, application])
    const withdraw = db.as('authenticated_users', person.userId, (query) =>
      query(`UPDATE job_applications SET status = 'withdrawn' WHERE application_id = $1 RETURNING status`, [
        application,
      ]),
    )
    expect(await withdraw).toEqual([])
  })

  test.each([
    [`candidate_skills SET is_primary = TRUE`, 'verified'],
    [`candidate_skills SET skill_level = skill_level`, 'verified'],
    [`candidate_skills SET skill_level = 5`, 'self_declared'],
    [`candidate_skills SET years_experience = 9`, 'self_declared'],
    [`candidate_skills SET last_used_date = '2026-01-01'`, 'self_declared'],
    [`certifications SET certification_name = certification_name`, 'verified'],
    [`certifications SET certification_name = 'Doctor'`, 'unverified'],
    [`certifications SET issuing_organization = 'Harvard'`, 'unverified'],
    [`certifications SET issue_date = '2020-01-01'`, 'unverified'],
    [`certifications SET expiration_date = '2090-01-01'`, 'unverified'],
    [`certifications SET credential_id = '1'`, 'unverified'],
    [`certifications SET credential_url = 'https://example.invalid/1'`, 'unverified'],
  ])('by %s leaves it %s', async (change, status) => {
    const person = await addCandidate(db.query, 'private')
    const own = [person.candidateId]
    await db.query(
      `UPDATE candidate_skills SET verification_status = 'verified', proficiency_score = 0.9, verification_details = '{}'
        WHERE candidate_id = $1`,
      own,
    )
    await db.query(`UPDATE certifications SET verification_status = 'verified' WHERE candidate_id = $1`, own)
    const [row] = await db.as('authenticated_users', person.userId, (query) =>
      query(`UPDATE ${change} WHERE candidate_id = $1 RETURNING *`, own),
    )
    expect(row).toMatchObject({ verification_status: status })
    if (status === 'self_declared') expect(row).toMatchObject({ proficiency_score: null, verification_details: null })
  })

  test('does not wash a revoked certificate; an administrator’s correction keeps what is verified', async () => {
    const { userId, candidateId } = await addCandidate(db.query, 'private')
    const rename = `UPDATE certifications SET certification_name = $2 WHERE candidate_id = $1 RETURNING verification_status AS is`
    const set = (status: string) =>
      db.query(`UPDATE certifications SET verification_status = $2 WHERE candidate_id = $1`, [candidateId, status])
    await set('revoked')
    expect(await db.as('authenticated_users', userId, (query) => query(rename, [candidateId, 'Master']))).toEqual([
      { is: 'revoked' },
    ])
    await set('verified')
    expect(await db.as('admin_role', randomUUID(), (query) => query(rename, [candidateId, 'Doctor']))).toEqual([
      { is: 'verified' },
    ])
  })

  test('sees active jobs, and closed ones it applied to', async () => {
    const [applied, other] = [await addJob(db.query, rival), await addJob(db.query, rival)]
    await apply(db.query, applied, card.candidateId)
    await db.query(`UPDATE job_postings SET status = 'filled' WHERE job_id IN ($1, $2)`, [applied, other])
    const rows = await db.as('authenticated_users', card.userId, (query) =>
      query(`SELECT job_id FROM job_postings WHERE job_id IN ($1, $2, $3) ORDER BY title`, [applied, other, job]),
    )
    expect(rows.map((row) => row['job_id']).sort()).toEqual([applied, job].sort())
  })
})

describe('a recruiter', () => {
  const cards = (userId: string | null) =>
    db.as('recruiter_role', userId, (query) =>
      query(
        `SELECT candidate_id, access, first_name, email, phone, work_authorization, expected_salary_min, current_title
               FROM recruiter_candidates WHERE candidate_id = ANY ($1)`,
        [[self, visible, card, hidden].map((person) => person.candidateId)],
      ),
    )
  const nothing = { first_name: null, email: null, phone: null, work_authorization: null, expected_salary_min: null }

  test('sees levels 0 to 3 of rule 6', async () => {
    const rows = new Map((await cards(recruiter.userId)).map((row) => [row['candidate_id'], row]))
    expect(rows.has(hidden.candidateId)).toBe(false)
    expect(rows.get(card.candidateId)).toMatchObject({ access: 1, current_title: 'IT Manager', ...nothing })
    expect(rows.get(visible.candidateId)).toMatchObject({ access: 2, ...nothing, first_name: 'Zoé' })
    expect(rows.get(self.candidateId)).toMatchObject({
      access: 3,
      first_name: 'Zoé',
      email: expect.stringContaining('@') as string,
      phone: 'v1.k.n.phone.t',
      work_authorization: 'v1.k.n.permit.t',
    })
  })

  test('sees level 3 only for the own jobs, nothing without identity, level 3 not after withdrawal', async () => {
    const seenBy = async (userId: string | null) => (await cards(userId)).map((row) => row['candidate_id']).sort()
    expect(await seenBy(rival.userId)).toEqual(sorted(visible, card))
    expect(await seenBy(null)).toEqual([])
    await db.query(`UPDATE job_applications SET status = 'withdrawn' WHERE job_id = $1`, [job])
    expect(await seenBy(recruiter.userId)).toEqual(sorted(visible, card))
    const letters = db.as('recruiter_role', recruiter.userId, (query) =>
      query(`SELECT cover_letter FROM job_applications WHERE job_id = $1`, [job]),
    )
    expect(await letters).toEqual([])
    await db.query(`UPDATE job_applications SET status = 'submitted' WHERE job_id = $1`, [job])
  })

  test('who left the company keeps nothing of its applicants', async () => {
    const former = await addRecruiter(db.query)
    const posting = await addJob(db.query, former)
    const application = await apply(db.query, posting, hidden.candidateId)
    const rows = (sql: string, id: string) => db.as('recruiter_role', former.userId, (query) => query(sql, [id]))
    const contact = () => rows(`SELECT email FROM recruiter_candidates WHERE candidate_id = $1`, hidden.candidateId)
    const read = () => rows(`SELECT status FROM job_applications WHERE application_id = $1`, application)
    const decide = () =>
      rows(`UPDATE job_applications SET status = 'rejected' WHERE application_id = $1 RETURNING status`, application)
    const skill = await addSkill(db.query)
    const require = () =>
      rows(
        `INSERT INTO job_required_skills (job_id, skill_id, requirement_type) VALUES ($1, '${skill}', 'required')
         RETURNING job_id`,
        posting,
      )
    expect(await contact()).toHaveLength(1)
    expect(await read()).toHaveLength(1)
    await db.query(`DELETE FROM company_members WHERE user_id = $1`, [former.userId])
    expect(await contact()).toEqual([])
    expect(await read()).toEqual([])
    expect(await decide()).toEqual([])
    await expect(require()).rejects.toMatchObject(refused)
    await db.query(`DELETE FROM job_applications WHERE application_id = $1`, [application])
  })

  test('sees the expected salary where it is shared', async () => {
    await db.query(`UPDATE candidate_profiles SET share_expected_salary = TRUE WHERE candidate_id = $1`, [
      visible.candidateId,
    ])
    const row = (await cards(rival.userId)).find((each) => each['candidate_id'] === visible.candidateId)
    expect(row).toMatchObject({ expected_salary_min: '50000.00' })
  })

  test('sees skills from level 1, the rest of the profile from level 2', async () => {
    expect(await idsIn('candidate_profiles', 'recruiter_role', recruiter.userId)).toEqual(
      expect.arrayContaining(sorted(self, visible, card)),
    )
    expect(await idsIn('candidate_skills', 'recruiter_role', recruiter.userId)).toEqual(sorted(self, visible, card))
    for (const table of children.slice(1))
      expect(await idsIn(table, 'recruiter_role', recruiter.userId), table).toEqual(sorted(self, visible))
  })

  test('sees credential ids of applicants only', async () => {
    const rows = await db.as('recruiter_role', recruiter.userId, (query) =>
      query(`SELECT candidate_id, credential_id FROM recruiter_certifications ORDER BY access DESC`),
    )
    expect(rows).toEqual([
      { candidate_id: self.candidateId, credential_id: 'canary-42' },
      { candidate_id: visible.candidateId, credential_id: null },
    ])
  })

  test.each([
    [
      'candidate_profiles',
      ['first_name', 'phone', 'date_of_birth', 'nationality', 'expected_salary_min', 'user_id', 'search_vector'],
    ],
    ['work_experiences', ['salary_range']],
    ['certifications', ['credential_id', 'credential_url']],
    ['candidate_skills', ['proficiency_score', 'verification_details', 'last_used_date']],
  ])('has no grant on %s (%s)', async (table, columns) => {
    for (const column of columns)
      await expect(
        db.as('recruiter_role', recruiter.userId, (query) => query(`SELECT ${column} FROM ${table}`)),
        column,
      ).rejects.toMatchObject(refused)
  })

  test('finds cards by title, never by name', async () => {
    const stranger = await addRecruiter(db.query)
    const find = async (text: string) =>
      (
        await db.as('recruiter_role', stranger.userId, (query) =>
          query(`SELECT candidate_id, first_name FROM search_candidates($1)`, [text]),
        )
      ).map((row) => [row['candidate_id'], row['first_name']])
    expect(await find('it manager')).toEqual(
      expect.arrayContaining([
        [visible.candidateId, 'Zoé'],
        [card.candidateId, null],
      ]),
    )
    expect(await find('canarydottir')).toEqual([[visible.candidateId, 'Zoé']])
    // A minus is no negation here: cards that vanish would tell whose they are.
    expect(await find('manager -canarydottir')).toEqual([[visible.candidateId, 'Zoé']])
  })

  test('founds a company and posts for it, not for others', async () => {
    const userId = await addUser(db.query, 'recruiter')
    const post = (companyId: string, recruiterId = userId) =>
      db.as('recruiter_role', userId, (query) => addJob(query, { userId: recruiterId, companyId }))
    const companyId = await db.as('recruiter_role', userId, (query) =>
      one(query, `INSERT INTO companies (company_name) VALUES ('New') RETURNING company_id`),
    )
    const jobId = await post(companyId)
    await expect(post(recruiter.companyId)).rejects.toMatchObject(refused)
    await expect(post(companyId, recruiter.userId)).rejects.toMatchObject(refused)

    const skill = await addSkill(db.query)
    const require = (job_id: string) =>
      db.as('recruiter_role', userId, (query) =>
        query(`INSERT INTO job_required_skills (job_id, skill_id, requirement_type) VALUES ($1, $2, 'required')`, [
          job_id,
          skill,
        ]),
      )
    await require(jobId)
    await expect(require(job)).rejects.toMatchObject(refused)
  })

  test('cannot become a member of a company by itself', async () => {
    const join = db.as('recruiter_role', rival.userId, (query) =>
      query(`INSERT INTO company_members (company_id, user_id) VALUES ($1, $2)`, [recruiter.companyId, rival.userId]),
    )
    await expect(join).rejects.toMatchObject(refused)
  })

  test.each(['authenticated_users', 'recruiter_role'])(
    '%s: closed postings cost one look-up, not one each',
    async (role) => {
      for (let i = 0; i < 10; i++) await addJob(db.query, recruiter, { status: `'draft'` })
      const client = await db.connect()
      await client.query(`SET track_functions = 'all'; BEGIN; SET LOCAL ROLE ${role};
                        SELECT set_config('app.current_user_id', '${recruiter.userId}', true)`)
      const { rowCount } = await client.query('SELECT job_id FROM job_postings')
      expect(rowCount).toBeGreaterThanOrEqual(role === 'recruiter_role' ? 11 : 1)
      await client.query('RESET ROLE')
      const { rows } = await client.query<{ calls: string }>(
        `SELECT sum(calls) AS calls FROM pg_stat_xact_user_functions WHERE funcname LIKE 'app\\_%'`,
      )
      expect(rows).toEqual([{ calls: '1' }])
    },
  )

  test('reads applications to the own jobs only', async () => {
    const read = (userId: string) =>
      db.as('recruiter_role', userId, (query) =>
        query(`SELECT application_id FROM job_applications WHERE job_id = $1`, [job]),
      )
    expect(await read(recruiter.userId)).toHaveLength(1)
    expect(await read(rival.userId)).toHaveLength(0)
  })
})

describe('an administrator', () => {
  test('creates accounts and sees everybody', async () => {
    const email = `${randomUUID()}@EXAMPLE.invalid`
    const admin = randomUUID()
    const userId = await db.as('admin_role', admin, (query) =>
      one(query, `SELECT create_user($1, 'candidate')`, [email]),
    )
    expect(await db.query(`SELECT email FROM users WHERE user_id = $1`, [userId])).toEqual([
      { email: email.toLowerCase() },
    ])
    expect(await idsIn('candidate_profiles', 'admin_role', admin)).toEqual(
      expect.arrayContaining(sorted(self, visible, card, hidden)),
    )
    const again = db.as('admin_role', admin, (query) => query(`SELECT create_user($1, 'admin')`, [email.toUpperCase()]))
    await expect(again).rejects.toMatchObject({ code: '23505', constraint: 'users_email_idx' })
  })

  test.each(['authenticated_users', 'recruiter_role'] as const)('is nobody in %s', async (role) => {
    const attempt = db.as(role, self.userId, (query) => query(`SELECT create_user('mallory@example.invalid', 'admin')`))
    await expect(attempt).rejects.toMatchObject(refused)
  })
})

test.each(['authenticated_users', 'recruiter_role', 'admin_role'] as const)(
  '%s locks an aggregate without getting a transaction id, which would fix its events’ place too early',
  async (role) => {
    const assigned = db.as(role, self.userId, async (query) => {
      await query(`SELECT lock_aggregate('job', $1)`, [job])
      return one<string | null>(query, `SELECT pg_current_xact_id_if_assigned()::text`)
    })
    expect(await assigned).toBeNull()
  },
)

test('a service login reads nothing before it picks a role', async () => {
  const client = await db.connect('supersmartmatch_core_app_a')
  await expect(client.query('SELECT job_id FROM job_postings')).rejects.toMatchObject(refused)
})

test('the owner sees no personal row, and reaches matching_definer by SET ROLE only', async () => {
  const client = await db.connect('supersmartmatch_core_owner')
  expect((await client.query('SELECT user_id FROM users')).rowCount).toBe(0)
  await client.query('SET ROLE matching_definer')
  expect((await client.query('SELECT user_id FROM users')).rowCount).toBeGreaterThan(0)
})
