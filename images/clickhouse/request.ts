import { randomBytes, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { isPassword, type Login } from './config.ts'
import { codeOf, sayingOf, set, type Connection } from './engine.ts'
import type { Server } from './server.ts'
import { contentType, isJoinable, parseStatement, quoted, type Statement } from './statement.ts'

/*
 * ClickHouse's HTTP interface: https://clickhouse.com/docs/interfaces/http
 */

/** A statement without rows to insert is at most this long. */
const longestStatement = 16 * 2 ** 20

/** Parameters of the URL that are no settings. */
const reserved = new Set(
  'query query_id database default_format user password quota_key session_id session_timeout session_check wait_end_of_query buffer_size compress decompress stacktrace role client_protocol_version close_session'.split(
    ' ',
  ),
)

export async function answer(server: Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://server')
  const query = url.searchParams.get('query') ?? ''
  if (
    ['/ping', '/replicas_status'].includes(url.pathname) ||
    (request.method === 'GET' && url.pathname === '/' && query === '')
  ) {
    response.end('Ok.\n')
    return
  }
  const tag = randomBytes(8).toString('hex')
  response.setHeader('X-ClickHouse-Exception-Tag', tag)
  response.setHeader('X-ClickHouse-Query-Id', url.searchParams.get('query_id') || randomUUID())
  response.setHeader('X-ClickHouse-Timezone', 'UTC')
  try {
    await execute(server, {
      request,
      response,
      parameters: url.searchParams,
      tag,
      isReadyCheck: url.pathname === '/ready',
    })
  } catch (error) {
    fail(response, error)
  }
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  parameters: URLSearchParams
  tag: string
  isReadyCheck: boolean
}

class Failure extends Error {
  readonly status: number
  constructor(code: number, name: string, text: string, status: number) {
    super(`Code: ${code}. DB::Exception: ${text}. (${name})`)
    this.status = status
  }
}

const statuses: Record<number, number> = {
  46: 404,
  47: 404,
  60: 404,
  81: 404,
  62: 400,
  27: 400,
  6: 400,
  117: 400,
  159: 408,
  202: 503,
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const saying = sayingOf(error)
  const code = codeOf(saying)
  const status = error instanceof Failure ? error.status : (statuses[code] ?? 500)
  response.setHeader('X-ClickHouse-Exception-Code', String(code || 1002))
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8')
  // What is left of the request's body is not read.
  response.setHeader('Connection', 'close')
  response.statusCode = status
  response.end(`${saying}\n`)
}

async function execute(server: Server, exchange: Exchange): Promise<void> {
  const { request, response, parameters } = exchange
  // As the handler of that name in the configuration: a fixed query as the login it names.
  if (exchange.isReadyCheck) {
    const login = server.login('probe')
    if (!login) throw new Failure(192, 'UNKNOWN_USER', 'There is no user probe', 404)
    await server.withConnection(login, '', async (connection) => {
      response.end((await connection.run('SELECT 1')).bytes)
    })
    return
  }
  if (request.method !== 'GET' && request.method !== 'POST') {
    throw new Failure(501, 'UNSUPPORTED_METHOD', `Method ${request.method} is not supported`, 501)
  }
  const login = authenticate(server, exchange)
  const { statement, text, rows } = await read(exchange)
  if (statement.refused) throw new Failure(62, 'SYNTAX_ERROR', statement.refused, 400)
  const use = (connection: Connection) => run(exchange, connection, { statement, text, rows })
  const database = String(request.headers['x-clickhouse-database'] ?? parameters.get('database') ?? '')
  const id = parameters.get('session_id')
  const idleMs = Math.min(Number(parameters.get('session_timeout') ?? 60) || 60, 3_600) * 1_000
  if (id === null) await server.withConnection(login, database, use)
  else
    await server.withSession(login, { id, idleMs, mustExist: parameters.get('session_check') === '1' }, database, use)
  if (isReload(statement)) await reload(server, response)
}

function authenticate(server: Server, { request, parameters }: Exchange): Login {
  const [, encoded] = /^Basic (.+)$/i.exec(request.headers.authorization ?? '') ?? []
  const [basicName, ...basicPassword] = Buffer.from(encoded ?? '', 'base64')
    .toString('utf8')
    .split(':')
  const header = (name: string) => request.headers[name] as string | undefined
  const name = header('x-clickhouse-user') ?? (basicName || parameters.get('user') || 'default')
  const password =
    header('x-clickhouse-key') ?? (encoded ? basicPassword.join(':') : (parameters.get('password') ?? ''))
  const login = server.login(name)
  if (login && isPassword(login, password)) return login
  const text = `${name}: Authentication failed: password is incorrect, or there is no user with such name`
  throw new Failure(516, 'AUTHENTICATION_FAILED', text, 403)
}

interface Incoming {
  statement: Statement
  text: string
  /** Of an INSERT: what is to be inserted. */
  rows: AsyncIterable<Buffer>
}

/** The statement is the parameter `query` and after it the body. Of an INSERT the rest of the body is rows, however long. */
async function read({ request, parameters }: Exchange): Promise<Incoming> {
  const query = parameters.get('query') ?? ''
  const body = decoded(request)
  const inUrl = parseStatement(query)
  if (inUrl.kind === 'data') return { statement: inUrl, text: query, rows: joined(query.slice(inUrl.dataAt), body) }

  const chunks: Buffer[] = query === '' ? [] : [Buffer.from(`${query}\n`)]
  let size = 0
  for (;;) {
    const { done, value } = (await body.next()) as IteratorResult<Buffer, undefined>
    if (!done) {
      chunks.push(value)
      size += value.length
    }
    // A first look at what an INSERT begins with; anything else is needed whole.
    if (!done && size < 2 ** 16) continue
    const text = Buffer.concat(chunks).toString('utf8')
    const statement = parseStatement(text)
    if (statement.kind === 'data') {
      const start = Buffer.byteLength(text.slice(0, statement.dataAt))
      const rest = Buffer.concat(chunks).subarray(start)
      const [blank = ''] = /^[ \t]*\r?\n?/.exec(rest.subarray(0, 64).toString('latin1')) ?? []
      return { statement, text, rows: joined(rest.subarray(blank.length), body) }
    }
    if (done) return { statement, text, rows: joined('', body) }
    if (size > longestStatement) throw new Failure(62, 'SYNTAX_ERROR', 'Max query size exceeded', 400)
  }
}

async function* decoded(request: IncomingMessage): AsyncGenerator<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new Failure(432, 'UNKNOWN_COMPRESSION_METHOD', `Unknown compression method: ${encoding}`, 400)
  const unzip = encoding === 'gzip' ? createGunzip() : undefined
  // What breaks the request breaks what is made of it, and is thrown below.
  if (unzip) pipeline(request, unzip).catch(() => undefined)
  const stream = unzip ?? request
  for await (const chunk of stream) yield chunk as Buffer
}

