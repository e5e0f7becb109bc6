import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Query, Row } from '../testing/database.ts'
import { addCandidate, addJob, addRecruiter, addUser, apply } from './testing/people.ts'
import type { Candidate } from './testing/people.ts'

const db = testDatabase('core')
let candidate: Candidate
let admin: string

beforeAll(async () => {
  candidate = await addCandidate(db.query, 'limited')
  admin = await addUser(db.query, 'admin')
})

/** The audit rows that some work writes, without what every row has. */
async function auditOf(work: () => Promise<unknown>): Promise<Row[]> {
  const last = await one(db.query, `SELECT COALESCE(max(audit_id), 0) FROM audit_log`)
  await work()
  const rows = await db.query(
    `SELECT table_name AS table, operation, record_id AS record, user_id AS actor, subject_user_id AS subject,
            host(user_ip) AS ip, changed_columns AS columns, old_values AS before, new_values AS after, reason
       FROM audit_log WHERE audit_id > $1 ORDER BY audit_id`,
    [last],
  )
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)))
}

const asAdmin = (sql: string, values: unknown[]) => () =>
  db.as('admin_role', admin, async (query) => {
    await query(`SELECT set_config('app.client_ip', '192.0.2.7', true)`)
    await query(sql, values)
  })

describe('an audit row', () => {
  test('says who changed which columns of whose profile, and no value', async () => {
    const rows = await auditOf(
      asAdmin(`UPDATE candidate_profiles SET last_name = 'Canaryson', phone = 'v1.k.n.new.t' WHERE candidate_id = $1`, [
        candidate.candidateId,
      ]),
    )
    expect(rows).toEqual([
      {
        table: 'candidate_profiles',
        operation: 'UPDATE',
        record: candidate.candidateId,
        actor: admin,
        subject: candidate.userId,
        ip: '192.0.2.7',
        columns: ['last_name', 'phone'],
      },
    ])
  })

  test.each([
    ['candidate_skills', 'candidate_skill_id', 'is_primary = TRUE', 'is_primary'],
    ['work_experiences', 'experience_id', `company_name = 'Other'`, 'company_name'],
    ['education', 'education_id', `institution_name = 'Other'`, 'institution_name'],
    ['certifications', 'certification_id', `credential_id = 'other'`, 'credential_id'],
    ['candidate_languages', 'language_id', `cefr_level = 'A1'`, 'cefr_level'],
  ])('of %s leads to the person it is about', async (table, id, change, column) => {
    const person = await addCandidate(db.query, 'limited')
    const record = await one(db.query, `SELECT ${id} FROM ${table} WHERE candidate_id = $1`, [person.candidateId])
    const of = { table, record, subject: person.userId }
    const run = (sql: string) => () => db.query(`${sql} WHERE ${id} = $1`, [record])
    expect(await auditOf(run(`UPDATE ${table} SET ${change}`))).toEqual([
      { ...of, operation: 'UPDATE', columns: [column] },
    ])
    expect(await auditOf(run(`DELETE FROM ${table}`))).toEqual([{ ...of, operation: 'DELETE' }])
  })

  test('keeps the values of states and rights', async () => {
    const recruiter = await addRecruiter(db.query)
    const application = await apply(db.query, await addJob(db.query, recruiter), candidate.candidateId)
    const run = (sql: string, id: string) => auditOf(() => db.query(sql, [id]))
    expect(await run(`UPDATE job_applications SET status = 'offer' WHERE application_id = $1`, application)).toEqual([
      {
        table: 'job_applications',
        operation: 'UPDATE',
        record: application,
        subject: candidate.userId,
        columns: ['status'],
        before: { status: 'submitted' },
        after: { status: 'offer' },
      },
    ])
    expect(await run(`UPDATE users SET status = 'suspended' WHERE user_id = $1`, recruiter.userId)).toMatchObject([
      { before: { status: 'active' }, after: { status: 'suspended' } },
    ])
    expect(await run(`UPDATE company_members SET role = 'member' WHERE user_id = $1`, recruiter.userId)).toMatchObject([
      { record: recruiter.companyId, before: { role: 'owner' }, after: { role: 'member' } },
    ])
    expect(await run(`DELETE FROM company_members WHERE user_id = $1`, recruiter.userId)).toMatchObject([
      { operation: 'DELETE', before: { role: 'member' } },
    ])
  })

  test('is one for each row of a statement, also where rows share a part of their key', async () => {
    const { companyId, userId } = await addRecruiter(db.query)
    const second = await addUser(db.query, 'recruiter')
    await db.query(`INSERT INTO company_members (company_id, user_id, role) VALUES ($1, $2, 'member')`, [
      companyId,
      second,
    ])
    const rows = await auditOf(() =>
      db.query(
        `UPDATE company_members SET role = CASE role WHEN 'owner' THEN 'member' ELSE 'owner' END WHERE company_id = $1`,
        [companyId],
      ),
    )
    expect(rows).toHaveLength(2)
    expect(rows).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ subject: userId, before: { role: 'owner' }, after: { role: 'member' } }),
        expect.objectContaining({ subject: second, before: { role: 'member' }, after: { role: 'owner' } }),
      ]),
    )
  })

  test('is not written for changes of nothing and of derived columns', async () => {
    const run = (change: string) =>
      auditOf(() =>
        db.query(`UPDATE candidate_profiles SET ${change} WHERE candidate_id = $1`, [candidate.candidateId]),
      )
    expect(await run('current_title = current_title')).toEqual([])
    expect(await run('profile_completeness = 1')).toEqual([])
  })

  test('is kept for 3 years, a right for 1', async () => {
    expect(
      await db.query(
        `SELECT DISTINCT table_name, data_classification AS class, retention_until - "timestamp"::date BETWEEN 1094 AND 1097 AS long,
                retention_until - "timestamp"::date BETWEEN 364 AND 367 AS short
           FROM audit_log WHERE table_name IN ('users', 'company_members') ORDER BY 1`,
      ),
    ).toEqual([
      { table_name: 'company_members', class: 'internal', long: false, short: true },
      { table_name: 'users', class: 'restricted', long: true, short: false },
    ])
  })

  test('of a read is written by whoever reads as administrator, and by nobody else', async () => {
    const read = `SELECT audit_read('candidate_profiles', $1, $2, 'ticket 7')`
    const ids = [candidate.candidateId, candidate.userId]
    expect(await auditOf(asAdmin(read, ids))).toMatchObject([
      { operation: 'SELECT', record: ids[0], subject: ids[1], actor: admin, reason: 'ticket 7' },
    ])
    const forged = db.as('authenticated_users', candidate.userId, (query) => query(read, ids))
    await expect(forged).rejects.toMatchObject({ code: '42501' })
  })

  test('is read by administrators, through their view', async () => {
    const count = (role: 'admin_role' | 'recruiter_role', table: string) =>
      db.as(role, admin, (query) => one(query, `SELECT count(*) > 0 FROM ${table}`))
    expect(await count('admin_role', 'admin_audit_log')).toBe(true)
    await expect(count('admin_role', 'audit_log')).rejects.toMatchObject({ code: '42501' })
    await expect(count('recruiter_role', 'admin_audit_log')).rejects.toMatchObject({ code: '42501' })
  })
})

