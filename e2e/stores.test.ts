import { createClient } from '@clickhouse/client'
import { Client } from '@elastic/elasticsearch'
import { Cluster } from 'ioredis'
import { Agent } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect as connectNats, type ConnectionOptions } from 'nats'
import { afterAll, describe, expect, test } from 'vitest'
import { bindingKeys, type Binding } from '../crds/binding.ts'
import type { StoreName } from '../crds/schema/platform-stores.ts'
import { config, list, namespace } from './harness/objects.ts'
import { connect, podKind, secretData } from './harness/platform.ts'
import { forward } from './harness/port-forward.ts'

/**
 * Each store of the sample, reached by its official client with nothing but its `-app` binding: TLS verified for CA and host name, only
 * that the way leads through the API server to a pod.
 */
const cluster = 'demo'
const close: (() => unknown)[] = []
afterAll(async () => {
  for (const end of close.reverse()) await end()
})

async function bindingOf(store: StoreName): Promise<Binding> {
  const data = await secretData(`${cluster}-${store}-app`)
  return Object.fromEntries(bindingKeys.map((key) => [key, data[key] ?? ''])) as Binding
}

/** A port of this machine that leads to the store's first pod. */
async function portOf(store: StoreName, binding: Binding): Promise<number> {
  const server = await forward(config, namespace, `${cluster}-${store}-0`, Number(binding.port))
  close.push(() => server.close())
  return (server.address() as AddressInfo).port
}

describe('PostgreSQL, with pg', () => {
  // prettier-ignore
  test.each<[StoreName, string]>([
    ['core',        'SELECT 1 AS answer'],
    ['geolocation', 'SELECT round(ST_Distance(ST_Point(2.35, 48.85)::geography, ST_Point(2.36, 48.85)::geography) / 733) AS answer'],
    ['temporal',    `SELECT count(*) AS answer FROM pg_extension WHERE extname = 'timescaledb'`],
  ])('%s through the pooler', async (store, query) => {
    const [pooler] = await list(podKind, `app.kubernetes.io/component=pooler,app.kubernetes.io/instance=${cluster}`)
    await using client = await connect(await bindingOf(store), pooler?.metadata.name ?? '')
    expect(Number((await client.query(query)).rows[0]?.['answer'])).toBe(1)
  })

  test('vault directly', async () => {
    await using client = await connect(await bindingOf('vault'), `${cluster}-vault-0`)
    expect((await client.query('SELECT 1 AS answer')).rows).toEqual([{ answer: 1 }])
  })
})

test('ClickHouse, with @clickhouse/client', async () => {
  const binding = await bindingOf('behavior')
  const client = createClient({
    url: `https://127.0.0.1:${await portOf('behavior', binding)}`,
    username: binding.username,
    password: binding.password,
    database: binding.database,
    http_agent: new Agent({ ca: binding['ca.crt'], servername: binding.host }),
    set_basic_auth_header: true,
  })
  close.push(() => client.close())
  const query = 'SELECT count() >= 0 AS answer FROM daily_user_metrics_v'
  expect(await (await client.query({ query, format: 'JSONEachRow' })).json()).toEqual([{ answer: 1 }])
})

test('Elasticsearch, with @elastic/elasticsearch', async () => {
  const binding = await bindingOf('search')
  const client = new Client({
    node: `https://127.0.0.1:${await portOf('search', binding)}`,
    auth: { username: binding.username, password: binding.password },
    tls: { ca: binding['ca.crt'], servername: binding.host },
  })
  close.push(() => client.close())
  await expect(client.count({ index: `${binding.database}-jobs` })).resolves.toHaveProperty('count')
})

test('Redis Cluster, with ioredis', async () => {
  const binding = await bindingOf('cache')
  const local = { host: '127.0.0.1', port: await portOf('cache', binding) }
  const client = new Cluster([local], {
    // Nodes are known by their names in the cluster; here one port leads to all there are.
    natMap: () => local,
    dnsLookup: (address, callback) => callback(null, address),
    redisOptions: {
      username: binding.username,
      password: binding.password,
      tls: { ca: binding['ca.crt'], servername: binding.host },
    },
  })
  close.push(() => client.disconnect())
  const key = `e2e:${Date.now()}`
  await client.set(key, 'kept', 'EX', 60)
  expect(await client.get(key)).toBe('kept')
})

test('NATS, with nats', async () => {
  const binding = await bindingOf('events')
  const client = await connectNats({
    servers: `127.0.0.1:${await portOf('events', binding)}`,
    user: binding.username,
    pass: binding.password,
    tls: { ca: binding['ca.crt'], handshakeFirst: true, servername: binding.host } as ConnectionOptions['tls'] & object,
  })
  close.push(() => client.close())
  const subscription = client.subscribe('e2e.asked', { max: 1 })
  void (async () => {
    for await (const message of subscription) message.respond('answered')
  })()
  expect((await client.request('e2e.asked', 'hello', { timeout: 5_000 })).string()).toBe('answered')
  const consumer = await client.jetstream().consumers.get('EVENTS_CORE', 'search')
  expect(await consumer.info()).toMatchObject({ stream_name: 'EVENTS_CORE' })
})
