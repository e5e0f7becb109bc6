import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { auditLog, excess, printed, tally, writesSince } from './harness/audit.ts'
import { namespace } from './harness/objects.ts'
import { applyPlatform, removePlatform, whenReady } from './harness/platform.ts'
import { watchStates } from './harness/states.ts'

const name = 'w1'

beforeAll(() => removePlatform(name))
afterAll(() => removePlatform(name))

// Only where somebody has said that this cluster's audit log is out of reach.
test.skipIf(auditLog === 'none')('from apply to Ready every owned object is written once', { retry: 0 }, async () => {
  const since = new Date()
  const outcomes = new Map<string, string[]>()
  const watching = await watchStates(({ kind, metadata, status }) => {
    if (!metadata.name.startsWith(name)) return
    const outcome = JSON.stringify(status, (key, value: unknown) => (key === 'lastTransitionTime' ? undefined : value))
    const key = `${kind.toLowerCase()}s/status ${metadata.name}`
    const before = outcomes.get(key) ?? []
    if (before.at(-1) !== outcome) outcomes.set(key, [...before, outcome])
  })
  onTestFinished(() => watching[Symbol.asyncDispose]())
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
  // A patch of a status changes what it says: the first state is the one that it was created with.
  const patches = tallies.filter(({ resource }) => resource.endsWith('/status'))
  expect(
    patches.map(({ resource, name, count }) => `${resource} ${name}: ${count}`),
    table,
  ).toEqual(
    patches.map(({ resource, name }) => {
      const key = `${resource} ${name}`
      return `${key}: ${(outcomes.get(key)?.length ?? 0) - 1}`
    }),
  )
})
