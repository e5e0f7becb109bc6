import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditLog, printed, tally, writesSince } from './harness/audit.ts'
import { namespace } from './harness/objects.ts'
import { applyPlatform, removePlatform, whenReady } from './harness/platform.ts'

const name = 'w2'
const restMinutes = 5

beforeAll(() => removePlatform(name))
afterAll(() => removePlatform(name))

test.skipIf(auditLog === 'none')(`nothing is written to a Ready platform in ${restMinutes} minutes`, async () => {
  const applied = new Date()
  await applyPlatform(name)
  await whenReady(name)
  expect(writesSince(applied, namespace, name).length).toBeGreaterThan(10)
  await sleep(5_000)
  const ready = new Date()
  await sleep(restMinutes * 60_000)
  const written = printed(tally(writesSince(ready, namespace, name)))
  console.log(`writes in ${restMinutes} minutes at rest: ${written || 'none'}`)
  expect(written).toBe('')
})
