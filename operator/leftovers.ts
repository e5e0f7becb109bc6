import type { KubeObject } from '../crds/object.ts'

/** What one object of ours made that outlives it: found by name, and proven to be its own by its labels. */
export interface Belongings {
  /** Names of Secrets. */
  secrets: string[]
  /** Names of Services; absent where none outlives its owner. */
  services?: string[]
  /** Names of volume claims of pods 0 without that number; absent where there are no volumes. */
  claimPrefixes?: string[]
  /** Every one of these labels must be there with that value. */
  labels: Record<string, string>
  /** Secrets that are somebody else's or that others use, and who says so. */
  spared: Map<string, string>
}

export interface Fate {
  goes: boolean
  why: string
}

/**
 * Whether a Secret, Service or volume claim goes for good with the object whose belongings these are. Pure. Only what has its name and
 * its labels and belongs to nobody else goes: to keep one too many costs a line of kubectl, the other way round costs the data.
 */
export function fateOf(
  object: KubeObject,
  { secrets, services = [], claimPrefixes = [], labels, spared }: Belongings,
): Fate {
  const { name, labels: live = {}, ownerReferences = [] } = object.metadata
  const keep = (why: string): Fate => ({ goes: false, why })
  const kind = object.kind
  const isOwn =
    (kind === 'PersistentVolumeClaim' && claimPrefixes.some((prefix) => isClaimOf(name, prefix))) ||
    (kind === 'Secret' && secrets.includes(name)) ||
    (kind === 'Service' && services.includes(name))
  if (!isOwn) return keep('no name of its own')
  const differing = Object.keys(labels).find((label) => live[label] !== labels[label])
  if (differing) return keep(`label ${differing} is ${live[differing] ?? 'missing'}`)
  const [owner] = ownerReferences
  if (owner) return keep(`it belongs to ${owner.kind} ${owner.name}`)
  const user = spared.get(name)
  if (user) return keep(user)
  return { goes: true, why: kind === 'PersistentVolumeClaim' ? 'a volume claim of its pods' : `a ${kind} made for it` }
}

function isClaimOf(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length))
}
