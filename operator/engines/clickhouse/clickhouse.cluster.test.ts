import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { X509Certificate } from 'node:crypto'
import { Readable } from 'node:stream'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Binding } from '../../../crds/binding.ts'
import type { KubeObject } from '../../../crds/object.ts'
import { DataStoreSpec } from '../../../crds/schema/data-store.ts'
import { createAuthority, issueServerCertificate } from '../../certificates.ts'
import { names } from '../../data-store/names.ts'
import { secret } from '../../secrets.ts'
import { createLab, operatorImage } from '../../testing/lab.ts'
import { surroundings } from '../../testing/platform.ts'
import type { Node, Plan, Target } from '../engine.ts'
import { ask } from './client.ts'
import { clickhouse } from './engine.ts'
import { settings } from './parameters.ts'

/** One real pod from our own objects, under Pod Security restricted, talked to with ClickHouse's own client. */
const lab = await createLab()
const authority = await createAuthority('ca', new Date())
const name = 'behavior'
const logins = ['admin', 'monitoring', 'supersmartmatch_behavior_owner', 'supersmartmatch_behavior_app_a']
const [, , owner = '', app = ''] = logins
const passwords = Object.fromEntries(logins.map((login) => [login, `password-of-${login}`]))
const soon = () => AbortSignal.timeout(10_000)
const clients: ClickHouseClient[] = []
/** What goes wrong is seen by the test. */
const quiet = { level: ClickHouseLogLevel.OFF }

let image: string
let port: number

function planOf(given: object = {}): Plan {
  const spec = Value.Default(DataStoreSpec, {
    engine: 'clickhouse',
    storage: { size: '512Mi' },
    resources: { cpu: '10m', memory: '384Mi', memoryLimit: '768Mi' },
    ...given,
  }) as DataStoreSpec
  const metadata = { name, namespace: lab.namespace }
  const identity = { name: 'clickhouse', instance: name, component: 'database', store: name }
  const store = { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'DataStore', metadata, spec }
  const database = 'supersmartmatch_behavior'
  return { store, identity, image, database, caFingerprint: '', members: 1, readFrom: 'primary', surroundings }
}

const secretOf = (secretName: string, values: Record<string, string>): KubeObject =>
  secret({ name: secretName, namespace: lab.namespace, labels: {} }, values)

async function certificate(): Promise<KubeObject> {
  const pair = await issueServerCertificate(authority, clickhouse.serverNames(planOf()), new Date())
  const values = { 'tls.crt': pair.certificate, 'tls.key': pair.key, 'ca.crt': authority.certificate }
  return secretOf(names.tlsSecret(name), values)
}

const loginsOf = (plan: Plan, known = passwords) =>
  secretOf(names.loginsSecret(name), clickhouse.loginFiles?.(plan, known) ?? {})

function target(username = 'admin', password = passwords[username] ?? ''): Target {
  const serverName = `${name}.${lab.namespace}.svc`
  const { certificate: ca } = authority
  return { host: '127.0.0.1', port, serverName, ca, username, password, database: 'default' }
}

const node = (certificateFingerprint = ''): Node => ({
  name: `${name}-0`,
  ordinal: 0,
  ready: true,
  target: target(),
  certificate: certificateFingerprint,
})

/** What a service has: the binding and nothing else. Here the host leads to the pod by way of a port of this machine. */
function clientOf(username: string, password = passwords[username] ?? ''): ClickHouseClient {
  const host = `${name}.${lab.namespace}.svc`
  const binding: Binding = clickhouse.binding({ ...target(username, password), host, database: planOf().database })
  const url = new URL(binding.uri)
  url.hostname = 'localhost'
  const client = createClient({ url, tls: { ca_cert: Buffer.from(binding['ca.crt']) }, log: quiet })
  clients.push(client)
  return client
}

async function ready(): Promise<void> {
  // A pod that is not there yet cannot be waited for: ask again.
  const wait = () => lab.kubectl('wait', '--for=condition=Ready', `pod/${name}-0`, '--timeout=60s')
  await vi.waitFor(wait, { timeout: 90_000, interval: 200 })
  port = await lab.forward(`${name}-0`, clickhouse.port)
}

/** The kubelet looks at mounted files when the pod changes, which is what the operator makes it do. */
async function settled(plan: Plan, known = passwords, fingerprint = ''): Promise<void> {
  await lab.kubectl('annotate', 'pod', `${name}-0`, '--overwrite', `refresh=${Date.now()}`)
  const look = () => clickhouse.settle!([node(fingerprint)], plan, known, soon()).catch(String)
  await expect.poll(look, { timeout: 100_000, interval: 500 }).toEqual({ changed: [], outdated: {} })
}

