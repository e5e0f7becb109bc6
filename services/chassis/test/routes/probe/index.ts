import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { allow, everybody, identityOf } from '../../../plugins/identity.ts'
import { closed, text } from '../../../schemas.ts'

/** Routes that do what the chassis has to cope with. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  const greeting = app.getDecorator<string>('greeting')
  const Item = Type.Object(
    { name: Type.String({ minLength: 2 }), size: Type.Optional(Type.Integer()) },
    { additionalProperties: false },
  )

  const query = Type.Object({ limit: Type.Integer({ default: 20 }), name: Type.Optional(text(20)) }, closed)
  app.get('/', { schema: { security: everybody, querystring: query } }, async (request) => request.query)
  app.get('/hello', { schema: { security: everybody } }, async () => ({ greeting }))
  app.get('/mine', { schema: { security: allow('candidate', 'admin') } }, async (request) => identityOf(request))
  app.post('/items', { schema: { security: everybody, body: Item } }, async (request) => request.body)
  app.get('/crash', { schema: { security: everybody } }, async () => {
    throw new Error('password is hunter2')
  })
  const out = { 200: Type.Object({ shown: Type.String() }) }
  app.get('/internals', { schema: { security: everybody, response: out } }, async () => ({
    shown: 'yes',
    secret: 'no',
  }))
  app.get('/slow', { schema: { security: everybody } }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 300))
    return { done: true }
  })
}
export default routes
