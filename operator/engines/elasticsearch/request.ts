import { request as httpsRequest } from 'node:https'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { Target } from '../engine.ts'

export interface Answer {
  status: number
  /** Parsed JSON; undefined when it was none. */
  body: unknown
}

/** Longer answers are not ours to read. */
const longest = 4 * 2 ** 20

/**
 * One request, TLS verified for host and CA.
 * @throws when there is no answer, the signal's reason once it is aborted; an answer that refuses is an answer
 */
export function ask(target: Target, method: string, path: string, signal: AbortSignal, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { host, port, ca, username, password } = target
    const serverName = target.serverName ?? host
    const text = body === undefined ? '' : JSON.stringify(body)
    const options = {
      host,
      port,
      method,
      path,
      ca,
      signal,
      agent: false as const,
      auth: `${username}:${password}`,
      minVersion: 'TLSv1.2' as const,
      headers: text ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {},
      checkServerIdentity: (_host: string, peer: PeerCertificate) => checkServerIdentity(serverName, peer),
    }
    const fail = (error: unknown) => reject((signal.aborted ? signal.reason : error) as Error)
    const outgoing = httpsRequest(options, (response) => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > longest) outgoing.destroy(new Error('the answer is too long'))
        else chunks.push(chunk)
      })
      response.on('error', fail)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString('utf8')) })
      })
    })
    outgoing.on('error', fail)
    outgoing.end(text)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a proxy's page, say; the status tells
  }
}

/** What the server says is wrong, in its words. */
export function reasonOf({ status, body }: Answer): string {
  const error = (body as { error?: { reason?: string; root_cause?: { reason?: string }[] } | string } | undefined)
    ?.error
  const reason = typeof error === 'string' ? error : (error?.root_cause?.[0]?.reason ?? error?.reason)
  return reason ? `${reason} (${status})` : `HTTP status ${status}`
}
