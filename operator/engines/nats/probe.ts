import type { Health, Target } from '../engine.ts'
import { failure } from '../failure.ts'
import { NatsError, withConnection, type Connection } from './protocol.ts'

/**
 * Whether the server takes the login and JetStream answers. Never throws; returns when `signal` is aborted at the latest.
 * starting: it will answer by itself. unreachable: nothing answers. degraded: something answers that cannot be used.
 */
export async function probe(target: Target, signal: AbortSignal): Promise<Health> {
  try {
    return await withConnection(target, signal, async (connection) => judge(connection, await askJetStream(connection)))
  } catch (error) {
    return classify(error, `${target.host}:${target.port}`, signal)
  }
}

interface SystemAnswer {
  data?: { status?: string; error?: string }
}
interface AccountAnswer {
  error?: { description?: string }
}

/** What keeps JetStream from being used, in the server's words. */
type Trouble = { kind: 'none' } | { kind: 'starting' | 'missing'; words: string }

/** Our own login belongs to the system account, which can ask a server how it is. Any other asks JetStream about its own account. */
async function askJetStream({ info, request }: Connection): Promise<Trouble> {
  const system = (await request(`$SYS.REQ.SERVER.${info.server_id}.HEALTHZ`, { 'js-meta-only': true })) as
    SystemAnswer | undefined
  if (system) {
    const { status, error = 'JetStream is unavailable' } = system.data ?? {}
    return status === 'ok' ? { kind: 'none' } : { kind: 'starting', words: error }
  }
  const account = (await request('$JS.API.INFO')) as AccountAnswer | undefined
  if (!account) return { kind: 'missing', words: 'nothing answers $JS.API.INFO' }
  return account.error ? { kind: 'missing', words: account.error.description ?? '' } : { kind: 'none' }
}

function judge({ info }: Connection, trouble: Trouble): Health {
  switch (trouble.kind) {
    case 'none':
      return { state: 'ready', version: info.version }
    case 'starting':
      return { state: 'starting', message: `NATS: ${trouble.words}` }
    case 'missing':
      return { state: 'degraded', message: `NATS runs without JetStream for this login: ${trouble.words}` }
  }
}

function classify(error: unknown, server: string, signal: AbortSignal): Health {
  return failure(error, server, signal, (own) =>
    own instanceof NatsError ? { state: 'degraded', message: `NATS: ${own.message}` } : undefined,
  )
}
