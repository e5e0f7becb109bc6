import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { reading, writing } from '../../../chassis/caller.ts'
import { allow } from '../../../chassis/plugins/identity.ts'
import type { PostgresStore } from '../../../chassis/stores/postgres.ts'
import { createCompany, listCompanies, readCompany, updateCompany } from '../../repositories/companies.ts'
import { Company, CompanyCreate, CompanyPage, CompanyParams, CompanyPatch, CompanyQuery } from '../../schemas.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const core = app.getDecorator<PostgresStore>('core')
  const tags = ['companies']
  const readers = { tags, security: allow('candidate', 'recruiter', 'admin') }
  const writers = { tags, security: allow('recruiter', 'admin') }

  const list = { ...readers, summary: 'Companies by name', querystring: CompanyQuery, response: { 200: CompanyPage } }
  app.get('/', { schema: list }, (request) =>
    core.transaction(reading(request), (db) => listCompanies(db, request.query)),
  )

  const create = { ...writers, summary: 'Enter a company', body: CompanyCreate, response: { 201: Company } }
  app.post('/', { schema: create }, async (request, reply) => {
    const company = await core.transaction(writing(request), (db) => createCompany(db, request.body))
    return reply.code(201).header('location', `/v1/companies/${company.companyId}`).send(company)
  })

  const read = { ...readers, summary: 'One company', params: CompanyParams, response: { 200: Company } }
  app.get('/:companyId', { schema: read }, (request) =>
    core.transaction(reading(request), (db) => readCompany(db, request.params.companyId)),
  )

  const update = {
    ...writers,
    summary: 'Change fields of a company',
    params: CompanyParams,
    body: CompanyPatch,
    response: { 200: Company },
  }
  app.patch('/:companyId', { schema: update }, (request) => {
    const { companyId } = request.params
    return core.transaction(writing(request, `company:${companyId}`), (db) =>
      updateCompany(db, companyId, request.body),
    )
  })
}
export default routes
