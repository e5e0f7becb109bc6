import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import fp from 'fastify-plugin'
import { everybody } from './identity.ts'

export interface OpenApiOptions {
  title: string
  description: string
  version: string
}

/** `/openapi.json` from the routes' own schemas, and `/docs`, a page to try them with a token. */
export default fp(
  async (app: FastifyInstance, info: OpenApiOptions) => {
    await app.register(swagger, {
      transform: ({ schema, url }) => ({ schema: asSent(schema), url: url.replace(/(?<=.)\/$/, '') }),
      openapi: {
        openapi: '3.1.0',
        info,
        components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      },
    })
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      uiConfig: { persistAuthorization: true, tryItOutEnabled: true, docExpansion: 'list' },
    })
    app.get('/openapi.json', { schema: { security: everybody, hide: true } }, async () => app.swagger())
  },
  { name: 'openapi', dependencies: ['identity'] },
)

/** The validator fills defaults in, so a handler has every one of them: who sends the request may leave them out. */
function asSent<Schema extends FastifySchema>(schema: Schema): Schema {
  const query = schema.querystring as { required?: string[]; properties: Record<string, object> } | undefined
  if (!query?.required) return schema
  const required = query.required.filter((name) => !('default' in (query.properties[name] ?? {})))
  return { ...schema, querystring: { ...query, required } }
}
