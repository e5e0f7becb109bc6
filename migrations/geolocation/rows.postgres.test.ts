import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import { addPerson, addPlace, prefer } from './testing/places.ts'

const db = testDatabase('geolocation')
const place = (columns: string, values: string) =>
  db.query(
    `INSERT INTO locations (formatted_address, city, country, country_code, coordinates${columns})
     VALUES ('${randomUUID()}', 'Lyon', 'France', 'FR', ST_SetSRID(ST_MakePoint(4.8, 45.7), 4326)${values})`,
  )
const at = (point: string) =>
  db.query(
    `INSERT INTO locations (formatted_address, city, country, country_code, coordinates)
     VALUES ('${randomUUID()}', 'Lyon', 'France', 'FR', ST_GeomFromText('${point}', 4326))`,
  )

describe('places', () => {
  test('two addresses at one point are two, one address twice is one (D-096 to D-098)', async () => {
    const owner = randomUUID()
    await addPlace(db.query, 45, 5, null, '1 Rue A')
    await addPlace(db.query, 45, 5, null, '2 Rue A')
    await addPlace(db.query, 45, 5, owner, '1 Rue A')
    for (const [who, address] of [
      [null, '1 Rue A'],
      [null, '  1  Rue\tA '],
      [owner, '1 Rue A'],
    ] as const)
      await expect(addPlace(db.query, 45, 5, who, address), String(who)).rejects.toMatchObject({
        code: '23505',
        constraint: 'locations_coordinates_idx',
      })
    // The same letter in two ways of writing it.
    await addPlace(db.query, 45, 5, null, 'Rue du Bœuf, Orléans'.normalize('NFD'))
    await expect(addPlace(db.query, 45, 5, null, 'Rue du Bœuf, Orléans'.normalize('NFC'))).rejects.toMatchObject({
      code: '23505',
    })
  })

  test('an upsert by the key refreshes the row, and updated_at', async () => {
    const id = await addPlace(db.query, 46, 5, null, 'Upsert')
    const [row] = await db.query(
      `INSERT INTO locations (formatted_address, city, country, country_code, coordinates, cache_expires_at)
       VALUES (' Upsert ', 'Lyon', 'France', 'FR', ST_SetSRID(ST_MakePoint(5, 46), 4326), now() + interval '60 days')
       ON CONFLICT ON CONSTRAINT locations_coordinates_idx DO UPDATE SET cache_expires_at = excluded.cache_expires_at
       RETURNING location_id, cache_expires_at > now() + interval '59 days' AS fresh, updated_at > created_at AS touched`,
    )
    expect(row).toEqual({ location_id: id, fresh: true, touched: true })
  })

  test.each([
    ['latitude 95', () => at('POINT(0 95)')],
    ['longitude -181', () => at('POINT(-181 0)')],
    ['no point (D-101)', () => at('POINT EMPTY')],
    ['an empty address', () => addPlace(db.query, 1, 1, null, ' \n ')],
    ['a long address', () => addPlace(db.query, 1, 1, null, 'x'.repeat(501))],
    ['a country of three letters', () => db.query(`UPDATE locations SET country_code = 'fr'`)],
    ['an unknown accuracy', () => place(', geocoding_accuracy', `, 'guess'`)],
    ['an unknown source', () => place(', geocoding_source', `, 'somebody'`)],
    ['an unknown type', () => place(', place_types', `, '{moon}'`)],
  ])('refuse %s', async (_, insert) => {
    await addPlace(db.query, 2, 2)
    await expect(insert()).rejects.toMatchObject({ code: '23514' })
  })

  test('take the poles and both sides of the antimeridian', async () => {
    for (const point of ['POINT(-180 90)', 'POINT(180 -90)', 'POINT(180 0)', 'POINT(-180 0)']) await at(point)
  })
})

