import type { Health, Target } from '../engine.ts'
import { failure } from '../failure.ts'
import { withConnection, type Connection } from './connection.ts'
import { RedisError } from './reply.ts'

/**
 * Whether Redis answers, and of a cluster whether every slot has a master. Never throws; returns when `signal` is aborted at the latest.
 * starting: it will answer by itself. unreachable: nothing answers. degraded: something answers that cannot be used.
 */
export async function probe(target: Target, signal: AbortSignal): Promise<Health> {
  try {
    return await withConnection(target, signal, ask)
  } catch (error) {
    return classify(error, `${target.host}:${target.port}`, signal)
  }
}

async function ask({ send, version, mode }: Connection): Promise<Health> {
  // The login is answered while Redis still reads its data; this is not.
  await send('EXISTS', 'supersmartmatch:probe').catch(ignoreRefusal)
  const problem = mode === 'cluster' ? clusterProblem(await send('CLUSTER', 'INFO').catch(ignoreRefusal)) : undefined
  return problem ? { state: 'degraded', message: problem } : { state: 'ready', version }
}

/** An external login may not be allowed to ask, and a key may be another node's: it answers all the same. */
function ignoreRefusal(error: unknown): string {
  if (error instanceof RedisError && ['NOPERM', 'MOVED', 'CLUSTERDOWN'].includes(error.code)) return ''
  throw error
}

export function clusterProblem(info: unknown): string | undefined {
  const facts = infoOf(String(info))
  if (facts['cluster_state'] !== 'fail') return undefined
  const missing = slotCount - Number(facts['cluster_slots_ok'])
  return missing > 0
    ? `Redis Cluster is down: ${missing} of ${slotCount} slots have no master that answers`
    : 'Redis Cluster is down: too few of its masters see each other'
}

const slotCount = 16384

/** The `name:value` lines of INFO and CLUSTER INFO. */
export function infoOf(text: string): Partial<Record<string, string>> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

export function classify(error: unknown, server: string, signal: AbortSignal): Health {
  return failure(error, server, signal, (own, code) =>
    own instanceof RedisError
      ? { state: code === 'LOADING' ? 'starting' : 'degraded', message: `Redis: ${own.message}` }
      : undefined,
  )
}
