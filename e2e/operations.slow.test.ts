import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataStoreStatus } from '../crds/schema/data-store.ts'
import { kubectl } from './harness/kubectl.ts'
import { list, read, until, type Kind } from './harness/objects.ts'
import {
  applyPlatform,
  binding,
  conditionOf,
  connect,
  dataStore,
  identityOf,
  matchingCluster,
  ofPlatform,
  podKind,
  primaryOf,
  removePlatform,
  seed,
  superuser,
  whenReady,
} from './harness/platform.ts'

/** Day 2 of one platform, from a single member up and back: each change does what it says, and the data stays. */
const name = 'k5'
const claimKind: Kind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }
const growing = 'e2e-growing'

beforeAll(async () => {
  await removePlatform(name)
  await copyDefaultClass()
  await applyPlatform(name, { storage: { size: '512Mi', storageClass: growing } })
  await whenReady(name)
  await seed(name, 'first', 200)
})
afterAll(async () => {
  await removePlatform(name)
  await kubectl(['delete', 'storageclass', growing, '--ignore-not-found'])
})

/** Like the default class, but it may grow; whether the provisioner can is another matter. */
async function copyDefaultClass(): Promise<void> {
  const { items } = JSON.parse(await kubectl(['get', 'storageclass', '--output=json'])) as {
    items: { metadata: { name: string; annotations?: Record<string, string> }; [field: string]: unknown }[]
  }
  const [standard] = items.filter(
    ({ metadata }) => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true',
  )
  if (!standard) throw new Error('the cluster has no default StorageClass')
  const metadata = { name: growing }
  await kubectl(['apply', '--filename=-'], JSON.stringify({ ...standard, metadata, allowVolumeExpansion: true }))
}

const patch = (spec: object) => kubectl(['patch', 'mc', name, '--type=merge', '--patch', JSON.stringify({ spec })])
const patchCore = (core: object) => patch({ stores: { core } })
const annotateStore = (key: string, value: string) =>
  kubectl(['annotate', 'store', `${name}-core`, '--overwrite', `supersmartmatch.io/${key}=${value}`])

const pods = async (component: string) => {
  const found = await list(podKind, `${ofPlatform(name)},app.kubernetes.io/component=${component}`)
  return found.filter(({ metadata }) => !metadata.deletionTimestamp)
}
/** Name, uid and restarts of the database pods: what a change that restarts nothing leaves as it is. */
const databases = async () =>
  (await pods('database')).map(({ metadata, ...pod }) => {
    const status = pod['status'] as { containerStatuses?: { restartCount: number }[] } | undefined
    return [metadata.name, metadata.uid, status?.containerStatuses?.map(({ restartCount }) => restartCount)]
  })
const storeStatus = async () => (await read(dataStore, `${name}-core`))?.['status'] as DataStoreStatus
const setting = (key: string) => superuser(name, `SHOW ${key}`)

/** The data, whatever pods and volumes hold it. */
const data = async () => (await identityOf(name)).data

async function untilPhase(phase: string): Promise<void> {
  await until(180_000, async () => {
    const status = (await read(matchingCluster, name))?.['status'] as { phase?: string } | undefined
    return status?.phase === phase ? {} : `the phase is ${status?.phase}`
  })
}

async function pending(): Promise<{ hash: string; differences: string[] }> {
  return until(60_000, async () => (await storeStatus()).pending ?? 'nothing is pending')
}

/** A pod goes, and finds no node to come back to. */
async function whileAway(pod: string, during: () => Promise<void>): Promise<void> {
  const nodes = (await kubectl(['get', 'nodes', '--output=name'])).trim().split('\n')
  try {
    await kubectl(['cordon', ...nodes])
    await kubectl(['delete', 'pod', pod])
    await during()
  } finally {
    await kubectl(['uncordon', ...nodes])
  }
}

