import type { KubeObject } from '../crds/object.ts'
import { apiVersion } from '../crds/schema/common.ts'
import type { DataStore } from '../crds/schema/data-store.ts'
import type { Cache, Change } from './kube/cache.ts'
import { domain, managedBy } from './labels.ts'
import { policyKind } from './network.ts'

/** The kinds of ours. */
export const ownKinds = ['MatchingCluster', 'DataStore'] as const
export type OwnKind = (typeof ownKinds)[number]

/** Kinds of what we own, watched by our label, so that somebody else's Secret is not in the cache. */
export const ownedKinds: { apiVersion: string; kind: string }[] = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
  { apiVersion: 'v1', kind: 'Pod' },
  { apiVersion: 'v1', kind: 'Secret' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'batch/v1', kind: 'Job' },
  policyKind,
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding' },
]

/**
 * Keys of the objects of `kind` that want to know of a changed object: itself; its controller; for what outlives its owner
 * (credentials, volumes) and what Kubernetes owns in between (pods), the one whose labels it carries; and every DataStore
 * for the Secrets it names. A key may be that of an object which does not exist.
 */
function keysFor(kind: OwnKind, object: KubeObject, cache: Pick<Cache, 'list'>): string[] {
  const names = [nameFor(kind, object), ...(kind === 'DataStore' ? storesNaming(object, cache) : [])]
  return [...new Set(names)].filter((name) => name !== undefined).map((name) => `${object.metadata.namespace}/${name}`)
}

function nameFor(kind: OwnKind, object: KubeObject): string | undefined {
  const { name, labels = {}, ownerReferences } = object.metadata
  if (object.kind === kind) return name
  const owner = ownerReferences?.find((reference) => reference.controller)
  if (owner?.apiVersion.split('/')[0] === domain) return owner.kind === kind ? owner.name : undefined
  if (labels['app.kubernetes.io/managed-by'] !== managedBy) return undefined
  // A store's credentials are the pooler's, too: they belong to the store by instance, and to its cluster.
  return labels[kind === 'MatchingCluster' ? `${domain}/cluster` : 'app.kubernetes.io/instance']
}

function storesNaming(object: KubeObject, cache: Pick<Cache, 'list'>): string[] {
  if (object.kind !== 'Secret') return []
  const stores = cache.list({ apiVersion, kind: 'DataStore' }, object.metadata.namespace) as DataStore[]
  const named = ({ spec: { tls, binding, connectionSecretRef: given } }: DataStore) => [
    tls.caSecret,
    binding?.caSecret,
    given?.name,
    given?.caSecret?.name,
  ]
  return stores.filter((store) => named(store).includes(object.metadata.name)).map((store) => store.metadata.name)
}

/**
 * Whom a change wakes. News is told from noise: a status write of ours is no reason to reconcile its object again, past any
 * delay it waits for, and Patroni notes its heartbeat on every pod.
 */
export class Wakeups {
  readonly #cache: Pick<Cache, 'list'>
  /** What was last seen of each object, as far as it matters. */
  readonly #seen = new Map<string, string>()

  /** @param cache  must have listed the DataStores when `of` is called */
  constructor(cache: Pick<Cache, 'list'>) {
    this.#cache = cache
  }

  /** Ask once for each change. */
  of(change: Change, object: KubeObject): { kind: OwnKind; key: string }[] {
    const isNews = this.#isNews(change, object)
    // A cluster follows the status of its stores; a store follows no status of ours.
    const concerned = ownKinds.filter((kind) => isNews || (kind === 'MatchingCluster' && object.kind === 'DataStore'))
    return concerned.flatMap((kind) => keysFor(kind, object, this.#cache).map((key) => ({ kind, key })))
  }

  #isNews(change: Change, object: KubeObject): boolean {
    const matters = whatMatters(object)
    if (matters === undefined) return true
    const key = JSON.stringify([object.kind, object.metadata.namespace, object.metadata.name])
    const before = this.#seen.get(key)
    const now = JSON.stringify(matters)
    if (change === 'deleted') this.#seen.delete(key)
    else this.#seen.set(key, now)
    return change === 'deleted' || before !== now
  }
}

/** Undefined: everything does. */
function whatMatters(object: KubeObject): unknown[] | undefined {
  const { uid, generation, labels, annotations, deletionTimestamp } = object.metadata
  if (object.apiVersion === apiVersion) return [uid, generation, labels, annotations, deletionTimestamp]
  // Only the kubelet and the scheduler write a pod's status: phase, readiness, addresses, what its containers do.
  if (object.kind === 'Pod') return [uid, labels, deletionTimestamp, object['status']]
  return undefined
}
