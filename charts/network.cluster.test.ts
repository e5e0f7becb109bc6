import { spawnSync } from 'node:child_process'
import Value from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../crds/object.ts'
import { DataStoreSpec, schemaNames, type DataStore } from '../crds/schema/data-store.ts'
import { MatchingClusterSpec } from '../crds/schema/matching-cluster.ts'
import { migrateJob } from '../operator/data-store/migrate-job.ts'
import { migrationPolicy } from '../operator/data-store/migration-policy.ts'
import { observe, type Tools } from '../operator/data-store/observe.ts'
import { engines } from '../operator/engines/registry.ts'
import { clientOf, monitoringNamespace, operatorPods } from '../operator/labels.ts'
import { children, isPooledChild } from '../operator/matching-cluster/children.ts'
import { networkPolicies } from '../operator/matching-cluster/network.ts'
import { poolerPlan } from '../operator/matching-cluster/pooler/fixture.ts'
import { poolerIdentity, poolerObjects } from '../operator/matching-cluster/pooler/objects.ts'
import { workloads } from '../operator/matching-cluster/workloads.ts'
import { secret } from '../operator/secrets.ts'
import { env, template } from './helm.ts'

/*
 * Who may talk to whom once everything is installed: three platforms in two namespaces, with the operator, clients and strangers
 * around them. cyclonus (local/go/cyclonus) is asked about every pair of pods and every port, and its answers are compared with
 * the tables below, which were written by hand. docs/network.md tells the same to people.
 */

/** Pods that are alike. Outside the cluster: no namespace. */
interface Peer {
  name: string
  ip?: string
  namespace?: string
  namespaceLabels?: Record<string, string>
  labels?: Record<string, string>
}

interface Workload {
  template?: { metadata: { labels: Record<string, string> }; spec: { containers: { ports?: Port[] }[] } }
}
interface Port {
  containerPort: number
}

const chart = parseAllDocuments(template('matching-operator')).map((document) => document.toJS() as KubeObject)

const external = secret(
  { name: 'elsewhere', namespace: 'two', labels: {} },
  { host: 'db.example.com', port: '5433', username: 'u', password: 'p' },
)
const tools = {
  cache: { get: () => undefined, list: () => [] },
  engines,
  given: { get: () => external },
  images: { platform: 'registry.example.com/platform:1' },
  surroundings: { operatorNamespace: 'system', apiServerPorts: [443, 6443] },
  schemas: Object.fromEntries(schemaNames.map((name) => [name, {}])),
} as unknown as Tools

const installed = [
  { pods: podsOf(chart), objects: chart },
  platform('one', 'demo', { profile: 'medium' }),
  platform('one', 'other', { profile: 'medium' }),
  platform('two', 'demo', { stores: { core: { mode: 'external', connectionSecretRef: { name: 'elsewhere' } } } }),
]
const policies = installed.flatMap((one) => one.objects.filter(({ kind }) => kind === 'NetworkPolicy'))

/** As the controllers make it of a MatchingCluster. */
function platform(namespace: string, name: string, given: object) {
  const spec = Value.Default(MatchingClusterSpec, given) as MatchingClusterSpec
  const cluster = { ...poolerPlan().cluster, metadata: { name, namespace }, spec }
  const stores = children(cluster).map(withDefaults)
  const pooler = { ...poolerPlan(), cluster, identity: poolerIdentity(cluster) }
  const objects = [
    ...stores.flatMap(objectsOf),
    ...poolerObjects(pooler),
    ...workloads(cluster, 'registry.example.com/platform:1'),
    ...networkPolicies(cluster, stores.filter(isPooledChild), tools),
  ]
  return { pods: podsOf(objects), objects }
}

function withDefaults(child: KubeObject): DataStore {
  return { ...child, spec: Value.Default(DataStoreSpec, child['spec']) as DataStoreSpec }
}

