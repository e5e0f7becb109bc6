import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../crds/object.ts'
import { apiVersion } from '../crds/schema/common.ts'
import { pathOf } from './kube/resources.ts'
import { client, testNamespace } from './kube/testing/cluster.ts'

/**
 * Bad specs that the API server itself refuses, by the field's path, with no operator in sight. crds/crds.cluster.test.ts holds
 * every rule to its message and to the last good value; this is the breadth: each way in which a field can be wrong.
 */
const namespace = await testNamespace()
const root = join(import.meta.dirname, '..')

const store = (spec: object, name = 'bad'): KubeObject => ({
  apiVersion,
  kind: 'DataStore',
  metadata: { name, namespace },
  spec: { engine: 'postgres', schema: { name: 'core' }, ...spec },
})
const cluster = (spec: object, name = 'bad'): KubeObject => ({
  apiVersion,
  kind: 'MatchingCluster',
  metadata: { name, namespace },
  spec,
})
const core = (spec: object) => cluster({ stores: { core: spec } })
const pooling = (spec: object) => cluster({ pooling: spec })
const service = (spec: object) => cluster({ services: { core: spec } })
const window = (window: object) => store({ updatePolicy: { type: 'Window', windows: [window] } })
const toleration = (toleration: object) => store({ placement: { tolerations: [toleration] } })
const spread = (change: object) => {
  const good = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }
  return store({ placement: { topologySpreadConstraints: [{ ...good, ...change }] } })
}
const external = (spec: object) => store({ mode: 'external', connectionSecretRef: { name: 'db' }, ...spec })
const night = { cron: '0 2 * * 6', duration: '4h' }
const many = <T>(count: number, item: T) => Array.from({ length: count }, () => item)
const keys = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key_${index}`, value]))

type Case = [path: string, object: KubeObject]

// prettier-ignore
const person = '6f1c0b3e-8f43-4c0e-9a55-0d7c5e5b0001'
const keep = (of: (spec: object) => KubeObject, name: string, rule: object) =>
  of({ retention: { rules: { [name]: rule } } })

const bad: Record<string, Case[]> = {
  'of the wrong type': [
    ['spec', { ...store({}), spec: 'postgres' }],
    ['spec.engine', store({ engine: 5 })],
    ['spec.schema', store({ schema: 'core' })],
    ['spec.replicas', store({ replicas: '3' })],
    ['spec.replicas', store({ replicas: 1.5 })],
    ['spec.version', store({ version: 17 })],
    ['spec.storage', store({ storage: '2Gi' })],
    ['spec.storage.size', store({ storage: { size: 2 } })],
    ['spec.resources.cpu', store({ resources: { cpu: 1 } })],
    ['spec.paused', store({ paused: 'yes' })],
    ['spec.hibernate', store({ hibernate: 1 })],
    ['spec.parameters.work_mem', store({ parameters: { work_mem: 64 } })],
    ['spec.parameters', store({ parameters: ['work_mem=64MB'] })],
    ['spec.pgHba', store({ pgHba: 'hostssl all all all scram-sha-256' })],
    ['spec.extensions', store({ extensions: 'postgis' })],
    ['spec.imagePullSecrets[0]', store({ imagePullSecrets: [5] })],
    ['spec.binding.port', store({ binding: { host: 'pooler', port: '6432' } })],
    ['spec.stores.core', cluster({ stores: { core: true } })],
    ['spec.pooling.replicas', pooling({ replicas: 'two' })],
    [
      'spec.pooling.databases.supersmartmatch_core.pool_size',
      pooling({ databases: { supersmartmatch_core: { pool_size: 20 } } }),
    ],
    ['spec.services.core.replicas', service({ replicas: true })],
  ],
  'out of range': [
    ['spec.replicas', store({ replicas: 0 })],
    ['spec.replicas', store({ replicas: 10 })],
    ['spec.stores.core.replicas', core({ replicas: -1 })],
    ['spec.pooling.replicas', pooling({ replicas: 21 })],
    ['spec.services.core.replicas', service({ replicas: 0 })],
    ['spec.binding.port', store({ binding: { host: 'pooler', port: 0 } })],
    ['spec.binding.port', store({ binding: { host: 'pooler', port: 65_536 } })],
    ['spec.storage.size', store({ storage: { size: '1Mi' } })],
    ['spec.storage.size', store({ storage: { size: '2Pi' } })],
    ['spec.resources.cpu', store({ resources: { cpu: '2000' } })],
    ['spec.pooling.resources.memoryLimit', pooling({ resources: { memory: '16Mi', memoryLimit: '16Mi' } })],
    ['spec.placement.topologySpreadConstraints[0].maxSkew', spread({ maxSkew: 0 })],
    ['spec.placement.tolerations[0].tolerationSeconds', toleration({ key: 'a', tolerationSeconds: -1 })],
    ['spec.updatePolicy.windows[0].duration', window({ ...night, duration: '0h' })],
  ],
  'empty or missing': [
    ['spec', { apiVersion, kind: 'DataStore', metadata: { name: 'bad', namespace } }],
    ['spec.engine', { ...store({}), spec: { schema: { name: 'core' } } }],
    ['spec.schema', { ...store({}), spec: { engine: 'postgres' } }],
    ['spec.schema.name', store({ schema: {} })],
    ['spec.image', store({ image: '' })],
    ['spec.registry', store({ registry: '' })],
    ['spec.storage.size', store({ storage: { size: '' } })],
    ['spec.storage.storageClass', store({ storage: { storageClass: '' } })],
    ['spec.binding.host', store({ binding: { host: '', port: 1 } })],
    ['spec.binding.port', store({ binding: { host: 'pooler' } })],
    ['spec.extensions[0]', store({ extensions: [''] })],
    ['spec.pgHba[0]', store({ pgHba: [''] })],
    ['spec.tls.caSecret', store({ tls: { caSecret: '' } })],
    ['spec.tls.issuerRef.name', store({ tls: { issuerRef: {} } })],
    ['spec.binding.caSecret', store({ binding: { host: 'pooler', port: 1, caSecret: '' } })],
    ['spec.connectionSecretRef.name', store({ mode: 'external', connectionSecretRef: {} })],
    ['spec.connectionSecretRef.keys.host', external({ connectionSecretRef: { name: 'db', keys: { host: '' } } })],
    ['spec.updatePolicy.windows[0].cron', window({ duration: '4h' })],
    ['spec.placement.topologySpreadConstraints[0].topologyKey', spread({ topologyKey: '' })],
    ['spec.images.pgbouncer', cluster({ images: { pgbouncer: '' } })],
  ],
  'too long or too many': [
    ['metadata.name', store({}, 'a'.repeat(46))],
    ['metadata.name', cluster({}, 'a'.repeat(31))],
    ['spec.image', store({ image: `a/${'b'.repeat(512)}` })],
    ['spec.binding.host', store({ binding: { host: 'h'.repeat(254), port: 1 } })],
    ['spec.storage.size', store({ storage: { size: `${'1'.repeat(40)}Gi` } })],
    ['spec.parameters', store({ parameters: keys(201, '1') })],
    ['spec.parameters.work_mem', store({ parameters: { work_mem: 'x'.repeat(1025) } })],
    ['spec.pgHba', store({ pgHba: many(101, 'hostssl all all all scram-sha-256') })],
    ['spec.pgHba[0]', store({ pgHba: ['x'.repeat(513)] })],
    ['spec.extensions', store({ extensions: many(33, 'postgis') })],
    ['spec.imagePullSecrets', store({ imagePullSecrets: many(17, 'registry') })],
    ['spec.updatePolicy.windows', store({ updatePolicy: { windows: many(17, night) } })],
    ['spec.placement.tolerations', store({ placement: { tolerations: many(33, { key: 'a' }) } })],
    ['spec.placement.nodeSelector', store({ placement: { nodeSelector: keys(33, 'a') } })],
    ['spec.pooling.parameters', pooling({ parameters: keys(65, '1') })],
    ['spec.pooling.users', pooling({ users: keys(129, {}) })],
    ['spec.pooling.databases.a', pooling({ databases: { a: keys(33, '1') } })],
  ],
  'no such value': [
    ['metadata.name', store({}, '1-a')],
    ['spec.engine', store({ engine: 'mysql' })],
    ['spec.version', store({ version: '12' })],
    ['spec.mode', store({ mode: 'borrowed' })],
    ['spec.replication', store({ replication: 'quorum' })],
    ['spec.schema.name', store({ schema: { name: 'temporal' } })],
    ['spec.deletionPolicy', store({ deletionPolicy: 'delete' })],
    ['spec.updatePolicy.type', store({ updatePolicy: { type: 'Sometimes' } })],
    ['spec.updatePolicy.windows[0].duration', window({ ...night, duration: '4 hours' })],
    ['spec.image', store({ image: 'Registry/UPPER case' })],
    ['spec.registry', store({ registry: 'https://registry.example.com' })],
    ['spec.extensions[0]', store({ extensions: ['postgis; DROP DATABASE'] })],
    ['spec.storage.size', store({ storage: { size: '-1Gi' } })],
    ['spec.resources.memory', store({ resources: { memory: '1 GB' } })],
    ['spec.placement.tolerations[0].effect', toleration({ effect: 'Never' })],
    ['spec.placement.topologySpreadConstraints[0].whenUnsatisfiable', spread({ whenUnsatisfiable: 'Panic' })],
    ['spec.imagePullSecrets[0]', store({ imagePullSecrets: ['Not_A_Name'] })],
    ['spec.tls.issuerRef.kind', store({ tls: { issuerRef: { name: 'a', kind: 'Certificate' } } })],
    ['spec.tls.issuerRef.group', cluster({ tls: { issuerRef: { name: 'a', group: 'Cert Manager' } } })],
  ],
  'of no use with another field': [
    ['spec.resources.memoryLimit', store({ resources: { memory: '2Gi', memoryLimit: '1Gi' } })],
    ['spec.services.core.resources.memoryLimit', service({ resources: { memory: '1Gi', memoryLimit: '512Mi' } })],
    ['spec.connectionSecretRef', store({ mode: 'external' })],
    ['spec.connectionSecretRef', store({ connectionSecretRef: { name: 'db' } })],
    ['spec.parameters', external({ parameters: { work_mem: '64MB' } })],
    ['spec.pgHba', external({ pgHba: ['hostssl all all all reject'] })],
    ['spec.replicas', external({ replicas: 2 })],
    ['spec.hibernate', external({ hibernate: true })],
    ['spec.tls.issuerRef', external({ tls: { issuerRef: { name: 'a' } } })],
    ['spec.tls.issuerRef', store({ tls: { caSecret: 'ca', issuerRef: { name: 'a' } } })],
    ['spec.stores.core.connectionSecretRef', core({ mode: 'external' })],
    ['spec.updatePolicy.windows', store({ updatePolicy: { type: 'Window' } })],
  ],
  unknown: [
    ['spec.storageClass', store({ storageClass: 'fast' })],
    ['spec.storage.class', store({ storage: { class: 'fast' } })],
    ['spec.replica', store({ replica: 3 })],
    ['spec.resources.limits', store({ resources: { limits: { memory: '1Gi' } } })],
    ['spec.stores.main', cluster({ stores: { main: {} } })],
    ['spec.pooling.poolSize', pooling({ poolSize: 20 })],
    ['spec.services.matching', cluster({ services: { matching: {} } })],
  ],
  'not built yet': [
    ...['shards', 'credentials', 'backup', 'monitoring'].map((field): Case => [
      `spec.${field}`,
      store({ [field]: {} }),
    ]),
    ['spec.monitoring', cluster({ monitoring: { days: 30 } })],
  ],
  retention: [
    ['spec.retention.rules', keep(store, 'aplications', { keep: '1y' })],
    ['spec.retention.rules', keep(store, 'user-interactions', { keep: '1y' })],
    ['spec.retention.rules.sessions.keep', keep(store, 'sessions', { keep: '2 years' })],
    ['spec.retention.rules.sessions.keep', keep(store, 'sessions', { keep: '0d' })],
    ['spec.retention.rules.sessions.hold', keep(store, 'sessions', { hold: 'yes' })],
    ['spec.retention.rules', keep(cluster, 'sessions', { keep: '1y' })],
    ['spec.retention.rules', keep(cluster, 'vault.data-keys', { keep: '1y' })],
    [
      'spec.retention.legalHolds[0].subject',
      cluster({ retention: { legalHolds: [{ subject: 'anna', reason: 'case 1' }] } }),
    ],
    ['spec.retention.legalHolds[0].reason', cluster({ retention: { legalHolds: [{ subject: person }] } })],
    [
      'spec.retention.legalHolds[1]',
      store({ retention: { legalHolds: [1, 2].map(() => ({ subject: person, reason: 'r' })) } }),
    ],
    [
      'spec.retention.legalHolds',
      store({ schema: { name: 'vault' }, retention: { legalHolds: [{ subject: person, reason: 'r' }] } }),
    ],
  ],
}

/** Changes of what is there: `alone`, a DataStore, and `demo`, a MatchingCluster, both with 1Gi of the class `slow`. */
// prettier-ignore
const badChanges: [path: string, name: 'alone' | 'demo', spec: object][] = [
  ['spec.mode',                            'alone', { mode: 'external', connectionSecretRef: { name: 'db' } }],
  ['spec.storage.storageClass',            'alone', { storage: { storageClass: 'fast' } }],
  ['spec.storage.storageClass',            'alone', { storage: { storageClass: null } }],
  ['spec.stores.core.mode',                'demo',  { stores: { core: { mode: 'external', connectionSecretRef: { name: 'db' } } } }],
  ['spec.stores.core.storage.storageClass', 'demo', { stores: { core: { storage: { storageClass: 'fast' } } } }],
]

const query = { dryRun: 'All', fieldValidation: 'Strict' }
const create = (object: KubeObject) => client.request('POST', pathOf(object, namespace), { query, body: object })

beforeAll(async () => {
  const storage = { size: '1Gi', storageClass: 'slow' }
  await client.create(store({ storage }, 'alone'))
  await client.create(cluster({ stores: { core: { storage } } }, 'demo'))
})

test('what is wrong below is all that is wrong', async () => {
  const issued = { tls: { issuerRef: { name: 'a', kind: 'Outside', group: 'issuers.example.com' } } }
  const good = [
    ...[store({}), cluster({}), window(night), toleration({ key: 'a' }), spread({}), external({})],
    ...[store(issued), cluster(issued), store({ tls: { issuerRef: { name: 'a', kind: 'ClusterIssuer' } } })],
  ]
  for (const object of good) await create(object)
})

const samples = globSync('samples/*.yaml', { cwd: root }).flatMap((file) =>
  parseAllDocuments(readFileSync(join(root, file), 'utf8')).map((document): [string, KubeObject] => [
    file,
    document.toJS() as KubeObject,
  ]),
)
test.each(samples)('%s is accepted as it is', async (_file, object) => {
  const metadata = { ...object.metadata, namespace, name: `sample-${object.metadata.name}` }
  await create({ ...object, metadata })
})

test('there are at least sixty', () => {
  const all = [...Object.values(bad).flat(), ...badChanges].map((one) => JSON.stringify(one))
  console.log(`bad specs: ${all.length} refused by the API server (60 asked)`)
  expect(new Set(all).size).toBe(all.length)
  expect(all.length).toBeGreaterThanOrEqual(60)
})

describe.each(Object.entries(bad))('%s', { retry: 0 }, (_how, cases) => {
  test.each(cases)('%s', async (path, object) => {
    await expect(create(object)).rejects.toMatchObject(refusal(path))
  })
})

describe('never changed', { retry: 0 }, () => {
  test.each(badChanges)('%s of %s', async (path, name, spec) => {
    const object = name === 'alone' ? store({}, name) : cluster({}, name)
    const contentType = 'application/merge-patch+json'
    const change = client.request('PATCH', pathOf(object, namespace, name), { query, contentType, body: { spec } })
    await expect(change).rejects.toMatchObject(refusal(path))
  })
})

/** `Invalid`, or `BadRequest` for a field that is not in the schema; the path stands alone, not as the beginning of another. */
function refusal(path: string) {
  const alone = new RegExp(`(^|[ "[])${path.replaceAll(/[.[\]]/g, '\\$&')}(?![\\w.[-])`)
  return {
    name: 'KubeError',
    reason: expect.stringMatching(/^(Invalid|BadRequest)$/) as string,
    message: expect.stringMatching(alone) as string,
  }
}
