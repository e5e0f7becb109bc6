import { isDeepStrictEqual } from 'node:util'
import type { Condition, ConditionType, Reason } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'
import { group, unseenStatus, type Phase } from '../../crds/schema/common.ts'
import type { Cache } from '../kube/cache.ts'
import { hasStatus, type KubeClient } from '../kube/client.ts'
import { messageOf, redact, retryAfterOf } from './errors.ts'
import { goesOn, stops } from './outcome.ts'
import type { StepResult } from './steps.ts'

/** What is done or blocked is looked at again after this time at the earliest, and 20 % later at the latest. */
const resyncMs = 10 * 60_000

/** What the status of every kind of ours has. */
export interface CommonStatus {
  observedGeneration: number
  phase: Phase
  conditions: Condition[]
}

/** A condition before it is compared with the previous one. */
export type Finding = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/**
 * The status that the results of one reconcile mean. `Ready` repeats the first stopped step's message verbatim;
 * `Reconciling` and `Stalled` are there only while true. Pure.
 * @param previous  the status to replace: lastTransitionTime moves only where `status` differs from it
 */
export function computeStatus(input: {
  results: StepResult[]
  /** Conditions beside the steps, which gate nothing: there only while somebody should know. */
  observed?: Finding[]
  previous?: CommonStatus | undefined
  generation: number
  /** The steps are those of a deletion. */
  deleting?: boolean
  now: Date
}): CommonStatus {
  const { results, observed = [], previous, generation, deleting, now } = input
  const stopped = results.find(({ outcome }) => stops(outcome))
  const beside = observed.map(({ type, status, reason, message }) => finding(type, status, reason, message))
  const findings = [...results.map(stepFinding), readyFinding(stopped), ...progressFindings(stopped), ...beside]
  return {
    observedGeneration: generation,
    phase: deleting ? 'Deleting' : phaseOf(stopped, previous, generation),
    conditions: findings.map((finding) => dated(finding, previous, generation, now)),
  }
}

/** The status of an object that nobody looks at: as it was, and a condition that says so. Pure. */
export function pausedStatus(previous: CommonStatus | undefined, generation: number, now: Date): CommonStatus {
  const { conditions, ...rest } = previous ?? unseenStatus
  const others = conditions.filter(({ type }) => type !== 'ReconciliationPaused')
  const message = `nothing is changed or repaired until spec.paused is false and the annotation ${pauseAnnotation} is false or gone`
  const paused = finding('ReconciliationPaused', 'True', 'Paused', message)
  return { ...rest, conditions: [...others, dated(paused, previous, generation, now)] }
}

/** Pauses an object whose spec Git owns. */
export const pauseAnnotation = `${group}/pause-reconciliation`

/** Whether the object asks to be left alone. Any value but false does: who writes `yes` must not believe in vain that it rests. */
export function isPaused(object: KubeObject): boolean {
  const spec = object['spec'] as { paused?: boolean } | undefined
  return spec?.paused === true || (object.metadata.annotations?.[pauseAnnotation] ?? 'false') !== 'false'
}

/**
 * When the reconciler wants to see the object again. Always, if only to notice what no watch tells: a certificate that comes
 * to its end, a drift inside the engine.
 * @param random  from 0 up to 1: objects that became ready together do not come back together
 */
export function requeueAfter(results: StepResult[], random: () => number = Math.random): After {
  const resync = { afterMs: Math.round(resyncMs * (1 + random() * 0.2)) }
  const index = results.findIndex(({ outcome }) => stops(outcome))
  const outcome = results[index]?.outcome
  const own = requeueOf(outcome, resync, results)
  if (!outcome || !goesOn(outcome)) return own
  const later = requeueAfter(results.slice(index + 1), random)
  if (own === 'backoff' || later === 'backoff') return 'backoff'
  return { afterMs: Math.min(own.afterMs, later.afterMs) }
}

type After = { afterMs: number } | 'backoff'

function requeueOf(
  outcome: StepResult['outcome'] | undefined,
  resync: { afterMs: number },
  results: StepResult[],
): After {
  switch (outcome?.kind) {
    case 'wait':
      return { afterMs: outcome.retryAfterMs }
    case 'blocked':
      return outcome.retryAfterMs === undefined ? resync : { afterMs: outcome.retryAfterMs }
    case 'error':
      return requeueAfterError(outcome.error)
    case 'done':
    case 'warn':
    case 'asleep':
    case 'notReached':
    case undefined:
      return { afterMs: Math.min(resync.afterMs, ...results.map(dueAfterMs)) }
  }
}

/** A step may be done for now and know when it will have more to do. */
function dueAfterMs({ outcome }: StepResult): number {
  return outcome.kind === 'done' || outcome.kind === 'warn' ? (outcome.retryAfterMs ?? Infinity) : Infinity
}

