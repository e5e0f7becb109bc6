import { clientConfig, endpointOf } from './connection.ts'
import type { Address } from './connection.ts'
import type { Connect, DialectName } from './dialect.ts'

/**
 * How to reach a database of each dialect. Only the client that is needed is loaded.
 * @throws Refused when the address is not usable as given
 */
export const connectors: Record<DialectName, (address: Address) => Promise<Connect>> = {
  async postgres(address) {
    const { postgres } = await import('./postgres.ts')
    return postgres(await clientConfig(address))
  },
  async clickhouse(address) {
    const { clickhouse } = await import('./clickhouse.ts')
    return clickhouse(await endpointOf(address))
  },
  async elasticsearch(address) {
    const { elasticsearch } = await import('./elasticsearch.ts')
    return elasticsearch(await endpointOf(address))
  },
  async nats(address) {
    const { nats } = await import('./nats.ts')
    return nats(await endpointOf(address))
  },
}
