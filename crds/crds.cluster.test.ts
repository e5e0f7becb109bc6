import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ApiException, CustomObjectsApi, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { generatedFiles, kinds } from './generate.ts'
import { objectSchema } from './generator/definition.ts'
import type { StructuralSchema } from './generator/structural.ts'
import { apiVersion, unseenStatus } from './schema/common.ts'
import { isPostgresFamily, isSharded } from './schema/data-store.ts'
import { platformStores, storeNames, type StoreName } from './schema/platform-stores.ts'

const env = { ...process.env, PATH: `${join(import.meta.dirname, '../.local/bin')}:${process.env['PATH'] ?? ''}` }
const kubectl = (args: string[], input?: object) =>
  spawnSync('kubectl', args, { env, encoding: 'utf8', input: input ? JSON.stringify(input) : '' })

function read(args: string[], input?: object): unknown {
  const { status, stdout, stderr } = kubectl([...args, '-o', 'json'], input)
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

function installChart(): void {
  const chart = join(import.meta.dirname, '../charts/matching-crds')
  const where = ['--namespace', 'supersmartmatch-system', '--create-namespace']
  execFileSync('helm', ['upgrade', '--install', 'matching-crds', chart, ...where], { env })
}

interface Definition {
  metadata: { name: string }
  spec: { names: object; versions: { schema: object }[] }
}
const manifests = [...generatedFiles()]
  .filter(([path]) => path.startsWith('crds/manifests/'))
  .map(([, text]) => parse(text) as Definition)

// A namespace that no operator watches: these objects are for the API server alone.
const namespace = `crds-${randomBytes(4).toString('hex')}`

beforeAll(() => {
  const names = manifests.map(({ metadata }) => metadata.name)
  // By the chart, as `make up` does: Helm refuses to take over CRDs that somebody else created.
  if (kubectl(['get', 'crd', ...names]).status !== 0) installChart()
  execFileSync('kubectl', ['wait', '--for=condition=Established', '--timeout=30s', 'crd', ...names], { env })
  execFileSync('kubectl', ['create', 'namespace', namespace], { env })
})
afterAll(() => {
  execFileSync('kubectl', ['delete', 'namespace', namespace, '--wait=false'], { env })
})

describe('installed', () => {
  test.each(manifests)('$metadata.name is what is generated, nothing dropped', (manifest) => {
    const live = read(['get', 'crd', manifest.metadata.name]) as Definition
    // Unequal after a change of crds/schema: `make up` installs the new ones.
    expect(live.spec.versions).toEqual(manifest.spec.versions)
    expect(live.spec.names).toEqual(manifest.spec.names)
  })

  test('short names and the category work', async () => {
    // Right after the first installation discovery lags behind.
    const get = () => kubectl(['get', 'mc,store,supersmartmatch', '-n', namespace])
    await expect.poll(get, { timeout: 60_000 }).toMatchObject({ status: 0 })
  })
})

interface Sample {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace: string }
  spec: object
}

const cluster = (spec: object, name = 'demo'): Sample => ({
  apiVersion,
  kind: 'MatchingCluster',
  metadata: { name, namespace },
  spec,
})
const store = (spec: object, name = 'alone'): Sample => ({
  apiVersion,
  kind: 'DataStore',
  metadata: { name, namespace },
  spec: { engine: 'postgres', schema: { name: 'core' }, ...spec },
})

/** One that holds no schema of ours. */
const events = (spec: object, name = 'events') => store({ engine: 'nats', schema: undefined, ...spec }, name)

/** One of several shards. */
const behavior = (spec: object) => store({ engine: 'clickhouse', schema: undefined, ...spec }, 'behavior')

const config = new KubeConfig()
config.loadFromDefault()
const api = config.makeApiClient(CustomObjectsApi)
const [group = '', version = ''] = apiVersion.split('/')
// As kubectl asks, whose start would take most of the time of some hundred requests.
const strictly = { group, version, namespace, fieldValidation: 'Strict' }
const pluralOf = ({ kind }: Sample) => `${kind.toLowerCase()}s`

const create = async (body: Sample, dryRun?: 'All') =>
  (await api.createNamespacedCustomObject({
    ...strictly,
    plural: pluralOf(body),
    body,
    ...(dryRun ? { dryRun } : {}),
  })) as Sample