const restarts = () =>
  lab.kubectl('get', 'pod', `${name}-0`, '--output=jsonpath={.status.containerStatuses[*].restartCount}')

beforeAll(async () => {
  image = await operatorImage('IMAGE_CLICKHOUSE')
  await lab.apply([await certificate(), loginsOf(planOf()), ...clickhouse.objects(planOf())])
  await ready()
  expect(await clickhouse.settle!([node()], planOf(), passwords, soon())).toMatchObject({
    changed: [`database supersmartmatch_behavior created on ${name}-0`],
    outdated: {},
  })
}, 180_000)
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()))
})

describe('a store', () => {
  test('answers each of its logins over verified TLS, and nobody else', async () => {
    for (const login of logins) {
      expect(await clickhouse.probe(target(login), soon())).toMatchObject({
        state: 'ready',
        version: expect.stringMatching(/^26\./) as string,
      })
    }
    const refused = { state: 'degraded', message: expect.stringContaining('Authentication failed') as string }
    expect(await clickhouse.probe(target('admin', 'wrong'), soon())).toEqual(refused)
    expect(await clickhouse.probe(target('default', ''), soon())).toEqual(refused)
    expect(await clickhouse.probe(target('probe', ''), soon())).toEqual(refused)
    const stranger = await createAuthority('stranger', new Date())
    const unverified = { ...target(), ca: stranger.certificate }
    expect(await clickhouse.probe(unverified, soon())).toMatchObject({
      state: 'degraded',
      message: expect.stringContaining('certificate') as string,
    })
    expect(await lab.kubectl('logs', `${name}-0`)).not.toMatch(/password-of|error/i)
  })

  test('tells nothing to who does not speak TLS', async () => {
    const request = 'GET /?user=admin&password=password-of-admin&query=SELECT+1 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'
    const plain = `exec 3<>/dev/tcp/127.0.0.1/${clickhouse.port}; printf '${request}' >&3; timeout 5 cat <&3 | od -c`
    expect(await lab.kubectl('exec', `${name}-0`, '--', 'bash', '-c', plain)).not.toMatch(/H   T   T   P/)
  })

  test('lets the owner change structure, the app only use it, and monitoring only look', async () => {
    const [asOwner, asApp, asMonitoring] = [clientOf(owner), clientOf(app), clientOf('monitoring')]
    await asOwner.command({ query: 'CREATE TABLE rights (id UInt64) ENGINE = MergeTree ORDER BY id' })
    await asApp.insert({ table: 'rights', values: [{ id: '1' }], format: 'JSONEachRow' })
    expect(await (await asApp.query({ query: 'SELECT id FROM rights', format: 'JSONEachRow' })).json()).toEqual([
      { id: 1 },
    ])
    const denied = { code: '497' }
    await expect(asApp.command({ query: 'DROP TABLE rights' })).rejects.toMatchObject(denied)
    await expect(asApp.command({ query: `CREATE TABLE mine (id UInt8) ENGINE = Memory` })).rejects.toMatchObject(denied)
    await expect(asOwner.command({ query: 'CREATE DATABASE another' })).rejects.toMatchObject(denied)
    await expect(asMonitoring.query({ query: 'SELECT * FROM rights' })).rejects.toMatchObject(denied)
    await expect(asApp.query({ query: `SELECT * FROM file('/etc/passwd', 'LineAsString')` })).rejects.toMatchObject(
      denied,
    )
    const parts = await asMonitoring.query({
      query: `SELECT count() AS n FROM system.parts WHERE table = 'rights'`,
      format: 'JSONEachRow',
    })
    expect(await parts.json()).toEqual([{ n: 1 }])
  })
})

