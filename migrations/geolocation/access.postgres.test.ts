import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Query, Role } from '../testing/database.ts'
import { addPerson, addPlace, prefer } from './testing/places.ts'

const db = testDatabase('geolocation')
const refused = { code: '42501' }
const admin = randomUUID()
type Person = Awaited<ReturnType<typeof addPerson>>
let self: Person, other: Person
let shared: string

beforeAll(async () => {
  self = await addPerson(db.query)
  other = await addPerson(db.query)
  shared = await addPlace(db.query, 50, 8)
  await db.query(
    `INSERT INTO distance_calculations (origin_location_id, destination_location_id) VALUES ($1, $2), ($3, $2)`,
    [self.home, shared, other.home],
  )
})

const roles: Role[] = ['authenticated_users', 'recruiter_role', 'admin_role']

/** Which of the places and preferences that matter somebody sees. */
const seen = (role: Role, userId: string | null) =>
  db.as(role, userId, async (query) => {
    const places = await query(`SELECT location_id AS id FROM locations`)
    const names = new Map(
      Object.entries({ own: self.home, other: other.home, shared, liked: self.liked }).map(([name, id]) => [id, name]),
    )
    return places.flatMap(({ id }) => names.get(id as string) ?? []).sort()
  })
const preferences = (role: Role, userId: string | null) =>
  db.as(role, userId, async (query) =>
    (await query(`SELECT user_id, location_type FROM user_location_preferences`)).map(
      (row) => row['user_id'] as string,
    ),
  )

describe('reading', () => {
  test('a person sees the own and the shared places', async () => {
    expect(await seen('authenticated_users', self.userId)).toEqual(['liked', 'own', 'shared'])
    expect(await seen('authenticated_users', randomUUID())).toEqual(['liked', 'shared'])
  })

  test.each([null, ''])('without identity (%j) there is nothing', async (identity) => {
    expect(await seen('authenticated_users', identity)).toEqual([])
    expect(await preferences('authenticated_users', identity)).toEqual([])
  })

  test('a forged identity is refused', async () => {
    await expect(seen('authenticated_users', `' OR true --`)).rejects.toMatchObject({ code: '22P02' })
  })

  test.each(['recruiter_role', 'admin_role'] as const)('%s sees no private place, whoever it is', async (role) => {
    expect(await seen(role, self.userId)).toEqual(['liked', 'shared'])
  })

  test('preferences: the own ones; an administrator all, without habits; a recruiter none', async () => {
    expect(await preferences('authenticated_users', self.userId)).toEqual([self.userId, self.userId])
    expect((await preferences('admin_role', admin)).sort()).toEqual(
      [self.userId, self.userId, other.userId, other.userId].sort(),
    )
    await expect(preferences('recruiter_role', self.userId)).rejects.toMatchObject(refused)
    const habits = (query: Query) => query(`SELECT transport_modes FROM user_location_preferences`)
    await expect(db.as('admin_role', admin, habits)).rejects.toMatchObject(refused)
  })

  test.each(roles)('%s reads distances through functions only', async (role) => {
    await expect(
      db.as(role, self.userId, (query) => query('SELECT * FROM distance_calculations')),
    ).rejects.toMatchObject(refused)
    await expect(db.as(role, self.userId, (query) => query('SELECT * FROM outbox_events'))).rejects.toMatchObject(
      refused,
    )
  })

  test('a region is all that a recruiter learns of a home, and a person has no access to it', async () => {
    const region = (role: Role) =>
      db.as(role, randomUUID(), (query) => query(`SELECT * FROM candidate_region($1)`, [self.userId]))
    expect(await region('recruiter_role')).toEqual([{ region: 'Auvergne-Rhône-Alpes', country_code: 'FR' }])
    await expect(region('authenticated_users')).rejects.toMatchObject(refused)
    expect(
      await db.as('recruiter_role', randomUUID(), (query) =>
        query(`SELECT * FROM candidate_region($1)`, [randomUUID()]),
      ),
    ).toEqual([])
  })

  test.each(roles)('%s never finds a private place near by', async (role) => {
    const found = await db.as(role, self.userId, async (query) => [
      ...(await query(`SELECT location_id FROM find_nearby_locations(45.76, 4.83, 20037)`)),
      ...(await query(`SELECT location_id FROM find_nearest_locations(45.76, 4.83, 1000)`)),
    ])
    const ids = found.map((row) => row['location_id'])
    expect(ids).toContain(shared)
    expect(ids).not.toContain(self.home)
    expect(ids).not.toContain(other.home)
  })
})

