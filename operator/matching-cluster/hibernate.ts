import type { KubeObject } from '../../crds/object.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import { names } from './names.ts'
import { findPods, readStores, type Context } from './observe.ts'

/** Clients in the order in which they stop: the services, then the pooler they use. */
const clients = ['service', 'pooler'] as const

/**
 * Brings the Deployments of services and pooler to no pods, one after the other. What they are otherwise is left as it is: the steps
 * that make them bring them back.
 * @returns  what still stops, in a sentence; undefined when no client is left
 */
export async function stopClients(context: Context): Promise<string | undefined> {
  for (const component of clients) {
    for (const deployment of deploymentsOf(context, component)) await scaleToZero(context, deployment)
    const [pod] = findPods(context, component).filter(hasNotEnded)
    if (pod) return `pod ${pod.metadata.name} is stopping; the stores follow when no client is left`
  }
  return undefined
}

/** An evicted pod stays as a record of it. */
function hasNotEnded(pod: KubeObject): boolean {
  const { phase } = (pod['status'] ?? {}) as { phase?: string }
  return phase !== 'Failed' && phase !== 'Succeeded'
}

function deploymentsOf({ cluster, namespace, tools }: Context, component: string): KubeObject[] {
  return tools.cache
    .list({ apiVersion: 'apps/v1', kind: 'Deployment' }, namespace)
    .filter(({ metadata: { labels = {}, ownerReferences = [] } }) => {
      const ours = ownerReferences.some(({ uid }) => uid === cluster.metadata.uid)
      return ours && labels['app.kubernetes.io/component'] === component
    })
}

async function scaleToZero({ namespace, tools }: Context, deployment: KubeObject): Promise<void> {
  if ((deployment['spec'] as { replicas?: number }).replicas === 0) return
  const { name, uid, resourceVersion } = deployment.metadata
  const patch = { metadata: { uid, resourceVersion }, spec: { replicas: 0 } }
  tools.cache.wrote(await tools.client.mergePatch(deployment, namespace, name, patch))
}

/** How far a platform that shall sleep is. An external store goes on: it is not ours to stop. */
export function asleep(context: Context): Outcome {
  const { stopping } = context
  if (stopping) return { kind: 'wait', reason: 'Hibernated', message: stopping, retryAfterMs: 10_000 }
  for (const [store, object] of readStores(context)) {
    if (object.spec.mode === 'external' || isAsleep(object)) continue
    const message = `${store}: ${names.dataStore(context.cluster.metadata.name, store)} is stopping`
    return { kind: 'wait', reason: 'Hibernated', message, retryAfterMs: 30_000 }
  }
  return { kind: 'asleep', reason: 'Hibernated', message: 'hibernated: set spec.hibernate to false to wake it' }
}

/** Its conditions name hibernation while it still stops, too. */
const isAsleep = ({ metadata, status }: DataStore) =>
  status?.phase === 'Hibernated' && status.observedGeneration === metadata.generation
