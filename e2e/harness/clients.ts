import type { AddressInfo } from 'node:net'
import type { Binding } from '../../crds/binding.ts'
import { clickhouse, elasticsearch, nats, redis } from '../../operator/testing/official-clients.ts'
import { config, namespace } from './objects.ts'
import { forward } from '../../operator/testing/port-forward.ts'

/*
 * The official client of each engine, only that the way leads to the given pod: see operator/testing/port-forward.ts. Dispose to disconnect.
 * PostgreSQL's is `connect` in platform.ts.
 */

/** A way to the pod, for as long as the client is there. */
async function through<Client extends object>(
  binding: Binding,
  pod: string,
  make: (binding: Binding, way: { host: string; port: number }) => Client | Promise<Client>,
  end: (client: Client) => unknown,
): Promise<Client & AsyncDisposable> {
  const server = await forward(config, namespace, pod, Number(binding.port))
  try {
    const client = await make(binding, { host: '127.0.0.1', port: (server.address() as AddressInfo).port })
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
  through(binding, pod, clickhouse, (client) => client.close())

export const elasticsearchClient = (binding: Binding, pod: string) =>
  through(binding, pod, elasticsearch, (client) => client.close())

export const redisClient = (binding: Binding, pod: string) =>
  through(binding, pod, redis, (client) => client.disconnect())

export const natsClient = (binding: Binding, pod: string) => through(binding, pod, nats, (client) => client.close())
