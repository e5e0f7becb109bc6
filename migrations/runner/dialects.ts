import { clickhouse } from './clickhouse.ts'
import { clientConfig, endpointOf } from './connection.ts'
import type { Address } from './connection.ts'
import type { Connect, DialectName } from './dialect.ts'
import { elasticsearch } from './elasticsearch.ts'
import { nats } from './nats.ts'
import { postgres } from './postgres.ts'

/** How to reach a database of each dialect. @throws Refused when the address is not usable as given */
export const connectors: Record<DialectName, (address: Address) => Promise<Connect>> = {
  postgres: async (address) => postgres(await clientConfig(address)),
  clickhouse: async (address) => clickhouse(await endpointOf(address)),
  elasticsearch: async (address) => elasticsearch(await endpointOf(address)),
  nats: async (address) => nats(await endpointOf(address)),
}
