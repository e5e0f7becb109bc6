import { Client, type errors } from '@elastic/elasticsearch'
import { X509Certificate } from 'node:crypto'
import { connect as connectTls } from 'node:tls'
import Value from 'typebox/value'
import { beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../../crds/object.ts'
import { DataStoreSpec, type DataStore } from '../../../crds/schema/data-store.ts'
import { createAuthority, issueServerCertificate } from '../../certificates.ts'
import { names } from '../../data-store/names.ts'
import { secret } from '../../secrets.ts'
import { createLab, operatorImage } from '../../testing/lab.ts'
import { surroundings } from '../../testing/platform.ts'
import type { Node, Plan, Target } from '../engine.ts'
import { database, port } from './config.ts'
import { elasticsearch } from './engine.ts'
import { settableNames, staticSettings } from './parameters.ts'
import { retention } from './retention.ts'

/** Real pods from our own objects, under Pod Security restricted. A start takes a quarter of a minute: the tests go on where the ones before left off. */
const lab = await createLab()
let image: string
const authority = await createAuthority('ca', new Date())
const name = 'search'

beforeAll(async () => {
  image = await operatorImage('IMAGE_ELASTICSEARCH')
})

interface Given {
  replicas?: number
  parameters?: Record<string, string>
  ready?: boolean
}

function planOf({ replicas = 1, parameters = {}, ready = false }: Given = {}): Plan {
  const spec = Value.Default(DataStoreSpec, {
    engine: 'elasticsearch',
    replicas,
    parameters,
    storage: { size: '1Gi' },
    resources: { cpu: '20m', memory: '256Mi', memoryLimit: '1Gi' },
  }) as DataStoreSpec
  const store = {
    apiVersion: 'supersmartmatch.io/v1alpha1',
    kind: 'DataStore',
    metadata: { name, namespace: lab.namespace },
    spec,
    ...(ready ? { status: { version: '9' } } : {}),
  } as DataStore
  const identity = { name: 'elasticsearch', instance: name, component: 'database', store: name }
  const common = { caFingerprint: '', readFrom: 'primary', surroundings } as const
  return { store, identity, image, database: database(store), members: replicas, ...common }
}

const passwordOf = (login: string) => `password-of-${login}`
const loginsOf = (plan: Plan) => [
  ...Object.values(elasticsearch.credentials(plan)),
  ...Object.values(elasticsearch.bindingLogins(plan)),
]
const passwordsOf = (plan: Plan) => Object.fromEntries(loginsOf(plan).map((login) => [login, passwordOf(login)]))

function logins(plan: Plan, passwords = passwordsOf(plan)): KubeObject {
  const metadata = { name: names.loginsSecret(name), namespace: lab.namespace, labels: {} }
  return secret(metadata, elasticsearch.loginFiles!(plan, passwords))
}

let shown = ''

async function tls(plan: Plan): Promise<KubeObject> {
  const { certificate, key } = await issueServerCertificate(authority, elasticsearch.serverNames(plan), new Date())
  shown = new X509Certificate(certificate).fingerprint256
  const values = { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authority.certificate }
  return secret({ name: names.tlsSecret(name), namespace: lab.namespace, labels: {} }, values)
}

async function ready(pod: string): Promise<void> {
  const wait = () => lab.kubectl('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=60s').catch(String)
  await expect.poll(wait, { timeout: 540_000, interval: 500 }).toContain('condition met')
}

const startOf = (pod: string) =>
  lab.kubectl('get', 'pod', pod, '--output=jsonpath={.metadata.uid} {.status.containerStatuses[0].restartCount}')

/** The operator's own login at one pod. */
async function admin(pod: string): Promise<Target> {
  return { ...(await loginAt(pod, 'elastic')), database: '' }
}

async function loginAt(pod: string, username: string): Promise<Target> {
  const serverName = `${pod}.${names.headlessService(name)}.${lab.namespace}.svc`
  const login = { username, password: passwordOf(username), database: name, ca: authority.certificate }
  return { host: '127.0.0.1', port: await lab.forward(pod, port), serverName, ...login }
}

async function nodeOf(ordinal: number): Promise<Node> {
  const pod = names.pod(name, ordinal)
  return { name: pod, ordinal, ready: true, target: await admin(pod), certificate: shown }
}

/** As an application would connect: with what is in the binding, but through a forwarded port. */
async function clientOf(login: string, pod = 'search-0'): Promise<Client> {
  const host = `${name}.${lab.namespace}.svc`
  const binding = elasticsearch.binding({ ...(await loginAt(pod, login)), host, port })
  const uri = new URL(binding.uri)
  expect(uri.host).toBe(`${host}:${port}`)
  uri.host = `127.0.0.1:${await lab.forward(pod, port)}`
  return new Client({ node: uri.href, tls: { ca: binding['ca.crt'], servername: binding.host }, maxRetries: 0 })
}

const soon = () => AbortSignal.timeout(60_000)
const statusOf = (answer: Promise<unknown>) =>
  answer.then(
    () => 200,
    (error: errors.ResponseError) => error.statusCode ?? error.name,
  )
const index = `${name}-jobs_v1`

describe('a store of one node', () => {
  test('starts, and answers the operator over verified TLS', async () => {
    const plan = planOf()
    await lab.apply([logins(plan), await tls(plan), ...elasticsearch.objects(plan)])
    await ready('search-0')
    const target = await admin('search-0')
    expect(await elasticsearch.probe(target, soon())).toEqual({
      state: 'ready',
      version: expect.stringMatching(/^9\./) as string,
    })
    expect(await elasticsearch.probe({ ...target, password: 'wrong' }, soon())).toMatchObject({
      state: 'degraded',
      message: /401/,
    })
    const wrongName = { ...target, serverName: 'another.svc' }
    expect(await elasticsearch.probe(wrongName, soon())).toMatchObject({ state: 'degraded', message: /certificate/ })
  })

  test('settles: cluster settings are the spec’s, and the second time there is nothing to do', async () => {
    const nodes = [await nodeOf(0)]
    const plan = planOf()
    const first = await elasticsearch.settle!(nodes, plan, passwordsOf(plan), soon())
    expect(first).toMatchObject({ outdated: {}, changed: [/watermark/, /watermark/, /watermark/] })
    expect(await elasticsearch.settle!(nodes, plan, passwordsOf(plan), soon())).toEqual({ changed: [], outdated: {} })
  })

  test('knows every setting of the table, and takes those that need no restart', async () => {
    const client = await clientOf('elastic')
    const { defaults = {}, persistent } = await client.cluster.getSettings({
      include_defaults: true,
      flat_settings: true,
    })
    const live: Record<string, unknown> = { ...defaults, ...persistent }
    expect(settableNames.filter((setting) => live[setting] === undefined)).toEqual([])
    const dynamic = settableNames.filter((setting) => Object.keys(staticSettings({ [setting]: '' })).length === 0)
    const parameters = Object.fromEntries(dynamic.map((setting) => [setting, String(live[setting])]))
    const all = planOf({ parameters })
    expect(elasticsearch.validate!(all.store)).toEqual([])
    const nodes = [await nodeOf(0)]
    const { changed, waiting } = await elasticsearch.settle!(nodes, all, passwordsOf(all), soon())
    expect(waiting).toBeUndefined()
    expect(changed).toHaveLength(dynamic.length - 3)
    await elasticsearch.settle!(nodes, planOf(), passwordsOf(all), soon())
  })

  test('refuses a connection without TLS before anybody could log in', async () => {
    const plain = `curl --silent --show-error --include --max-time 10 --user elastic:password-of-elastic http://search-0:${port}/ 2>&1 || true`
    const answer = await lab.kubectl('exec', 'search-0', '--', 'sh', '-c', plain)
    expect(answer).toMatch(/^curl: \((52|56)\)/)
    expect(answer).not.toMatch(/HTTP|elastic|cluster/i)
  })

  test('lets the application write and search its own indices, and nothing else', async () => {
    const [owner, app] = [await clientOf('search_owner'), await clientOf('search_app_a')]
    await owner.indices.putIndexTemplate({
      name: 'search-jobs',
      index_patterns: ['search-*'],
      template: { settings: { number_of_replicas: 0 } },
    })
    await owner.indices.create({
      index,
      aliases: { 'search-jobs': {} },
      mappings: { properties: { title: { type: 'text', analyzer: 'english' } } },
    })
    const operations = ['running a bakery', 'baking bread'].flatMap((title, id) => [
      { index: { _index: 'search-jobs', _id: String(id) } },
      { title },
    ])
    expect((await app.bulk({ operations, refresh: true })).errors).toBe(false)
    const found = await app.search({ index: 'search-jobs', query: { match: { title: 'bake' } } })
    expect(found.hits.hits.map(({ _id }) => _id)).toEqual(['1'])
    const pit = await app.openPointInTime({ index: 'search-jobs', keep_alive: '1m' })
    expect(await statusOf(app.closePointInTime({ id: pit.id }))).toBe(200)
    expect((await app.info()).version.number).toMatch(/^9\./)

    expect(await statusOf(app.indices.create({ index: 'search-mine' }))).toBe(403)
    expect(await statusOf(app.indices.delete({ index }))).toBe(403)
    expect(await statusOf(app.index({ index: 'other', document: {} }))).toBe(403)
    expect(await statusOf(app.cluster.putSettings({ persistent: { 'search.max_buckets': 1 } }))).toBe(403)
    expect(await statusOf(owner.indices.create({ index: 'other' }))).toBe(403)
    expect(await statusOf(owner.security.getUser())).toBe(403)
    const monitoring = await clientOf('monitoring')
    expect((await monitoring.indices.stats({ index }))._all.primaries?.docs?.count).toBe(2)
    expect(await statusOf(monitoring.search({ index }))).toBe(403)
  })

  test('drops earlier versions of an index when their time is over, and nothing else', async () => {
    const owner = await clientOf('search_owner')
    const target = await loginAt('search-0', 'search_owner')
    const seen = async () => (await retention.observe(target, planOf(), soon()))!
    const state = (keep: string, hold = false) => ({ rules: { 'retired-indices': { keep, hold } }, holds: [] })
    const bring = (keep: string, hold = false) => retention.apply(target, planOf(), state(keep, hold), soon())
    const removed = (keep: string, hold = false) => retention.removes(target, planOf(), state(keep, hold), soon())
    const marked = (days: number) => ({
      retired_at: new Date(Date.now() - days * 86_400_000).toISOString(),
      keep_days: 7,
    })
    const make = (version: string, _meta: object, aliases = {}) =>
      owner.indices.create({ index: `search-${version}`, mappings: { _meta }, aliases })
    const names = async () =>
      Object.keys(await owner.indices.get({ index: 'search-old*' })).map((one) => one.replace('search-', '')).sort() // prettier-ignore

    expect(await seen()).toMatchObject({ rules: state('7d').rules, oldest: {}, due: [] })
    const oldest = marked(9)
    await make('old_v1', oldest)
    await make('old_v2', marked(3))
    await make('old_v3', marked(9), { 'search-old': {} })
    await make('old_v4', {})
    await make('old_v1_copy', marked(9))
    await owner.index({ index: 'search-old_v2', document: { title: 'x' }, refresh: true })

    const first = await seen()
    expect(first.rules).toEqual(state('7d').rules)
    expect(first.oldest).toEqual({ 'retired-indices': new Date(oldest.retired_at) })
    expect(first.due).toEqual([`search-old_v1 is dropped, retired ${oldest.retired_at}`])
    expect(await removed('7d')).toEqual({ 'retired-indices': 0 })
    expect(await removed('1d')).toEqual({ 'retired-indices': 1 })
    expect(await removed('1d', true)).toEqual({ 'retired-indices': 0 })

    await bring('14d', true)
    expect(await seen()).toMatchObject({ rules: state('14d', true).rules, oldest: {}, due: [] })
    expect(await names()).toContain('old_v1')
    await bring('7d')
    expect(await names()).toEqual(['old_v1_copy', 'old_v2', 'old_v3', 'old_v4'])
    expect(await seen()).toMatchObject({ rules: state('7d').rules, due: [] })
    await bring('2d')
    expect(await names()).toEqual(['old_v1_copy', 'old_v3', 'old_v4'])
    const asApp = retention.apply(await loginAt('search-0', 'search_app_a'), planOf(), state('1d'), soon())
    await expect(asApp).rejects.toThrow(/403/)
    for (const one of await names()) await owner.indices.delete({ index: `search-${one}` })
  })

  test('follows parameters without a restart, and takes back what is no longer in the spec', async () => {
    const before = await startOf('search-0')
    const set = planOf({ parameters: { 'search.max_buckets': '1000', 'logger.org.elasticsearch.discovery': 'DEBUG' } })
    const nodes = [await nodeOf(0)]
    const { changed } = await elasticsearch.settle!(nodes, set, passwordsOf(set), soon())
    expect(changed).toEqual([
      'search.max_buckets: default → 1000',
      'logger.org.elasticsearch.discovery: default → DEBUG',
    ])
    const client = await clientOf('elastic')
    await client.cluster.putSettings({
      persistent: { 'cluster.max_shards_per_node.frozen': 1000 },
      transient: { 'search.max_buckets': 5 },
    })
    const again = await elasticsearch.settle!(nodes, planOf(), passwordsOf(set), soon())
    expect(again.changed).toHaveLength(3)
    const { persistent, transient } = await client.cluster.getSettings({ flat_settings: true })
    expect(Object.keys(persistent).filter((key) => !key.includes('watermark'))).toEqual([
      'cluster.max_shards_per_node.frozen',
    ])
    expect(transient).toEqual({})
    expect(await startOf('search-0')).toBe(before)
  })

  test('takes up another password and a renewed certificate without a restart', async () => {
    const before = await startOf('search-0')
    const plan = planOf()
    const passwords = { ...passwordsOf(plan), search_app_a: 'another' }
    await lab.apply([logins(plan, passwords), await tls(plan)])
    const { outdated = {} } = await elasticsearch.settle!([await nodeOf(0)], plan, passwords, soon())
    expect(Object.keys(outdated)).toEqual(['search-0'])
    await lab.kubectl('annotate', 'pod', 'search-0', `files=${outdated['search-0']}`)
    const settled = async () => elasticsearch.settle!([await nodeOf(0)], plan, passwords, soon())
    await expect.poll(settled, { timeout: 240_000, interval: 1_000 }).toEqual({ changed: [], outdated: {} })
    expect(await statusOf((await clientOf('search_app_a')).info())).toBe(401)
    await expect.poll(() => certificateOf('search-0'), { timeout: 180_000, interval: 500 }).toBe(shown)
    expect(await startOf('search-0')).toBe(before)
    await lab.apply([logins(plan)])
    await lab.kubectl('annotate', '--overwrite', 'pod', 'search-0', 'files=former')
  })
}, 600_000)

async function certificateOf(pod: string): Promise<string> {
  const port9200 = await lab.forward(pod, port)
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port: port9200, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

async function clusterAt(pod: string): Promise<{ uuid: string; nodes: number; documents: number }> {
  const client = await clientOf('elastic', pod)
  const [info, health, count] = [await client.info(), await client.cluster.health(), await client.count({ index })]
  return { uuid: info.cluster_uuid, nodes: health.number_of_nodes, documents: count.count }
}

const slow = process.env['SLOW'] === '1'
// Java takes its time: a minute.
describe.skipIf(!slow)(
  'a store whose size changes',
  () => {
    test('gets a second node, which waits for the first, and that comes back with its data', async () => {
      const before = await clusterAt('search-0')
      const plan = planOf({ replicas: 2, ready: true })
      const template = '--output=jsonpath={.spec.template.metadata.annotations}'
      const annotations = await lab.kubectl('get', 'statefulset', name, template)
      await lab.apply([await tls(plan), ...elasticsearch.objects(plan)])
      expect(await lab.kubectl('get', 'statefulset', name, template)).toBe(annotations)
      // At the same time: the new one finds nobody at first.
      await lab.kubectl('delete', 'pod', 'search-0', '--force', '--grace-period=0')
      for (const pod of ['search-0', 'search-1']) await ready(pod)
      await expect.poll(() => clusterAt('search-0'), { timeout: 180_000 }).toEqual({ ...before, nodes: 2 })
      const nodes = [await nodeOf(0), await nodeOf(1)]
      const settled = () => elasticsearch.settle!(nodes, plan, passwordsOf(plan), soon())
      await expect.poll(settled, { timeout: 180_000 }).toEqual({ changed: [], outdated: {} })
      expect(await lab.kubectl('logs', 'search-0')).not.toMatch(/password-of|AccessDenied|NotEntitled/)
    })

    test('goes back to one node, which then has everything and decides alone', async () => {
      const owner = await clientOf('search_owner')
      const wide = `${name}-wide`
      await owner.indices.create({ index: wide, settings: { number_of_shards: 4, number_of_replicas: 0 } })
      const operations = Array.from({ length: 100 }, (_, id) => [
        { index: { _index: wide, _id: String(id) } },
        { id },
      ]).flat()
      await owner.bulk({ operations, refresh: true })
      const smaller = { ...planOf({ ready: true }), members: 2 }
      const nodes = [await nodeOf(0), await nodeOf(1)]
      expect(await elasticsearch.release!(nodes, smaller, soon())).toContain(wide)
      expect((await elasticsearch.settle!(nodes, smaller, passwordsOf(smaller), soon())).changed).toEqual([])
      await expect
        .poll(() => elasticsearch.release!(nodes, smaller, soon()), { timeout: 180_000, interval: 500 })
        .toBeUndefined()

      const plan = planOf({ ready: true })
      await lab.apply(elasticsearch.objects(plan))
      await lab.kubectl('wait', '--for=delete', 'pod/search-1', '--timeout=300s')
      const settled = () => elasticsearch.settle!(nodes.slice(0, 1), plan, passwordsOf(plan), soon())
      await expect
        .poll(settled, { timeout: 180_000 })
        .toMatchObject({ changed: [expect.stringContaining('exclude._name')] })
      expect((await (await clientOf('search_owner')).count({ index: wide })).count).toBe(100)
      expect(await elasticsearch.probe(await admin('search-0'), soon())).toMatchObject({ state: 'ready' })
    })

    test('a first node that lost its volume joins the others: it begins no cluster of its own', async () => {
      const plan = planOf({ replicas: 3, ready: true })
      await lab.apply([await tls(plan), ...elasticsearch.objects(plan)])
      for (const pod of ['search-1', 'search-2']) await ready(pod)
      const owner = await clientOf('search_owner', 'search-1')
      await owner.indices.putSettings({ index, settings: { number_of_replicas: 1 } })
      await owner.cluster.health({ index, wait_for_status: 'green', timeout: '60s' })
      const before = await clusterAt('search-1')
      await lab.kubectl('delete', 'persistentvolumeclaim', 'data-search-0', '--wait=false')
      await lab.kubectl('delete', 'pod', 'search-0', '--force', '--grace-period=0')
      await expect.poll(() => lab.kubectl('logs', 'search-0').catch(String), { timeout: 300_000 }).toContain('started')
      await expect.poll(() => clusterAt('search-0').catch(String), { timeout: 120_000 }).toEqual(before)
    })
  },
  900_000,
)
