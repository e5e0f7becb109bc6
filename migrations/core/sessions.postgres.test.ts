import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Query } from '../testing/database.ts'
import { addCandidate, addUser } from './testing/people.ts'

const db = testDatabase('core')
let userId: string
const refused = { code: '42501' }

beforeAll(async () => {
  userId = await addUser(db.query, 'candidate')
})

/** As the service logs somebody in. */
const authenticate = <T>(work: (query: Query) => Promise<T>) =>
  db.as('authentication_role', null, async (query) => {
    await query(`SELECT set_config('app.client_ip', '192.0.2.7', true)`)
    return work(query)
  })

const start = (user: string, token: string, life = '1 day') =>
  authenticate((query) =>
    one(query, `SELECT start_session($1, $2, now() + $3::interval, 'Firefox')`, [user, token, life]),
  )
const rotate = (token: string, next: string = randomUUID()) =>
  authenticate(async (query) => {
    const [row] = await query(`SELECT * FROM rotate_session($1, $2, now() + interval '1 day', 'Firefox')`, [
      token,
      next,
    ])
    return row
  })
const alive = (user: string) =>
  one(db.query, `SELECT count(*)::integer FROM user_sessions WHERE user_id = $1 AND NOT is_revoked`, [user])

const log = (user: string, succeeded: boolean) =>
  authenticate((query) => one<Date | null>(query, `SELECT record_login($1, $2)`, [user, succeeded]))

describe('log-in', () => {
  const minutes = async (user: string) =>
    one(
      db.query,
      `SELECT round(extract(epoch FROM account_locked_until - now()) / 60)::integer FROM users WHERE user_id = $1`,
      [user],
    )

  test('finds an account by address, in any case', async () => {
    const email = await one(db.query, `SELECT email FROM users WHERE user_id = $1`, [userId])
    const find = (address: string) => authenticate((query) => query(`SELECT * FROM find_account($1)`, [address]))
    expect(await find(` ${email.toUpperCase()} `)).toEqual([
      { user_id: userId, password_hash: '!', user_type: 'candidate', status: 'active', account_locked_until: null },
    ])
    expect(await find('nobody@example.invalid')).toEqual([])
  })

  test('is locked from the fifth failure on, twice as long each time, a day at most', async () => {
    const user = await addUser(db.query, 'candidate')
    const unlock = () =>
      db.query(`UPDATE users SET account_locked_until = now() - interval '1 s' WHERE user_id = $1`, [user])
    for (let i = 0; i < 4; i++) expect(await log(user, false)).toBeNull()
    expect(await log(user, false)).toBeInstanceOf(Date)
    expect(await minutes(user)).toBe(15)
    // Neither the right password nor another failure counts meanwhile.
    expect(await log(user, true)).toBeInstanceOf(Date)
    expect(await log(user, false)).toBeInstanceOf(Date)
    expect(await minutes(user)).toBe(15)
    await unlock()
    await log(user, false)
    expect(await minutes(user)).toBe(30)
    await db.query(`UPDATE users SET failed_login_attempts = 500, account_locked_until = NULL WHERE user_id = $1`, [
      user,
    ])
    await log(user, false)
    expect(await minutes(user)).toBe(24 * 60)
    await unlock()
    expect(await log(user, true)).toBeNull()
    expect(
      await db.query(
        `SELECT failed_login_attempts, account_locked_until, last_login_at IS NOT NULL AS seen FROM users WHERE user_id = $1`,
        [user],
      ),
    ).toEqual([{ failed_login_attempts: 0, account_locked_until: null, seen: true }])
  })

  test('at once counts every failure', async () => {
    const user = await addUser(db.query, 'candidate')
    const clients = await Promise.all(Array.from({ length: 4 }, () => db.connect()))
    await Promise.all(clients.map((client) => client.query(`SELECT record_login('${user}', FALSE)`)))
    expect(await one(db.query, `SELECT failed_login_attempts FROM users WHERE user_id = $1`, [user])).toBe(4)
  })

  test('is audited', async () => {
    const user = await addUser(db.query, 'candidate')
    await log(user, false)
    await log(user, true)
    expect(
      await db.query(
        `SELECT operation, reason, user_id = subject_user_id AS self, host(user_ip) AS ip FROM audit_log
          WHERE subject_user_id = $1 AND operation = 'LOGIN' ORDER BY audit_id`,
        [user],
      ),
    ).toEqual([
      { operation: 'LOGIN', reason: 'password refused', self: true, ip: '192.0.2.7' },
      { operation: 'LOGIN', reason: 'password accepted', self: true, ip: '192.0.2.7' },
    ])
  })

  test.each(['authenticated_users', 'recruiter_role', 'admin_role'] as const)('is not for %s', async (role) => {
    const attempt = db.as(role, userId, (query) => query(`SELECT * FROM find_account('a@example.invalid')`))
    await expect(attempt).rejects.toMatchObject(refused)
  })

  test('gives the role that does it no row of any table', async () => {
    const read = authenticate((query) => query(`SELECT user_id FROM users`))
    await expect(read).rejects.toMatchObject(refused)
  })
})

