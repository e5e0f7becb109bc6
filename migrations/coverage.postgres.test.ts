import { describe, expect, test } from 'vitest'
import { missing } from './testing/coverage.ts'
import { postgresSchemas, testDatabase } from './testing/database.ts'
import type { PostgresSchema } from './testing/database.ts'

/* docs/reference/specification-coverage.md against the live catalogues of PostgreSQL. Of other stores it is with their own tests. */

/** Everything that has a name, with its kind, and the values that constraints list. */
const catalogue = (schema: PostgresSchema) => `
  WITH relations AS (
    SELECT oid, relkind::text, relispartition, CASE relnamespace WHEN 'public'::regnamespace THEN '' ELSE 'app_private.' END || relname AS name
      FROM pg_class WHERE relnamespace IN ('public'::regnamespace, to_regnamespace('app_private')))
  SELECT k.kind, name FROM relations
    JOIN (VALUES ('table', 'r'), ('table', 'p'), ('view', 'v'), ('view', 'm'), ('aggregate', 'm'), ('index', 'i'), ('index', 'I'))
      AS k (kind, relkind) USING (relkind)
  UNION ALL SELECT 'partition', name FROM relations WHERE relispartition
  UNION ALL SELECT 'column', r.name || '.' || a.attname FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid
             WHERE r.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT 'constraint', conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'value', regexp_substr(pg_get_constraintdef(oid), '''([^'']+)''', 1, n, '', 1)
              FROM pg_constraint CROSS JOIN generate_series(1, 40) n WHERE connamespace = 'public'::regnamespace AND contype = 'c'
  UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'policy', polname FROM pg_policy
  UNION ALL SELECT 'role', rolname FROM pg_roles
  UNION ALL SELECT 'extension', extname FROM pg_extension
  ${schema === 'vault' ? '' : `UNION ALL SELECT 'job', name FROM maintenance_jobs`}
  ${schema === 'temporal' ? `UNION ALL SELECT 'hypertable', hypertable_name FROM timescaledb_information.hypertables` : ''}`

describe.each(postgresSchemas)('%s', (schema) => {
  const db = testDatabase(schema)

  test('has what the page names, each of its kind', async () => {
    const live = (await db.query(catalogue(schema))) as { kind: string; name: string }[]
    expect(missing(schema, live)).toEqual([])
  })
})
