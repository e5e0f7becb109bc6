import pg from 'pg'
import type { Client, ClientConfig } from 'pg'
import type { Connect, Options } from './dialect.ts'
import { Failed, Refused } from './errors.ts'
import { fileName } from './files.ts'
import type { Migration } from './files.ts'
import type { LedgerRow } from './ledger.ts'
import { concurrentIndex } from './postgres-file.ts'
import { locate } from './statements.ts'
import { interrupted, retry } from './wait.ts'

/**
 * What the runner does in a PostgreSQL database. One session from beginning to end:
 *
 * 1. connect: only directly (a pooler would spread our session over several), only to a primary.
 * 2. takeLock: a session advisory lock, so one migrator at a time. The server frees it when the session ends, however it ends.
 * 3. applyFile: BEGIN; ledger row; the file; COMMIT. A kill at any point leaves all of it or nothing. An index made CONCURRENTLY is the
 *    exception, see postgres-concurrent.ts.
 */
export interface Session extends Pick<Options, 'waitMs' | 'signal' | 'log'> {
  client: Client
  /** The server process behind this session. */
  pid: number
  config: ClientConfig
}

/** A way to the database of this configuration. */
export function postgres(config: ClientConfig): Connect {
  return async (options) => {
    const session = await connect(config, options)
    const told = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await work
      } catch (error) {
        if (error instanceof Failed || !isTransient(error)) throw error
        throw new Failed('Unavailable', describe(error), { cause: error })
      }
    }
    return {
      log: options.log,
      readLedger: () => told(readLedger(session)),
      checkOwner: () => told(checkOwner(session)),
      takeLock: () => told(takeLock(session)),
      createLedger: () => told(createLedger(session)),
      async losses(migration) {
        // The parser is loaded only where somebody may have to approve.
        const { postgresLosses } = await import('./postgres-losses.ts')
        return postgresLosses(migration)
      },
      existing: () => told(existing(session)),
      applyFile: (migration) => told(applyFile(session, migration)),
      async differences(files) {
        const { postgresDifferences } = await import('./postgres-baseline.ts')
        return told(postgresDifferences(session, files, options))
      },
      record: (migrations) => told(record(session, migrations)),
      close: () => session.client.end(),
    }
  }
}

/** `SSMM`, and 1 for migrations: two keys, so that the lock cannot meet an application's single-key locks. */
const lockKeys = [0x53534d4d, 1]
/** A file waits this long for a table lock; whoever queues behind it waits no longer either. */
const lockTimeout = '2s'

// --- connecting -------------------------------------------------------------------------------------------------------------

/**
 * A session on the primary, waiting for it to come up.
 * @throws Refused behind a pooler; Failed when the server stays away or does not let us in
 */
export async function connect(
  config: ClientConfig,
  options: Pick<Options, 'waitMs' | 'signal' | 'log'>,
): Promise<Session> {
  let last = ''
  const expired = () =>
    new Failed('Unavailable', `no connection to the database within ${options.waitMs / 1000} s: ${last}`)
  return retry({ ...options, expired }, async () => {
    const client = new pg.Client({ connectionTimeoutMillis: 5_000, ...config })
    // Without a listener a lost connection would end the process; with it, the query under way rejects.
    client.on('error', () => undefined)
    const announced = announcedPid(client)
    try {
      await client.connect()
      const pid = await checkSession(client, announced.pid)
      return { client, pid, config, ...options }
    } catch (error) {
      await client.end().catch(() => undefined)
      if (!isTransient(error)) throw explainConnection(error)
      if (last === '') options.log(`waiting for the database: ${oneLine(error)}`)
      last = oneLine(error)
      return undefined
    }
  })
}

/** PostgreSQL tells a new client the number of its process; a pooler makes a number up. */
function announcedPid(client: Client): { pid: number | undefined } {
  const announced: { pid: number | undefined } = { pid: undefined }
  client.connection.once('backendKeyData', (message: { processID: number }) => (announced.pid = message.processID))
  return announced
}

