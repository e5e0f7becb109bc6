import type { KubeObject } from '../../crds/object.ts'
import type { Cache } from '../kube/cache.ts'
import type { KubeClient } from '../kube/client.ts'
import type { EventRecorder } from '../kube/events.ts'
import type { Requeue } from '../kube/queue.ts'
import type { Logger } from '../observability/logger.ts'
import { metrics } from '../observability/metrics.ts'
import { messageOf, retryAfterOf } from './errors.ts'
import { hasFinalizer, isNamespaceGoing, setFinalizer } from './finalizer.ts'
import { stops } from './outcome.ts'
import {
  computeStatus,
  isPaused,
  patchStatus,
  pausedStatus,
  requeueAfter,
  type CommonStatus,
  type Finding,
} from './status.ts'
import { runSteps, type Step, type StepResult } from './steps.ts'

/** Everything that differs between the kinds of ours. */
export interface Controller<Context> {
  apiVersion: string
  kind: string
  /** Gathers what the steps need. What it throws leaves the step conditions as they are: nothing new is known. */
  observe(object: KubeObject, signal: AbortSignal): Promise<Context>
  steps: Step<Context>[]
  /**
   * What may not wait for a step to be reached, and goes on while the object is paused. Asked before the steps.
   * Resolves to the milliseconds after which it must be asked again at the latest; undefined: with the next reconcile.
   */
  urgent?(object: KubeObject, signal: AbortSignal): Promise<number | undefined>
  /**
   * Status fields besides conditions, phase and observedGeneration, asked for after the steps, also when one has stopped.
   * A field left out keeps its value; one that is undefined is removed.
   */
  extraStatus?(context: Context): Record<string, unknown>
  /** Conditions beside those of the steps, asked for after the steps, also when one has stopped; one left out is removed. */
  observedConditions?(context: Context): Finding[]
  /** Whether the object may not simply go when it is deleted: while this is so, it carries a finalizer of ours. Absent: never. */
  needsFinalizer?(context: Context): boolean
  /** What is done before such an object goes, reported like any step. It goes when all are done. */
  finalSteps?: Step<Context>[]
}

export interface ReconcilerTools {
  /** Namespaces to work in; an object elsewhere is told so. */
  watchNamespaces: readonly string[]
  client: KubeClient
  cache: Cache
  events: EventRecorder
  log: Logger
}

/**
 * Makes the queue's processor of one kind; keys are `namespace/name`. A start, a resync and an event are the same path:
 * read the object, observe, run the steps, patch the status if it differs, say when to come back.
 * An object that is being deleted gets its final steps if it carries our finalizer. Otherwise it is left alone like one that is
 * gone: what it owns goes with it by ownerReference.
 */
export function reconciler<Context>(controller: Controller<Context>, tools: ReconcilerTools) {
  return async (key: string, signal: AbortSignal): Promise<Requeue> => {
    const { kind } = controller
    const log = tools.log.child({ kind, key })
    const stopTimer = metrics.reconcileDuration.startTimer({ kind })
    const { requeue, result } = await orError(log, () => reconcile(controller, { ...tools, log }, key, signal))
    stopTimer()
    metrics.reconciles.inc({ kind, result })
    log.debug({ result, requeue }, 'reconciled')
    return requeue
  }
}

interface Reconciled {
  requeue: Requeue
  result: string
}

async function orError(log: Logger, work: () => Promise<Reconciled>): Promise<Reconciled> {
  try {
    return await work()
  } catch (error) {
    log.error({ error: messageOf(error), err: error }, 'reconcile failed')
    const afterMs = retryAfterOf(error)
    return { requeue: afterMs === undefined ? 'backoff' : { afterMs }, result: 'error' }
  }
}