describe('ClickHouse’s own client', () => {
  let client: ClickHouseClient
  beforeAll(() => {
    client = clientOf(owner)
  })
  const rowsOf = async (query: string, parameters: Record<string, unknown> = {}) =>
    (await client.query({ query, query_params: parameters, format: 'JSONEachRow' })).json()

  test('pings, and its query parameters are values and never SQL', async () => {
    expect(await client.ping({ select: true })).toEqual({ success: true })
    const parameters = { text: `it's\t"\\ {x}`, list: [1, 2], when: new Date('2026-01-02T03:04:05Z') }
    const query = 'SELECT {text:String} AS text, {list:Array(UInt8)} AS list, {when:DateTime} AS at'
    expect(await rowsOf(query, parameters)).toEqual([
      { text: parameters.text, list: [1, 2], at: '2026-01-02 03:04:05' },
    ])
  })

  test('makes tables and a materialized view, and inserts rows, a stream and a compressed body', async () => {
    await client.command({
      query: 'CREATE TABLE events (at DateTime, kind LowCardinality(String), n UInt32) ENGINE = MergeTree ORDER BY at',
    })
    await client.command({
      query: 'CREATE TABLE totals (kind String, n UInt64) ENGINE = SummingMergeTree ORDER BY kind',
    })
    await client.command({
      query: 'CREATE MATERIALIZED VIEW totals_view TO totals AS SELECT kind, sum(n) AS n FROM events GROUP BY kind',
    })
    const summary = await client.insert({
      table: 'events',
      values: [
        { at: 1, kind: `a;'b`, n: 2 },
        { at: 2, kind: 'b', n: 3 },
      ],
      format: 'JSONEachRow',
    })
    expect(summary.summary).toMatchObject({ written_rows: '4' })
    const stream = Readable.from(Array.from({ length: 1_000 }, (_, n) => ({ at: n, kind: 'c', n: 1 })))
    await client.insert({ table: 'events', values: stream, format: 'JSONEachRow' })
    const zipped = createClient({
      url: clientUrl(),
      tls: { ca_cert: Buffer.from(authority.certificate) },
      compression: { request: true, response: true },
    })
    clients.push(zipped)
    await zipped.insert({ table: 'events', values: [{ at: 3, kind: 'z', n: 9 }], format: 'JSONEachRow' })
    await client.command({ query: `INSERT INTO events VALUES (4, 'v', 1), (5, 'v;', 2)` })
    await client.command({ query: `INSERT INTO events (kind, n) SELECT 's', 7` })
    const query = 'SELECT kind, sum(n) AS n FROM totals GROUP BY kind ORDER BY kind'
    const found = [
      ["a;'b", 2],
      ['b', 3],
      ['c', 1000],
      ['s', 7],
      ['v', 1],
      ['v;', 2],
      ['z', 9],
    ]
    expect(await (await zipped.query({ query, format: 'JSONCompactEachRow' })).json()).toEqual(found)
    expect(await (await client.query({ query, format: 'JSON' })).json()).toMatchObject({ rows: 7 })
  })

  test('gets errors with their codes, also in the middle of a result', async () => {
    await expect(rowsOf('SELECT * FROM nowhere')).rejects.toMatchObject({ code: '60', type: 'UNKNOWN_TABLE' })
    await expect(rowsOf('SELEC 1')).rejects.toMatchObject({ code: '62', type: 'SYNTAX_ERROR' })
    await expect(rowsOf('SELECT 1; SELECT 2')).rejects.toMatchObject({ code: '62' })
    await expect(client.insert({ table: 'events', values: [{ n: 'x' }], format: 'JSONEachRow' })).rejects.toMatchObject(
      { code: '27' },
    )
    const late = 'SELECT throwIf(number = 50000) FROM numbers(100000) SETTINGS max_block_size = 1000'
    await expect(rowsOf(late)).rejects.toMatchObject({ code: '395' })
    // GET reads only.
    expect(await ask(target(owner), `SELECT 'still there'`, soon())).toMatchObject({ text: 'still there\n' })
  })

  test('reads a large result as it comes, and may leave early', async () => {
    const select = {
      query: 'SELECT number, toString(number) AS text FROM numbers(300000)',
      format: 'JSONEachRow',
    } as const
    let rows = 0
    for await (const part of (await client.query(select)).stream()) rows += part.length
    expect(rows).toBe(300_000)
    const left = (await client.query({ ...select, query: 'SELECT number FROM numbers(1000000000000)' })).stream()
    for await (const part of left) if (part.length > 0) break
    expect(await client.ping({ select: true })).toEqual({ success: true })
  })

  test('keeps a session: temporary tables and settings, apart from others', async () => {
    const one = { session_id: 'one' }
    await client.command({ query: 'CREATE TEMPORARY TABLE seen (id UInt8)', ...one })
    await client.command({ query: 'INSERT INTO seen VALUES (7)', ...one })
    await expect(client.query({ query: 'SELECT nonsense', ...one })).rejects.toThrow()
    expect(await (await client.query({ query: 'SELECT id FROM seen', format: 'JSONEachRow', ...one })).json()).toEqual([
      { id: 7 },
    ])
    await expect(rowsOf('SELECT id FROM seen')).rejects.toMatchObject({ code: '60' })
    const settings = { max_threads: 3, max_block_size: '1234' }
    const query = `SELECT getSetting('max_threads') AS threads, getSetting('max_block_size') AS block`
    expect(await (await client.query({ query, clickhouse_settings: settings, format: 'JSONEachRow' })).json()).toEqual([
      { threads: 3, block: 1234 },
    ])
  })

  function clientUrl(): string {
    const password = encodeURIComponent(passwords[owner] ?? '')
    return `https://${owner}:${password}@localhost:${port}/supersmartmatch_behavior`
  }
})

