import type { DataStoreSpec } from '../../crds/schema/data-store.ts'
import type { Engine } from './engine.ts'
import { postgres } from './postgres/engine.ts'
import { redis } from './redis/engine.ts'
import { timescale } from './timescale/engine.ts'

/** The engine behind each value of a DataStore's `spec.engine`. */
export const engines: Record<DataStoreSpec['engine'], Engine> = { postgres, timescale, redis }
