import type { Reason } from '../../crds/conditions.ts'

/**
 * What a step found.
 * done: its condition is True; `retryAfterMs` when something is due before the next resync. wait: expected, comes back after `retryAfterMs` or on the next event.
 * blocked: nothing changes until somebody edits the spec or the named object. Objects of others are not watched: name a
 * `retryAfterMs` when one of them is what has to change.
 * goOn: the object is not Ready, and the steps after it run all the same, because nothing of what they do depends on it.
 * warn: its condition is False and the object is Ready all the same, because its clients notice nothing: somebody should know.
 * asleep: nothing runs because the spec says so (hibernate); neither progress nor trouble.
 */
// prettier-ignore
export type Outcome =
  | { kind: 'done';    reason: Reason; message?: string; retryAfterMs?: number }
  | { kind: 'wait';    reason: Reason; message: string; retryAfterMs: number; goOn?: boolean }
  | { kind: 'blocked'; reason: Reason; message: string; retryAfterMs?: number; goOn?: boolean }
  | { kind: 'warn';    reason: Reason; message: string; retryAfterMs: number }
  | { kind: 'asleep';  reason: Reason; message: string }

export type Wait = Extract<Outcome, { kind: 'wait' }>
export type Blocked = Extract<Outcome, { kind: 'blocked' }>

/** Whether it keeps the object from being Ready. */
export function stops({ kind }: { kind: string }): boolean {
  return kind !== 'done' && kind !== 'warn'
}

/** Whether the steps after it run. */
export function goesOn(outcome: { kind: string; goOn?: boolean }): boolean {
  return !stops(outcome) || outcome.goOn === true
}
