import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Query } from '../testing/database.ts'

const db = testDatabase('vault')
const refused = { code: '42501' }
const keeper = <T>(work: (query: Query) => Promise<T>) => db.as('key_keeper', null, work)
const wrapped = () => randomBytes(60)
const add = (userId: string, key: Buffer = wrapped(), kek = 'kek-1') =>
  keeper((query) =>
    one(query, `INSERT INTO data_keys (user_id, wrapped_key, kek_id) VALUES ($1, $2, $3) RETURNING key_id`, [
      userId,
      key,
      kek,
    ]),
  )

describe('one role', () => {
  test('keeps keys: makes, reads, wraps anew, retires and deletes them', async () => {
    const userId = randomUUID()
    const id = await add(userId)
    await keeper(async (query) => {
      const again = wrapped()
      await query(`UPDATE data_keys SET wrapped_key = $2, kek_id = 'kek-2' WHERE key_id = $1`, [id, again])
      expect(await query(`SELECT user_id, wrapped_key, kek_id FROM data_keys WHERE key_id = $1`, [id])).toEqual([
        { user_id: userId, wrapped_key: again, kek_id: 'kek-2' },
      ])
      await query(`UPDATE data_keys SET retired_at = now() WHERE key_id = $1`, [id])
      expect(await query(`DELETE FROM data_keys WHERE user_id = $1 RETURNING key_id`, [userId])).toEqual([
        { key_id: id },
      ])
    })
  })

  test('nobody else reads: not the login before it takes the role, not the owner, not who looks passwords up', async () => {
    await add(randomUUID())
    const read = async (login: string) => (await db.connect(login)).query('SELECT key_id FROM data_keys')
    await expect(read('supersmartmatch_vault_app_a')).rejects.toMatchObject(refused)
    await expect(read('pgbouncer_auth')).rejects.toMatchObject(refused)
    expect((await read(db.owner)).rowCount).toBe(0)
    const asOwner = await db.connect(db.owner)
    await expect(asOwner.query('SET ROLE key_keeper')).rejects.toMatchObject(refused)
    expect((await asOwner.query('DELETE FROM data_keys')).rowCount).toBe(0)
    await expect(
      asOwner.query(`INSERT INTO data_keys (user_id, wrapped_key, kek_id) VALUES (gen_random_uuid(), $1, 'k')`, [
        wrapped(),
      ]),
    ).rejects.toMatchObject(refused)
    // Nor does a role of the other databases, if they are on the same server.
    const stranger = await db.connect()
    await stranger.query(
      `DO $$ BEGIN CREATE ROLE authenticated_users NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$`,
    )
    await stranger.query('SET ROLE authenticated_users')
    await expect(stranger.query('SELECT key_id FROM data_keys')).rejects.toThrow('permission denied')
  })

  test.each(['key_id = gen_random_uuid()', 'user_id = gen_random_uuid()', 'created_at = now()'])(
    'never sets %s',
    async (change) => {
      await expect(keeper((query) => query(`UPDATE data_keys SET ${change}`))).rejects.toMatchObject(refused)
    },
  )
})

describe('keys', () => {
  test('a person has one that encrypts, however many ask at once, and any number that only decrypt', async () => {
    const userId = randomUUID()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, async () => {
        const client = await db.connect('supersmartmatch_vault_app_a')
        await client.query('SET ROLE key_keeper')
        return client.query(`INSERT INTO data_keys (user_id, wrapped_key, kek_id) VALUES ($1, $2, 'kek-1')`, [
          userId,
          wrapped(),
        ])
      }),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: '23505', constraint: 'data_keys_active' })
    await keeper((query) => query(`UPDATE data_keys SET retired_at = now() WHERE user_id = $1`, [userId]))
    await add(userId)
    expect(await keeper((query) => query(`SELECT FROM data_keys WHERE user_id = $1`, [userId]))).toHaveLength(2)
  })

  test.each<[string, Buffer, string]>([
    ['a key that nobody wrapped', randomBytes(32), 'kek-1'],
    ['something larger than any wrapped key', randomBytes(1025), 'kek-1'],
    ['a key without the name of the key around it', randomBytes(60), ''],
  ])('refuse %s', async (_, key, kek) => {
    await expect(add(randomUUID(), key, kek)).rejects.toMatchObject({ code: '23514' })
  })
})

test('there is nothing else', async () => {
  expect(
    await db.query(
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')`,
    ),
  ).toEqual([{ relname: 'data_keys' }])
  expect(await db.query(`SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`)).toEqual([])
})
