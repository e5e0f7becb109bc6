import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { ClientConfig, PoolClient, QueryResultRow } from 'pg'
import { AppError, isAppError } from '../errors.ts'
import { databaseRoles } from '../roles.ts'
import type { Role } from '../roles.ts'
import { uuidPattern } from '../uuid.ts'
import { explainViolation } from './constraints.ts'
import type { Constraints } from './constraints.ts'
import { watch } from '../watch.ts'
import type { Content, Watch } from '../watch.ts'
import { readBinding } from './binding.ts'

/** What a repository needs of a transaction. Parameters always travel apart from the text. */
export interface Db {
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
}

/** On whose behalf a transaction runs: from the verified token and the socket, never from a body. */
export interface Caller {
  role: Role
  userId: string
  clientIp: string
}

export interface TransactionOptions extends Caller {
  /** What it will change, as `<type>:<uuid>`: locked in order before the first write, so that events keep each one's order. */
  aggregates: string[]
  readOnly?: boolean
  /** Bound of each statement, lock waits included. Default 5,000. */
  statementTimeoutMs?: number
}

export interface PoolState {
  total: number
  idle: number
  waiting: number
}

export interface PostgresStore {
  /**
   * One transaction as one person. Commits what `work` did, or rolls back when it throws.
   * @throws AppError UNAVAILABLE when no connection can be had in time; otherwise what `work` or PostgreSQL threw
   */
  transaction<T>(options: TransactionOptions, work: (db: Db) => Promise<T>): Promise<T>
  /** Whether the database answers within the deadline, through the pooler like every request. */
  answers(deadlineMs: number): Promise<boolean>
  pool(): PoolState
  /** Waits for transactions under way, then closes the connections. */
  close(): Promise<void>
}

/** Where to connect. Its text holds everything, password included: another text means new connections. */
export interface Endpoint extends Content {
  config: Pick<ClientConfig, 'host' | 'port' | 'database' | 'user' | 'password' | 'ssl'>
}

export interface PostgresOptions {
  /** Read at the start, every `refreshMs` and after each refused log-in. */
  endpoint: () => Promise<Endpoint>
  /** Connections at most. The pooler shares few server connections among many of these. */
  max?: number
  refreshMs?: number
  /** What a violated constraint of this store means to a client. */
  constraints?: Constraints
  onError: (error: unknown) => void
}

/** The endpoint of a binding directory, TLS verified against its ca.crt and its host name. */
export async function bindingEndpoint(dir: string): Promise<Endpoint> {
  const binding = await readBinding(dir)
  const { host, database, username: user, password } = binding
  const ssl = { ca: binding['ca.crt'], rejectUnauthorized: true, ...(isIP(host) === 0 ? { servername: host } : {}) }
  const config = { host, port: Number(binding.port), database, user, password, ssl }
  return { text: JSON.stringify(config), config }
}

/** Connections, transactions and readiness of one PostgreSQL store. */
export async function createPostgresStore(options: PostgresOptions): Promise<PostgresStore> {
  const first = await options.endpoint()
  let pool = createPool(first, options)
  let draining: Promise<unknown> = Promise.resolve()
  let answeredAt = -Infinity

  // A rotated binding (password, user, CA or host): new connections from now on; the old ones end with their transaction.
  const changed = (endpoint: Endpoint) => {
    const old = pool
    pool = createPool(endpoint, options)
    draining = Promise.all([draining, retire(old).catch(options.onError)])
  }
  const { endpoint: read, onError: failed, refreshMs: everyMs = 5_000 } = options
  const refresh = watch({ initial: first, read, changed, failed, everyMs })

  const connect = () => connectWith(() => pool, refresh)
  return {
    async transaction(transaction, work) {
      const client = await connect()
      const result = await runTransaction(client, transaction, work).catch((error: unknown) => {
        throw translated(error, options.constraints ?? {})
      })
      answeredAt = performance.now()
      return result
    },
    async answers(deadlineMs) {
      // A busy store answers all the time: no probe has to queue for a connection behind the requests.
      if (performance.now() - answeredAt < deadlineMs) return true
      return within(deadlineMs, ping(connect))
    },
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async close() {
      refresh.stop()
      await Promise.all([draining, pool.end()])
    },
  }
}

function createPool(endpoint: Endpoint, options: PostgresOptions): pg.Pool {
  const pool = new pg.Pool({
    ...endpoint.config,
    application_name: 'supersmartmatch',
    max: options.max ?? 10,
    types: { getTypeParser },
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 30_000,
    // So that a pooler or database that comes back, or is added, gets its share of connections.
    maxLifetimeSeconds: 1_800,
    // Behind statement_timeout: a server that no longer answers at all must not hold a request for ever.
    query_timeout: 40_000,
    keepAlive: true,
  })
  // A connection that breaks while no query runs, in the pool or in the middle of a transaction, says so by an event, and an
  // event without a listener would end the process. The next query on it fails, the pool drops it.
  pool.on('error', options.onError)
  pool.on('connect', (client) => client.on('error', options.onError))
  return pool
}

/** Ends a pool once it has served those who wait for a connection: after end() it serves nobody, and they would wait in vain. */
async function retire(pool: pg.Pool): Promise<void> {
  // Nobody comes any more, and nobody waits for longer than connectionTimeoutMillis.
  while (pool.waitingCount > 0) await sleep(20)
  await pool.end()
}

/** Values as JSON has them: numbers for numeric and bigint, ISO 8601 for instants, text for dates (a Date would get a zone). */
const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.NUMERIC, Number],
  [pg.types.builtins.INT8, Number],
  [pg.types.builtins.DATE, String],
  [pg.types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString()],
])
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  (format !== 'binary' && parsers.get(oid)) || (pg.types.getTypeParser(oid, format) as never)

