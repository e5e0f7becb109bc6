import { connect, headers, type NatsConnection } from 'nats'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keepOfStream } from '../../crds/retention-marks.ts'
import { baseline } from '../runner/baseline.ts'
import { readMigrations } from '../runner/files.ts'
import { formats } from '../runner/formats.ts'
import { applyTo, ca, connectTo, newFolder, options, urlOf } from '../runner/testing-engines.ts'
import { missing } from '../testing/coverage.ts'

/* The streams and consumers of the platform, in the account of a real server. */

let owner: NatsConnection
let app: NatsConnection

const connectAs = (login: string) => {
  const { host, password } = new URL(urlOf('nats'))
  const tls = { ca: readFileSync(ca, 'utf8'), handshakeFirst: true } as object
  return connect({ servers: host, user: login, pass: password, tls, waitOnFirstConnect: true })
}

type Config = Record<string, unknown> & { name: string }

async function ask(request: string, question: object = {}, as = owner): Promise<Record<string, never>> {
  return (await as.request(`$JS.API.${request}`, JSON.stringify(question), { timeout: 3_000 })).json()
}
const streams = async () => ((await ask('STREAM.LIST'))['streams'] ?? []) as { config: Config }[]
const own = async () => (await streams()).map(({ config }) => config).filter(({ name }) => !name.startsWith('KV_'))

async function removeAll(): Promise<void> {
  for (const { config } of await streams()) await ask(`STREAM.DELETE.${config.name}`)
}

beforeAll(async () => {
  owner = await connectAs('owner')
  app = await connectAs('app')
  await removeAll()
  await applyTo('nats', urlOf('nats'), await readMigrations(import.meta.dirname, formats.nats))
})
afterAll(async () => {
  await removeAll()
  await owner.close()
  await app.close()
})

const withConsumers = async () =>
  Promise.all(
    (await own()).map(async (stream) => {
      const consumers = ((await ask(`CONSUMER.LIST.${stream.name}`))['consumers'] ?? []) as { config: Config }[]
      return { stream, consumers: consumers.map(({ config }) => config).sort(byName) }
    }),
  )

test('streams and consumers are the golden ones', async () => {
  const found = await withConsumers()
  // The server notes who made them.
  const text = JSON.stringify(
    found.sort((one, other) => byName(one.stream, other.stream)),
    (key, value: unknown) => (key === 'metadata' ? undefined : value),
    2,
  )
  await expect(`${text}\n`).toMatchFileSnapshot('schema.golden.json')
})

const byName = (one: Config, other: Config) => one.name.localeCompare(other.name)

test('the account has what docs/reference/specification-coverage.md names, each of its kind', async () => {
  const found = await withConsumers()
  const consumers = found.flatMap((each) => each.consumers)
  const subjects = [
    ...found.map(({ stream }) => stream['subjects']),
    ...consumers.map((each) => each['filter_subjects']),
  ]
  const settings = Object.keys(consumers[0] ?? {}).filter((key) => consumers.every((each) => each[key] !== undefined))
  const live = {
    stream: found.map(({ stream }) => stream.name),
    consumer: consumers.map(({ name }) => name),
    subject: subjects.flat().map(String),
    setting: settings,
  }
  expect(
    missing(
      'events',
      Object.entries(live).flatMap(([kind, all]) => all.map((name) => ({ kind, name }))),
    ),
  ).toEqual([])
})

test('an event is stored once however often it is published, and reaches the consumers of its subject', async () => {
  const id = headers()
  id.set('Nats-Msg-Id', 'event-1')
  const publish = async () =>
    (await app.request('events.core.job.posting.created.1', '{"job_id":"1"}', { headers: id, timeout: 3_000 })).json<{
      stream: string
      duplicate?: boolean
    }>()
  expect(await publish()).toMatchObject({ stream: 'EVENTS_CORE' })
  expect(await publish()).toMatchObject({ stream: 'EVENTS_CORE', duplicate: true })
  const pending = async (consumer: string) => (await ask(`CONSUMER.INFO.EVENTS_CORE.${consumer}`))['num_pending']
  expect([await pending('search'), await pending('matching'), await pending('behavior')]).toEqual([1, 1, 0])
})

test('what nobody acknowledges ends among the dead letters', async () => {
  const folder = await newFolder('nats', 'events')
  const impatient = {
    stream: 'EVENTS_TEMPORAL',
    name: 'impatient',
    description: 'A test.',
    filter_subjects: ['events.temporal.>'],
    backoff: ['1s'],
    max_deliver: 2,
    max_ack_pending: 1,
  }
  await folder.write('000002_test.json', JSON.stringify({ about: 'A test.', streams: [], consumers: [impatient] }))
  expect(await applyTo('nats', urlOf('nats'), await folder.read())).toEqual([2])
  await app.request('events.temporal.slot.created.1', '{}', { timeout: 3_000 })
  const consumer = await app.jetstream().consumers.get('EVENTS_TEMPORAL', 'impatient')
  for (let delivery = 0; delivery < 2; delivery++) await consumer.next({ expires: 3_000 })
  const letters = () =>
    ask('STREAM.MSG.GET.DEAD_LETTERS', {
      last_by_subj: '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.EVENTS_TEMPORAL.impatient',
    })
  // The server notices with the next pull.
  const pull = consumer.next({ expires: 4_000 })
  await expect.poll(async () => (await letters())['message'], { timeout: 10_000 }).toBeDefined()
  await pull
})

