import { pino, type DestinationStream, type Logger } from 'pino'
import { messageOf, redact } from '../reconcile/errors.ts'

export type { Logger }

/** Fields whose values never reach a log, at the top and one level down. A private key is `privateKey`; `key` names an object. */
const secretFields = ['password', 'token', 'authorization', 'data', 'stringData', 'passwords', 'uri', 'privateKey']
const redacted = { paths: [...secretFields, ...secretFields.map((field) => `*.${field}`)], censor: '[redacted]' }

/**
 * JSON lines on standard output. A message is a constant sentence; what varies goes into fields.
 * @param level  a pino level: trace, debug, info, warn, error, fatal or silent
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    redact: redacted,
    serializers: { err: describeError },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: levelName },
  }
  return destination ? pino(options, destination) : pino(options)
}

function levelName(label: string) {
  return { level: label }
}

/** Nothing else of an error: drivers put rows into `detail` and `where`. The frames stand without the message before them. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: messageOf(error) }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const { code } = error as NodeJS.ErrnoException
  return { type: error.name, code, message: messageOf(error), stack: frames.map(redact).join('\n') }
}
