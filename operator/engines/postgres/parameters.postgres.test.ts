import pg from 'pg'
import { expect, test } from 'vitest'

const url = process.env['TEST_POSTGRES_URL']

test('settings.tsv is what PostgreSQL itself says of its settings', async () => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    // Those of libraries that are not loaded at the start appear when they are.
    await client.query(`LOAD 'auto_explain'`)
    const { rows } = await client.query<{ line: string }>(`
      SELECT concat_ws(E'\\t', name, vartype, context, coalesce(unit, ''), coalesce(min_val, ''), coalesce(max_val, ''),
                       coalesce(array_to_string(enumvals, ','), '')) AS line
        FROM pg_settings WHERE context <> 'internal' ORDER BY name COLLATE "C"`)
    await expect(rows.map(({ line }) => `${line}\n`).join('')).toMatchFileSnapshot('settings.tsv')
  } finally {
    await client.end()
  }
})
