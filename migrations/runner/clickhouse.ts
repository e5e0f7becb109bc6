import { randomBytes } from 'node:crypto'
import { clickHouseLosses, clickHouseStatements, forCluster } from './clickhouse-file.ts'
import type { Effect, Statement } from './clickhouse-file.ts'
import { readTable, retentionNotes } from './clickhouse-ttl.ts'
import type { Endpoint } from './connection.ts'
import type { Connect, Options } from './dialect.ts'
import { schemaDifferences } from './differences.ts'
import { Failed } from './errors.ts'
import type { MigrationSet } from './files.ts'
import { isConnectionError, newHttp, untilThere, wordsOf } from './http.ts'
import type { Http } from './http.ts'
import type { LeaseStore } from './lease.ts'
import { runAll, stepwise } from './stepwise.ts'
import type { Engine, Entry, Explained, Step } from './stepwise.ts'
import { retry } from './wait.ts'

/**
 * What the runner does in a ClickHouse database: by HTTP, one statement a request. A store of several servers runs each statement on
 * all of them, through the queue of ON CLUSTER; so does the ledger, which is one for all shards, and so does the lease.
 */
interface Session {
  http: Http
  database: string
  options: Options
  /** `ON CLUSTER` of a store of several servers, empty for one. */
  onCluster: string
}

/** The server refused. */
class ServerError extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const codes = { tableExists: 57, unknownTable: 60, unknownDatabase: 81, timeout: 159, unfinished: 341 } as const
/** Too many statements at once, out of memory, starting, stopping: the server is there, and may say something else a moment later. */
const passing = [202, 210, 236, 241, 242, 425, 999]

export function clickhouse(endpoint: Endpoint): Connect {
  return async (options) => {
    const http = newHttp(endpoint)
    const session: Session = { http, database: endpoint.database, options, onCluster: '' }
    try {
      await untilThere(options, () => whyNotThere(session, endpoint))
      const [cluster] = await rows<{ name: string }>(
        session,
        `SELECT substitution AS name FROM system.macros WHERE macro = 'cluster'`,
      )
      return stepwise(engineOf({ ...session, onCluster: cluster ? `ON CLUSTER '{cluster}'` : '' }), options)
    } catch (error) {
      await http.close()
      throw error instanceof ServerError ? new Failed('Unavailable', `cannot connect: ${error.message}`) : error
    }
  }
}

async function whyNotThere(session: Session, { database }: Endpoint): Promise<string | undefined> {
  try {
    await ask(session, 'SELECT 1')
    return undefined
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    if (among(error, ...passing)) return error.message
    const missing = error.code === codes.unknownDatabase
    throw new Failed(
      'Unavailable',
      missing ? `database ${database} does not exist: create it` : `cannot connect: ${error.message}`,
    )
  }
}

// --- asking -----------------------------------------------------------------------------------------------------------------

/** Statements that change something end when they have, on every server. */
const settings = {
  wait_end_of_query: '1',
  alter_sync: '2',
  mutations_sync: '2',
  database_atomic_wait_for_drop_and_detach_synchronously: '1',
}

/** @param values  what stands for {name:Type} in the statement */
async function ask(
  session: Session,
  statement: string,
  values: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<string> {
  const { http, database } = session
  const parameters = Object.entries(values).map(([name, value]) => [`param_${name}`, escaped(value)])
  const query = new URLSearchParams([...Object.entries({ ...settings, database }), ...parameters] as [string, string][])
  const answer = await http.send('POST', `/?${query.toString()}`, statement, {
    type: 'text/plain',
    ...(signal ? { signal } : {}),
  })
  const code = Number(answer.headers['x-clickhouse-exception-code'] ?? 0)
  if (answer.status === 200 && code === 0) return answer.text
  throw new ServerError(code, wordsOfServer(answer.text) || `it answered with HTTP status ${answer.status}`)
}

async function rows<Row>(session: Session, select: string, values: Record<string, string> = {}): Promise<Row[]> {
  const text = await ask(session, `${select} FORMAT JSONEachRow`, values)
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row)
}

/** Values of parameters are read as in TabSeparated. */
const escaped = (value: string) =>
  value.replace(/[\\\t\n]/g, (found) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n' })[found] ?? found)

/** The first line, without what only matters to its makers. */
function wordsOfServer(text: string): string {
  const [line = ''] = text.trim().split('\n')
  return line
    .replace(/(Code: \d+\. )?DB::(Net)?Exception: /g, '')
    .replace(/ \(version [^)]*\)/, '')
    .slice(0, 500)
}

// --- the engine -------------------------------------------------------------------------------------------------------------

function engineOf(session: Session): Engine {
  return {
    extension: 'sql',
    steps: ({ text }) => clickHouseStatements(text).map((statement, index) => stepOf(session, statement, index)),
    losses: clickHouseLosses,
    existing: (files) => existing(session, files),
    differences: (files, signal) => differencesFrom(session, files, signal),
    createLedger: () => createLedger(session),
    readEntries: () => readEntries(session),
    writeEntry: (entry) => writeEntry(session, entry),
    lease: leaseOf(session),
    explain,
    close: () => session.http.close(),
  }
}

