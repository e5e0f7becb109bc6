import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { Cache, type Change } from './cache.ts'
import { KubeClient } from './client.ts'
import { startReflectors, type ReflectorTimes, type Reflectors } from './reflector.ts'
import { client, config, configMap, configMaps, edit, log, ownLabels, testNamespace, until } from './testing/cluster.ts'
import { Proxy } from './testing/proxy.ts'

const namespace = await testNamespace()
const managed = { 'app.kubernetes.io/managed-by': ownLabels['app.kubernetes.io/managed-by'] }
const watch = { ...configMaps, namespace, labels: managed }

let proxy: Proxy
let watcher: KubeClient
let cache: Cache
let stop: AbortController
let changes: string[]

beforeEach(async () => {
  proxy = new Proxy(config)
  watcher = new KubeClient(await proxy.start())
  cache = new Cache()
  stop = new AbortController()
  changes = []
})

afterEach(async () => {
  stop.abort()
  proxy.close()
  await watcher.close()
  for (const object of await client.list(configMaps, namespace)) {
    if (object.metadata.labels) await client.delete(object)
  }
})

/** One reflector on our ConfigMaps, behind the proxy. The pace is ten times the real one. */
function start(
  times: Partial<ReflectorTimes> = {},
  onChange?: (change: Change, object: KubeObject) => void,
): Reflectors {
  const record = (change: Change, object: KubeObject) => changes.push(`${change} ${object.metadata.name}`)
  return startReflectors({
    client: watcher,
    cache,
    watches: [watch],
    onChange: onChange ?? record,
    log,
    signal: stop.signal,
    times: { paceMs: 100, maxBackoffMs: 1_000, ...times },
  })
}

const cached = (name: string) => cache.get(configMaps, namespace, name)
const value = (name: string) => (cached(name)?.['data'] as Record<string, string> | undefined)?.['value']
const streamedLists = () => proxy.requests('GET', { sendInitialEvents: 'true' }).length
const connects = () => proxy.requests('GET', { watch: 'true' }).length

/** Proves that the watch works: a change made now arrives. */
async function expectLive(name = 'live'): Promise<void> {
  const stamp = String(performance.now())
  const object = configMap(namespace, name, { value: stamp })
  await client.apply(object, { force: true })
  await until(() => value(name) === stamp)
}

describe('list and watch', () => {
  test('the first list is streamed; changes follow; managedFields are dropped; other objects are not kept', async () => {
    await client.create(configMap(namespace, 'before', { value: '1' }))
    const reflectors = start()
    expect(reflectors.whyNotReady()).toBe(`ConfigMap in ${namespace}: not listed yet`)
    expect(() => cached('before')).toThrow('not listed yet')
    await reflectors.whenSynced
    expect(reflectors.whyNotReady()).toBeUndefined()
    expect(value('before')).toBe('1')
    expect(cached('before')?.metadata).not.toHaveProperty('managedFields')
    const foreign = { ...configMaps, metadata: { name: 'foreign', namespace } }
    await client.create(foreign)
    const after = await client.create(configMap(namespace, 'after'))
    await until(() => cached('after') !== undefined)
    await client.delete(after)
    await until(() => cached('after') === undefined)
    expect(cached('foreign')).toBeUndefined()
    expect(changes).toEqual(['added before', 'added after', 'deleted after'])
    expect(connects()).toBe(1)
  })

  test('a server that cannot stream is listed in pages', async () => {
    proxy.intercept = (request, response) => {
      if (!request.url?.includes('sendInitialEvents')) return 'forward'
      return status(response, 422, { reason: 'Invalid', message: 'sendInitialEvents is forbidden' })
    }
    await client.create(configMap(namespace, 'before', { value: '1' }))
    await start().whenSynced
    expect(value('before')).toBe('1')
    expect(proxy.requests('GET', { limit: '500' })).toHaveLength(1)
    await expectLive()
  })

  test('an object that loses our label leaves the cache', async () => {
    await start().whenSynced
    await expectLive('x')
    await edit(configMap(namespace, 'x'), { metadata: { labels: { 'app.kubernetes.io/managed-by': 'someone' } } })
    await until(() => cached('x') === undefined)
    expect(changes.at(-1)).toBe('deleted x')
    await client.request('DELETE', `/api/v1/namespaces/${namespace}/configmaps/x`)
  })

  test('a handler that throws stops nothing', async () => {
    const reflectors = start({}, () => {
      throw new Error('handler')
    })
    await reflectors.whenSynced
    await expectLive()
    await expectLive()
  })

  test('stopping ends every connection', async () => {
    const reflectors = start()
    await reflectors.whenSynced
    stop.abort()
    await reflectors.stopped
    const before = proxy.seen.length
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(proxy.seen.length).toBe(before)
  })
})

