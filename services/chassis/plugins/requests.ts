import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Metrics } from '../metrics.ts'

const sane = /^[\w.-]{8,64}$/

/** The caller's x-request-id when it is fit for a log line, else a new one. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && sane.test(given) ? given : randomUUID()
}

/** The request id in every answer, one log line and one measurement per request, both by route template: paths hold ids of people. */
export default fp(
  async (app: FastifyInstance, { metrics }: { metrics: Metrics }) => {
    app.addHook('onRequest', async (request, reply) => {
      void reply.headers({
        'x-request-id': request.id,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      })
    })
    app.addHook('onResponse', async (request, reply) => {
      const { method, routeOptions } = request
      const route = routeOptions.url ?? 'none'
      const status = reply.statusCode
      metrics.httpDuration.observe({ method, route, status }, reply.elapsedTime / 1_000)
      const quiet = status < 500 && (route === '/healthz' || route === '/readyz')
      const line = { method, route, status, durationMs: Math.round(reply.elapsedTime * 10) / 10 }
      request.log[quiet ? 'debug' : 'info'](line, 'request')
    })
  },
  { name: 'requests' },
)
