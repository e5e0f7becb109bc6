import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { setTimeout as delay } from 'node:timers/promises'
import type { ChassisConfig } from './config.ts'
import { serveMetrics } from './metrics.ts'
import type { Metrics } from './metrics.ts'
import { stopAcceptingNew } from './plugins/health.ts'

export interface Service {
  app: FastifyInstance
  metrics: Metrics
  logger: Logger
  /** Closes stores, once no request is under way. */
  close: () => Promise<void>
}

/** Kubernetes gives a pod 30 s between SIGTERM and SIGKILL. */
const shutdownDeadlineMs = 25_000

/**
 * Serves until SIGTERM or SIGINT, then: not ready, wait for the Services to notice, finish what is under way, close.
 * @returns the process's exit code: 0 closed in order, 1 not in time or with an error
 */
export async function serve(service: Service, config: ChassisConfig): Promise<number> {
  const { app, metrics, logger } = service
  const metricsServer = await serveMetrics(metrics, config.HOST, config.METRICS_PORT)
  const address = await app.listen({ host: config.HOST, port: config.PORT, listenTextResolver: (a) => `serving ${a}` })
  logger.debug({ address, metricsPort: metricsServer.port }, 'started')

  const signal = await firstSignal()
  logger.info({ signal }, 'stopping')
  const closing = async () => {
    stopAcceptingNew(app)
    await delay(config.SHUTDOWN_DELAY_MS)
    await app.close()
    await service.close()
    await metricsServer.close()
    return 0
  }
  const code = await Promise.race([closing().catch(logged(logger)), delay(shutdownDeadlineMs, 1, { ref: false })])
  logger.info({ code }, 'stopped')
  return code
}

/** A second signal finds no handler of ours and ends the process at once. */
function firstSignal(): Promise<string> {
  return new Promise((resolve) => {
    const signals = ['SIGTERM', 'SIGINT'] as const
    const stop = (signal: string) => {
      for (const one of signals) process.removeListener(one, stop)
      resolve(signal)
    }
    for (const one of signals) process.on(one, stop)
  })
}

const logged = (logger: Logger) => (error: unknown) => {
  logger.error({ err: error }, 'closing failed')
  return 1
}