test('the log holds no personal value', async () => {
  const text = JSON.stringify(await db.query(`SELECT * FROM audit_log`))
  expect(text).toContain(candidate.candidateId)
  expect(text).not.toMatch(/canary|Zoé|v1\.|@example|IT Manager|50000/i)
})

describe('the log is append-only', () => {
  test.each([
    [`UPDATE audit_log SET reason = 'x'`],
    [`UPDATE audit_log SET user_ip = NULL`],
    [`DELETE FROM audit_log`],
    [`TRUNCATE audit_log`],
    [`SET LOCAL ROLE matching_definer; DELETE FROM audit_log`],
    [`SET LOCAL ROLE matching_definer; SET LOCAL app.audit_upkeep = 'erasure'; DELETE FROM audit_log`],
    [`SET LOCAL ROLE matching_definer; SET LOCAL app.audit_upkeep = 'purge'; UPDATE audit_log SET user_ip = NULL`],
    [`SET LOCAL app.audit_upkeep = 'purge'; DELETE FROM audit_log`],
  ])('%s', async (sql) => {
    const client = await db.connect()
    await expect(client.query(`BEGIN; ${sql}`)).rejects.toMatchObject({ code: '42501' })
  })

  test('also in a partition, for the owner', async () => {
    const asOwner = await db.connect(db.owner)
    const partition = await one(db.query, `SELECT tableoid::regclass::text FROM audit_log LIMIT 1`)
    await expect(asOwner.query(`DELETE FROM ${partition}`)).rejects.toMatchObject({ code: '42501' })
    for (const one of [partition, 'audit_log_default'])
      await expect(asOwner.query(`TRUNCATE ${one}`), one).rejects.toMatchObject({ code: '42501' })
  })
})

