import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import type { Query } from '../testing/database.ts'
import { addPlace } from './testing/places.ts'

interface Point {
  lat: number
  lon: number
}
interface Found {
  id: string
  km: number
}

const db = testDatabase('geolocation')
const identity = `SELECT set_config('app.current_user_id', gen_random_uuid()::text, false)`

beforeAll(async () => {
  await db.query(identity)
})

const find = async (query: Query, call: string, values: unknown[]): Promise<Found[]> =>
  (await query(`SELECT location_id AS id, distance_km::float8 AS km FROM ${call}`, values)) as unknown as Found[]
const within = (query: Query, { lat, lon }: Point, km: number) =>
  find(query, 'find_nearby_locations($1::float8, $2::float8, $3::float8)', [lat, lon, km])
const nearest = (query: Query, { lat, lon }: Point, count: number) =>
  find(query, 'find_nearest_locations($1, $2, $3)', [lat, lon, count])

describe('against brute force', () => {
  /** Where mistakes live: the poles, the antimeridian, and just beside them. */
  const small = fc.double({ min: 0, max: 1e-3, noNaN: true })
  const latitude = fc.oneof(
    fc.constantFrom(-90, 0, 90),
    small.map((d) => 90 - d),
    small.map((d) => d - 90),
    fc.double({ min: -90, max: 90, noNaN: true }),
  )
  const longitude = fc.oneof(
    fc.constantFrom(-180, 0, 180),
    small.map((d) => 180 - d),
    small.map((d) => d - 180),
    fc.double({ min: -180, max: 180, noNaN: true }),
  )
  const point = fc.record({ lat: latitude, lon: longitude })
  /** Dense around one point, so that radiuses of metres meet something. */
  const crowd = fc
    .tuple(
      point,
      fc.array(
        fc.tuple(fc.double({ min: -1e-2, max: 1e-2, noNaN: true }), fc.double({ min: -1e-2, max: 1e-2, noNaN: true })),
        { maxLength: 40 },
      ),
    )
    .map(([centre, offsets]) =>
      offsets.map(([lat, lon]) => ({
        lat: Math.max(-90, Math.min(90, centre.lat + lat)),
        lon: ((centre.lon + lon + 540) % 360) - 180,
      })),
    )
  const places = fc
    .tuple(fc.array(point, { minLength: 1, maxLength: 40 }), crowd)
    .map(([scattered, crowded]) => [...scattered, ...crowded])

  const insert = (points: Point[]) =>
    db.query(
      `WITH gone AS (DELETE FROM locations)
       INSERT INTO locations (formatted_address, city, country, country_code, coordinates)
       SELECT 'p' || gen_random_uuid(), 'x', 'x', 'FR', ST_SetSRID(ST_MakePoint(lon, lat), 4326)
         FROM unnest($1::float8[], $2::float8[]) AS p(lat, lon)`,
      [points.map(({ lat }) => lat), points.map(({ lon }) => lon)],
    )

  /** Every place with its distance, without any index, nearest first. */
  const bruteForce = async ({ lat, lon }: Point): Promise<Found[]> =>
    (await db.query(
      `SELECT location_id AS id, ST_Distance(ST_MakePoint($2, $1)::geography, coordinates::geography) / 1000 AS km
         FROM locations ORDER BY ST_Distance(ST_MakePoint($2, $1)::geography, coordinates::geography), 1`,
      [lat, lon],
    )) as unknown as Found[]

  /** Distance on a sphere by the chord through it: no more than 0.6 % off the spheroid, and nothing like it computes PostGIS. */
  function sphere(a: Point, b: Point): number {
    const xyz = ({ lat, lon }: Point) => {
      const [phi, lambda] = [(lat * Math.PI) / 180, (lon * Math.PI) / 180]
      return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)]
    }
    const [p, q] = [xyz(a), xyz(b)]
    const chord = Math.hypot(...p.map((coordinate, index) => coordinate - (q[index] ?? 0)))
    return 2 * 6371.0088 * Math.asin(Math.min(1, chord / 2))
  }

  const numRuns = process.env['SLOW'] === '1' ? 200 : 30

  /** The index must be what is tested, however few the rows. */
  beforeAll(async () => {
    await db.query('SET enable_seqscan = off')
  })

  test('within a radius', async () => {
    const radius = fc.oneof(
      fc.constantFrom(0, 20_100),
      fc.double({ min: 0, max: 2, noNaN: true }),
      fc.double({ min: 0, max: 20_100, noNaN: true }),
    )
    await fc.assert(
      fc.asyncProperty(places, point, radius, fc.boolean(), async (points, anywhere, km, amid) => {
        await insert(points)
        const centre = amid ? (points[0] ?? anywhere) : anywhere
        const expected = (await bruteForce(centre)).filter((found) => found.km <= km)
        expect(await within(db.query, centre, km)).toEqual(expected)
      }),
      { numRuns },
    )
  })

  test('nearest', async () => {
    await fc.assert(
      fc.asyncProperty(places, point, fc.integer({ min: 1, max: 150 }), async (points, centre, count) => {
        await insert(points)
        expect(await nearest(db.query, centre, count)).toEqual((await bruteForce(centre)).slice(0, count))
      }),
      { numRuns },
    )
  })

  test('the distance is that of a sphere but for the flattening, the same both ways, and 0 at a pole whatever the longitude', async () => {
    const distance = (a: Point, b: Point) =>
      one<number>(db.query, `SELECT calculate_distance_km($1::float8, $2::float8, $3::float8, $4::float8)`, [
        a.lat,
        a.lon,
        b.lat,
        b.lon,
      ])
    await fc.assert(
      fc.asyncProperty(point, point, async (a, b) => {
        const km = await distance(a, b)
        const round = sphere(a, b)
        expect(Math.abs(km - round)).toBeLessThanOrEqual(0.006 * round + 1e-6)
        expect(await distance(b, a)).toBeCloseTo(km, 6)
        for (const lat of [90, -90]) expect(await distance({ lat, lon: a.lon }, { lat, lon: b.lon })).toBeLessThan(1e-6)
      }),
      { numRuns: 100 },
    )
  })
})

