import { Agent, request } from 'undici'
import type { Endpoint } from './connection.ts'
import { Failed } from './errors.ts'
import type { Options } from './dialect.ts'
import { retry } from './wait.ts'

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** HTTP to one server, TLS verified where there is any. */
export interface Http {
  send(method: string, path: string, body?: string, more?: { signal?: AbortSignal; type?: string }): Promise<Answer>
  close(): Promise<void>
}

/** @throws any error of the connection; an answer that refuses is an answer */
export function newHttp({ host, port, username, password, ca, tls }: Endpoint): Http {
  const agent = new Agent({
    connect: { ...(ca === undefined ? {} : { ca }), timeout: 5_000 },
    // A statement may take as long as it takes; that the server is there, keep-alive of the socket tells.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const origin = `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
  return {
    async send(method, path, body, { signal, type = 'application/json' } = {}) {
      const headers = { authorization, ...(body === undefined ? {} : { 'content-type': type }) }
      const options = { method, headers, body: body ?? null, dispatcher: agent, ...(signal ? { signal } : {}) }
      const answer = await request(`${origin}${path}`, options)
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
    },
    close: () => agent.destroy(),
  }
}

/**
 * Asks until there is an answer that counts.
 * @param look  returns why it is too early; undefined: the server is there. @throws what waiting cannot help
 */
export async function untilThere(options: Options, look: () => Promise<string | undefined>): Promise<void> {
  let last = ''
  const expired = () =>
    new Failed('Unavailable', `no connection to the database within ${options.waitMs / 1000} s: ${last}`)
  await retry({ ...options, expired }, async () => {
    const reason = await look().catch((error: unknown) => {
      if (error instanceof Failed) throw error
      return wordsOf(error)
    })
    if (reason === undefined) return {}
    if (last === '') options.log(`waiting for the database: ${reason}`)
    last = reason
    return undefined
  })
}

/** Whether an error is one of the connection. */
export function isConnectionError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(UND_ERR_|E[A-Z]+$)/.test(code)
}

export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const message = error instanceof AggregateError ? error.errors.map(wordsOf).join('; ') : error.message
  return message.replace(/\s+/g, ' ')
}
