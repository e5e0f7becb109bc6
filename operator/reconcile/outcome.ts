import type { Reason } from '../../crds/conditions.ts'

/**
 * What a step found.
 * done: its condition is True; `retryAfterMs` when something is due before the next resync. wait: expected, comes back after `retryAfterMs` or on the next event.
 * blocked: nothing changes until somebody edits the spec or the named object. Objects of others are not watched: name a
 * `retryAfterMs` when one of them is what has to change.
 * asleep: nothing runs because the spec says so (hibernate); neither progress nor trouble.
 */
// prettier-ignore
export type Outcome =
  | { kind: 'done';    reason: Reason; message?: string; retryAfterMs?: number }
  | { kind: 'wait';    reason: Reason; message: string; retryAfterMs: number }
  | { kind: 'blocked'; reason: Reason; message: string; retryAfterMs?: number }
  | { kind: 'asleep';  reason: Reason; message: string }

export type Blocked = Extract<Outcome, { kind: 'blocked' }>