describe('arguments', () => {
  test('Paris, Versailles, London, Lyon', async () => {
    await db.query('DELETE FROM locations')
    const places = {
      Lyon: [45.764, 4.8357],
      London: [51.5074, -0.1278],
      Versailles: [48.8049, 2.1204],
      Paris: [48.8566, 2.3522],
    } as const
    for (const [name, [lat, lon]] of Object.entries(places)) await addPlace(db.query, lat, lon, null, name)
    const rows = await db.query(
      `SELECT formatted_address AS name, round(distance_km::numeric, 2) AS km FROM find_nearby_locations(48.8566, 2.3522, 400)`,
    )
    expect(rows).toEqual([
      { name: 'Paris', km: '0.00' },
      { name: 'Versailles', km: '17.96' },
      { name: 'London', km: '343.92' },
      { name: 'Lyon', km: '391.71' },
    ])
  })

  test.each([
    ['literals', `48.8566, 2.3522`],
    ['text', `'48.8566', '2.3522'`],
    ['integers', `48, 2`],
    ['DECIMAL', `48.8566::numeric, 2.3522::numeric`],
    ['double precision', `48.8566::float8, 2.3522::float8`],
  ])('of %s fit, with a radius of 50 km when none is given (D-102)', async (_, centre) => {
    const found = await db.query(`SELECT formatted_address AS name FROM find_nearby_locations(${centre})`)
    expect(found.length).toBe(centre === '48, 2' ? 0 : 2)
    expect(await one<number>(db.query, `SELECT calculate_distance_km(${centre}, 0, 0)::float8`)).toBeGreaterThan(5000)
  })

  test('half a kilometre is half a kilometre, and the type of the answer is that of the question', async () => {
    const types = `SELECT pg_typeof(distance_km)::text AS type, formatted_address AS name FROM`
    expect(await db.query(`${types} find_nearby_locations(48.8566::numeric, 2.3522::numeric, 0.5)`)).toEqual([
      { type: 'numeric', name: 'Paris' },
    ])
    expect(await db.query(`${types} find_nearby_locations(48.8566::float8, 2.3522::float8, 0.5)`)).toEqual([
      { type: 'double precision', name: 'Paris' },
    ])
  })

  test('NULL gives nothing', async () => {
    expect(await db.query(`SELECT * FROM find_nearby_locations(NULL::numeric, 2, 3)`)).toEqual([])
    expect(await one(db.query, `SELECT calculate_distance_km(NULL::float8, 1, 2, 3)`)).toBeNull()
  })

  test.each([
    ['find_nearby_locations(95, 0)', 'latitude 95'],
    ['find_nearby_locations(0, 181)', 'longitude 181'],
    [`find_nearby_locations('NaN'::float8, 0, 1)`, 'latitude NaN'],
    ['find_nearby_locations(0, 0, -1)', 'radius of -1 km'],
    [`find_nearby_locations(0::float8, 0, 'NaN')`, 'radius of NaN km'],
    ['find_nearest_locations(-91, 0)', 'latitude -91'],
    ['find_nearest_locations(0, 0, 0)', 'max_results 0'],
    ['find_nearest_locations(0, 0, 1001)', 'max_results 1001'],
    ['calculate_distance_km(1, 2, -90.1, 3)', 'latitude -90.1'],
    ['calculate_distance_km(1::numeric, 200, 3, 4)', 'longitude 200'],
  ])('%s is refused', async (call, message) => {
    await expect(db.query(`SELECT * FROM ${call}`)).rejects.toMatchObject({
      code: '22003',
      message: expect.stringContaining(message) as string,
    })
  })

  test('a radius beyond the earth finds everything', async () => {
    for (const radius of ['25000', '1e12', `'Infinity'`])
      expect(await db.query(`SELECT FROM find_nearby_locations(-48.8, -177.6, ${radius})`), radius).toHaveLength(4)
  })
})

test.each(['authenticated_users', 'recruiter_role', 'admin_role'] as const)(
  'as %s the index is used among 50,000 places',
  async (role) => {
    if (Number(await one(db.query, 'SELECT count(*) FROM locations')) < 50_000) {
      await db.query(`INSERT INTO locations (formatted_address, city, country, country_code, coordinates)
                    SELECT 'q' || n, 'x', 'x', 'FR', ST_SetSRID(ST_MakePoint(random() * 360 - 180, random() * 180 - 90), 4326)
                      FROM generate_series(1, 50000) n`)
      await db.query('ANALYZE locations')
    }
    const client = await db.connect()
    await client.query(`${identity}; BEGIN; SET LOCAL ROLE ${role}`)
    await client.query(`SELECT FROM find_nearby_locations(48.8, 2.3, 10)`)
    expect((await client.query(`SELECT FROM find_nearest_locations(48.8, 2.3, 5)`)).rowCount).toBe(5)
    await client.query('RESET ROLE')
    const { rows } = await client.query(
      `SELECT seq_scan, seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'locations'`,
    )
    expect(rows).toEqual([{ seq_scan: '0', seq_tup_read: '0' }])
    await client.query('ROLLBACK')
  },
)
