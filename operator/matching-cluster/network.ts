import type { KubeObject } from '../../crds/object.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { waitFor } from '../credentials.ts'
import { endpointOf } from '../data-store/endpoint.ts'
import { identityOf, type Tools } from '../data-store/observe.ts'
import { withOwner } from '../kube/apply.ts'
import { labels, type Identity } from '../labels.ts'
import {
  clients,
  from,
  fromAnywhere,
  monitoring,
  networkPolicy,
  operator,
  podsOf,
  policyKind,
  to,
  toAnywhere,
  type Egress,
} from '../network.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import { names } from './names.ts'
import { pooledStores, readStores, type Context } from './observe.ts'
import { poolerIdentity, poolerPort } from './pooler/objects.ts'
import { metricsPort, serviceIdentity, servicePort } from './workloads.ts'

/**
 * Policies of pooler and services; those of the stores are their own. Pure.
 * @param pooled  the stores behind the pooler
 */
export function networkPolicies(cluster: MatchingCluster, pooled: DataStore[], tools: Known): KubeObject[] {
  const { name } = cluster.metadata
  const [pooler, core] = [poolerIdentity(cluster), serviceIdentity(cluster, 'core')]
  return [
    ...policy(cluster, names.pooler(name), pooler, {
      ingress: [from(clients(names.pooler(name)), [poolerPort]), from(operator(tools.surroundings), [poolerPort])],
      egress: pooled.flatMap((store) => wayTo(store, tools)),
    }),
    ...policy(cluster, names.service(name, 'core'), core, {
      // Whoever asks shows a token. The metrics ask for none.
      ingress: [fromAnywhere([servicePort]), from(monitoring, [metricsPort])],
      egress: [to(podsOf(pooler), [poolerPort])],
    }),
  ]
}

type Known = Pick<Tools, 'cache' | 'engines' | 'given' | 'surroundings'>
type Rules = Parameters<typeof networkPolicy>[3]

function policy({ metadata, spec }: MatchingCluster, name: string, identity: Identity, rules: Rules): KubeObject[] {
  return networkPolicy(spec, { name, namespace: metadata.namespace ?? '', labels: labels(identity) }, identity, rules)
}

/** The pods of a store; of an external one a policy can name the port only, as soon as that is known. */
function wayTo(store: DataStore, tools: Known): Egress[] {
  const isManaged = store.spec.mode === 'managed'
  const port = isManaged ? tools.engines[store.spec.engine]?.port : endpointOf(store, tools)?.port
  if (port === undefined) return []
  return [isManaged ? to(podsOf(identityOf(store)), [port]) : toAnywhere([port])]
}

/** Before anything that waits for the stores: pods are never without them, and who switches them off is rid of them at once. */
export async function applyPolicies(context: Context): Promise<Outcome | undefined> {
  const { cluster, tools } = context
  const pooled = pooledStores({ ...context, stores: readStores(context) })
  const desired = networkPolicies(cluster, pooled, tools).map((object) => withOwner(cluster, object))
  const refused = await tools.applier.applyExactly(cluster, desired, [policyKind])
  return refused && waitFor(refused)
}
