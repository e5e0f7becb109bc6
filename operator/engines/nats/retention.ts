import { randomBytes } from 'node:crypto'
import { periodText, isPeriod } from '../../../crds/retention.ts'
import { keepOfStream } from '../../../crds/retention-marks.ts'
import type { Retention, RetentionOfRule, RetentionSeen, RetentionState } from '../engine.ts'
import { NatsError, withConnection, type Connection } from './protocol.ts'
import { secondsOf, wanted } from '../retention.ts'

/*
 * The server removes by itself what is older than `max_age` of a stream, at once when that becomes shorter; none is a hold. The period
 * it comes from is in the stream's metadata, also during a hold. migrations/events makes the streams and says all else of them.
 */

/** Streams that a rule is about; the first three share a fate. */
const streamsOf: Record<string, string[]> = {
  'domain-events': ['EVENTS_CORE', 'EVENTS_GEOLOCATION', 'EVENTS_TEMPORAL'],
  'behavior-batches': ['BEHAVIOR'],
  'dead-letters': ['DEAD_LETTERS'],
}

export const retention: Retention = {
  observe: (target, { store }, signal) =>
    withConnection(target, signal, async (connection) => summary(await findAll(connection), wanted(store))),
  removes: (target, _plan, next, signal) =>
    withConnection(target, signal, async (connection) => {
      const counts: Record<string, number> = {}
      for (const [rule, streams] of await findAll(connection))
        for (const stream of streams)
          counts[rule] = (counts[rule] ?? 0) + (await removesOf(connection, stream, next.rules[rule]))
      return counts
    }),
  apply: (target, _plan, next, signal) =>
    withConnection(target, signal, async (connection) => {
      for (const [rule, streams] of await findAll(connection))
        for (const { config } of streams) {
          const given = next.rules[rule]
          if (given && !isEqual(ruleOf(config, given.keep), given))
            await ask(connection, `STREAM.UPDATE.${config.name}`, limited(config, given))
        }
    }),
}

/** As JetStream tells it; of the configuration, what is looked at here. Times are nanoseconds. */
export interface StreamConfig {
  name: string
  max_age: number
  duplicate_window: number
  metadata?: Record<string, string>
}

export interface Stream {
  config: StreamConfig
  state: { messages: number; first_seq: number; first_ts: string; deleted?: number[] }
  /** By the server's clock. */
  ts?: string
}

/** Streams that are there, by rule. */
type Streams = Map<string, Stream[]>

async function findAll(connection: Connection): Promise<Streams> {
  const found: Streams = new Map()
  for (const [rule, names] of Object.entries(streamsOf)) {
    found.set(rule, [])
    for (const name of names) {
      const stream = await find(connection, name)
      if (stream) found.get(rule)?.push(stream)
    }
  }
  return found
}

/** What is in force, of several streams of one rule the longest that differs: what is brought to it loses nothing. Pure. */
export function summary(streams: Streams, next: RetentionState): RetentionSeen | undefined {
  const all = [...streams.values()].flat()
  const [any] = all
  if (!any) return undefined
  const seen: RetentionSeen = { now: any.ts ? new Date(any.ts) : new Date(), rules: {}, oldest: {}, holds: [] }
  for (const [rule, given] of Object.entries(next.rules)) {
    const found = streams.get(rule) ?? []
    const differing = found
      .filter(({ config }) => !isEqual(ruleOf(config, given.keep), given))
      .sort((one, other) => ageOf(other.config) - ageOf(one.config))
    const [longest] = differing
    seen.rules[rule] = longest ? ruleOf(longest.config, given.keep) : given
    const removable = found.filter(({ config, state }) => config.max_age > 0 && state.messages > 0)
    const [oldest] = removable.map(({ state }) => new Date(state.first_ts)).sort((a, b) => a.getTime() - b.getTime())
    if (oldest) seen.oldest[rule] = oldest
  }
  return seen
}

const ageOf = ({ max_age }: StreamConfig) => max_age || Infinity

const isEqual = (one: RetentionOfRule, other: RetentionOfRule) => one.keep === other.keep && one.hold === other.hold

/**
 * What a stream's settings mean: what its metadata says, unless somebody set another age by hand. Pure.
 * @param keep  of a stream on hold that does not say for how long it was kept before
 */