describe('parameters', () => {
  test('one that PostgreSQL reloads is in force without a restart', async () => {
    const before = await databases()
    await patchCore({ parameters: { work_mem: '9MB' } })
    await whenReady(name)
    await until(30_000, async () => ((await setting('work_mem')) === '9MB' ? {} : 'not reloaded'))
    expect(await databases()).toEqual(before)
  })

  test('one that needs a restart is in force after one', async () => {
    await patchCore({ parameters: { max_connections: '120' } })
    await whenReady(name)
    expect(await setting('max_connections')).toBe('120')
  })

  test.each([
    ['an unknown name', 'work_memm', '8MB'],
    ['a bad value', 'work_mem', 'much'],
    ['one that is the operator’s', 'ssl', 'off'],
  ])('%s is refused within five seconds, named, and no pod is touched', { retry: 0 }, async (_what, key, value) => {
    const before = await databases()
    const startedMs = performance.now()
    // Beside something good, which has to wait.
    await patchCore({ parameters: { log_min_duration_statement: '7s', [key]: value } })
    const refused = await until(5_000, async () => {
      const valid = conditionOf(await read(dataStore, `${name}-core`), 'SpecValid')
      return valid?.status === 'False' ? valid : 'SpecValid is not False'
    })
    console.log(`refused after ${Math.round(performance.now() - startedMs)} ms (5,000 allowed): ${refused.message}`)
    expect(refused).toMatchObject({ reason: 'Invalid', message: expect.stringContaining(key) as string })
    await sleep(3_000)
    expect(await setting('work_mem')).toBe('9MB')
    expect(await setting('log_min_duration_statement')).not.toBe('7s')
    await patchCore({ parameters: { log_min_duration_statement: null, [key]: key === 'work_mem' ? '9MB' : null } })
    await whenReady(name)
    expect(await databases()).toEqual(before)
  })
})

