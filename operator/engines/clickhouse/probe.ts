import type { Health, Target } from '../engine.ts'
import { failure } from '../failure.ts'
import { ask, ServerError } from './client.ts'

/** Whether the server answers a query. Never throws; returns when `signal` is aborted at the latest. */
export async function probe(target: Target, signal: AbortSignal): Promise<Health> {
  const server = `${target.host}:${target.port}`
  try {
    const { text } = await ask(target, 'SELECT version()', signal)
    const version = text.trim()
    if (/^\d+\.\d+/.test(version)) return { state: 'ready', version }
    return { state: 'degraded', message: `${server} answers, but not as ClickHouse does` }
  } catch (error) {
    return classify(error, server, signal)
  }
}

/** Too many queries at once, out of memory for a moment: the server is there. */
const transient = new Set([202, 241, 242])

function classify(error: unknown, server: string, signal: AbortSignal): Health {
  return failure(error, server, signal, (own) =>
    own instanceof ServerError
      ? { state: transient.has(own.code) ? 'starting' : 'degraded', message: `ClickHouse: ${own.message}` }
      : undefined,
  )
}