function requeueAfterError(error: unknown): After {
  const afterMs = retryAfterOf(error)
  return afterMs === undefined ? 'backoff' : { afterMs }
}

/**
 * Writes the status with one patch, and none when the object has it already. `conflict`: the object has changed since it
 * was read, or is gone; the event that says so is on its way.
 * @param status  all status fields; one that the object has and this lacks is removed
 * @throws KubeError other than 404 and 409
 */
export async function patchStatus(
  { client, cache }: { client: KubeClient; cache: Cache },
  object: KubeObject,
  status: Record<string, unknown>,
): Promise<'patched' | 'unchanged' | 'conflict'> {
  const wanted = JSON.parse(JSON.stringify(status)) as Record<string, unknown>
  const current = (object['status'] ?? {}) as Record<string, unknown>
  if (isDeepStrictEqual(wanted, current)) return 'unchanged'
  const { namespace, name, uid, resourceVersion } = object.metadata
  const patch = { metadata: { uid, resourceVersion }, status: mergePatchOf(wanted, current) }
  try {
    cache.wrote(await client.mergePatch(object, namespace, name, patch, 'status'))
    return 'patched'
  } catch (error) {
    if (hasStatus(error, 409) || hasStatus(error, 404)) return 'conflict'
    throw error
  }
}

function stepFinding({ condition, outcome }: StepResult): Finding {
  // prettier-ignore
  switch (outcome.kind) {
    case 'done':       return finding(condition, 'True', outcome.reason, outcome.message ?? '')
    case 'wait':
    case 'warn':
    case 'asleep':
    case 'blocked':    return finding(condition, 'False', outcome.reason, outcome.message)
    case 'error':      return finding(condition, 'False', 'Error', messageOf(outcome.error))
    case 'notReached': return finding(condition, 'Unknown', 'NotReached', '')
  }
}

function readyFinding(stopped: StepResult | undefined): Finding {
  if (!stopped) return finding('Ready', 'True', 'Ready', '')
  return finding('Ready', 'False', 'NotReady', stepFinding(stopped).message)
}

function progressFindings(stopped: StepResult | undefined): Finding[] {
  if (!stopped || stopped.outcome.kind === 'asleep') return []
  const { message } = stepFinding(stopped)
  if (stopped.outcome.kind === 'blocked') return [finding('Stalled', 'True', 'Blocked', message)]
  return [finding('Reconciling', 'True', 'Progressing', message)]
}

/** Messages carry the words of others, up to 4 KB of a container's last: what reaches the status is short and holds no secret. */
function finding(type: ConditionType, status: Condition['status'], reason: Reason, message: string): Finding {
  return { type, status, reason, message: redact(message) }
}

function dated(finding: Finding, previous: CommonStatus | undefined, generation: number, now: Date): Condition {
  const before = previous?.conditions.find(({ type }) => type === finding.type)
  // Kubernetes keeps whole seconds.
  const lastTransitionTime =
    before?.status === finding.status ? before.lastTransitionTime : `${now.toISOString().slice(0, 19)}Z`
  return { ...finding, observedGeneration: generation, lastTransitionTime }
}

/**
 * One word for people. The phases before the first Ready are Pending (nothing made yet) and Creating; a later spec change
 * is Updating until Ready, and anything else that stops a Ready object makes it Degraded.
 */
function phaseOf(stopped: StepResult | undefined, previous: CommonStatus | undefined, generation: number): Phase {
  if (!stopped) return 'Ready'
  if (stopped.outcome.kind === 'blocked') return 'Failed'
  if (stopped.outcome.kind === 'asleep') return 'Hibernated'
  switch (previous?.phase) {
    case undefined:
    case 'Pending':
    case 'Creating':
      return 'Creating'
    case 'Ready':
    case 'Degraded':
      return previous.observedGeneration === generation ? 'Degraded' : 'Updating'
    case 'Updating':
    case 'Hibernated':
    case 'Failed':
    case 'Deleting':
      return 'Updating'
  }
}

/** The JSON merge patch that turns one into the other: null removes a field, a list is replaced as a whole. */
function mergePatchOf(wanted: Record<string, unknown>, current: Record<string, unknown>): Record<string, unknown> {
  const removed = Object.keys(current).filter((key) => !(key in wanted))
  const patch: Record<string, unknown> = Object.fromEntries(removed.map((key) => [key, null]))
  for (const [key, value] of Object.entries(wanted)) {
    const before = current[key]
    if (isDeepStrictEqual(value, before)) continue
    patch[key] = isMap(value) && isMap(before) ? mergePatchOf(value, before) : value
  }
  return patch
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