describe('writing', () => {
  test('a person adds, changes and deletes the own places and preferences', async () => {
    const userId = randomUUID()
    await db.as('authenticated_users', userId, async (query) => {
      const home = await addPlace(query, 47, 7, userId)
      await prefer(query, userId, home, 'home')
      expect(await query(`UPDATE locations SET city = 'Basel' RETURNING location_id`)).toEqual([{ location_id: home }])
      expect(await query(`UPDATE user_location_preferences SET is_flexible = TRUE RETURNING user_id`)).toEqual([
        { user_id: userId },
      ])
      expect(await query(`DELETE FROM locations RETURNING location_id`)).toEqual([{ location_id: home }])
      expect(await query(`SELECT FROM user_location_preferences`)).toEqual([])
    })
  })

  test.each<[string, Role, (query: Query) => Promise<unknown>]>([
    ['a place for somebody else', 'authenticated_users', (query) => addPlace(query, 1, 1, other.userId)],
    ['a shared place as a person', 'authenticated_users', (query) => addPlace(query, 1, 1)],
    ['a private place as recruiter', 'recruiter_role', (query) => addPlace(query, 1, 1, self.userId)],
    ['a private place as administrator', 'admin_role', (query) => addPlace(query, 1, 1, self.userId)],
    [
      'a preference for somebody else',
      'authenticated_users',
      (query) => prefer(query, other.userId, shared, 'preferred'),
    ],
    [
      'a place to another owner',
      'authenticated_users',
      (query) => query(`UPDATE locations SET owner_user_id = $1`, [other.userId]),
    ],
    ['a place to everybody', 'authenticated_users', (query) => query(`UPDATE locations SET owner_user_id = NULL`)],
    [
      'a preference to somebody else',
      'authenticated_users',
      (query) => query(`UPDATE user_location_preferences SET user_id = $1`, [other.userId]),
    ],
    ['a shared place as recruiter', 'recruiter_role', (query) => query(`UPDATE locations SET city = 'x'`)],
    ['a deletion as recruiter', 'recruiter_role', (query) => query(`DELETE FROM locations`)],
    ['a preference as administrator', 'admin_role', (query) => prefer(query, self.userId, shared, 'excluded')],
  ])('refuses %s', async (_, role, work) => {
    await expect(db.as(role, self.userId, work)).rejects.toMatchObject(refused)
  })

  test('a person cannot touch what is shared or another’s', async () => {
    const touched = (sql: string) =>
      db.as('authenticated_users', self.userId, (query) => query(sql, [[shared, other.home]]))
    expect(await touched(`UPDATE locations SET city = 'x' WHERE location_id = ANY ($1) RETURNING city`)).toEqual([])
    expect(await touched(`DELETE FROM locations WHERE location_id = ANY ($1) RETURNING city`)).toEqual([])
  })

  test('a recruiter adds shared places, with an identity; an administrator keeps them', async () => {
    const id = await db.as('recruiter_role', randomUUID(), (query) => addPlace(query, 51, 9))
    await expect(db.as('recruiter_role', null, (query) => addPlace(query, 51, 10))).rejects.toMatchObject(refused)
    const renamed = await db.as('admin_role', admin, (query) =>
      query(`UPDATE locations SET city = 'Kassel' WHERE location_id = $1 RETURNING city`, [id]),
    )
    expect(renamed).toEqual([{ city: 'Kassel' }])
    expect(
      await db.as('admin_role', admin, (query) =>
        query(`DELETE FROM locations WHERE location_id = $1 RETURNING city`, [id]),
      ),
    ).toHaveLength(1)
    expect(
      await db.as('admin_role', admin, (query) =>
        query(`DELETE FROM locations WHERE location_id = $1 RETURNING city`, [self.home]),
      ),
    ).toEqual([])
  })
})

describe('cached distances', () => {
  const read = (userId: string, origin: string, destination: string) =>
    db.as('authenticated_users', userId, (query) =>
      query(
        `SELECT driving_distance_km, walking_time_minutes, straight_line_distance_km FROM cached_distance($1, $2)`,
        [origin, destination],
      ),
    )
  const keep = (userId: string, origin: string, destination: string, km: number) =>
    db.as('authenticated_users', userId, (query) =>
      one(query, `SELECT cache_distance($1, $2, 'osrm', $3, p_walking_minutes => 9)`, [origin, destination, km]),
    )

  test('are kept for an hour, refreshed with their expiry, and read until then (D-105)', async () => {
    const [a, b] = [await addPlace(db.query, 48.8566, 2.3522), await addPlace(db.query, 45.764, 4.8357)]
    const id = await keep(self.userId, a, b, 465)
    const straight = await one(db.query, `SELECT calculate_distance_km(48.8566, 2.3522, 45.764, 4.8357)::numeric(8,2)`)
    expect(await read(self.userId, a, b)).toEqual([
      { driving_distance_km: '465.00', walking_time_minutes: 9, straight_line_distance_km: straight },
    ])
    expect(await read(self.userId, b, a)).toEqual([])
    await db.query(
      `UPDATE distance_calculations SET cache_expires_at = now() - interval '1 s' WHERE calculation_id = $1`,
      [id],
    )
    expect(await read(self.userId, a, b)).toEqual([])
    expect(await keep(self.userId, a, b, 466)).toBe(id)
    expect(await read(self.userId, a, b)).toMatchObject([{ driving_distance_km: '466.00' }])
    expect(
      await one<boolean>(
        db.query,
        `SELECT cache_expires_at > now() + interval '59 min' FROM distance_calculations WHERE calculation_id = $1`,
        [id],
      ),
    ).toBe(true)
  })

  test('of a private place are its owner’s', async () => {
    expect(await read(self.userId, self.home, shared)).toHaveLength(1)
    expect(await read(other.userId, self.home, shared)).toEqual([])
    await expect(keep(other.userId, self.home, shared, 1)).rejects.toMatchObject(refused)
    await expect(keep(other.userId, shared, self.home, 1)).rejects.toMatchObject(refused)
    await expect(keep(self.userId, shared, randomUUID(), 1)).rejects.toMatchObject(refused)
  })
})

test('the owner sees no place and no preference', async () => {
  const client = await db.connect(db.owner)
  for (const table of ['locations', 'user_location_preferences', 'distance_calculations', 'outbox_events'])
    expect((await client.query(`SELECT FROM ${table}`)).rowCount, table).toBe(0)
})
