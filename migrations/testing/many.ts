import type { Query } from './database.ts'

/** SQL for the id of the n-th of a kind, n as SQL. */
export const idOf = (kind: string, n: string | number) => `md5('${kind} ' || (${n}))::uuid`

export const series = (count: number) => `generate_series(1, ${count}) n`

/**
 * Fills tables of an empty database, each by the rest of its INSERT: columns and rows. As superuser and past the triggers, which would take
 * an hour: what they derive has to be among the rows; and indexes are made afterwards.
 */
export async function fillTables(query: Query, fill: Record<string, string>): Promise<void> {
  const tables = Object.keys(fill)
  // Of a partitioned table the definition says ONLY, which would leave its partitions without.
  const indexes = await query(
    `SELECT indexrelid::regclass::text AS name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') AS definition
       FROM pg_index WHERE indrelid = ANY ($1::text[]::regclass[])
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)`,
    [tables],
  )
  await query(`SET session_replication_role = replica`)
  for (const { name } of indexes) await query(`DROP INDEX ${name as string}`) // of a hypertable one at a time
  for (const [table, rows] of Object.entries(fill)) await query(`INSERT INTO ${table} ${rows}`)
  for (const { definition } of indexes) await query(definition as string)
  await query(`SET session_replication_role = origin`)
  for (const table of tables) await query(`ANALYZE ${table}`)
}

/**
 * Rows for the tables of events, which several databases have.
 * @param aggregate  SQL for the aggregate of the n-th
 * @param data       SQL for its data
 */
export const eventRows = (rows: number, type: string, aggregate: string, data: string) => ({
  outbox_events: `(aggregate_type, aggregate_id, event_type, event_data)
    SELECT '${type}', ${aggregate}, '${type}.updated', ${data} FROM ${series(rows)}`,
  outbox_dead_letters: `(event_id, aggregate_type, aggregate_id, event_type, event_data, event_version, sequence, last_error, attempts)
    SELECT ${idOf('dead', 'n')}, '${type}', ${aggregate}, '${type}.updated', ${data}, 1, n, '-', 3 FROM ${series(rows)}`,
  inbox: `(consumer, event_id, created_at)
    SELECT 'search', ${idOf('event', 'n')}, now() - n % 29 * interval '1 day' FROM ${series(rows)}`,
})