export function ruleOf({ max_age, metadata }: StreamConfig, keep: string): RetentionOfRule {
  const noted = metadata?.[keepOfStream]
  const known = noted !== undefined && isPeriod(noted) ? noted : undefined
  if (max_age === 0) return { keep: known ?? keep, hold: true }
  return { keep: known && nanosecondsOf(known) === max_age ? known : textOf(max_age), hold: false }
}

function textOf(nanoseconds: number): string {
  const seconds = Math.ceil(nanoseconds / 1e9)
  return periodText({ months: 0, days: Math.floor(seconds / 86_400), seconds: seconds % 86_400 })
}

/** What the server's 64 bits hold, and a double to the second. */
const longestSeconds = 100 * 365 * 86_400

const nanosecondsOf = (keep: string) => Math.min(secondsOf(keep), longestSeconds) * 1e9

/** As migrations/events has it for every stream. The server takes none that is longer than max_age. */
export const duplicateWindow = 2 * 3_600 * 1e9

/** The configuration with another limit, the rest as it is. Pure. */
export function limited<Config extends StreamConfig>(config: Config, { keep, hold }: RetentionOfRule): Config {
  const max_age = hold ? 0 : nanosecondsOf(keep)
  return {
    ...config,
    max_age,
    duplicate_window: Math.min(duplicateWindow, max_age || Infinity),
    metadata: { ...config.metadata, [keepOfStream]: keep },
  }
}

/** How many messages of a stream a rule would remove that are there by what is in force. */
async function removesOf(connection: Connection, stream: Stream, next: RetentionOfRule | undefined): Promise<number> {
  const { config, state, ts } = stream
  if (!next || next.hold || state.messages === 0 || nanosecondsOf(next.keep) >= ageOf(config)) return 0
  const limit = new Date((ts ? new Date(ts) : new Date()).getTime() - nanosecondsOf(next.keep) / 1e6)
  if (new Date(state.first_ts) >= limit) return 0
  const first = await firstSince(connection, config.name, limit)
  // After: what comes meanwhile has higher numbers.
  const after = await find(connection, config.name, { deleted_details: true })
  return after ? Math.max(1, countBefore(first, after)) : 0
}

/** Pure. */
export function countBefore(sequence: number, { state: { first_seq, deleted = [] } }: Pick<Stream, 'state'>): number {
  return Math.max(0, sequence - first_seq) - deleted.filter((one) => one >= first_seq && one < sequence).length
}

/** Number of the first message of that time or later; the one after the last where there is none. */
async function firstSince(connection: Connection, stream: string, time: Date): Promise<number> {
  const name = `supersmartmatch_retention_${randomBytes(8).toString('hex')}`
  // Begins there and says so. Nobody reads from it, and it would go by itself.
  const config = {
    name,
    deliver_policy: 'by_start_time',
    opt_start_time: time.toISOString(),
    ack_policy: 'none',
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: 30e9,
  }
  const question = { stream_name: stream, config, action: 'create' }
  const made = await ask<{ delivered: { stream_seq: number } }>(
    connection,
    `CONSUMER.CREATE.${stream}.${name}`,
    question,
  )
  await ask(connection, `CONSUMER.DELETE.${stream}.${name}`)
  return made.delivered.stream_seq + 1
}

// --- asking -----------------------------------------------------------------------------------------------------------------

interface Refusal {
  err_code?: number
  description?: string
}

const streamNotFound = 10059

async function find(connection: Connection, stream: string, question?: object): Promise<Stream | undefined> {
  const answer = await answerTo<Stream>(connection, `STREAM.INFO.${stream}`, question)
  if (answer.error?.err_code === streamNotFound) return undefined
  return accepted(answer)
}

const ask = async <Answer>(connection: Connection, request: string, question?: object): Promise<Answer> =>
  accepted(await answerTo<Answer>(connection, request, question))

async function answerTo<Answer>(
  { request }: Connection,
  what: string,
  question?: object,
): Promise<Answer & { error?: Refusal }> {
  const answer = (await request(`$JS.API.${what}`, question)) as (Answer & { error?: Refusal }) | undefined
  if (!answer) throw new NatsError(`nobody answers $JS.API.${what}, or this login may not ask`)
  return answer
}

function accepted<Answer>(answer: Answer & { error?: Refusal }): Answer {
  if (answer.error) throw new NatsError(answer.error.description ?? 'JetStream refused')
  return answer
}
