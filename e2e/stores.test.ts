import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { KubeObject } from '../crds/object.ts'
import { retentionRules, rulesOf } from '../crds/retention.ts'
import type { DataStore } from '../crds/schema/data-store.ts'
import { storeNames, type StoreName } from '../crds/schema/platform-stores.ts'
import { approveAnnotation } from '../operator/data-store/updates.ts'
import { keyRights, keysOfUser, keySpace, sessionsKey } from '../services/chassis/stores/cache-keys.ts'
import { clickhouseClient, elasticsearchClient, natsClient, redisClient } from './harness/clients.ts'
import { kubectl } from './harness/kubectl.ts'
import { list, read, until } from './harness/objects.ts'
import {
  bindingOf,
  conditionOf,
  connect,
  dataStore,
  matchingCluster,
  podKind,
  secretData,
  superuser,
} from './harness/platform.ts'

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

const patch = (kind: string, name: string, change: object) =>
  kubectl(['patch', kind, name, '--type=merge', `--patch=${JSON.stringify(change)}`])

/** Waits until the core store says so of its retention, for the spec it has now. */
const whenRetention = (reason: string, keep: string) =>
  until(60_000, async () => {
    const store = (await read(dataStore, `${cluster}-core`)) as DataStore & KubeObject
    const condition = conditionOf(store, 'RetentionInSync')
    const now = store.status?.retention?.['event-records']
    const isSo = condition?.reason === reason && condition.observedGeneration === store.metadata.generation
    return isSo && now?.keep === keep
      ? store
      : `${condition?.reason}, event-records ${now?.keep}: ${condition?.message}`
  })

/**
 * Here and not in a file of its own, which would run beside this one: the sample has another spec meanwhile. Marks in the inbox, as
 * they belong to nobody and no event tells of them, so that nothing of the test stays.
 */
test('a shorter period waits for its approval, and takes just the rows that it told of', async () => {
  const consumer = `e2e-${randomUUID()}`
  const before = (await read(matchingCluster, cluster)) as KubeObject & { spec: { retention?: { rules?: object } } }
  const old = { ['core.event-records']: null, ...before.spec.retention?.rules }
  const approval = (await read(dataStore, `${cluster}-core`))?.metadata.annotations?.[approveAnnotation] ?? null
  onTestFinished(async () => {
    await patch('matchingcluster', cluster, { spec: { retention: { rules: old } } })
    await patch('datastore', `${cluster}-core`, { metadata: { annotations: { [approveAnnotation]: approval } } })
    await superuser(cluster, `DELETE FROM inbox WHERE consumer = '${consumer}'`)
    await whenRetention('InSync', '30d')
  })
  await superuser(
    cluster,
    `INSERT INTO inbox (consumer, event_id, created_at)
     SELECT '${consumer}', gen_random_uuid(), now() - days * interval '1 day' FROM unnest(ARRAY[5, 9, 11, 20, 29]) AS days`,
  )
  const left = () =>
    superuser(
      cluster,
      `SELECT string_agg(extract(day FROM now() - created_at)::text, ' ' ORDER BY created_at DESC) FROM inbox
        WHERE consumer = '${consumer}'`,
    )
  // By the schedule it comes once a day. A job that was run proves that what is there may stay; one that was not proves nothing.
  const removeNow = async () =>
    expect(await superuser(cluster, `SELECT run_maintenance_job('purge-event-records')`)).toBe('t')
  const due = await superuser(
    cluster,
    `SELECT count(*) FROM (SELECT created_at FROM inbox UNION ALL SELECT created_at FROM outbox_dead_letters) r
      WHERE created_at < now() - interval '10 days' AND created_at >= now() - interval '30 days'`,
  )
  expect(Number(due)).toBeGreaterThan(2)

  await patch('matchingcluster', cluster, { spec: { retention: { rules: { 'core.event-records': { keep: '10d' } } } } })
  const waiting = await whenRetention('AwaitingApproval', '30d')
  const { pending, retention } = waiting.status ?? {}
  expect(conditionOf(waiting, 'RetentionInSync')).toMatchObject({ status: 'False' })
  expect(pending?.differences).toEqual([`event-records: 30d → 10d removes ${due} rows`])
  expect(retention?.['event-records']).toMatchObject({ keep: '30d', wanted: '10d' })
  await removeNow()
  expect(await left()).toBe('5 9 11 20 29')

  await kubectl(['annotate', 'datastore', `${cluster}-core`, '--overwrite', `${approveAnnotation}=${pending?.hash}`])
  expect((await whenRetention('InSync', '10d')).status?.pending).toBeUndefined()
  await removeNow()
  expect(await left()).toBe('5 9')
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

/** As the consumer of `user.anonymized` will do. */
test('Redis forgets all keys of a person by one command, and nobody else’s', async () => {
  await using client = await redisClient(await bindingFor('cache'), firstPod('cache'))
  const people = [randomUUID(), randomUUID()] as const
  for (const person of people) {
    const sessions = [randomUUID(), randomUUID()]
    await client.sadd(sessionsKey(person), ...sessions)
    await client.expire(sessionsKey(person), 60)
    for (const key of keysOfUser(person, sessions))
      if (key !== sessionsKey(person)) await client.set(key, 'x', 'EX', 60)
  }
  const keysNow = async (person: string) => keysOfUser(person, await client.smembers(sessionsKey(person)))
  const [erased, other] = [await keysNow(people[0]), await keysNow(people[1])]
  const left = (keys: string[]) => Promise.all(keys.map((key) => client.exists(key)))
  expect(await client.unlink(...erased)).toBe(6)
  expect(await left(erased)).toEqual(erased.map(() => 0))
  expect(await left(other)).toEqual(other.map(() => 1))
  await client.unlink(...other)
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
