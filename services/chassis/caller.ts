import type { FastifyRequest } from 'fastify'
import { identityOf } from './plugins/identity.ts'
import type { TransactionOptions } from './stores/postgres.ts'

/** A transaction that only reads, as the caller of a request. */
export const reading = (request: FastifyRequest): TransactionOptions => ({
  ...identityOf(request),
  clientIp: request.ip,
  aggregates: [],
  readOnly: true,
})

/** A transaction that changes the named aggregates (`job:<id>`), as the caller of a request. New ones need no lock: nobody knows them. */
export const writing = (request: FastifyRequest, ...aggregates: string[]): TransactionOptions => ({
  ...identityOf(request),
  clientIp: request.ip,
  aggregates,
})