function explain(error: unknown): Explained | undefined {
  if (error instanceof ServerError) return { words: error.message, mayPass: among(error, ...passing) }
  return isConnectionError(error) ? { words: wordsOf(error), mayPass: true } : undefined
}

function stepOf(session: Session, { text, line, effect }: Statement, index: number): Step {
  return {
    title: `statement ${index + 1} (line ${line})`,
    text,
    async run(signal) {
      // A statement that ran into a time limit may still have done all; one that did not may have left a mutation that fails.
      const late = await ask(session, session.onCluster ? forCluster(text) : text, {}, signal).then(
        () => undefined,
        onlyLate,
      )
      await settled(session, effect, signal, late)
    },
  }
}

function onlyLate(error: unknown): ServerError {
  if (error instanceof ServerError && among(error, codes.timeout, codes.unfinished)) return error
  throw error
}

/** Waits until all is as it must be after a statement, on every server. */
async function settled(
  session: Session,
  effect: Effect,
  signal: AbortSignal,
  late: ServerError | undefined,
): Promise<void> {
  let missing = ''
  const expired = () => late ?? new Failed('StatementFailed', `it ran, but ${missing}`)
  await retry({ waitMs: session.options.waitMs, signal, expired }, async () => {
    missing = (await leftOver(session, effect)) ?? (await lacking(session, effect)) ?? ''
    return missing === '' ? {} : undefined
  })
}

const everywhere = ({ onCluster }: Session, table: string) =>
  onCluster ? `clusterAllReplicas('{cluster}', ${table})` : table

/** What is left to do of changes of rows. @throws when one of them fails again and again */
async function leftOver(session: Session, effect: Effect): Promise<string | undefined> {
  if (effect.kind === 'table') return undefined
  const { table } = effect
  const [found] = await rows<{ command: string; reason: string }>(
    session,
    `SELECT command, latest_fail_reason AS reason FROM ${everywhere(session, 'system.mutations')}
      WHERE database = {database:String} AND table = {table:String} AND NOT is_done ORDER BY reason DESC LIMIT 1`,
    { database: session.database, table },
  )
  if (found?.reason)
    throw new Failed('StatementFailed', `${table}: ${found.command} fails: ${wordsOfServer(found.reason)}`)
  return found && `${table} is still at ${found.command}`
}

/** What is not as the statement says, on any server. */
async function lacking(session: Session, effect: Effect): Promise<string | undefined> {
  if (effect.kind === 'settled') return undefined
  const { name, exists } = effect
  const isColumn = effect.kind === 'column'
  const [found] = await rows<{ there: number; servers: number }>(
    session,
    `SELECT count() AS there, (SELECT count() FROM ${everywhere(session, 'system.one')}) AS servers
       FROM ${everywhere(session, isColumn ? 'system.columns' : 'system.tables')}
      WHERE database = {database:String} AND name = {name:String} ${isColumn ? 'AND table = {table:String}' : ''}`,
    { database: session.database, name, table: isColumn ? effect.table : '' },
  )
  if (Number(found?.there) === (exists ? Number(found?.servers) : 0)) return undefined
  return `${name} is ${exists ? 'not there' : 'still there'}`
}

// --- an existing schema ------------------------------------------------------------------------------------------------------

/** The files are run in a new database of the same servers, which goes again. */
async function differencesFrom(session: Session, files: MigrationSet, signal: AbortSignal): Promise<string[]> {
  const scratch: Session = { ...session, database: `${session.database}_baseline_${randomBytes(4).toString('hex')}` }
  await ask(session, `CREATE DATABASE ${scratch.database} ${session.onCluster}`)
  try {
    await runAll(engineOf(scratch), files, signal)
    return schemaDifferences(await readTables(scratch), await readTables(session))
  } finally {
    await ask(session, `DROP DATABASE ${scratch.database} ${session.onCluster} SYNC`)
  }
}

async function existing(session: Session, { migrations }: MigrationSet): Promise<string | undefined> {
  const effects = migrations.flatMap(({ text }) => clickHouseStatements(text)).map(({ effect }) => effect)
  const made = new Set(effects.flatMap((effect) => (effect.kind === 'table' && effect.exists ? [effect.name] : [])))
  const found = await rows<{ name: string }>(
    session,
    `SELECT DISTINCT name FROM ${everywhere(session, 'system.tables')} WHERE database = {database:String} ORDER BY name`,
    { database: session.database },
  )
  const first = found.find(({ name }) => made.has(name))
  return first && `table ${first.name}`
}

