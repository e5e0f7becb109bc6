import type { KubeObject } from '../../crds/object.ts'
import { group } from '../../crds/schema/common.ts'
import type { Cache } from '../kube/cache.ts'
import { hasStatus, type KubeClient } from '../kube/client.ts'

/** Keeps a deleted object until its final steps are done. */
export const finalizer = `${group}/deletion-policy`

export function hasFinalizer(object: KubeObject): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false
}

/** Deleted with `--cascade=orphan`, and the garbage collector has not taken the owner off everything yet. */
export function isOrphaning(object: KubeObject): boolean {
  return object.metadata.finalizers?.includes('orphan') ?? false
}

interface Tools {
  client: KubeClient
  cache: Cache
}

/**
 * Puts our finalizer on an object or takes it off, with one patch, and none when that is so already. A merge patch replaces the
 * whole list, so it carries the finalizers of others and the resourceVersion they were read at.
 * @returns the object as it is now; `conflict` when it has changed since it was read, or is gone
 * @throws KubeError other than 404 and 409
 */
export async function setFinalizer(
  object: KubeObject,
  wanted: boolean,
  { client, cache }: Tools,
): Promise<KubeObject | 'conflict'> {
  if (hasFinalizer(object) === wanted) return object
  const { namespace, name, uid, resourceVersion, finalizers = [] } = object.metadata
  const others = finalizers.filter((one) => one !== finalizer)
  const metadata = { uid, resourceVersion, finalizers: wanted ? [...others, finalizer] : others }
  try {
    const patched = await client.mergePatch(object, namespace, name, { metadata })
    // The last finalizer of a deleted object takes it along: then this answer is no news of anything that exists.
    if (!object.metadata.deletionTimestamp) cache.wrote(patched)
    return patched
  } catch (error) {
    if (hasStatus(error, 409) || hasStatus(error, 404)) return 'conflict'
    throw error
  }
}

/**
 * Whether the namespace itself is being deleted. Then Kubernetes removes everything in it, our rights there included, and a
 * finalizer would only keep the namespace from going.
 */
export async function isNamespaceGoing(object: KubeObject, { client }: Tools): Promise<boolean> {
  const found = await client.get({ apiVersion: 'v1', kind: 'Namespace' }, undefined, object.metadata.namespace ?? '')
  return !found || found.metadata.deletionTimestamp !== undefined
}
