import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../migrations/testing/database.ts'
import { compare, figure, timed } from './compare.ts'

/** Places within 10 km among 500,000, by our function and by the specified one. */
const db = testDatabase('geolocation')
const points = 500_000
const km = 10
let client: pg.Client

beforeAll(async () => {
  client = await db.connect()
  // Around 500 towns over Europe, denser in their middles.
  await client.query(`
    SET session_replication_role = replica;
    SELECT set_config('app.current_user_id', gen_random_uuid()::text, false);
    SELECT setseed(0.5);
    DROP INDEX idx_locations_coordinates, idx_locations_coordinates_geog, idx_locations_city, idx_locations_country;
    INSERT INTO locations (formatted_address, city, country, country_code, coordinates)
    SELECT 'place ' || n, 'town', 'France', 'FR',
           ST_SetSRID(ST_MakePoint(-5 + (town * 7919 % 25000) / 1000.0 + 0.2 * (random() + random() - 1),
                                   42 + (town * 104729 % 13000) / 1000.0 + 0.15 * (random() + random() - 1)), 4326)
      FROM generate_series(1, ${points}) n CROSS JOIN LATERAL (SELECT n % 500) t(town);
    CREATE INDEX idx_locations_coordinates ON locations USING gist (coordinates);
    CREATE INDEX idx_locations_coordinates_geog ON locations USING gist ((coordinates::geography));
    ANALYZE locations`)
  await client.query(await readFile(join(import.meta.dirname, 'specified/nearby.sql'), 'utf8'))
}, 900_000)

type Found = { location_id: string }[]

/** Ids of the places within reach of a point. */
const ids = async (sql: string, lat: number, lon: number): Promise<string[]> => {
  const { rows } = await client.query<Found[number]>(sql, [lat, lon])
  return rows.map((row) => row.location_id).sort()
}
const ours = `SELECT location_id FROM public.find_nearby_locations($1::float8, $2::float8, ${km}::float8)`
const theirs = `SELECT location_id FROM specified.find_nearby_locations($1, $2, ${km})`
/** Each row asked, past every index and function of ours. */
const brute = `SELECT location_id FROM specified.locations
                WHERE ST_Distance(coordinates::geography, ST_SetSRID(ST_MakePoint($2, $1), 4326)::geography, true) <= ${km * 1000}`

const centres = Array.from({ length: 50 }, (_, i): [lat: number, lon: number] => [
  42 + ((i * 31 * 104729) % 13000) / 1000,
  -5 + ((i * 31 * 7919) % 25000) / 1000,
])

test(
  `places within ${km} km of ${points} are found at least 100 times as fast as by the specified function`,
  { timeout: 600_000 },
  async () => {
    let hits = 0
    for (const [lat, lon] of centres.slice(0, 5)) {
      const found = await ids(ours, lat, lon)
      expect(found).toEqual(await ids(brute, lat, lon))
      expect(found).toEqual(await ids(theirs, lat, lon))
      hits += found.length
    }
    expect(hits).toBeGreaterThan(500)

    const all = async () => {
      const ms = await timed(async () => {
        for (const [lat, lon] of centres) await client.query(ours, [lat, lon])
      })
      return ms / centres.length
    }
    let turn = 0
    const one = async () => timed(() => client.query(theirs, centres[turn++ % centres.length]))
    const { ours: fast, theirs: slow, ratio } = await compare(all, one)
    console.log(
      `nearby, ${points} points, ${km} km: ${figure(fast)} ms, specified ${figure(slow)} ms, ${figure(ratio)} times`,
    )
    expect(ratio).toBeGreaterThan(100)
  },
)
