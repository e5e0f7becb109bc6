import Fastify from 'fastify'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stopAcceptingNew } from '../plugins/health.ts'
import identity, { everybody } from '../plugins/identity.ts'
import { goodClaims, sign, startProbe } from './start.ts'

const lines: string[] = []
let probe: Awaited<ReturnType<typeof startProbe>>
beforeAll(async () => {
  probe = await startProbe((line) => lines.push(line))
})
afterAll(() => probe.close())

interface Problem {
  type: string
  title: string
  status: number
  code: string
  requestId: string
  detail?: string
  errors?: unknown[]
}

async function ask(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  options: { headers?: Record<string, string>; payload?: string } = {},
) {
  const response = await probe.app.inject({ method, url, ...options })
  return { response, problem: JSON.parse(response.body || '{}') as Problem }
}
const json = { 'content-type': 'application/json' }

describe('problems', () => {
  // prettier-ignore
  test.each([
    ['no such path',        'GET',    '/v1/none',        {},                                        404, 'NOT_FOUND'],
    ['no such method',      'DELETE', '/v1/probe/hello', {},                                        404, 'NOT_FOUND'],
    ['a path that is none', 'GET',    '/v1/%zz',         {},                                        400, 'MALFORMED_REQUEST'],
    ['half a JSON',         'POST',   '/v1/probe/items', { headers: json, payload: '{"name":' },    400, 'MALFORMED_REQUEST'],
    ['no body',             'POST',   '/v1/probe/items', { headers: json },                         400, 'MALFORMED_REQUEST'],
    ['__proto__',           'POST',   '/v1/probe/items', { headers: json, payload: '{"name":"ab","__proto__":{"a":1}}' }, 400, 'MALFORMED_REQUEST'],
    ['a large body',        'POST',   '/v1/probe/items', { headers: json, payload: `{"name":"${'x'.repeat(300_000)}"}` }, 413, 'BODY_TOO_LARGE'],
    ['plain text',          'POST',   '/v1/probe/items', { headers: { 'content-type': 'text/plain' }, payload: 'ab' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['another media type',  'POST',   '/v1/probe/items', { headers: { 'content-type': 'text/xml' }, payload: '<a/>' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a crash',             'GET',    '/v1/probe/crash', {},                                        500, 'INTERNAL'],
    ['no token',            'GET',    '/v1/probe/mine',  {},                                        401, 'UNAUTHENTICATED'],
    ['a token in Basic',    'GET',    '/v1/probe/mine',  { headers: { authorization: 'Basic a.b.c' } }, 401, 'UNAUTHENTICATED'],
  ] as const)('%s', async (_name, method, url, options, status, code) => {
    const { response, problem } = await ask(method, url, options)
    expect(response.statusCode).toBe(status)
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(problem).toMatchObject({ status, code, type: `urn:supersmartmatch:problem:${code.toLowerCase().replaceAll('_', '-')}` })
    expect(problem.requestId).toBe(response.headers['x-request-id'])
    if (status === 401) expect(response.headers['www-authenticate']).toContain('Bearer')
  })

  test('a 5xx says nothing, the log does', async () => {
    const { response, problem } = await ask('GET', '/v1/probe/crash')
    expect(response.body).not.toContain('hunter2')
    expect(Object.keys(problem).sort()).toEqual(['code', 'requestId', 'status', 'title', 'type'])
    const logged = lines.filter((line) => line.includes(problem.requestId)).join('\n')
    expect(logged).toContain('password is hunter2')
  })

  test('every wrong field is listed, by path', async () => {
    const payload = JSON.stringify({ name: 'x', size: '3', color: 'red' })
    const { problem } = await ask('POST', '/v1/probe/items', { headers: json, payload })
    expect(problem.errors).toEqual([
      { in: 'body', path: '/color', problem: 'is not a known field' },
      { in: 'body', path: '/name', problem: 'must NOT have fewer than 2 characters' },
      { in: 'body', path: '/size', problem: 'must be integer' },
    ])
  })

  // prettier-ignore
  test.each([
    ['/v1/probe/items', { method: 'POST', headers: json, payload: '{"name":' }, 'The body is not valid JSON'],
    ['/v1/probe/items', { method: 'POST', headers: json },                      'The body is empty'],
    ['/v1/%zz',         { method: 'GET' },                                      'The path is not percent-encoded'],
  ] as const)('%s %j says what cannot be read', async (url, { method, ...options }, detail) => {
    expect((await ask(method, url, options)).problem.detail).toContain(detail)
  })

  test('a control character is named in words', async () => {
    const { problem } = await ask('GET', '/v1/probe?name=%00')
    expect(problem.errors).toEqual([{ in: 'querystring', path: '/name', problem: 'must not hold control characters' }])
  })

  test('bytes that are no request get one too', async () => {
    await probe.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = probe.app.server.address() as AddressInfo
    const answer = (bytes: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
        let text = ''
        socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
        socket.on('close', () => resolve(text))
        socket.on('error', reject)
      })
    expect(await answer('HELLO\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [^]*MALFORMED_REQUEST/)
    const long = `GET / HTTP/1.1\r\nhost: a\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`
    expect(await answer(long)).toMatch(/^HTTP\/1.1 431 [^]*HEADERS_TOO_LARGE/)
  })
})

describe('requests', () => {
  test('a sane x-request-id is kept, another replaced', async () => {
    for (const [given, kept] of [
      ['abc-12345', true],
      ['short', false],
      ['with space!', false],
      ['x'.repeat(65), false],
    ] as const) {
      const { response } = await ask('GET', '/v1/probe/hello', { headers: { 'x-request-id': given } })
      expect(response.headers['x-request-id'] === given).toBe(kept)
      expect(response.headers['x-request-id']).toMatch(/^[\w.-]{8,64}$/)
    }
  })

  test('the log has route templates and no address, query or person', async () => {
    lines.length = 0
    await ask('GET', '/v1/probe/hello?email=jane@example.org', { headers: { 'user-agent': 'secret-agent' } })
    const line = JSON.parse(lines.at(-1) ?? '{}') as object
    expect(line).toMatchObject({ method: 'GET', route: '/v1/probe/hello', status: 200 })
    expect(lines.join('')).not.toMatch(/jane|127\.0\.0\.1|secret-agent/)
  })

  test('answers hold what the schema names, and headers that keep them out of caches', async () => {
    const { response } = await ask('GET', '/v1/probe/internals')
    expect(response.json()).toEqual({ shown: 'yes' })
    expect(response.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  })

  test('a role that is not named is refused, a named one served', async () => {
    const as = async (role: string) => {
      const token = await sign(probe.keys.privateKey, { ...goodClaims(), role }, { alg: 'EdDSA', kid: 'k1' })
      return (await ask('GET', '/v1/probe/mine', { headers: { authorization: `Bearer ${token}` } })).response.statusCode
    }
    expect([await as('candidate'), await as('admin'), await as('recruiter')]).toEqual([200, 200, 403])
  })

  test('durations are measured by route template', async () => {
    const text = await probe.metrics.registry.metrics()
    const counts = text
      .split('\n')
      .filter((line) => line.startsWith('supersmartmatch_http_request_duration_seconds_count'))
    expect(counts.some((line) => line.includes('route="/v1/probe/crash",status="500"'))).toBe(true)
    expect(counts.some((line) => line.includes('route="none",status="404"'))).toBe(true)
  })
})

describe('documents', () => {
  test('/openapi.json and /docs need no token; the guard’s roles are in the document', async () => {
    const { response } = await ask('GET', '/openapi.json')
    const document = response.json<{ openapi: string; paths: Record<string, unknown> }>()
    expect(document.openapi).toBe('3.1.0')
    expect(document.paths['/v1/probe/mine']).toMatchObject({ get: { security: [{ bearer: ['candidate', 'admin'] }] } })
    expect(document.paths).not.toHaveProperty('/readyz')
    const parameters = [
      { name: 'limit', required: false },
      { name: 'name', required: false },
    ]
    expect(document.paths['/v1/probe']).toMatchObject({ get: { parameters } })
    const page = await probe.app.inject('/docs/')
    expect(page.statusCode).toBe(200)
    expect(page.body).toContain('swagger-ui')
  })
})

describe('start and stop', () => {
  test('a missing store fails at boot, not at the first request', async () => {
    await expect(startProbe(undefined, {})).rejects.toMatchObject({ code: 'FST_ERR_DEC_UNDECLARED' })
  })

  test('a route that does not say who may call it fails at boot', async () => {
    const app = Fastify()
    await app.register(identity, {
      tokens: { verify: () => Promise.reject(new Error('unused')), stop: () => undefined },
    })
    const add = (schema: object) => app.route({ method: 'GET', url: '/open', schema, handler: async () => 'hi' })
    expect(() => add({ hide: true })).toThrow('GET /open does not say who may call it')
    expect(() => add({ security: everybody })).not.toThrow()
  })

  test('ready follows the store; stopping, it says no while requests under way are answered', async () => {
    const other = await startProbe()
    const ready = async () => (await other.app.inject('/readyz')).statusCode
    expect(await ready()).toBe(200)
    other.state.ready = false
    expect(await ready()).toBe(503)
    expect((await other.app.inject('/healthz')).statusCode).toBe(200)
    other.state.ready = true

    await other.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = other.app.server.address() as AddressInfo
    const slow = new Promise<number | undefined>((resolve, reject) => {
      request({ port, path: '/v1/probe/slow' }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    stopAcceptingNew(other.app)
    expect(await ready()).toBe(503)
    await other.close()
    expect(await slow).toBe(200)
  })
})
