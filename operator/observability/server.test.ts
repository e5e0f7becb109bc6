import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'
import { metrics } from './metrics.ts'
import { startServer } from './server.ts'

test('health, readiness with its reason, metrics; anything else is 404', async () => {
  let why: string | undefined = 'ConfigMap in demo: not listed yet'
  let stuck: string | undefined = undefined
  const log = createLogger('silent')
  const server = await startServer({ port: 0, ready: () => why, alive: () => stuck, log })
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`)
    return { status: response.status, body: await response.text() }
  }
  expect(await get('/healthz')).toEqual({ status: 200, body: 'ok\n' })
  expect(await get('/readyz')).toEqual({ status: 503, body: 'ConfigMap in demo: not listed yet\n' })
  stuck = 'DataStore ns/a has been processed for more than 5 minutes'
  expect(await get('/healthz')).toEqual({ status: 503, body: `${stuck}\n` })
  why = undefined
  expect(await get('/readyz?verbose')).toEqual({ status: 200, body: 'ok\n' })
  metrics.reconciles.inc({ kind: 'DataStore', result: 'done' })
  const { body } = await get('/metrics')
  expect(body).toContain('supersmartmatch_reconcile_total{kind="DataStore",result="done"} 1')
  expect(body).toContain('process_resident_memory_bytes')
  expect((await get('/other')).status).toBe(404)
  await server.close()
})

test('logs are JSON lines with a constant message, and never hold a secret', async () => {
  const out = new PassThrough()
  const log = createLogger('info', out)
  log.debug('not shown')
  log.info({ password: 'hunter2', object: { data: { key: 'hunter2' } }, key: 'ns/demo' }, 'created')
  out.end()
  const line = await text(out)
  expect(JSON.parse(line)).toMatchObject({ level: 'info', msg: 'created', key: 'ns/demo', password: '[redacted]' })
  expect(line).not.toContain('hunter2')
})

test('of an error a log holds type, code, and message and stack without secrets', async () => {
  const out = new PassThrough()
  const log = createLogger('info', out)
  const fields = { code: '23505', detail: 'Key (email)=(ada@example.com) exists', where: 'COPY ada@example.com' }
  class DatabaseError extends Error {
    override name = 'DatabaseError'
  }
  const error = Object.assign(new DatabaseError('postgres://a:hunter2@b:\npassword=hunter2'), fields)
  log.error({ err: error }, 'step failed')
  log.error({ err: 'token=hunter2' }, 'step failed')
  out.end()
  const lines = (await text(out)).trim().split('\n')
  expect(lines.join()).not.toMatch(/hunter2|ada@/)
  const { err } = JSON.parse(lines[0] ?? '') as { err: Record<string, string> }
  expect(err).toEqual({
    type: 'DatabaseError',
    code: '23505',
    message: 'postgres://a:[redacted]@b: password=[redacted]',
    stack: expect.stringMatching(/^at .*server\.test\.ts/) as string,
  })
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ err: { message: 'token=[redacted]' } })
})
