import { expect, test } from 'vitest'
import { testNamespace } from './kube/testing/cluster.ts'
import { takeOver } from './testing/takeover.ts'

// Pairs side by side, so that twenty minutes of standing still take six.
const namespaces = [await testNamespace(), await testNamespace(), await testNamespace(), await testNamespace()]
const rounds = 5

test.concurrent.each(namespaces)(
  'a leader stopped for a minute changes nothing once another leads (%s)',
  { timeout: rounds * 300_000, retry: 0 },
  async (namespace) => {
    for (let round = 0; round < rounds; round++) {
      const { afterSeconds, before, tried, late } = await takeOver('SIGSTOP', { namespace, round, stoppedMs: 60_000 })
      console.log(
        `${namespace} round ${round + 1}: stopped after ${before} writes, takeover after ${afterSeconds.toFixed(1)} s, ${tried.length} writes tried afterwards`,
      )
      expect({ tried, late }).toEqual({ tried: [], late: [] })
    }
  },
)
