import type { DataStore } from '../../crds/schema/data-store.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { belongings as belongingsOfStore, removeLeftovers, signing, sparedFor } from '../data-store/finalize.ts'
import { observe as observeStore } from '../data-store/observe.ts'
import { withOwner } from '../kube/apply.ts'
import { hasStatus } from '../kube/client.ts'
import { dropIssuedCertificate } from '../issuer.ts'
import { domain, managedBy } from '../labels.ts'
import type { Belongings } from '../leftovers.ts'
import { hasFinalizer, isOrphaning } from '../reconcile/finalizer.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import type { Step } from '../reconcile/steps.ts'
import { children } from './children.ts'
import { names } from './names.ts'
import { platformLabels, readStores, type Context } from './observe.ts'

/*
 * Deletion of a MatchingCluster. With deletionPolicy Retain nothing is left to do: its DataStores follow it by ownerReference.
 *
 * Delete         1. Its DataStores are deleted, each once it has taken over the policy, and take their data along.
 *                2. What belongs to the platform goes (CA, token keys, the pooler's Secrets), and what a store left that went
 *                   before it had heard of the policy.
 * DoNotTerminate The API server refuses the deletion, see charts/matching-crds. Where that policy is not installed, or a store
 *                has not followed a change yet, stores that still ask for it go on running.
 */

/** A store that asks for more than Retain asks it of its cluster, too: it may not have followed a change yet. */
export function needsFinalizer(context: Context): boolean {
  const policies = [context.cluster, ...readStores(context).values()].map(({ spec }) => spec.deletionPolicy)
  return policies.some((policy) => policy !== 'Retain')
}

/** `take back`: it gets its cluster's policy, and its cluster as owner, first. */
export type StoreFate = 'leave' | 'orphaned' | 'take back' | 'wait' | 'delete'

/** What is done next about one DataStore of a MatchingCluster that is being deleted. Pure. */
export function storeFate(cluster: MatchingCluster, store: DataStore): StoreFate {
  const { deletionPolicy } = cluster.spec
  if (!isOwn(cluster, store) || deletionPolicy === 'DoNotTerminate') return 'leave'
  const isOwned = (store.metadata.ownerReferences ?? []).length > 0
  const isOrphan = isOrphaning(cluster) || (!isOwned && store.spec.deletionPolicy !== 'DoNotTerminate')
  if (isOrphan) return deletionPolicy === 'Retain' ? 'leave' : 'orphaned'
  if (store.metadata.deletionTimestamp) return 'wait'
  if (store.spec.deletionPolicy !== deletionPolicy) return 'take back'
  // Without its finalizer it would go and leave its data.
  if (deletionPolicy === 'Delete' && !hasFinalizer(store)) return 'wait'
  return 'delete'
}

/** By ownerReference; one with DoNotTerminate has none, and says by label whose it is. */
function isOwn({ metadata }: MatchingCluster, store: DataStore): boolean {
  const { labels = {}, ownerReferences = [] } = store.metadata
  const owner = ownerReferences.find((reference) => reference.controller)
  if (owner) return owner.uid === metadata.uid
  return labels[`${domain}/cluster`] === metadata.name && labels['app.kubernetes.io/managed-by'] === managedBy
}

const storesGone: Step<Context> = {
  condition: 'StoresGone',
  async run(context) {
    const left: string[] = []
    for (const store of readStores(context).values()) {
      const fate = storeFate(context.cluster, store)
      if (fate === 'leave') tellLeft(context, store)
      else left.push(store.metadata.name)
      if (fate === 'orphaned') return orphaned(store)
      if (fate === 'take back') await takeBack(context, store)
      if (fate === 'delete') await remove(context, store)
    }
    if (left.length > 0) return waiting(`DataStore ${left.join(', ')} is being deleted`)
    const { deletionPolicy } = context.cluster.spec
    return { kind: 'done', reason: deletionPolicy === 'DoNotTerminate' ? 'LeftRunning' : 'Gone' }
  },
}

const waiting = (message: string): Outcome => ({ kind: 'wait', reason: 'Deleting', message, retryAfterMs: 5_000 })

function tellLeft({ cluster, tools }: Context, store: DataStore): void {
  const { name } = cluster.metadata
  const note = `MatchingCluster ${name} is deleted, ${store.metadata.name} goes on running; apply ${name} again to manage it, or delete it with the deletionPolicy it shall have (now ${store.spec.deletionPolicy})`
  for (const about of [cluster, store]) tools.events.warning(about, 'LeftRunning', note)
}

/** Two orders that contradict each other: the policy says that the stores go, `--cascade=orphan` that they stay. */
function orphaned({ metadata: { name } }: DataStore): Outcome {
  const message = `DataStore ${name} has lost its owner, as after kubectl delete --cascade=orphan: delete it to go on, or set spec.deletionPolicy to Retain here to leave it running with its data`
  return { kind: 'blocked', reason: 'Orphaned', message, retryAfterMs: 10_000 }
}

async function takeBack({ cluster, tools, namespace }: Context, store: DataStore): Promise<void> {
  const { name, uid, resourceVersion } = store.metadata
  const { ownerReferences } = withOwner(cluster, store).metadata
  const { deletionPolicy } = cluster.spec
  const patch = { metadata: { uid, resourceVersion, ownerReferences }, spec: { deletionPolicy } }
  await unlessChanged(async () => tools.cache.wrote(await tools.client.mergePatch(store, namespace, name, patch)))
}

async function remove({ tools }: Context, store: DataStore): Promise<void> {
  await unlessChanged(() => tools.client.delete(store))
}

/** What changed since it was seen, or is gone, is looked at again. */
async function unlessChanged(write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (!hasStatus(error, 409) && !hasStatus(error, 404)) throw error
  }
}

const dataGone: Step<Context> = {
  condition: 'DataGone',
  async run(context) {
    const { cluster, namespace, tools } = context
    if (cluster.spec.deletionPolicy !== 'Delete') return { kind: 'done', reason: 'Gone' }
    const { name } = cluster.metadata
    const tls = { name: names.poolerTlsSecret(name), namespace, labels: platformLabels(cluster) }
    await dropIssuedCertificate(tools, tls, names.poolerIssuedSecret(name))
    for (const belonging of [...formerStores(context), belongings(context)]) {
      const outcome = await removeLeftovers(cluster, belonging, namespace, tools)
      if (outcome.kind !== 'done') return outcome
    }
    return { kind: 'done', reason: 'Gone' }
  },
}

/** Of stores that went without their finalizer: the policy was changed and the cluster deleted at one stroke. */
function formerStores({ cluster, namespace, tools, signal }: Context): Belongings[] {
  return children(cluster)
    .filter((child) => !tools.cache.get(child, namespace, child.metadata.name))
    .map((child) => belongingsOfStore(observeStore(child as DataStore, tools, signal)))
}

/** What a MatchingCluster made that carries no ownerReference. */
function belongings({ cluster, namespace, tools }: Context): Belongings {
  const { name } = cluster.metadata
  const own = children(cluster).map(({ metadata }) => metadata.name)
  return {
    secrets: [names.caSecret, names.tokensSecret, names.pooler, names.poolerTlsSecret, names.poolerIssuedSecret].map(
      (secret) => secret(name),
    ),
    labels: platformLabels(cluster),
    spared: new Map(
      signing(tools, namespace)
        .filter(([, user]) => !own.includes(user))
        .map(sparedFor),
    ),
  }
}

/** In this order, each only when the one before it is done. */
export const finalSteps: Step<Context>[] = [storesGone, dataGone]
