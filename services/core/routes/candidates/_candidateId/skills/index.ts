import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { writing } from '../../../../../chassis/caller.ts'
import { allow, identityOf } from '../../../../../chassis/plugins/identity.ts'
import type { PostgresStore } from '../../../../../chassis/stores/postgres.ts'
import { readingCandidates } from '../../../../audit.ts'
import {
  deleteCandidateSkill,
  listCandidateSkills,
  putCandidateSkill,
  updateCandidateSkill,
} from '../../../../repositories/candidate-skills.ts'
import {
  CandidateParams,
  CandidateQuery,
  CandidateSkill,
  CandidateSkillPage,
  CandidateSkillParams,
  CandidateSkillPatch,
  CandidateSkillPut,
  maxSkills,
} from '../../../../schemas.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const core = app.getDecorator<PostgresStore>('core')
  const tags = ['candidates']
  const readers = { tags, security: allow('candidate', 'recruiter', 'admin') }
  const writers = { tags, security: allow('candidate', 'admin'), params: CandidateSkillParams }

  const list = {
    ...readers,
    summary: "A candidate's skills, by name",
    params: CandidateParams,
    querystring: CandidateQuery,
    response: { 200: CandidateSkillPage },
  }
  app.get('/', { schema: list }, (request) => {
    const { candidateId } = request.params
    return readingCandidates(core, request, candidateId, (db) =>
      listCandidateSkills(db, identityOf(request).role, candidateId, request.query),
    )
  })

  const put = {
    ...writers,
    summary: `Add a skill or say it anew; ${maxSkills} at most`,
    body: CandidateSkillPut,
    response: { 200: CandidateSkill },
  }
  app.put('/:skillId', { schema: put }, (request) => {
    const { candidateId, skillId } = request.params
    return core.transaction(writing(request, `candidate:${candidateId}`), (db) =>
      putCandidateSkill(db, identityOf(request).role, candidateId, skillId, request.body),
    )
  })

  const update = {
    ...writers,
    summary: 'Change fields of a skill',
    body: CandidateSkillPatch,
    response: { 200: CandidateSkill },
  }
  app.patch('/:skillId', { schema: update }, (request) => {
    const { candidateId, skillId } = request.params
    return core.transaction(writing(request, `candidate:${candidateId}`), (db) =>
      updateCandidateSkill(db, identityOf(request).role, candidateId, skillId, request.body),
    )
  })

  const remove = { ...writers, summary: 'Take a skill away', response: { 204: Type.Null() } }
  app.delete('/:skillId', { schema: remove }, async (request, reply) => {
    const { candidateId, skillId } = request.params
    await core.transaction(writing(request, `candidate:${candidateId}`), (db) =>
      deleteCandidateSkill(db, candidateId, skillId),
    )
    return reply.code(204).send(null)
  })
}
export default routes
