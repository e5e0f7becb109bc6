import { rulesOf } from '../../crds/retention.ts'
import type { DataStore, DataStoreStatus } from '../../crds/schema/data-store.ts'
import type { Retention, RetentionSeen, RetentionState } from '../engines/engine.ts'
import { metrics } from '../observability/metrics.ts'
import { deadline } from '../reconcile/deadline.ts'
import { messageOf } from '../reconcile/errors.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import type { Step } from '../reconcile/steps.ts'
import { location, ownerTarget, type Context } from './observe.ts'
import {
  decide,
  differences,
  only,
  overdue,
  protecting,
  removal,
  statusOf,
  together,
  type Decision,
  type Removals,
} from './retention-plan.ts'
import { approveAnnotation, isApproved } from './updates.ts'
import { schemaOf, wanted } from '../engines/retention.ts'

/*
 * What is kept how long: the spec says it, the engine does it by itself, and here it is compared and read back. What keeps more is done
 * at once; what would remove rows is counted, shown, and waits for the approval of just that plan.
 */

/** How often events of other things may lead to queries, some of which look through a table. */
const atMostEveryMs = 300_000
const retryMs = 60_000
const engineMs = 30_000

type Found = Extract<Outcome, { kind: 'done' | 'warn' }>

interface Seen {
  /** Of which store, spec and approval. */
  of: string
  at: number
  outcome: Found
  found: Pick<DataStoreStatus, 'retention' | 'legalHolds' | 'pending'>
}

/** The step with what it remembers: when it asked each store last. A new operator asks once more. */
export function retentionInSync(): Step<Context> {
  const seen = new Map<string, Seen>()
  return {
    condition: 'RetentionInSync',
    appliesTo: (object) => Object.keys(rulesOf(schemaOf(object as DataStore))).length > 0,
    async run(context) {
      const { engine, store, namespace, tools } = context
      const target = ownerTarget(context)
      const key = `${namespace}/${store.metadata.name}`
      const of = JSON.stringify([
        store.metadata.uid,
        store.metadata.generation,
        store.metadata.annotations?.[approveAnnotation],
        [target.host, target.port, target.database],
      ])
      const now = tools.now().getTime()
      forgetGone(context, seen)
      let last = seen.get(key)
      if (last?.of !== of || now >= last.at + (last.outcome.retryAfterMs ?? atMostEveryMs)) {
        last = { of, at: now, ...(await look(context, engine.retention)) }
        seen.set(key, last)
      }
      context.found.retention = last.found.retention
      context.found.legalHolds = last.found.legalHolds
      // A change that restarts pods is told first.
      context.found.pending ??= last.found.pending
      const wait = last.outcome.retryAfterMs ?? atMostEveryMs
      return { ...last.outcome, retryAfterMs: Math.max(0, last.at + wait - now) }
    },
  }
}

/** Figures of a store that is gone would stay for ever. */
function forgetGone({ store, tools }: Context, seen: Map<string, Seen>): void {
  for (const [key, { found }] of seen) {
    const [namespace = '', name = ''] = key.split('/')
    if (tools.cache.get(store, namespace, name)) continue
    seen.delete(key)
    for (const rule of Object.keys(found.retention ?? {}))
      metrics.retentionOldest.remove({ namespace, store: name, rule })
  }
}

async function look(context: Context, retention: Retention): Promise<Pick<Seen, 'outcome' | 'found'>> {
  const { store, plan, tools } = context
  const target = ownerTarget(context)
  // One moment for the hash of a plan and the status that it will be compared with.
  const now = tools.now()
  let seen: RetentionSeen | undefined
  try {
    seen = await retention.observe(target, plan, deadline(context, engineMs))
    if (!seen) return withoutRules(store)
    const next = only(wanted(store), seen)
    // Whoever is to be held is held before anything else is asked, which may fail.
    seen = await bring(context, retention, seen, protecting(seen, next))
    const { uid = '', generation = 0 } = store.metadata
    const asked = { uid, generation, at: location(context), known: store.status?.retention ?? {}, now }
    const decision = decide(asked, seen, next, await removals(context, retention, seen, next))
    const approved = decision.plan && isApproved(store, decision.plan.hash)
    const state = approved ? next : decision.atOnce
    const after = await bring(context, retention, seen, state)
    const ended = together(seen, state).length > state.holds.length
    return judge(context, after, next, { waiting: approved ? undefined : decision.plan, ended, now })
  } catch (error) {
    return unfinished(context, seen, error)
  }
}

