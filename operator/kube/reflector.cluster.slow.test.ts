import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { metrics } from '../observability/metrics.ts'
import { Cache } from './cache.ts'
import { KubeClient } from './client.ts'
import { startReflectors } from './reflector.ts'
import { client, config, configMap, configMaps, log, testNamespace, until } from './testing/cluster.ts'
import { Proxy } from './testing/proxy.ts'
import { Relay } from './testing/relay.ts'

/** The promise itself, in real time: what reflector.cluster.test.ts and connections.cluster.test.ts show in a tenth of it. */
const quietMs = 150_000
const [overHttp1, overHttp2] = [await testNamespace(), await testNamespace()]

/** Nothing happens for a while, and nothing is taken for a fault; then the watch falls silent. Returns the seconds until it is back. */
async function secondsToNotice(through: KubeClient, namespace: string, fallSilent: () => void): Promise<number> {
  const cache = new Cache()
  const stop = new AbortController()
  const watches = [{ ...configMaps, namespace }]
  const reflectors = startReflectors({ client: through, cache, watches, onChange: () => {}, log, signal: stop.signal })
  await reflectors.whenSynced
  await sleep(quietMs)
  const { values } = await metrics.watchErrors.get()
  expect(values.filter(({ labels }) => labels.namespace === namespace)).toEqual([])
  fallSilent()
  await client.create(configMap(namespace, 'unheard'))
  const silentMs = performance.now()
  await until(() => cache.get(configMaps, namespace, 'unheard') !== undefined, 90_000)
  const seconds = (performance.now() - silentMs) / 1000
  stop.abort()
  await reflectors.stopped
  await through.close()
  return seconds
}

test.concurrent(
  'HTTP/1.1: a watch that stays open and silent is noticed within 60 s, a quiet one is left alone',
  async () => {
    const proxy = new Proxy(config)
    const through = new KubeClient(await proxy.start())
    const seconds = await secondsToNotice(through, overHttp1, () => proxy.freeze())
    proxy.close()
    console.log(`HTTP/1.1: noticed after ${seconds.toFixed(1)} s (60 s allowed)`)
    expect(seconds).toBeLessThanOrEqual(60)
  },
  300_000,
)

test.concurrent(
  'HTTP/2: a dead connection is noticed within 60 s, a quiet one is left alone',
  async () => {
    const relay = new Relay(config)
    const through = new KubeClient({ ...config, server: await relay.start(), tls: relay.tls })
    const seconds = await secondsToNotice(through, overHttp2, () => relay.swallow())
    relay.close()
    console.log(`HTTP/2: noticed after ${seconds.toFixed(1)} s (60 s allowed)`)
    expect(seconds).toBeLessThanOrEqual(60)
  },
  300_000,
)