/** @returns the server process's number */
async function checkSession(client: Client, announced: number | undefined): Promise<number> {
  const { rows } = await client.query<{ pid: number; standby: boolean }>(
    'SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS standby',
  )
  const [row] = rows
  if (row === undefined || announced === undefined || row.pid !== announced)
    throw new Refused(
      'PoolerInBetween',
      `${client.host}:${client.port} is a pooler such as PgBouncer: a session lock does not hold there; connect to the database itself`,
    )
  // During a failover the address may still lead to the old primary.
  if (row.standby) throw new Failed('Unavailable', 'the server is a replica')
  return announced
}

const transientCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]

/** Whether an error says that the connection failed or was lost, not that the server refused what was asked. */
function isTransient(error: unknown): boolean {
  if (error instanceof Failed) return error.reason === 'Unavailable'
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  // 080: connection (08P01, a protocol error, is how PgBouncer says no); 57P01–3: shutting down, crashed, starting up; 57P05: idle session closed; 53300: too many connections.
  if (/^(080..|57P0[1235]|53300)$/.test(code) || transientCodes.includes(code)) return true
  return (
    code === '' &&
    /^Connection terminated|^Client has encountered a connection error|timeout expired/.test(error.message)
  )
}

function explainConnection(error: unknown): unknown {
  if (error instanceof Refused || error instanceof Failed) return error
  return new Failed('Unavailable', `cannot connect: ${describe(error)}`, { cause: error })
}

// --- reading ----------------------------------------------------------------------------------------------------------------

/** What was applied, in order; empty in a database that no migrator has met. */
async function readLedger({ client }: Pick<Session, 'client'>): Promise<LedgerRow[]> {
  const exists = await client.query<{ found: boolean }>(
    `SELECT to_regclass('migrations.schema_migrations') IS NOT NULL AS found`,
  )
  if (!exists.rows[0]?.found) return []
  const { rows } = await client.query<LedgerRow>(
    `SELECT version, name, checksum, breaking, applied_at AS "appliedAt", execution_ms AS "executionMs"
       FROM migrations.schema_migrations ORDER BY version`,
  )
  return rows
}