/** What the API server would store. */
const accepted = async (object: Sample) => (await create(object, 'All')).spec

/** What the API server would store in place of the object of this name. */
const changed = async ({ spec, ...object }: Sample): Promise<unknown> =>
  api.patchNamespacedCustomObject(
    { ...strictly, plural: pluralOf({ spec, ...object }), name: object.metadata.name, body: { spec }, dryRun: 'All' },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  )

/** What the API server says to a request that it refuses, a line per field. */
async function refusal(request: Promise<unknown>): Promise<string> {
  const error = await request.then(() => undefined).catch((reason: unknown) => reason)
  if (!(error instanceof ApiException)) throw new Error(`not refused: ${String(error)}`)
  const { message, details } = JSON.parse(String(error.body)) as {
    message: string
    details?: { causes?: { field: string; message: string }[] }
  }
  const causes = details?.causes ?? []
  return [...causes.map((cause) => `${cause.field}: ${cause.message}`), message].join('\n')
}

describe('defaults', () => {
  const database = { cpu: '200m', memory: '512Mi', memoryLimit: '1Gi' }

  const common = {
    imagePullSecrets: [],
    networkPolicy: 'Restricted',
    placement: {},
    deletionPolicy: 'Retain',
    updatePolicy: { type: 'Always', windows: [] },
    paused: false,
    hibernate: false,
    retention: { rules: {}, legalHolds: [] },
  }
  const postgres = { replication: 'Synchronous', pgHba: [] }
  const storeDefaults = {
    mode: 'managed',
    shards: 1,
    replicas: 1,
    storage: { size: '2Gi' },
    resources: database,
    parameters: {},
    ...postgres,
  }
  /** Sizes are the profile's. */
  const inPlatform = (name: StoreName) => ({
    ...(name === 'core' ? {} : { enabled: true }),
    mode: 'managed',
    storage: {},
    resources: {},
    parameters: {},
    ...(isPostgresFamily(platformStores[name].engine) ? postgres : {}),
  })

  test('an empty MatchingCluster gets every default', async () => {
    expect(await accepted(cluster({}))).toEqual({
      profile: 'small',
      stores: Object.fromEntries(storeNames.map((name) => [name, inPlatform(name)])),
      tls: {},
      pooling: {
        parameters: {},
        databases: {},
        users: {},
        resources: { cpu: '50m', memory: '64Mi', memoryLimit: '128Mi' },
      },
      services: { core: { replicas: 1, resources: { cpu: '100m', memory: '192Mi', memoryLimit: '384Mi' } } },
      images: {},
      ...common,
    })
  })

  test('a given field leaves the defaults of its neighbours', async () => {
    const spec = { stores: { core: { resources: { cpu: '1' } } }, pooling: { replicas: 2 } }
    expect(await accepted(cluster(spec))).toMatchObject({
      stores: { core: { storage: {}, resources: { cpu: '1' } } },
      pooling: { replicas: 2, parameters: {} },
    })
  })

  test('a store without a schema needs only its engine', async () => {
    expect(await accepted(events({}))).toEqual({ engine: 'nats', extensions: [], tls: {}, ...storeDefaults, ...common })
  })

  test('a DataStore needs only its engine and its schema', async () => {
    expect(await accepted(store({}))).toEqual({
      engine: 'postgres',
      schema: { name: 'core' },
      extensions: [],
      tls: {},
      ...storeDefaults,
      ...common,
    })
  })
})

/** A rule with a spec it lets pass and one it refuses. `before` is there first when the rule compares with it. */
interface Case {
  field: string
  message: string
  good: Sample
  bad: Sample
  before?: Sample
}