describe('a session', () => {
  test('is started for an active account only, and read while it lasts', async () => {
    const session = await start(userId, randomUUID())
    const read = (id: string) => authenticate((query) => query(`SELECT user_id, user_type FROM read_session($1)`, [id]))
    expect(await read(session)).toEqual([{ user_id: userId, user_type: 'candidate' }])
    expect(await read(await start(userId, randomUUID(), '-1 s'))).toEqual([])
    for (const state of [
      `status = 'suspended'`,
      `status = 'inactive'`,
      `account_locked_until = now() + interval '1 h'`,
    ]) {
      const other = await addUser(db.query, 'candidate')
      await db.query(`UPDATE users SET ${state} WHERE user_id = $1`, [other])
      await expect(start(other, randomUUID()), state).rejects.toMatchObject({ code: '28000' })
    }
  })

  test('goes on with a new token, in the same family', async () => {
    const [token, next] = [randomUUID(), randomUUID()]
    const session = await start(userId, token)
    const rotated = await rotate(token, next)
    expect(rotated).toMatchObject({ outcome: 'rotated', user_id: userId, user_type: 'candidate' })
    expect(
      await db.query(
        `SELECT count(*)::integer AS rows, count(DISTINCT family_id)::integer AS families, count(*) FILTER (WHERE is_revoked)::integer AS used
           FROM user_sessions WHERE session_id IN ($1, $2)`,
        [session, rotated?.['session_id']],
      ),
    ).toEqual([{ rows: 2, families: 1, used: 1 }])
    expect(await rotate(next)).toMatchObject({ outcome: 'rotated' })
  })

  test('whose token is used twice ends, with all that followed from it', async () => {
    const user = await addUser(db.query, 'candidate')
    const [stolen, next, other] = [randomUUID(), randomUUID(), randomUUID()]
    await start(user, stolen)
    await start(user, other)
    await rotate(stolen, next)
    expect(await rotate(stolen)).toMatchObject({ outcome: 'reused', user_id: user })
    expect(await rotate(next)).toMatchObject({ outcome: 'reused' })
    expect(await rotate(other)).toMatchObject({ outcome: 'rotated' })
    expect(await alive(user)).toBe(1)
  })

  test('whose token two bring at once goes on for neither', async () => {
    const user = await addUser(db.query, 'candidate')
    const token = randomUUID()
    await start(user, token)
    const clients = await Promise.all(Array.from({ length: 5 }, () => db.connect()))
    const outcomes = await Promise.all(
      clients.map(async (client) => {
        const sql = `SELECT outcome FROM rotate_session('${token}', '${randomUUID()}', now() + interval '1 day', NULL)`
        return (await client.query<{ outcome: string }>(sql)).rows[0]?.outcome
      }),
    )
    expect(outcomes.filter((outcome) => outcome === 'rotated')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'reused')).toHaveLength(4)
    expect(await alive(user)).toBe(0)
  })

  const ends: [string, (user: string, used: string) => string][] = [
    ['another password', (user) => `UPDATE users SET password_hash = 'new' WHERE user_id = '${user}'`],
    [
      'its owner',
      (user) =>
        `BEGIN; SELECT set_config('app.current_user_id', '${user}', true); SET LOCAL ROLE authenticated_users;
         SELECT revoke_sessions('${user}'); COMMIT`,
    ],
  ]
  test.each<[string, (user: string, used: string) => string]>([
    [
      'a token that is used again',
      (_user, used) => `SELECT rotate_session('${used}', 'x', now() + interval '1 day', NULL)`,
    ],
    ...ends,
  ])('that goes on at the moment in which %s ends it is ended, too', async (_who, end) => {
    const user = await addUser(db.query, 'candidate')
    const [used, token] = [randomUUID(), randomUUID()]
    await start(user, used)
    await rotate(used, token)
    const [first, second] = [await db.connect(), await db.connect()]
    await first.query(`BEGIN; SELECT rotate_session('${token}', '${randomUUID()}', now() + interval '1 day', NULL)`)
    const ending = second.query(end(user, used))
    await sleep(200)
    await first.query('COMMIT')
    await ending
    expect(await alive(user)).toBe(0)
  })

  test.each(ends)('that begins at the moment in which %s ends all others is ended, too', async (_who, end) => {
    const user = await addUser(db.query, 'candidate')
    const [first, second] = [await db.connect(), await db.connect()]
    await first.query(`BEGIN; SELECT start_session('${user}', '${randomUUID()}', now() + interval '1 day', NULL)`)
    const ending = second.query(end(user, ''))
    await sleep(200)
    await first.query('COMMIT')
    await ending
    expect(await alive(user)).toBe(0)
  })

  test('ends with many others in one statement, which takes no lock for each', async () => {
    const users: string[] = []
    while (users.length < 20) users.push(await addUser(db.query, 'candidate'))
    for (const user of users) await start(user, randomUUID())
    const client = await db.connect()
    await client.query(`BEGIN; UPDATE users SET password_hash = 'new' WHERE user_id IN ('${users.join(`','`)}')`)
    const locks = await client.query(`SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'`)
    expect(locks.rowCount).toBe(0)
    // Nor does a log-in, which has its own lock before the row, wait in a circle.
    const login = log(users[0] ?? '', true)
    await client.query(`SELECT FROM users WHERE user_id = '${users[0]}' FOR UPDATE`)
    await client.query('COMMIT')
    expect(await login).toBeNull()
    for (const user of users) expect(await alive(user)).toBe(0)
  })

  test('that expired, is unknown, or is of a suspended account is refused', async () => {
    const token = randomUUID()
    await start(userId, token, '-1 s')
    expect(await rotate(token)).toMatchObject({ outcome: 'refused' })
    expect(await rotate(randomUUID())).toMatchObject({ outcome: 'refused', user_id: null })
  })

  test.each([`status = 'suspended'`, `password_hash = 'new'`])('ends with %s', async (change) => {
    const user = await addUser(db.query, 'candidate')
    await start(user, randomUUID())
    await db.query(`UPDATE users SET email_verified = TRUE WHERE user_id = $1`, [user])
    expect(await alive(user)).toBe(1)
    await db.query(`UPDATE users SET ${change} WHERE user_id = $1`, [user])
    expect(await alive(user)).toBe(0)
  })

  test('is shown to its owner, and revoked by the owner or an administrator', async () => {
    const [user, other] = [await addUser(db.query, 'recruiter'), await addUser(db.query, 'admin')]
    const session = await start(user, randomUUID())
    await start(user, randomUUID())
    const devices = (id: string) =>
      db.as('recruiter_role', id, (query) => query(`SELECT user_agent, host(ip_address) AS ip FROM my_sessions`))
    expect(await devices(user)).toEqual(Array(2).fill({ user_agent: 'Firefox', ip: '192.0.2.7' }))
    expect(await devices(other)).toEqual([])
    const revoke = (role: 'recruiter_role' | 'admin_role', actor: string, id: string | null) =>
      db.as(role, actor, (query) => query(`SELECT revoke_sessions($1, $2) AS id`, [user, id]))
    await expect(revoke('recruiter_role', other, null)).rejects.toMatchObject(refused)
    expect(await revoke('recruiter_role', user, randomUUID())).toEqual([])
    expect(await revoke('recruiter_role', user, session)).toEqual([{ id: session }])
    expect(await revoke('admin_role', other, null)).toHaveLength(1)
    expect(await devices(user)).toEqual([])
  })
})

