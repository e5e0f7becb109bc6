import { randomBytes } from 'node:crypto'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Target } from '../engine.ts'

/*
 * As much of NATS' protocol as the operator needs: log in, ask a question, read the answer. The official client does not tell which
 * certificate a server shows, and must be told beforehand whether the server greets before the handshake.
 */

/** What the server says of itself first. */
export interface ServerInfo {
  server_id: string
  version: string
  jetstream?: boolean
  tls_required?: boolean
  tls_available?: boolean
}

export interface Connection {
  info: ServerInfo
  /** Fingerprint (sha256) of the certificate the server showed. */
  certificate: string
  /** @returns the answer; undefined when nobody is there to give one, or this login may not ask */
  request: (subject: string, question?: object) => Promise<unknown>
  /** Whether this login may publish there. Nothing is stored: the message names a stream that nobody has as the only one to take it. */
  mayPublish: (subject: string) => Promise<boolean>
}

/** The server refused with these words. */
export class NatsError extends Error {
  override name = 'NatsError'
}

/**
 * Runs `work` on one connection, TLS verified for host and CA, and closes it.
 * @param signal  ends the connection at any point
 * @throws        NatsError, a socket's error, what `work` threw, or the signal's reason once it is aborted
 */
export async function withConnection<T>(
  target: Target,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const open = new Set<Socket>()
  const close = () => open.forEach((socket) => socket.destroy())
  signal.addEventListener('abort', close)
  try {
    const { socket, greeting } = await secured(target, (opened) => {
      // A failure is reported to whoever waits, see `happened`; one that nobody waits for ends nothing else.
      opened.on('error', () => undefined)
      open.add(opened)
    })
    return await work(await login(target, socket, greeting))
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}

interface Secured {
  socket: TLSSocket
  /** Where the server greets before the handshake: what it said. */
  greeting?: ServerInfo
}

/** The handshake comes first, as our own servers want it. A server of somebody else's may greet first, and then ask for it. */
async function secured(target: Target, opened: (socket: Socket) => void): Promise<Secured> {
  const options = tlsOptions(target)
  const socket = connectTls({ ...options, port: target.port })
  opened(socket)
  try {
    await happened(socket, 'secureConnect')
    return { socket }
  } catch (error) {
    if (!isGreeting(error)) throw error
  }
  const plain = connectPlain({ host: target.host, port: target.port })
  opened(plain)
  const greeting = await greetingOf(plain)
  if (!greeting.tls_required && !greeting.tls_available) throw new NatsError('the server offers no TLS')
  const upgraded = connectTls({ socket: plain, ...options })
  opened(upgraded)
  await happened(upgraded, 'secureConnect')
  return { socket: upgraded, greeting }
}

/** Without a name to send, the certificate is verified for `host`. */
const tlsOptions = ({ host, serverName = host, ca }: Target) => ({
  ca,
  host,
  ...(isIP(serverName) ? {} : { servername: serverName }),
})

/** OpenSSL's word for text where it expects a handshake. */
const isGreeting = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ERR_SSL_WRONG_VERSION_NUMBER'

async function greetingOf(socket: Socket): Promise<ServerInfo> {
  const first = await happened(socket, 'data')
  const [, text] = /^INFO (.*?)\s*\r\n$/.exec(String(first)) ?? []
  if (text === undefined) throw new NatsError('what answers is not NATS')
  return JSON.parse(text) as ServerInfo
}

/** A socket that is destroyed for lack of time only closes. */
function happened(socket: Socket, event: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server closed the connection')))
  })
}

async function login(target: Target, socket: TLSSocket, greeting: ServerInfo | undefined): Promise<Connection> {
  const session = new Session(socket)
  const info = greeting ?? (await session.info)
  const { username, password } = target
  const inbox = `_INBOX.${randomBytes(12).toString('hex')}`
  session.send(
    `CONNECT ${JSON.stringify({
      user: username,
      pass: password,
      name: 'supersmartmatch-operator',
      lang: 'node',
      version: '1',
      protocol: 1,
      verbose: false,
      pedantic: false,
      headers: true,
      no_responders: true,
    })}`,
    'PING',
  )
  await session.pong
  session.send(`SUB ${inbox}.* 1`)
  return {
    info,
    certificate: socket.getPeerX509Certificate()?.fingerprint256 ?? '',
    async request(subject, question) {
      const answer = await session.request(inbox, subject, question)
      return answer === nobody || answer === refused ? undefined : answer
    },
    async mayPublish(subject) {
      const headers = `NATS/1.0\r\nNats-Expected-Stream: none_${randomBytes(8).toString('hex')}\r\n\r\n`
      return (await session.request(inbox, subject, undefined, headers)) !== refused
    },
  }
}