describe('replicas', () => {
  test('1 → 3: two copies follow', async () => {
    const before = await data()
    await patchCore({ replicas: 3 })
    await whenReady(name)
    expect(await pods('database')).toHaveLength(3)
    const streaming = `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND application_name LIKE '${name}-core-%'`
    expect(await superuser(name, streaming)).toBe('2')
    expect(await data()).toBe(before)
  })

  test('reads through the pooler end at a replica, writes at the primary', async () => {
    const [pooler] = await pods('pooler')
    const app = await binding(name, 'app')
    const isReplica = async (database: string) => {
      await using client = await connect({ ...app, database }, pooler?.metadata.name ?? '')
      return (await client.query('SELECT pg_is_in_recovery() AS replica')).rows
    }
    expect(await isReplica(`${app.database}_ro`)).toEqual([{ replica: true }])
    expect(await isReplica(app.database)).toEqual([{ replica: false }])
  })

  test('a disruption budget that is deleted is there again in 30 s, and one that is edited is put right', async () => {
    const kind: Kind = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' }
    const budget = () => read(kind, `${name}-core`)
    const before = await budget()
    expect(before?.['spec']).toMatchObject({ maxUnavailable: 1 })
    await kubectl(['delete', 'pdb', `${name}-core`])
    await until(30_000, async () => (await budget()) ?? 'it is not there again')
    expect((await budget())?.['spec']).toEqual(before?.['spec'])
    await kubectl(['patch', 'pdb', `${name}-core`, '--type=merge', '--patch={"spec":{"maxUnavailable":3}}'])
    const content = async () => JSON.stringify((await budget())?.['spec'])
    await until(30_000, async () => ((await content()) === JSON.stringify(before?.['spec']) ? {} : await content()))
  })

  test('a switchover comes at the time that was asked for, not before', async () => {
    const before = await primaryOf(name)
    const at = new Date(Date.now() + 20_000)
    const request = `any@${at.toISOString()}`
    await annotateStore('switchover', request)
    await until(10_000, async () => {
      const { switchover } = await storeStatus()
      return switchover?.request === request && switchover.state === 'Scheduled' ? switchover : 'it is not scheduled'
    })
    while (Date.now() < at.getTime() - 1_000) {
      expect((await storeStatus()).switchover?.state).toBe('Scheduled')
      expect(await primaryOf(name)).toBe(before)
      await sleep(1_000)
    }
    await until(30_000, async () => {
      const { switchover } = await storeStatus()
      return switchover?.answered === request && switchover.state === 'Succeeded' ? switchover : `${switchover?.state}`
    })
    expect(await primaryOf(name)).not.toBe(before)
    await whenReady(name)
  })

  test('a parameter that needs a restart: replicas first, then a switchover', async () => {
    const before = await primaryOf(name)
    await patchCore({ parameters: { max_connections: '130' } })
    await whenReady(name)
    expect(await setting('max_connections')).toBe('130')
    expect(await primaryOf(name)).not.toBe(before)
  })

  test('3 → 1: the one that stays has everything', async () => {
    await seed(name, 'three', 100)
    const before = await data()
    await patchCore({ replicas: 1 })
    await whenReady(name)
    expect(await pods('database')).toHaveLength(1)
    expect(await data()).toBe(before)
  })

  test(
    '1 → 3, and down while the one that would stay is away: refused, and done once somebody answers for it',
    { retry: 0 },
    async () => {
      await patchCore({ replicas: 3 })
      await whenReady(name)
      const [first, last] = [`${name}-core-0`, `${name}-core-2`]
      await annotateStore('switchover', last)
      await until(60_000, async () => ((await primaryOf(name)) === last ? {} : `${last} is not primary`))
      await whenReady(name)
      await seed(name, 'refused', 100)
      const before = await data()
      const others = async () => (await databases()).filter(([pod]) => pod !== first)
      const othersBefore = await others()
      await whileAway(first, async () => {
        await patchCore({ replicas: 1 })
        const { hash, differences } = await pending()
        const applied = conditionOf(await read(dataStore, `${name}-core`), 'ObjectsApplied')
        console.log(applied?.message)
        expect(applied).toMatchObject({ status: 'False', reason: 'ShrinkRefused' })
        for (const part of [`${first}, which stays`, hash]) expect(applied?.message).toContain(part)
        expect(differences).toEqual(['replicas: 3 → 1'])
        await annotateStore('approve', 'another')
        await sleep(12_000)
        expect(await others()).toEqual(othersBefore)
        expect(await primaryOf(name)).toBe(last)
        await annotateStore('approve', hash)
        await until(120_000, async () => ((await others()).length === 0 ? {} : 'the others are still there'))
      })
      // Patroni lets nobody lead who may lack commits: the operator does, for who approved it.
      await whenReady(name)
      expect((await pods('database')).map(({ metadata }) => metadata.name)).toEqual([first])
      // Nothing was written while it was away: it has everything.
      expect(await data()).toBe(before)
      // What was given up may have a history of its own.
      await patchCore({ replicas: 2 })
      await until(30_000, async () => {
        const applied = conditionOf(await read(dataStore, `${name}-core`), 'ObjectsApplied')
        return applied?.reason === 'VolumesUnfit' ? applied : 'no VolumesUnfit'
      })
      // A claim of the same name is made at once: kubectl would wait for that to go.
      await kubectl(['delete', 'pvc', '--wait=false', `data-${name}-core-1`, `data-${name}-core-2`])
      await until(60_000, async () => ((await pods('database')).length === 2 ? {} : 'one pod'))
      await whenReady(name)
      expect(await data()).toBe(before)
      await patchCore({ replicas: 1 })
      await whenReady(name)
    },
  )
})

test('paused: an edit changes nothing until it is resumed', async () => {
  await patch({ paused: true })
  await until(10_000, async () => {
    const paused = conditionOf(await read(matchingCluster, name), 'ReconciliationPaused')
    return paused?.status === 'True' ? paused : 'not paused'
  })
  await patchCore({ parameters: { work_mem: '10MB' } })
  await sleep(5_000)
  expect(await setting('work_mem')).toBe('9MB')
  await patch({ paused: false })
  await whenReady(name)
  await until(30_000, async () => ((await setting('work_mem')) === '10MB' ? {} : 'not reloaded'))
})

test('hibernate: every pod goes, and waking finds the data', async () => {
  const before = await identityOf(name)
  await patch({ hibernate: true })
  await untilPhase('Hibernated')
  for (const component of ['database', 'pooler', 'service']) {
    await until(120_000, async () => ((await pods(component)).length === 0 ? {} : `${component} pods are still there`))
  }
  await patch({ hibernate: false })
  await whenReady(name)
  expect(await identityOf(name)).toEqual(before)
})