async function reconcile<Context>(
  controller: Controller<Context>,
  tools: ReconcilerTools,
  key: string,
  signal: AbortSignal,
): Promise<Reconciled> {
  const [namespace, name] = key.split('/') as [string, string]
  const object = tools.cache.get(controller, namespace, name)
  if (!object) return { requeue: {}, result: 'absent' }
  const deleting = object.metadata.deletionTimestamp !== undefined
  if (deleting && !hasFinalizer(object)) return { requeue: {}, result: 'absent' }
  // Whoever watches there and whatever is paused: it would hold up the namespace.
  if (deleting && (await isNamespaceGoing(object, tools))) return letGo(object, tools)
  const isElsewhere = !tools.watchNamespaces.includes(namespace)
  const isLeftAlone = isElsewhere || isPaused(object)
  const askedMs = deleting || isElsewhere ? undefined : await askUrgent(controller, tools.log, object, signal)
  const { requeue, result } = await orError(tools.log, () => {
    if (isElsewhere) return refuse(object, controller, tools)
    return isLeftAlone ? pause(object, tools) : work(controller, tools, object, signal)
  })
  const latestMs = deleting && isLeftAlone ? leftAloneMs : askedMs
  return { requeue: latestMs === undefined ? requeue : soonest(requeue, latestMs), result }
}

/** No event of a deleted object tells that its namespace is deleted, too. */
const leftAloneMs = 60_000

/** How soon what is urgent is tried again after an error. */
const urgentRetryMs = 2_000

/** An error keeps no step from running: one of them may be what mends it. */
async function askUrgent<Context>(
  controller: Controller<Context>,
  log: Logger,
  object: KubeObject,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return await controller.urgent?.(object, signal)
  } catch (error) {
    log.error({ error: messageOf(error), err: error }, 'what is urgent failed')
    return urgentRetryMs
  }
}

function soonest(requeue: Requeue, ms: number): Requeue {
  if (requeue === 'backoff') return { backoffAtMostMs: ms }
  return 'backoffAtMostMs' in requeue ? requeue : { afterMs: Math.min(requeue.afterMs ?? Infinity, ms) }
}

async function work<Context>(
  controller: Controller<Context>,
  tools: ReconcilerTools,
  object: KubeObject,
  signal: AbortSignal,
): Promise<Reconciled> {
  const context = await controller.observe(object, signal)
  if (object.metadata.deletionTimestamp) return finalize(controller, object, context, tools)
  const held = await setFinalizer(object, controller.needsFinalizer?.(context) ?? false, tools)
  if (held === 'conflict') return conflict(tools)
  const results = await runSteps(stepsFor(object, controller), context)
  // What a step found then is not how things are, but that it was told to stop.
  if (signal.aborted) return { requeue: {}, result: 'aborted' }
  const found = { results, observed: controller.observedConditions?.(context) ?? [], deleting: false }
  return conclude(held, found, controller.extraStatus?.(context) ?? {}, tools)
}

function stepsFor<Context>(object: KubeObject, { steps }: Controller<Context>): Step<Context>[] {
  return steps.filter((step) => step.appliesTo?.(object) ?? true)
}

/** Nothing to wait for or all done: the finalizer goes, and with it the object. */
async function finalize<Context>(
  controller: Controller<Context>,
  object: KubeObject,
  context: Context,
  tools: ReconcilerTools,
): Promise<Reconciled> {
  const results = controller.needsFinalizer?.(context) ? await runSteps(controller.finalSteps ?? [], context) : []
  if (results.some(({ outcome }) => outcome.kind !== 'done'))
    return conclude(object, { results, observed: [], deleting: true }, {}, tools)
  return letGo(object, tools)
}

async function letGo(object: KubeObject, tools: ReconcilerTools): Promise<Reconciled> {
  return (await setFinalizer(object, false, tools)) === 'conflict'
    ? conflict(tools)
    : { requeue: {}, result: 'finalized' }
}

/** Reports what the steps found and says when to come back. */
async function conclude(object: KubeObject, found: Found, extra: object, tools: ReconcilerTools): Promise<Reconciled> {
  logSurprise(found.results, tools.log)
  if ((await report(object, found, extra, tools)) === 'conflict') return conflict(tools)
  const stopped = found.results.find(({ outcome }) => stops(outcome))
  return { requeue: requeueAfter(found.results), result: stopped?.outcome.kind ?? 'done' }
}

