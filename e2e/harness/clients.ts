import { createClient } from '@clickhouse/client'
import { Client } from '@elastic/elasticsearch'
import { Cluster } from 'ioredis'
import { Agent } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect, type ConnectionOptions } from 'nats'
import type { Binding } from '../../crds/binding.ts'
import { config, namespace } from './objects.ts'
import { forward } from './port-forward.ts'

/*
 * The official client of each engine with nothing but a binding: TLS verified for CA and host name, only that the way leads through
 * the API server to the given pod. Dispose to disconnect. PostgreSQL's is `connect` in platform.ts.
 */

/** A port of this machine that leads to the pod, for as long as the client is there. */
async function through<Client extends object>(
  { port }: Binding,
  pod: string,
  make: (port: number) => Client | Promise<Client>,
  end: (client: Client) => unknown,
): Promise<Client & AsyncDisposable> {
  const server = await forward(config, namespace, pod, Number(port))
  try {
    const client = await make((server.address() as AddressInfo).port)
    const dispose = async () => {
      await end(client)
      server.close()
    }
    return Object.assign(client, { [Symbol.asyncDispose]: dispose })
  } catch (error) {
    server.close()
    throw error
  }
}

export const clickhouseClient = (binding: Binding, pod: string) =>
  through(
    binding,
    pod,
    (port) =>
      createClient({
        url: `https://127.0.0.1:${port}`,
        database: binding.database,
        username: binding.username,
        password: binding.password,
        http_agent: new Agent({ ca: binding['ca.crt'], servername: binding.host }),
        set_basic_auth_header: true,
      }),
    (client) => client.close(),
  )

export const elasticsearchClient = (binding: Binding, pod: string) =>
  through(
    binding,
    pod,
    (port) =>
      new Client({
        node: `https://127.0.0.1:${port}`,
        auth: { username: binding.username, password: binding.password },
        tls: { ca: binding['ca.crt'], servername: binding.host },
      }),
    (client) => client.close(),
  )

export const redisClient = (binding: Binding, pod: string) =>
  through(
    binding,
    pod,
    (port) => {
      const local = { host: '127.0.0.1', port }
      const client = new Cluster([local], {
        // Nodes are known by their names in the cluster; here one port leads to all there are.
        natMap: () => local,
        dnsLookup: (address, callback) => callback(null, address),
        // What cannot be reached is an error at once; whoever wants it tries again.
        clusterRetryStrategy: () => null,
        slotsRefreshTimeout: 10_000,
        redisOptions: {
          username: binding.username,
          password: binding.password,
          tls: { ca: binding['ca.crt'], servername: binding.host },
        },
      })
      // Its commands tell.
      return client.on('error', () => undefined)
    },
    (client) => client.disconnect(),
  )

export const natsClient = (binding: Binding, pod: string) =>
  through(
    binding,
    pod,
    (port) =>
      connect({
        servers: `127.0.0.1:${port}`,
        user: binding.username,
        pass: binding.password,
        tls: { ca: binding['ca.crt'], handshakeFirst: true, servername: binding.host } as ConnectionOptions['tls'] &
          object,
      }),
    (client) => client.close(),
  )
