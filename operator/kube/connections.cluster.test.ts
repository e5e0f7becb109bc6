import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cache } from './cache.ts'
import { KubeClient } from './client.ts'
import { openConnections } from './connections.ts'
import { startReflectors } from './reflector.ts'
import { client, config, configMap, configMaps, log, testNamespace, until } from './testing/cluster.ts'
import { Relay } from './testing/relay.ts'

const namespace = await testNamespace()

const relay = new Relay(config)
let server: string

beforeAll(async () => {
  server = await relay.start()
})
afterAll(() => relay.close())

test('all watches share a connection; a dead one is noticed by its unanswered pings, without a request to the API server', async () => {
  const through = new KubeClient({ ...config, server }, { connections: openConnections(relay.tls, 200) })
  const cache = new Cache()
  const stop = new AbortController()
  const watches = ['ConfigMap', 'Secret', 'Service', 'Pod'].map((kind) => ({ apiVersion: 'v1', kind, namespace }))
  const reflectors = startReflectors({ client: through, cache, watches, onChange: () => {}, log, signal: stop.signal })
  await reflectors.whenSynced
  // Longer than the patience: a living connection is left alone.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  expect(relay.connections).toBe(1)
  expect(through.pingsWatches).toBe(true)
  relay.swallow()
  await client.create(configMap(namespace, 'unheard'))
  const cutMs = performance.now()
  await until(() => cache.get(configMaps, namespace, 'unheard') !== undefined)
  expect(performance.now() - cutMs).toBeLessThan(3_500)
  expect(relay.connections).toBeLessThanOrEqual(1 + watches.length)
  stop.abort()
  await reflectors.stopped
  await through.close()
})

test('a request that meets its deadline does not hand its dead connection on', async () => {
  const through = new KubeClient({ ...config, server, tls: relay.tls }, { timeoutMs: 500 })
  expect(await through.get(configMaps, namespace, 'none')).toBeUndefined()
  // undici takes the connection back a moment after the answer.
  await new Promise((resolve) => setTimeout(resolve, 100))
  relay.swallow()
  await expect(through.get(configMaps, namespace, 'none')).rejects.toThrow('no answer within 0.5 s')
  expect(await through.get(configMaps, namespace, 'none')).toBeUndefined()
  await through.close()
})
