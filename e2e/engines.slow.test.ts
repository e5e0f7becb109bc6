import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataStoreSpec, EngineName } from '../crds/schema/data-store.ts'
import { clickhouseClient, elasticsearchClient, natsClient, redisClient } from './harness/clients.ts'
import { kubectl, KubectlError } from './harness/kubectl.ts'
import { list, read, until } from './harness/objects.ts'
import {
  bindingOf,
  conditionOf,
  connect,
  dataStore,
  ownedWith,
  podKind,
  removeStore,
  secretData,
  whenReady,
} from './harness/platform.ts'

/** What an operator on call does with a store, on each engine: one DataStore of its own, with its data from the first test to the last. */

/** A setting, and as what the engine says it then has. */
type Setting = [name: string, value: string, inForce: string]

interface EngineCase {
  engine: EngineName
  /** Fields of its spec, small enough to fit beside the sample. */
  spec: Partial<Record<keyof DataStoreSpec, unknown>>
  /** With the official client and nothing but the bindings. Twice is as once. */
  write(store: string, value: string): Promise<void>
  /** What `write` wrote last. */
  read(store: string): Promise<string>
  /** What the engine itself says that it runs with. */
  setting(store: string, name: string): Promise<string>
  reload: Setting
  restart: Setting
  /** Parameters that only the operator can refuse. */
  unknown: [name: string, value: string]
  badValue: [name: string, value: string]
  reserved: [name: string, value: string]
  /** An edit that the API server refuses, with what it says. */
  refused: [spec: object, message: string]
}

const pod = (store: string) => `${store}-0`

/** The binding of a login that has none: the operator's own, or monitoring's. */
async function bindingAs(store: string, secret: 'superuser' | 'monitoring') {
  const { username = '', password = '' } = await secretData(`${store}-${secret}`)
  return { ...(await bindingOf(store, 'owner')), username, password }
}

const postgres = {
  async write(store: string, value: string) {
    await using owner = await connect(await bindingOf(store, 'owner'), pod(store))
    await owner.query(
      `CREATE TABLE IF NOT EXISTS kept (value text); TRUNCATE kept; INSERT INTO kept VALUES ('${value}')`,
    )
  },
  async read(store: string) {
    await using owner = await connect(await bindingOf(store, 'owner'), pod(store))
    return (await owner.query('SELECT value FROM kept')).rows[0]?.['value'] ?? ''
  },
  async setting(store: string, name: string) {
    await using app = await connect(await bindingOf(store, 'app'), pod(store))
    return Object.values((await app.query(`SHOW ${name}`)).rows[0] ?? {})[0] ?? ''
  },
  reload: ['work_mem', '9MB', '9MB'] as Setting,
  unknown: ['work_memm', '8MB'] as [string, string],
  badValue: ['work_mem', 'much'] as [string, string],
  reserved: ['ssl', 'off'] as [string, string],
}
const postgresSize = { storage: { size: '512Mi' }, resources: { cpu: '20m', memory: '128Mi', memoryLimit: '512Mi' } }

