import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from './harness/objects.ts'
import {
  applyPlatform,
  expectWholeInventory,
  identityOf,
  inventory,
  ledgerProblem,
  removePlatform,
  seed,
  whenAnswering,
  whenReady,
  wholeInventory,
} from './harness/platform.ts'
import { kill, killRunning, whenReplaced, type VictimName } from './harness/victims.ts'

/** What faults.test.ts does to one platform, each on one of its own, at more moments and several at once. */
const name = 'k3'

beforeEach(() => removePlatform(name))
afterEach(() => removePlatform(name))

async function expectWhole(): Promise<void> {
  await whenReady(name)
  expect(await ledgerProblem(name)).toBeUndefined()
  await expectWholeInventory(name)
  await whenAnswering(name)
}

const names: VictimName[] = ['operator pod', 'database pod', 'pooler pod', 'core service pod', 'migration pod']

test.each<VictimName>([...names, 'migration Job'])('%s killed as soon as it appears', async (victim) => {
  await applyPlatform(name)
  await kill(victim, name)
  await expectWhole()
})

test.each(names)('%s killed as soon as it runs', async (victim) => {
  await applyPlatform(name)
  await killRunning(victim, name)
  await expectWhole()
})

test('the database killed again and again while it starts', async () => {
  await applyPlatform(name)
  for (let i = 0; i < 5; i++) await killRunning('database pod', name)
  await expectWhole()
})

test('the operator killed whenever something new has appeared', async () => {
  await applyPlatform(name)
  const seen = new Set<string>()
  let kills = 0
  await until(300_000, async () => {
    const fresh = (await inventory(name)).filter((object) => !seen.has(object))
    if (fresh.length > 0) {
      await kill('operator pod', name)
      kills++
    }
    for (const object of fresh) seen.add(object)
    const missing = wholeInventory.filter((object) => !seen.has(object))
    return missing.length > 0 ? `not made yet: ${missing.join(', ')}` : missing
  })
  expect(kills).toBeGreaterThan(3)
  await expectWhole()
})

// prettier-ignore
test.each<{ together: VictimName[] }>([
  { together: ['operator pod', 'database pod'] },
  { together: ['database pod', 'pooler pod'] },
  { together: ['operator pod', 'pooler pod', 'core service pod'] },
  { together: ['operator pod', 'database pod', 'pooler pod', 'core service pod'] },
])('$together killed together, three times, lose nothing', async ({ together }) => {
  await applyPlatform(name)
  await whenReady(name)
  for (let round = 1; round <= 3; round++) {
    await seed(name, `round ${round}`, 100)
    const before = await identityOf(name)
    const killed = await Promise.all(together.map(async (victim) => ({ victim, uid: await kill(victim, name) })))
    for (const { victim, uid } of killed) await whenReplaced(victim, name, uid)
    await whenReady(name)
    expect(await identityOf(name)).toEqual(before)
    await whenAnswering(name)
  }
})