const unsealed = `SELECT count(*) FROM audit_log a WHERE NOT EXISTS (SELECT FROM audit_chain l WHERE l.audit_id = a.audit_id)`

/** Seals all there is: what runs in another database of this server may hold the last rows back for a moment. */
async function seal(): Promise<void> {
  const deadline = Date.now() + 30_000
  do await db.query('SELECT seal_audit_log()')
  while ((await one(db.query, unsealed)) !== '0' && Date.now() < deadline)
  expect(await one(db.query, unsealed)).toBe('0')
}

const problems = async (query: Query = db.query) =>
  (await query('SELECT audit_id, problem FROM verify_audit_log()')).map((row) => [row['audit_id'], row['problem']])

describe('the chain', () => {
  test('is sealed again and again; each row is in it once; nothing is wrong with it', async () => {
    await seal()
    await addCandidate(db.query, 'public')
    await seal()
    expect(await one(db.query, 'SELECT count(*) FROM audit_chain')).toBe(
      await one(db.query, 'SELECT count(*) FROM audit_log'),
    )
    expect(await problems()).toEqual([])
  })

  test('of each month is one of its own', async () => {
    const old = `INSERT INTO audit_log (table_name, operation, timestamp, data_classification, retention_until)
                 VALUES ('users', 'UPDATE', '2025-03-31 23:59:59.5+00', 'restricted', '2100-01-01'),
                        ('users', 'UPDATE', '2025-04-01 00:00+00', 'restricted', '2100-01-01')`
    await db.query(old)
    await db.query(old)
    await seal()
    expect(
      await db.query(`SELECT month::text, rows FROM audit_heads WHERE month < '2026-01-01' ORDER BY month`),
    ).toEqual([
      { month: '2025-03-01', rows: '2' },
      { month: '2025-04-01', rows: '2' },
    ])
    expect(await problems()).toEqual([])
  })

  test('does not move when a row waits for its partition in the default one', async () => {
    expect(await one(db.query, `SELECT count(*) FROM audit_log_default`)).toBe('4')
    const asOwner = await db.connect(db.owner)
    await asOwner.query(
      `SELECT create_range_partition('audit_log', 'audit_log_y2025m03', '2025-03-01 00:00+00', '2025-04-01 00:00+00')`,
    )
    expect(await one(db.query, `SELECT count(*) FROM audit_log_default`)).toBe('2')
    expect(await problems()).toEqual([])
  })

  test('nor when a job makes the month, whose partition cannot be emptied either', async () => {
    const asOwner = await db.connect(db.owner)
    const rescue = async (limit: number) =>
      (await asOwner.query<{ done: boolean }>(`SELECT rescue_audit_partition(${limit}) AS done`)).rows[0]?.done
    expect(await rescue(1)).toBe(false)
    await asOwner.query('SELECT create_audit_partitions()')
    expect(await one(db.query, `SELECT count(*) FROM audit_log_default`)).toBe('2')
    expect(await rescue(2)).toBe(true)
    expect(await one(db.query, `SELECT count(*) FROM audit_log_default`)).toBe('0')
    await expect(asOwner.query('TRUNCATE audit_log_y2025m04')).rejects.toMatchObject({ code: '42501' })
    expect(await problems()).toEqual([])
  })

  test('waits for a transaction that is under way, and leaves nothing out that commits late', async () => {
    await seal()
    const slow = await db.connect()
    await slow.query(`BEGIN; UPDATE users SET email_verified = TRUE WHERE user_id = '${admin}'`)
    await db.query(`UPDATE users SET email_verified = TRUE WHERE user_id = $1`, [candidate.userId])
    await db.query('SELECT seal_audit_log()')
    expect(await one(db.query, unsealed)).toBe('1')
    await slow.query('COMMIT')
    expect(await one(db.query, unsealed)).toBe('2')
    await seal()
    expect(await problems()).toEqual([])
  })

  test('of 32 writers at once, sealed meanwhile, is one without a gap', async () => {
    const clients = await Promise.all(Array.from({ length: 32 }, () => db.connect()))
    const users: string[] = []
    while (users.length < clients.length) users.push(await addUser(db.query, 'candidate'))
    let writing = true
    const sealer = (async () => {
      const client = await db.connect(db.owner)
      while (writing) await client.query('SELECT seal_audit_log()')
    })()
    await Promise.all(
      clients.map(async (client, i) => {
        for (let n = 0; n < 20; n++)
          await client.query(`UPDATE users SET email_verified = NOT email_verified WHERE user_id = '${users[i]}'`)
      }),
    )
    writing = false
    await sealer
    await seal()
    expect(
      await one(
        db.query,
        `SELECT count(*) FROM audit_chain JOIN audit_log USING (audit_id) WHERE record_id = ANY ($1)`,
        [users],
      ),
    ).toBe(String(32 * 21))
    expect(await problems()).toEqual([])
  })
})

