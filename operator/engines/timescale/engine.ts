import type { Engine } from '../engine.ts'
import { postgres } from '../postgres/engine.ts'

/** PostgreSQL with TimescaleDB loaded: its files ask which of the two a store is where they differ (parameters.ts, config.ts). */
export const timescale: Engine = { ...postgres, name: 'timescale' }
