import { randomUUID } from 'node:crypto'
import policies from './policies.json' with { type: 'json' }
import { testDatabase } from '../testing/database.ts'
import { addSharedRows, callersOf, each, is, sharedTables, testPolicies } from '../testing/policies.ts'
import { addPlace, prefer } from './testing/places.ts'

/** Two people with a place of their own each, and a shared place that one likes and the other does not. */
const db = testDatabase('geolocation')

testPolicies(db, policies, async (query) => {
  const [self, other] = [randomUUID(), randomUUID()]
  const places = {
    own: await addPlace(query, 45.76, 4.83, self),
    others: await addPlace(query, 45.77, 4.84, other),
    shared: await addPlace(query, 48.85, 2.35),
  }
  // Not of homes: whose those are a trigger decides, ahead of the policies.
  const preferences = {
    own: await prefer(query, self, places.shared, 'preferred'),
    others: await prefer(query, other, places.shared, 'excluded'),
  }
  await query(`INSERT INTO distance_calculations (origin_location_id, destination_location_id) VALUES ($1, $2)`, [
    places.own,
    places.shared,
  ])
  const third = randomUUID()
  await prefer(query, third, await addPlace(query, 45.78, 4.85, third), 'home')
  await addSharedRows(query)

  const place = (owner: string) =>
    `INSERT INTO locations (owner_user_id, formatted_address, city, country, country_code, coordinates)
     VALUES (${owner}, 'New', 'Lyon', 'France', 'FR', ST_SetSRID(ST_MakePoint(4, 45), 4326))`
  const preference = (user: string, type: string) =>
    `INSERT INTO user_location_preferences (user_id, location_id, location_type) VALUES ('${user}', '${places.shared}', '${type}')`

  return {
    callers: callersOf({ self, other, recruiter: randomUUID(), admin: randomUUID() }),
    tables: {
      ...sharedTables,
      locations: {
        rows: is('location_id', places),
        insert: { own: place(`'${self}'`), others: place(`'${other}'`), shared: place('NULL') },
        update: {
          keep: `city = 'x'`,
          'give away': `owner_user_id = '${other}'`,
          'take over': `owner_user_id = '${self}'`,
          share: 'owner_user_id = NULL',
        },
        blind: [`city = 'x'`, `owner_user_id = '${other}'`, 'owner_user_id = NULL'],
      },
      user_location_preferences: {
        rows: is('preference_id', preferences),
        insert: { own: preference(self, 'excluded'), others: preference(other, 'preferred') },
        update: { keep: 'is_flexible = TRUE', 'give away': `user_id = '${other}'` },
        blind: ['is_flexible = TRUE', `user_id = '${other}'`],
      },
      distance_calculations: {
        rows: { any: 'TRUE' },
        insert: {
          any: `INSERT INTO distance_calculations (origin_location_id, destination_location_id) VALUES ('${places.shared}', '${places.own}')`,
        },
        blind: ['walking_time_minutes = 9'],
      },
    },
    views: {},
    functions: {
      'app_can_see_location()': each(places, (id) => `WHERE app_can_see_location('${id}')`),
      'cache_distance()': each(places, (id) => `cache_distance('${places.shared}', '${id}', 'osrm')`),
      'cached_distance()': { own: `SELECT FROM cached_distance('${places.own}', '${places.shared}')` },
      'candidate_region()': { third: `SELECT FROM candidate_region('${third}')` },
      'shared_locations_nearest()': each(
        places,
        (id) => `FROM shared_locations_nearest(geographic_point(48.85, 2.35), 9) WHERE location_id = '${id}'`,
      ),
      'shared_locations_within()': each(
        places,
        (id) => `FROM shared_locations_within(geographic_point(48.85, 2.35), 1e6) WHERE location_id = '${id}'`,
      ),
    },
    personal: 'locations',
  }
})