describe('while it runs', () => {
  test('it takes over settings and logins without a restart', async () => {
    const plan = planOf({ parameters: { max_threads: '7', mark_cache_size: '20000000' } })
    const template = (of: Plan) => JSON.stringify(clickhouse.objects(of).find(({ kind }) => kind === 'StatefulSet'))
    expect(template(plan)).toBe(template(planOf()))
    const before = await clickhouse.settle!([node()], plan, passwords, soon())
    expect(before).toMatchObject({ changed: [], waiting: `${name}-0 does not have its new settings or logins yet` })
    expect(Object.keys(before.outdated ?? {})).toEqual([`${name}-0`])

    const changed = { ...passwords, [app]: 'another' }
    await lab.apply([loginsOf(plan, changed), ...clickhouse.objects(plan)])
    await settled(plan, changed)
    const threads = `SELECT getSetting('max_threads')`
    expect((await ask(target(app, 'another'), threads, soon())).text).toBe('7\n')
    expect((await ask(target(), threads, soon())).text).not.toBe('7\n')
    const server = `SELECT value FROM system.server_settings WHERE name = 'mark_cache_size'`
    expect((await ask(target(), server, soon())).text).toBe('20000000\n')
    await expect(ask(target(app), threads, soon())).rejects.toThrow('Authentication failed')
    expect(await restarts()).toBe('0')
    await lab.apply([loginsOf(planOf()), ...clickhouse.objects(planOf())])
    await settled(planOf())
  })

  test('it shows a renewed certificate without a restart', async () => {
    const renewed = await certificate()
    await lab.apply([renewed])
    const pem = Buffer.from((renewed['data'] as Record<string, string>)['tls.crt'] ?? '', 'base64')
    await settled(planOf(), passwords, new X509Certificate(pem).fingerprint256)
    expect(await restarts()).toBe('0')
  })

  test('it comes back with its data after a kill, and when all but volume and Secrets was deleted', async () => {
    const { database } = planOf()
    await ask(
      target(),
      `CREATE TABLE ${database}.kept ENGINE = MergeTree ORDER BY n AS SELECT number AS n FROM numbers(1000)`,
      soon(),
    )
    const kept = async () => (await ask(target(), `SELECT count() FROM ${database}.kept`, soon())).text
    await lab.kubectl('delete', 'pod', `${name}-0`, '--force', '--grace-period=0')
    await ready()
    expect(await kept()).toBe('1000\n')

    for (const { kind, metadata } of clickhouse.objects(planOf())) await lab.kubectl('delete', kind, metadata.name)
    await lab.kubectl('wait', '--for=delete', `pod/${name}-0`, '--timeout=90s')
    await lab.apply(clickhouse.objects(planOf()))
    await ready()
    expect(await kept()).toBe('1000\n')
    expect(await clickhouse.settle!([node()], planOf(), passwords, soon())).toEqual({ changed: [], outdated: {} })
  })
}, 180_000)

test('every setting that may be set is there, of the type and with the change that the reference says', async () => {
  const queries = [
    `SELECT 'server', name, type, changeable_without_restart = 'Yes' ? 'reload' : 'restart' FROM system.server_settings WHERE NOT is_obsolete`,
    `SELECT 'merge_tree', 'merge_tree.' || name, type, 'restart' FROM system.merge_tree_settings WHERE NOT is_obsolete`,
    `SELECT 'profile', name, type, 'reload' FROM system.settings WHERE NOT is_obsolete`,
  ]
  const answers = await Promise.all(queries.map((query) => ask(target(), query, soon())))
  const rows = answers.flatMap(({ text }) => text.trim().split('\n').map((line) => line.split('\t'))) // prettier-ignore
  const known = new Map(rows.map(([scope, setting, type, change]) => [`${scope} ${setting}`, { scope, type, change }]))
  const differing = [...settings].filter(([setting, found]) => {
    return JSON.stringify(known.get(`${found.scope} ${setting}`)) !== JSON.stringify(found)
  })
  expect(differing).toEqual([])
})
