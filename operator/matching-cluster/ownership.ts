import type { KubeObject } from '../../crds/object.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { withOwner } from '../kube/apply.ts'
import { readStores, type Context } from './observe.ts'

/** A store with DoNotTerminate has no owner: it does not go with its cluster, however that goes. */
export function ownedUnlessProtected(cluster: MatchingCluster, child: KubeObject): KubeObject {
  return isProtected(cluster) ? child : withOwner(cluster, child)
}

/** Takes itself off as the owner of stores that are protected from now on: an apply refuses what another object owns. */
export async function releaseProtected(context: Context): Promise<void> {
  const { cluster, namespace, tools } = context
  if (!isProtected(cluster)) return
  for (const store of readStores(context).values()) {
    const { name, uid, resourceVersion, ownerReferences = [] } = store.metadata
    const others = ownerReferences.filter((reference) => reference.uid !== cluster.metadata.uid)
    if (others.length === ownerReferences.length) continue
    // At one stroke: a store without owner and without that policy is one that was orphaned.
    const patch = {
      metadata: { uid, resourceVersion, ownerReferences: others },
      spec: { deletionPolicy: cluster.spec.deletionPolicy },
    }
    tools.cache.wrote(await tools.client.mergePatch(store, namespace, name, patch))
  }
}

const isProtected = ({ spec }: MatchingCluster) => spec.deletionPolicy === 'DoNotTerminate'
