import Value from 'typebox/value'
import { expect, test } from 'vitest'
import { DataStoreSpec } from '../../../crds/schema/data-store.ts'
import { surroundings } from '../../testing/platform.ts'
import type { Plan } from '../engine.ts'
import { configFiles, keeperFile, loginFiles, serverFile, serverNames, wantedMarkers } from './config.ts'
import { objects } from './objects.ts'
import { shards } from './topology.ts'

function planOf(given: object = {}): Plan {
  const spec = Value.Default(DataStoreSpec, { engine: 'clickhouse', ...given }) as DataStoreSpec
  const store = {
    apiVersion: 'supersmartmatch.io/v1alpha1',
    kind: 'DataStore',
    metadata: { name: 's', namespace: 'n' },
    spec,
  }
  const identity = { name: 'clickhouse', instance: 's', component: 'database' }
  return {
    store,
    identity,
    image: 'i',
    database: 'default',
    caFingerprint: '',
    members: spec.shards * spec.replicas,
    readFrom: 'primary',
    surroundings,
  }
}
const passwords = { admin: 'a', monitoring: 'm', default_owner: 'o', default_app_a: 'p', interserver: 'i' }
const valueOf = (text: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]

test('no port without TLS is named, of a server alone, of several and of Keeper', () => {
  const plain = /<(http|tcp|mysql|postgresql|interserver_http|grpc)_port>|<port>8123|<tcp_with_proxy_port>|<tcp_port>/
  for (const plan of [planOf(), planOf({ shards: 2, replicas: 2 })]) {
    expect(Object.values(configFiles(plan)).join('')).not.toMatch(plain)
    expect(keeperFile(plan)).not.toMatch(plain)
  }
  expect(keeperFile(planOf({ replicas: 2 }))).toContain('<secure>true</secure>')
})

test.each([
  ['1Gi', '858993459', '4'],
  ['16Gi', '13743895347', undefined],
])('with a limit of %s the server takes %s bytes', (memoryLimit, bytes, pool) => {
  const text = serverFile(planOf({ resources: { memoryLimit } }))
  expect(valueOf(text, 'max_server_memory_usage')).toBe(bytes)
  expect(valueOf(text, 'background_pool_size')).toBe(pool)
})

test('passwords are in the files of logins as digests only, but what servers prove to each other with', () => {
  const alone = loginFiles(planOf(), passwords)
  expect(Object.keys(alone)).toEqual(['logins.xml'])
  expect(alone['logins.xml']).not.toMatch(/<password>/)
  const several = loginFiles(planOf({ replicas: 2 }), passwords)
  expect(several['cluster.xml']).toContain('<password>i</password>')
  expect(several['cluster.xml']).toMatch(/<secret>[\w-]{43}<\/secret>/)
})

test('each of the three files changes its own marker, and a change of none changes none', () => {
  const before = wantedMarkers(planOf(), passwords)
  expect(before).toHaveLength(3)
  expect(wantedMarkers(structuredClone(planOf()), passwords)).toEqual(before)
  const differing = (markers: string[]) => markers.map((marker, index) => marker !== before[index])
  expect(differing(wantedMarkers(planOf({ parameters: { mark_cache_size: '1' } }), passwords))).toEqual([
    true,
    false,
    false,
  ])
  expect(differing(wantedMarkers(planOf({ parameters: { max_threads: '1' } }), passwords))).toEqual([
    false,
    true,
    false,
  ])
  expect(differing(wantedMarkers(planOf(), { ...passwords, monitoring: 'x' }))).toEqual([false, false, true])
})

test('replicas are added at the end: no pod ever holds another shard than before', () => {
  const shardOf = (plan: Plan) =>
    new Map(shards(plan).flatMap((hosts, shard) => hosts.map((host) => [host.split('.')[0], shard] as const)))
  const [two, three] = [shardOf(planOf({ shards: 2, replicas: 2 })), shardOf(planOf({ shards: 2, replicas: 3 }))]
  expect([...two]).toEqual([['s-0', 0], ['s-2', 0], ['s-1', 1], ['s-3', 1]]) // prettier-ignore
  for (const [pod, shard] of two) expect(three.get(pod)).toBe(shard)
})

test('more replicas change no pod template, and all servers learn of them', () => {
  const templateOf = (plan: Plan) => {
    const [set] = objects(plan).filter(({ kind }) => kind === 'StatefulSet')
    return JSON.stringify((set?.['spec'] as { template: object }).template)
  }
  const [two, three] = [planOf({ replicas: 2 }), planOf({ replicas: 3 })]
  expect(templateOf(three)).toBe(templateOf(two))
  expect(wantedMarkers(three, passwords)[0]).not.toBe(wantedMarkers(two, passwords)[0])
  expect(templateOf(planOf())).not.toBe(templateOf(two))
})

test('certificates name every host that a configuration names', () => {
  const plan = planOf({ replicas: 2 })
  const text = Object.values(configFiles(plan)).join('') + keeperFile(plan)
  const hosts = [...text.matchAll(/<host(?:name)?>([^<]*)</g)].map(([, host = '']) => host)
  expect(hosts).toHaveLength(2 + 3 + 3)
  for (const host of hosts) expect(serverNames(plan)).toContain(host.replace(/^[^.]*/, '*'))
})

test('while a store hibernates its Keeper does, too; one server alone has none', () => {
  const replicasOf = (plan: Plan) =>
    objects(plan).filter(({ kind }) => kind === 'StatefulSet').map(({ metadata, spec }) => [metadata.name, (spec as { replicas: number }).replicas]) // prettier-ignore
  expect(replicasOf(planOf({ replicas: 2 }))).toEqual([['s', 2], ['s-keeper', 3]]) // prettier-ignore
  expect(replicasOf({ ...planOf({ replicas: 2 }), members: 0 })).toEqual([['s', 0], ['s-keeper', 0]]) // prettier-ignore
  expect(replicasOf(planOf())).toEqual([['s', 1]])
})
