import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { apiVersion } from '../../crds/schema/common.ts'
import { client, until } from '../kube/testing/cluster.ts'
import type { Write } from '../kube/testing/proxy.ts'
import { managedBy } from '../labels.ts'
import { beyondAnyNode } from './kubelet.ts'
import { startOperator, type OperatorProcess } from './process.ts'

/** How a leader ends, and what then is found. Times are in seconds. */
export interface Takeover {
  /** From the signal until its successor holds the Lease. */
  afterSeconds: number
  /** What the old leader had written before the signal, its Lease apart. */
  before: number
  /** What it tried to write after its successor's first write, its Lease apart. */
  tried: string[]
  /** What the API server has carried out for it after that, the Lease included. */
  late: Write[]
}

/**
 * A leader gets the signal amid its writes, with a second operator waiting. One that was only stopped is continued after
 * `stoppedMs`. Who has written what, and in which order, the API server says by the resourceVersions of its answers.
 * @param round  tells the rounds in one namespace apart
 */
export async function takeOver(
  signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP',
  { namespace, round = 0, stoppedMs = 0 }: { namespace: string; round?: number; stoppedMs?: number },
): Promise<Takeover> {
  await using leader = await startOperator(`leader-${round}`, [namespace])
  await until(async () => (await holder(namespace)) === `leader-${round}`, 120_000)
  await using standby = await startOperator(`standby-${round}`, [namespace])
  // Ready, and yet it does nothing.
  expect(standby.proxy.writes()).toEqual([])

  const names = Array.from({ length: 6 }, (_, index) => `store-${round}-${index}`)
  await Promise.all(names.map((name) => createStore(namespace, name)))
  await until(() => madeBy(leader).length > 0)
  const signalledMs = performance.now()
  leader.kill(signal)
  const before = madeBy(leader).length
  const first = await firstWrite(standby)
  if (signal === 'SIGSTOP') {
    await sleep(signalledMs + stoppedMs - performance.now())
    leader.kill('SIGCONT')
  }
  expect(await leader.exited).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 0)
  // What the old one has begun its successor ends.
  await until(async () => (await statefulSets(namespace)) === names.length * (round + 1), 120_000)
  const late = leader.proxy.writes().filter((write) => isAfter(write, first))
  const tried = leader.proxy.seen.filter(({ method, url, atMs }) => {
    return method !== 'GET' && !isLease(url.pathname) && atMs > first.atMs
  })
  return {
    afterSeconds: (first.atMs - signalledMs) / 1000,
    before,
    late,
    tried: tried.map(({ method, url }) => `${method} ${url.pathname}`),
  }
}

async function holder(namespace: string): Promise<string | undefined> {
  const lease = await client.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }, namespace, managedBy)
  return (lease?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity
}

/** No node has room for its pod: what is tested is the operator. */
async function createStore(namespace: string, name: string): Promise<void> {
  const spec = { engine: 'postgres', schema: { name: 'core' }, resources: { cpu: beyondAnyNode } }
  await client.create({ apiVersion, kind: 'DataStore', metadata: { name, namespace }, spec })
}

/** An old leader may try to give its Lease back: that carries a version, and is refused once another holds it. */
const isLease = (path: string) => path.includes('/leases')
const madeBy = ({ proxy }: OperatorProcess) => proxy.writes().filter(({ path }) => !isLease(path))

/** It takes the Lease before it writes anything else. */
async function firstWrite({ proxy }: OperatorProcess): Promise<Write> {
  await until(() => proxy.writes().length > 0, 60_000)
  const [first] = proxy.writes()
  if (!first?.path.endsWith(`/leases/${managedBy}`)) throw new Error(`written without the Lease: ${first?.path}`)
  return first
}

async function statefulSets(namespace: string): Promise<number> {
  return (await client.list({ apiVersion: 'apps/v1', kind: 'StatefulSet' }, namespace)).length
}

function isAfter(write: Write, other: Write): boolean {
  if (write.resourceVersion === undefined || other.resourceVersion === undefined) return write.atMs > other.atMs
  return write.resourceVersion > other.resourceVersion
}
