import { checkServerIdentity, connect, type TLSSocket } from 'node:tls'
import type { Target } from '../engine.ts'
import { Incomplete, readReply, type Reply } from './reply.ts'

/*
 * Redis' own protocol over TLS, as far as the operator speaks it: a login, then commands and their answers, in order.
 */

export interface Connection {
  /** Commands sent without waiting travel together. @throws RedisError when the server answers with an error */
  send: (...words: (string | Buffer)[]) => Promise<Reply>
  /** As the server tells it at the login. */
  version: string
  mode: string
  /** sha256 fingerprint of the certificate the server showed, as node:crypto's X509Certificate prints it. */
  certificate: string
  close: () => void
}

/** Runs `work` on one connection and closes it. @throws as `login`, and what `work` threw */
export async function withConnection<T>(
  target: Target,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await login(target, signal)
  try {
    return await work(connection)
  } finally {
    connection.close()
  }
}

/**
 * A connection, TLS verified for host and CA, with a login.
 * @param signal      ends the connection at any point, and with it what waits for an answer
 * @param patienceMs  for the answer to the login
 * @throws            RedisError, what the socket threw, or the signal's reason once it is aborted
 */
export async function login(target: Target, signal: AbortSignal, patienceMs?: number): Promise<Connection> {
  signal.throwIfAborted()
  const socket = open(target)
  const impatience = patienceMs && setTimeout(() => void socket.destroy(new Error('no answer in time')), patienceMs)
  const waiting = answers(socket)
  const abort = () => void socket.destroy(signal.reason as Error)
  signal.addEventListener('abort', abort)
  const close = () => {
    signal.removeEventListener('abort', abort)
    socket.destroy()
  }
  const send = (...words: (string | Buffer)[]) => {
    const answer = waiting.next()
    socket.write(encode(words))
    return answer
  }
  try {
    // Logins without a name are those of `default`.
    const hello = pairs(await send('HELLO', '2', 'AUTH', target.username || 'default', target.password))
    const certificate = socket.getPeerCertificate().fingerprint256
    return { send, version: hello['version'] ?? '', mode: hello['mode'] ?? '', certificate, close }
  } catch (error) {
    close()
    throw error
  } finally {
    clearTimeout(impatience)
  }
}

/** Node takes the name to verify from SNI, which cannot carry an IP address: so verify it here. */
function open({ host, port, ca, serverName = host }: Target): TLSSocket {
  return connect({
    host,
    port,
    ca,
    minVersion: 'TLSv1.2',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
  })
}

/** Hands each answer to whoever asked for it; whoever still waits when the connection ends learns why it did. */
function answers(socket: TLSSocket) {
  const waiting: PromiseWithResolvers<Reply>[] = []
  let rest: Buffer = Buffer.alloc(0)
  let failure: Error | undefined
  const fail = (error: Error) => {
    failure ??= error
    for (const { reject } of waiting.splice(0)) reject(failure)
  }
  socket.setNoDelay()
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the connection was closed')))
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    try {
      while (rest.length > 0) {
        const { reply, end } = readReply(rest, 0)
        rest = rest.subarray(end)
        const asked = waiting.shift()
        if (reply instanceof Error) asked?.reject(reply)
        else asked?.resolve(reply)
      }
    } catch (error) {
      if (!(error instanceof Incomplete)) socket.destroy(error as Error)
    }
  })
  return {
    next(): Promise<Reply> {
      const asked = Promise.withResolvers<Reply>()
      // Several are sent at once and awaited one after the other: a failure of the second must not go unheard meanwhile.
      asked.promise.catch(() => undefined)
      if (failure) asked.reject(failure)
      else waiting.push(asked)
      return asked.promise
    },
  }
}

function encode(words: (string | Buffer)[]): Buffer {
  const parts = words.map((word) => {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(word, 'utf8')
    return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')])
  })
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts])
}

/** An answer that lists names and values in turn. */
export function pairs(reply: Reply): Partial<Record<string, string>> {
  const list = Array.isArray(reply) ? reply : []
  const entries = list.flatMap((name, index) => (index % 2 === 0 ? [[String(name), String(list[index + 1])]] : []))
  return Object.fromEntries(entries) as Record<string, string>
}
