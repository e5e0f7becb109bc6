import { createClient } from '@clickhouse/client'
import { Client } from '@elastic/elasticsearch'
import { Cluster } from 'ioredis'
import { connect as connectNats, type ConnectionOptions } from 'nats'
import { Agent } from 'node:https'
import type { Binding } from '../../crds/binding.ts'

/**
 * For tests: each makes something in the store, reads it and takes it away again, with the official client and nothing but the binding.
 * `address` leads to its host, whose name only the cluster knows.
 */
export const roundTrips: Record<string, (binding: Binding, address: string) => Promise<unknown>> = {
  async clickhouse(binding, address) {
    const client = createClient({
      url: `https://${address}:${binding.port}`,
      username: binding.username,
      password: binding.password,
      database: binding.database,
      http_agent: new Agent({ ca: binding['ca.crt'], servername: binding.host }),
      set_basic_auth_header: true,
    })
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

  async elasticsearch(binding, address) {
    const client = new Client({
      node: `https://${address}:${binding.port}`,
      auth: { username: binding.username, password: binding.password },
      tls: { ca: binding['ca.crt'], servername: binding.host },
    })
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

  async redis(binding, address) {
    const node = { host: address, port: Number(binding.port) }
    const client = new Cluster([node], {
      natMap: () => node,
      dnsLookup: (name, callback) => callback(null, name),
      redisOptions: {
        username: binding.username,
        password: binding.password,
        tls: { ca: binding['ca.crt'], servername: binding.host },
      },
    })
    try {
      await client.set('round-trip', '42', 'EX', 60)
      const answer = await client.get('round-trip')
      await client.del('round-trip')
      return Number(answer)
    } finally {
      client.disconnect()
    }
  },

  async nats(binding, address) {
    const client = await connectNats({
      servers: `${address}:${binding.port}`,
      user: binding.username,
      pass: binding.password,
      tls: { ca: binding['ca.crt'], handshakeFirst: true, servername: binding.host } as ConnectionOptions['tls'] &
        object,
    })
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