function objectsOf(store: DataStore): KubeObject[] {
  const context = observe(store, tools, AbortSignal.timeout(60_000))
  const { engine, plan, namespace } = context
  const own = store.spec.mode === 'managed' ? engine.objects(plan) : []
  const { name } = store.metadata
  const scheduling = { placement: {}, imagePullSecrets: [] }
  const plans = { store: name, shortName: name, cluster: 'c', namespace, image: 'i', digest: 'd', scheduling }
  const jobs = store.spec.schema ? [migrateJob({ ...plans, schema: store.spec.schema.name })] : []
  return [...own, ...migrationPolicy(context), ...jobs]
}

function podsOf(objects: KubeObject[]): Peer[] {
  return objects.flatMap(({ metadata: { name, namespace = '' }, spec }) => {
    const { template } = (spec ?? {}) as Workload
    if (!template) return []
    return [podIn(namespace, name.replace(/-migrate-[0-9a-f]{8}$/, '-migrate'), template.metadata.labels)]
  })
}

function podIn(namespace: string, name: string, labels: Record<string, string>): Peer {
  const more = namespace === 'monitoring' ? monitoringNamespace : {}
  const namespaceLabels = { 'kubernetes.io/metadata.name': namespace, ...more }
  return { name: `${namespace}/${name}`, ip: '10.0.0.1', namespace, namespaceLabels, labels }
}

const everyStore = ['core', 'vault', 'geolocation', 'temporal', 'behavior', 'search', 'cache', 'events', 'pooler']
const clientOfAll = Object.assign({}, ...everyStore.map((store) => clientOf(`demo-${store}`))) as Record<string, string>

/** Pods that no policy of ours is about, and the world. */
const others: Peer[] = [
  podIn('one', 'app', clientOfAll),
  podIn('two', 'app', clientOfAll),
  podIn('one', 'stranger', {}),
  podIn('one', 'refused', Object.fromEntries(Object.keys(clientOfAll).map((key) => [key, 'false']))),
  podIn('one', 'impostor', operatorPods),
  podIn('one', 'prometheus', { 'app.kubernetes.io/name': 'prometheus' }),
  podIn('monitoring', 'prometheus', { 'app.kubernetes.io/name': 'prometheus' }),
  podIn('system', 'stranger', {}),
  podIn('kube-system', 'coredns', { 'k8s-app': 'kube-dns' }),
  { name: 'world', ip: '203.0.113.7' },
]
const peers = [...installed.flatMap(({ pods }) => pods), ...others]

/** Every port that something listens on, and some that nothing does. */
const ports = [
  ...[53, 443, 1234, 4222, 5353, 5432, 5433, 6222, 6379, 6432, 6443, 8008, 8080, 8222, 8443].map(
    (port) => `TCP/${port}`,
  ),
  ...[9010, 9090, 9200, 9234, 9281, 9300, 9440, 16379].map((port) => `TCP/${port}`),
  'UDP/53',
  'UDP/5353',
  'UDP/5432',
]

type Edge = [from: string, to: string, ports: string]

