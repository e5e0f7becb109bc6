import matrix from './matrix.json' with { type: 'json' }
import { testDatabase } from '../testing/database.ts'
import { idOf } from '../testing/many.ts'
import { testPlans } from '../testing/plans.ts'
import { fillGeolocation } from './testing/many.ts'

/** Every function, trigger, policy and job, with 200,000 rows in each table: by which plans its statements ran. */
const db = testDatabase('geolocation')

testPlans(db, {
  matrix,
  fill: async (query) => {
    await fillGeolocation(query, 200_000)
    const kinds = ['user', 'recruiter', 'admin', 'home', 'place', 'preference', 'held']
    const [ids = {}] = await query(`SELECT ${kinds.map((kind) => `${idOf(kind, 1)} AS ${kind}`).join()}`)
    return ids as Record<string, string>
  },
  calls: {
    'app_can_see_location(uuid)': [`app_can_see_location('{home}')`],
    'cache_distance(uuid,uuid,text,numeric,integer,integer,integer,integer,text,jsonb,jsonb)': [
      `cache_distance((SELECT location_id FROM locations WHERE city = 'city 7' AND owner_user_id IS NULL LIMIT 1), '{place}', 'osrm', 3)`,
    ],
    'cached_distance(uuid,uuid)': [`cached_distance('{home}', '{place}')`],
    'calculate_distance_km(double precision,double precision,double precision,double precision)': [
      'calculate_distance_km(45.76::double precision, 4.83, 48.85, 2.35)',
    ],
    'calculate_distance_km(numeric,numeric,numeric,numeric)': ['calculate_distance_km(45.76, 4.83, 48.85, 2.35)'],
    'candidate_region(uuid)': [`candidate_region('{user}')`],
    'current_app_user()': ['current_app_user()'],
    'derived_columns()': ['derived_columns()'],
    'erase_user_data(uuid)': [`erase_user_data('{user}')`, 'erase_user_data(gen_random_uuid())'],
    'find_nearby_locations(double precision,double precision,double precision)': [
      'find_nearby_locations(45.76::double precision, 4.83::double precision)',
      `find_nearby_locations(0::double precision, 180::double precision, 500)`,
    ],
    'find_nearby_locations(numeric,numeric,numeric)': ['find_nearby_locations(45.76, 4.83)'],
    'find_nearest_locations(double precision,double precision,integer)': [
      'find_nearest_locations(45.76, 4.83)',
      'find_nearest_locations(90, 0, 1000)', // no place is within 500 km of the pole
    ],
    'geographic_point(double precision,double precision)': ['geographic_point(45.76, 4.83)'],
    'lock_aggregate(text,uuid)': [`lock_aggregate('preference', '{preference}')`],
    'read_outbox(text,integer)': [`read_outbox('new', 1000)`, `read_outbox('done', 1000)`],
    'search_radius(double precision)': ['search_radius(50)'],
    'shared_locations_nearest(geography,integer)': ['shared_locations_nearest(geographic_point(45.76, 4.83), 10)'],
    'shared_locations_within(geography,double precision)': [
      'shared_locations_within(geographic_point(45.76, 4.83), 100000)',
    ],
  },
  statements: [
    ['authenticated_users', 'SELECT * FROM locations WHERE owner_user_id = current_app_user()'],
    ['authenticated_users', 'SELECT * FROM user_location_preferences'],
    ['authenticated_users', 'SELECT * FROM user_location_preferences JOIN locations USING (location_id)'],
    ['admin_role', `SELECT preference_id FROM user_location_preferences WHERE user_id = '{user}'`],
    ...['authenticated_users', 'recruiter_role', 'admin_role'].flatMap((role): [string, string][] => [
      [role, `SELECT * FROM locations WHERE location_id = '{place}'`],
      [role, `SELECT * FROM locations WHERE city = 'city 7'`],
    ]),
    ...['recruiter_role', 'admin_role'].map((role): [string, string] => [
      role,
      `INSERT INTO locations (formatted_address, city, country, country_code, coordinates)
       VALUES ('New Street', 'Lyon', 'France', 'FR', ST_SetSRID(ST_MakePoint(4.83, 45.76), 4326))`,
    ]),
    [
      'authenticated_users',
      `WITH place AS (
         INSERT INTO locations (owner_user_id, formatted_address, city, country, country_code, coordinates)
         VALUES ('{user}', 'New Street', 'Lyon', 'France', 'FR', ST_SetSRID(ST_MakePoint(4.83, 45.76), 4326)) RETURNING location_id)
       INSERT INTO user_location_preferences (user_id, location_id, location_type) SELECT '{user}', '{place}', 'excluded' FROM place`,
    ],
    ['authenticated_users', `UPDATE locations SET formatted_address = 'Other Street' WHERE location_id = '{home}'`],
    [
      'authenticated_users',
      `UPDATE user_location_preferences SET is_flexible = TRUE WHERE preference_id = '{preference}'`,
    ],
    ['authenticated_users', `DELETE FROM user_location_preferences WHERE preference_id = '{preference}'`],
    ['authenticated_users', `DELETE FROM locations WHERE location_id = '{home}'`],
    ['admin_role', `UPDATE locations SET city = 'x' WHERE location_id = '{place}'`],
    ['admin_role', `DELETE FROM locations WHERE location_id = '{place}'`],
    ['outbox_worker', 'SELECT * FROM outbox_events_status ORDER BY xid DESC, sequence DESC LIMIT 50'],
    [
      'outbox_worker',
      `INSERT INTO inbox (consumer, event_id) VALUES ('search', gen_random_uuid()) ON CONFLICT DO NOTHING`,
    ],
    ['outbox_worker', `DELETE FROM outbox_dead_letters WHERE event_id = ${idOf('dead', 1)}`],
  ],
  refused: [
    ['outbox_worker', `SELECT * FROM erase_user_data('{held}')`],
    [
      'authenticated_users',
      `UPDATE user_location_preferences SET location_type = 'work' WHERE location_id = '{place}'`,
    ],
    ['authenticated_users', `SELECT cache_distance('{place}', gen_random_uuid(), 'osrm')`],
  ],
  whole: { 'purge-distances': 'deletes up to 10,000 rows at a time, of those of an hour, in one look through them' },
  once: ['add_event_triggers'],
  moreThan: 35,
})
