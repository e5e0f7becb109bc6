import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { reading, writing } from '../../../chassis/caller.ts'
import { allow, identityOf } from '../../../chassis/plugins/identity.ts'
import type { PostgresStore } from '../../../chassis/stores/postgres.ts'
import { createJob, listJobs, readJob, updateJob } from '../../repositories/jobs.ts'
import { Job, JobCreate, JobPage, JobParams, JobPatch, JobQuery } from '../../schemas.ts'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const core = app.getDecorator<PostgresStore>('core')
  const tags = ['jobs']
  const readers = { tags, security: allow('candidate', 'recruiter', 'admin') }
  const writers = { tags, security: allow('recruiter', 'admin') }

  const list = { ...readers, summary: 'Jobs, newest first', querystring: JobQuery, response: { 200: JobPage } }
  app.get('/', { schema: list }, (request) => core.transaction(reading(request), (db) => listJobs(db, request.query)))

  const create = {
    ...writers,
    summary: 'Post a job with the skills it asks for',
    body: JobCreate,
    response: { 201: Job },
  }
  app.post('/', { schema: create }, async (request, reply) => {
    const { role, userId } = identityOf(request)
    const recruiterId = role === 'recruiter' ? userId : null
    const job = await core.transaction(writing(request), (db) => createJob(db, request.body, recruiterId))
    return reply.code(201).header('location', `/v1/jobs/${job.jobId}`).send(job)
  })

  const read = { ...readers, summary: 'One job', params: JobParams, response: { 200: Job } }
  app.get('/:jobId', { schema: read }, (request) =>
    core.transaction(reading(request), (db) => readJob(db, request.params.jobId)),
  )

  const update = {
    ...writers,
    summary: 'Change fields of a job',
    params: JobParams,
    body: JobPatch,
    response: { 200: Job },
  }
  app.patch('/:jobId', { schema: update }, (request) => {
    const { jobId } = request.params
    return core.transaction(writing(request, `job:${jobId}`), (db) => updateJob(db, jobId, request.body))
  })
}
export default routes
