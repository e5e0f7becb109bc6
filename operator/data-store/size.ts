import type { Blocked } from '../reconcile/outcome.ts'
import { askMembers } from './members.ts'
import { names } from './names.ts'
import { databasePods, liveMembers, type Context } from './observe.ts'
import { nextSize } from './scaling.ts'
import { approveAnnotation, isApproved, planHash } from './updates.ts'

/** Pods the store shall have in the end. */
export function membersWanted({ store }: Context): number {
  return store.spec.hibernate ? 0 : store.spec.replicas
}

/** Puts into the plan how many pods there shall be now. What is refused stops the store only after everything else is applied. */
export async function settleSize(context: Context): Promise<Blocked | undefined> {
  const { engine, plan, store, tools } = context
  const wanted = membersWanted(context)
  const live = membersNow(context)
  const hash = planHash(store.metadata.uid, { members: wanted, from: live })
  const mustAsk = live !== undefined && live > 0 && live !== wanted && engine.members
  const answer = mustAsk ? await askMembers(context) : 'nobody was asked'
  const membership = typeof answer === 'string' ? undefined : answer.membership
  const nameOf = (ordinal: number) => names.pod(store.metadata.name, ordinal)
  const size = nextSize({ live, wanted, membership, approved: isApproved(store, hash), nameOf })
  plan.members = size.members
  switch (size.kind) {
    case 'settled':
      if (live !== undefined && size.members < live) tools.events.normal(store, 'MemberRemoved', removed(context, size.members))
      return undefined
    case 'move':
      context.relocation = { from: size.from, to: size.to }
      return undefined
    case 'refused':
      context.found.pending = { hash, what: `go from ${live} to ${wanted} members`, differences: [`replicas: ${live} → ${wanted}`] }
      return refused(context, size.message, hash)
  }
} // prettier-ignore

/** A StatefulSet that is being made anew, for larger volumes, left its pods. */
function membersNow(context: Context): number | undefined {
  const { namespace, store, tools } = context
  const live = liveMembers(tools.cache, namespace, store.metadata.name)
  if (live !== undefined) return live
  const ordinals = databasePods(context).map(({ metadata }) => Number(metadata.name.split('-').at(-1)))
  return ordinals.length > 0 ? Math.max(...ordinals) + 1 : undefined
}

function removed({ store }: Context, ordinal: number): string {
  const pod = names.pod(store.metadata.name, ordinal)
  return `pod ${pod} stops; its volume claim ${names.volumeClaim(store.metadata.name, ordinal)} stays and is used again when the store grows`
}

function refused({ store }: Context, why: string, hash: string): Blocked {
  const wish = store.spec.hibernate ? 'hibernating' : `going down to ${store.spec.replicas} members`
  const message = `${wish} could lose data: ${why}. Wait for it, or set spec.replicas back; kubectl annotate datastore ${store.metadata.name} ${approveAnnotation}=${hash} does it all the same`
  return { kind: 'blocked', reason: 'ShrinkRefused', message, retryAfterMs: 10_000 }
}
