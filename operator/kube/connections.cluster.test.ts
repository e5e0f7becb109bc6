import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cache } from './cache.ts'
import { KubeClient } from './client.ts'
import { openConnections } from './connections.ts'
import { startReflectors } from './reflector.ts'
import { client, config, configMap, configMaps, log, testNamespace, until } from './testing/cluster.ts'

const namespace = await testNamespace()

/** Connections through a relay that can fall silent without closing anything. TLS passes through untouched. */
const pairs: [Socket, Socket][] = []
const relay = createServer((near) => {
  const { hostname, port } = new URL(config.server)
  const far = connect(Number(port || 443), hostname)
  pairs.push([near, far])
  near.pipe(far).pipe(near)
  for (const socket of [near, far]) socket.on('error', () => {})
})
let server: string
// The certificate is for the API server's own address; what is tested here is not TLS.
const tls = { ...config.tls, rejectUnauthorized: false }

beforeAll(async () => {
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  server = `https://127.0.0.1:${(relay.address() as AddressInfo).port}`
})

afterAll(() => {
  for (const socket of pairs.flat()) socket.destroy()
  relay.close()
})

function swallowEverything(): void {
  for (const [near, far] of pairs) {
    near.unpipe(far).pause()
    far.unpipe(near).pause()
  }
}

test('all watches share a connection; a dead one is noticed by its unanswered pings, without a request to the API server', async () => {
  const through = new KubeClient({ ...config, server }, { connections: openConnections(tls, 200) })
  const cache = new Cache()
  const stop = new AbortController()
  const watches = ['ConfigMap', 'Secret', 'Service', 'Pod'].map((kind) => ({ apiVersion: 'v1', kind, namespace }))
  const reflectors = startReflectors({ client: through, cache, watches, onChange: () => {}, log, signal: stop.signal })
  await reflectors.whenSynced
  // Longer than the patience: a living connection is left alone.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  expect(pairs).toHaveLength(1)
  swallowEverything()
  await client.create(configMap(namespace, 'unheard'))
  const cutMs = performance.now()
  await until(() => cache.get(configMaps, namespace, 'unheard') !== undefined)
  expect(performance.now() - cutMs).toBeLessThan(3_500)
  expect(pairs.length).toBeLessThanOrEqual(1 + watches.length)
  stop.abort()
  await reflectors.stopped
  await through.close()
})

test('a request that meets its deadline does not hand its dead connection on', async () => {
  const through = new KubeClient({ ...config, server, tls }, { timeoutMs: 500 })
  expect(await through.get(configMaps, namespace, 'none')).toBeUndefined()
  // undici takes the connection back a moment after the answer.
  await new Promise((resolve) => setTimeout(resolve, 100))
  swallowEverything()
  await expect(through.get(configMaps, namespace, 'none')).rejects.toThrow('no answer within 0.5 s')
  expect(await through.get(configMaps, namespace, 'none')).toBeUndefined()
  await through.close()
})
