import { connect, headers, NatsError } from 'nats'
import type { ConnectionOptions, NatsConnection } from 'nats'
import { hostname } from 'node:os'
import type { Endpoint } from './connection.ts'
import type { Connect, Options } from './dialect.ts'
import { keptIn } from './documents.ts'
import type { Documents, Key } from './documents.ts'
import { Failed, Refused } from './errors.ts'
import type { MigrationSet } from './files.ts'
import { untilThere, wordsOf } from './http.ts'
import {
  besideOperator,
  consumerConfig,
  differences,
  losses,
  lossesOfFile,
  streamConfig,
  unchangeable,
} from './nats-changes.ts'
import type { Config } from './nats-changes.ts'
import { natsFile } from './nats-file.ts'
import { stepwise } from './stepwise.ts'
import type { Engine, Explained, Step } from './stepwise.ts'

/**
 * What the runner does in an account of NATS: streams and consumers by JetStream's requests. Ledger and lease are two messages of the
 * key-value bucket `schema_migrations`, which `nats kv get schema_migrations ledger` shows; a message is written only in the place of the one
 * that was read.
 */
interface Session {
  connection: NatsConnection
  /** On how many servers what we make is kept: JetStream of several has at least three. */
  copies: number
}

/** JetStream refused. */
class JetStreamError extends Error {
  readonly code: number
  readonly status: number
  constructor({ code, err_code = 0, description }: Refusal) {
    super(description)
    this.code = err_code
    this.status = code
  }
}

interface Refusal {
  /** As of HTTP. */
  code: number
  err_code?: number
  description: string
}

const codes = {
  streamNotFound: 10059,
  consumerNotFound: 10014,
  messageNotFound: 10037,
  wrongLastSequence: 10071,
} as const
const requestMs = 10_000

export function nats(endpoint: Endpoint): Connect {
  return async (options) => {
    const connection = await connected(endpoint, options)
    const copies = connection.info?.cluster ? 3 : 1
    return stepwise(engineOf({ connection, copies }), options)
  }
}

async function connected(
  { host, port, username, password, ca, tls }: Endpoint,
  options: Options,
): Promise<NatsConnection> {
  // Ours say nothing before the handshake; servers of somebody else's greet first as a rule, and are tried next.
  let handshakeFirst = false
  const login = username === '' ? {} : { user: username, pass: password }
  let connection: NatsConnection | undefined
  await untilThere(options, async () => {
    handshakeFirst = !handshakeFirst
    const secured = { handshakeFirst, ...(ca === undefined ? {} : { ca }) } as ConnectionOptions['tls'] & object
    connection = await connect({
      servers: `${host}:${port}`,
      name: `migrate ${hostname()} ${process.pid}`,
      ...login,
      ...(tls ? { tls: secured } : {}),
      timeout: 5_000,
      // A connection that is lost is made again by who knows what was under way.
      reconnect: false,
    }).catch((error: unknown) => {
      if (error instanceof NatsError && /AUTHORIZATION/i.test(error.code))
        throw new Failed('Unavailable', `cannot connect: ${error.message}`)
      throw error
    })
    return undefined
  })
  if (!connection) throw new Error('untilThere returned without a connection')
  return connection
}

// --- asking -----------------------------------------------------------------------------------------------------------------

async function ask<Answer>({ connection }: Session, request: string, question: object = {}): Promise<Answer> {
  const message = await connection.request(`$JS.API.${request}`, JSON.stringify(question), { timeout: requestMs })
  const answer = message.json<Answer & { error?: Refusal }>()
  if (answer.error) throw new JetStreamError(answer.error)
  return answer
}

/** Undefined when what is asked for is not there. */
async function find<Answer>(
  session: Session,
  missing: number,
  request: string,
  question?: object,
): Promise<Answer | undefined> {
  try {
    return await ask<Answer>(session, request, question)
  } catch (error) {
    if (error instanceof JetStreamError && error.code === missing) return undefined
    throw error
  }
}

// --- the engine -------------------------------------------------------------------------------------------------------------

function engineOf(session: Session): Engine {
  return {
    extension: 'json',
    steps(migration, earlier) {
      const { streams, consumers } = natsFile(migration.text)
      const allowed = new Set(lossesOfFile(migration, earlier).map(({ where, why }) => `${where}: ${why}`))
      const of = (kind: string, name: string, from: object, run: () => Promise<void>): Step => ({
        title: `${kind} ${name}`,
        text: JSON.stringify(from),
        run,
      })
      return [
        ...streams.map((stream) =>
          of('stream', stream.name, stream, () => bringStream(session, streamConfig(stream, session.copies), allowed)),
        ),
        ...consumers.map((consumer) =>
          of('consumer', `${consumer.name} of ${consumer.stream}`, consumer, () =>
            bringConsumer(session, consumer.stream, consumerConfig(consumer)),
          ),
        ),
      ]
    },
    losses: lossesOfFile,
    existing: (files) => existing(session, files),
    differences: (files) => differencesFrom(session, files),
    ...keptIn(documents(session)),
    explain,
    async close() {
      await session.connection.close()
    },
  }
}

function explain(error: unknown): Explained | undefined {
  // 503: without a leader for the moment, or too much at once.
  if (error instanceof JetStreamError)
    return { words: `${error.message} (${error.code})`, mayPass: error.status === 503 }
  if (!(error instanceof NatsError)) return undefined
  // Not allowed, or nobody answers because this account has no JetStream; all else is the connection.
  return { words: wordsOf(error), mayPass: !['PERMISSIONS_VIOLATION', '503'].includes(error.code) }
}

