import type { Health, Target } from '../engine.ts'
import { failure } from '../failure.ts'
import { withConnection } from '../../postgres-connection.ts'

interface Facts {
  version: string
  maxConnections: number
  recovering: boolean
  readOnly: boolean
}

/**
 * Whether the primary answers a query. Never throws; returns when `signal` is aborted at the latest.
 * starting: it will answer by itself. unreachable: nothing answers. degraded: something answers that cannot be used.
 */
export async function probe(target: Target, signal: AbortSignal): Promise<Health> {
  try {
    return judge(await facts(target, signal))
  } catch (error) {
    return classify(error, `${target.host}:${target.port}`, signal)
  }
}

/** An external server answers, although the store's database is not made yet. */
async function facts(target: Target, signal: AbortSignal): Promise<Facts[]> {
  const ask = (database: string) =>
    withConnection({ ...target, database }, signal, (connection) => connection.query<Facts>(factsQuery))
  try {
    return await ask(target.database)
  } catch (error) {
    if ((error as { code?: string }).code !== '3D000') throw error
    return ask('postgres')
  }
}

const factsQuery = `
  SELECT current_setting('server_version') AS version,
         current_setting('max_connections')::integer AS "maxConnections",
         pg_catalog.pg_is_in_recovery() AS recovering,
         current_setting('transaction_read_only') = 'on' AS "readOnly"`

export function judge([facts]: Facts[]): Health {
  if (!facts) return { state: 'degraded', message: 'PostgreSQL answered a query with no row' }
  if (facts.recovering) return { state: 'starting', message: 'PostgreSQL is in recovery: it is not a primary yet' }
  if (facts.readOnly) return { state: 'degraded', message: 'PostgreSQL accepts no writes: it is read-only by default' }
  const { version, maxConnections } = facts
  return { state: 'ready', version: version.split(' ', 1)[0] ?? version, maxConnections }
}

/** SQLSTATEs of a server that is coming up or going down. */
const transient = new Set(['57P01', '57P02', '57P03'])
const sqlState = /^[0-9A-Z]{5}$/

export function classify(error: unknown, server: string, signal: AbortSignal): Health {
  return failure(error, server, signal, said)
}

function said({ message }: Error, code: string): Health | undefined {
  if (transient.has(code)) return { state: 'starting', message: `PostgreSQL: ${message}` }
  if (code === '42501')
    return { state: 'degraded', message: `PostgreSQL: ${message} (${code}): GRANT CONNECT on it to the login` }
  return sqlState.test(code) ? { state: 'degraded', message: `PostgreSQL: ${message} (${code})` } : undefined
}
