import { schemasWithPeople } from '../../crds/retention.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStoreSpec } from '../../crds/schema/data-store.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { platformStores, schemaOf, type PlatformStoreSpec, type StoreName } from '../../crds/schema/platform-stores.ts'
import type { KubeObject } from '../../crds/object.ts'
import { labels } from '../labels.ts'
import { quantity } from '../quantity.ts'
import { names } from './names.ts'
import { poolerPort } from './pooler/compile.ts'
import { profiles, storesOf } from './profile.ts'

/** What a child DataStore is given; what it leaves out gets the DataStore's own default. */
type ChildSpec = Partial<DataStoreSpec> & Pick<DataStoreSpec, 'engine'>

/** The DataStores of a MatchingCluster; `sleep`: their pods shall stop. Pure. */
export function children(cluster: MatchingCluster, { sleep = false } = {}): KubeObject[] {
  return storesOf(cluster).map((store) => child(cluster, store, spec(cluster, store, sleep)))
}

/** Clients of these go through the pooler. */
export const isPooled = (store: StoreName) => 'pooled' in platformStores[store]

export const isPooledChild = (child: KubeObject) => (child['spec'] as ChildSpec).binding !== undefined

function spec(cluster: MatchingCluster, store: StoreName, sleep: boolean): ChildSpec {
  const { images, registry, imagePullSecrets, networkPolicy, placement, updatePolicy, deletionPolicy, stores } =
    cluster.spec
  const { engine } = platformStores[store]
  const schema = schemaOf(store)
  const given = stores[store]
  const isManaged = given.mode === 'managed'
  const { enabled, shards, storage, resources, ...fields } = given
  return {
    ...fields,
    engine,
    ...(schema ? { schema: { name: schema } } : {}),
    // What an external store would refuse: it runs no image of ours, has no size of ours, and nothing restarts there.
    ...(isManaged ? { ...sized(cluster, store, given), ...imageFor(images, engine), updatePolicy } : {}),
    ...(registry ? { registry } : {}),
    imagePullSecrets,
    networkPolicy,
    placement,
    tls: tlsFor(cluster, isManaged),
    ...(isPooled(store) ? { binding: bindingFor(cluster) } : {}),
    retention: retentionFor(cluster, store),
    deletionPolicy,
    hibernate: sleep && isManaged,
  }
}

/** Its own rules, and every person on hold where it knows people. */
function retentionFor({ spec }: MatchingCluster, store: StoreName): DataStoreSpec['retention'] {
  const own = Object.entries(spec.retention.rules).filter(([name]) => name.startsWith(`${store}.`))
  return {
    rules: Object.fromEntries(own.map(([name, rule]) => [name.slice(store.length + 1), rule])),
    legalHolds: schemasWithPeople.includes(store) ? spec.retention.legalHolds : [],
  }
}

function tlsFor({ metadata, spec }: MatchingCluster, isManaged: boolean): DataStoreSpec['tls'] {
  const { issuerRef } = spec.tls
  if (!issuerRef) return { caSecret: names.caSecret(metadata.name) }
  return isManaged ? { issuerRef } : {}
}

/** The pooler shows a certificate of its own, which an issuer may have signed with another CA than that of a store. */
function bindingFor({ metadata, spec }: MatchingCluster): NonNullable<DataStoreSpec['binding']> {
  const { name, namespace = '' } = metadata
  const at = { host: `${names.pooler(name)}.${namespace}.svc`, port: poolerPort }
  return spec.tls.issuerRef ? { ...at, caSecret: names.poolerTlsSecret(name) } : at
}

function imageFor(images: MatchingCluster['spec']['images'], engine: DataStoreSpec['engine']): { image?: string } {
  const image = images[engine]
  return image ? { image } : {}
}

/** The sizes of the profile where the spec says nothing. */
function sized(
  cluster: MatchingCluster,
  store: StoreName,
  { shards, replicas, resources, storage, parameters }: PlatformStoreSpec,
) {
  const size = profiles[cluster.spec.profile].stores[store]
  const { cpu = size.cpu } = resources
  return {
    shards: shards ?? size.shards ?? 1,
    replicas: replicas ?? size.replicas,
    resources: { cpu, ...memoryOf(resources, size) },
    storage: { size: size.storage, ...storage },
    parameters: { ...size.parameters, ...parameters },
  }
}

/** One that is given alone moves the other where the two would contradict each other. */
function memoryOf(given: PlatformStoreSpec['resources'], size: { memory: string; memoryLimit: string }) {
  const { memory = smaller(size.memory, given.memoryLimit), memoryLimit = larger(size.memoryLimit, given.memory) } =
    given
  return { memory, memoryLimit }
}

const bytes = (amount: string) => quantity(amount) ?? 0
const smaller = (one: string, other = one) => (bytes(other) < bytes(one) ? other : one)
const larger = (one: string, other = one) => (bytes(other) > bytes(one) ? other : one)

function child(cluster: MatchingCluster, store: string, spec: ChildSpec): KubeObject {
  const { name: clusterName, namespace = '' } = cluster.metadata
  const name = names.dataStore(clusterName, store)
  const identity = { name: spec.engine, instance: name, component: 'store', cluster: clusterName, store }
  return { apiVersion, kind: 'DataStore', metadata: { name, namespace, labels: labels(identity) }, spec }
}