test('a restart that needs approval waits with its differences, and goes once approved', async () => {
  await patch({ updatePolicy: { type: 'OnApproval' } })
  await whenReady(name)
  const before = await databases()
  await patchCore({ resources: { memoryLimit: '640Mi' } })
  const { hash, differences } = await pending()
  expect(differences.join()).toContain('640Mi')
  await sleep(5_000)
  expect(await databases()).toEqual(before)
  expect(conditionOf(await read(dataStore, `${name}-core`), 'PendingRollout')).toMatchObject({ status: 'True' })
  await annotateStore('approve', 'another')
  await sleep(3_000)
  expect(await databases()).toEqual(before)
  await annotateStore('approve', hash)
  await until(60_000, async () => ((await storeStatus()).pending ? 'still pending' : {}))
  await expect.poll(databases, { timeout: 60_000 }).not.toEqual(before)
  await whenReady(name)
})

test('a restart waits for its window', async () => {
  const before = await databases()
  const closed = { cron: `0 0 ${new Date().getUTCDate() === 15 ? 16 : 15} 1 *`, duration: '1m' }
  await patch({ updatePolicy: { type: 'Window', windows: [closed] } })
  await patchCore({ resources: { memoryLimit: '656Mi' } })
  await pending()
  await sleep(3_000)
  expect(await databases()).toEqual(before)
  // The next full minute that leaves the operator the time to read of it: nobody touches the platform once it has come.
  const opens = new Date(Math.ceil((Date.now() + 20_000) / 60_000) * 60_000)
  const cron = `${opens.getUTCMinutes()} ${opens.getUTCHours()} * * *`
  await patch({ updatePolicy: { type: 'Window', windows: [{ cron, duration: '5m' }] } })
  await until(15_000, async () => {
    const waits = conditionOf(await read(dataStore, `${name}-core`), 'PendingRollout')?.message ?? ''
    return waits.includes(opens.toISOString()) ? {} : waits
  })
  while (Date.now() < opens.getTime() - 1_000) {
    expect(await databases()).toEqual(before)
    await sleep(1_000)
  }
  await until(30_000, async () => ((await storeStatus()).pending ? 'still pending' : {}))
  await expect.poll(databases, { timeout: 60_000 }).not.toEqual(before)
  const [replaced] = await until(60_000, async () => {
    const found = await pods('database')
    return found.length > 0 ? found : 'no pod yet'
  })
  expect(Date.parse(replaced?.metadata.creationTimestamp ?? '')).toBeGreaterThanOrEqual(opens.getTime())
  await whenReady(name)
  await patch({ updatePolicy: null })
  await whenReady(name)
})

test('a volume grows while the store runs', async () => {
  const claim = `data-${name}-core-0`
  const before = await databases()
  const requested = async () => {
    const spec = (await read(claimKind, claim))?.['spec'] as { resources: { requests: { storage: string } } }
    return spec.resources.requests.storage
  }
  await patchCore({ storage: { size: '768Mi' } })
  await until(60_000, async () => ((await requested()) === '768Mi' ? {} : 'the claim is not asked to grow'))
  // The local provisioner cannot resize: the test plays the resizer.
  const status = { capacity: { storage: '768Mi' } }
  await kubectl([
    'patch',
    'pvc',
    claim,
    '--subresource=status',
    '--type=merge',
    `--patch=${JSON.stringify({ status })}`,
  ])
  await whenReady(name)
  const statefulSet = await read({ apiVersion: 'apps/v1', kind: 'StatefulSet' }, `${name}-core`)
  expect(JSON.stringify(statefulSet?.['spec'])).toContain('"storage":"768Mi"')
  expect(await databases()).toEqual(before)
})

test('a planned switchover of a single member is refused with a reason', async () => {
  await annotateStore('switchover', 'any')
  const { switchover } = await until(30_000, async () => {
    const status = await storeStatus()
    return status.switchover?.request === 'any' && status.switchover.state === 'Failed' ? status : 'not answered'
  })
  expect(switchover?.message).not.toBe('')
})
