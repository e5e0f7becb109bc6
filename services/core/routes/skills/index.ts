import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { reading } from '../../../chassis/caller.ts'
import { allow } from '../../../chassis/plugins/identity.ts'
import type { PostgresStore } from '../../../chassis/stores/postgres.ts'
import { readSkill, searchSkills } from '../../repositories/skills.ts'
import { Skill, SkillPage, SkillParams, SkillQuery } from '../../schemas.ts'

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

  const read = { ...about, summary: 'One skill', params: SkillParams, response: { 200: Skill } }
  app.get('/:skillId', { schema: read }, (request) =>
    core.transaction(reading(request), (db) => readSkill(db, request.params.skillId)),
  )
}
export default routes
