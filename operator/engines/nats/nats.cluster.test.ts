import { readFileSync } from 'node:fs'
import { connect as connectPlain, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { AckPolicy, Events, type JetStreamClient, type NatsConnection } from 'nats'
import { beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../../crds/object.ts'
import { rulesOf } from '../../../crds/retention.ts'
import { streamConfig } from '../../../migrations/runner/nats-changes.ts'
import type { Stream } from '../../../migrations/runner/nats-file.ts'
import { issueServerCertificate, type KeyPair } from '../../certificates.ts'
import { containerSecurity, podSecurity, resourceRequirements } from '../../pods.ts'
import { monitorPort, routePort } from './config.ts'
import type { Plan, RetentionOfRule, RetentionState, Target } from '../engine.ts'
import { nats } from './engine.ts'
import {
  authority,
  client,
  image,
  issue,
  lab,
  loginsSecret,
  node,
  of,
  passwords,
  planOf,
  ready,
  soon,
  start,
  storeSecret,
  targetOf,
  tls,
} from './fixture.ts'
import { monitoringUser } from './logins.ts'
import { retention } from './retention.ts'
import { missingRights } from './rights.ts'

const single = () => planOf('events')
const trio = () => planOf('trio', { replicas: 3 })
let pair: KeyPair

/** All at once: pods take their time to come up. */
beforeAll(async () => {
  pair = await start(single())
  await start(trio())
  await lab.apply(await theirs())
}, 60_000)
/** All that a server sends to somebody who speaks first, and without TLS, until it closes. */
const inClear = (host: string, port: number, words: string) => heardFrom(connectPlain(port, host), words)

/** The same with TLS, as a member of a cluster that shows this certificate. */
function asMember(host: string, pair?: KeyPair): Promise<string> {
  const shown = pair ? { cert: pair.certificate, key: pair.key } : {}
  const servername = `trio-0.trio-headless.${lab.namespace}.svc`
  const words = `CONNECT ${JSON.stringify({ name: 'x', cluster: 'trio', headers: true })}\r\nPING\r\n`
  return heardFrom(connectTls({ host, port: routePort, servername, ca: authority.certificate, ...shown }), words)
}

function heardFrom(socket: Socket, words: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = ''
    socket.write(words)
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(heard))
    setTimeout(() => reject(new Error(`${socket.remoteAddress} does not close`)), 15_000).unref()
  })
}

const stored = async (stream: JetStreamClient, name: string) =>
  (await (await stream.streams.get(name)).info()).state.messages

