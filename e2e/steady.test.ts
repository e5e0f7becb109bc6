import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../crds/object.ts'
import { adminUser } from '../operator/matching-cluster/pooler/compile.ts'
import { kubectl } from './harness/kubectl.ts'
import { list, read, until } from './harness/objects.ts'
import {
  applyPlatform,
  binding,
  conditionOf,
  connect,
  matchingCluster,
  ofPlatform,
  owned,
  podKind,
  removePlatform,
  secretData,
  whenReady,
} from './harness/platform.ts'

const name = 'k2'
const sample = 'demo'

beforeAll(async () => {
  await removePlatform(name)
  await applyPlatform(name)
  await whenReady(name)
})
afterAll(() => removePlatform(name))

// Figures: one that holds at the second try does not hold.
describe('pooling.parameters', { retry: 0 }, () => {
  test('a change reaches the running pooler, and an open transaction goes on', async () => {
    const before = await pooler()
    await using client = await connect(await binding(name, 'app'), before.name)
    await client.query('BEGIN')
    const { rows: opened } = await client.query('SELECT pg_backend_pid() AS pid')
    expect(await setting('default_pool_size')).not.toBe('7')

    await setPooling({ parameters: { default_pool_size: '7' } })
    await whenReady(name)
    expect(await setting('default_pool_size')).toBe('7')
    expect(await pooler()).toEqual(before)
    expect((await client.query('SELECT pg_backend_pid() AS pid')).rows).toEqual(opened)
    await client.query('COMMIT')
  })

  const database = 'supersmartmatch_core'
  test.each<[string, string, Pooling]>([
    ['an unknown name', 'parameters.max_client_con', { parameters: { max_client_con: '500' } }],
    ['a bad value', 'parameters.max_client_conn', { parameters: { max_client_conn: 'many' } }],
    ['a database that is none', 'databases.jobs', { databases: { jobs: { pool_size: '9' } } }],
    ['an unknown name of a database', 'pool_sise', { databases: { [database]: { pool_sise: '9' } } }],
    ['a bad value of a login', 'pool_mode', { users: { [`${database}_app_a`]: { pool_mode: 'much' } } }],
  ])('%s is refused within five seconds, named, and nothing is applied', async (_what, key, wrong) => {
    const before = await versions()
    const startedMs = performance.now()
    await setPooling({ ...wrong, parameters: { default_pool_size: '9', ...wrong.parameters } })
    const refused = await until(5_000, async () => {
      const valid = conditionOf(await read(matchingCluster, name), 'SpecValid')
      return valid?.status === 'False' ? valid : 'SpecValid is not False'
    })
    console.log(`refused after ${Math.round(performance.now() - startedMs)} ms (5,000 allowed): ${refused.message}`)
    expect(refused).toMatchObject({ reason: 'Invalid', message: expect.stringContaining(key) as string })
    await sleep(3_000)
    expect(await versions()).toEqual(before)
    expect(await setting('default_pool_size')).toBe('7')

    await setPooling({ parameters: { default_pool_size: '7' }, databases: {}, users: {} })
    await whenReady(name)
    expect(await versions()).toEqual(before)
  })
})

// Five minutes are in writes.slow.test.ts.
test(
  'nothing is written to a Ready platform in half a minute, nor to the sample with its eight stores',
  { retry: 0 },
  async () => {
    for (const one of [name, sample]) await whenReady(one)
    const now = async () => ({
      ...(await objectVersions(sample)),
      ...(await objectVersions(name)),
      ...(await eventVersions()),
    })
    const before = await now()
    expect(Object.keys(before).filter((object) => object.startsWith(`DataStore/${sample}-`))).toHaveLength(8)
    await sleep(30_000)
    expect(await now()).toEqual(before)
  },
)

/** The pooler's pod, and what changes when its container restarts. */
async function pooler() {
  const [pod, ...more] = await list(podKind, `${ofPlatform(name)},app.kubernetes.io/component=pooler`)
  expect(more).toEqual([])
  const status = pod?.['status'] as { containerStatuses?: { restartCount: number }[] } | undefined
  const { name: podName = '', uid } = pod?.metadata ?? {}
  return { name: podName, uid, restarts: status?.containerStatuses?.map(({ restartCount }) => restartCount) }
}

type Pooling = Partial<Record<'parameters' | 'databases' | 'users', object>>

/** Replaces these fields of spec.pooling. */
async function setPooling(pooling: Pooling): Promise<void> {
  const changes = Object.entries(pooling).map(([key, value]) => ({ op: 'add', path: `/spec/pooling/${key}`, value }))
  await kubectl(['patch', 'mc', name, '--type=json', `--patch=${JSON.stringify(changes)}`])
}

/** What PgBouncer itself says that it runs with. */
async function setting(key: string): Promise<string | undefined> {
  const password = (await secretData(`${name}-pooler`))['admin-password'] ?? ''
  const admin = { ...(await binding(name, 'app')), database: 'pgbouncer', username: adminUser, password }
  await using console = await connect(admin, (await pooler()).name)
  const { rows } = await console.query('SHOW CONFIG')
  return rows.find((row) => row['key'] === key)?.['value']
}

/** resourceVersion of every owned object. */
async function versions(): Promise<Record<string, string | undefined>> {
  return byName(await owned(name))
}

/** Those, and that of the platform itself. Pods are left out: Patroni writes to its own. */
async function objectVersions(platform: string) {
  const cluster = await read(matchingCluster, platform)
  return byName([...(await owned(platform)), ...(cluster ? [cluster] : [])])
}

/** Of Events about the test's platform; those of an older one go when they have been there for an hour. */
async function eventVersions() {
  const events = await list({ apiVersion: 'events.k8s.io/v1', kind: 'Event' }, '')
  const ours = events.filter((event) => (event['regarding'] as { name: string }).name.startsWith(name))
  return byName(ours.map((event) => ({ ...event, kind: 'Event' })))
}

function byName(objects: KubeObject[]) {
  return Object.fromEntries(objects.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.resourceVersion]))
}
