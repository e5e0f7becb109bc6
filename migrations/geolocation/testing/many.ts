import type { Query } from '../../testing/database.ts'
import { eventRows, fillTables, idOf, series } from '../../testing/many.ts'

/**
 * Fills an empty geolocation database: so many shared places all over the world, people with a home each, some of them with a place
 * they left, and preferences, distances and events of each.
 */
export const fillGeolocation = (query: Query, rows: number): Promise<void> => {
  const point = 'ST_SetSRID(ST_MakePoint(n * 104729.0 % 360000 / 1000 - 180, n * 7919.0 % 170000 / 1000 - 85), 4326)'
  const place = (kind: string, owner: string, expires: string, count = rows) =>
    `SELECT ${idOf(kind, 'n')}, ${owner}, n || ' ${kind} Street', 'city ' || n % 900, 'region ' || n % 90, 'Country', chr(65 + n % 26) || 'X',
            ${point}, ${expires} FROM ${series(count)}`
  return fillTables(query, {
    // What is named stays, expired or not.
    locations: `(location_id, owner_user_id, formatted_address, city, region, country, country_code, coordinates, cache_expires_at)
      ${place('place', 'NULL::uuid', "now() + n % 30 * interval '1 day'")}
      UNION ALL ${place('home', idOf('user', 'n'), "now() + (n % 60 - 30) * interval '1 day'")}
      UNION ALL ${place('left', idOf('user', 'n'), "now() + (n - 10) * interval '2 minutes'", rows / 10)}`,
    user_location_preferences: `(preference_id, user_id, location_id, location_type, transport_modes)
      SELECT ${idOf('preference', 'n')}, ${idOf('user', 'n')}, ${idOf('home', 'n')}, 'home', ARRAY['walking'] FROM ${series(rows)}
      UNION ALL SELECT ${idOf('liking', 'n')}, ${idOf('user', 'n')}, ${idOf('place', 'n')}, 'preferred', NULL FROM ${series(rows)}`,
    // Of an hour, purged every ten minutes.
    distance_calculations: `(origin_location_id, destination_location_id, straight_line_distance_km, driving_distance_km, calculation_source, cache_expires_at)
      SELECT ${idOf('home', 'n')}, ${idOf('place', 'n')}, 9, 12, 'osrm', now() + (n % 70 - 10) * interval '1 minute' FROM ${series(rows)}`,
    legal_holds: `(subject_id, reason) SELECT ${idOf('held', 'n')}, 'case' FROM ${series(10)}`,
    ...eventRows(rows, 'preference', idOf('preference', 'n'), `jsonb_build_object('user_id', ${idOf('user', 'n')})`),
  })
}