function conflict(tools: ReconcilerTools): Reconciled {
  tools.log.debug('the object changed while it was reconciled')
  return { requeue: 'backoff', result: 'conflict' }
}

interface Found {
  results: StepResult[]
  observed: Finding[]
  deleting: boolean
}

/**
 * We hold no right in its namespace but that to its status. What is paused, or observed by somebody, is left alone: another
 * operator may watch there, and two that correct each other would never end. No Event: that would need a right, too.
 */
async function refuse<Context>(
  object: KubeObject,
  controller: Controller<Context>,
  tools: ReconcilerTools,
): Promise<Reconciled> {
  const { fields, previous, generation } = statusOf(object)
  if (isPaused(object) || previous?.observedGeneration === generation) return { requeue: {}, result: 'elsewhere' }
  const message = `namespace ${object.metadata.namespace} is not watched: add it to the value watchNamespaces of the operator's chart, or apply the object in a namespace that is`
  const results = stepsFor(object, controller).map(({ condition }, index): StepResult => ({
    condition,
    outcome: index === 0 ? { kind: 'blocked', reason: 'NamespaceNotWatched', message } : { kind: 'notReached' },
  }))
  const status = computeStatus({ results, previous, generation, now: new Date() })
  const written = await patchStatus(tools, object, { ...fields, ...status })
  return { requeue: written === 'conflict' ? 'backoff' : {}, result: 'elsewhere' }
}

/** Its next event, which resuming brings, leads back here. */
async function pause(object: KubeObject, tools: ReconcilerTools): Promise<Reconciled> {
  const { fields, previous, generation } = statusOf(object)
  const status = { ...fields, ...pausedStatus(previous, generation, new Date()) }
  const written = await patchStatus(tools, object, status)
  return written === 'conflict' ? { requeue: 'backoff', result: 'conflict' } : { requeue: {}, result: 'paused' }
}

function statusOf(object: KubeObject) {
  const fields = object['status'] as Partial<CommonStatus> | undefined
  const previous = fields?.conditions ? (fields as CommonStatus) : undefined
  return { fields, previous, generation: object.metadata.generation ?? 0 }
}

async function report(object: KubeObject, found: Found, extra: object, tools: ReconcilerTools) {
  const { fields, previous, generation } = statusOf(object)
  const common = computeStatus({ ...found, previous, generation, now: new Date() })
  const written = await patchStatus(tools, object, { ...fields, ...extra, ...common })
  if (written === 'patched') {
    announce(object, common, previous, tools.events)
    for (const { type, reason, message } of found.observed)
      if (!previous?.conditions.some((before) => before.type === type)) tools.events.warning(object, reason, message)
    for (const { condition, outcome } of found.results) {
      if (outcome.kind !== 'warn') continue
      const before = previous?.conditions.find(({ type }) => type === condition)
      if (before?.status !== 'False') tools.events.warning(object, outcome.reason, outcome.message)
    }
  }
  return written
}

/** An Event when Ready turns, and when work stops for good. */
function announce(object: KubeObject, status: CommonStatus, previous: CommonStatus | undefined, events: EventRecorder) {
  const ready = status.conditions.find(({ type }) => type === 'Ready')
  const before = previous?.conditions.find(({ type }) => type === 'Ready')
  const stalled = status.conditions.find(({ type }) => type === 'Stalled')
  if (ready?.status === 'True' && before?.status !== 'True')
    return events.normal(object, 'Ready', 'Everything is ready')
  if (stalled) return events.warning(object, 'Stalled', stalled.message)
  if (ready?.status === 'False' && before?.status === 'True') events.warning(object, 'NotReady', ready.message)
}

/** A thrown error is in the status as one line; its stack is only here. */
function logSurprise(results: StepResult[], log: Logger): void {
  for (const { condition, outcome } of results) {
    if (outcome.kind === 'error')
      log.error({ condition, error: messageOf(outcome.error), err: outcome.error }, 'step failed')
  }
}
