import { ConfigError } from './chassis/config.ts'
import { main as core } from './core/service.ts'

/** `node services/main.ts <service>`. Exit codes: 0 stopped by a signal, 1 failed, 2 cannot start as configured. */
const services: Record<string, (env: NodeJS.ProcessEnv) => Promise<number>> = { core }

async function run(): Promise<number> {
  const [name = '', ...rest] = process.argv.slice(2)
  const service = Object.hasOwn(services, name) ? services[name] : undefined
  if (!service || rest.length > 0) {
    console.error(`Usage: node services/main.ts <${Object.keys(services).join('|')}>`)
    return 2
  }
  try {
    return await service(process.env)
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : error)
    return error instanceof ConfigError ? 2 : 1
  }
}

process.exit(await run())
