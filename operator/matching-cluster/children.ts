import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStoreSpec } from '../../crds/schema/data-store.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import type { KubeObject } from '../../crds/object.ts'
import { labels } from '../labels.ts'
import { names } from './names.ts'
import { poolerPort } from './pooler/objects.ts'

/** What a child DataStore is given; what it leaves out gets the DataStore's own default. */
type ChildSpec = Partial<DataStoreSpec> & Pick<DataStoreSpec, 'engine' | 'schema'>

/** The stores a MatchingCluster expands into, by short name. */
export const storeNames = ['core'] as const

/** The DataStores of a MatchingCluster; `sleep`: their pods shall stop. Pure. */
export function children(cluster: MatchingCluster, { sleep = false } = {}): KubeObject[] {
  return storeNames.map((store) => child(cluster, store, spec(cluster, store, sleep)))
}

function spec(cluster: MatchingCluster, store: (typeof storeNames)[number], sleep: boolean): ChildSpec {
  const { name, namespace = '' } = cluster.metadata
  const { images, registry, imagePullSecrets, placement, updatePolicy, deletionPolicy, stores } = cluster.spec
  const isManaged = stores[store].mode === 'managed'
  // What an external store would refuse: it runs no image of ours, and nothing restarts there.
  const image = isManaged ? images.postgres : undefined
  return {
    ...stores[store],
    engine: 'postgres',
    schema: { name: store },
    ...(image ? { image } : {}),
    ...(registry ? { registry } : {}),
    imagePullSecrets,
    placement,
    ...(isManaged ? { updatePolicy } : {}),
    tls: { caSecret: names.caSecret(name) },
    binding: { host: `${names.pooler(name)}.${namespace}.svc`, port: poolerPort },
    deletionPolicy,
    hibernate: sleep && isManaged,
  }
}

function child(cluster: MatchingCluster, store: string, spec: ChildSpec): KubeObject {
  const { name: clusterName, namespace = '' } = cluster.metadata
  const name = names.dataStore(clusterName, store)
  const identity = { name: spec.engine, instance: name, component: 'store', cluster: clusterName, store }
  return { apiVersion, kind: 'DataStore', metadata: { name, namespace, labels: labels(identity) }, spec }
}