/** Servers as somebody else may run them: one that greets before the handshake, one without JetStream, one without TLS. */
async function theirs(): Promise<KubeObject[]> {
  const metadata = { name: 'theirs', namespace: lab.namespace }
  const { certificate, key } = await issueServerCertificate(authority, ['theirs.example.com'], new Date())
  const login =
    'authorization { user: them, password: "their password" }\ntls { cert_file: tls.crt, key_file: tls.key }\n'
  const files = {
    'tls.crt': certificate,
    'tls.key': key,
    'greets.conf': `port: 4222\n${login}jetstream { store_dir: /tmp/theirs, max_mem: 1MB, max_file: 1MB }\n`,
    'forgets.conf': `port: 4223\n${login}`,
    'clear.conf': 'port: 4224\n',
  }
  const container = (name: string) => ({
    name,
    image,
    args: ['--config', `/config/${name}.conf`],
    workingDir: '/config',
    securityContext: containerSecurity,
    resources: resourceRequirements({ cpu: '1m', memory: '16Mi', memoryLimit: '64Mi' }),
    volumeMounts: [
      { name: 'config', mountPath: '/config' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  })
  const spec = {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    securityContext: podSecurity(1000),
    containers: ['greets', 'forgets', 'clear'].map(container),
    volumes: [
      { name: 'config', secret: { secretName: 'theirs', defaultMode: 0o440 } },
      { name: 'tmp', emptyDir: {} },
    ],
  }
  return [storeSecret('theirs', files), { apiVersion: 'v1', kind: 'Pod', metadata, spec }]
}

test('a server of somebody else’s is probed as it is', async () => {
  await ready('theirs')
  const login = { username: 'them', password: 'their password', database: '' }
  const host = await of('theirs', '.status.podIP')
  const at = (port: number) =>
    nats.probe({ host, port, serverName: 'theirs.example.com', ca: authority.certificate, ...login }, soon())
  await expect.poll(() => at(4222), { timeout: 10_000 }).toMatchObject({ state: 'ready' })
  const without = 'NATS runs without JetStream for this login: nothing answers $JS.API.INFO'
  expect(await at(4223)).toEqual({ state: 'degraded', message: without })
  expect(await at(4224)).toEqual({ state: 'degraded', message: 'NATS: the server offers no TLS' })
})

describe('a store', () => {
  const plan = single
  let owner: NatsConnection
  let app: NatsConnection

  test('starts, answers its operator, tells a wrong password, and has nothing to settle', async () => {
    await ready('events-0')
    owner = await client(plan(), 'owner')
    app = await client(plan(), 'app')
    const target = await targetOf(plan(), 'events-0', 'operator')
    expect(await nats.probe(target, soon())).toMatchObject({ state: 'ready', version: /^2\.1[5-9]\./ })
    const wrong = await nats.probe({ ...target, password: 'wrong' }, soon())
    expect(wrong).toEqual({ state: 'degraded', message: 'NATS: Authorization Violation' })
    expect(await nats.probe({ ...target, serverName: 'other.svc' }, soon())).toMatchObject({ state: 'degraded' })
    const settled = await nats.settle?.([await node(plan(), 0, pair)], plan(), passwords(plan()), soon())
    expect(settled).toEqual({ changed: [], outdated: {} })
  })

  test('a probe with the login of an application is good enough, as for a server of somebody else’s', async () => {
    const target = await targetOf(plan(), 'events-0', 'owner')
    expect(await nats.probe(target, soon())).toMatchObject({ state: 'ready' })
    const monitoring = await targetOf(plan(), 'events-0', monitoringUser)
    expect(await nats.probe(monitoring, soon())).toMatchObject({ state: 'ready' })
  })

  test('its logins are told what they may not do, and nothing is stored by asking', async () => {
    const withSchema = {
      ...plan(),
      store: { ...plan().store, spec: { ...plan().store.spec, schema: { name: 'events' as const } } },
    }
    const missing = async (login: string, of: Plan) =>
      missingRights(await targetOf(plan(), 'events-0', login), of, soon())
    const making = ['STREAM.CREATE', 'STREAM.UPDATE', 'STREAM.DELETE', 'CONSUMER.CREATE', 'CONSUMER.DELETE']
    const publishing = (apis: string[]) => apis.map((api) => `publishing to $JS.API.${api}.>`)
    const toLedger = 'publishing to $KV.schema_migrations.>'

    expect(await missing('owner', withSchema)).toEqual([])
    expect(await missing('app', plan())).toEqual(publishing(making))
    expect(await missing('app', withSchema)).toEqual([...publishing(making), toLedger])
    const mayOnlyLook = await missing(monitoringUser, withSchema)
    expect(mayOnlyLook).toEqual(expect.arrayContaining([...publishing(making), toLedger]))

    // The same where there is a ledger, which what is asked must not add to.
    const manager = await owner.jetstreamManager()
    await manager.streams.add({ name: 'KV_schema_migrations', subjects: ['$KV.schema_migrations.>'] })
    expect(await missing('owner', withSchema)).toEqual([])
    expect(await missing('app', withSchema)).toEqual([...publishing(making), toLedger])
    expect((await manager.streams.info('KV_schema_migrations')).state.messages).toBe(0)
    await manager.streams.delete('KV_schema_migrations')
  })

  test('its owner makes streams, its app uses them and can change none', async () => {
    const manager = await owner.jetstreamManager()
    await manager.streams.add({ name: 'JOBS', subjects: ['jobs.>'] })
    await manager.consumers.add('JOBS', { durable_name: 'index', ack_policy: AckPolicy.Explicit })

    const stream = app.jetstream()
    await stream.publish('jobs.created', 'one', { msgID: 'a' })
    expect(await stream.publish('jobs.created', 'one', { msgID: 'a' })).toMatchObject({ duplicate: true })
    const message = await (await stream.consumers.get('JOBS', 'index')).next({ expires: 5_000 })
    expect(message?.string()).toBe('one')
    expect(await message?.ackAck()).toBe(true)
    expect(await stored(stream, 'JOBS')).toBe(1)

    const managed = await app.jetstreamManager()
    const refusals = [
      () => managed.streams.add({ name: 'OTHER', subjects: ['other'] }),
      () => managed.streams.update('JOBS', { max_msgs: 1 }),
      () => managed.streams.purge('JOBS'),
      () => managed.streams.deleteMessage('JOBS', 1),
      () => managed.streams.delete('JOBS'),
      () => managed.consumers.add('JOBS', { durable_name: 'mine', ack_policy: AckPolicy.Explicit }),
      () => managed.consumers.delete('JOBS', 'index'),
    ]
    for (const refusal of refusals) await expect(refusal()).rejects.toThrow(/permissions violation/i)
    expect(await stored(stream, 'JOBS')).toBe(1)
  })

  test('monitoring sees servers and accounts, and no message', async () => {
    const monitoring = await client(plan(), monitoringUser)
    const answer = await monitoring.request('$SYS.REQ.SERVER.PING.JSZ', JSON.stringify({ accounts: true }))
    expect(answer.json()).toMatchObject({ data: { streams: 1, account_details: [{ name: 'events' }] } })
    await expect(monitoring.request('jobs.created', '')).rejects.toThrow(/permissions violation/i)
    const { server } = answer.json<{ server: { id: string } }>()
    await expect(monitoring.request(`$SYS.REQ.SERVER.${server.id}.RELOAD`)).rejects.toThrow(/permissions violation/i)
  })

  test('says nothing to a connection without TLS', async () => {
    const host = await of('events-0', '.status.podIP')
    expect(await inClear(host, nats.port, 'CONNECT {"user":"app","pass":"password-of-app"}\r\nPING\r\n')).not.toMatch(
      /INFO|PONG|ERR/,
    )
    const monitor = await inClear(host, monitorPort, 'GET /varz HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(monitor).toMatch(/^HTTP\/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n$/)
  })

  test('takes over settings, passwords and a new certificate while it runs and clients stay', async () => {
    const before = await of('events-0', '.metadata.uid')
    let reconnects = 0
    void (async () => {
      for await (const { type } of owner.status()) if (type === Events.Reconnect) reconnects++
    })()
    const changed = planOf('events', { parameters: { max_payload: '2MB' }, storage: { size: '512Mi' } })
    const newPasswords = { ...passwords(changed), app: 'another' }
    const renewed = await issue(changed)
    const configMap = nats.objects(changed).filter(({ kind }) => kind === 'ConfigMap')
    await lab.apply([...configMap, loginsSecret(changed, newPasswords), tls(changed, renewed)])
    const settle = async () => nats.settle!([await node(changed, 0, renewed)], changed, newPasswords, soon())
    const first = await settle()
    // Undefined when the kubelet happened to look at the files just then.
    expect([
      `events-0 has not read its new files yet: jetstream.max_file: 214748364 → 429496729, logins, max_payload: default → 2097152`,
      undefined,
    ]).toContain(first.waiting)
    // As the operator does: the kubelet looks at a pod that changes.
    await lab.kubectl('annotate', 'pod', 'events-0', 'refresh=now')
    const news = [...first.changed]
    const done = async () => {
      const { changed: phrases, waiting, outdated } = await settle()
      news.push(...phrases)
      return { waiting, outdated }
    }
    await expect.poll(done, { timeout: 100_000, interval: 500 }).toEqual({ waiting: undefined, outdated: {} })
    expect(news).toContain('max_payload: default → 2097152')
    expect((await client(changed, monitoringUser)).info?.max_payload).toBe(2 * 2 ** 20)
    expect(reconnects).toBe(0)
    const old = await targetOf(plan(), 'events-0', 'app')
    expect(await nats.probe(old, soon())).toMatchObject({ message: 'NATS: Authorization Violation' })
    expect(await nats.probe({ ...old, password: 'another' }, soon())).toMatchObject({ state: 'ready' })
    expect(await of('events-0', '.metadata.uid')).toBe(before)
    expect(await of('events-0', '.status.containerStatuses[*].restartCount')).toBe('0')
  })

  test('comes back with every acknowledged message after a kill, and sends clients away before an orderly stop', async () => {
    const stream = owner.jetstream({ timeout: 1_000 })
    for (let n = 1; n < 50; n++) await stream.publish('jobs.created', String(n))
    await lab.kubectl('delete', 'pod', 'events-0', '--force', '--grace-period=0')
    await ready('events-0')
    await expect.poll(() => stored(stream, 'JOBS').catch(String), { timeout: 30_000 }).toBe(50)

    const told = (async () => {
      for await (const { type } of owner.status()) if (type === Events.LDM) return true
      return false
    })()
    await lab.kubectl('delete', 'pod', 'events-0', '--wait=false')
    expect(await told).toBe(true)
    await lab.kubectl('wait', '--for=delete', 'pod/events-0', '--timeout=40s').catch(() => '')
    await ready('events-0')
    await expect.poll(() => stored(stream, 'JOBS').catch(String), { timeout: 30_000 }).toBe(50)
  })

  test('each rule removes what is older than the spec says and nothing else, on hold nothing, and says so', async () => {
    const subjectsOf: Record<string, [stream: string, subject: string][]> = {
      'domain-events': [
        ['EVENTS_CORE', 'events.core.job.posting.created.1'],
        ['EVENTS_GEOLOCATION', 'events.geolocation.location.preference.created.1'],
        ['EVENTS_TEMPORAL', 'events.temporal.interview.slot.created.1'],
      ],
      'behavior-batches': [['BEHAVIOR', 'behavior.batches.web']],
      'dead-letters': [['DEAD_LETTERS', 'dead_letters.BEHAVIOR.ingest.none.none.behavior.batches.web']],
    }
    const target = await targetOf(plan(), 'events-0', 'owner')
    const spec = { ...plan().store.spec, schema: { name: 'events' as const } }
    const table = Object.entries(rulesOf('events')).map(([rule, { keep }]) => [rule, { keep, hold: false }] as const)
    expect(Object.keys(subjectsOf)).toEqual(table.map(([rule]) => rule))
    /** All rules, those that are not named as the table has them. */
    const stateWith = (changed: Record<string, RetentionOfRule>): RetentionState => ({
      rules: { ...Object.fromEntries(table), ...changed },
      holds: [],
    })
    const planWith = (changed: Record<string, RetentionOfRule>): Plan => {
      const retention = { rules: stateWith(changed).rules, legalHolds: [] }
      return { ...plan(), store: { ...plan().store, spec: { ...spec, retention } } }
    }
    const observe = (changed: Record<string, RetentionOfRule>) => retention.observe(target, planWith(changed), soon())
    const removes = (changed: Record<string, RetentionOfRule>) =>
      retention.removes(target, plan(), stateWith(changed), soon())
    /** @returns what is in force then */
    const bring = async (changed: Record<string, RetentionOfRule>) => {
      await retention.apply(target, plan(), stateWith(changed), soon())
      return observe(changed)
    }

    expect(await observe({})).toBeUndefined()
    const manager = await owner.jetstreamManager()
    const file = readFileSync(join(import.meta.dirname, '../../../migrations/events/000001_streams.json'), 'utf8')
    for (const stream of (JSON.parse(file) as { streams: Stream[] }).streams)
      await manager.streams.add(streamConfig(stream, 1))
    expect(await observe({})).toMatchObject({ ...stateWith({}), oldest: {} })

    const client = owner.jetstream()
    const streams = Object.values(subjectsOf).flat()
    const counts = async () =>
      Object.fromEntries(await Promise.all(streams.map(async ([name]) => [name, await stored(client, name)] as const)))
    // Two that will be too old, with a gap between them.
    for (const [stream, subject] of streams) {
      for (let n = 0; n < 3; n++) await client.publish(subject, String(n))
      await manager.streams.deleteMessage(stream, 2)
    }
    await sleep(11_000)
    const none = Object.fromEntries(table.map(([rule]) => [rule, 0]))
    for (const [rule, own] of Object.entries(subjectsOf)) {
      const short = { [rule]: { keep: '10s', hold: false } }
      const held = { [rule]: { keep: '10s', hold: true } }
      for (const [, subject] of own) await client.publish(subject, 'young')
      const before = await counts()
      expect(await removes({ [rule]: { keep: '1h', hold: false } })).toEqual(none)
      expect(await removes(short)).toEqual({ ...none, [rule]: 2 * own.length })
      expect(await removes(held)).toEqual(none)
      for (const [stream] of own) expect(await manager.consumers.list(stream).next()).toEqual([])

      const onHold = await bring(held)
      expect(onHold).toMatchObject(stateWith(held))
      expect(onHold?.oldest).not.toHaveProperty(rule)
      expect(await counts()).toEqual(before)

      const inForce = await bring(short)
      expect(inForce).toMatchObject(stateWith(short))
      const after = { ...before, ...Object.fromEntries(own.map(([stream]) => [stream, 1])) }
      await expect.poll(counts, { timeout: 5_000 }).toEqual(after)
      expect(Number((await observe(short))?.oldest[rule])).toBeGreaterThan(Number(inForce?.now) - 10_000)

      // The others’ turn comes; what is young stays as long as it did before.
      expect(await bring({})).toMatchObject(stateWith({}))
      expect(await counts()).toEqual(after)
    }

    const events = (keep: string) => ({ 'domain-events': { keep, hold: false } })
    expect(await bring(events('18mo'))).toMatchObject(stateWith(events('18mo')))
    expect(await bring(events('1h'))).toMatchObject(stateWith(events('1h')))
    const { config } = await manager.streams.info('EVENTS_CORE')
    expect(config).toMatchObject({ max_age: 3_600e9, duplicate_window: 3_600e9 })

    // Somebody changes one of the three.
    await manager.streams.update('EVENTS_TEMPORAL', { max_age: 7_200e9 })
    expect(await observe(events('1h'))).toMatchObject(stateWith(events('2h')))
    expect(await bring({})).toMatchObject(stateWith({}))
    expect((await manager.streams.info('EVENTS_CORE')).config).toMatchObject({ duplicate_window: 7_200e9 })
  })
}, 180_000)

describe('three pods', () => {
  const plan = trio
  const pods = ['trio-0', 'trio-1', 'trio-2']

  test('form a cluster, keep to themselves, and go on without any one of them', async () => {
    for (const pod of pods) await ready(pod)
    const targets = await Promise.all(pods.map((pod) => targetOf(plan(), pod, 'operator')))
    for (const target of targets) expect(await nats.probe(target, soon())).toMatchObject({ state: 'ready' })

    const owner = await client(plan(), 'owner')
    const manager = await owner.jetstreamManager()
    await manager.streams.add({ name: 'JOBS', subjects: ['jobs.>'], num_replicas: 3 })
    const stream = owner.jetstream()
    for (let n = 0; n < 20; n++) await stream.publish('jobs.created', String(n))

    const [{ host }] = targets as [Target, ...Target[]]
    const stranger = await issueServerCertificate(authority, [`other.${lab.namespace}.svc`], new Date())
    expect(await inClear(host, routePort, 'CONNECT {}\r\nPING\r\n')).not.toMatch(/INFO|PONG|ERR/)
    expect(await asMember(host)).toBe('')
    expect(await asMember(host, stranger)).toContain('Authorization Violation')

    await lab.kubectl('delete', 'pod', 'trio-2', '--force', '--grace-period=0')
    const publish = () =>
      stream.publish('jobs.created', 'after', { msgID: 'after', timeout: 2_000 }).then(() => 'acknowledged', String)
    await expect.poll(publish, { timeout: 30_000 }).toBe('acknowledged')
    await ready('trio-2')
    const copies = async () => {
      const { cluster, state } = await manager.streams.info('JOBS')
      return [state.messages, ...(cluster?.replicas ?? []).map(({ current }) => current)]
    }
    await expect.poll(copies, { timeout: 30_000 }).toEqual([21, true, true])
  })
}, 240_000)