const authenticationFailed = new Set(['28P01', '28000', '08P01'])

async function connectWith(pool: () => pg.Pool, refresh: Watch): Promise<PoolClient> {
  try {
    return await pool().connect()
  } catch (error) {
    if (!authenticationFailed.has(sqlState(error) ?? '')) throw unavailable(error)
  }
  try {
    await refresh.check()
    return await pool().connect()
  } catch (error) {
    throw unavailable(error)
  }
}

const unavailable = (cause: unknown) => new AppError('UNAVAILABLE', undefined, { cause })

async function runTransaction<T>(
  client: PoolClient,
  options: TransactionOptions,
  work: (db: Db) => Promise<T>,
): Promise<T> {
  try {
    await client.query(beginning(options))
    const result = await work(queriesOf(client))
    const { command } = await client.query('COMMIT')
    // A transaction that failed earlier answers ROLLBACK: someone swallowed an error, nothing was written.
    if (command !== 'COMMIT') throw new Error('The transaction was rolled back: an error inside it was swallowed')
    client.release()
    return result
  } catch (error) {
    await giveBack(client, error)
    throw error
  }
}

const queriesOf = (client: PoolClient): Db => ({
  async query<Row extends QueryResultRow>(text: string, values: unknown[] = []) {
    return (await client.query<Row>(text, values)).rows
  },
})

/** After an error the server reported, ROLLBACK makes the connection good again; after any other the connection's state is unknown. */
async function giveBack(client: PoolClient, error: unknown): Promise<void> {
  const state = sqlState(error)
  const brokenConnection = isConnectionError(error) || (state !== undefined && connectionLost(state))
  if (brokenConnection) return client.release(true)
  try {
    await client.query('ROLLBACK')
    client.release()
  } catch {
    client.release(true)
  }
}

/**
 * BEGIN and everything a transaction needs to know of its caller, in one round trip. All of it ends with the transaction, so
 * transaction pooling is safe. The order matters: the timeout bounds the lock waits, and the locks come before any
 * statement that writes (an advisory lock assigns no transaction id, so event order follows lock order).
 */
function beginning(options: TransactionOptions): string {
  const { role, userId, clientIp, aggregates, readOnly = false, statementTimeoutMs = 5_000 } = options
  if (!uuidPattern.test(userId)) throw new TypeError('userId is not a UUID')
  if (isIP(clientIp) === 0) throw new TypeError('clientIp is not an address')
  if (!Object.hasOwn(databaseRoles, role)) throw new TypeError('role is not one of the three')
  return [
    readOnly ? 'BEGIN READ ONLY' : 'BEGIN',
    `SET LOCAL statement_timeout = ${Math.trunc(statementTimeoutMs)}`,
    `SET LOCAL ROLE ${databaseRoles[role]}`,
    ...aggregates.toSorted().map(lock),
    `SELECT set_config('app.current_user_id', ${quote(userId)}, true), set_config('app.client_ip', ${quote(clientIp)}, true)`,
  ].join('; ')
}

/** The database's own function, so that its jobs and triggers take the same lock. */
function lock(aggregate: string): string {
  const [, type, id] = aggregatePattern.exec(aggregate) ?? []
  if (!type || !id || !uuidPattern.test(id)) throw new TypeError('an aggregate is not <type>:<id>')
  return `SELECT lock_aggregate(${quote(type)}, ${quote(id)})`
}

const aggregatePattern = /^([a-z]+):(.*)$/

const quote = (value: string) => pg.escapeLiteral(value)

async function ping(connect: () => Promise<PoolClient>): Promise<boolean> {
  const client = await connect()
  try {
    await client.query('SELECT 1')
    client.release()
    return true
  } catch (error) {
    client.release(true)
    throw error
  }
}

/** False when the work fails or is not done in time; it goes on unobserved, bounded by the pool's own timeouts. */
async function within(deadlineMs: number, work: Promise<boolean>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), deadlineMs)
  try {
    return await Promise.race([work.catch(() => false), late])
  } finally {
    clearTimeout(timer)
  }
}

/** The SQLSTATE of an error that PostgreSQL or PgBouncer reported. */
function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

const connectionLost = (state: string) => state.startsWith('08') || state.startsWith('57P') || state === '25P03'

/** Neither SQL nor ours: the socket broke, or the driver gave up waiting for an answer. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof pg.DatabaseError || isAppError(error)) return false
  const code = 'code' in error ? error.code : undefined
  const fromSocket = typeof code === 'string' && /^E[A-Z]+$/.test(code)
  return (
    fromSocket ||
    /^(Connection terminated|Query read timeout|Client has encountered|Client was closed)/.test(error.message)
  )
}

// prettier-ignore
const tryAgain = new Set([
  '40001', '40P01',          // serialization failure, deadlock: the other transaction went first
  '53000', '53100', '53200', '53300', '53400', '55P03', // out of something, or a lock was not to be had
  '25006',                   // read-only: this server is a replica now
])

/** Errors in the words of an answer; what nothing here knows stays as it is and becomes INTERNAL. */
function translated(error: unknown, constraints: Constraints): unknown {
  if (isConnectionError(error)) return unavailable(error)
  if (!(error instanceof pg.DatabaseError)) return error
  const state = error.code ?? ''
  if (state === '57014') return new AppError('DEADLINE_EXCEEDED', undefined, { cause: error })
  if (tryAgain.has(state) || connectionLost(state)) return unavailable(error)
  return explainViolation(error, constraints) ?? error
}
