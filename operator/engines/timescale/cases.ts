import * as postgres from '../postgres/cases.ts'

/** As for PostgreSQL, on the schema that needs TimescaleDB. */
const schema = { name: 'temporal' }

export const minimal = { schema }
export const full = {
  ...postgres.full,
  schema,
  parameters: { ...postgres.full.parameters, 'timescaledb.max_background_workers': '4' },
}
export const running = postgres.running
