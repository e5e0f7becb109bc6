import { X509Certificate } from 'node:crypto'
import { withConnection, type Address, type Connection } from '../../postgres-connection.ts'
import { adminUser, quoteName, versionSetting, type Effective } from './compile.ts'

/** The admin console of one pooler pod. */
export interface Console {
  /** IP address of the pod. */
  host: string
  /** Name in the pooler's certificate. */
  servername: string
  port: number
  /** Password of the admin user. */
  password: string
  /** PEM of the CA. */
  ca: string
  /** PEM of the certificate that the pod should show; not compared when absent. */
  certificate?: string
}

/**
 * Brings a running pod to `effective`: RESUMEs and RELOADs it when it differs, never when it does not.
 * @returns  undefined: in sync. Else what still differs, in a sentence: the kubelet refreshes mounted files only after a while,
 *           so the caller asks again.
 */
export async function synchronize(
  pod: Console,
  effective: Effective,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    if (!(await difference(pod, effective, signal))) return undefined
    await withConsole(pod, signal, async (connection) => {
      await resume(connection, [])
      await connection.query('RELOAD')
    })
    return await difference(pod, effective, signal)
  } catch (error) {
    return `admin console: ${messageOf(error)}`
  }
}

/**
 * PAUSEs databases: their transactions end, new ones wait, and no connection to the server is left.
 * @returns  undefined: they are paused. Else why not all are, in a sentence: resume them then
 */
export async function pause(pod: Console, databases: string[], signal: AbortSignal): Promise<string | undefined> {
  try {
    await withConsole(pod, signal, async (connection) => {
      // PgBouncer would go on filling pools up, close what it opened, take that for a failed login and tell the next client so.
      await connection.query('SET min_pool_size = 0')
      // Each is answered once the last transaction has ended.
      for (const database of databases) await connection.query(`PAUSE ${quoteName(database)}`)
    })
    return undefined
  } catch (error) {
    return signal.aborted ? 'a transaction did not end in time' : `admin console: ${messageOf(error)}`
  }
}

/**
 * RESUMEs every database that is paused and not in `keep`. If there was one, the settings are again those of the file, and
 * connections of `reconnect` are made anew as they are released. @returns  undefined: done. Else what went wrong, in a sentence
 */
export async function resumeOthers(
  pod: Console,
  keep: string[],
  reconnect: string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await withConsole(pod, signal, async (connection) => {
      const resumed = await resume(connection, keep)
      if (resumed.length === 0) return
      await connection.query('RELOAD')
      for (const database of reconnect) await connection.query(`RECONNECT ${quoteName(database)}`)
    })
    return undefined
  } catch (error) {
    return `admin console: ${messageOf(error)}`
  }
}

async function resume(connection: Connection, keep: string[]): Promise<string[]> {
  const paused = [...(await show(connection, 'SHOW DATABASES', 'name'))].filter(([, row]) => row['paused'] === 1)
  const others = paused.map(([name]) => name).filter((name) => !keep.includes(name))
  for (const database of others) await connection.query(`RESUME ${quoteName(database)}`)
  return others
}

/** Whether a client gets an answer through the pooler: undefined, or why not. Never throws. */
export async function answers(target: Address, signal: AbortSignal): Promise<string | undefined> {
  try {
    await withConnection(target, signal, (connection) => connection.query('SELECT 1'))
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

async function difference(pod: Console, effective: Effective, signal: AbortSignal): Promise<string | undefined> {
  return withConsole(pod, signal, async (connection) => {
    const config = await show(connection, 'SHOW CONFIG', 'key')
    const databases = await show(connection, 'SHOW DATABASES', 'name')
    const users = await show(connection, 'SHOW USERS', 'name')
    return (
      certificateDifference(pod, connection) ??
      configDifference(config, effective.config) ??
      databaseDifference(databases, effective.databases) ??
      lineDifference('login', users, effective.users) ??
      versionDifference(config, effective.version)
    )
  })
}

type Rows = Map<string, Record<string, string | number | null>>

/** Rows of one SHOW command by their first column. The console knows the simple protocol only: a query without values. */
async function show(connection: Connection, command: string, key: string): Promise<Rows> {
  const rows = await connection.query<Record<string, string | number | null>>(command)
  return new Map(rows.map((row) => [String(row[key]), row]))
}

function certificateDifference(pod: Console, connection: Connection): string | undefined {
  if (!pod.certificate || new X509Certificate(pod.certificate).fingerprint256 === connection.certificate)
    return undefined
  return 'still shows its previous certificate'
}

function configDifference(actual: Rows, wanted: Effective['config']): string | undefined {
  for (const [name, value] of Object.entries(wanted)) {
    const found = String(actual.get(name)?.['value'] ?? '')
    if (!same(found, value)) return `${name} is "${found}", not "${value}"`
  }
  return undefined
}

function databaseDifference(actual: Rows, wanted: Effective['databases']): string | undefined {
  const extra = [...actual.keys()].find((name) => name !== 'pgbouncer' && !Object.hasOwn(wanted, name))
  return extra ? `database ${extra} is still there` : lineDifference('database', actual, wanted)
}

function lineDifference(of: 'database' | 'login', actual: Rows, wanted: Effective['databases']): string | undefined {
  for (const [name, columns] of Object.entries(wanted)) {
    const row = actual.get(name)
    if (!row) return `${of} ${name} is missing`
    for (const [column, value] of Object.entries(columns)) {
      const found = String(row[column] ?? '').trim()
      if (!same(found, value)) return `${column} of ${of} ${name} is ${found || 'not set'}, not ${value || 'unset'}`
    }
  }
  return undefined
}

/** Some settings are in no SHOW command. */
function versionDifference(actual: Rows, wanted: string): string | undefined {
  return actual.get(versionSetting)?.['value'] === wanted ? undefined : 'still runs an earlier pgbouncer.ini'
}

/** Numbers come back in another form: 5.0 as 5, 1234567 seconds as 1.23457e+06. */
function same(actual: string, wanted: string): boolean {
  if (actual === wanted) return true
  return actual !== '' && wanted !== '' && Number(actual) === Number(wanted)
}

function withConsole<T>(pod: Console, signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
  const { host, port, password, ca, servername: serverName } = pod
  return withConnection(
    { host, port, password, ca, serverName, username: adminUser, database: 'pgbouncer' },
    signal,
    work,
  )
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time'
  return error.message || ('code' in error ? String(error.code) : error.name)
}
