import { keepOfStream } from '../../crds/retention-marks.ts'
import type { DataLoss } from './data-loss.ts'
import type { Migration } from './files.ts'
import { nanoseconds, natsFile } from './nats-file.ts'
import type { Consumer, Stream } from './nats-file.ts'

/** Of JetStream's own configuration of a stream or consumer, as it is sent and read. */
export type Config = Record<string, unknown>

/** @param copies  on how many servers each message is kept */
export function streamConfig({ max_age, duplicate_window, ...stream }: Stream, copies: number): Config {
  return {
    ...stream,
    storage: 'file',
    num_replicas: copies,
    max_age: nanoseconds(max_age),
    duplicate_window: nanoseconds(duplicate_window),
  }
}

/** A durable one that is pulled from and acknowledges each message; every message that is there when it is made is delivered, too. */
export function consumerConfig({ stream: _, name, backoff, ...consumer }: Consumer): Config {
  const waits = backoff.map(nanoseconds)
  return {
    ...consumer,
    name,
    durable_name: name,
    deliver_policy: 'all',
    ack_policy: 'explicit',
    replay_policy: 'instant',
    // What the server makes of it where there is a backoff.
    ack_wait: waits[0],
    backoff: waits,
  }
}

/** What a file wants of a stream that is there; where the operator keeps the age limit, that stays as it is. Pure. */
export function besideOperator(live: Config, wanted: Config): Config {
  if ((live['metadata'] as Record<string, string> | undefined)?.[keepOfStream] === undefined) return wanted
  // The window follows: the server takes none that is longer than the age.
  return { ...wanted, max_age: live['max_age'], duplicate_window: live['duplicate_window'] }
}

/** Names of the fields that differ; what is not in `wanted` is the server's own business. */
export function differences(live: Config, wanted: Config): string[] {
  return Object.keys(wanted).filter((key) => !isEqual(live[key], wanted[key]))
}

/** The server leaves out what is false or none. */
function isEqual(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return JSON.stringify([...((live ?? []) as unknown[])].sort()) === JSON.stringify([...(wanted as unknown[])].sort())
  return (live ?? false) === (wanted ?? false)
}

/** Limits of a stream, of which less means that messages go; the server calls "none" 0 or -1. */
const limits = ['max_age', 'max_bytes', 'max_msgs', 'max_msgs_per_subject'] as const

/** Why a change of a stream would take messages away, or stop keeping some; one phrase each. Pure. */
export function losses(live: Config, wanted: Config): string[] {
  const lower = limits.filter((limit) => limit in wanted && boundOf(wanted[limit]) < boundOf(live[limit]))
  const given = new Set((wanted['subjects'] ?? []) as string[])
  const gone = ((live['subjects'] ?? []) as string[]).filter((subject) => !given.has(subject))
  return [
    ...lower.map((limit) => `${limit} from ${textOf(live[limit])} to ${textOf(wanted[limit])}`),
    ...gone.map((subject) => `subject ${subject} is kept no more`),
  ]
}

/** What a file loses of what the earlier files made, stream by stream: only this can be approved, no change that somebody made by hand. */
export function lossesOfFile({ version, text }: Migration, earlier: Migration[]): DataLoss[] {
  const before = new Map(earlier.flatMap(({ text }) => natsFile(text).streams).map((stream) => [stream.name, stream]))
  return natsFile(text).streams.flatMap((stream) => {
    const former = before.get(stream.name)
    const lost = former ? losses(streamConfig(former, 1), streamConfig(stream, 1)) : []
    return lost.map((why) => ({ version, where: `stream ${stream.name}`, why }))
  })
}

const boundOf = (limit: unknown) => (typeof limit === 'number' && limit > 0 ? limit : Infinity)
const textOf = (limit: unknown) => (boundOf(limit) === Infinity ? 'unlimited' : String(limit))

/** What the server never changes of a stream or consumer that exists: it would have to be deleted, and what it knows with it. */
const fixed = {
  stream: ['storage', 'retention'],
  consumer: ['deliver_policy', 'ack_policy', 'replay_policy'],
} as const

/** Differences that no update can bring about. */
export function unchangeable(kind: keyof typeof fixed, live: Config, wanted: Config): string[] {
  const never: readonly string[] = fixed[kind]
  return differences(live, wanted).filter((key) => never.includes(key))
}
