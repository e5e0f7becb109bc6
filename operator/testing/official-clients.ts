import { createClient } from '@clickhouse/client'
import { Client } from '@elastic/elasticsearch'
import { Cluster } from 'ioredis'
import { connect, type ConnectionOptions } from 'nats'
import { Agent } from 'node:https'
import type { Binding } from '../../crds/binding.ts'

/*
 * For tests: the official client of each engine with nothing but a binding. TLS is verified for CA and host name; only the way is another,
 * since the cluster alone knows the names.
 */

/** What leads to the host of a binding. */
interface Way {
  host: string
  port: number
}

export const clickhouse = ({ username, password, database, host: servername, 'ca.crt': ca }: Binding, way: Way) =>
  createClient({
    url: `https://${way.host}:${way.port}`,
    username,
    password,
    database,
    http_agent: new Agent({ ca, servername }),
    set_basic_auth_header: true,
  })

export const elasticsearch = ({ username, password, host: servername, 'ca.crt': ca }: Binding, way: Way) =>
  new Client({ node: `https://${way.host}:${way.port}`, auth: { username, password }, tls: { ca, servername } })

export const redis = ({ username, password, host: servername, 'ca.crt': ca }: Binding, way: Way) => {
  const client = new Cluster([way], {
    // Nodes are known by their names in the cluster; here one way leads to all there are.
    natMap: () => way,
    dnsLookup: (address, callback) => callback(null, address),
    // What cannot be reached is an error at once; whoever wants it tries again.
    clusterRetryStrategy: () => null,
    slotsRefreshTimeout: 10_000,
    redisOptions: { username, password, tls: { ca, servername } },
  })
  // Its commands tell.
  return client.on('error', () => undefined)
}

export const nats = ({ username, password, host: servername, 'ca.crt': ca }: Binding, way: Way) =>
  connect({
    servers: `${way.host}:${way.port}`,
    user: username,
    pass: password,
    tls: { ca, handshakeFirst: true, servername } as ConnectionOptions['tls'] & object,
  })

/** Each makes something in the store, reads it and takes it away again. */
export const roundTrips: Record<string, (binding: Binding, way: Way) => Promise<unknown>> = {
  async clickhouse(binding, way) {
    const client = clickhouse(binding, way)
    try {
      await client.command({ query: 'CREATE TABLE round_trip (answer UInt8) ENGINE = Memory' })
      await client.insert({ table: 'round_trip', values: [{ answer: 42 }], format: 'JSONEachRow' })
      const rows = await client.query({ query: 'SELECT answer FROM round_trip', format: 'JSONEachRow' })
      const [row] = await rows.json<{ answer: number }>()
      await client.command({ query: 'DROP TABLE round_trip' })
      return row?.answer
    } finally {
      await client.close()
    }
  },

  async elasticsearch(binding, way) {
    const client = elasticsearch(binding, way)
    try {
      const index = `${binding.database}-round-trip`
      await client.index({ index, id: '1', document: { answer: 42 }, refresh: true })
      const { _source } = await client.get<{ answer: number }>({ index, id: '1' })
      await client.indices.delete({ index })
      return _source?.answer
    } finally {
      await client.close()
    }
  },

  async redis(binding, way) {
    const client = redis(binding, way)
    try {
      await client.set('round-trip', '42', 'EX', 60)
      const answer = await client.get('round-trip')
      await client.del('round-trip')
      return Number(answer)
    } finally {
      client.disconnect()
    }
  },

  async nats(binding, way) {
    const client = await nats(binding, way)
    try {
      const manager = await client.jetstreamManager()
      await manager.streams.add({ name: 'ROUND_TRIP', subjects: ['round.trip'] })
      await client.jetstream().publish('round.trip', '42')
      const message = await manager.streams.getMessage('ROUND_TRIP', { seq: 1 })
      await manager.streams.delete('ROUND_TRIP')
      return Number(message.string())
    } finally {
      await client.close()
    }
  },
}
