import type { ResourceRef } from '../kube/resources.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import { secretValue } from '../secrets.ts'
import { caSecretName, findSecret, findStatefulSet, type Context } from './observe.ts'

/* What a store needs and does not make: classes of the cluster, a CA that somebody gave. */

/** No watch tells of a class. */
const retryAfterMs = 30_000

/** Without it no pod can be made: to be known before one that runs is replaced. A store that runs with it goes on and is looked after (goOn). */
export async function missingClass(context: Context): Promise<Outcome | undefined> {
  const { store, tools } = context
  const inUse = classesInUse(context)
  const isMissing = async (kind: ResourceRef, name: string | undefined) =>
    name !== undefined && (await tools.client.get(kind, undefined, name)) === undefined
  const { storageClass } = store.spec.storage
  if (await isMissing({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' }, storageClass)) {
    const message = `spec.storage.storageClass names ${storageClass}, which does not exist in this cluster: create that StorageClass, or delete this object and apply it with another`
    return {
      kind: 'blocked',
      reason: 'StorageClassMissing',
      message,
      retryAfterMs,
      goOn: inUse.storage === storageClass,
    }
  }
  const { priorityClassName } = store.spec.placement
  if (await isMissing({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass' }, priorityClassName)) {
    const message = `spec.placement.priorityClassName names ${priorityClassName}, which does not exist in this cluster: create that PriorityClass, or name another`
    const goOn = inUse.priority === priorityClassName
    return { kind: 'blocked', reason: 'PriorityClassMissing', message, retryAfterMs, goOn }
  }
  return undefined
}

function classesInUse(context: Context): { storage?: string | undefined; priority?: string | undefined } {
  const spec = findStatefulSet(context)?.['spec'] as
    | {
        volumeClaimTemplates?: { spec?: { storageClassName?: string } }[]
        template?: { spec?: { priorityClassName?: string } }
      }
    | undefined
  return {
    storage: spec?.volumeClaimTemplates?.[0]?.spec?.storageClassName,
    priority: spec?.template?.spec?.priorityClassName,
  }
}

/** The CA that spec.tls.caSecret names. */
export function givenAuthority(context: Context): Outcome {
  const name = caSecretName(context)
  const found = findSecret(context, name)
  if (secretValue(found, 'tls.crt') && secretValue(found, 'tls.key')) return { kind: 'done', reason: 'Ready' }
  const message = `spec.tls.caSecret names ${name}: that Secret with tls.crt and tls.key is not there (label it app.kubernetes.io/managed-by=supersmartmatch-operator)`
  return { kind: 'wait', reason: 'SecretMissing', message, retryAfterMs: 10_000 } // a MatchingCluster may be about to make it
}
