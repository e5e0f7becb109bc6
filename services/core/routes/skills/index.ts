import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { reading } from '../../../chassis/caller.ts'
import { allow } from '../../../chassis/plugins/identity.ts'
import type { PostgresStore } from '../../../chassis/stores/postgres.ts'
import { listSkillDemand, readSkill, searchSkills } from '../../repositories/skills.ts'
import { Skill, SkillDemandPage, SkillDemandQuery, SkillPage, SkillParams, SkillQuery } from '../../schemas.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const core = app.getDecorator<PostgresStore>('core')
  const about = { tags: ['skills'], security: allow('candidate', 'recruiter', 'admin') }

  const list = {
    ...about,
    summary: 'Search skills by name and alias',
    querystring: SkillQuery,
    response: { 200: SkillPage },
  }
  app.get('/', { schema: list }, (request) =>
    core.transaction(reading(request), (db) => searchSkills(db, request.query)),
  )

  const demand = {
    ...about,
    summary: 'Skills that postings of a region ask for, by month',
    querystring: SkillDemandQuery,
    response: { 200: SkillDemandPage },
  }
  app.get('/demand', { schema: demand }, (request) =>
    core.transaction(reading(request), (db) => listSkillDemand(db, request.query)),
  )

  const read = { ...about, summary: 'One skill', params: SkillParams, response: { 200: Skill } }
  app.get('/:skillId', { schema: read }, (request) =>
    core.transaction(reading(request), (db) => readSkill(db, request.params.skillId)),
  )
}
export default routes
