import type { Health, Target } from '../engine.ts'
import { failure } from '../failure.ts'
import { ask, reasonOf, type Answer } from './request.ts'

/**
 * Whether the cluster answers and every index can be read. Never throws; returns when `signal` is aborted at the latest.
 * starting: it will answer by itself. unreachable: nothing answers. degraded: something answers that cannot be used.
 */
export async function probe(target: Target, signal: AbortSignal): Promise<Health> {
  try {
    const root = await ask(target, 'GET', '/', signal)
    const refused = refusal(root, target.username)
    if (refused) return refused
    const { version } = (root.body ?? {}) as { version?: { number?: string } }
    if (!version?.number) return { state: 'degraded', message: 'what answers is not Elasticsearch' }
    const health = await ask(target, 'GET', '/_cluster/health?timeout=2s&master_timeout=2s', signal)
    return refusal(health, target.username) ?? judge(version.number, health.body as Facts)
  } catch (error) {
    return failure(error, `${target.host}:${target.port}`, signal)
  }
}

export interface Facts {
  status?: string
  unassigned_primary_shards?: number
}

export function judge(version: string, { status, unassigned_primary_shards: missing }: Facts): Health {
  if (status !== 'red') return { state: 'ready', version }
  const what = missing === 1 ? 'one primary shard is' : `${missing ?? 'some'} primary shards are`
  return {
    state: 'degraded',
    message: `${what} on no node, so parts of some indices cannot be read: ask GET _cluster/allocation/explain why`,
  }
}

function refusal(answer: Answer, username: string): Health | undefined {
  if (answer.status === 200) return undefined
  const message = `Elasticsearch: ${reasonOf(answer)}`
  if (answer.status === 401)
    return { state: 'degraded', message: `Elasticsearch refuses the password of ${username} (401)` }
  if (answer.status === 403)
    return {
      state: 'degraded',
      message: `${username} may not ask how the cluster is: give it the cluster privilege monitor (403)`,
    }
  // No master yet, or the cluster's state is not recovered.
  if (answer.status === 503 || answer.status === 429) return { state: 'starting', message }
  return { state: 'degraded', message }
}
