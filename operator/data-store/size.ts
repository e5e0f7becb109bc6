import type { KubeObject } from '../../crds/object.ts'
import { group } from '../../crds/schema/common.ts'
import type { Membership } from '../engines/engine.ts'
import { deadline } from '../reconcile/deadline.ts'
import { messageOf } from '../reconcile/errors.ts'
import type { Blocked } from '../reconcile/outcome.ts'
import { patchClaim } from './growth.ts'
import { askMembers, nodesOf } from './members.ts'
import { names } from './names.ts'
import { databasePods, findVolumeClaims, liveMembers, type Context } from './observe.ts'
import { lastToLead, membersThere, nextSize } from './scaling.ts'
import { approveAnnotation, isApproved, planHash } from './updates.ts'

/** Pods the store shall have in the end. */
export function membersWanted({ store }: Context): number {
  return store.spec.hibernate ? 0 : store.spec.shards * store.spec.replicas
}

/** Puts into the plan how many pods there shall be now. What is refused holds up nothing else (goOn): a member that is repaired or follows again may be what makes a smaller store safe. */
export async function settleSize(context: Context): Promise<Blocked | undefined> {
  const { engine, plan, store } = context
  if (!engine.members) return settleNodes(context)
  const wanted = membersWanted(context)
  const kept = keptMembers(context)
  const scaled = membersNow(context)
  const live = scaled && membersThere(scaled, kept, wanted)
  const { uid, generation } = store.metadata
  const hashOf = (cause: string) => planHash(uid, { generation, members: wanted, cause })
  const mustAsk = live !== undefined && live > 0 && live !== wanted
  const answer = mustAsk ? await askMembers(context) : 'nobody was asked'
  const membership = typeof answer === 'string' ? undefined : answer.membership
  const nameOf = (ordinal: number) => names.pod(store.metadata.name, ordinal)
  const size = nextSize({
    live: scaled,
    kept,
    wanted,
    membership,
    approves: (cause) => isApproved(store, hashOf(cause)),
    nameOf,
  })
  plan.members = size.members
  switch (size.kind) {
    case 'settled':
      if (live === undefined) return undefined
      if (size.members > live) return unfitToGrow(context, live)
      if (size.members < live && !(await remove(context, size.members, size.lossy))) plan.members = live
      return undefined
    case 'move':
      context.relocation = { from: size.from, to: size.to }
      return undefined
    case 'refused': {
      context.sizeRefused = true
      const hash = hashOf(size.cause)
      context.found.pending = {
        hash,
        what: `go from ${live} to ${wanted} members`,
        differences: [`replicas: ${live} → ${wanted}`],
      }
      return refused(context, size.message, hash)
    }
  }
}

/** Pods without a leader go when the engine has moved what only they have, or when somebody answers for it. */
async function settleNodes(context: Context): Promise<Blocked | undefined> {
  const { plan, store } = context
  const [live, wanted] = [membersNow(context) ?? 0, membersWanted(context)]
  const { uid, generation } = store.metadata
  const hash = planHash(uid, { generation, members: wanted })
  const shrinks = wanted > 0 && wanted < live
  plan.members = shrinks ? live : wanted
  const held = shrinks && !isApproved(store, hash) ? await whatHolds(context) : undefined
  if (held === undefined) {
    plan.members = wanted
    return undefined
  }
  const { shards, replicas } = store.spec
  const differences = [`shards × replicas: ${live} → ${shards} × ${replicas}`]
  context.found.pending = { hash, what: `go from ${live} to ${wanted} pods`, differences }
  return refused(context, held, hash)
}

async function whatHolds(context: Context): Promise<string | undefined> {
  const { engine, plan } = context
  if (!engine.release) return 'what only the pods that go have would stay behind on their volumes'
  try {
    return await engine.release(nodesOf(context), plan, deadline(context, 5_000))
  } catch (error) {
    return messageOf(error)
  }
}

/** A StatefulSet that is being made anew, for larger volumes, left its pods. */
function membersNow(context: Context): number | undefined {
  const { namespace, store, tools } = context
  const live = liveMembers(tools.cache, namespace, store.metadata.name)
  if (live !== undefined) return live
  const ordinals = databasePods(context).map(ordinalOf)
  return ordinals.length > 0 ? Math.max(...ordinals) + 1 : undefined
}

/** On a volume claim: others have gone on without it. Such a volume may follow, and must never be the one to begin with. */
const outdatedAnnotation = `${group}/outdated`

/** On an outdated one: its member went although nobody else may have what it has. Its history may not be that of the others. */
const givenUpAnnotation = `${group}/given-up`

/** On the one that is left then: it may lead, whatever it lacks. Until it does. */
const mayLeadAnnotation = `${group}/may-lead`

const isMarked = ({ metadata }: KubeObject, annotation: string) => metadata.annotations?.[annotation] !== undefined
const isOutdated = (claim: KubeObject) => isMarked(claim, outdatedAnnotation)

/** Up to the highest whose volume is as it was when the store was whole: those between that lost theirs are copied anew. */
function keptMembers(context: Context): number {
  const last = findVolumeClaims(context).findLast((claim) => !isOutdated(claim))
  return last ? ordinalOf(last) + 1 : 0
}

