import type { FastifyRequest } from 'fastify'
import { reading, writing } from '../chassis/caller.ts'
import { identityOf } from '../chassis/plugins/identity.ts'
import type { Db, PostgresStore } from '../chassis/stores/postgres.ts'

/**
 * A transaction that reads of one candidate, or of all. What an administrator reads is in the audit log, written before it is read.
 * @param candidateId  null for all
 */
export function readingCandidates<T>(
  core: PostgresStore,
  request: FastifyRequest,
  candidateId: string | null,
  work: (db: Db) => Promise<T>,
): Promise<T> {
  if (identityOf(request).role !== 'admin') return core.transaction(reading(request), work)
  return core.transaction(writing(request), async (db) => {
    await db.query(
      `SELECT audit_read('candidate_profiles', $1, (SELECT user_id FROM candidate_profiles WHERE candidate_id = $1), $2)`,
      [candidateId, `${request.method} ${request.routeOptions.url}`],
    )
    return work(db)
  })
}