const cases: EngineCase[] = [
  {
    ...postgres,
    engine: 'postgres',
    spec: { schema: { name: 'core' }, ...postgresSize },
    restart: ['max_connections', '120', '120'],
    refused: [{ shards: 2 }, 'shards has no effect with this engine'],
  },
  {
    ...postgres,
    engine: 'timescale',
    spec: { schema: { name: 'temporal' }, ...postgresSize },
    restart: ['timescaledb.max_background_workers', '4', '4'],
    refused: [{ schema: { name: 'core' } }, 'schema.name is immutable'],
  },
  {
    engine: 'clickhouse',
    spec: { storage: { size: '512Mi' }, resources: { cpu: '50m', memory: '384Mi', memoryLimit: '768Mi' } },
    async write(store, value) {
      await using owner = await clickhouseClient(await bindingOf(store, 'owner'), pod(store))
      await owner.command({ query: 'CREATE TABLE IF NOT EXISTS kept (value String) ENGINE = MergeTree ORDER BY value' })
      await using app = await clickhouseClient(await bindingOf(store, 'app'), pod(store))
      await app.insert({ table: 'kept', values: [{ value }], format: 'JSONEachRow' })
    },
    async read(store) {
      await using app = await clickhouseClient(await bindingOf(store, 'app'), pod(store))
      const rows = await app.query({ query: 'SELECT DISTINCT value FROM kept', format: 'JSONEachRow' })
      return (await rows.json<{ value: string }>()).map(({ value }) => value).join()
    },
    async setting(store, name) {
      await using owner = await clickhouseClient(await bindingOf(store, 'owner'), pod(store))
      const query = ['settings', 'server_settings'].map((of) => `SELECT value FROM system.${of} WHERE name = '${name}'`)
      const rows = await owner.query({ query: query.join(' UNION ALL '), format: 'JSONEachRow' })
      return (await rows.json<{ value: string }>())[0]?.value ?? ''
    },
    reload: ['max_threads', '7', '7'],
    restart: ['max_connections', '2000', '2000'],
    unknown: ['max_thread', '7'],
    badValue: ['max_threads', 'many'],
    reserved: ['tcp_port', '9000'],
    refused: [{ shards: 2 }, 'shards is immutable with engine clickhouse'],
  },
  {
    engine: 'elasticsearch',
    spec: { storage: { size: '1Gi' }, resources: { cpu: '100m', memory: '512Mi', memoryLimit: '1Gi' } },
    async write(store, value) {
      const binding = await bindingOf(store, 'owner')
      const index = `${binding.database}-kept`
      await using owner = await elasticsearchClient(binding, pod(store))
      await owner.indices.create({ index, settings: { number_of_replicas: 0 } }, { ignore: [400] })
      await using app = await elasticsearchClient(await bindingOf(store, 'app'), pod(store))
      await app.index({ index, id: '1', document: { value }, refresh: true })
    },
    async read(store) {
      const binding = await bindingOf(store, 'app')
      await using app = await elasticsearchClient(binding, pod(store))
      const { _source } = await app.get<{ value: string }>({ index: `${binding.database}-kept`, id: '1' })
      return _source?.value ?? ''
    },
    async setting(store, name) {
      await using admin = await elasticsearchClient(await bindingAs(store, 'superuser'), pod(store))
      const { persistent } = await admin.cluster.getSettings({ flat_settings: true })
      const { nodes } = await admin.nodes.info({ metric: 'settings', flat_settings: true })
      const own = Object.values(nodes)[0]?.settings as Record<string, unknown> | undefined
      return String((persistent as Record<string, unknown>)[name] ?? own?.[name])
    },
    reload: ['search.max_buckets', '1000', '1000'],
    restart: ['http.max_content_length', '50mb', '50mb'],
    unknown: ['search.max_bucket', '1000'],
    badValue: ['search.max_buckets', 'many'],
    reserved: ['xpack.security.enabled', 'false'],
    refused: [{ pgHba: ['hostssl all all all reject'] }, 'pgHba has no effect with this engine'],
  },
  {
    engine: 'redis',
    spec: { storage: { size: '512Mi' }, resources: { cpu: '20m', memory: '64Mi', memoryLimit: '256Mi' } },
    async write(store, value) {
      await using app = await redisClient(await bindingOf(store, 'app'), pod(store))
      await app.set('kept', value)
    },
    async read(store) {
      await using app = await redisClient(await bindingOf(store, 'app'), pod(store))
      return (await app.get('kept')) ?? ''
    },
    async setting(store, name) {
      await using admin = await redisClient(await bindingAs(store, 'superuser'), pod(store))
      const [, value] = (await admin.call('CONFIG', 'GET', name)) as string[]
      return value ?? ''
    },
    reload: ['maxmemory-policy', 'allkeys-lru', 'allkeys-lru'],
    restart: ['tcp-backlog', '256', '256'],
    unknown: ['maxmemory-polic', 'allkeys-lru'],
    badValue: ['maxmemory-policy', 'sometimes'],
    reserved: ['port', '1'],
    refused: [{ replication: 'Asynchronous' }, 'replication has no effect with this engine'],
  },
  {
    engine: 'nats',
    spec: { storage: { size: '256Mi' }, resources: { cpu: '20m', memory: '32Mi', memoryLimit: '256Mi' } },
    async write(store, value) {
      await using owner = await natsClient(await bindingOf(store, 'owner'), pod(store))
      await (await owner.jetstreamManager()).streams.add({ name: 'KEPT', subjects: ['kept'] })
      await using app = await natsClient(await bindingOf(store, 'app'), pod(store))
      await app.jetstream().publish('kept', value)
    },
    async read(store) {
      await using owner = await natsClient(await bindingOf(store, 'owner'), pod(store))
      const manager = await owner.jetstreamManager()
      return (await manager.streams.getMessage('KEPT', { last_by_subj: 'kept' })).string()
    },
    async setting(store, name) {
      await using monitoring = await natsClient(await bindingAs(store, 'monitoring'), pod(store))
      const answer = await monitoring.request(`$SYS.REQ.SERVER.${monitoring.info?.server_id}.VARZ`)
      return String(answer.json<{ data: Record<string, unknown> }>().data[name])
    },
    reload: ['max_payload', '2MB', '2097152'],
    restart: ['max_pending', '128MB', '134217728'],
    unknown: ['max_payloads', '2MB'],
    badValue: ['max_payload', 'much'],
    reserved: ['port', '1'],
    refused: [{ replicas: 3 }, 'replicas of a nats store can only grow, and not from 1'],
  },
]

