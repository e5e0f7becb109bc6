import { expect, test } from 'vitest'
import { KubeClient, KubeError } from './client.ts'
import { client, config, configMap, configMaps, testNamespace } from './testing/cluster.ts'
import { Proxy } from './testing/proxy.ts'

const namespace = await testNamespace()

async function proxied(run: (through: KubeClient, proxy: Proxy) => Promise<void>, timeoutMs = 10_000): Promise<void> {
  const proxy = new Proxy(config)
  const through = new KubeClient(await proxy.start(), { timeoutMs })
  await run(through, proxy)
  proxy.close()
  await through.close()
}

test('errors carry status, reason and the server’s sentence', async () => {
  await client.create(configMap(namespace, 'twice'))
  const again = client.create(configMap(namespace, 'twice'))
  await expect(again).rejects.toMatchObject({
    status: 409,
    reason: 'AlreadyExists',
    message: 'configmaps "twice" already exists',
  })
  expect(await client.get(configMaps, namespace, 'none')).toBeUndefined()
})

test('lists are read to their last page, with kinds filled in', async () => {
  const names = Array.from({ length: 501 }, (_, index) => `page-${index}`)
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(names.slice(at, at + 50).map((name) => client.create(configMap(namespace, name))))
  }
  await proxied(async (through, proxy) => {
    const listed = await through.list(configMaps, namespace, { labelSelector: 'app.kubernetes.io/instance=demo' })
    expect(listed.filter(({ metadata }) => metadata.name.startsWith('page-'))).toHaveLength(501)
    expect(listed[0]).toMatchObject(configMaps)
    expect(proxy.requests('GET')).toHaveLength(2)
  })
})

test('a delete carries uid and resourceVersion; gone is fine, changed is not', async () => {
  const stale = await client.create(configMap(namespace, 'delete'))
  const current = await client.apply(configMap(namespace, 'delete', { a: '1' }), { force: true })
  await expect(client.delete(stale)).rejects.toMatchObject({ status: 409 })
  await client.delete(current)
  await client.delete(current)
})

test('a request that is never answered ends within its deadline and names itself', async () => {
  const silent = async (through: KubeClient, proxy: Proxy) => {
    proxy.intercept = () => 'answered'
    const started = performance.now()
    await expect(through.get(configMaps, namespace, 'x')).rejects.toThrow(
      `GET /api/v1/namespaces/${namespace}/configmaps/x: no answer within 0.3 s`,
    )
    expect(performance.now() - started).toBeLessThan(1_000)
  }
  await proxied(silent, 300)
})

test('Retry-After is kept; an answer that is no Status object still is an error', async () => {
  await proxied(async (through, proxy) => {
    proxy.intercept = (_request, response) => {
      response.writeHead(429, { 'retry-after': '3' }).end('<html>')
      return 'answered'
    }
    const error = await through.get(configMaps, namespace, 'x').catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(KubeError)
    expect(error).toMatchObject({ status: 429, reason: 'Unknown', message: 'HTTP 429', retryAfterMs: 3_000 })
  })
})

test('a connection reset in the middle of an answer is an error', async () => {
  await proxied(async (through, proxy) => {
    proxy.intercept = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"kind":', () => response.socket?.resetAndDestroy())
      return 'answered'
    }
    await expect(through.get(configMaps, namespace, 'x')).rejects.toThrow(
      `GET /api/v1/namespaces/${namespace}/configmaps/x: `,
    )
  })
})

test('after a 401 the token is read again, once', async () => {
  const asked: boolean[] = []
  const proxy = new Proxy(config)
  const { server } = await proxy.start()
  const authorization = async (fresh: boolean) => {
    asked.push(fresh)
    return fresh ? 'Bearer new' : 'Bearer old'
  }
  const through = new KubeClient({ server, tls: {}, authorization })
  proxy.intercept = (request, response) => {
    const ok = request.headers.authorization === 'Bearer new'
    response.writeHead(ok ? 200 : 401).end('{"kind":"ConfigMap"}')
    return 'answered'
  }
  expect(await through.get(configMaps, namespace, 'x')).toEqual({ kind: 'ConfigMap' })
  expect(asked).toEqual([false, true])
  proxy.close()
  await through.close()
})

test('the fence stops writes, not reads', async () => {
  const fenced = client.fenced(() => {
    throw new Error('not the leader')
  })
  await expect(fenced.create(configMap(namespace, 'fenced'))).rejects.toThrow('not the leader')
  await expect(fenced.apply(configMap(namespace, 'fenced'), { force: true })).rejects.toThrow('not the leader')
  expect(await fenced.get(configMaps, namespace, 'fenced')).toBeUndefined()
})

test('the fence is asked last: a Lease may run out while a token is read or a connection is made', async () => {
  for (const passes of [0, 1]) {
    await proxied(async (through, proxy) => {
      let asked = 0
      const late = through.fenced(() => {
        if (asked++ >= passes) throw new Error('not the leader')
      })
      await expect(late.create(configMap(namespace, 'late'))).rejects.toThrow('not the leader')
      expect(proxy.seen).toEqual([])
    })
  }
})

test('a write is sent whole', async () => {
  await proxied(async (through, proxy) => {
    const data = { text: 'é'.repeat(200_000) }
    await through.create(configMap(namespace, 'whole', data))
    expect((await client.get(configMaps, namespace, 'whole'))?.['data']).toEqual(data)
    expect(proxy.seen[0]?.url.pathname).toContain('/configmaps')
  })
})
