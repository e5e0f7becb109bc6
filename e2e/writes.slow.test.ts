import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditLog, printed, tally, writesSince } from './harness/audit.ts'
import { namespace } from './harness/objects.ts'
import { applyPlatform, removePlatform, whenReady } from './harness/platform.ts'

const name = 'w2'
const restMinutes = 5

beforeAll(() => removePlatform(name))
afterAll(() => removePlatform(name))

const sample = 'demo'

// Its Lease and its Events apart: see audit.ts.
test.skipIf(auditLog === 'none')(
  `nothing is written to Ready platforms in ${restMinutes} minutes`,
  { retry: 0 },
  async () => {
    const applied = new Date()
    await applyPlatform(name)
    for (const one of [name, sample]) await whenReady(one)
    expect(writesSince(applied, namespace, name).length).toBeGreaterThan(10)
    await sleep(5_000)
    const ready = new Date()
    await sleep(restMinutes * 60_000)
    const written = printed(tally([name, sample].flatMap((one) => writesSince(ready, namespace, one))))
    console.log(`writes in ${restMinutes} minutes at rest: ${written || 'none'}`)
    expect(written).toBe('')
  },
)
