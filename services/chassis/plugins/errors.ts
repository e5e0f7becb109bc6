import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { AppError } from '../errors.ts'
import { problem, toAppError } from '../problem.ts'

/** Every error as RFC 9457 problem details; what is 500 and up is logged with its cause, and says nothing. */
export default fp(
  async (app: FastifyInstance) => {
    app.setNotFoundHandler((request, reply) => send(new AppError('NOT_FOUND'), request, reply))
    app.setErrorHandler((error, request, reply) => answer(error, request, reply))
  },
  { name: 'errors' },
)

/** Answers a request with the problem an error stands for. */
export function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const appError = toAppError(error)
  if (appError.statusCode >= 500)
    request.log.error({ err: appError.cause ?? appError, code: appError.code }, 'request failed')
  return send(appError, request, reply)
}

function send(error: AppError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.code === 'UNAUTHENTICATED') void reply.header('www-authenticate', 'Bearer realm="supersmartmatch"')
  if (error.code === 'UNAVAILABLE') void reply.header('retry-after', '2')
  // Also where no hook of ours ran: a path the router cannot read.
  void reply.header('x-request-id', request.id)
  // A string, so that no response schema of the route cuts it.
  const body = JSON.stringify(problem(error, request.id))
  return reply.code(error.statusCode).type('application/problem+json').send(body)
}