/** Of stores of several members. P: the platform. */
// prettier-ignore
const whole: Edge[] = [
  ['system/operator',      'P-core',            'TCP/5432 TCP/8008'],
  ['system/operator',      'P-vault',           'TCP/5432 TCP/8008'],
  ['system/operator',      'P-geolocation',     'TCP/5432 TCP/8008'],
  ['system/operator',      'P-temporal',        'TCP/5432 TCP/8008'],
  ['system/operator',      'P-behavior',        'TCP/8443'],
  ['system/operator',      'P-search',          'TCP/9200'],
  ['system/operator',      'P-cache',           'TCP/6379'],
  ['system/operator',      'P-events',          'TCP/4222'],
  ['system/operator',      'P-pooler',          'TCP/6432'],

  ['P-core',               'P-core',            'TCP/5432 TCP/8008'],
  ['P-vault',              'P-vault',           'TCP/5432 TCP/8008'],
  ['P-geolocation',        'P-geolocation',     'TCP/5432 TCP/8008'],
  ['P-temporal',           'P-temporal',        'TCP/5432 TCP/8008'],
  ['P-behavior',           'P-behavior',        'TCP/9440 TCP/9010'],
  ['P-behavior',           'P-behavior-keeper', 'TCP/9281'],
  ['P-behavior-keeper',    'P-behavior-keeper', 'TCP/9234'],
  ['P-search',             'P-search',          'TCP/9300'],
  ['P-cache',              'P-cache',           'TCP/6379 TCP/16379'],
  ['P-events',             'P-events',          'TCP/6222'],

  ['P-core-migrate',       'P-core',            'TCP/5432'],
  ['P-vault-migrate',      'P-vault',           'TCP/5432'],
  ['P-geolocation-migrate','P-geolocation',     'TCP/5432'],
  ['P-temporal-migrate',   'P-temporal',        'TCP/5432'],
  ['P-behavior-migrate',   'P-behavior',        'TCP/8443'],
  ['P-search-migrate',     'P-search',          'TCP/9200'],
  ['P-events-migrate',     'P-events',          'TCP/4222'],

  ['P-pooler',             'P-core',            'TCP/5432'],
  ['P-pooler',             'P-geolocation',     'TCP/5432'],
  ['P-pooler',             'P-temporal',        'TCP/5432'],
  ['P-core-api',           'P-pooler',          'TCP/6432'],

  ['others',               'P-core-api',        'TCP/8080'],
  ['system/operator',      'P-core-api',        'TCP/8080'],
  ['monitoring/prometheus','P-core-api',        'TCP/9090'],

  ['P-*',                  'others',            'TCP/53 UDP/53 TCP/5353 UDP/5353'],
  ['P-core',               'others',            'TCP/443 TCP/6443'],
  ['P-vault',              'others',            'TCP/443 TCP/6443'],
  ['P-geolocation',        'others',            'TCP/443 TCP/6443'],
  ['P-temporal',           'others',            'TCP/443 TCP/6443'],
]

/** Of an application that is labelled as a client of everything. */
// prettier-ignore
const ofClients: Edge[] = [
  ['N/app', 'N/demo-core',        'TCP/5432'],
  ['N/app', 'N/demo-vault',       'TCP/5432'],
  ['N/app', 'N/demo-geolocation', 'TCP/5432'],
  ['N/app', 'N/demo-temporal',    'TCP/5432'],
  ['N/app', 'N/demo-behavior',    'TCP/8443 TCP/9440'],
  ['N/app', 'N/demo-search',      'TCP/9200'],
  ['N/app', 'N/demo-cache',       'TCP/6379'],
  ['N/app', 'N/demo-events',      'TCP/4222'],
  ['N/app', 'N/demo-pooler',      'TCP/6432'],
]

/** Single servers have no one to agree with, and there is no pod of an external store: its port is open to all the world. */
const alone = ['P-behavior P-behavior', 'P-behavior P-behavior-keeper', 'P-behavior-keeper P-behavior-keeper']
const single = whole.filter(
  ([from, to]) => ![...alone, 'P-events P-events'].includes(`${from} ${to}`) && ![from, to].includes('P-core'),
)
const toExternal: Edge[] = [
  ['two/demo-pooler', 'others', 'TCP/5433'],
  ['two/demo-core-migrate', 'others', 'TCP/5433'],
]

// prettier-ignore
const around: Edge[] = [
  ['monitoring/prometheus', 'system/operator', 'TCP/8080'],
  // No policy of ours is about these.
  ['others',                'others',          ports.join(' ')],
  ['system/operator',       'others',          ports.join(' ')],
]

const replaced = (edges: Edge[], letter: string, by: string) =>
  edges.map((edge) => edge.map((text) => text.replace(new RegExp(`^${letter}(?=[-/])`), by)) as Edge)