/** Brings the engine to `state`, if it is not so. @returns what is in force then */
async function bring(
  context: Context,
  retention: Retention,
  seen: RetentionSeen,
  state: RetentionState,
): Promise<RetentionSeen> {
  const { store, plan, tools } = context
  const changes = differences(seen, state)
  const news = changes.length > 0 ? changes : (seen.due ?? [])
  if (news.length === 0) return seen
  const target = ownerTarget(context)
  tools.fence()
  try {
    await retention.apply(target, plan, state, deadline(context, engineMs))
  } catch (error) {
    throw new NotApplied(messageOf(error))
  }
  tools.events.normal(store, 'RetentionChanged', news.join('; '))
  return (await retention.observe(target, plan, deadline(context, engineMs))) ?? seen
}

/** The store was asked for a change, and refused it or did not answer. */
class NotApplied extends Error {}

/** What was seen before is in the status all the same. */
function unfinished(
  context: Context,
  seen: RetentionSeen | undefined,
  error: unknown,
): Pick<Seen, 'outcome' | 'found'> {
  const { store, tools } = context
  const { retention: known, legalHolds, pending } = store.status ?? {}
  const found = seen
    ? { retention: statusOf(seen, wanted(store), known ?? {}, tools.now()), legalHolds: seen.holds.length }
    : { ...(known ? { retention: known } : {}), ...(legalHolds === undefined ? {} : { legalHolds }) }
  const [reason, what] =
    error instanceof NotApplied
      ? (['NotApplied', 'retention could not be changed'] as const)
      : (['Unobserved', 'what is kept how long is not known'] as const)
  const message = `${what}: ${messageOf(error)}`
  const plan = pending?.what === removal ? { pending } : {}
  return { outcome: { kind: 'warn', reason, message, retryAfterMs: retryMs }, found: { ...found, ...plan } }
}

/** A store that is pinned to a migration before there were rules has none in force. */
function withoutRules({ spec }: DataStore): Pick<Seen, 'outcome' | 'found'> {
  const { rules, legalHolds } = spec.retention
  if (Object.keys(rules).length + legalHolds.length === 0)
    return { outcome: { kind: 'done', reason: 'InSync' }, found: {} }
  const message =
    'the store has nothing that spec.retention is about: raise spec.schema.version, or leave it out; tables or streams that somebody deleted have to come back'
  return { outcome: { kind: 'warn', reason: 'SchemaTooOld', message, retryAfterMs: atMostEveryMs }, found: {} }
}

async function removals(
  context: Context,
  retention: Retention,
  seen: RetentionSeen,
  next: RetentionState,
): Promise<Removals> {
  if (differences(seen, next).length === 0) return { keepingHolds: {}, all: {} }
  const target = ownerTarget(context)
  const all = await retention.removes(target, context.plan, next, deadline(context, engineMs))
  const kept = { ...next, holds: together(seen, next) }
  const keepingHolds =
    kept.holds.length === next.holds.length
      ? all
      : await retention.removes(target, context.plan, kept, deadline(context, engineMs))
  return { keepingHolds, all }
}

/** @param ended  people were let off their holds just now: their rows came of age with that */
function judge(
  context: Context,
  seen: RetentionSeen,
  next: RetentionState,
  { waiting, ended, now }: { waiting: Decision['plan'] | undefined; ended: boolean; now: Date },
): Pick<Seen, 'outcome' | 'found'> {
  const { store, namespace } = context
  const known = ended ? {} : (store.status?.retention ?? {})
  const retention = statusOf(seen, next, known, now)
  for (const name of Object.keys(seen.rules)) {
    const oldest = seen.oldest[name]
    const age = oldest ? Math.max(0, seen.now.getTime() - oldest.getTime()) / 1000 : 0
    metrics.retentionOldest.set({ namespace, store: store.metadata.name, rule: name }, age)
  }
  // The number of rows as it was first told: it changes by itself, and the plan does not.
  const { pending } = store.status ?? {}
  const plan = waiting && pending?.hash === waiting.hash ? pending : waiting
  const outcome = verdict(store, plan, overdue(seen, retention, now))
  return { outcome, found: { retention, legalHolds: seen.holds.length, ...(plan ? { pending: plan } : {}) } }
}

function verdict(store: DataStore, plan: Decision['plan'], behind: string[]): Found {
  const late = behind.length > 0 ? `rows older than the rules allow: ${behind.join(', ')}` : ''
  if (plan) {
    const also = late ? ` Besides, ${late}` : ''
    const message = `${plan.differences.join('; ')}. kubectl annotate datastore ${store.metadata.name} ${approveAnnotation}=${plan.hash} lets it go.${also}`
    return { kind: 'warn', reason: 'AwaitingApproval', message, retryAfterMs: atMostEveryMs }
  }
  if (behind.length === 0) return { kind: 'done', reason: 'InSync', retryAfterMs: atMostEveryMs }
  const message = `${late}; docs/runbooks/retention.md says what to do`
  return { kind: 'warn', reason: 'Behind', message, retryAfterMs: atMostEveryMs }
}