const named = (object: Sample, name: string): Sample => ({ ...object, metadata: { ...object.metadata, name } })
const memory = (memory: string, memoryLimit: string) => ({ resources: { memory, memoryLimit } })
const nameLength = (max: number) => `metadata.name must be at most ${max} characters`
const nameLetters = 'metadata.name must start with a lower-case letter'
const tooSmall = 'size must be at least 256Mi, or the store cannot start'
const limitBelow = 'memoryLimit must be at least memory'
const tooLittle = (least: string) => `memoryLimit must be at least ${least}, or a`
const tooMuch = (most: string) => `must be at most ${most}: no machine has more`
const sameClass = 'storageClass is immutable'
const issuerKind = 'kind must be Issuer or ClusterIssuer'
const windowless = 'updatePolicy.type Window needs at least one window'
const window = { cron: '0 2 * * 6', duration: '4h' }
const notBuilt = (name: string) => `${name} is not built yet: leave it out`
const noEffect = (name: string) => `${name} has no effect with mode external`
const coreStore = (spec: object) => cluster({ stores: { core: spec } })
const external = { mode: 'external', connectionSecretRef: { name: 'theirs' } }
const needsReference = 'mode external needs connectionSecretRef'
const forExternal = 'connectionSecretRef is for mode external'

/** Every store of a platform is held to the same rules, as far as it has the fields. */
// prettier-ignore
function platformStoreCases(name: StoreName): Case[] {
  const one = (spec: object) => cluster({ stores: { [name]: spec } })
  const { engine, least } = platformStores[name]
  const cases: Case[] = [
    { field: `spec.stores.${name}.storage.size`, message: tooSmall, good: one({ storage: { size: '256Mi' } }), bad: one({ storage: { size: '255Mi' } }) },
    { field: `spec.stores.${name}.storage.storageClass`, message: sameClass, before: one({ storage: { size: '1Gi' } }),
    good: one({ storage: { size: '1Gi' }, resources: { cpu: '2' } }), bad: one({ storage: { size: '1Gi', storageClass: 'fast' } }) },
    { field: `spec.stores.${name}.mode`, message: 'mode is immutable', before: one({}), good: one({}), bad: one(external) },
    { field: `spec.stores.${name}.connectionSecretRef`, message: needsReference, good: one(external), bad: one({ mode: 'external' }) },
    { field: `spec.stores.${name}.connectionSecretRef`, message: forExternal, good: one(external), bad: one({ ...external, mode: 'managed' }) },
    { field: `spec.stores.${name}.parameters`, message: noEffect('parameters'), good: one({ parameters: { work_mem: '8MB' } }), bad: one({ ...external, parameters: { work_mem: '8MB' } }) },
    { field: `spec.stores.${name}.pgHba`, message: noEffect('pgHba'), good: one({ pgHba: ['hostssl all all all reject'] }), bad: one({ ...external, pgHba: ['hostssl all all all reject'] }) },
    ...(isSharded(engine) ? [{ field: `spec.stores.${name}.shards`, message: noEffect('shards'), good: one({ shards: 2 }), bad: one({ ...external, shards: 2 }) }] : []),
    { field: `spec.stores.${name}.replicas`, message: noEffect('replicas'), good: one({ replicas: 3 }), bad: one({ ...external, replicas: 3 }) },
    { field: `spec.stores.${name}.replication`, message: noEffect('replication'), good: one({ replication: 'Asynchronous' }), bad: one({ ...external, replication: 'Asynchronous' }) },
    { field: `spec.stores.${name}.storage.storageClass`, message: noEffect('storage.storageClass'), good: one({ storage: { storageClass: 'fast' } }), bad: one({ ...external, storage: { storageClass: 'fast' } }) },
    { field: `spec.stores.${name}.resources.memoryLimit`, message: limitBelow, good: one(memory('1Gi', '1024Mi')), bad: one(memory('1Gi', '1023Mi')) },
    { field: `spec.stores.${name}.resources.cpu`, message: tooMuch('1024'), good: one({ resources: { cpu: '1024' } }), bad: one({ resources: { cpu: '1025' } }) },
    { field: `spec.stores.${name}.storage.size`, message: tooMuch('1Pi'), good: one({ storage: { size: '1Pi' } }), bad: one({ storage: { size: '1025Ti' } }) },
    { field: `spec.stores.${name}.resources.memoryLimit`, message: tooMuch('64Ti'), good: one(memory('1Gi', '64Ti')), bad: one(memory('1Gi', '999999999Ti')) },
    { field: `spec.stores.${name}.resources.memoryLimit`, message: tooLittle(least), good: one(memory('1Mi', least)), bad: one(memory('1Mi', '1Mi')) },
    { field: `spec.stores.${name}.resources.memory`, message: tooMuch('64Ti'), good: one({ resources: { memory: '64Ti' } }), bad: one({ resources: { memory: '65Ti' } }) },
  ]
  const switching: Case = { field: `spec.stores.${name}.enabled`, message: 'a store cannot be switched off', before: one({}), good: one({ enabled: true }), bad: one({ enabled: false }) }
  const postgresOnly = ['pgHba', 'replication'].map((field) => `spec.stores.${name}.${field}`)
  return [...(name === 'core' ? [] : [switching]), ...cases].filter(({ field }) => isPostgresFamily(engine) || !postgresOnly.includes(field))
}

