import type { Health, Target } from '../engine.ts'
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
  if (signal.aborted) return { state: 'unreachable', message: `${server} did not answer in time` }
  if (error instanceof ServerError) {
    return { state: transient.has(error.code) ? 'starting' : 'degraded', message: `ClickHouse: ${error.message}` }
  }
  const { message, code = '' } = error as NodeJS.ErrnoException
  if (/CERT|SIGNATURE|ISSUER|_CRL|HOSTNAME/.test(code)) {
    return { state: 'degraded', message: `certificate of ${server}: ${message}` }
  }
  return { state: 'unreachable', message: `${server}: ${message || code}` }
}
