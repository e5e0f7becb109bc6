import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { retentionRules, rulesOf } from '../crds/retention.ts'
import type { DataStore } from '../crds/schema/data-store.ts'
import { storeNames, type StoreName } from '../crds/schema/platform-stores.ts'
import { keyRights, keySpace } from '../services/chassis/stores/cache-keys.ts'
import { clickhouseClient, elasticsearchClient, natsClient, redisClient } from './harness/clients.ts'
import { list, read } from './harness/objects.ts'
import { bindingOf, connect, dataStore, podKind, secretData } from './harness/platform.ts'

/** Each store of the sample, reached by its official client with nothing but its `-app` binding. */
const cluster = 'demo'

const bindingFor = (store: StoreName) => bindingOf(`${cluster}-${store}`, 'app')
const firstPod = (store: StoreName) => `${cluster}-${store}-0`

/** Each engine says what it keeps how long, as the table has it, for the sample says nothing. */
test.each(storeNames.filter((store) => store in retentionRules))('%s: retention in force', async (store) => {
  const { status } = (await read(dataStore, `${cluster}-${store}`)) as DataStore
  const periods = Object.entries(status?.retention ?? {}).map(([name, { keep }]) => [name, keep])
  const table = Object.entries(rulesOf(store)).map(([name, { keep }]) => [name, keep])
  expect(periods.sort()).toEqual(table.sort())
  expect(status?.conditions.find(({ type }) => type === 'RetentionInSync')).toMatchObject({ reason: 'InSync' })
})

describe('PostgreSQL, with pg', () => {
  // prettier-ignore
  test.each<[StoreName, string]>([
    ['core',        'SELECT 1 AS answer'],
    ['geolocation', 'SELECT round(ST_Distance(ST_Point(2.35, 48.85)::geography, ST_Point(2.36, 48.85)::geography) / 733) AS answer'],
    ['temporal',    `SELECT count(*) AS answer FROM pg_extension WHERE extname = 'timescaledb'`],
  ])('%s through the pooler', async (store, query) => {
    const [pooler] = await list(podKind, `app.kubernetes.io/component=pooler,app.kubernetes.io/instance=${cluster}`)
    await using client = await connect(await bindingFor(store), pooler?.metadata.name ?? '')
    expect(Number((await client.query(query)).rows[0]?.['answer'])).toBe(1)
  })

  test('vault directly', async () => {
    await using client = await connect(await bindingFor('vault'), firstPod('vault'))
    expect((await client.query('SELECT 1 AS answer')).rows).toEqual([{ answer: 1 }])
  })
})

test('ClickHouse, with @clickhouse/client', async () => {
  await using client = await clickhouseClient(await bindingFor('behavior'), firstPod('behavior'))
  const rows = await client.query({
    query: 'SELECT count() >= 0 AS answer FROM daily_user_metrics_v',
    format: 'JSONEachRow',
  })
  expect(await rows.json()).toEqual([{ answer: 1 }])
})

test('Elasticsearch, with @elastic/elasticsearch', async () => {
  const binding = await bindingFor('search')
  await using client = await elasticsearchClient(binding, firstPod('search'))
  await expect(client.count({ index: `${binding.database}-jobs` })).resolves.toHaveProperty('count')
})

test('Redis Cluster, with ioredis', async () => {
  await using client = await redisClient(await bindingFor('cache'), firstPod('cache'))
  const key = `e2e:${Date.now()}`
  await client.set(key, 'kept', 'EX', 60)
  expect(await client.get(key)).toBe('kept')
})

/** As Redis itself judges the rules of services/chassis/stores/cache-keys.ts. */
test('Redis lets each service use its own kinds of keys and no others', async () => {
  const login = await secretData(`${cluster}-cache-superuser`)
  await using client = await redisClient({ ...(await bindingFor('cache')), ...login }, firstPod('cache'))
  const services = [...new Set(Object.values(keySpace).flatMap(({ services }) => services))]
  const id = randomUUID()
  for (const service of services) {
    const user = `e2e-${service}`
    await client.call('ACL', 'SETUSER', user, 'reset', '+get', ...keyRights(service))
    const reached: string[] = []
    for (const [kind, { pattern }] of Object.entries(keySpace)) {
      const answer = await client.call('ACL', 'DRYRUN', user, 'GET', pattern.replaceAll('*', id))
      if (answer === 'OK') reached.push(kind)
    }
    await client.call('ACL', 'DELUSER', user)
    const own = Object.entries(keySpace).filter(([, { services }]) => (services as readonly string[]).includes(service))
    expect(reached, service).toEqual(own.map(([kind]) => kind))
  }
})

test('NATS, with nats', async () => {
  await using client = await natsClient(await bindingFor('events'), firstPod('events'))
  const subscription = client.subscribe('e2e.asked', { max: 1 })
  void (async () => {
    for await (const message of subscription) message.respond('answered')
  })()
  expect((await client.request('e2e.asked', 'hello', { timeout: 5_000 })).string()).toBe('answered')
  const consumer = await client.jetstream().consumers.get('EVENTS_CORE', 'search')
  expect(await consumer.info()).toMatchObject({ stream_name: 'EVENTS_CORE' })
})