const rule = (name: string) => ({ rules: { [name]: { keep: '90d' } } })
const onHold = (name: string) => ({ rules: { [name]: { hold: true } } })
const held = { legalHolds: [{ subject: '6f1c0b3e-8f43-4c0e-9a55-0d7c5e5b0001', reason: 'case 1' }] }

// prettier-ignore
const clusterCases: Case[] = [
  { field: 'spec.stores.events.replicas', message: 'the events store can only grow, and not from 1 server', before: cluster({}), good: cluster({ profile: 'medium', stores: { events: { replicas: 1 } } }), bad: cluster({ profile: 'medium' }) },
  { field: 'spec.stores.events.replicas', message: 'the events store can only grow', before: cluster({ profile: 'medium' }), good: cluster({ profile: 'large', stores: { events: { replicas: 5 } } }), bad: cluster({ profile: 'small' }) },
  { field: 'spec.stores.behavior.shards', message: 'shards is immutable', before: cluster({}), good: cluster({ stores: { behavior: { shards: 1 } } }), bad: cluster({ stores: { behavior: { shards: 2 } } }) },
  ...storeNames.flatMap(platformStoreCases),
  { field: 'metadata.name', message: nameLength(30), good: cluster({}, 'a'.repeat(30)), bad: cluster({}, 'a'.repeat(31)) },
  { field: 'metadata.name', message: nameLetters, good: cluster({}, 'a-1'), bad: cluster({}, '1-a') },
  { field: 'spec.updatePolicy.windows', message: windowless, good: cluster({ updatePolicy: { type: 'Window', windows: [window] } }), bad: cluster({ updatePolicy: { type: 'Window' } }) },
  { field: 'spec.monitoring', message: notBuilt('monitoring'), good: cluster({}), bad: cluster({ monitoring: { a: 1 } }) },
  { field: 'spec.retention.rules', message: 'retention.rules names a rule that there is not; <store>.<rule>: core has job-applications', good: cluster({ retention: rule('core.sessions') }), bad: cluster({ retention: rule('sessions') }) },
  { field: 'spec.retention.rules', message: 'retention.rules: no hold on keys of the cache', good: cluster({ retention: onHold('core.sessions') }), bad: cluster({ retention: onHold('cache.sessions') }) },
  { field: 'spec.tls.issuerRef.kind', message: issuerKind, good: cluster({ tls: { issuerRef: { name: 'ca', kind: 'ClusterIssuer' } } }), bad: cluster({ tls: { issuerRef: { name: 'ca', kind: 'Other' } } }) },
  { field: 'spec.pooling.resources.cpu', message: tooMuch('1024'), good: cluster({ pooling: { resources: { cpu: '1024000m' } } }), bad: cluster({ pooling: { resources: { cpu: '99999999999999999999' } } }) },
  { field: 'spec.services.core.resources.memoryLimit', message: tooMuch('64Ti'), good: cluster({ services: { core: memory('1Gi', '64Ti') } }), bad: cluster({ services: { core: memory('1Gi', '65Ti') } }) },
  { field: 'spec.services.core.resources.cpu', message: tooMuch('1024'), good: cluster({ services: { core: { resources: { cpu: '1k' } } } }), bad: cluster({ services: { core: { resources: { cpu: '2k' } } } }) },
  { field: 'spec.pooling.resources.memoryLimit', message: tooMuch('64Ti'), good: cluster({ pooling: memory('1Gi', '64Ti') }), bad: cluster({ pooling: memory('1Gi', '65Ti') }) },
  { field: 'spec.pooling.resources.memoryLimit', message: limitBelow, good: cluster({ pooling: memory('1G', '1Gi') }), bad: cluster({ pooling: memory('1Gi', '1G') }) },
  { field: 'spec.services.core.resources.memoryLimit', message: limitBelow, good: cluster({ services: { core: memory('0.5Gi', '512Mi') } }), bad: cluster({ services: { core: memory('513Mi', '0.5Gi') } }) },
  { field: 'spec.pooling.resources.memoryLimit', message: tooLittle('32Mi'), good: cluster({ pooling: memory('16Mi', '32Mi') }), bad: cluster({ pooling: memory('16Mi', '16Mi') }) },
  { field: 'spec.services.core.resources.memoryLimit', message: tooLittle('192Mi'), good: cluster({ services: { core: memory('64Mi', '192Mi') } }), bad: cluster({ services: { core: memory('64Mi', '128Mi') } }) },
]

