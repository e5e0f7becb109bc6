import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { AppError } from '../errors.ts'
import { everybody } from './identity.ts'

export interface HealthOptions {
  /** Whether what the service cannot do without answers, within the deadline. */
  ready: (deadlineMs: number) => Promise<boolean>
}

const readyDeadlineMs = 1_500

/** `/healthz`: the process serves. `/readyz`: send requests here; it says no as soon as a shutdown starts. */
export default fp(
  async (app: FastifyInstance, { ready }: HealthOptions) => {
    const lifecycle = { stopping: false }
    app.decorate('lifecycle', lifecycle)
    const schema = { security: everybody, hide: true }
    app.get('/healthz', { schema }, async () => ({ status: 'ok' }))
    app.get('/readyz', { schema }, async () => {
      if (lifecycle.stopping) throw new AppError('UNAVAILABLE')
      if (!(await ready(readyDeadlineMs))) throw new AppError('UNAVAILABLE')
      return { status: 'ok' }
    })
  },
  { name: 'health', dependencies: ['identity'] },
)

/** From now on `/readyz` says no; everything else goes on. */
export function stopAcceptingNew(app: FastifyInstance): void {
  app.getDecorator<{ stopping: boolean }>('lifecycle').stopping = true
}