const expected = new Set(
  [
    ...replaced(whole, 'P', 'one/demo'),
    ...replaced(whole, 'P', 'one/other'),
    ...replaced(single, 'P', 'two/demo'),
    ...replaced(ofClients, 'N', 'one'),
    ...replaced(ofClients, 'N', 'two').filter(([, to]) => to !== 'two/demo-core'),
    ...toExternal,
    ...around,
  ].flatMap(([from, to, ports]) =>
    named(from).flatMap((source) =>
      named(to).flatMap((target) => ports.split(' ').map((port) => `${source} ${target} ${port}`)),
    ),
  ),
)

/** @throws when no pod has the name: a row about nothing would prove nothing */
function named(text: string): string[] {
  const found =
    text === 'others'
      ? others.map(({ name }) => name)
      : peers
          .map(({ name }) => name)
          .filter((name) => name === text || (text.endsWith('*') && name.startsWith(text.slice(0, -1))))
  if (found.length === 0) throw new Error(`there are no pods ${text}`)
  return found
}

/** What is open under these policies. */
function simulate(policies: KubeObject[]): Set<string> {
  const question = {
    policies,
    peers,
    ports: ports.map((text) => ({ protocol: text.split('/')[0], port: Number(text.split('/')[1]) })),
  }
  const input = JSON.stringify(question)
  const { stdout, stderr, status, error } = spawnSync('network-simulator', {
    input,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (error ?? status !== 0) throw error ?? new Error(stderr)
  return new Set(stdout.split('\n').filter(Boolean))
}

function differences(policies: KubeObject[]) {
  const open = simulate(policies)
  return { superfluous: [...open.difference(expected)], missing: [...expected.difference(open)] }
}

test('every port of every container is asked about', () => {
  const templates = installed.flatMap((one) => one.objects.map(({ spec }) => (spec as Workload | undefined)?.template))
  const listened = templates.flatMap((template) => template?.spec.containers.flatMap(({ ports }) => ports ?? []) ?? [])
  expect(listened.length).toBeGreaterThan(30)
  expect(listened.map(({ containerPort }) => `TCP/${containerPort}`).filter((port) => !ports.includes(port))).toEqual(
    [],
  )
})

test('the names of pods differ, and so do their labels', () => {
  const keys = installed.flatMap(({ pods }) => pods).map(({ namespace, labels }) => JSON.stringify([namespace, labels]))
  expect(keys).toHaveLength(53)
  expect(new Set(keys).size).toBe(53)
  expect(new Set(peers.map(({ name }) => name)).size).toBe(peers.length)
})

test('these edges are open, and of all pairs and ports no other', () => {
  expect(differences(policies)).toEqual({ superfluous: [], missing: [] })
})

describe('the simulation notices', () => {
  interface Spec {
    ingress?: object[]
    egress?: object[]
  }
  /** The policies with that one changed. */
  function changed(namespace: string, name: string, change: (spec: Spec) => Spec) {
    const isIt = ({ metadata }: KubeObject) => metadata.namespace === namespace && metadata.name === name
    expect(policies.filter(isIt)).toHaveLength(1)
    return policies.map((policy) => (isIt(policy) ? { ...policy, spec: change(policy['spec'] as Spec) } : policy))
  }

  test('a rule that is gone', () => {
    const { superfluous, missing } = differences(
      changed('one', 'demo-cache', (spec) => ({ ...spec, ingress: (spec.ingress ?? []).slice(1) })),
    )
    expect(superfluous).toEqual([])
    expect(missing).toEqual(['one/app one/demo-cache TCP/6379'])
  })

  test('a rule too many', () => {
    const { superfluous, missing } = differences(
      changed('one', 'demo-pooler', (spec) => ({
        ...spec,
        egress: [...(spec.egress ?? []), { to: [{ podSelector: {} }] }],
      })),
    )
    expect(missing).toEqual([])
    expect(superfluous).toContain('one/demo-pooler one/stranger TCP/1234')
  })

  test('a policy that is gone', () => {
    const gone = policies.filter(({ metadata }) => metadata.name !== 'demo-vault')
    expect(differences(gone).superfluous).toContain('world one/demo-vault TCP/5432')
  })
})