// prettier-ignore
const storeCases: Case[] = [
  { field: 'metadata.name', message: nameLength(45), good: store({}, 'a'.repeat(45)), bad: store({}, 'a'.repeat(46)) },
  { field: 'metadata.name', message: nameLetters, good: store({}, 'b'), bad: store({}, 'b.c') },
  { field: 'spec.engine', message: 'engine is immutable', before: store({}), good: store({}), bad: store({ engine: 'timescale', schema: { name: 'temporal' } }) },
  { field: 'spec.schema', message: 'schema.name is immutable', before: store({}), good: store({}), bad: store({ schema: { name: 'vault' } }) },
  { field: 'spec.schema', message: 'schema is missing: engine postgres or timescale needs one', good: store({}), bad: store({ schema: undefined }) },
  { field: 'spec.schema.name', message: 'schema.name does not go with this engine', good: store({ engine: 'timescale', schema: { name: 'temporal' } }), bad: store({ schema: { name: 'temporal' } }) },
  { field: 'spec.version', message: 'version is none of those supported: postgres 17; timescale 17', good: store({ version: '17' }), bad: store({ version: '16' }) },
  { field: 'spec.version', message: 'version is none of those supported: ', good: store({ engine: 'elasticsearch', schema: undefined, version: '9' }), bad: store({ engine: 'elasticsearch', schema: undefined, version: '8' }) },
  { field: 'spec.shards', message: noEffect('shards'), good: store({}), bad: store({ ...external, shards: 2 }) },
  { field: 'spec.shards', message: 'shards has no effect with this engine', good: store({ shards: 1 }), bad: store({ shards: 2 }) },
  { field: 'spec.shards', message: 'shards is immutable with engine clickhouse', before: behavior({ shards: 2 }), good: behavior({ shards: 2, replicas: 2 }), bad: behavior({ shards: 3 }) },
  { field: 'spec.schema', message: 'schema cannot be taken away', before: events({ schema: { name: 'events' } }), good: events({ schema: { name: 'events' } }), bad: events({ schema: null }) },
  { field: 'spec.pgHba', message: 'pgHba has no effect with this engine', good: events({}), bad: events({ pgHba: ['hostssl all all all reject'] }) },
  { field: 'spec.extensions', message: 'extensions has no effect with this engine', good: events({}), bad: events({ extensions: ['hstore'] }) },
  { field: 'spec.replication', message: 'replication has no effect with this engine', good: events({}), bad: events({ replication: 'Asynchronous' }) },
  { field: 'spec.replicas', message: 'replicas of a nats store can only grow', before: events({ replicas: 3 }), good: events({ replicas: 5 }), bad: events({ replicas: 1 }) },
  { field: 'spec.replicas', message: 'replicas of a nats store can only grow, and not from 1', before: events({}), good: events({}), bad: events({ replicas: 3 }) },
  { field: 'spec.storage.size', message: tooSmall, good: store({ storage: { size: '1G' } }), bad: store({ storage: { size: '1k' } }) },
  { field: 'spec.storage.storageClass', message: sameClass, before: store({ storage: { storageClass: 'fast' } }), good: store({ storage: { storageClass: 'fast' } }), bad: store({ storage: { storageClass: 'slow' } }) },
  { field: 'spec.mode', message: 'mode is immutable', before: store({}), good: store({}), bad: store(external) },
  { field: 'spec.connectionSecretRef', message: needsReference, good: store(external), bad: store({ mode: 'external' }) },
  { field: 'spec.connectionSecretRef', message: forExternal, good: store(external), bad: store({ ...external, mode: 'managed' }) },
  { field: 'spec.parameters', message: noEffect('parameters'), good: store({ parameters: { work_mem: '8MB' } }), bad: store({ ...external, parameters: { work_mem: '8MB' } }) },
  { field: 'spec.pgHba', message: noEffect('pgHba'), good: store({ pgHba: ['hostssl all all all reject'] }), bad: store({ ...external, pgHba: ['hostssl all all all reject'] }) },
  { field: 'spec.replicas', message: noEffect('replicas'), good: store({ replicas: 3 }), bad: store({ ...external, replicas: 3 }) },
  { field: 'spec.replication', message: noEffect('replication'), good: store({ replication: 'Asynchronous' }), bad: store({ ...external, replication: 'Asynchronous' }) },
  { field: 'spec.storage.storageClass', message: noEffect('storage.storageClass'), good: store({ storage: { storageClass: 'fast' } }), bad: store({ ...external, storage: { storageClass: 'fast' } }) },
  { field: 'spec.image', message: noEffect('image'), good: store({ image: 'example.com/postgres:1' }), bad: store({ ...external, image: 'example.com/postgres:1' }) },
  { field: 'spec.updatePolicy.type', message: noEffect('updatePolicy.type'), good: store({ updatePolicy: { type: 'OnApproval' } }), bad: store({ ...external, updatePolicy: { type: 'OnApproval' } }) },
  { field: 'spec.hibernate', message: noEffect('hibernate'), good: store({ hibernate: true }), bad: store({ ...external, hibernate: true }) },
  { field: 'spec.tls.issuerRef', message: noEffect('tls.issuerRef'), good: store({ tls: { issuerRef: { name: 'ca' } } }), bad: store({ ...external, tls: { issuerRef: { name: 'ca' } } }) },
  { field: 'spec.tls.issuerRef', message: 'caSecret and issuerRef exclude each other', good: store({ tls: { caSecret: 'own' } }), bad: store({ tls: { caSecret: 'own', issuerRef: { name: 'ca' } } }) },
  { field: 'spec.tls.issuerRef.kind', message: issuerKind, good: store({ tls: { issuerRef: { name: 'ca', kind: 'Issuer' } } }), bad: store({ tls: { issuerRef: { name: 'ca', kind: 'Other' } } }) },
  { field: 'spec.updatePolicy.windows', message: windowless, good: store({ updatePolicy: { type: 'Window', windows: [window] } }), bad: store({ updatePolicy: { type: 'Window' } }) },
  ...['credentials', 'backup', 'monitoring'].map((name) => ({ field: `spec.${name}`, message: notBuilt(name), good: store({}), bad: store({ [name]: { a: 1 } }) })),
  { field: 'spec.retention.rules', message: 'retention.rules names a rule that the store does not have: core has job-applications', good: store({ retention: rule('sessions') }), bad: store({ retention: rule('user-metrics') }) },
  { field: 'spec.retention.rules', message: 'retention.rules names a rule that the store does not have', good: events({ schema: { name: 'events' }, retention: rule('dead-letters') }), bad: events({ retention: rule('dead-letters') }) },
  { field: 'spec.retention.rules', message: 'retention.rules: no hold on keys of the cache', good: store({ retention: onHold('sessions') }), bad: store({ engine: 'redis', schema: undefined, retention: onHold('sessions') }) },
  { field: 'spec.retention.legalHolds', message: 'retention.legalHolds has no effect here', good: store({ retention: held }), bad: store({ schema: { name: 'vault' }, retention: held }) },
  { field: 'spec.storage.size', message: tooMuch('1Pi'), good: store({ storage: { size: '1Pi' } }), bad: store({ storage: { size: '2Pi' } }) },
  { field: 'spec.resources.cpu', message: tooMuch('1024'), good: store({ resources: { cpu: '1024' } }), bad: store({ resources: { cpu: '1024.5' } }) },
  { field: 'spec.resources.memoryLimit', message: tooMuch('64Ti'), good: store(memory('1Gi', '64Ti')), bad: store(memory('1Gi', '65Ti')) },
  { field: 'spec.resources.memoryLimit', message: limitBelow, good: store(memory('1Gi', '2Gi')), bad: store(memory('3Gi', '2Gi')) },
  { field: 'spec.resources.memoryLimit', message: tooLittle('256Mi'), good: store(memory('64Mi', '256Mi')), bad: store(memory('64Mi', '64Mi')) },
]

