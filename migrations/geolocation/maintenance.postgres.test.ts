import { beforeAll, describe, expect, test } from 'vitest'
import { one, testDatabase } from '../testing/database.ts'
import { addPerson, addPlace, prefer } from './testing/places.ts'

const db = testDatabase('geolocation')
const run = (name: string) =>
  db.as('outbox_worker', null, async (query) => {
    await query(`SET LOCAL ROLE ${db.owner}`)
    const done = await one<boolean>(query, `SELECT run_maintenance_job($1)`, [name])
    return { done, error: await one(query, `SELECT last_error FROM maintenance_jobs WHERE name = $1`, [name]) }
  })
const ended = { done: true, error: null }

describe('jobs', () => {
  test('all of the list succeed as owner, and say when they ran', async () => {
    const names = (await db.query('SELECT name FROM maintenance_jobs')).map((row) => row['name'] as string)
    expect(names.sort()).toEqual([
      'create-outbox-partitions',
      'drop-outbox-partitions',
      'purge-cron-history',
      'purge-distances',
      'purge-event-records',
      'purge-private-locations',
      'watch-default-partitions',
    ])
    for (const name of names) expect(await run(name), name).toEqual(ended)
    expect(await db.query('SELECT FROM maintenance_jobs WHERE last_run_at IS NULL')).toEqual([])
  })

  test('purge distances when they expire', async () => {
    const [a, b] = [await addPlace(db.query, 1, 1), await addPlace(db.query, 2, 2)]
    await db.query(
      `INSERT INTO distance_calculations (origin_location_id, destination_location_id, cache_expires_at)
       VALUES ($1, $2, now() - interval '1 s'), ($2, $1, now() + interval '1 min')`,
      [a, b],
    )
    expect(await run('purge-distances')).toEqual(ended)
    expect(await db.query('SELECT origin_location_id AS id FROM distance_calculations')).toEqual([{ id: b }])
  })

  test('purge a private place that expired and that nothing names; never a shared one', async () => {
    const { userId, home, liked } = await addPerson(db.query)
    const fresh = await addPlace(db.query, 3, 3, userId)
    const old = await addPlace(db.query, 4, 4, userId)
    await db.query(`UPDATE locations SET cache_expires_at = now() - interval '1 s' WHERE location_id = ANY ($1)`, [
      [home, liked, old],
    ])
    expect(await run('purge-private-locations')).toEqual(ended)
    const left = await db.query(`SELECT location_id AS id FROM locations WHERE location_id = ANY ($1)`, [
      [home, liked, fresh, old],
    ])
    expect(left.map(({ id }) => id).sort()).toEqual([fresh, home, liked].sort())
  })

  test('make partitions for a week, and fail while something lies beside them', async () => {
    const days = `SELECT count(*) FROM range_partitions('outbox_events') WHERE range_to > now()`
    expect(await one(db.query, days)).toBe('8')
    await db.query(`INSERT INTO outbox_events (aggregate_type, aggregate_id, event_type, event_data, created_at)
                    VALUES ('preference', gen_random_uuid(), 'x', '{}', '2020-01-01')`)
    const watch = () => run('watch-default-partitions')
    expect(await watch()).toEqual({
      done: false,
      error: expect.stringMatching(/^23514 rows in the default partition of outbox_events: 1\. /) as string,
    })
    await db.query('DELETE FROM outbox_events_default')
    expect(await watch()).toEqual(ended)
  })
})

describe('erasure', () => {
  let person: Awaited<ReturnType<typeof addPerson>>
  let other: Awaited<ReturnType<typeof addPerson>>
  const erase = (userId: string) =>
    db.as('outbox_worker', null, (query) =>
      query(`SELECT matched::int, erased::int, left_over::int FROM erase_user_data($1)`, [userId]),
    )

  beforeAll(async () => {
    person = await addPerson(db.query)
    other = await addPerson(db.query)
    await prefer(db.query, other.userId, person.liked, 'excluded')
    await db.query(
      `INSERT INTO distance_calculations (origin_location_id, destination_location_id) VALUES ($1, $3), ($3, $1), ($2, $3)`,
      [person.home, other.home, person.liked],
    )
    await db.query(
      `INSERT INTO outbox_dead_letters SELECT event_id, aggregate_type, aggregate_id, event_type, event_data, 1, sequence, 'x', 3
                      FROM outbox_events WHERE aggregate_id = $1`,
      [person.homeId],
    )
  })

  /** Every value of every table that holds one of the person's ids or addresses. */
  const traces = async (userId: string) => {
    const tables = await db.query(
      `SELECT relname FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')`,
    )
    const found = []
    for (const table of tables.map((row) => row['relname'] as string))
      if ((await db.query(`SELECT FROM ${table} t WHERE t::text LIKE $1`, [`%${userId}%`])).length > 0)
        found.push(table)
    return found.sort()
  }

  test('leaves no trace of the person in any table, and everybody else alone; twice is once', async () => {
    expect(await traces(person.userId)).toEqual([
      'locations',
      'outbox_dead_letters',
      'outbox_events',
      'user_location_preferences',
    ])
    const others = await traces(other.userId)
    // Two preferences, one private place, two events, one of which was refused.
    expect(await erase(person.userId)).toEqual([{ matched: 6, erased: 6, left_over: 0 }])
    expect(await traces(person.userId)).toEqual([])
    expect(await db.query(`SELECT FROM locations WHERE location_id = $1`, [person.home])).toEqual([])
    const kept = `SELECT origin_location_id AS id FROM distance_calculations WHERE destination_location_id = $1`
    expect(await db.query(kept, [person.liked])).toEqual([{ id: other.home }])
    expect(await traces(other.userId)).toEqual(others)
    expect(await db.query(`SELECT FROM locations WHERE location_id = $1`, [person.liked])).toHaveLength(1)
    expect(await erase(person.userId)).toEqual([{ matched: 0, erased: 0, left_over: 0 }])
  })

  test.each(['authenticated_users', 'recruiter_role', 'admin_role'] as const)('is not for %s', async (role) => {
    await expect(
      db.as(role, other.userId, (query) => query(`SELECT * FROM erase_user_data($1)`, [other.userId])),
    ).rejects.toMatchObject({ code: '42501' })
  })
})