/** A dead letter as a consumer publishes it: see README.md. */
async function giveUp(stream: string, consumer: string, people: string[], subject: string): Promise<string> {
  const [person, other = 'none'] = people
  const letter = `dead_letters.${stream}.${consumer}.${person ?? 'none'}.${other}.${subject}`
  expect((await app.request(letter, '{}', { timeout: 3_000 })).json()).toMatchObject({ stream: 'DEAD_LETTERS' })
  return letter
}
const letters = async (): Promise<string[]> => {
  const { state } = (await ask('STREAM.INFO.DEAD_LETTERS', { subjects_filter: 'dead_letters.>' })) as Answer
  return Object.keys(state?.subjects ?? {}).sort()
}
interface Answer {
  purged?: number
  state?: { subjects?: Record<string, number> }
}

test('an erasure takes the dead letters of one person, in whichever place, and no others', async () => {
  const [ada, bea, profile, application, job, slot] = Array.from({ length: 6 }, randomUUID) as string[] &
    [string, string]
  // The orders to erase name nobody: they must outlive the erasure here.
  const kept = [
    await giveUp('EVENTS_CORE', 'matching', [bea], `events.core.candidate.profile.updated.${randomUUID()}`),
    await giveUp('EVENTS_CORE', 'search', [], `events.core.job.posting.updated.${job}`),
    await giveUp('EVENTS_CORE', 'temporal', [], `events.core.user.anonymized.${ada}`),
    await giveUp('EVENTS_TEMPORAL', 'matching', [bea], `events.temporal.availability.updated.${randomUUID()}`),
    await giveUp('BEHAVIOR', 'ingest', [bea], 'behavior.batches.web'),
    await giveUp('BEHAVIOR', 'ingest', [], 'behavior.batches.web'),
  ]
  await giveUp('EVENTS_CORE', 'matching', [ada], `events.core.candidate.profile.updated.${profile}`)
  await giveUp('EVENTS_CORE', 'cache', [ada], `events.core.candidate.profile.updated.${profile}`)
  await giveUp('EVENTS_CORE', 'matching', [ada], `events.core.job.application.created.${application}`)
  await giveUp('EVENTS_CORE', 'cache', [ada], `events.core.user.updated.${ada}`)
  await giveUp('EVENTS_TEMPORAL', 'matching', [ada, bea], `events.temporal.interview.slot.updated.${slot}`)
  await giveUp('EVENTS_TEMPORAL', 'matching', [bea, ada], `events.temporal.interview.slot.updated.${slot}`)
  await giveUp('BEHAVIOR', 'ingest', [ada], 'behavior.batches.web')

  type Request = { subject: string; question: object }
  const text = readFileSync(`${import.meta.dirname}/erase.json`, 'utf8').replaceAll('{user_id}', ada)
  const { erase, left } = JSON.parse(text) as { erase: Request[]; left: Request[] }
  const each = (requests: Request[]): Promise<Answer[]> =>
    Promise.all(requests.map(({ subject, question }) => ask(subject.replace('$JS.API.', ''), question)))
  const found = async () => (await each(left)).map(({ state }) => Object.keys(state?.subjects ?? {}).length)
  const purged = async () => (await each(erase)).map((answer) => answer.purged)
  await expect(ask('STREAM.PURGE.DEAD_LETTERS', erase[0]?.question, app)).rejects.toThrow()
  expect(await found()).toEqual([6, 1])
  expect(await purged()).toEqual([6, 1])
  expect(await found()).toEqual([0, 0])
  expect(await purged()).toEqual([0, 0])
  expect(await letters()).toEqual(kept.sort())

  // One aggregate's, by the end of the subject.
  const ofJob = `dead_letters.*.*.*.*.events.core.job.posting.*.${job}`
  expect(await ask('STREAM.PURGE.DEAD_LETTERS', { filter: ofJob })).toMatchObject({ purged: 1 })
  expect(await letters()).toEqual(kept.filter((letter) => !letter.endsWith(job ?? '')))
})