describe.each([
  ['MatchingCluster', clusterCases],
  ['DataStore', storeCases],
])('rules of %s', (kind, cases) => {
  test.each(cases)('$field: $message', async ({ field, message, good, bad, before }) => {
    const name = `rule-${randomBytes(4).toString('hex')}`
    if (before) await create(named(before, name))
    const dryRun = (object: Sample) => (before ? changed(named(object, name)) : accepted(object))
    await dryRun(good)
    const said = await refusal(dryRun(bad))
    expect(said.replaceAll(/Invalid value: ("[^"]*"|{.*}|true|false): /g, 'Invalid value: ')).toContain(
      `${field}: Invalid value: ${message}`,
    )
  })

  test('every rule has a case', () => {
    const source = kinds.find((candidate) => candidate.kind === kind)
    const wanted = source ? messagesOf(objectSchema(source), '') : []
    const missing = wanted.filter((rule) => !cases.some((c) => rule.startsWith(`${c.field}: ${c.message}`)))
    expect(wanted.length).toBeGreaterThan(5)
    expect(missing).toEqual([])
  })
})

/** `field: message` of every rule in a schema. */
function messagesOf(schema: StructuralSchema, path: string): string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map((rule) =>
    `${path}${rule.fieldPath ?? ''}: ${rule.message}`.replace(/^\./, ''),
  )
  const below = Object.entries(schema.properties ?? {}).map(([name, child]) => messagesOf(child, `${path}.${name}`))
  return [...own, ...below.flat()]
}

