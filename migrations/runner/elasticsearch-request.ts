import type { Http } from './http.ts'

export interface Session {
  http: Http
  /** How the names of the store's indices begin. */
  prefix: string
  log: (line: string) => void
}

export class ServerError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** @throws ServerError, with the server's words, when it refuses */
export async function ask<Answer>(
  session: Session,
  method: string,
  path: string,
  body?: object,
  signal?: AbortSignal,
): Promise<Answer> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const answer = await session.http.send(method, path, text, signal ? { signal } : {})
  if (answer.status < 300) return JSON.parse(answer.text) as Answer
  throw new ServerError(answer.status, wordsOfServer(answer.text) || `it answered with HTTP status ${answer.status}`)
}

/** Undefined when it is not there. */
export async function find<Answer>(session: Session, path: string): Promise<Answer | undefined> {
  try {
    return await ask<Answer>(session, 'GET', path)
  } catch (error) {
    if (error instanceof ServerError && error.status === 404) return undefined
    throw error
  }
}

interface Cause {
  reason?: string
  caused_by?: Cause
}

/** The reason, and what lies at its root. */
function wordsOfServer(text: string): string {
  let error: Cause | string | undefined
  try {
    error = (JSON.parse(text) as { error?: Cause | string }).error
  } catch {
    return '' // a proxy's page, say; the status tells
  }
  if (typeof error === 'string') return error
  const reasons: string[] = []
  for (let cause = error; cause; cause = cause.caused_by) if (cause.reason) reasons.push(cause.reason)
  return [...new Set(reasons)].join(': ').replace(/\s+/g, ' ').slice(0, 500)
}