describe('tampering is found, and the first bad row is named', () => {
  let rows: string[]
  let month: string

  beforeAll(async () => {
    await db.as('admin_role', admin, async (query) => {
      await query(`SELECT set_config('app.client_ip', '2001:db8::7', true)`)
      for (let i = 0; i < 5; i++) await query(`SELECT audit_read('education', gen_random_uuid(), $1, 'r${i}')`, [admin])
    })
    await seal()
    const found = await db.query(`SELECT audit_id, audit_month(timestamp)::text AS month FROM audit_log
                                   WHERE operation = 'SELECT' AND table_name = 'education' ORDER BY audit_id`)
    rows = found.map((row) => row['audit_id'] as string)
    month = found[0]?.['month'] as string
  })

  /** What verification says when somebody with all rights does this. Undone afterwards. */
  async function after(sql: string): Promise<unknown[]> {
    const client = await db.connect()
    try {
      // As superuser, with triggers off.
      await client.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}`)
      return await problems(async (text) => (await client.query<Row>(text)).rows)
    } finally {
      await client.query('ROLLBACK')
    }
  }
  const row = (i: number) => `audit_id = ${rows[i]}`

  test.each([
    ['a changed reason', `UPDATE audit_log SET reason = 'nothing' WHERE $row`, 'the row was changed'],
    ['a changed actor', `UPDATE audit_log SET user_id = '${randomUUID()}' WHERE $row`, 'the row was changed'],
    ['added values', `UPDATE audit_log SET new_values = '{"a": 1}' WHERE $row`, 'the row was changed'],
    [
      'an instant',
      `UPDATE audit_log SET timestamp = timestamp + interval '1 microsecond' WHERE $row`,
      'the row was changed',
    ],
    ['another month', `UPDATE audit_log SET timestamp = '2025-03-09 12:00+00' WHERE $row`, 'the row was changed'],
    ['a longer life', `UPDATE audit_log SET retention_until = '2200-01-01' WHERE $row`, 'the row was changed'],
    ['another address', `UPDATE audit_log SET user_ip = '192.0.2.9' WHERE $row`, 'the address was changed'],
    ['a removed row', `DELETE FROM audit_log WHERE $row`, 'the row was removed'],
    ['a changed link', `UPDATE audit_chain SET row_hash = sha256('x') WHERE $row`, 'the link was changed'],
  ])('%s', async (_, sql, problem) => {
    expect((await after(sql.replace('$row', row(2))))[0]).toEqual([rows[2], problem])
  })

  test('rows that changed places', async () => {
    const swap = `UPDATE audit_log SET reason = CASE reason WHEN 'r1' THEN 'r2' ELSE 'r1' END
                   WHERE audit_id IN (${rows[1]}, ${rows[2]})`
    expect(await after(swap)).toEqual([
      [rows[1], 'the row was changed'],
      [rows[2], 'the row was changed'],
    ])
  })

  test('a row and its link, removed together', async () => {
    const sql = `DELETE FROM audit_log WHERE ${row(2)}; DELETE FROM audit_chain WHERE ${row(2)}`
    expect(await after(sql)).toEqual([[rows[3], 'links before this one were removed']])
    const closed = `${sql}; UPDATE audit_chain SET position = position - 1 WHERE month = '${month}' AND audit_id > ${rows[2]}`
    expect((await after(closed))[0]).toEqual([rows[3], 'the link was changed'])
  })

  test('the end of the log, with its links', async () => {
    const sql = `DELETE FROM audit_log WHERE audit_id >= ${rows[3]}; DELETE FROM audit_chain WHERE audit_id >= ${rows[3]}`
    expect(await after(sql)).toEqual([[rows[4], 'the end of the chain was removed']])
    expect(await after(`DELETE FROM audit_heads WHERE month = '${month}'`)).toContainEqual([
      rows[4],
      'the chain has no head',
    ])
  })

  test('a row put in afterwards', async () => {
    const sql = `INSERT INTO audit_log (table_name, operation, data_classification, retention_until, xid)
                 VALUES ('users', 'LOGIN', 'restricted', '2100-01-01', (SELECT xid FROM audit_log ORDER BY xid LIMIT 1))`
    expect(await after(sql)).toEqual([[expect.any(String), 'the row was added']])
  })

  test('a purge that was none', async () => {
    const purge = `INSERT INTO audit_epochs (rows) VALUES (1); UPDATE audit_chain SET epoch_id = (SELECT max(epoch_id) FROM audit_epochs) WHERE ${row(2)}`
    expect(await after(`${purge}; DELETE FROM audit_log WHERE ${row(2)}`)).toEqual([
      [rows[2], 'the row was purged before its time'],
    ])
    expect(await after(purge)).toEqual([[rows[2], 'the row was purged, and is there again']])
    expect(await after(`UPDATE audit_heads SET dropped_at = now() WHERE month = '${month}'`)).toContainEqual([
      rows[4],
      'the month was dropped before its time',
    ])
  })

  test('an address that an erasure forgot is no tampering', async () => {
    expect(await after(`UPDATE audit_log SET user_ip = NULL WHERE ${row(2)}`)).toEqual([])
  })

  test('a key that was changed for another is no tampering, and hides none', async () => {
    const rotate = `UPDATE app_private.keys SET retired_at = now() WHERE purpose = 'audit';
                    INSERT INTO app_private.keys (purpose, encryption_key, mac_key)
                    VALUES ('audit', gen_random_bytes(32), gen_random_bytes(32))`
    expect(await after(rotate)).toEqual([])
    expect(await after(`${rotate}; UPDATE audit_log SET user_ip = '192.0.2.9' WHERE ${row(2)}`)).toEqual([
      [rows[2], 'the address was changed'],
    ])
    expect(await after(`${rotate}; UPDATE audit_chain SET ip_hash = NULL WHERE ${row(2)}`)).not.toEqual([])
  })

  test('and fails the daily job', async () => {
    const sql = `DELETE FROM audit_log WHERE ${row(2)}; SET LOCAL session_replication_role = origin; SELECT require_intact_audit_log()`
    await expect(after(sql)).rejects.toMatchObject({
      code: 'XX001',
      message: expect.stringContaining(rows[2] ?? '') as string,
    })
  })
})

describe('the purge', () => {
  const add = (age: string, retention: string) =>
    one(
      db.query,
      `INSERT INTO audit_log (table_name, operation, timestamp, data_classification, retention_until)
       VALUES ('users', 'UPDATE', now() - $1::interval, 'restricted', CURRENT_DATE + $2::integer) RETURNING audit_id`,
      [age, retention],
    )
  const present = async (ids: string[]) =>
    (await db.query(`SELECT audit_id FROM audit_log WHERE audit_id = ANY ($1) ORDER BY 1`, [ids])).map(
      (row) => row['audit_id'],
    )

  test('takes what is past its time and sealed, and the chain stays whole', async () => {
    const [past, today] = [await add('14 months', '-1'), await add('14 months', '0')]
    expect(await one(db.query, 'SELECT purge_audit_log()')).toBe(0)
    await seal()
    expect(await one(db.query, 'SELECT purge_audit_log()')).toBe(1)
    expect(await present([past, today])).toEqual([today])
    expect(await problems()).toEqual([])
    expect(await one(db.query, 'SELECT purge_audit_log()')).toBe(0)
  })

  test.each([
    ['about', 'subject_user_id'],
    ['by', 'user_id'],
  ])('leaves what is %s somebody on legal hold', async (_what, column) => {
    const row = await add('14 months', '-1')
    const person = randomUUID()
    const client = await db.connect()
    await client.query(
      `BEGIN; SET LOCAL session_replication_role = replica;
       UPDATE audit_log SET ${column} = '${person}' WHERE audit_id = ${row}; COMMIT`,
    )
    await seal()
    const hold = (holds: object) => db.query(`SELECT set_retention('{}', $1)`, [JSON.stringify(holds)])
    await hold({ [person]: 'case 3' })
    expect(await one(db.query, 'SELECT purge_audit_log()')).toBe(0)
    await hold({})
    expect(await one(db.query, 'SELECT purge_audit_log()')).toBe(1)
    expect(await present([row])).toEqual([])
    expect(await problems()).toEqual([])
  })

  test('drops the links of a month that ended three years ago when all of its rows are gone', async () => {
    await add('4 years', '-1')
    await add('4 years', '-1')
    await seal()
    const asOwner = await db.connect(db.owner)
    await asOwner.query('SELECT purge_audit_log()')
    const ended = `SELECT rows, dropped_at IS NOT NULL AS dropped, (SELECT count(*) FROM audit_chain l WHERE l.month = h.month) AS links
                     FROM audit_heads h WHERE month < now() - interval '3 years 6 months'`
    expect(await db.query(ended)).toEqual([{ rows: '2', dropped: true, links: '0' }])
    expect(await problems()).toEqual([])
  })
})

describe('encrypt_pii and decrypt_pii', () => {
  const call = (name: string, value: string) => one(db.query, `SELECT ${name}($1)`, [value])

  test('give back every text, each time as another ciphertext', async () => {
    for (const text of ['', 'a', 'Zoé \\ C:\\new \u{1f600}', 'x'.repeat(5000)]) {
      const [first, second] = [await call('encrypt_pii', text), await call('encrypt_pii', text)]
      expect(first).toMatch(/^v1:[0-9a-f-]{36}:[A-Za-z0-9+/]+=*$/)
      expect(first).not.toBe(second)
      expect(await call('decrypt_pii', first)).toBe(text)
    }
  })

  test('refuse a changed text, a short one, another key', async () => {
    const sealed = await call('encrypt_pii', 'secret')
    const [, key = '', body = ''] = sealed.split(':')
    const bytes = Buffer.from(body, 'base64')
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(i) ^ 1, i)
      await expect(call('decrypt_pii', `v1:${key}:${changed.toString('base64')}`), `byte ${i}`).rejects.toMatchObject({
        code: '22023',
      })
    }
    for (const other of ['', 'secret', `v1:${key}:`, `v1:${key}:AAAA`, `v1:${randomUUID()}:${body}`])
      await expect(call('decrypt_pii', other), other).rejects.toMatchObject({ code: '22023' })
  })

  test('take keys of 32 bytes only, decrypt with a retired one, and are for the owner', async () => {
    const insert = (bytes: number) =>
      db.query(
        `INSERT INTO app_private.keys (purpose, encryption_key, mac_key, retired_at)
         VALUES ('pii', gen_random_bytes($1), gen_random_bytes(32), now())`,
        [bytes],
      )
    await expect(insert(16)).rejects.toMatchObject({ code: '23514' })
    await expect(insert(33)).rejects.toMatchObject({ code: '23514' })
    const old = await call('encrypt_pii', 'secret')
    await db.query(`UPDATE app_private.keys SET retired_at = now() WHERE purpose = 'pii' AND retired_at IS NULL`)
    await db.query(`INSERT INTO app_private.keys (purpose, encryption_key, mac_key)
                    VALUES ('pii', gen_random_bytes(32), gen_random_bytes(32))`)
    expect((await call('encrypt_pii', 'secret')).slice(0, 40)).not.toBe(old.slice(0, 40))
    expect(await call('decrypt_pii', old)).toBe('secret')
    const forged = db.as('admin_role', admin, (query) => query(`SELECT decrypt_pii($1)`, [old]))
    await expect(forged).rejects.toMatchObject({ code: '42501' })
  })
})
