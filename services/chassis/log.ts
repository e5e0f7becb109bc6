import { DatabaseError } from 'pg'
import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'

/**
 * JSON lines on stdout, written asynchronously. No personal data: no addresses, query strings, bodies or user ids,
 * and no text of a database error, which may repeat values of a row.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: serializeError },
  }
  return pino(options, destination ?? pino.destination({ dest: 1, sync: false }))
}

interface LoggedError {
  type: string
  message?: string
  code?: string
  stack?: string
  cause?: LoggedError
  constraint?: string
  table?: string
}

/** An error's own words are logged, except a database's: its class, SQLSTATE and the names in it say enough. */
export function serializeError(error: unknown): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause = error.cause === undefined ? {} : { cause: serializeError(error.cause) }
  if (error instanceof DatabaseError) {
    const { constraint, table } = error
    const frames =
      error.stack
        ?.split('\n')
        .filter((line) => line.startsWith('    at '))
        .join('\n') ?? ''
    return {
      type: 'DatabaseError',
      ...code,
      ...(constraint ? { constraint } : {}),
      ...(table ? { table } : {}),
      stack: frames,
      ...cause,
    }
  }
  return { type: error.name, message: error.message, ...code, ...(error.stack ? { stack: error.stack } : {}), ...cause }
}