describe('resume without listing again', () => {
  test.each([
    ['the server closes the watch', () => proxy.finish()],
    ['the connection is reset', () => proxy.cut()],
    [
      'the connection ends in the middle of an event',
      () => {
        proxy.inject('{"type":"MODIFIED","object":{"kind":"Conf')
        proxy.finish()
      },
    ],
    [
      'an ERROR event that is not 410',
      () => {
        proxy.inject(
          '{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError","message":"etcd is gone"}}\n',
        )
      },
    ],
    ['a line that is not JSON', () => proxy.inject('<html>Bad Gateway</html>\n')],
    ['a line that is no event', () => proxy.inject('{"type":"SURPRISE"}\n')],
  ])('%s', async (_name, harm) => {
    await start().whenSynced
    await expectLive()
    // Nothing that happens while the watch is away is lost.
    proxy.freeze()
    await client.create(configMap(namespace, 'meanwhile'))
    await client.delete(cached('live') as KubeObject)
    harm()
    await until(() => cached('meanwhile') !== undefined && cached('live') === undefined)
    await expectLive()
    expect(streamedLists()).toBe(1)
    expect(connects()).toBe(2)
  })

  test('a server that is away for a while', async () => {
    await start().whenSynced
    proxy.intercept = (_request, response) =>
      status(response, 503, { reason: 'ServiceUnavailable', message: 'starting' })
    proxy.cut()
    await until(() => connects() > 3)
    proxy.intercept = () => 'forward'
    await expectLive()
    expect(streamedLists()).toBe(1)
  })

  test('a half-open connection is noticed by its silence', async () => {
    await start({ unpinged: { silenceMs: 700, watchSeconds: 300 } }).whenSynced
    await expectLive()
    const startedMs = performance.now()
    proxy.freeze()
    await expectLive()
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(streamedLists()).toBe(1)
  })
})

test('where nothing is pinged, a watch ends before its silence could mean anything', async () => {
  await start().whenSynced
  for (let round = 0; round < 5; round++) {
    await expectLive()
    proxy.finish()
  }
  await expectLive()
  const seconds = proxy
    .requests('GET', { watch: 'true' })
    .map(({ url }) => Number(url.searchParams.get('timeoutSeconds')))
  expect(seconds.length).toBeGreaterThan(4)
  expect(Math.min(...seconds)).toBeGreaterThanOrEqual(26)
  expect(Math.max(...seconds)).toBeLessThanOrEqual(52)
})

test.each([
  ['is given up', { silenceMs: 700, watchSeconds: 300 }],
  ['ends by itself', { silenceMs: 10_000, watchSeconds: 1 }],
])(
  'a server whose version went back, as after a restore from backup, is listed again once its watch %s',
  async (_how, unpinged) => {
    await start({ unpinged }).whenSynced
    await expectLive()
    const metadata = { resourceVersion: '99999999999' }
    proxy.inject(`${JSON.stringify({ type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata } })}\n`)
    proxy.finish()
    await expectLive()
    expect(streamedLists()).toBe(2)
  },
)

describe('410', () => {
  const gone = { reason: 'Expired', message: 'too old resource version: 1 (2)' }

  test.each([
    [
      'as an ERROR event',
      () => {
        proxy.inject(`{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n`)
      },
    ],
    [
      'as an answer',
      () => {
        let once = true
        proxy.intercept = (request, response) => {
          if (!once || !request.url?.includes('resourceVersion=')) return 'forward'
          once = false
          return status(response, 410, gone)
        }
        proxy.cut()
      },
    ],
  ])('%s: this kind is listed again, and what changed meanwhile is told', async (_name, harm) => {
    await client.create(configMap(namespace, 'goes'))
    await client.create(configMap(namespace, 'stays'))
    await start().whenSynced
    changes.length = 0
    proxy.freeze()
    await client.delete(cached('goes') as KubeObject)
    await client.create(configMap(namespace, 'comes'))
    harm()
    await until(() => cached('comes') !== undefined)
    expect(cached('goes')).toBeUndefined()
    expect(changes.sort()).toEqual(['added comes', 'deleted goes'])
    expect(streamedLists()).toBe(2)
    await expectLive()
  })
})

test('reconnects are at least a pace apart and back off', async () => {
  await start({ paceMs: 200, maxBackoffMs: 800 }).whenSynced
  proxy.intercept = (request, response) => {
    if (!request.url?.includes('watch=true')) return 'forward'
    response.writeHead(200).end()
    return 'answered'
  }
  proxy.finish()
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  const times = proxy.requests('GET', { watch: 'true' }).map((seen) => seen.atMs)
  const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0))
  expect(Math.min(...gaps)).toBeGreaterThan(190)
  expect(gaps.length).toBeGreaterThan(3)
  // Without backoff there would be twenty.
  expect(gaps.length).toBeLessThan(14)
})

function status(response: ServerResponse, code: number, body: object): 'answered' {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ kind: 'Status', code, ...body }))
  return 'answered'
}
