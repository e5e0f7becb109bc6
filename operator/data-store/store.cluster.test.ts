import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore, DataStoreStatus } from '../../crds/schema/data-store.ts'
import type { Engine, Target } from '../engines/engine.ts'
import { engines } from '../engines/registry.ts'
import { Applier } from '../kube/apply.ts'
import { GivenSecrets } from './given-secrets.ts'
import { Cache } from '../kube/cache.ts'
import { EventRecorder } from '../kube/events.ts'
import { startReflectors } from '../kube/reflector.ts'
import { client, edit, log, testNamespace, until } from '../kube/testing/cluster.ts'
import { managedBy } from '../labels.ts'
import { withConnection } from '../postgres-connection.ts'
import { reconciler } from '../reconcile/controller.ts'
import { secretValue } from '../secrets.ts'
import { operatorImage } from '../testing/lab.ts'
import { surroundings } from '../testing/platform.ts'
import { dataStoreController } from './controller.ts'
import { ownedKinds } from '../wake.ts'

/**
 * One store on real pods, brought through what an operator on call does with it. Pods and Services are reached by their addresses:
 * this machine knows no name of the cluster.
 */
const namespace = await testNamespace()
const run = promisify(execFile)
const cache = new Cache()
const dataStoreKind = { apiVersion, kind: 'DataStore' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }
const serviceKind = { apiVersion: 'v1', kind: 'Service' }
const podKind = { apiVersion: 'v1', kind: 'Pod' }
const claimKind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }

/** By the address of the Service that the host names. */
function reachable(target: Target): Target {
  if (target.serverName) return target
  const service = cache.get(serviceKind, namespace, target.host.split('.', 1)[0] ?? '')
  const { clusterIP = '' } = (service?.['spec'] ?? {}) as { clusterIP?: string }
  return { ...target, host: clusterIP, serverName: target.host }
}

const { postgres } = engines
const engine: Engine = {
  ...postgres,
  probe: (target, signal) => postgres.probe(reachable(target), signal),
  ...(postgres.bootstrap
    ? { bootstrap: async (target, wanted, signal) => (await postgres.bootstrap?.(reachable(target), wanted, signal))! }
    : {}),
}

const events = new EventRecorder({ client, instance: 'test', log })
const tools = {
  client,
  cache,
  applier: new Applier(client, cache, log),
  events,
  engines: { postgres: engine },
  given: new GivenSecrets(client, cache),
  images: { postgres: await operatorImage('IMAGE_POSTGRES'), platform: 'localhost/none:1' },
  surroundings,
  // No migration: a Job would need the platform's image and the network policy of a cluster that has one.
  schemas: { core: { files: [], clusterSql: 'SELECT 1' } },
  now: () => new Date(),
  fence: () => undefined,
}
const process = reconciler(dataStoreController(tools), { client, cache, events, log, watchNamespaces: [namespace] })

beforeAll(async () => {
  const stop = new AbortController()
  const labels = { 'app.kubernetes.io/managed-by': managedBy }
  const watches = [{ ...dataStoreKind, namespace }, ...ownedKinds.map((kind) => ({ ...kind, namespace, labels }))]
  await startReflectors({ client, cache, watches, onChange: () => {}, log, signal: stop.signal }).whenSynced
  return () => stop.abort()
})

async function status(): Promise<DataStoreStatus | undefined> {
  return ((await client.get(dataStoreKind, namespace, 'db')) as DataStore | undefined)?.status
}

/** Reconciles as the queue would, until EngineReady is what is asked for, for the newest spec. */
async function settle(reason: string, timeoutMs = 180_000): Promise<DataStoreStatus> {
  let last = ''
  for (const endMs = performance.now() + timeoutMs; performance.now() < endMs;) {
    await process(`${namespace}/db`, AbortSignal.timeout(20_000))
    const found = (await client.get(dataStoreKind, namespace, 'db')) as DataStore
    const condition = found.status?.conditions.find(({ type }) => type === 'EngineReady')
    const isNew = condition?.observedGeneration === found.metadata.generation
    if (found.status && isNew && condition?.reason === reason) return found.status
    last = `${condition?.reason}: ${condition?.message}`
    await sleep(250)
  }
  throw new Error(`not ${reason} within ${timeoutMs / 1000} s: ${last}`)
}

