import { expect, onTestFinished, test } from 'vitest'
import { KubeClient } from './client.ts'
import { acquireLease, type Leadership } from './lease.ts'
import { client, config, configMap, log, testNamespace, until } from './testing/cluster.ts'
import { Proxy } from './testing/proxy.ts'

const namespace = await testNamespace()
/** A fifth of the real times, in the same proportions. */
const times = { durationMs: 3_000, renewMs: 2_000, retryMs: 400 }
const forever = new AbortController().signal
/** What requests may take beside other tests; that only one leads at any time is not measured with it. */
const patienceMs = 2_500

function acquire(name: string, identity: string, through = client, signal = forever): Promise<Leadership> {
  return acquireLease({ client: through, namespace, name, identity, log, signal, times })
}

async function holder(name: string): Promise<unknown> {
  const lease = await client.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }, namespace, name)
  return (lease?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity
}

test('one leads, the others wait; a release hands over within one retry', async () => {
  const first = await acquire('release', 'a')
  first.check()
  let second: Leadership | undefined
  void acquire('release', 'b').then((leadership) => (second = leadership))
  await new Promise((resolve) => setTimeout(resolve, times.durationMs + 1_000))
  expect(second).toBeUndefined()
  expect(await holder('release')).toBe('a')
  const releasedMs = performance.now()
  await first.release()
  // Given back, not left to expire.
  expect(['', 'b']).toContain(await holder('release'))
  expect(() => first.check()).toThrow('the Lease was last renewed')
  await until(() => second !== undefined)
  expect(performance.now() - releasedMs).toBeLessThan(times.retryMs * 1.2 + patienceMs)
  await second?.release()
})

test('of ten candidates exactly one leads', async () => {
  const stop = new AbortController()
  const leading: Leadership[] = []
  const candidates = Array.from({ length: 10 }, async (_, index) => {
    leading.push(await acquire('ten', `candidate-${index}`, client, stop.signal))
  })
  await until(() => leading.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(leading).toHaveLength(1)
  stop.abort()
  await Promise.allSettled(candidates)
  await leading[0]?.release()
})

/** The last moment at which it might write. */
async function lastAllowed(leadership: Leadership): Promise<number> {
  for (let allowedMs = performance.now(); ;) {
    try {
      leadership.check()
      allowedMs = performance.now()
    } catch {
      return allowedMs
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a leader cut off from the API server stops writing before another takes over', async () => {
  const proxy = new Proxy(config)
  const cutOff = new KubeClient(await proxy.start())
  const first = await acquire('cut', 'a', cutOff)
  const writer = client.fenced(() => first.check())
  await writer.apply(configMap(namespace, 'fenced'), { force: true })
  const taken = acquire('cut', 'b').then((second) => {
    const takenMs = performance.now()
    onTestFinished(() => second.release())
    return takenMs
  })
  // Accepts requests and never answers.
  proxy.intercept = () => 'answered'
  const cutMs = performance.now()
  const lost = first.lost.then(() => performance.now() - cutMs)
  const allowedMs = (await lastAllowed(first)) - cutMs
  await expect(writer.apply(configMap(namespace, 'fenced', { late: '1' }), { force: true })).rejects.toThrow(
    'the Lease was',
  )
  const takenMs = (await taken) - cutMs
  expect(allowedMs).toBeLessThanOrEqual(times.renewMs)
  expect(takenMs).toBeGreaterThan(allowedMs)
  expect(takenMs).toBeLessThan(times.durationMs + 2 * times.retryMs + patienceMs)
  expect(await lost).toBeLessThan(times.renewMs + times.renewMs / 2 + times.retryMs + patienceMs)
  proxy.close()
  await cutOff.close()
})

test('a leader whose Lease was stolen or deleted is told so, and releases nothing', async () => {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }
  const robbed = await acquire('stolen', 'a')
  await client.mergePatch(lease, namespace, 'stolen', { spec: { holderIdentity: 'thief' } })
  expect((await robbed.lost).message).toContain('thief')
  expect(() => robbed.check()).toThrow()
  await robbed.release()
  expect(await holder('stolen')).toBe('thief')
  const orphaned = await acquire('deleted', 'a')
  await client.request('DELETE', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/deleted`)
  expect((await orphaned.lost).message).toContain('deletion')
})

test('a short outage costs nothing', async () => {
  const proxy = new Proxy(config)
  const shaky = new KubeClient(await proxy.start())
  const leadership = await acquire('shaky', 'a', shaky)
  proxy.intercept = (_request, response) => {
    response.writeHead(503).end()
    return 'answered'
  }
  await new Promise((resolve) => setTimeout(resolve, times.renewMs - 600))
  proxy.intercept = () => 'forward'
  await new Promise((resolve) => setTimeout(resolve, times.renewMs))
  leadership.check()
  await leadership.release()
  proxy.close()
  await shaky.close()
})
