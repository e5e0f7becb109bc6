import type { KubeObject } from '../../crds/object.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { StoreName } from '../../crds/schema/platform-stores.ts'
import { podsWith, type Tools } from '../data-store/observe.ts'
import { labels } from '../labels.ts'
import { isPooled } from './children.ts'
import { names } from './names.ts'
import { storesOf } from './profile.ts'

export interface Context {
  cluster: MatchingCluster
  namespace: string
  /** Short name -> its DataStore, as far as it exists. */
  stores: Map<StoreName, DataStore>
  tools: Tools
  signal: AbortSignal
  /** While the platform goes to sleep: which of its clients still stops, in a sentence. */
  stopping?: string | undefined
}

export function observe(cluster: MatchingCluster, tools: Tools, signal: AbortSignal): Context {
  const namespace = cluster.metadata.namespace ?? ''
  const context = { cluster, namespace, stores: new Map<StoreName, DataStore>(), tools, signal }
  return { ...context, stores: readStores(context) }
}

/** Read again after the children were applied: the cache shows our own writes at once. */
export function readStores({ cluster, namespace, tools }: Context): Map<StoreName, DataStore> {
  const stores = new Map<StoreName, DataStore>()
  for (const store of storesOf(cluster)) {
    const name = names.dataStore(cluster.metadata.name, store)
    const found = tools.cache.get({ apiVersion, kind: 'DataStore' }, namespace, name)
    if (found) stores.set(store, found as DataStore)
  }
  return stores
}

/** Those that clients reach through the pooler. */
export function pooledStores({ stores }: Context): DataStore[] {
  return [...stores].flatMap(([name, store]) => (isPooled(name) ? [store] : []))
}

/** Labels of what belongs to the platform as a whole. */
export function platformLabels(cluster: MatchingCluster): Record<string, string> {
  const { name } = cluster.metadata
  return labels({ name: 'platform', instance: name, component: 'platform', cluster: name })
}

export function findSecret({ tools, namespace }: Context, name: string): KubeObject | undefined {
  return tools.cache.get({ apiVersion: 'v1', kind: 'Secret' }, namespace, name)
}

/** Pods of this platform by component (`pooler`, `service`). */
export function findPods({ tools, namespace, cluster }: Context, component: string): KubeObject[] {
  const { name } = cluster.metadata
  return podsWith(tools.cache, namespace, {
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': component,
  })
}