async function* joined(first: string | Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield Buffer.from(first)
  yield* rest
}

async function run(exchange: Exchange, connection: Connection, incoming: Incoming): Promise<void> {
  const inSession = exchange.parameters.has('session_id')
  const settings = settingsOf(exchange)
  try {
    await set(connection, [...settings, ...[...exchange.parameters].filter(([name]) => name.startsWith('param_'))])
    await perform(exchange, connection, incoming)
  } catch (error) {
    // What a failed statement had put out already would come with the next answer.
    if (inSession) await connection.run('SELECT 1', 'Null').catch(() => undefined)
    throw error
  } finally {
    if (inSession && settings.length > 0) {
      await connection.run(`SET ${settings.map(([name]) => `${name} = DEFAULT`).join(', ')}`).catch(() => undefined)
    }
  }
}

function settingsOf({ request, parameters }: Exchange): [string, string][] {
  const given = [...parameters].filter(([name]) => !reserved.has(name) && !name.startsWith('param_'))
  return request.method === 'GET' && !parameters.has('readonly') ? [...given, ['readonly', '2']] : given
}

async function perform(exchange: Exchange, connection: Connection, incoming: Incoming): Promise<void> {
  const { statement, text } = incoming
  if (statement.kind === 'data') return insert(exchange, connection, incoming)
  if (isReload(statement)) return assertGranted(connection, statement.verb)
  const { request, parameters } = exchange
  const given = request.headers['x-clickhouse-format'] ?? parameters.get('default_format') ?? 'TabSeparated'
  const format = statement.format ?? String(given)
  const whole = parameters.get('wait_end_of_query') === '1' || statement.kind !== 'rows' || !isJoinable(format)
  if (!whole && (await streamed(exchange, connection, text, format))) return
  const { bytes, rowsRead, bytesRead } = await connection.run(text, format)
  head(exchange, format, { read_rows: rowsRead, read_bytes: bytesRead, result_bytes: bytes.length })
  await send(exchange, single(bytes))
}

