import type { EngineName } from '../crds/schema/data-store.ts'

export interface Settings {
  /** Default image of each engine and of the platform; `spec` may name another. */
  images: Record<EngineName | 'pgbouncer' | 'platform', string>
  watchNamespaces: string[]
  /** Where the leader Lease lives, and who this process is in it. */
  namespace: string
  identity: string
  httpPort: number
  /** Where PostgreSQL pods may reach the API server. */
  apiServerPorts: number[]
  logLevel: string
}

/** Reads the operator's settings from the environment. @throws one error that names every variable which is missing or wrong */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const problems: string[] = []
  const required = (name: string): string => {
    const value = env[name]?.trim()
    if (!value) problems.push(`${name} is not set`)
    return value ?? ''
  }
  const settings: Settings = {
    images: {
      postgres: required('IMAGE_POSTGRES'),
      // The image of postgres has TimescaleDB.
      timescale: env['IMAGE_TIMESCALE']?.trim() || required('IMAGE_POSTGRES'),
      clickhouse: required('IMAGE_CLICKHOUSE'),
      nats: required('IMAGE_NATS'),
      elasticsearch: required('IMAGE_ELASTICSEARCH'),
      pgbouncer: required('IMAGE_PGBOUNCER'),
      redis: required('IMAGE_REDIS'),
      platform: required('IMAGE_PLATFORM'),
    },
    watchNamespaces: required('WATCH_NAMESPACES')
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
    namespace: required('POD_NAMESPACE'),
    identity: required('POD_NAME'),
    httpPort: Number(env['HTTP_PORT'] ?? 8080),
    apiServerPorts: (env['API_SERVER_PORTS'] ?? '443,6443').split(',').map(Number),
    logLevel: env['LOG_LEVEL'] ?? 'info',
  }
  if (!Number.isInteger(settings.httpPort) || settings.httpPort < 0 || settings.httpPort > 65535) {
    problems.push(`HTTP_PORT is not a port: ${env['HTTP_PORT']}`)
  }
  if (!settings.apiServerPorts.every((port) => Number.isInteger(port) && port > 0 && port <= 65535)) {
    problems.push(`API_SERVER_PORTS is not a list of ports such as 443,6443: ${env['API_SERVER_PORTS']}`)
  }
  if (problems.length > 0) throw new Error(`The operator cannot start: ${problems.join('; ')}`)
  return settings
}