async function change(spec: object): Promise<void> {
  const edited = await edit((await client.get(dataStoreKind, namespace, 'db'))!, { spec })
  await until(() => cache.get(dataStoreKind, namespace, 'db')?.metadata.generation === edited.metadata.generation)
}

async function annotate(key: string, value: string): Promise<void> {
  await edit((await client.get(dataStoreKind, namespace, 'db'))!, {
    metadata: { annotations: { [`supersmartmatch.io/${key}`]: value } },
  })
  await until(
    () => cache.get(dataStoreKind, namespace, 'db')?.metadata.annotations?.[`supersmartmatch.io/${key}`] === value,
  )
}

async function handOver(pod: string): Promise<void> {
  if ((await status())?.primary === pod) return
  await annotate('switchover', pod)
  await until(async () => {
    await process(`${namespace}/db`, AbortSignal.timeout(20_000))
    return (await status())?.switchover?.answered === pod
  }, 60_000)
  expect(await settle('Ready')).toMatchObject({ primary: pod })
}

/** Runs a script where PostgreSQL of that pod runs. */
const inside = (pod: string, script: string) =>
  run('kubectl', ['--namespace', namespace, 'exec', pod, '--container=postgres', '--', 'sh', '-c', script])

const remove = (path: string, body: object = {}) => client.request('DELETE', path, { body })

/** As superuser, through the read-write or the read-only Service. */
async function sql(query: string, service = 'db', timeoutMs = 5_000): Promise<string> {
  const password = secretValue(cache.get(secretKind, namespace, 'db-superuser'), 'password') ?? ''
  const ca = secretValue(cache.get(secretKind, namespace, 'db-ca'), 'tls.crt') ?? ''
  const host = `${service}.${namespace}.svc`
  const target = reachable({ host, port: 5432, database: 'postgres', username: 'postgres', password, ca })
  const rows = await withConnection(target, AbortSignal.timeout(timeoutMs), (connection) => connection.query(query))
  return String(Object.values(rows[0] ?? {})[0])
}

interface PodStatus {
  containerStatuses?: { restartCount: number }[]
}

const pods = () =>
  cache
    .list(podKind, namespace)
    .filter(({ metadata }) => /^db-\d+$/.test(metadata.name))
    .map(({ metadata }) => [metadata.name, metadata.uid])
    .sort()

/** Writes numbers one after the other, whatever happens to the primary, until `work` is over; every acknowledged one must be there. */
async function whileWriting(
  work: (acknowledged: number[]) => Promise<unknown>,
): Promise<{ written: number; longestGapMs: number }> {
  await sql('CREATE TABLE IF NOT EXISTS written (n bigint PRIMARY KEY)')
  await sql('TRUNCATE written')
  const acknowledged: number[] = []
  let [n, lastMs, longestGapMs, isOver] = [0, performance.now(), 0, false]
  const write = async () => {
    while (!isOver) {
      try {
        await sql(`INSERT INTO written VALUES (${++n})`, 'db', 1_500)
        acknowledged.push(n)
        longestGapMs = Math.max(longestGapMs, performance.now() - lastMs)
        lastMs = performance.now()
      } catch {
        // Not acknowledged: nothing is promised of it.
      }
      await sleep(20)
    }
  }
  const writing = write()
  await work(acknowledged).finally(() => (isOver = true))
  await writing
  const found = (await sql(`SELECT string_agg(n::text, ',') FROM written`)).split(',').map(Number)
  expect(acknowledged.filter((one) => !found.includes(one))).toEqual([])
  expect(acknowledged.length).toBeGreaterThan(10)
  return { written: acknowledged.length, longestGapMs: Math.round(longestGapMs) }
}