/** False: the engine has no blocks for this kind of statement. */
async function streamed(exchange: Exchange, connection: Connection, text: string, format: string): Promise<boolean> {
  const blocks = connection.stream(text, format)
  let first: IteratorResult<Buffer, unknown>
  try {
    first = await blocks.next()
  } catch (error) {
    if (sayingOf(error).includes('Streaming query is not supported')) return false
    throw error
  }
  head(exchange, format, {})
  await send(exchange, following(first, blocks, exchange.tag))
  return true
}

/** Once an answer has begun an error can only be part of it, in the form that clients look for. */
async function* following(
  first: IteratorResult<Buffer, unknown>,
  blocks: AsyncGenerator<Buffer>,
  tag: string,
): AsyncGenerator<Buffer> {
  try {
    if (first.done) return
    yield first.value
    yield* blocks
  } catch (error) {
    const text = `${sayingOf(error)}\n`
    yield Buffer.from(`\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`)
  } finally {
    await blocks.return(undefined)
  }
}

async function* single(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes
}

/** The rows go by way of a file: any format, any size, in bounded memory, and nothing in them can be taken for SQL. */
async function insert(exchange: Exchange, connection: Connection, { statement, rows }: Incoming): Promise<void> {
  const file = join(tmpdir(), `insert-${randomUUID()}.rows`)
  try {
    await pipeline(rows, createWriteStream(file))
    const { rowsWritten, bytesWritten } = await connection.insert(
      statement.around.join(` FROM INFILE ${quoted(file)} `),
    )
    head(exchange, 'TabSeparated', { written_rows: rowsWritten, written_bytes: bytesWritten })
    exchange.response.end()
  } catch (error) {
    throw new Error(sayingOf(error).replaceAll(`(in file/uri ${file})`, '(in the rows to insert)'), { cause: error })
  } finally {
    await rm(file, { force: true })
  }
}

function head({ response }: Exchange, format: string, counts: Record<string, number>): void {
  const all = {
    read_rows: 0,
    read_bytes: 0,
    written_rows: 0,
    written_bytes: 0,
    total_rows_to_read: 0,
    result_rows: 0,
    result_bytes: 0,
    ...counts,
  }
  const summary = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, String(value)]))
  response.setHeader('X-ClickHouse-Summary', JSON.stringify(summary))
  response.setHeader('X-ClickHouse-Format', format)
  response.setHeader('Content-Type', contentType(format))
}

/** Ends early, and with it the query, when the client goes. */
async function send({ request, response, parameters }: Exchange, body: AsyncIterable<Buffer>): Promise<void> {
  const accepts = String(request.headers['accept-encoding'] ?? '').includes('gzip')
  const zips = accepts && parameters.get('enable_http_compression') === '1'
  if (zips) response.setHeader('Content-Encoding', 'gzip')
  const source = Readable.from(body, { objectMode: false })
  await (zips ? pipeline(source, createGzip({ level: 1 }), response) : pipeline(source, response))
}

/** The engine knows no such statement. It is carried out when the connection is closed: it is the engine that is opened anew. */
const isReload = ({ verb }: Statement) => verb === 'SYSTEM RELOAD CONFIG' || verb === 'SYSTEM RELOAD USERS'

async function assertGranted(connection: Connection, right: string): Promise<void> {
  const { bytes } = await connection.run(`CHECK GRANT ${right} ON *.*`)
  if (bytes.toString().trim() !== '1') {
    throw new Failure(
      497,
      'ACCESS_DENIED',
      `Not enough privileges: it's necessary to have the grant ${right} ON *.*`,
      500,
    )
  }
}

async function reload(server: Server, response: ServerResponse): Promise<void> {
  if (!(await server.reload())) {
    throw new Failure(1000, 'POCO_EXCEPTION', 'The configuration could not be taken over: see the log', 500)
  }
  response.end()
}
