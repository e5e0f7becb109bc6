import { join } from 'node:path'
import Type from 'typebox'
import { buildApp } from '../chassis/app.ts'
import { chassisConfig, loadConfig } from '../chassis/config.ts'
import { createLogger } from '../chassis/log.ts'
import { createMetrics, measurePool } from '../chassis/metrics.ts'
import type { Metrics } from '../chassis/metrics.ts'
import { serve } from '../chassis/server.ts'
import { bindingEndpoint, createPostgresStore } from '../chassis/stores/postgres.ts'
import type { PostgresStore } from '../chassis/stores/postgres.ts'
import { createTokenVerifier } from '../chassis/tokens.ts'
import type { TokenVerifier } from '../chassis/tokens.ts'
import { constraints } from './constraints.ts'
import type { Logger } from 'pino'

const CoreConfig = Type.Object({
  ...chassisConfig,
  CORE_BINDING_DIR: Type.String({ minLength: 1, description: 'Mounted -app binding Secret of the core store.' }),
})

export interface CoreParts {
  core: PostgresStore
  tokens: TokenVerifier
  metrics: Metrics
  logger: Logger
}

/** The core service's application, the same in production and in tests. */
export function buildCore({ core, tokens, metrics, logger }: CoreParts) {
  return buildApp({
    routes: join(import.meta.dirname, 'routes'),
    stores: { core },
    openapi: {
      title: 'SuperSmartMatch core',
      description: 'Skills, companies, jobs, candidates and the jobs that fit them.',
      version: '1',
    },
    tokens,
    metrics,
    logger,
    ready: (deadlineMs) => core.answers(deadlineMs),
  })
}

/** Runs until a signal. @returns the exit code. @throws ConfigError, or what kept it from starting */
export async function main(env: NodeJS.ProcessEnv): Promise<number> {
  const config = loadConfig(CoreConfig, env)
  const logger = createLogger(config.LOG_LEVEL)
  const onError = (err: unknown) => logger.warn({ err }, 'background work failed')
  const tokens = await createTokenVerifier({ file: config.TOKENS_FILE, onError })
  const endpoint = () => bindingEndpoint(config.CORE_BINDING_DIR)
  const core = await createPostgresStore({ endpoint, constraints, onError })
  const metrics = createMetrics('core')
  measurePool(metrics, 'core', core)
  const app = await buildCore({ core, tokens, metrics, logger })
  const close = async () => {
    tokens.stop()
    await core.close()
  }
  return serve({ app, metrics, logger, close }, config)
}
