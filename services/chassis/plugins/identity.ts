import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { AppError } from '../errors.ts'
import type { Role } from '../roles.ts'
import type { Identity, TokenVerifier } from '../tokens.ts'

/**
 * Who may call a route, in its schema: `security: allow('candidate', 'admin')`. OpenAPI shows it, the guard reads it.
 * A route that says nothing does not start; one for everybody says `security: everybody`.
 */
export const allow = (...roles: [Role, ...Role[]]) => [{ bearer: roles }]
export const everybody = []

/** The caller of a guarded route. */
export const identityOf = (request: FastifyRequest) => request.getDecorator<Identity>('identity')

export default fp(
  async (app: FastifyInstance, { tokens }: { tokens: TokenVerifier }) => {
    app.decorateRequest('identity', undefined)
    app.addHook('onRoute', refuseUnguarded)
    app.addHook('onRequest', async (request) => {
      const allowed = request.routeOptions.schema?.security?.[0]?.['bearer']
      if (!allowed) return
      const identity = await tokens.verify(bearerToken(request.headers.authorization))
      if (!allowed.includes(identity.role)) {
        throw new AppError('FORBIDDEN', `This needs the role ${allowed.join(' or ')}`)
      }
      request.setDecorator('identity', identity)
    })
  },
  { name: 'identity' },
)

function refuseUnguarded({ method, url, schema }: RouteOptions): void {
  // Swagger UI brings routes without schemas: static files and the OpenAPI document.
  if (schema?.security === undefined && url !== '/docs' && !url.startsWith('/docs/')) {
    throw new Error(`${String(method)} ${url} does not say who may call it: set schema.security`)
  }
}

function bearerToken(header: string | undefined): string {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header ?? '')?.[1]
  if (!token) throw new AppError('UNAUTHENTICATED', 'Send "Authorization: Bearer <token>"')
  return token
}
