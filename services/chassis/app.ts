import autoload from '@fastify/autoload'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { randomUUID } from 'node:crypto'
import type { Metrics } from './metrics.ts'
import errorAnswers, { answer } from './plugins/errors.ts'
import health from './plugins/health.ts'
import identity from './plugins/identity.ts'
import openapi from './plugins/openapi.ts'
import type { OpenApiOptions } from './plugins/openapi.ts'
import requests, { requestId } from './plugins/requests.ts'
import { rawProblem } from './problem.ts'
import type { TokenVerifier } from './tokens.ts'
import { validatorCompiler } from './validation.ts'

export interface AppOptions {
  /** Folder of `<noun>/index.ts` route plugins; `_name` in a folder's name is a parameter. */
  routes: string
  /** What the routes take with `app.getDecorator(name)`. A route whose store is absent fails at boot. */
  stores: Record<string, unknown>
  openapi: OpenApiOptions
  tokens: TokenVerifier
  metrics: Metrics
  logger: FastifyBaseLogger
  /** Whether what the service cannot do without answers. */
  ready: (deadlineMs: number) => Promise<boolean>
}

/** The largest body; everything the routes take is far smaller. */
const bodyLimitBytes = 256 * 1024

/** The one application, in production and in tests: a test may replace stores, never validation, errors or limits. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestId,
    bodyLimit: bodyLimitBytes,
    connectionTimeout: 60_000,
    keepAliveTimeout: 75_000,
    requestTimeout: 15_000,
    handlerTimeout: 30_000,
    forceCloseConnections: 'idle',
    http: { headersTimeout: 10_000, maxHeaderSize: 16_384 },
    routerOptions: { maxParamLength: 100 },
    exposeHeadRoutes: false,
    frameworkErrors: (error, request, reply) => void answer(error, request, reply),
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
      else socket.end(rawProblem(clientErrors[error.code] ?? 'MALFORMED_REQUEST', randomUUID()))
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  // Fastify reads text on its own; as a body of ours it would be a wrong JSON value rather than a wrong media type.
  app.removeContentTypeParser('text/plain')

  await app.register(errorAnswers)
  await app.register(requests, { metrics: options.metrics })
  await app.register(identity, { tokens: options.tokens })
  await app.register(openapi, options.openapi)
  await app.register(health, { ready: options.ready })
  for (const [name, store] of Object.entries(options.stores)) app.decorate(name, store)
  await app.register(autoload, {
    dir: options.routes,
    options: { prefix: '/v1' },
    routeParams: true,
    ignorePattern: /\.test\./,
  })
  await app.ready()
  return app
}

const clientErrors = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
} as Record<string, 'HEADERS_TOO_LARGE' | 'REQUEST_TIMEOUT'>