describe('a file that would take messages away is refused, and says which', () => {
  // prettier-ignore
  test.each<[string, (stream: Record<string, unknown>) => void, string, RegExp]>([
    ['a shorter age',     (stream) => { stream['max_age'] = '6d' },                   'ApprovalNeeded', /stream EVENTS_CORE: max_age from \d+ to \d+/],
    ['other subjects',    (stream) => { stream['subjects'] = ['events.core.job.>'] }, 'ApprovalNeeded', /stream EVENTS_CORE: subject events\.core\.> is kept no more/],
    ['another retention', (stream) => { stream['retention'] = 'workqueue' },          'WouldLoseData',  /^stream EVENTS_CORE: retention cannot be changed/],
  ])('%s', async (_name, change, reason, message) => {
    await removeAll()
    const folder = await newFolder('nats', 'events')
    const { streams: [core] } = JSON.parse(readFileSync(`${import.meta.dirname}/000001_streams.json`, 'utf8')) as { streams: Record<string, unknown>[] }
    change(core ?? {})
    await applyTo('nats', urlOf('nats'), await folder.read())
    const before = await own()
    await folder.write('000002_less.json', JSON.stringify({ about: 'Less.', streams: [core], consumers: [] }))
    await expect(applyTo('nats', urlOf('nats'), await folder.read())).rejects.toMatchObject({
      name: 'Refused', reason, message: expect.stringMatching(message) as string,
    })
    expect(await own()).toEqual(before)
  })

  test('a longer age, one subject more and another backoff are brought', async () => {
    await removeAll()
    const folder = await newFolder('nats', 'events')
    await applyTo('nats', urlOf('nats'), await folder.read())
    const file = JSON.parse(readFileSync(`${import.meta.dirname}/000001_streams.json`, 'utf8')) as {
      streams: object[]
      consumers: object[]
    }
    const stream = { ...file.streams[0], max_age: '8d', subjects: ['events.core.>', 'events.more.>'] }
    const consumer = {
      ...file.consumers[0],
      backoff: ['10s'],
      filter_subjects: ['events.core.job.posting.>', 'events.more.>'],
    }
    await folder.write('000002_more.json', JSON.stringify({ about: 'More.', streams: [stream], consumers: [consumer] }))
    expect(await applyTo('nats', urlOf('nats'), await folder.read())).toEqual([2])
    expect((await own()).find(({ name }) => name === 'EVENTS_CORE')).toMatchObject({
      max_age: 8 * 86_400e9,
      subjects: ['events.core.>', 'events.more.>'],
    })
    expect((await ask('CONSUMER.INFO.EVENTS_CORE.search'))['config']).toMatchObject({ backoff: [10e9], ack_wait: 10e9 })
  })
})

/** As the operator does (operator/engines/nats/retention.ts). */
async function keep(stream: string, text: string, seconds: number): Promise<void> {
  const config: Config = (await ask(`STREAM.INFO.${stream}`))['config']!
  const metadata = { ...(config['metadata'] as object), [keepOfStream]: text }
  const duplicate_window = Math.min(7_200, seconds || Infinity) * 1e9
  const changed = { ...config, max_age: seconds * 1e9, duplicate_window, metadata }
  expect((await ask(`STREAM.UPDATE.${stream}`, changed))['error']).toBeUndefined()
}

describe('an age limit that the operator keeps', () => {
  // prettier-ignore
  test.each<[string, string, number]>([
    ['longer than the file’s', '30d', 30 * 86_400],
    ['shorter than the window of duplicates', '10min', 600],
    ['none, for a hold', '7d', 0],
  ])('%s: is no drift, and the next file of the stream leaves it alone', async (_name, text, seconds) => {
    await removeAll()
    const folder = await newFolder('nats', 'events')
    await applyTo('nats', urlOf('nats'), await folder.read())
    await keep('EVENTS_CORE', text, seconds)
    const before = (await own()).find(({ name }) => name === 'EVENTS_CORE')
    // Refuses a schema that differs from the files.
    await ask('STREAM.DELETE.KV_schema_migrations')
    const connect = await connectTo('nats', urlOf('nats'))
    await baseline(await folder.read(), connect, options())

    const { streams: [core] } = JSON.parse(readFileSync(`${import.meta.dirname}/000001_streams.json`, 'utf8')) as { streams: object[] }
    const more = { ...core, subjects: ['events.core.>', 'events.more.>'] }
    await folder.write('000002_more.json', JSON.stringify({ about: 'More.', streams: [more], consumers: [] }))
    expect(await applyTo('nats', urlOf('nats'), await folder.read())).toEqual([2])
    expect((await own()).find(({ name }) => name === 'EVENTS_CORE')).toEqual({ ...before, subjects: more.subjects })
  })
})

test('the application writes no ledger and changes no stream', async () => {
  const before = await ask('STREAM.MSG.GET.KV_schema_migrations', { last_by_subj: '$KV.schema_migrations.ledger' })
  app.publish('$KV.schema_migrations.ledger', '{"entries":[]}')
  await app.flush()
  await sleep(200)
  expect(await ask('STREAM.MSG.GET.KV_schema_migrations', { last_by_subj: '$KV.schema_migrations.ledger' })).toEqual(
    before,
  )
  await expect(ask('STREAM.DELETE.EVENTS_CORE', {}, app)).rejects.toThrow()
})