const ordinalOf = ({ metadata }: KubeObject) => Number(metadata.name.split('-').at(-1))

/** The pod of this ordinal goes; its volume stays, and is marked before it falls behind. @returns whether it may go now */
async function remove(context: Context, ordinal: number, lossy = false): Promise<boolean> {
  const { store, tools } = context
  const at = tools.now().toISOString()
  const [name, claim] = volumeOf(context, ordinal)
  const [, first] = volumeOf(context, 0)
  const marks = { [outdatedAnnotation]: at, ...(lossy ? { [givenUpAnnotation]: at } : {}) }
  if (ordinal > 0 && claim && !(await mark(context, claim, marks))) return false
  if (lossy && membersWanted(context) <= 1 && first && !(await mark(context, first, { [mayLeadAnnotation]: at })))
    return false
  const pod = names.pod(store.metadata.name, ordinal)
  const kept = `its volume claim ${name} stays${lossy ? '' : ' and is used again when the store grows'}`
  tools.events.normal(store, 'MemberRemoved', `pod ${pod} stops; ${kept}`)
  return true
}

function volumeOf(context: Context, ordinal: number): [name: string, claim: KubeObject | undefined] {
  const name = names.volumeClaim(context.store.metadata.name, ordinal)
  return [name, findVolumeClaims(context).find(({ metadata }) => metadata.name === name)]
}

/** Which volumes may lead follows from it; what was noted before stays as it is. @returns whether it is marked */
async function mark(context: Context, claim: KubeObject, marks: Record<string, string>): Promise<boolean> {
  const missing = Object.entries(marks).filter(([annotation]) => !isMarked(claim, annotation))
  if (missing.length === 0) return true
  return patchClaim(context, claim, { metadata: { annotations: Object.fromEntries(missing) } })
}

function unmark(context: Context, claim: KubeObject, ...annotations: string[]): Promise<boolean> {
  const none = Object.fromEntries(annotations.map((annotation) => [annotation, null]))
  return patchClaim(context, claim, { metadata: { annotations: none } })
}

/** PostgreSQL cannot tell that two histories differ when each was led on from the same point, unknown to the other. */
function unfitToGrow(context: Context, ordinal: number): Blocked | undefined {
  const [name, claim] = volumeOf(context, ordinal)
  if (!claim || !isMarked(claim, givenUpAnnotation)) return undefined
  context.plan.members = ordinal
  context.sizeRefused = true
  const message = `volume claim ${name} is of a member that was given up by a shrink that somebody approved, and may hold commits that the store never had: save what you need of them and delete it (kubectl delete pvc ${name} -n ${context.namespace}), or set spec.replicas back to ${ordinal}`
  return { kind: 'blocked', reason: 'VolumesUnfit', message, retryAfterMs: 10_000, goOn: true }
}

/** A member that follows again has what the others have. One that is about to go follows, too, and is not meant. */
export async function trustVolumes(context: Context, { members }: Membership): Promise<void> {
  const { plan, store, tools } = context
  const follows = (ordinal: number) =>
    members.some(({ name, healthy }) => healthy && name === names.pod(store.metadata.name, ordinal))
  const stay = Array.from({ length: plan.members }, (_, ordinal) => ordinal).filter(follows)
  const trusted = stay.map((ordinal) => names.volumeClaim(store.metadata.name, ordinal))
  const marked = findVolumeClaims(context).filter(isOutdated)
  for (const claim of marked.filter(({ metadata }) => trusted.includes(metadata.name)))
    await unmark(context, claim, outdatedAnnotation, givenUpAnnotation)
  const [, first] = volumeOf(context, 0)
  const leader = members.find(({ role, healthy }) => role === 'primary' && healthy)?.name
  if (leader !== names.pod(store.metadata.name, 0) || !first || !isMarked(first, mayLeadAnnotation)) return
  if (await unmark(context, first, mayLeadAnnotation))
    tools.events.warning(store, 'MemberPromoted', `${leader} leads; what only the members had that went is given up`)
}

/** @returns who shall lead when nobody does by itself, see lastToLead */
export function memberToLead(context: Context, membership: Membership): string | undefined {
  const volumes = findVolumeClaims(context).map((claim) => ({
    name: claim.metadata.name,
    outlived: isOutdated(claim),
    mayLead: isMarked(claim, mayLeadAnnotation),
  }))
  return lastToLead({
    wanted: context.plan.members,
    membership,
    volumes,
    volumeOf: (member) => `${names.volume}-${member}`,
  })
}

function refused(context: Context, why: string, hash: string): Blocked {
  const { store } = context
  const wish = store.spec.hibernate ? 'hibernating' : `going down to ${membersWanted(context)} members`
  const message = `${wish} could lose data: ${why}. Wait for it, or set spec.replicas back; kubectl annotate datastore ${store.metadata.name} ${approveAnnotation}=${hash} does it all the same`
  return { kind: 'blocked', reason: 'ShrinkRefused', message, retryAfterMs: 10_000, goOn: true }
}
