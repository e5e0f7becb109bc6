import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { allow, identityOf } from '../../../../../chassis/plugins/identity.ts'
import type { PostgresStore } from '../../../../../chassis/stores/postgres.ts'
import { readingCandidates } from '../../../../audit.ts'
import { findMatches } from '../../../../repositories/matches.ts'
import { CandidateParams, MatchList, MatchQuery } from '../../../../schemas.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const core = app.getDecorator<PostgresStore>('core')
  const schema = {
    tags: ['matches'],
    security: allow('candidate', 'recruiter', 'admin'),
    summary: 'The jobs that fit a candidate best, and why; for a recruiter among their own jobs',
    params: CandidateParams,
    querystring: MatchQuery,
    response: { 200: MatchList },
  }
  app.get('/', { schema }, async (request) => {
    const { candidateId } = request.params
    const { role, userId } = identityOf(request)
    const recruiterId = role === 'recruiter' ? userId : null
    return readingCandidates(core, request, candidateId, (db) =>
      findMatches(db, candidateId, request.query.limit, recruiterId),
    )
  })
}
export default routes