describe('a consent', () => {
  const record = (user: string | null, purpose: string, granted: boolean, version = '1') =>
    db.as('authenticated_users', user, (query) =>
      one<boolean>(query, `SELECT record_consent($1, $2, $3, 'settings')`, [purpose, granted, version]),
    )
  const rows = (user: string) =>
    db.query(
      `SELECT purpose, version, withdrawn_at IS NOT NULL AS withdrawn, source FROM user_consents WHERE user_id = $1 ORDER BY consent_id`,
      [user],
    )

  test('is a row, and its withdrawal another; what is so already is none', async () => {
    const user = await addUser(db.query, 'candidate')
    expect(await record(user, 'profiling', false)).toBe(false)
    expect(await record(user, 'profiling', true)).toBe(true)
    expect(await record(user, 'profiling', true)).toBe(false)
    expect(await record(user, 'profiling', true, '2')).toBe(true)
    expect(await record(user, 'profiling', false, '9')).toBe(true)
    expect(await record(user, 'profiling', false)).toBe(false)
    const row = { purpose: 'profiling', source: 'settings' }
    expect(await rows(user)).toEqual([
      { ...row, version: '1', withdrawn: false },
      { ...row, version: '2', withdrawn: false },
      { ...row, version: '2', withdrawn: true },
    ])
  })

  test('needs somebody and a known purpose; it is never changed', async () => {
    await expect(record(null, 'profiling', true)).rejects.toMatchObject(refused)
    await expect(record(userId, 'everything', true)).rejects.toMatchObject({ code: '23514' })
    await expect(record(userId, 'public_profile', true)).rejects.toMatchObject({ code: '23514' })
    await record(userId, 'profiling', true)
    for (const sql of [`UPDATE user_consents SET withdrawn_at = now()`, `DELETE FROM user_consents`])
      await expect(db.query(`${sql} WHERE user_id = $1`, [userId]), sql).rejects.toMatchObject({
        code: '23514',
        constraint: 'user_consents_append_only',
      })
  })

  test('to a public profile is what the profile says', async () => {
    const person = await addCandidate(db.query, 'public')
    const set = (visibility: string) =>
      db.as('authenticated_users', person.userId, (query) =>
        query(`UPDATE candidate_profiles SET profile_visibility = $1 WHERE candidate_id = $2`, [
          visibility,
          person.candidateId,
        ]),
      )
    for (const visibility of ['limited', 'private', 'public', 'public']) await set(visibility)
    const row = { purpose: 'public_profile', version: '1', source: 'profile_visibility' }
    expect(await rows(person.userId)).toEqual([
      { ...row, withdrawn: false },
      { ...row, withdrawn: true },
      { ...row, withdrawn: false },
    ])
    expect(await rows((await addCandidate(db.query, 'limited')).userId)).toEqual([])
  })

  test('and a done erasure are kept for 5 years; a consent that stands, longer', async () => {
    const [standing, withdrawn] = [await addUser(db.query, 'candidate'), await addUser(db.query, 'candidate')]
    const old = `now() - interval '6 years'`
    for (const [user, end] of [
      [standing, 'NULL'],
      [withdrawn, 'NULL'],
      [withdrawn, old],
    ])
      await db.query(
        `INSERT INTO user_consents (user_id, purpose, version, granted_at, withdrawn_at, source, created_at)
         VALUES ($1, 'profiling', '1', ${old}, ${end}, 'import', ${old})`,
        [user],
      )
    await db.query(
      `INSERT INTO erasure_requests (request_id, user_id, store, matched, erased, verified_zero, done_at)
       SELECT gen_random_uuid(), $1, 'search', 0, 0, TRUE, now() - make_interval(years => y) FROM unnest('{4,6}'::integer[]) y`,
      [withdrawn],
    )
    await db.query('SELECT purge_proofs()')
    expect(await rows(standing)).toHaveLength(1)
    expect(await rows(withdrawn)).toHaveLength(0)
    expect(await db.query(`SELECT FROM erasure_requests WHERE user_id = $1`, [withdrawn])).toHaveLength(1)
  })
})
