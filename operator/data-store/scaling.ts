import type { Member, Membership } from '../engines/engine.ts'
import { candidate, pausedMessage } from './rollout.ts'

// prettier-ignore
export type Scaling =
  // lossy: the one that goes may have what none that stays has.
  | { kind: 'settled'; members: number; lossy?: boolean }
  /** The primary is among those to go: it must move before. */
  | { kind: 'move'; members: number; from: string; to: string }
  /** It could lose data. Only somebody who says so may have it done, for this cause. */
  | { kind: 'refused'; members: number; cause: string; message: string }

/**
 * How many pods there shall be now, on the way from `live` to `wanted`. Up: one more when all there are follow the primary, so that
 * copies are made one after the other and the first pod, which has the data, comes first. Down: one less, the highest ordinal, and
 * only when what stays has everything; pod 0 goes last, as the primary.
 * @param live        undefined: no StatefulSet yet. Fewer than `kept`: somebody else scaled it, and any of those may hold the newest data
 * @param kept        members whose volumes nobody marked as outlived; all of them begin at once, and only then some may go
 * @param wanted      0: hibernate
 * @param membership  undefined: no member answers
 * @param approves    whether somebody has it done although it is refused for this cause
 * @param nameOf      of the pod with this ordinal
 */
export function nextSize(input: {
  live: number | undefined
  kept: number
  wanted: number
  membership: Membership | undefined
  approves: (cause: string) => boolean
  nameOf: (ordinal: number) => string
}): Scaling {
  const { kept, wanted, membership, approves, nameOf } = input
  if (!input.live) return { kind: 'settled', members: wanted === 0 ? 0 : Math.max(1, kept) }
  const live = membersThere(input.live, kept, wanted)
  if (wanted > live) return { kind: 'settled', members: allFollow(live, membership, nameOf) ? live + 1 : live }
  // The only pod: nothing is left to lose it to.
  if (wanted === live || live === 1) return { kind: 'settled', members: wanted }
  const stay = Math.max(1, wanted)
  const size = shrink(live, stay, membership, nameOf)
  return size.kind === 'refused' && approves(size.cause) ? anyway(live, stay, membership, nameOf) : size
}

/**
 * The member that shall lead although it may lack what was acknowledged: the only one there is, after a shrink that somebody answered
 * for. Patroni (4.0.7) never lets it lead by itself when others counted for commits, or it is far behind the last primary.
 * @param wanted    members there shall be now
 * @param volumes   of the store; outlived: others have gone on without it; mayLead: somebody answered for what it lacks
 * @param volumeOf  a member
 * @returns held: why it shall not yet
 */
export function lastToLead(input: {
  wanted: number
  membership: Membership
  volumes: { name: string; outlived: boolean; mayLead: boolean }[]
  volumeOf: (member: string) => string
}): { name: string; held?: string } | undefined {
  const { wanted, membership, volumes, volumeOf } = input
  const { members, paused } = membership
  const [own, ...newer] = volumes.filter(({ outlived }) => !outlived)
  if (wanted !== 1 || !own?.mayLead || newer.length > 0) return undefined
  const last = members.find(({ name }) => volumeOf(name) === own.name)
  if (!last || members.some(({ role }) => role === 'primary')) return undefined
  const { name } = last
  const going = members.find((member) => member !== last)
  if (going)
    return {
      name,
      held: `pod ${going.name} has not stopped; when its node is gone for good, kubectl delete pod ${going.name} --force says so`,
    }
  return paused ? { name, held: pausedMessage } : { name }
}

/** What the operator removes it marks before, so that a volume without mark belongs to a member that must come back. */
export function membersThere(live: number, kept: number, wanted: number): number {
  return wanted === 0 ? live : Math.max(live, kept)
}

function allFollow(live: number, membership: Membership | undefined, nameOf: (ordinal: number) => string): boolean {
  const members = membership?.members ?? []
  const hasPrimary = members.some(({ role, healthy }) => role === 'primary' && healthy)
  return (
    hasPrimary &&
    ordinals(live).every((ordinal) => members.some(({ name, healthy }) => name === nameOf(ordinal) && healthy))
  )
}

const ordinals = (count: number) => Array.from({ length: count }, (_, index) => index)

function shrink(
  live: number,
  stay: number,
  membership: Membership | undefined,
  nameOf: (ordinal: number) => string,
): Scaling {
  const refused = (cause: string, message: string): Scaling => ({ kind: 'refused', members: live, cause, message })
  if (!membership) return refused('silence', 'no member answers: nobody can tell which has the data')
  const primary = membership.members.find(({ role }) => role === 'primary')
  if (!primary?.healthy)
    return refused(
      primary ? `primary ${primary.name}` : 'no primary',
      `${primary ? `primary ${primary.name} is ${primary.state}` : 'no member is primary'}: a member that goes might be the only one with the last commits`,
    )
  const staying = ordinals(stay).map((ordinal) => ({
    name: nameOf(ordinal),
    member: membership.members.find(({ name }) => name === nameOf(ordinal)),
  }))
  const unfit = staying.find(({ member }) => !member?.healthy)
  if (unfit)
    return refused(
      `${unfit.name} stays`,
      `${unfit.name}, which stays, ${unfit.member ? `is ${unfit.member.state}` : 'is not there'}: it may not have the data`,
    )
  if (staying.some(({ name }) => name === primary.name)) return { kind: 'settled', members: live - 1 }
  const to = candidate(staying.flatMap(({ member }): Member[] => (member ? [member] : [])))
  if (!to)
    return refused(
      `${primary.name} goes`,
      `${primary.name} is primary and would go, and no member that stays is close enough behind it to take over`,
    )
  return { kind: 'move', members: live, from: primary.name, to: to.name }
}

/** Somebody answers for it. A primary that runs and would go still moves before, when there is where to. */
function anyway(
  live: number,
  stay: number,
  membership: Membership | undefined,
  nameOf: (ordinal: number) => string,
): Scaling {
  const names = ordinals(stay).map(nameOf)
  const members = membership?.members ?? []
  const goes = members.find(({ name, role, healthy }) => role === 'primary' && healthy && !names.includes(name))
  const to = goes && candidate(members.filter(({ name }) => names.includes(name)))
  if (to) return { kind: 'move', members: live, from: goes.name, to: to.name }
  const leads = members.some(({ name, role, healthy }) => role === 'primary' && healthy && names.includes(name))
  return { kind: 'settled', members: live - 1, lossy: !leads }
}
