import type { KubeObject } from '../../crds/object.ts'
import { group } from '../../crds/schema/common.ts'
import { hasStatus } from '../kube/client.ts'
import { names } from './names.ts'
import { findPod, findVolumeClaims, type Context } from './observe.ts'

/*
 * Volume claims, and what is noted on them because they outlive their store and its status: which volumes may lead, and which must not even
 * follow. It is written before what makes it true.
 */

/** Others have gone on without it. Such a volume may follow, and must never be the one to begin with. Its value: since when. */
export const outdated = `${group}/outdated`

/**
 * On an outdated one: its member went although nobody who stayed may have had what it had. Where each was led on from the same point,
 * PostgreSQL cannot tell the two histories apart. Its value: uid of the pod that went, empty for none.
 */
export const givenUp = `${group}/given-up`

/** On that of pod 0, the one that is left then: it may lead, whatever it lacks. Its value: since when. */
export const mayLead = `${group}/may-lead`

interface ClaimPatch {
  metadata?: { annotations: Record<string, string | null> }
  spec?: { resources: { requests: { storage: string } } }
}

const valueOf = ({ metadata }: KubeObject, mark: string) => metadata.annotations?.[mark]

export const isMarked = (claim: KubeObject, mark: string): boolean => valueOf(claim, mark) !== undefined

/** Of a pod, or of its volume claim. */
export const ordinalOf = ({ metadata }: KubeObject) => Number(metadata.name.split('-').at(-1))

/** @returns whether it was still the one that was looked at; the next look has the newest version */
export async function patchClaim(
  { namespace, tools }: Context,
  claim: KubeObject,
  patch: ClaimPatch,
): Promise<boolean> {
  const { name, uid, resourceVersion } = claim.metadata
  const whole = { ...patch, metadata: { ...patch.metadata, uid, resourceVersion } }
  try {
    tools.cache.wrote(await tools.client.mergePatch(claim, namespace, name, whole))
    return true
  } catch (error) {
    if (!hasStatus(error, 409)) throw error
    return false
  }
}

export function volumeOf(context: Context, ordinal: number): [name: string, claim: KubeObject | undefined] {
  const name = names.volumeClaim(context.store.metadata.name, ordinal)
  return [name, findVolumeClaims(context).find(({ metadata }) => metadata.name === name)]
}

/** The member that had it is no more: one that was marked and then stayed after all is not meant. */
export function isGivenUp(context: Context, claim: KubeObject): boolean {
  const went = valueOf(claim, givenUp)
  return went !== undefined && (went === '' || went !== podUidOf(context, ordinalOf(claim)))
}

export function podUidOf(context: Context, ordinal: number): string | undefined {
  return findPod(context, names.pod(context.store.metadata.name, ordinal))?.metadata.uid
}

/** What was noted before stays as it is. @returns whether it is marked */
export async function mark(context: Context, claim: KubeObject, marks: Record<string, string>): Promise<boolean> {
  const missing = Object.entries(marks).filter(([name]) => !isMarked(claim, name))
  if (missing.length === 0) return true
  return patchClaim(context, claim, { metadata: { annotations: Object.fromEntries(missing) } })
}

/** @returns whether it is no longer marked */
export function unmark(context: Context, claim: KubeObject, ...marks: string[]): Promise<boolean> {
  const none = Object.fromEntries(marks.map((name) => [name, null]))
  return patchClaim(context, claim, { metadata: { annotations: none } })
}
