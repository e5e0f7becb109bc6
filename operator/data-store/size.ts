import type { KubeObject } from '../../crds/object.ts'
import type { Membership } from '../engines/engine.ts'
import { deadline } from '../reconcile/deadline.ts'
import { messageOf } from '../reconcile/errors.ts'
import type { Blocked } from '../reconcile/outcome.ts'
import {
  givenUp,
  isGivenUp,
  isMarked,
  mark,
  mayLead,
  ordinalOf,
  outdated,
  podUidOf,
  unmark,
  volumeOf,
} from './claims.ts'
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
      if (live !== undefined && size.members < live && !(await remove(context, size.members, size.lossy)))
        plan.members = live
      return withoutGivenUp(context)
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

/** Up to the highest whose volume is as it was when the store was whole: those between that lost theirs are copied anew. */
function keptMembers(context: Context): number {
  const last = findVolumeClaims(context).findLast((claim) => !isMarked(claim, outdated))
  return last ? ordinalOf(last) + 1 : 0
}

/** The pod of this ordinal goes; its volume stays, and is marked before it falls behind. @returns whether it may go now */
async function remove(context: Context, ordinal: number, lossy = false): Promise<boolean> {
  const { store, tools } = context
  const at = tools.now().toISOString()
  const [name, claim] = volumeOf(context, ordinal)
  const [, first] = volumeOf(context, 0)
  // First who may lead then: nobody is given up before.
  if (lossy && membersWanted(context) <= 1 && first && !(await mark(context, first, { [mayLead]: at }))) return false
  const marks = { [outdated]: at, ...(lossy ? { [givenUp]: podUidOf(context, ordinal) ?? '' } : {}) }
  if (ordinal > 0 && claim && !(await mark(context, claim, marks))) return false
  const again = lossy || (claim && isMarked(claim, givenUp)) ? '' : ' and is used again when the store grows'
  const pod = names.pod(store.metadata.name, ordinal)
  tools.events.normal(store, 'MemberRemoved', `pod ${pod} stops; its volume claim ${name} stays${again}`)
  return true
}

/** No member is made on a volume that was given up, and one that somebody made there goes again: what it has is nobody's copy. */
function withoutGivenUp(context: Context): Blocked | undefined {
  const { plan, namespace } = context
  const isUnfit = (claim: KubeObject) => {
    const ordinal = ordinalOf(claim)
    return ordinal > 0 && ordinal < plan.members && isGivenUp(context, claim)
  }
  const claim = findVolumeClaims(context).find(isUnfit)
  if (!claim) return undefined
  const { name } = claim.metadata
  plan.members = ordinalOf(claim)
  context.sizeRefused = true
  const message = `volume claim ${name} is of a member that was given up by a shrink that somebody approved, and may hold commits that the store never had: save what you need of them and delete it (kubectl delete pvc ${name} -n ${namespace} --wait=false), or set spec.replicas back to ${plan.members}`
  return { kind: 'blocked', reason: 'VolumesUnfit', message, retryAfterMs: 10_000, goOn: true }
}

/** A member that follows again has what the others have. One that is about to go follows, too, and is not meant. */
export async function trustVolumes(context: Context, { members }: Membership): Promise<void> {
  const { plan, store, tools } = context
  const nameOf = (ordinal: number) => names.pod(store.metadata.name, ordinal)
  const follows = (ordinal: number) => members.some(({ name, healthy }) => healthy && name === nameOf(ordinal))
  const isTrusted = (claim: KubeObject) => {
    const ordinal = ordinalOf(claim)
    return ordinal < plan.members && follows(ordinal) && !isGivenUp(context, claim)
  }
  for (const claim of findVolumeClaims(context)) {
    if (isMarked(claim, outdated) && isTrusted(claim)) await unmark(context, claim, outdated, givenUp)
  }
  const primary = members.find(({ role, healthy }) => role === 'primary' && healthy)?.name
  const [, first] = volumeOf(context, 0)
  // It leads, or has what the one that leads has: what it may have lacked is no matter any more.
  if (!primary || !follows(0) || !first || !isMarked(first, mayLead)) return
  if ((await unmark(context, first, mayLead)) && primary === nameOf(0))
    tools.events.warning(store, 'MemberPromoted', `${primary} leads; what only the members had that went is given up`)
}

/** Who shall lead when nobody does by itself, see lastToLead. */
export function memberToLead(context: Context, membership: Membership): ReturnType<typeof lastToLead> {
  const volumes = findVolumeClaims(context).map((claim) => ({
    name: claim.metadata.name,
    outlived: isMarked(claim, outdated),
    mayLead: isMarked(claim, mayLead),
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
