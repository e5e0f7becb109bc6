import type { Member, Membership } from '../engines/engine.ts'

/** What the API server says of one pod of the store. */
export interface PodState {
  name: string
  /** Its template is not the StatefulSet's. */
  stale: boolean
  ready: boolean
  /** Its engine's container does not run: what the members remember of it says nothing any more. */
  down: boolean
  terminating: boolean
}

// prettier-ignore
export type Move =
  /** Every member runs what is wanted. */
  | { kind: 'none' }
  /** Nothing may be touched until this passes. */
  | { kind: 'wait'; message: string }
  /** Delete the pod: its StatefulSet makes a new one. */
  | { kind: 'replace'; pod: string; why: string }
  /** Restart the engine in its pod. */
  | { kind: 'restart'; pod: string; why: string }
  | { kind: 'switchover'; from: string; to: string; why: string }

/** A replica that is further behind than this is no candidate: a switchover would have to wait for it. */
const closeEnoughBytes = 16 * 2 ** 20

/**
 * The next step of a rolling restart: replicas first, one at a time and each following again before the next, then a switchover,
 * then the former primary. Alone, a primary is restarted in its place. Nothing moves while a member is missing for another
 * reason; a pod that does not work and has an old template is replaced at once, because that is how a bad change is taken back.
 * @param mayRestart  whether settings that wait for a restart may get one now
 */
export function nextMove(input: {
  pods: PodState[]
  wanted: number
  membership: Membership
  mayRestart: boolean
}): Move {
  const { pods, wanted, membership, mayRestart } = input
  const stopping = pods.find(({ terminating }) => terminating)
  if (stopping) return { kind: 'wait', message: `pod ${stopping.name} is stopping` }
  const broken = brokenPod(pods, wanted, membership)
  if (broken) return { kind: 'replace', pod: broken.name, why: 'it does not work, and its template is an old one' }
  const problem = whyIncomplete(pods, wanted, membership)
  if (problem) return { kind: 'wait', message: problem }

  const stale = new Set(pods.filter((pod) => pod.stale).map(({ name }) => name))
  const { members } = membership
  const primary = members.find(({ role }) => role === 'primary')
  const replicas = members.filter((member) => member !== primary).sort(leastNeededFirst)
  const replica = replicas.find(({ name }) => stale.has(name))
  if (replica) return { kind: 'replace', pod: replica.name, why: 'its template is an old one' }
  const waits = (member: Member | undefined) => mayRestart && member !== undefined && member.pendingRestart.length > 0
  if (primary?.primaryFirst && waits(primary)) return restart(primary)
  const waiting = replicas.find(waits)
  if (waiting) return restart(waiting)
  if (!primary || (!stale.has(primary.name) && !waits(primary))) return { kind: 'none' }
  if (replicas.length > 0) return moveAway(primary, replicas)
  return stale.has(primary.name)
    ? { kind: 'replace', pod: primary.name, why: 'its template is an old one' }
    : restart(primary)
}

/**
 * One with an old template that does not work. A probe that was late on a busy node says less than what the members see; where
 * none of them answers, only a container that does not run is known not to work. The primary is not taken while another member has
 * not joined: it may be the only one that has the data.
 */
function brokenPod(pods: PodState[], wanted: number, { members }: Membership): PodState | undefined {
  const find = (name: string) => members.find((member) => member.name === name)
  const works = ({ name, down }: PodState) => !down && (members.length === 0 || find(name)?.healthy === true)
  const broken = pods.filter((pod) => pod.stale && !pod.ready && !works(pod))
  const replica = broken.find(({ name }) => !isPrimary(find(name)))
  if (replica) return replica
  const someoneIsMissing = pods.length < wanted || pods.some(({ name }) => !find(name))
  return someoneIsMissing ? undefined : broken[0]
}

const isPrimary = (member: Member | undefined) => member?.role === 'primary'

function restart({ name, pendingRestart }: Member): Move {
  return { kind: 'restart', pod: name, why: pendingRestart.join(', ') }
}

function moveAway(primary: Member, replicas: Member[]): Move {
  const to = candidate(replicas)
  if (!to) return { kind: 'wait', message: `no replica is close enough behind ${primary.name} to take over` }
  return { kind: 'switchover', from: primary.name, to: to.name, why: 'it is the last to be restarted' }
}

/** The replica that should be primary next: one that has every acknowledged commit, else the one least behind; undefined when none is close. */
export function candidate(replicas: Member[]): Member | undefined {
  const close = replicas.filter(({ healthy, lagBytes = Infinity }) => healthy && lagBytes <= closeEnoughBytes)
  return close.sort(leastNeededFirst).at(-1)
}

/** By how much would be missed: asynchronous ones first, then those further behind, then the higher ordinal. */
function leastNeededFirst(a: Member, b: Member): number {
  if (a.synchronous !== b.synchronous) return a.synchronous ? 1 : -1
  return (b.lagBytes ?? Infinity) - (a.lagBytes ?? Infinity) || b.name.localeCompare(a.name, 'en', { numeric: true })
}

export const pausedMessage =
  'Patroni is paused: nobody takes over for a failed primary, nothing is restarted; patronictl resume ends it'

/** Why not every wanted member is there and follows; undefined when all do. */
export function whyIncomplete(pods: PodState[], wanted: number, { members, paused }: Membership): string | undefined {
  const missing = pods.length < wanted ? `${pods.length} of ${wanted} pods are there` : undefined
  if (missing) return missing
  if (paused) return pausedMessage
  const silent = pods.find(({ name }) => !members.some((member) => member.name === name))
  if (silent) return `${silent.name} has not joined yet`
  const primary = members.find(({ role }) => role === 'primary')
  if (!primary) return 'no member is primary'
  const unfit = members.find(({ name, healthy }) => !healthy && pods.some((pod) => pod.name === name))
  if (unfit) return describe(unfit)
  const unready = pods.find(({ ready }) => !ready)
  return unready ? `pod ${unready.name} is not ready` : undefined
}

function describe({ name, role, state, lagBytes }: Member): string {
  const behind = lagBytes === undefined || role === 'primary' ? '' : `, ${lagBytes} bytes behind`
  return `${role} ${name} is ${state}${behind}`
}
