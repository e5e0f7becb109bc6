import { expect, test } from 'vitest'
import type { Condition } from '../crds/conditions.ts'
import { apiVersion } from '../crds/schema/common.ts'
import { client, testNamespace, until } from './kube/testing/cluster.ts'
import { beyondAnyNode } from './testing/kubelet.ts'
import { startOperator } from './testing/process.ts'
import { takeOver } from './testing/takeover.ts'

const timeoutMs = 180_000

// One namespace each: most tests run side by side, because most of their time is waiting for a Lease.
const [one, two, terminated, killed, ...stopped] = [
  await testNamespace(),
  await testNamespace(),
  await testNamespace(),
  await testNamespace(),
  await testNamespace(),
  await testNamespace(),
]

// Alone: what is counted here are tenths of a second.
test(
  'a leader that is told to stop hands over within 3 s',
  async () => {
    const { afterSeconds, before, tried, late } = await takeOver('SIGTERM', { namespace: terminated })
    console.log(`takeover ${afterSeconds.toFixed(1)} s after SIGTERM (3 s allowed), ${before} objects made before it`)
    expect(afterSeconds).toBeLessThanOrEqual(3)
    expect({ tried, late }).toEqual({ tried: [], late: [] })
  },
  timeoutMs,
)

test.concurrent(
  'one that is killed is replaced within 20 s',
  async () => {
    const { afterSeconds, tried, late } = await takeOver('SIGKILL', { namespace: killed })
    console.log(`takeover ${afterSeconds.toFixed(1)} s after SIGKILL (20 s allowed)`)
    expect(afterSeconds).toBeLessThanOrEqual(20)
    expect({ tried, late }).toEqual({ tried: [], late: [] })
  },
  timeoutMs,
)

// 20 rounds of a whole minute are in main.cluster.slow.test.ts.
test.concurrent.each(stopped)(
  'one that was stopped changes nothing once another leads (%s)',
  async (namespace) => {
    const { afterSeconds, tried, late } = await takeOver('SIGSTOP', { namespace, stoppedMs: 22_000 })
    console.log(
      `takeover ${afterSeconds.toFixed(1)} s after SIGSTOP, then ${tried.length} writes tried by the old leader`,
    )
    expect({ tried, late }).toEqual({ tried: [], late: [] })
  },
  timeoutMs,
)

test.concurrent(
  'an object in a namespace that is not watched says so until it is',
  async () => {
    const store = { apiVersion, kind: 'DataStore' }
    const specValid = async () => {
      const status = (await client.get(store, two, 'elsewhere'))?.['status'] as { conditions?: Condition[] } | undefined
      return status?.conditions?.find(({ type }) => type === 'SpecValid')?.reason
    }
    const spec = { engine: 'postgres', schema: { name: 'core' }, resources: { cpu: beyondAnyNode } }
    await client.create({ ...store, metadata: { name: 'elsewhere', namespace: two }, spec })
    {
      await using operator = await startOperator('first', [one])
      await until(async () => (await specValid()) === 'NamespaceNotWatched', 40_000)
      // At most: an operator installed in this cluster may have said it first.
      expect(operator.proxy.writes().filter(({ path }) => path.includes(`/${two}/`)).length).toBeLessThanOrEqual(1)
      operator.kill('SIGTERM')
      expect(await operator.exited).toBe(0)
    }
    await using operator = await startOperator('second', [one, two])
    await until(async () => (await specValid()) === 'Valid', 40_000)
    operator.kill('SIGTERM')
  },
  timeoutMs,
)