const repairLimitMs = 30_000

/** Not the operator's to make: Kubernetes does, or they are history. */
const others = ['ControllerRevision', 'Job', 'PersistentVolumeClaim']

describe.each(cases)('$engine', (engineCase) => {
  const { engine, spec, reload, restart, unknown, badValue, reserved, refused } = engineCase
  const store = `one-${engine}`
  const labels = `app.kubernetes.io/instance=${store}`
  const value = `kept in ${engine}`
  /** Data opens for what is in them only, or clients trust it: they have tests of their own. */
  const locked = [`${store}-superuser`, `${store}-ca`]

  beforeAll(() => removeStore(store))
  afterAll(() => removeStore(store))

  const apply = () =>
    kubectl(
      ['apply', '--filename=-'],
      JSON.stringify({ ...dataStore, metadata: { name: store }, spec: { engine, ...spec } }),
    )
  const patch = (spec: object) =>
    kubectl(['patch', 'store', store, '--type=merge', `--patch=${JSON.stringify({ spec })}`])
  const ready = () => whenReady(store, dataStore)
  const pods = async () => {
    const found = await list(podKind, `${labels},app.kubernetes.io/component=database`)
    return found.map(({ metadata, ...one }) => {
      const status = one['status'] as { containerStatuses?: { restartCount: number }[] } | undefined
      return [metadata.name, metadata.uid, status?.containerStatuses?.map(({ restartCount }) => restartCount)]
    })
  }

  /** A client may come in the moment in which a Service or a login changes, and tries again. */
  async function expectData(): Promise<void> {
    await until(120_000, async () => {
      const found = await engineCase.read(store).catch(String)
      return found === value ? {} : `the store has ${found}`
    })
  }

  async function untilInForce([name, , inForce]: Setting): Promise<void> {
    await until(60_000, async () => {
      const found = await engineCase.setting(store, name).catch(String)
      return found === inForce ? {} : `${name} is ${found}`
    })
  }

  test('comes up, and its client writes with nothing but the binding', async () => {
    const begunMs = performance.now()
    await apply()
    await ready()
    console.log(`${engine}: Ready in ${((performance.now() - begunMs) / 1000).toFixed(0)} s`)
    await engineCase.write(store, value)
    await expectData()
  })

  test(`${reload[0]} is in force without a restart`, async () => {
    const before = await pods()
    await patch({ parameters: { [reload[0]]: reload[1] } })
    await ready()
    await untilInForce(reload)
    expect(await pods()).toEqual(before)
  })

  test(`${restart[0]} is in force after a restart`, async () => {
    await patch({ parameters: { [restart[0]]: restart[1] } })
    await ready()
    await untilInForce(restart)
    await untilInForce(reload)
    await expectData()
  })

  test.each([
    ['an unknown name', unknown],
    ['a bad value', badValue],
    ['one that is the operator’s', reserved],
  ])('%s is refused within ten seconds, named, and no pod is touched', async (_what, [name, given]) => {
    const before = await pods()
    await patch({ parameters: { [name]: given } })
    const valid = await until(10_000, async () => {
      const found = conditionOf(await read(dataStore, store), 'SpecValid')
      return found?.status === 'False' ? found : 'SpecValid is not False'
    })
    expect(valid).toMatchObject({
      reason: 'Invalid',
      message: expect.stringContaining(`spec.parameters.${name}`) as string,
    })
    await untilInForce(reload)
    await patch({ parameters: { [name]: name === reload[0] ? reload[1] : null } })
    await ready()
    expect(await pods()).toEqual(before)
  })

  test.each<[string, object, string]>([
    ['another engine', { engine: engine === 'redis' ? 'nats' : 'redis' }, 'engine is immutable'],
    ['another class of volume', { storage: { storageClass: 'another' } }, 'storageClass is immutable'],
    ['too little memory', { resources: { memory: '1Mi', memoryLimit: '2Mi' } }, 'memoryLimit must be at least 256Mi'],
    ['what this engine cannot do', ...refused],
  ])('%s is refused by the API server', async (_what, edit, message) => {
    const answer = await patch(edit).then(
      () => 'nothing',
      (error: unknown) => (error instanceof KubectlError ? error.message : Promise.reject(error as Error)),
    )
    expect(answer).toContain(message)
  })

  test('a pod that is deleted comes back with the data', async () => {
    const [[, uid] = []] = await pods()
    await kubectl(['delete', 'pod', pod(store), '--timeout=180s'])
    await until(120_000, async () => {
      const found = await read(podKind, pod(store))
      const status = found?.['status'] as { conditions?: { type: string; status: string }[] } | undefined
      const isReady = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True')
      return found && found.metadata.uid !== uid && isReady ? found : `${pod(store)} is not ready`
    })
    await ready()
    await expectData()
  })

  test('each owned object that is deleted is there again in 30 s, and the data with it', async () => {
    const objects = (await ownedWith(labels)).filter(
      ({ kind, metadata }) => !others.includes(kind) && !(kind === 'Secret' && locked.includes(metadata.name)),
    )
    expect(objects.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['ConfigMap', 'Secret', 'Service', 'ServiceAccount', 'StatefulSet']),
    )
    const took: string[] = []
    for (const object of objects) {
      const begunMs = performance.now()
      await kubectl(['delete', object.kind, object.metadata.name, '--wait=false'])
      await until(repairLimitMs, async () => {
        const found = await read(object, object.metadata.name)
        const what = `${object.kind} ${object.metadata.name}`
        return found && found.metadata.uid !== object.metadata.uid ? found : `${what} is not there again`
      })
      took.push(`${Math.round(performance.now() - begunMs)} ms ${object.kind}/${object.metadata.name}`)
    }
    console.log(`${engine}: there again: ${took.join(', ')}`)
    await ready()
    await expectData()
  })

  test('edited objects are put right in 30 s', async () => {
    const [config] = (await ownedWith(labels)).filter(({ kind }) => kind === 'ConfigMap')
    const [file = ''] = Object.keys(config?.['data'] ?? {})
    const edits: [string, string, object][] = [
      ['service', `${store}-headless`, { spec: { selector: { 'app.kubernetes.io/instance': 'another' } } }],
      ['configmap', config?.metadata.name ?? '', { data: { [file]: 'somebody else’s' } }],
      ['secret', `${store}-app`, { data: { port: 'MQ==' } }],
    ]
    for (const [kind, name, change] of edits) {
      const content = async () => {
        const { spec, data } = JSON.parse(await kubectl(['get', kind, name, '--output=json'])) as Record<
          string,
          unknown
        >
        return JSON.stringify({ spec, data })
      }
      const before = await content()
      await kubectl(['patch', kind, name, '--type=merge', `--patch=${JSON.stringify(change)}`])
      await until(repairLimitMs, async () => ((await content()) === before ? {} : `${kind} ${name} is not as it was`))
    }
    await ready()
    await expectData()
  })

  test('deleted and applied again, it has its data and its logins', async () => {
    const claims = async () =>
      (await ownedWith(labels))
        .filter(({ kind }) => kind === 'PersistentVolumeClaim')
        .map(({ metadata }) => metadata.uid)
    const before = { claims: await claims(), binding: await bindingOf(store, 'app') }
    await kubectl(['delete', 'store', store, '--timeout=180s'])
    await until(180_000, async () => {
      const found = await pods()
      return found.length === 0 ? {} : `${found.length} pods are still there`
    })
    await apply()
    await ready()
    await expectData()
    expect({ claims: await claims(), binding: await bindingOf(store, 'app') }).toEqual(before)
  })
})
