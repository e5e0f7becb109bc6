import Type from 'typebox'
import type { Static, TObject } from 'typebox'
import { textAjv } from './validation.ts'

/** Variables every service reads. */
export const chassisConfig = {
  HOST: Type.String({ default: '0.0.0.0', minLength: 1, description: 'Address of the API and of /metrics.' }),
  PORT: Type.Integer({ default: 8080, minimum: 0, maximum: 65535, description: 'API, /healthz, /readyz, /docs.' }),
  METRICS_PORT: Type.Integer({ default: 9090, minimum: 0, maximum: 65535, description: '/metrics.' }),
  LOG_LEVEL: Type.Unsafe<'trace' | 'debug' | 'info' | 'warn' | 'error'>({
    type: 'string',
    enum: ['trace', 'debug', 'info', 'warn', 'error'],
    default: 'info',
  }),
  TOKENS_FILE: Type.String({ minLength: 1, description: 'JWKS that access tokens are verified with.' }),
  SHUTDOWN_DELAY_MS: Type.Integer({
    default: 3_000,
    minimum: 0,
    maximum: 20_000,
    description: 'How long to go on serving after /readyz says no, so that no Service still sends requests here.',
  }),
}

export const ChassisConfig = Type.Object(chassisConfig)
export type ChassisConfig = Static<typeof ChassisConfig>

export class ConfigError extends Error {}

/**
 * The environment as a typed object; variables the schema does not name are left out, empty ones count as missing.
 * @throws ConfigError with one line for every missing or bad variable; values are never repeated, they may be secret
 */
export function loadConfig<T extends TObject>(schema: T, env: NodeJS.ProcessEnv): Static<T> {
  const names = Object.keys(schema.properties)
  const config = Object.fromEntries(names.filter((name) => env[name]).map((name) => [name, env[name]]))
  const validate = textAjv.compile(schema)
  if (validate(config)) return config as Static<T>
  const problems = (validate.errors ?? []).map((e) =>
    e.keyword === 'required'
      ? `${String(e.params['missingProperty'])} is required`
      : `${e.instancePath.slice(1)} ${e.message ?? 'is not valid'}`,
  )
  throw new ConfigError(`The environment is not usable:\n  ${problems.sort().join('\n  ')}`)
}
