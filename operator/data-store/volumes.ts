import { quantity } from '../quantity.ts'

/** A volume claim as far as its size goes. */
export interface Claim {
  name: string
  /** What it asks for. */
  requested: string
  /** What the volume has; absent until it is bound. */
  capacity?: string
}

// prettier-ignore
export type VolumeStep =
  | { kind: 'fits' }
  /** A claim asks for more than the spec: it was kept from before, and no volume shrinks. */
  | { kind: 'larger'; claim: Claim }
  | { kind: 'cannotGrow'; message: string }
  /** Ask for the new size. */
  | { kind: 'request'; claims: Claim[] }
  | { kind: 'growing'; claim: Claim }
  /** All volumes have the size; the StatefulSet still makes the old one for new pods. */
  | { kind: 'recreate' }

/**
 * The next step towards volumes of `size`.
 * @param template    size in the StatefulSet's claim template, which cannot be changed; undefined: there is no StatefulSet
 * @param expandable  whether the StorageClass lets volumes grow
 */
export function volumeStep(input: {
  claims: Claim[]
  size: string
  template: string | undefined
  expandable: boolean
  storageClass: string | undefined
}): VolumeStep {
  const { claims, size, template, expandable, storageClass } = input
  const wanted = bytes(size)
  const larger = claims.find(({ requested }) => bytes(requested) > wanted)
  if (larger) return { kind: 'larger', claim: larger }
  const small = claims.filter(({ requested }) => bytes(requested) < wanted)
  if (small.length > 0 && !expandable) return { kind: 'cannotGrow', message: cannotGrow(small, size, storageClass) }
  if (small.length > 0) return { kind: 'request', claims: small }
  const growing = claims.find(({ capacity }) => capacity !== undefined && bytes(capacity) < wanted)
  if (growing) return { kind: 'growing', claim: growing }
  return template !== undefined && bytes(template) !== wanted ? { kind: 'recreate' } : { kind: 'fits' }
}

/** What every volume has by now: the size of the spec, or less while one has not grown or never will. */
export function sizeInForce(claims: Claim[], size: string): string {
  const given = claims.flatMap(({ capacity }) => capacity ?? [])
  return [size, ...given].reduce((least, one) => (bytes(one) < bytes(least) ? one : least))
}

const bytes = (size: string) => quantity(size) ?? 0

function cannotGrow([claim]: Claim[], size: string, storageClass: string | undefined): string {
  const why = storageClass
    ? `StorageClass ${storageClass} does not allow volumes to grow (allowVolumeExpansion)`
    : 'it has no StorageClass'
  return `volume claim ${claim?.name} has ${claim?.requested}, spec.storage.size asks for ${size}, and ${why}: ask for ${claim?.requested} again, or move the data to a store of another class`
}
