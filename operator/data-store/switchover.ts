import { group } from '../../crds/schema/common.ts'
import type { DataStoreStatus } from '../../crds/schema/data-store.ts'
import type { Membership } from '../engines/engine.ts'
import { candidate } from './rollout.ts'

/** Asks for a planned switchover: `<pod or any>`, `<pod or any>@<RFC 3339 time>`. */
export const switchoverAnnotation = `${group}/switchover`

export type SwitchoverStatus = NonNullable<DataStoreStatus['switchover']>

export interface Request {
  /** Pod, or `any`. */
  target: string
  at?: Date
}

/** How late a scheduled switchover may still be carried out: later it would surprise somebody. */
const lateMs = 5 * 60_000
/** How long the pooler has to make its clients wait. */
const preparationMs = 5_000
/** How long Patroni has, its own time for a clean shutdown of a busy primary included. */
const limitMs = 60_000

const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

/** @returns why it cannot be read, in a sentence */
export function parseRequest(text: string): Request | string {
  const [target = '', time, ...rest] = text.split('@')
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(target)) return `"${target}" is neither a pod nor any`
  if (time === undefined) return { target }
  const at = new Date(time)
  if (rest.length > 0 || !timeForm.test(time) || Number.isNaN(at.getTime()))
    return `"${time}" is no time as 2026-03-01T02:00:00Z`
  return { target, at }
}

// prettier-ignore
export type Due =
  | { kind: 'nothing' }
  /** Not yet: `status` says when. */
  | { kind: 'later'; status: SwitchoverStatus; at: Date }
  | { kind: 'refused'; status: SwitchoverStatus }
  | { kind: 'now'; from: string; to: string }

/** What an annotation asks for that has not been answered yet. Each value is answered once. Pure. */
export function dueRequest(input: {
  request: string | undefined
  status: SwitchoverStatus | undefined
  membership: Membership
  now: Date
}): Due {
  const { request, status, membership, now } = input
  if (!request || status?.answered === request)
    return status?.state === 'Scheduled' ? cancelled(status) : { kind: 'nothing' }
  const refused = (message: string): Due => {
    return { kind: 'refused', status: { request, answered: request, at: stamp(now), state: 'Failed', message } }
  }
  const parsed = parseRequest(request)
  if (typeof parsed === 'string') return refused(parsed)
  const { target, at } = parsed
  const problem = targetProblem(target, membership)
  if (problem?.lasting) return refused(problem.message)
  if (at && at > now) {
    const message = `to ${target === 'any' ? 'the replica that is closest' : target}`
    return { kind: 'later', at, status: { ...kept(status), request, at: stamp(at), state: 'Scheduled', message } }
  }
  if (at && now.getTime() - at.getTime() > lateMs)
    return refused(`it was due at ${stamp(at)}, and nothing could do it until now`)
  if (problem) return refused(problem.message)
  const primary = membership.members.find(({ role }) => role === 'primary')
  const to = target === 'any' ? candidate(replicasOf(membership))?.name : target
  if (!primary || !to) return refused('no replica is close enough behind the primary to take over')
  return { kind: 'now', from: primary.name, to }
}

/** The annotation that asked for it is gone. It was not answered: the same one may ask again. */
function cancelled(status: SwitchoverStatus): Due {
  const message = 'cancelled: the annotation that asked for it was taken away'
  return { kind: 'refused', status: { ...status, state: 'Failed', message } }
}

const kept = (status: SwitchoverStatus | undefined) => (status?.answered ? { answered: status.answered } : {})
const replicasOf = ({ members }: Membership) => members.filter(({ role }) => role === 'replica')

function targetProblem(target: string, { members }: Membership): { message: string; lasting: boolean } | undefined {
  if (target === 'any') return undefined
  const member = members.find(({ name }) => name === target)
  if (!member)
    return {
      message: `there is no member ${target}; there are ${members.map(({ name }) => name).join(', ')}`,
      lasting: true,
    }
  if (member.role === 'primary') return { message: `${target} is primary already`, lasting: false }
  if (!candidate([member]))
    return {
      message: `${target} is ${member.state} and not close enough behind the primary to take over`,
      lasting: false,
    }
  return undefined
}

/** Times in a status have whole seconds but for this one: it names the switchover to the pooler, so it must be its own. */
const stamp = (time: Date) => time.toISOString()

// prettier-ignore
export type SwitchoverStep =
  /** Write the status and look again soon. */
  | { kind: 'prepare'; status: SwitchoverStatus }
  | { kind: 'run'; status: SwitchoverStatus }
  | { kind: 'wait'; status: SwitchoverStatus }
  | { kind: 'over'; status: SwitchoverStatus }

/** A switchover that has begun and not ended. */
export function isUnderWay(status: SwitchoverStatus | undefined): status is SwitchoverStatus {
  return status?.state === 'Preparing' || status?.state === 'Running'
}

/** A new switchover. With a pooler it begins by asking that to make its clients wait. */
export function begin(input: {
  request: string
  from: string
  to: string
  pooled: boolean
  previous: SwitchoverStatus | undefined
  now: Date
}): SwitchoverStep {
  const { request, from, to, pooled, previous, now } = input
  const common = { ...kept(previous), request, at: stamp(now), from, to, message: `from ${from} to ${to}` }
  return pooled
    ? { kind: 'prepare', status: { ...common, state: 'Preparing' } }
    : { kind: 'run', status: { ...common, state: 'Running' } }
}

/** How one goes on that is under way. Pure. @param pausedFor  what the pooler answered */
export function proceed(input: {
  status: SwitchoverStatus
  primary: string | undefined
  answers: boolean
  pausedFor: string | undefined
  now: Date
}): SwitchoverStep {
  const { status, primary, answers, pausedFor, now } = input
  const { from, to, state } = status
  const ageMs = now.getTime() - new Date(status.at).getTime()
  if (primary && primary !== from && answers)
    return { kind: 'over', status: ended(status, 'Succeeded', succeeded(from, to, primary)) }
  if (ageMs > limitMs)
    return { kind: 'over', status: ended(status, 'Failed', `${from} is still primary after ${limitMs / 1000} s`) }
  if (state !== 'Preparing') return { kind: 'wait', status }
  const ready = pausedFor === status.at || ageMs >= preparationMs
  return ready ? { kind: 'run', status: { ...status, state: 'Running' } } : { kind: 'wait', status }
}

const succeeded = (from = '', to = '', primary = '') =>
  primary === to ? `from ${from} to ${to}` : `from ${from} to ${primary} instead of ${to}`

export function failed(status: SwitchoverStatus, message: string): SwitchoverStatus {
  return ended(status, 'Failed', message)
}

function ended(status: SwitchoverStatus, state: 'Succeeded' | 'Failed', message: string): SwitchoverStatus {
  const answered = isOwn(status.request) ? kept(status) : { answered: status.request }
  return { ...status, ...answered, state, message }
}

/** Requests that no annotation made. A pod has no space in its name. */
const isOwn = (request: string) => request === 'rolling restart' || request === 'scale down'
