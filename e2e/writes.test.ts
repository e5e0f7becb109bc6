import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditLog, excess, printed, tally, writesSince } from './harness/audit.ts'
import { namespace } from './harness/objects.ts'
import { applyPlatform, removePlatform, whenReady } from './harness/platform.ts'

const name = 'w1'

beforeAll(() => removePlatform(name))
afterAll(() => removePlatform(name))

// Only where somebody has said that this cluster's audit log is out of reach.
test.skipIf(auditLog === 'none')('from apply to Ready every owned object is written once', { retry: 0 }, async () => {
  const since = new Date()
  // With Delete the cluster and each store carry a finalizer, whose patch is one of the writes that are counted.
  await applyPlatform(name, {}, { deletionPolicy: 'Delete' })
  await whenReady(name)
  await sleep(2_000)
  const tallies = tally(writesSince(since, namespace, name))
  const table = printed(tallies)
  console.log(`writes from apply to Ready:\n${table}`)
  // An empty log would prove nothing.
  expect(tallies.map(({ resource }) => resource)).toEqual(
    expect.arrayContaining(['statefulsets', 'datastores/status', 'matchingclusters']),
  )
  expect(excess(tallies), table).toEqual([])
})
