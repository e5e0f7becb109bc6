import { request } from 'node:https'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Target } from '../engine.ts'

/** A statement that the server refused. */
export class ServerError extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export interface Answer {
  text: string
  /** Fingerprint (sha256) of the certificate that the server showed. */
  certificate: string
}

const longestAnswer = 2 ** 20

/**
 * One statement over HTTPS, verified, on a connection of its own. Answers in TabSeparated.
 * @param settings  of the server, for this statement
 * @throws ServerError, with the server's own words, when it refuses; other errors when there is no such answer
 */
export function ask(
  target: Target,
  statement: string,
  signal: AbortSignal,
  settings: Record<string, string> = {},
): Promise<Answer> {
  const { host, port, ca, username, password, database, serverName = host } = target
  // A name in TLS is never an address.
  const named = isIP(serverName) ? {} : { servername: serverName }
  const headers = {
    Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    ...(database ? { 'X-ClickHouse-Database': database } : {}),
  }
  const path = `/?${new URLSearchParams(settings).toString()}`
  return new Promise((resolve, reject) => {
    const sent = request(
      { host, port, ca, ...named, headers, signal, method: 'POST', path, agent: false },
      (response) => {
        const certificate = (response.socket as TLSSocket).getPeerCertificate().fingerprint256
        const chunks: Buffer[] = []
        let length = 0
        response.on('error', reject)
        response.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > longestAnswer) sent.destroy(new Error('the answer is too long'))
          else chunks.push(chunk)
        })
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          const code = Number(response.headers['x-clickhouse-exception-code'] ?? 0)
          if (response.statusCode === 200 && code === 0) resolve({ text, certificate })
          else reject(new ServerError(code, wordsOf(text) || `it answered with HTTP status ${response.statusCode}`))
        })
      },
    )
    sent.on('error', reject)
    sent.end(statement)
  })
}

/** The first line, without what only matters to its makers. */
function wordsOf(text: string): string {
  const [line = ''] = text.trim().split('\n')
  return line.replace(/DB::(Net)?Exception: /, '').replace(/ \(version .*$/, '').slice(0, 500) // prettier-ignore
}