describe('a store', { timeout: 240_000 }, () => {
  test('comes up with one member, which serves those who only read, too', async () => {
    const spec = {
      engine: 'postgres',
      schema: { name: 'core' },
      storage: { size: '512Mi' },
      resources: { cpu: '20m', memory: '96Mi', memoryLimit: '256Mi' },
    }
    await client.create({ ...dataStoreKind, metadata: { name: 'db', namespace }, spec })
    await until(() => cache.get(dataStoreKind, namespace, 'db') !== undefined)
    expect(await settle('Ready')).toMatchObject({ replicas: 1, primary: 'db-0' })
    await sql('CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n')
    // The primary answers before its pod is ready, and this Service leads to ready pods only.
    await expect.poll(() => sql('SELECT count(*) FROM kept', 'db-ro').catch(String), { timeout: 60_000 }).toBe('1000')
  })

  test('takes over what PostgreSQL can reload, and refuses what it cannot know', async () => {
    const before = pods()
    await change({ parameters: { work_mem: '9MB' }, pgHba: ['hostssl all reporting all reject'] })
    await settle('Ready')
    expect(await sql('SHOW work_mem')).toBe('9MB')
    const refusing = `SELECT string_agg(user_name[1], ' ' ORDER BY user_name[1]) FROM pg_hba_file_rules WHERE auth_method = 'reject'`
    expect(await sql(refusing)).toBe('reporting')
    // Alone: Ready says that it is in force.
    await change({ pgHba: ['hostssl all reporting all reject', 'hostssl all leaked all reject'] })
    await settle('Ready')
    expect(await sql(refusing)).toBe('leaked reporting')
    await change({ parameters: { work_mem: '9MB', work_memm: '8MB' } })
    await process(`${namespace}/db`, AbortSignal.timeout(20_000))
    const valid = (await status())?.conditions.find(({ type }) => type === 'SpecValid')
    expect(valid).toMatchObject({ status: 'False', message: expect.stringContaining('work_memm') as string })
    await change({ parameters: { work_memm: null } })
    await settle('Ready')
    expect(pods()).toEqual(before)
  })

  test('grows to three, one after the other, and every one counts for a commit', async () => {
    await change({ replicas: 3 })
    expect(await settle('Ready')).toMatchObject({ replicas: 3, primary: 'db-0' })
    const streaming = `SELECT string_agg(application_name || ' ' || sync_state, ', ' ORDER BY 1) FROM pg_stat_replication`
    expect(await sql(streaming)).toBe('db-1 quorum, db-2 quorum')
    await process(`${namespace}/db`, AbortSignal.timeout(20_000))
    await expect.poll(() => sql('SELECT pg_is_in_recovery()', 'db-ro'), { timeout: 60_000 }).toBe('true')
    expect(await sql('SELECT count(*) FROM kept', 'db-ro')).toBe('1000')
  })

  test('is restarted for a setting that needs it: replicas, switchover, former primary', async () => {
    const before = pods()
    await change({ parameters: { max_connections: '120' } })
    const { primary, switchover } = await settle('Ready')
    expect(primary).not.toBe('db-0')
    expect(switchover).toMatchObject({ request: 'rolling restart', state: 'Succeeded', from: 'db-0', to: primary })
    for (const service of ['db', 'db-ro']) expect(await sql('SHOW max_connections', service)).toBe('120')
    expect(pods()).toEqual(before)
  })

  test('hands over to the member that is asked for; no acknowledged row is lost', async () => {
    const report = await whileWriting(async () => {
      await annotate('switchover', 'db-0')
      await until(async () => {
        await process(`${namespace}/db`, AbortSignal.timeout(20_000))
        return (await status())?.switchover?.state === 'Succeeded'
      }, 60_000)
      await sleep(500)
    })
    expect(await settle('Ready')).toMatchObject({ primary: 'db-0', switchover: { answered: 'db-0' } })
    console.log(`switchover: ${report.written} rows acknowledged and there, longest gap ${report.longestGapMs} ms`)
    expect(report.longestGapMs).toBeLessThan(10_000)
  })

  test('fails over when its primary goes unasked; no acknowledged row is lost', async () => {
    const report = await whileWriting(async (acknowledged) => {
      await client.request('DELETE', `/api/v1/namespaces/${namespace}/pods/db-0`, { body: { gracePeriodSeconds: 0 } })
      await sleep(3_000)
      const before = acknowledged.length
      await until(() => acknowledged.length > before + 10, 60_000)
    })
    console.log(`failover: ${report.written} rows acknowledged and there, longest gap ${report.longestGapMs} ms`)
    expect(report.longestGapMs).toBeLessThan(30_000)
    expect(await settle('Ready')).toMatchObject({ replicas: 3 })
  })

  test('shrinks to one, wherever its primary is, and keeps the volumes', async () => {
    await change({ replicas: 1 })
    expect(await settle('Ready')).toMatchObject({ replicas: 1, primary: 'db-0' })
    expect(pods()).toHaveLength(1)
    expect(cache.list(claimKind, namespace)).toHaveLength(3)
    expect(await sql('SELECT count(*) FROM kept')).toBe('1000')
  })
})

