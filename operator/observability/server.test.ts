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
  log.info({ password: 'hunter2', object: { data: { key: 'hunter2' } }, name: 'demo' }, 'created')
  out.end()
  const line = await text(out)
  expect(JSON.parse(line)).toMatchObject({ level: 'info', msg: 'created', name: 'demo', password: '[redacted]' })
  expect(line).not.toContain('hunter2')
})
