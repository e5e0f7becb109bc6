import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { newLease } from './lease.ts'
import type { Lease, LeaseStore } from './lease.ts'

const leaseMs = 300

/** As an engine keeps it. */
function newStore(): LeaseStore & { state: Lease | undefined; fail: boolean } {
  const store = {
    state: undefined as Lease | undefined,
    fail: false,
    read: async () => store.state,
    async replace(from: string | undefined, holder: string) {
      await sleep(1)
      if (store.fail) throw new Error('no connection')
      if (store.state?.version !== from) return undefined
      store.state = { version: String(Number(from ?? 0) + 1), holder }
      return store.state.version
    },
  }
  return store
}

function leaseOf(store: LeaseStore, holder: string, waitMs = 10_000) {
  const lines: string[] = []
  const signal = new AbortController().signal
  const lease = newLease(store, { holder, leaseMs, waitMs, signal, log: (line) => void lines.push(line) })
  onTestFinished(() => lease.release().catch(() => undefined))
  return { ...lease, lines }
}

test('of many who want it at once, each has it alone', async () => {
  const store = newStore()
  let holding = 0
  let most = 0
  const work = async (index: number) => {
    const lease = leaseOf(store, `migrator ${index}`, 60_000)
    await lease.take()
    most = Math.max(most, ++holding)
    await sleep(5)
    await lease.hold()
    holding--
    await lease.release()
  }
  await Promise.all(Array.from({ length: 20 }, (_, index) => work(index)))
  expect(most).toBe(1)
})

test('who works longer than a lease lasts keeps it', async () => {
  const store = newStore()
  const [one, other] = [leaseOf(store, 'one'), leaseOf(store, 'other', 3 * leaseMs)]
  await one.take()
  await expect(other.take()).rejects.toMatchObject({
    reason: 'LockTimeout',
    message: 'another migrator has not finished within 0.9 s: one',
  })
  await one.hold()
  expect(other.lines).toEqual(['waiting for another migrator: one'])
})

test('who shows no sign of life is replaced, and learns of it before its next step', async () => {
  const store = newStore()
  const [one, other] = [leaseOf(store, 'one'), leaseOf(store, 'other')]
  await one.take()
  store.fail = true
  // Its renewals fail from here on.
  await sleep(leaseMs / 2)
  const startedMs = performance.now()
  const taking = other.take()
  await sleep(leaseMs / 2)
  store.fail = false
  // As a process that was stopped: it comes back only after the other one has the lease.
  store.state = { version: 'stopped', holder: 'one' }
  await taking
  expect(performance.now() - startedMs).toBeGreaterThan(leaseMs)
  expect(other.lines).toContainEqual('no sign of life from one for 0.3 s: going on in its place')
  await expect(one.hold()).rejects.toMatchObject({
    reason: 'Unavailable',
    message: expect.stringContaining('went to another migrator') as string,
  })
  await other.hold()
})

test('a lost one is not given back: it is another’s by now', async () => {
  const store = newStore()
  const one = leaseOf(store, 'one')
  await one.take()
  store.state = { version: '99', holder: 'other' }
  await expect(one.hold()).rejects.toThrow('went to another migrator')
  await one.release()
  expect(store.state).toEqual({ version: '99', holder: 'other' })
})
