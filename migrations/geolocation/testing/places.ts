import { randomUUID } from 'node:crypto'
import { one } from '../../testing/database.ts'
import type { Query } from '../../testing/database.ts'

/** A place, shared unless it has an owner. */
export const addPlace = (
  query: Query,
  lat: number,
  lon: number,
  owner: string | null = null,
  address: string = randomUUID(),
) =>
  one(
    query,
    `INSERT INTO locations (owner_user_id, formatted_address, city, region, country, country_code, coordinates)
     VALUES ($1, $2, 'Lyon', 'Auvergne-Rhône-Alpes', 'France', 'FR', ST_SetSRID(ST_MakePoint($4, $3), 4326))
     RETURNING location_id`,
    [owner, address, lat, lon],
  )

export const prefer = (query: Query, userId: string, locationId: string, type: string) =>
  one(
    query,
    `INSERT INTO user_location_preferences (user_id, location_id, location_type, transport_modes)
     VALUES ($1, $2, $3, '{walking}') RETURNING preference_id`,
    [userId, locationId, type],
  )

/** Someone with a home of their own and a shared place they like. */
export async function addPerson(query: Query) {
  const userId = randomUUID()
  const home = await addPlace(query, 45.76, 4.83, userId, `${userId} Canary Street`)
  const liked = await addPlace(query, 48.85, 2.35)
  return {
    userId,
    home,
    liked,
    homeId: await prefer(query, userId, home, 'home'),
    likedId: await prefer(query, userId, liked, 'preferred'),
  }
}
