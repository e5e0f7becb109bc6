import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { writing } from '../../../chassis/caller.ts'
import { allow, identityOf } from '../../../chassis/plugins/identity.ts'
import type { PostgresStore } from '../../../chassis/stores/postgres.ts'
import { readingCandidates } from '../../audit.ts'
import { createCandidate, listCandidates, readCandidate, updateCandidate } from '../../repositories/candidates.ts'
import {
  Candidate,
  CandidateCreate,
  CandidatePage,
  CandidateParams,
  CandidatePatch,
  CandidateQuery,
} from '../../schemas.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const core = app.getDecorator<PostgresStore>('core')
  const tags = ['candidates']
  const readers = { tags, security: allow('candidate', 'recruiter', 'admin') }

  const list = {
    ...readers,
    summary: 'Candidates the caller may see',
    querystring: CandidateQuery,
    response: { 200: CandidatePage },
  }
  app.get('/', { schema: list }, (request) =>
    readingCandidates(core, request, null, (db) => listCandidates(db, identityOf(request).role, request.query)),
  )

  const own = { tags, security: allow('candidate') }
  const create = { ...own, summary: 'Make your own profile', body: CandidateCreate, response: { 201: Candidate } }
  app.post('/', { schema: create }, async (request, reply) => {
    const { userId } = identityOf(request)
    const candidate = await core.transaction(writing(request), (db) => createCandidate(db, userId, request.body))
    return reply.code(201).header('location', `/v1/candidates/${candidate.candidateId}`).send(candidate)
  })

  const read = {
    ...readers,
    summary: 'One candidate, as far as the caller may see',
    params: CandidateParams,
    response: { 200: Candidate },
  }
  app.get('/:candidateId', { schema: read }, (request) => {
    const { candidateId } = request.params
    return readingCandidates(core, request, candidateId, (db) =>
      readCandidate(db, identityOf(request).role, candidateId),
    )
  })

  const writers = { tags, security: allow('candidate', 'admin') }
  const update = {
    ...writers,
    summary: 'Change fields of a profile',
    params: CandidateParams,
    body: CandidatePatch,
    response: { 200: Candidate },
  }
  app.patch('/:candidateId', { schema: update }, (request) => {
    const { candidateId } = request.params
    const role = identityOf(request).role === 'admin' ? 'admin' : 'candidate'
    return core.transaction(writing(request, `candidate:${candidateId}`), (db) =>
      updateCandidate(db, role, candidateId, request.body),
    )
  })
}
export default routes