/** @param allowed  losses that the files show, and that were approved */
async function bringStream(session: Session, stream: Config, allowed = new Set<string>()): Promise<void> {
  const name = String(stream['name'])
  const live = (await find<{ config: Config }>(session, codes.streamNotFound, `STREAM.INFO.${name}`))?.config
  if (!live) return void (await ask(session, `STREAM.CREATE.${name}`, stream))
  const wanted = besideOperator(live, stream)
  if (differences(live, wanted).length === 0) return
  refuse(
    `stream ${name}`,
    unchangeable('stream', live, wanted),
    losses(live, wanted).filter((loss) => !allowed.has(`stream ${name}: ${loss}`)),
  )
  await ask(session, `STREAM.UPDATE.${name}`, { ...live, ...wanted })
}

async function bringConsumer(session: Session, stream: string, wanted: Config): Promise<void> {
  const name = String(wanted['name'])
  const live = (await find<{ config: Config }>(session, codes.consumerNotFound, `CONSUMER.INFO.${stream}.${name}`))
    ?.config
  if (live && differences(live, wanted).length === 0) return
  if (live) refuse(`consumer ${name} of stream ${stream}`, unchangeable('consumer', live, wanted), [])
  const action = live ? 'update' : 'create'
  await ask(session, `CONSUMER.CREATE.${stream}.${name}`, {
    stream_name: stream,
    config: { ...live, ...wanted },
    action,
  })
}

function refuse(what: string, never: string[], lost: string[]): void {
  if (never.length > 0)
    throw new Refused(
      'WouldLoseData',
      `${what}: ${never.join(', ')} cannot be changed, only by deleting it with all it holds; give it another name`,
    )
  if (lost.length > 0)
    throw new Refused(
      'WouldLoseData',
      `${what}: ${lost.join(', ')}: messages that are there would go, or new ones not be kept; no file before says that it was so`,
    )
}

async function existing(session: Session, { migrations }: MigrationSet): Promise<string | undefined> {
  for (const name of new Set(migrations.flatMap(({ text }) => natsFile(text).streams).map((stream) => stream.name)))
    if (await find(session, codes.streamNotFound, `STREAM.INFO.${name}`)) return `stream ${name}`
  return undefined
}

/** Streams and consumers that no file names are somebody else's, and are left out. */
async function differencesFrom(session: Session, { migrations }: MigrationSet): Promise<string[]> {
  const files = migrations.map(({ text }) => natsFile(text))
  const streams = new Map(files.flatMap((file) => file.streams).map((stream) => [stream.name, stream]))
  const consumers = files.flatMap((file) => file.consumers)
  const byName = new Map(consumers.map((consumer) => [`${consumer.stream}.${consumer.name}`, consumer]))
  const found: string[] = []
  for (const [name, stream] of streams) {
    const live = (await find<{ config: Config }>(session, codes.streamNotFound, `STREAM.INFO.${name}`))?.config
    const wanted = streamConfig(stream, session.copies)
    found.push(...differencesOf(`stream ${name}`, live, live ? besideOperator(live, wanted) : wanted))
  }
  for (const [name, consumer] of byName) {
    const missing = streams.has(consumer.stream) ? codes.consumerNotFound : codes.streamNotFound
    const live = await find<{ config: Config }>(session, missing, `CONSUMER.INFO.${name}`)
    found.push(...differencesOf(`consumer ${name}`, live?.config, consumerConfig(consumer)))
  }
  return found
}

function differencesOf(what: string, live: Config | undefined, wanted: Config): string[] {
  if (!live) return [`${what} is missing`]
  const text = (config: Config, key: string) => JSON.stringify(config[key]) ?? 'nothing'
  return differences(live, wanted).map((key) => `${what}: ${key} is ${text(live, key)}, not ${text(wanted, key)}`)
}

// --- ledger and lease -------------------------------------------------------------------------------------------------------

const bucket = 'KV_schema_migrations'
const subjectOf = (key: Key) => `$KV.schema_migrations.${key}`

/** As the client libraries make a bucket, but read from the leader alone: a copy may be behind. */
const bucketConfig = (copies: number): Config => ({
  name: bucket,
  description: 'Which migrations this account has, and who applies them.',
  subjects: ['$KV.schema_migrations.>'],
  retention: 'limits',
  discard: 'new',
  storage: 'file',
  num_replicas: copies,
  max_msgs_per_subject: 1,
  allow_rollup_hdrs: true,
  deny_delete: true,
})

function documents(session: Session): Documents {
  return {
    async read(key) {
      const question = { last_by_subj: subjectOf(key) }
      const missing = codes.messageNotFound
      const found = (await bucketIs(session))
        ? await find<{ message: { seq: number; data: string } }>(session, missing, `STREAM.MSG.GET.${bucket}`, question)
        : undefined
      return (
        found && {
          version: String(found.message.seq),
          text: Buffer.from(found.message.data, 'base64').toString('utf8'),
        }
      )
    },
    async replace(key, from, text) {
      // The lease comes before the ledger, and both need the bucket.
      if (!(await bucketIs(session))) await bringStream(session, bucketConfig(session.copies))
      const expected = headers()
      expected.set('Nats-Expected-Last-Subject-Sequence', from ?? '0')
      const answer = await session.connection.request(subjectOf(key), text, { timeout: requestMs, headers: expected })
      const { seq, error } = answer.json<{ seq: number; error?: Refusal }>()
      if (error?.err_code === codes.wrongLastSequence) return undefined
      if (error) throw new JetStreamError(error)
      return String(seq)
    },
  }
}

const bucketIs = async (session: Session) =>
  (await find(session, codes.streamNotFound, `STREAM.INFO.${bucket}`)) !== undefined
