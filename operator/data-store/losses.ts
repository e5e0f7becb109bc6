import type { KubeObject } from '../../crds/object.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { Engine } from '../engines/engine.ts'
import { managedBy, selector, type Identity } from '../labels.ts'
import type { Blocked } from '../reconcile/outcome.ts'
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
 * A store that was migrated and has no volume at all is not made anew, and neither is one of which volumes are there but not the
 * first: its pod would make an empty database beside the data. Pure.
 * @param claims  those of the store; with a StatefulSet it is the pod that finds its volume empty and refuses to start
 */
export function volumesMissing(
  { metadata: { name }, status }: DataStore,
  claims: KubeObject[],
  hasStatefulSet: boolean,
  identity: Identity,
): Blocked | undefined {
  const first = names.volumeClaim(name, 0)
  if (hasStatefulSet || claims.some(({ metadata }) => metadata.name === first)) return undefined
  if (claims.length === 0 && !status?.schema) return undefined
  const others = claims.map((claim) => claim.metadata.name)
  const orElse =
    others.length > 0
      ? `, or, when it is lost, bound to the PersistentVolume of the newest of ${others.join(', ')}, which hold the same data: delete none of them before`
      : `; or delete DataStore ${name} and let it be made again to begin with an empty one`
  const message = `volume claim ${first} is not there, and ${name} held data: bring it back under that name with the labels ${labelsNeeded(identity)}, bound to its PersistentVolume or restored from a snapshot${orElse}`
  return { kind: 'blocked', reason: 'VolumeMissing', message, retryAfterMs: 30_000 }
}

/** Volumes are there, of a store of this name that was made otherwise. Pure. */
export function volumesUnfit(
  store: DataStore,
  claims: KubeObject[],
  hasStatefulSet: boolean,
  engine: Pick<Engine, 'unfitVolumes'>,
): Blocked | undefined {
  if (hasStatefulSet || claims.length === 0) return undefined
  const message = engine.unfitVolumes?.(store, claims.length)
  return message === undefined ? undefined : { kind: 'blocked', reason: 'VolumesUnfit', message, retryAfterMs: 30_000 }
}

/** The same as `volumesMissing`, found by the pod: its claim was deleted, and Kubernetes made an empty one of the name. Pure. */
export function volumeEmpty(
  { metadata: { name } }: DataStore,
  pods: KubeObject[],
  claims: KubeObject[],
): Blocked | undefined {
  const pod = podWithoutData(pods)
  if (!pod) return undefined
  const own = `${names.volume}-${pod}`
  const others = claims.map((claim) => claim.metadata.name).filter((claim) => claim !== own)
  const orElse =
    others.length > 0
      ? `. It is copied by itself as soon as another member leads: ${others.join(', ')} may hold the data, delete none of them`
      : `; or delete DataStore ${name} and volume claim ${own} and let the store be made again to begin with an empty one`
  const message = `pod ${pod} found its volume empty, and ${name} held data: put the former PersistentVolume, or one restored from a snapshot, behind volume claim ${own}${orElse}`
  return { kind: 'blocked', reason: 'VolumeMissing', message, retryAfterMs: 30_000 }
}

/** Without them the operator does not see an object that somebody makes again. */
export function labelsNeeded(identity: Identity): string {
  const needed = { ...selector(identity), 'app.kubernetes.io/managed-by': managedBy }
  return Object.entries(needed)
    .map(([label, value]) => `${label}=${value}`)
    .join(', ')
}

/** A claim that was deleted goes when its pod stops, and a deletion cannot be taken back. Pure. */
export function dataAtRisk(claims: KubeObject[]): Finding[] {
  const going = claims.filter(({ metadata }) => metadata.deletionTimestamp).map(({ metadata }) => metadata.name)
  if (going.length === 0) return []
  const message = `volume claim ${going.join(', ')} was deleted and goes as soon as its pod stops: do not restart the pod; save the data now (a dump, a snapshot, or persistentVolumeReclaimPolicy Retain on its PersistentVolume)`
  return [{ type: 'DataAtRisk', status: 'True', reason: 'VolumeTerminating', message }]
}
