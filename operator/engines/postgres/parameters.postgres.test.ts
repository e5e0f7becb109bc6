import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { expect, test } from 'vitest'

const url = process.env['TEST_POSTGRES_URL'] ?? ''

/** The most jobs follow from max_worker_processes of this very server. */
const lines = (condition: string) => `
  SELECT concat_ws(E'\\t', name, vartype, context, coalesce(unit, ''), coalesce(min_val, ''), CASE name WHEN 'cron.max_running_jobs' THEN '' ELSE coalesce(max_val, '') END,
                   coalesce(array_to_string(enumvals, ','), '')) AS line
    FROM pg_settings WHERE context <> 'internal' AND ${condition} ORDER BY name COLLATE "C"`

async function settings(connectionString: string, before: string, condition: string): Promise<string> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query(before)
    const { rows } = await client.query<{ line: string }>(lines(condition))
    return rows.map(({ line }) => `${line}\n`).join('')
  } finally {
    await client.end()
  }
}

test('settings.tsv is what PostgreSQL itself says of its settings', async () => {
  // Those of libraries that are not loaded at the start appear when they are.
  const found = await settings(url, `LOAD 'auto_explain'`, `name NOT LIKE 'timescaledb%'`)
  await expect(found).toMatchFileSnapshot('settings.tsv')
})

test('that of timescale is what TimescaleDB says of its own', async () => {
  const name = `settings_${randomBytes(4).toString('hex')}`
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${name}`)
    const database = new URL(url)
    database.pathname = `/${name}`
    // Its library is loaded in databases that have the extension.
    const found = await settings(database.href, 'CREATE EXTENSION timescaledb', `name LIKE 'timescaledb.%'`)
    await expect(found).toMatchFileSnapshot('../timescale/settings.tsv')
  } finally {
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await client.end()
  }
})
