import type { DataStoreSpec } from '../../crds/schema/data-store.ts'
import type { Engine } from './engine.ts'
import { clickhouse } from './clickhouse/engine.ts'
import { elasticsearch } from './elasticsearch/engine.ts'
import { nats } from './nats/engine.ts'
import { postgres } from './postgres/engine.ts'
import { redis } from './redis/engine.ts'
import { timescale } from './timescale/engine.ts'

/** The engine behind each value of a DataStore's `spec.engine`. */
export const engines: Record<DataStoreSpec['engine'], Engine> = {
  clickhouse,
  postgres,
  timescale,
  nats,
  elasticsearch,
  redis,
}
