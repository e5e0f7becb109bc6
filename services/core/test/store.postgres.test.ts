import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPostgresStore } from '../../chassis/stores/postgres.ts'
import type { Db, Endpoint, PostgresStore, TransactionOptions } from '../../chassis/stores/postgres.ts'
import { constraints } from '../constraints.ts'
import { addUser, createTestDatabase } from './core.ts'
import type { TestDatabase, TestUser } from './core.ts'

/** The transaction function on a pool of one connection: whatever one transaction leaves behind, the next would find. */

let database: TestDatabase
let store: PostgresStore
let ada: TestUser
let bob: TestUser
const errors: unknown[] = []
const onError = (error: unknown) => void errors.push(error)

beforeAll(async () => {
  database = await createTestDatabase()
  store = await createPostgresStore({ endpoint: database.endpoint, constraints, onError, max: 1 })
  ada = await addUser(database, 'candidate')
  bob = await addUser(database, 'candidate')
  for (const { userId } of [ada, bob]) {
    await database.admin.query('INSERT INTO candidate_profiles (user_id) VALUES ($1)', [userId])
  }
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

const as = (user: TestUser, extra: Partial<TransactionOptions> = {}): TransactionOptions => ({
  ...user,
  clientIp: '192.0.2.1',
  aggregates: [],
  ...extra,
})
const owners = async (db: Db) =>
  (await db.query<{ id: string }>('SELECT user_id AS id FROM candidate_profiles')).map((r) => r.id)
const backend = async (db: Db) => (await db.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]?.pid

describe('identity', () => {
  test('two people on one connection never see each other’s rows, in any order and after failures', async () => {
    const pids = new Set<number | undefined>()
    const work = Array.from({ length: 60 }, async (_, i) => {
      const user = i % 2 === 0 ? ada : bob
      const seen = store.transaction(as(user), async (db) => {
        pids.add(await backend(db))
        if (i % 7 === 3) await db.query('SELECT 1/0')
        if (i % 7 === 5) throw new Error('changed my mind')
        return owners(db)
      })
      const failed = i % 7 === 3 || i % 7 === 5
      if (failed) await expect(seen).rejects.toThrow()
      else expect(await seen).toEqual([user.userId])
    })
    await Promise.all(work)
    expect(pids.size).toBe(1)
  })

  test('nothing of a caller outlives the transaction on its connection', async () => {
    const left = await store.transaction(as(ada), async (db) => {
      await db.query('COMMIT')
      const [settings] = await db.query(
        `SELECT current_user AS role, current_setting('app.current_user_id') AS person,
                current_setting('app.client_ip') AS ip, current_setting('statement_timeout') AS timeout`,
      )
      // The login has no rights of its own.
      const rows = await owners(db).catch((error: unknown) => (error as { code: string }).code)
      await db.query('ROLLBACK; BEGIN')
      return { settings, rows }
    })
    expect(left).toEqual({ settings: { role: database.login, person: '', ip: '', timeout: '0' }, rows: '42501' })
  })

  test('the caller’s role, address and timeout are those of the transaction', async () => {
    const rows = await store.transaction(as(ada, { statementTimeoutMs: 1234 }), (db) =>
      db.query(
        `SELECT current_user AS role, current_setting('app.client_ip') AS ip, current_setting('statement_timeout') AS timeout`,
      ),
    )
    expect(rows).toEqual([{ role: 'authenticated_users', ip: '192.0.2.1', timeout: '1234ms' }])
  })

  test.each([
    ['a role that is none', { role: 'postgres; --' }],
    ['a role from a prototype', { role: 'toString' }],
    ['a user id that is none', { userId: "x' OR true" }],
    ['an address that is none', { clientIp: '1.2.3.4; DROP TABLE users' }],
    ['an aggregate without an id', { aggregates: ["job:'); DROP TABLE users; --"] }],
    ['an aggregate without a type', { aggregates: [`x', NULL); --:${randomUUID()}`] }],
  ])('%s never reaches the database', async (_name, extra) => {
    await expect(store.transaction(as(ada, extra as Partial<TransactionOptions>), owners)).rejects.toThrow(TypeError)
    expect(await store.transaction(as(ada), owners)).toEqual([ada.userId])
  })
})

const pooler = process.env['TEST_PGBOUNCER_URL']
test.skipIf(!pooler)(
  'through PgBouncer, 40 clients on its few connections: own rows only, nothing left behind',
  async () => {
    // As its superuser, whom this pooler knows: the role of each transaction takes those rights away.
    const { hostname: host, port, username: user, password } = new URL(pooler ?? '')
    const endpoint = async () => {
      const direct = await database.endpoint()
      return { ...direct, config: { ...direct.config, host, port: Number(port), user, password } }
    }
    const pooled = await createPostgresStore({ endpoint, onError, max: 40 })
    const pids = new Set<number | undefined>()
    await Promise.all(
      Array.from({ length: 400 }, async (_, i) => {
        const person = i % 2 === 0 ? ada : bob
        const seen = pooled.transaction(as(person), async (db) => {
          pids.add(await backend(db))
          if (i % 5 === 0) await db.query('SELECT 1/0')
          return owners(db)
        })
        if (i % 5 === 0) await expect(seen).rejects.toMatchObject({ code: '22012' })
        else expect(await seen).toEqual([person.userId])
      }),
    )
    // Otherwise nobody shared anything.
    expect(pids.size).toBeLessThan(40)
    await pooled.close()
  },
)

describe('transactions', () => {
  test('all or nothing', async () => {
    const rename = async (db: Db) => {
      await db.query(`UPDATE candidate_profiles SET first_name = 'Changed'`)
      throw new Error('no')
    }
    await expect(store.transaction(as(ada), rename)).rejects.toThrow('no')
    const names = await store.transaction(as(ada), (db) => db.query('SELECT first_name FROM candidate_profiles'))
    expect(names).toEqual([{ first_name: null }])
  })

  test('an error that was swallowed inside is no success', async () => {
    const careless = (db: Db) => db.query('SELECT 1/0').catch(() => [])
    await expect(store.transaction(as(ada), careless)).rejects.toThrow('rolled back')
  })

  test('read only means read only', async () => {
    const write = (db: Db) => db.query(`UPDATE candidate_profiles SET first_name = 'X'`)
    await expect(store.transaction(as(ada, { readOnly: true }), write)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('a statement that takes too long ends, and the connection serves on', async () => {
    const before = await store.transaction(as(ada), backend)
    const slow = (db: Db) => db.query('SELECT pg_sleep(5)')
    await expect(store.transaction(as(ada, { statementTimeoutMs: 50 }), slow)).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    })
    expect(await store.transaction(as(ada), backend)).toBe(before)
  })

  test('a connection that breaks is replaced, and the answer is "not now"', async () => {
    const before = await store.transaction(as(ada), backend)
    const broken = store.transaction(as(ada), async (db) => {
      await database.admin.query('SELECT pg_terminate_backend($1)', [before])
      return owners(db)
    })
    await expect(broken).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await store.transaction(as(ada), backend)).not.toBe(before)
    expect(await store.answers(2_000)).toBe(true)
  })

  test('aggregates are locked in one order: no deadlock, and one after the other', async () => {
    const two = await createPostgresStore({ endpoint: database.endpoint, onError, max: 2 })
    const [a, b] = [`job:${randomUUID()}`, `job:${randomUUID()}`]
    const running: string[] = []
    const work = (name: string) => async (db: Db) => {
      running.push(`${name} in`)
      await db.query('SELECT pg_sleep(0.05)')
      running.push(`${name} out`)
    }
    for (let i = 0; i < 5; i++) {
      await Promise.all([
        two.transaction(as(ada, { aggregates: [a, b] }), work('one')),
        two.transaction(as(bob, { aggregates: [b, a] }), work('two')),
      ])
    }
    await two.close()
    expect(running).toHaveLength(20)
    for (let i = 0; i < running.length; i += 2) expect(running[i + 1]).toBe(running[i]?.replace('in', 'out'))
  })
})

test('the lock is the one the database’s own functions take', async () => {
  const id = randomUUID()
  const client = await database.admin.connect()
  await client.query('BEGIN')
  await client.query(`SELECT lock_aggregate('job', $1)`, [id])
  const locking = (aggregate: string) =>
    store.transaction(as(ada, { aggregates: [aggregate], statementTimeoutMs: 200 }), owners)
  await expect(locking(`job:${id}`)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  expect(await locking(`candidate:${id}`)).toEqual([ada.userId])
  await client.query('ROLLBACK')
  client.release()
  expect(await locking(`job:${id}`)).toEqual([ada.userId])
})

describe('a binding that changes', () => {
  test('a rotated password is picked up when the old one is refused, and connections move to another user', async () => {
    let endpoint = await database.endpoint()
    const rotating = await createPostgresStore({ endpoint: async () => endpoint, onError, max: 1, refreshMs: 600_000 })
    expect(await rotating.transaction(as(ada), owners)).toEqual([ada.userId])

    const refused: Endpoint = {
      text: 'refused',
      config: { ...endpoint.config, password: 'wrong', user: 'nobody_at_all' },
    }
    const good = endpoint
    endpoint = refused
    const stale = await createPostgresStore({ endpoint: async () => endpoint, onError, max: 1, refreshMs: 600_000 })
    await expect(stale.transaction(as(ada), owners)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await stale.answers(1_000)).toBe(false)
    endpoint = good
    expect(await stale.transaction(as(ada), owners)).toEqual([ada.userId])
    await Promise.all([stale.close(), rotating.close()])
  })

  test('requests that wait for a connection when the binding changes are served too', async () => {
    const first = await database.endpoint()
    let endpoint = first
    const rotating = await createPostgresStore({ endpoint: async () => endpoint, onError, max: 1, refreshMs: 20 })
    const pause = (db: Db) => db.query('SELECT pg_sleep(0.1)')
    const waiting = Array.from({ length: 5 }, () => rotating.transaction(as(ada), pause))
    expect(rotating.pool().waiting).toBe(4)
    endpoint = { ...first, text: 'new' }
    const settled = await Promise.allSettled(waiting)
    expect(settled.map(({ status }) => status)).toEqual(Array(5).fill('fulfilled'))
    await rotating.close()
    const { rows } = await database.admin.query('SELECT FROM pg_stat_activity WHERE usename = $1', [database.login])
    // Those of `store` itself.
    expect(rows.length).toBeLessThanOrEqual(1)
  })

  test('a changed file means new connections at the next interval; a transaction under way ends on its own', async () => {
    const first = await database.endpoint()
    let endpoint = first
    const rotating = await createPostgresStore({ endpoint: async () => endpoint, onError, max: 1, refreshMs: 20 })
    let before: number | undefined
    await rotating.transaction(as(ada), async (db) => {
      before = await backend(db)
      endpoint = { ...first, text: 'new' }
      await db.query('SELECT pg_sleep(0.2)')
      expect(await owners(db)).toEqual([ada.userId])
    })
    expect(await rotating.transaction(as(ada), backend)).not.toBe(before)
    await rotating.close()
  })
})

test('every constraint the service explains exists, and every foreign key and unique constraint it can meet is explained', async () => {
  const { rows } = await database.admin.query<{ name: string; kind: string; definition: string }>(
    `SELECT c.conname AS name, c.contype AS kind, pg_get_constraintdef(c.oid) AS definition
       FROM pg_constraint c
      WHERE c.conrelid::regclass::text IN ('candidate_profiles', 'candidate_skills', 'job_postings', 'job_required_skills',
                                           'companies', 'company_members')
     UNION ALL
     SELECT tgname, 't', '' FROM pg_trigger WHERE tgfoid = 'check_user_type'::regproc AND tgparentid = 0`,
  )
  const existing = new Set(rows.map((row) => row.name))
  expect(Object.keys(constraints).filter((name) => !existing.has(name))).toEqual([])

  // Ids that the path already proved, or that the service itself takes care of.
  const unreachable = [
    'candidate_skills_candidate_id_fkey',
    'candidate_skills_unique',
    'company_members_company_id_fkey',
    'job_required_skills_job_id_fkey',
    'job_required_skills_unique',
  ]
  const met = rows.filter(({ kind, definition }) => 'fut'.includes(kind) || /[a-z_]+ <= [a-z_]+/.test(definition))
  const unexplained = met.map((row) => row.name).filter((name) => !(name in constraints) && !unreachable.includes(name))
  expect(unexplained).toEqual([])
})