/** As the server would make each anew, without what is the operator's: for how long rows are kept. */
async function readTables(session: Session): Promise<Map<string, string>> {
  const found = await rows<{ name: string; text: string }>(
    session,
    `SELECT name, create_table_query AS text FROM system.tables
      WHERE database = {database:String} AND NOT startsWith(name, {ledger:String}) AND NOT startsWith(name, '.inner')
        AND name != {notes:String}`,
    { database: session.database, ledger, notes: retentionNotes },
  )
  const made = (text: string) => readTable(text.replaceAll(`${session.database}.`, '')).rest
  return new Map(found.map(({ name, text }) => [`table ${name}`, made(text)]))
}

// --- the ledger -------------------------------------------------------------------------------------------------------------

const ledger = 'schema_migrations'

/** One for all shards: its place in Keeper names none. A row replaces what was written for its version before. */
async function createLedger(session: Session): Promise<void> {
  const engine = session.onCluster
    ? `ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/${ledger}', '{shard}-{replica}', done)`
    : 'ReplacingMergeTree(done)'
  await ask(
    session,
    `CREATE TABLE IF NOT EXISTS ${ledger} ${session.onCluster} (
       version UInt32, name String, checksum String, breaking Bool, done UInt32, digest String,
       started_at DateTime64(3, 'UTC'), applied_at Nullable(DateTime64(3, 'UTC')), execution_ms UInt32
     ) ENGINE = ${engine} ORDER BY version`,
  )
}

async function readEntries(session: Session): Promise<Entry[]> {
  try {
    // What another server was told may still be on its way here.
    if (session.onCluster) await ask(session, `SYSTEM SYNC REPLICA ${ledger}`)
    const found = await rows<Record<keyof Entry, never>>(
      session,
      `SELECT version, name, checksum, breaking, done, digest, toUnixTimestamp64Milli(started_at) AS startedAt,
              toUnixTimestamp64Milli(applied_at) AS appliedAt, execution_ms AS executionMs
         FROM ${ledger} FINAL ORDER BY version`,
    )
    return found.map((row) => ({
      ...row,
      startedAt: new Date(Number(row.startedAt)),
      appliedAt: row.appliedAt === null ? undefined : new Date(Number(row.appliedAt)),
    }))
  } catch (error) {
    if (error instanceof ServerError && error.code === codes.unknownTable) return []
    throw error
  }
}

async function writeEntry(session: Session, { startedAt, appliedAt, executionMs, ...entry }: Entry): Promise<void> {
  const times = { started_at: sqlTime(startedAt), applied_at: appliedAt ? sqlTime(appliedAt) : null }
  const row = JSON.stringify({ ...entry, ...times, execution_ms: executionMs })
  // As good as on every disk that is there: a majority has it.
  const quorum = session.onCluster ? `SETTINGS insert_quorum = 'auto'` : ''
  await ask(session, `INSERT INTO ${ledger} ${quorum} FORMAT JSONEachRow ${row}`)
}

const sqlTime = (date: Date) => date.toISOString().replace('T', ' ').replace('Z', '')

// --- the lease --------------------------------------------------------------------------------------------------------------

const leasePrefix = `${ledger}_lease_`
const leaseName = (version: string) => `${leasePrefix}${version.padStart(10, '0')}`

/**
 * There is no compare-and-set, but a table can be made only once. So each version of the lease is an empty table with the next number,
 * whose comment says who made it, and the highest number counts. On several servers all take these statements in one order.
 */
function leaseOf(session: Session): LeaseStore {
  const highest = async () => {
    const [found] = await rows<{ name: string; mark: string }>(
      session,
      `SELECT name, comment AS mark FROM system.tables
        WHERE database = {database:String} AND startsWith(name, {prefix:String}) ORDER BY name DESC LIMIT 1`,
      { database: session.database, prefix: leasePrefix },
    )
    return found
  }
  return {
    async read() {
      const found = await highest()
      const [holder = ''] = found?.mark.split('\n') ?? []
      return found && { version: String(Number(found.name.slice(leasePrefix.length))), holder }
    },
    async replace(from, holder) {
      const version = String(Number(from ?? 0) + 1)
      const mark = `${holder}\n${randomBytes(8).toString('hex')}`
      const isMade = await makeOnce(session, leaseName(version), mark)
      const isOurs = (await highest())?.mark === mark
      // A number that was used and given up before: the highest is another's.
      if (!isOurs && isMade) await drop(session, leaseName(version))
      if (isOurs && from !== undefined) await drop(session, leaseName(from))
      return isOurs ? version : undefined
    },
  }
}

/** @returns whether it is known that this call made it; one that ran into a time limit may have, too */
async function makeOnce(session: Session, name: string, mark: string): Promise<boolean> {
  try {
    await ask(
      session,
      `CREATE TABLE ${name} ${session.onCluster} (nothing UInt8) ENGINE = Null COMMENT ${quoted(mark)}`,
    )
    return true
  } catch (error) {
    if (error instanceof ServerError && among(error, codes.tableExists, codes.timeout, codes.unfinished)) return false
    throw error
  }
}

const drop = (session: Session, name: string) => ask(session, `DROP TABLE IF EXISTS ${name} ${session.onCluster}`)

const among = ({ code }: ServerError, ...wanted: number[]) => wanted.includes(code)

const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`
