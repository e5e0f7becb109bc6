import Type, { type Static } from 'typebox'
import type { Format } from './files.ts'
import { readJson } from './json-file.ts'

/*
 * A file says whole streams and consumers, those that are new and those that change; what it does not name stays. Decision: nothing
 * else defines any. Times are written as `30s`, `5m`, `24h`, `7d`.
 */

const time = Type.String({ pattern: '^[1-9][0-9]*(s|m|h|d)$' })
const subject = Type.String({ pattern: String.raw`^[A-Za-z0-9_$*-]+(\.[A-Za-z0-9_$*-]+)*(\.>)?$` })
const name = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]*$' })
const strict = { additionalProperties: false } as const

const Stream = Type.Object(
  {
    name,
    description: Type.String({ minLength: 1 }),
    subjects: Type.Array(subject, { minItems: 1 }),
    retention: Type.Union([Type.Literal('limits'), Type.Literal('interest'), Type.Literal('workqueue')]),
    /** What happens when it is full: the oldest messages go, or new ones are refused. */
    discard: Type.Union([Type.Literal('old'), Type.Literal('new')]),
    max_age: time,
    duplicate_window: time,
    max_msg_size: Type.Optional(Type.Integer({ minimum: 1 })),
    max_bytes: Type.Optional(Type.Integer({ minimum: 1 })),
    max_msgs_per_subject: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Whether up to 1,000 messages may be published as one. */
    allow_atomic: Type.Optional(Type.Boolean()),
  },
  strict,
)
export type Stream = Static<typeof Stream>

const Consumer = Type.Object(
  {
    stream: name,
    name,
    description: Type.String({ minLength: 1 }),
    filter_subjects: Type.Array(subject, { minItems: 1 }),
    /** Waits before each redelivery; the last one is repeated. */
    backoff: Type.Array(time, { minItems: 1 }),
    max_deliver: Type.Integer({ minimum: 2 }),
    max_ack_pending: Type.Integer({ minimum: 1 }),
  },
  strict,
)
export type Consumer = Static<typeof Consumer>

const File = Type.Object(
  {
    about: Type.String({ minLength: 1 }),
    breaking: Type.Optional(Type.Boolean()),
    streams: Type.Array(Stream),
    consumers: Type.Array(Consumer),
  },
  strict,
)

export const formatOfNats: Format = {
  extension: 'json',
  read(text, refuse) {
    const { breaking = false, streams, consumers } = readJson(File, text, refuse)
    if (streams.length + consumers.length === 0) throw refuse('names no stream and no consumer')
    for (const { name, backoff, max_deliver } of consumers)
      if (max_deliver <= backoff.length)
        throw refuse(`consumer ${name}: max_deliver must be more than the ${backoff.length} times of backoff`)
    return { breaking, destructive: false, statements: streams.length + consumers.length }
  },
}

/** What a file says that `formatOfNats` has let through. */
export const natsFile = (text: string) => JSON.parse(text) as Static<typeof File>

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Nanoseconds, as the server counts. */
export function nanoseconds(text: string): number {
  return Number(text.slice(0, -1)) * units[text.slice(-1) as keyof typeof units] * 1e9
}