/** In place of an answer: nobody is there to give one, or this login may not ask. */
const nobody = Symbol('nobody')
const refused = Symbol('refused')

const lineEnd = Buffer.from('\r\n')

/** Reads what comes, in order; fails everything that is waited for when the server says it refuses, or the connection ends. */
class Session {
  readonly info: Promise<ServerInfo>
  readonly pong: Promise<void>
  readonly #info = Promise.withResolvers<ServerInfo>()
  readonly #pong = Promise.withResolvers<void>()
  readonly #answers = new Map<string, PromiseWithResolvers<unknown>>()
  readonly #socket: Socket
  #buffer = Buffer.alloc(0)
  #asked = 0

  constructor(socket: Socket) {
    this.#socket = socket
    this.info = this.#info.promise
    this.pong = this.#pong.promise
    // Whoever waits hears of it; the other promises have no reader.
    for (const promise of [this.info, this.pong]) promise.catch(() => undefined)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  send(...lines: string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(''))
  }

  /** @returns the answer, `nobody` or `refused` */
  request(inbox: string, subject: string, question: object = {}, headers = ''): Promise<unknown> {
    const reply = `${inbox}.${this.#asked++}`
    const answer = Promise.withResolvers<unknown>()
    this.#answers.set(reply, answer)
    const message = headers + JSON.stringify(question)
    const bytes = Buffer.byteLength(message)
    const sizes = headers === '' ? `${bytes}` : `${Buffer.byteLength(headers)} ${bytes}`
    this.send(`${headers === '' ? 'PUB' : 'HPUB'} ${subject} ${reply} ${sizes}`, message)
    return answer.promise
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    try {
      while (this.#readOne()) continue
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  /** @returns whether a whole message was there */
  #readOne(): boolean {
    const end = this.#buffer.indexOf(lineEnd)
    if (end < 0) return false
    const line = this.#buffer.toString('utf8', 0, end)
    const [verb = '', ...words] = line.split(' ')
    const body = /^H?MSG$/i.test(verb) ? Number(words.at(-1)) : undefined
    const next = end + 2 + (body === undefined ? 0 : body + 2)
    if (this.#buffer.length < next) return false
    const content = this.#buffer.subarray(end + 2, next)
    this.#buffer = this.#buffer.subarray(next)
    this.#take(verb.toUpperCase(), line.slice(verb.length + 1), content)
    return true
  }

  #take(verb: string, rest: string, content: Buffer): void {
    switch (verb) {
      case 'INFO':
        return this.#info.resolve(JSON.parse(rest) as ServerInfo)
      case 'PING':
        return this.send('PONG')
      case 'PONG':
        return this.#pong.resolve()
      case 'MSG':
      case 'HMSG':
        return this.#answer(rest.split(' '), content, verb === 'HMSG')
      case '-ERR':
        return this.#refused(rest.trim().replace(/^'(.*)'$/, '$1'))
    }
  }

  /** `subject sid [reply] [bytes of headers] bytes` */
  #answer(words: string[], content: Buffer, hasHeaders: boolean): void {
    const [subject = ''] = words
    const answer = this.#answers.get(subject)
    this.#answers.delete(subject)
    const headers = hasHeaders ? Number(words.at(-2)) : 0
    const isNobody = hasHeaders && content.toString('utf8', 0, headers).startsWith('NATS/1.0 503')
    answer?.resolve(isNobody ? nobody : JSON.parse(content.toString('utf8', headers)))
  }

  /** A question that is not allowed has no answer; everything else ends the connection. */
  #refused(message: string): void {
    if (!/^Permissions Violation/i.test(message)) return this.#fail(new NatsError(message))
    for (const { resolve } of this.#answers.values()) resolve(refused)
    this.#answers.clear()
  }

  #fail(error: Error): void {
    this.#info.reject(error)
    this.#pong.reject(error)
    for (const { reject } of this.#answers.values()) reject(error)
    this.#answers.clear()
  }
}
