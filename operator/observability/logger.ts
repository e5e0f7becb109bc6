import { pino, type DestinationStream, type Logger } from 'pino'

export type { Logger }

/** Fields whose values never reach a log, at the top and one level down. */
const secretFields = [
  'password',
  'token',
  'authorization',
  'data',
  'stringData',
  'passwords',
  'uri',
  'privateKey',
  'key',
]
const redact = { paths: [...secretFields, ...secretFields.map((field) => `*.${field}`)], censor: '[redacted]' }

/**
 * JSON lines on standard output. A message is a constant sentence; what varies goes into fields.
 * @param level  a pino level: trace, debug, info, warn, error, fatal or silent
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    redact,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: levelName },
  }
  return destination ? pino(options, destination) : pino(options)
}

function levelName(label: string) {
  return { level: label }
}