/** A table or view where the files make theirs; those of extensions, as PostGIS has, and of other schemas say nothing. */
async function existing({ client }: Session): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND NOT EXISTS (SELECT FROM pg_depend d
                         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      ORDER BY c.relkind = 'v', c.relname LIMIT 1`,
  )
  return rows[0] && `table public.${rows[0].name}`
}

/** Migrating as anyone else would give the tables to the wrong role. */
async function checkOwner(session: Session): Promise<void> {
  const { database, owner, role } = await ownerOf(session)
  if (owner !== role)
    throw new Refused('WrongRole', `database ${database} belongs to ${owner}: connect as that role, not as ${role}`)
}

export async function ownerOf({ client }: Session): Promise<{ database: string; owner: string; role: string }> {
  const { rows } = await client.query<{ database: string; owner: string; role: string }>(
    `SELECT datname AS database, pg_get_userbyid(datdba) AS owner, current_user AS role
       FROM pg_database WHERE datname = current_database()`,
  )
  const [row] = rows
  if (!row) throw new Error('the database that is connected to is not in pg_database')
  return row
}

// --- the lock ---------------------------------------------------------------------------------------------------------------

/**
 * Becomes the only migrator of this database, waiting for another one to finish.
 * Polls: a session blocked inside pg_advisory_lock would hold a snapshot, and with it CREATE INDEX CONCURRENTLY and vacuum.
 */
export async function takeLock(session: Session): Promise<void> {
  let holder = ''
  const expired = () =>
    new Failed('LockTimeout', `another migrator has not finished within ${session.waitMs / 1000} s: ${holder}`)
  await retry({ ...session, expired }, async () => {
    const { rows } = await session.client.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock($1, $2) AS taken',
      lockKeys,
    )
    if (rows[0]?.taken) return session
    const found = await lockHolder(session)
    if (found !== holder) session.log(`waiting for another migrator: ${found}`)
    holder = found
    return undefined
  })
}

async function lockHolder({ client }: Session): Promise<string> {
  const { rows } = await client.query<{ text: string }>(
    `SELECT format('%s (process %s, role %s, from %s, since %s)', coalesce(nullif(a.application_name, ''), 'unnamed'), a.pid,
                   a.usename, coalesce(host(a.client_addr), 'local'), to_char(a.backend_start AT TIME ZONE 'UTC', 'HH24:MI:SS"Z"')) AS text
       FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
      WHERE ${lockIsOurs} AND l.granted`,
    lockKeys,
  )
  return rows[0]?.text ?? 'one that just ended'
}

/** Locks taken with two keys have objsubid 2. */
const lockIsOurs = `l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// --- applying ---------------------------------------------------------------------------------------------------------------

export async function createLedger({ client }: Session): Promise<void> {
  await client.query(`
    CREATE SCHEMA IF NOT EXISTS migrations;
    CREATE TABLE IF NOT EXISTS migrations.schema_migrations (
      version integer PRIMARY KEY CHECK (version > 0),
      name text NOT NULL,
      checksum text NOT NULL,
      breaking boolean NOT NULL,
      started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      execution_ms integer NOT NULL DEFAULT 0
    )`)
}

/** As the owner, who will read and write the ledger; all or nothing. */
async function record(session: Session, migrations: Migration[]): Promise<void> {
  const { client } = session
  await client.query('BEGIN')
  try {
    await client.query(`SET LOCAL ROLE ${pg.escapeIdentifier((await ownerOf(session)).owner)}`)
    await createLedger(session)
    for (const migration of migrations) await insertRow(client, migration)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/**
 * Applies one file with its ledger row, trying again while others hold its tables' locks.
 * @throws Failed when a statement fails, locks stay taken, or the session is interrupted: nothing of the file is kept then.
 *         An error for which isTransient is true when the connection was lost: then the ledger tells whether it was kept.
 */
export async function applyFile(session: Session, migration: Migration): Promise<void> {
  const index = concurrentIndex(migration.text)
  if (index) {
    const { applyConcurrently } = await import('./postgres-concurrent.ts')
    return applyConcurrently(session, migration, index)
  }
  let last: Failed | undefined
  await retry({ ...session, expired: () => last ?? new Error('expired before the first try') }, async () => {
    try {
      await tryFile(session, migration)
      return session
    } catch (error) {
      // When this fails the connection is gone, and the server rolls back by itself.
      await session.client.query('ROLLBACK').catch(() => undefined)
      const failure = explainFailure(error, `${fileName(migration, 'sql')}, its ledger row or COMMIT`)
      if (!(failure instanceof Failed) || failure.reason !== 'LockTimeout') throw failure
      session.log(failure.message)
      last = failure
      return undefined
    }
  })
}

async function tryFile(session: Session, migration: Migration): Promise<void> {
  const { client } = session
  await prepareSession(client)
  await client.query('BEGIN')
  await prepareTransaction(client)
  await checkLock(session)
  const transaction = await insertRow(client, migration)
  await runInterruptibly(session, migration)
  await finishRow(client, migration, transaction)
  await client.query('COMMIT')
}

/** A file starts from the same settings whatever files ran before it in this session. */
export async function prepareSession(client: Client): Promise<void> {
  await client.query('RESET ALL; RESET ROLE')
  // The server notices that we are gone, rolls back and frees the lock, also in the middle of a long statement.
  await client.query(
    `SET client_connection_check_interval = '2s'; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5;
     SET tcp_keepalives_count = 3; SET idle_session_timeout = 0`,
  )
}

/** search_path and time zone are fixed, so that a file means the same on every server. */
async function prepareTransaction(client: Client): Promise<void> {
  await client.query(
    `SET LOCAL lock_timeout = '${lockTimeout}'; SET LOCAL statement_timeout = 0;
     SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL search_path = public; SET LOCAL timezone = 'UTC'`,
  )
}

export async function checkLock({ client, pid }: Session): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_locks l WHERE ${lockIsOurs} AND l.granted AND l.pid = $3 AND l.pid = pg_backend_pid()`,
    [...lockKeys, pid],
  )
  if (rowCount !== 1) throw new Failed('Unavailable', 'this session no longer holds the migration lock')
}

/** @returns the transaction's number. A second runner without the lock would stop here until we commit, and then collide. */
export async function insertRow(
  client: Client,
  { version, name, checksum, breaking }: Migration,
  executionMs = 0,
): Promise<string> {
  const { rows } = await client.query<{ transaction: string }>(
    `INSERT INTO migrations.schema_migrations (version, name, checksum, breaking, execution_ms) VALUES ($1, $2, $3, $4, $5)
     RETURNING pg_current_xact_id()::text AS transaction`,
    [version, name, checksum, breaking, executionMs],
  )
  return rows[0]?.transaction ?? ''
}

async function finishRow(client: Client, migration: Migration, transaction: string): Promise<void> {
  await client.query('RESET ROLE')
  const { rows } = await client.query<{ transaction: string | null }>(
    'SELECT pg_current_xact_id_if_assigned()::text AS transaction',
  )
  if (rows[0]?.transaction !== transaction)
    throw new Failed(
      'StatementFailed',
      `${fileName(migration, 'sql')} ended the transaction it runs in; restore or repair by hand`,
    )
  await client.query(
    `UPDATE migrations.schema_migrations SET applied_at = clock_timestamp(),
            execution_ms = extract(epoch FROM clock_timestamp() - started_at) * 1000 WHERE version = $1`,
    [migration.version],
  )
}

/** A signal cancels the file that is running; one that has run to its end is still committed. */
export async function runInterruptibly(session: Session, migration: Migration): Promise<void> {
  const { client, signal } = session
  if (signal.aborted) throw interrupted(signal)
  const running = { yes: true }
  const cancel = () => void cancelQuery(session, running)
  signal.addEventListener('abort', cancel)
  try {
    await runText(client, fileName(migration, 'sql'), migration.text)
  } catch (error) {
    if (signal.aborted)
      throw interrupted(signal, `${fileName(migration, 'sql')} was rolled back, nothing of it is kept`)
    throw error
  } finally {
    running.yes = false
    signal.removeEventListener('abort', cancel)
  }
}

/** From a second connection, because the first is busy. Where that fails we hang up, which the server notices within seconds. */
async function cancelQuery({ client, pid, config }: Session, running: { yes: boolean }): Promise<void> {
  const other = new pg.Client({ connectionTimeoutMillis: 3_000, ...config })
  other.on('error', () => undefined)
  try {
    await other.connect()
    if (running.yes) await other.query('SELECT pg_cancel_backend($1)', [pid])
  } catch {
    if (running.yes) client.connection.stream.destroy()
  } finally {
    await other.end().catch(() => undefined)
  }
}

/**
 * Sends SQL text whole, as it is, and counts what completes, to say which statement failed.
 * @param file  its name, for the message
 */
export async function runText(client: Client, file: string, sql: string): Promise<void> {
  let completed = 0
  const count = () => void completed++
  client.connection.on('commandComplete', count)
  try {
    await client.query(sql)
  } catch (error) {
    const reported = error instanceof pg.DatabaseError ? error.position : undefined
    const { statement, line } = locate(sql, reported === undefined ? undefined : Number(reported), completed)
    throw explainFailure(error, `${file}, statement ${statement} (line ${line})`)
  } finally {
    client.connection.off('commandComplete', count)
  }
}

// --- saying what went wrong -------------------------------------------------------------------------------------------------

/** 55P03: lock_timeout; 40P01: deadlock; 40001: serialization. The same statement may well succeed a moment later. */
const lockCodes = ['55P03', '40P01', '40001']

/** @returns a Failed for what the server answered; a lost connection and anything already explained as it is */
function explainFailure(error: unknown, where: string): unknown {
  if (!(error instanceof pg.DatabaseError) || isTransient(error)) return error
  const reason = lockCodes.includes(error.code ?? '') ? 'LockTimeout' : 'StatementFailed'
  return new Failed(reason, `${where}: ${describe(error)}`, { cause: error })
}

/**
 * SQLSTATE and message in one line. DETAIL and CONTEXT are left out: they hold row values, and this text ends up in logs and status.
 * Messages of class 22 (data exceptions) quote the offending value, so their quotations go as well.
 */
function describe(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return oneLine(error)
  const message = error.code?.startsWith('22') ? error.message.replace(/"[^]*"/g, '"…"') : error.message
  return `${error.code} ${message.replace(/\s+/g, ' ')}`
}

function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // A failed connection to several addresses is an AggregateError without a message of its own.
  const message = error instanceof AggregateError ? error.errors.map(oneLine).join('; ') : error.message
  return message.replace(/\s+/g, ' ')
}
