import type { KubeObject } from '../../crds/object.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import type { Finding } from '../reconcile/status.ts'
import { podWithoutData } from './decide.ts'
import { names } from './names.ts'

/*
 * A volume can be lost while its store stays: somebody deletes the claim. Nobody can bring it back from here, so the store says
 * so, and nothing puts an empty database where one with data was.
 */

/** The volume claims among these that are the store's, of members that are gone, too. */
export function claimsOf({ metadata }: DataStore, claims: KubeObject[]): KubeObject[] {
  const prefix = names.volumeClaim(metadata.name, 0).slice(0, -1)
  return claims.filter(({ metadata: { name } }) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
}

/**
 * A store that was migrated and has no volume at all is not made anew. Pure.
 * @param claims  those of the store; with a StatefulSet it is the pod that finds its volume empty and refuses to start
 */
export function volumesMissing(store: DataStore, claims: KubeObject[], hasStatefulSet: boolean): Outcome | undefined {
  if (!store.status?.schema || claims.length > 0 || hasStatefulSet) return undefined
  const { name } = store.metadata
  const message = `volume claim ${names.volumeClaim(name, 0)} is gone, and ${name} held data: bring it back under that name, bound to its PersistentVolume or restored from a snapshot; or delete DataStore ${name} and let it be made again to begin with an empty one`
  return { kind: 'blocked', reason: 'VolumeMissing', message, retryAfterMs: 30_000 }
}

/** The same, found by the pod: its claim was deleted, and Kubernetes made an empty one of the name. Pure. */
export function volumeEmpty(store: DataStore, pods: KubeObject[]): Outcome | undefined {
  const pod = podWithoutData(pods)
  if (!pod) return undefined
  const { name } = store.metadata
  const message = `pod ${pod} found its volume empty, and ${name} held data: put the former PersistentVolume, or one restored from a snapshot, behind its volume claim; or delete DataStore ${name} and let it be made again to begin with an empty one`
  return { kind: 'blocked', reason: 'VolumeMissing', message, retryAfterMs: 30_000 }
}

/** A claim that was deleted goes when its pod stops, and a deletion cannot be taken back. Pure. */
export function dataAtRisk(claims: KubeObject[]): Finding[] {
  const going = claims.filter(({ metadata }) => metadata.deletionTimestamp).map(({ metadata }) => metadata.name)
  if (going.length === 0) return []
  const message = `volume claim ${going.join(', ')} was deleted and goes as soon as its pod stops: do not restart the pod; save the data now (a dump, a snapshot, or persistentVolumeReclaimPolicy Retain on its PersistentVolume)`
  return [{ type: 'DataAtRisk', status: 'True', reason: 'VolumeTerminating', message }]
}