// prettier-ignore
test.each([
  ['spec.pooling.replicas',           cluster({ pooling: { replicas: 0 } }),                         'should be greater than or equal to 1'],
  ['spec.services.core.replicas',     cluster({ services: { core: { replicas: 51 } } }),             'should be less than or equal to 50'],
  ['spec.stores.core.storage.size',   coreStore({ storage: { size: 'big' } }),                       'should match'],
  ['spec.stores.core.resources.cpu',  coreStore({ resources: { cpu: '-1' } }),                       'should match'],
  ['spec.images.postgres',            cluster({ images: { postgres: '' } }),                         'should be at least 1 chars long'],
  ['spec.pooling.parameters.verbose', cluster({ pooling: { parameters: { verbose: 1 } } }),          'must be of type string'],
  ['spec.engine',                     store({ engine: 'mysql' }),                                    'supported values: "postgres"'],
  ['spec.binding.port',               store({ binding: { host: 'pooler' } }),                        'Required value'],
  ['spec.deletionPolicy',             store({ deletionPolicy: 'Keep' }),                             'supported values: "Retain"'],
  ['spec.storageClass',               store({ storageClass: 'fast' }),                               'unknown field'],
])('%s is limited', async (field, object, message) => {
  const said = await refusal(accepted(object))
  const line = said.split('\n').find((candidate) => candidate.includes(field) && candidate.includes(message))
  expect(line, said).toBeDefined()
})

test('status is a subresource, and kubectl prints the Ready condition', () => {
  read(['apply', '-f', '-'], cluster({}, 'printed'))
  const lastTransitionTime = new Date().toISOString()
  const ready = { type: 'Ready', status: 'False', reason: 'NotReady', message: 'because', lastTransitionTime }
  const status = { observedGeneration: 1, phase: 'Creating', storesReady: '0/1', stores: {}, conditions: [ready] }
  const patch = (...args: string[]) =>
    kubectl(['patch', 'mc/printed', '-n', namespace, '--type=merge', `-p=${JSON.stringify({ status })}`, ...args])

  patch()
  expect(read(['get', 'mc/printed', '-n', namespace])).toMatchObject({ status: unseenStatus })
  expect(patch('--subresource=status')).toMatchObject({ status: 0, stderr: '' })
  const printed = kubectl(['get', 'mc/printed', '-n', namespace, '-o', 'wide', '--no-headers']).stdout.split(/\s+/)
  expect(printed).toEqual(['printed', 'False', 'NotReady', '0/1', expect.stringMatching(/^\d+s$/), 'because', ''])
})