describe.runIf(globalThis.process.env['SLOW'] === '1')('a store, slowly', { timeout: 240_000 }, () => {
  test('former members come back on their old volumes, and have what was written meanwhile', async () => {
    await sql('INSERT INTO kept VALUES (1001)')
    await change({ replicas: 3 })
    await settle('Ready')
    expect(await sql('SELECT count(*) FROM kept', 'db-ro')).toBe('1001')
  })

  test('lowers what no replica may have less of: the primary first', async () => {
    await change({ parameters: { max_connections: '100' } })
    await settle('Ready', 120_000)
    for (const service of ['db', 'db-ro']) expect(await sql('SHOW max_connections', service)).toBe('100')
  })

  test('a bad image stops at the first replica, and is taken back by taking it back', async () => {
    const before = (await status())?.primary
    await change({ image: 'localhost/none:1' })
    await expect(settle('Ready', 20_000)).rejects.toThrow(/localhost\/none:1|ErrImagePull|ImagePullBackOff/)
    expect((await status())?.primary).toBe(before)
    expect(await sql('SELECT count(*) FROM kept')).toBe('1001')
    await change({ image: null })
    expect(await settle('Ready')).toMatchObject({ replicas: 3, primary: before })
  })

  test('another template is rolled, replicas first', async () => {
    const before = pods()
    await change({ resources: { memory: '100Mi' } })
    await settle('Ready', 180_000)
    const uids = before.map(([, uid]) => uid)
    expect(pods().filter(([, uid]) => uids.includes(uid))).toEqual([])
    expect((await status())?.switchover).toMatchObject({ request: 'rolling restart', state: 'Succeeded' })
  })

  test('hibernates and wakes with its data', async () => {
    await change({ hibernate: true })
    await settle('Hibernated', 120_000)
    await until(() => pods().length === 0, 60_000)
    await change({ hibernate: false })
    expect(await settle('Ready', 120_000)).toMatchObject({ replicas: 3 })
    expect(await sql('SELECT count(*) FROM kept')).toBe('1001')
  })

  test('a member that lost its volume copies it again, the first one, too', async () => {
    await change({ replicas: 3 })
    await settle('Ready')
    await handOver('db-0')
    const before = await client.get(claimKind, namespace, 'data-db-0')
    await remove(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/data-db-0`)
    await remove(`/api/v1/namespaces/${namespace}/pods/db-0`)
    await until(async () => {
      const found = await client.get(claimKind, namespace, 'data-db-0')
      return found !== undefined && found.metadata.uid !== before?.metadata.uid
    }, 60_000)
    expect(await settle('Ready')).toMatchObject({ replicas: 3 })
    expect(await sql('SELECT count(*) FROM kept')).toBe('1001')
  })

  test.each([
    ['its container', 'kill 1'],
    ['its pod', 'true'],
  ])('a copy that was cut short with %s is made again', async (what, end) => {
    const { primary } = await settle('Ready')
    const replica = ['db-0', 'db-1', 'db-2'].find((name) => name !== primary) ?? ''
    const state = () => {
      const pod = cache.get(podKind, namespace, replica)
      const { containerStatuses: [container] = [] } = (pod?.['status'] ?? {}) as PodStatus
      return container ? `${pod?.metadata.uid} ${container.restartCount}` : undefined
    }
    const before = state()
    const control = '/var/lib/postgresql/data/pgdata/global/pg_control'
    await inside(replica, `rm ${control} && ${end}`)
    if (what === 'its pod') await remove(`/api/v1/namespaces/${namespace}/pods/${replica}`, { gracePeriodSeconds: 0 })
    await until(() => ![before, undefined].includes(state()), 60_000)
    await expect
      .poll(() => inside(replica, `ls ${control}`).catch(String), { timeout: 120_000, interval: 1_000 })
      .toHaveProperty('stdout')
    expect(await settle('Ready')).toMatchObject({ replicas: 3 })
  })

  test('deleted and applied again for one member, it has what its primary had, wherever that was', async () => {
    await handOver('db-2')
    // It is acknowledged by db-1; db-0 hears of it no more.
    const stop = 'for p in /proc/[0-9]*; do grep -q "walreceive[r]" $p/cmdline && kill -STOP ${p#/proc/}; done; true'
    await inside('db-0', stop)
    await sql('INSERT INTO kept VALUES (1002)')
    const { spec } = (await client.get(dataStoreKind, namespace, 'db')) as DataStore
    await remove(`/apis/${apiVersion}/namespaces/${namespace}/datastores/db`, { propagationPolicy: 'Background' })
    await until(() => cache.get({ apiVersion: 'apps/v1', kind: 'StatefulSet' }, namespace, 'db') === undefined, 30_000)
    await remove(`/api/v1/namespaces/${namespace}/pods/db-0`, { gracePeriodSeconds: 0 })
    await until(() => pods().length === 0 && cache.get(dataStoreKind, namespace, 'db') === undefined, 150_000)
    await client.create({ ...dataStoreKind, metadata: { name: 'db', namespace }, spec: { ...spec, replicas: 1 } })
    await until(() => cache.get(dataStoreKind, namespace, 'db') !== undefined)
    expect(await settle('Ready')).toMatchObject({ replicas: 1, primary: 'db-0' })
    expect(pods()).toHaveLength(1)
    expect(await sql('SELECT count(*) FROM kept')).toBe('1002')
    await change({ replicas: 3 })
    expect(await settle('Ready')).toMatchObject({ replicas: 3 })
    await sql('DELETE FROM kept WHERE n = 1002')
  })

  test('a shrink that could lose data is refused, and goes by itself once nothing can be lost', async () => {
    // A member whose files are gone for good: it is there, and follows nobody.
    await annotate('switchover', 'db-2')
    await until(async () => {
      await process(`${namespace}/db`, AbortSignal.timeout(20_000))
      return (await status())?.switchover?.answered === 'db-2'
    }, 30_000)
    await change({ image: 'localhost/none:1' })
    await client.request('DELETE', `/api/v1/namespaces/${namespace}/pods/db-0`)
    await expect(settle('Ready', 8_000)).rejects.toThrow()
    await change({ replicas: 1 })
    await process(`${namespace}/db`, AbortSignal.timeout(20_000))
    const found = await status()
    const applied = found?.conditions.find(({ type }) => type === 'ObjectsApplied')
    expect(applied).toMatchObject({ status: 'False', reason: 'ShrinkRefused' })
    expect(applied?.message).toContain(found?.pending?.hash)
    expect(pods()).toHaveLength(3)
    await change({ image: null })
    // The engine is ready before the three are whole, and only then two of them go.
    await until(async () => {
      await process(`${namespace}/db`, AbortSignal.timeout(20_000))
      const { replicas, primary } = (await status()) ?? {}
      return replicas === 1 && primary === 'db-0'
    }, 120_000)
    expect(await sql('SELECT count(*) FROM kept')).toBe('1001')
  })
})