describe('preferences', () => {
  test('home and work are places of the person’s own, others may be shared, never somebody else’s (D-106)', async () => {
    const { userId, home, liked } = await addPerson(db.query)
    const other = await addPerson(db.query)
    const refused = { code: '23514', constraint: 'user_location_preferences_location' }
    for (const type of ['home', 'work', 'preferred', 'excluded'])
      await expect(prefer(db.query, userId, other.home, type), type).rejects.toMatchObject(refused)
    for (const type of ['home', 'work'])
      await expect(prefer(db.query, userId, liked, type), type).rejects.toMatchObject(refused)
    await prefer(db.query, userId, liked, 'excluded')
    await prefer(db.query, userId, home, 'work')
    await expect(
      db.query(`UPDATE user_location_preferences SET location_type = 'work' WHERE location_id = $1`, [liked]),
    ).rejects.toMatchObject(refused)
  })

  test('one home a person (D-109), the same place once for a purpose', async () => {
    const { userId, home, liked } = await addPerson(db.query)
    const second = await addPlace(db.query, 45.77, 4.84, userId)
    await expect(prefer(db.query, userId, second, 'home')).rejects.toMatchObject({
      code: '23505',
      constraint: 'idx_user_location_preferences_home',
    })
    await expect(prefer(db.query, userId, liked, 'preferred')).rejects.toMatchObject({ code: '23505' })
    await prefer(db.query, userId, home, 'preferred')
  })

  test.each([
    `max_commute_distance_km = -1`,
    `max_commute_time_minutes = -1`,
    `transport_modes = '{teleport}'`,
    `location_type = 'moon'`,
  ])('refuse %s', async (change) => {
    const { homeId } = await addPerson(db.query)
    await expect(
      db.query(`UPDATE user_location_preferences SET ${change} WHERE preference_id = $1`, [homeId]),
    ).rejects.toMatchObject({ code: '23514' })
  })
})

describe('distances', () => {
  const add = (origin: string, destination: string) =>
    db.query(`INSERT INTO distance_calculations (origin_location_id, destination_location_id) VALUES ($1, $2)`, [
      origin,
      destination,
    ])

  test('one row a pair and direction, gone with either place (D-105, D-106)', async () => {
    const [a, b] = [await addPlace(db.query, 10, 10), await addPlace(db.query, 11, 11)]
    await add(a, b)
    await add(b, a)
    await expect(add(a, b)).rejects.toMatchObject({ code: '23505' })
    await db.query(`DELETE FROM locations WHERE location_id = $1`, [b])
    expect(await one(db.query, `SELECT count(*) FROM distance_calculations WHERE origin_location_id = $1`, [a])).toBe(
      '0',
    )
  })

  test.each([
    'straight_line_distance_km',
    'driving_distance_km',
    'driving_time_minutes',
    'public_transport_time_minutes',
    'walking_time_minutes',
    'cycling_time_minutes',
  ])('refuse a negative %s', async (column) => {
    await add(await addPlace(db.query, 12, 12), await addPlace(db.query, 13, 13))
    await expect(db.query(`UPDATE distance_calculations SET ${column} = -1`)).rejects.toMatchObject({ code: '23514' })
  })
})

describe('events', () => {
  const events = async (work: () => Promise<unknown>) => {
    const last = await one(db.query, `SELECT COALESCE(max(sequence), 0) FROM outbox_events`)
    await work()
    return db.query(
      `SELECT event_type AS type, aggregate_id AS id, event_data AS data FROM outbox_events WHERE sequence > $1 ORDER BY sequence`,
      [last],
    )
  }

  test('of preferences carry ids and changed columns, never values (D-108, D-175)', async () => {
    const { userId, home, homeId, liked, likedId } = await addPerson(db.query)
    const data = { user_id: userId, location_id: home }
    const update = (set: string) =>
      events(() => db.query(`UPDATE user_location_preferences SET ${set} WHERE preference_id = $1`, [homeId]))
    expect(await update(`max_commute_distance_km = 7, is_flexible = TRUE`)).toEqual([
      {
        type: 'location.preference.updated',
        id: homeId,
        data: { preference_id: homeId, ...data, changed_fields: ['is_flexible', 'max_commute_distance_km'] },
      },
    ])
    expect(await update(`is_flexible = TRUE`)).toEqual([])
    // A place that goes takes its preferences along, with their events; places themselves have none.
    expect(await events(() => db.query(`DELETE FROM locations WHERE location_id = $1`, [liked]))).toEqual([
      {
        type: 'location.preference.deleted',
        id: likedId,
        data: { preference_id: likedId, user_id: userId, location_id: liked },
      },
    ])
    expect(JSON.stringify(await db.query(`SELECT event_data FROM outbox_events`))).not.toMatch(/canary|walking|Lyon/i)
  })
})
