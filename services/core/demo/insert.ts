import type { ClientBase } from 'pg'

/** Columns of a table with their SQL types, in the order of the statement. */
export type Columns = Record<string, string>

/**
 * Inserts rows that are not there yet, a few thousand a statement. COPY would be faster and is refused on tables with row level security.
 * @returns how many rows were new
 */
export async function insertMissing(
  db: ClientBase,
  table: string,
  columns: Columns,
  rows: Record<string, unknown>[],
  batch = 5_000,
): Promise<number> {
  const names = Object.keys(columns).join(', ')
  const types = Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ')
  const sql = `INSERT INTO ${table} (${names}) SELECT ${names} FROM json_to_recordset($1::json) AS r(${types}) ON CONFLICT DO NOTHING`
  let inserted = 0
  for (let start = 0; start < rows.length; start += batch) {
    const result = await db.query(sql, [JSON.stringify(rows.slice(start, start + batch))])
    inserted += result.rowCount ?? 0
  }
  return inserted
}
