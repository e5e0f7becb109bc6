import { before, readPeriod, retentionRules, rulesOf, type RetentionRule } from '../../crds/retention.ts'
import type { DataStore, DataStoreStatus } from '../../crds/schema/data-store.ts'
import type { Retention, RetentionOfRule, RetentionSeen, RetentionState } from '../engines/engine.ts'
import { isPeriod } from '../engines/seconds.ts'
import { schemaOf, wanted } from '../engines/wanted.ts'
import { metrics } from '../observability/metrics.ts'
import { deadline } from '../reconcile/deadline.ts'
import { messageOf } from '../reconcile/errors.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import type { Step } from '../reconcile/steps.ts'
import { location, ownerTarget, type Context } from './observe.ts'
import { approveAnnotation, isApproved, planHash } from './updates.ts'

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
      if (!engine.retention) return { kind: 'done', reason: 'InSync' }
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

/** What is wanted of the rules that the store has: one that is pinned to an earlier migration may have fewer. Pure. */
function only(next: RetentionState, { rules }: RetentionState): RetentionState {
  return { ...next, rules: Object.fromEntries(Object.entries(next.rules).filter(([name]) => name in rules)) }
}

/** Of what is in force and what is wanted whatever keeps more: removes nothing. Pure. */
export function protecting(seen: RetentionState, next: RetentionState): RetentionState {
  const rules = Object.entries(seen.rules).map(([name, { keep, hold }]) => {
    const want = next.rules[name] ?? { keep, hold }
    // What is no period of ours may be anything, and stays.
    const longer = isPeriod(keep) && isLess(keep, want.keep) ? want.keep : keep
    return [name, { keep: longer, hold: hold || want.hold }] as const
  })
  return { rules: Object.fromEntries(rules), holds: together(seen, next) }
}

/** No calendar of an engine is longer. */
const most = '100y'

const isLess = (one: string, other: string) =>
  before(new Date(0), readPeriod(one)) > before(new Date(0), readPeriod(other))

/** Periods that a rule cannot have, one sentence each. Pure. */
export function retentionProblems(store: DataStore): string[] {
  const known = rulesOf(schemaOf(store))
  return Object.entries(store.spec.retention.rules).flatMap(([name, { keep }]) => {
    const { least } = known[name] ?? {}
    const path = `spec.retention.rules.${name}.keep: ${keep}`
    if (keep && isLess(most, keep)) return [`${path} is more than ${most}: hold: true keeps without end`]
    if (keep && least && isLess(keep, least.keep)) return [`${path} is less than ${least.keep}, and ${least.because}`]
    return []
  })
}

/** Rows that would go, by rule: with what is held now still held, and without. */
export interface Removals {
  keepingHolds: Record<string, number>
  all: Record<string, number>
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

/** Whoever is on hold now, and whoever shall be. */
function together(seen: RetentionState, next: RetentionState): RetentionState['holds'] {
  const subjects = new Set(next.holds.map(({ subject }) => subject))
  return [...next.holds, ...seen.holds.filter(({ subject }) => !subjects.has(subject))]
}

/** `what` of a plan. */
const removal = 'remove what is older than the rules allow'

export interface Decision {
  /** What may be brought into force without asking. */
  atOnce: RetentionState
  /** What waits for approval; absent when nothing does. */
  plan?: { hash: string; what: string; differences: string[] }
}

/** What a plan belongs to. */
export interface Asked {
  uid: string
  /** Of the spec: a change that is taken back and comes again is another. */
  generation: number
  /** Where the store is: an external one may be another by now. */
  at: string
  /** What the status said is in force, and since when: what comes back by itself, as with an earlier state, is new. */
  known: RetentionStatus
  now: Date
}

/**
 * What of the wanted retention removes nothing and comes into force at once, and what waits for approval. Pure.
 *
 * A rule that would remove rows stays as it is. While any does, nobody is let off a hold: which rows that would cost depends on the
 * rules to come. What was approved once says nothing of the same change another time.
 */
export function decide(
  { uid, generation, at, known, now }: Asked,
  seen: RetentionState,
  next: RetentionState,
  { keepingHolds, all }: Removals,
): Decision {
  const costly = (counts: Record<string, number>, name: string) => (counts[name] ?? 0) > 0
  const names = Object.keys(next.rules)
  const waits = names.filter((name) => costly(all, name))
  if (waits.length === 0) return { atOnce: next }
  const rules = names.map((name) => {
    const [now, wanted] = [seen.rules[name], next.rules[name]]
    return [name, costly(keepingHolds, name) ? now : wanted] as const
  })
  const atOnce = { rules: Object.fromEntries(rules), holds: together(seen, next) } as RetentionState
  // As it will be seen next time, when the rest is in force: the plan and its hash stay the same.
  const changes = differences(atOnce, next, all)
  // Not how many: that grows by itself, and what was approved stays approved.
  const from = waits.map((name) => {
    const rule = atOnce.rules[name]
    return [name, rule, rule && sinceOf(known[name], rule, now)]
  })
  const to = waits.map((name) => next.rules[name])
  const hash = planHash(uid, [generation, at, from, to, subjects(atOnce), subjects(next)])
  return { atOnce, plan: { hash, what: removal, differences: changes } }
}

const subject = ({ subject }: { subject: string }) => subject
const subjects = ({ holds }: RetentionState) => holds.map(subject).sort()

/** Rules of one name count the same in every schema. */
const unitOf = (name: string): [string, string] =>
  Object.values<Record<string, RetentionRule>>(retentionRules).find((rules) => rules[name]?.unit)?.[name]?.unit ?? [
    'row',
    'rows',
  ]

/** One phrase for each thing that differs: `job-applications: 2y → 1y removes 1,204 rows`. Names nobody. Pure. */
export function differences(from: RetentionState, to: RetentionState, removes: Record<string, number> = {}): string[] {
  const count = (name: string) => {
    const [rows, [one, several]] = [removes[name] ?? 0, unitOf(name)]
    return rows > 0 ? ` removes ${rows.toLocaleString('en')} ${rows === 1 ? one : several}` : ''
  }
  const text = (rule: RetentionState['rules'][string] | undefined) =>
    !rule ? 'nothing' : rule.hold ? `${rule.keep}, on hold` : rule.keep
  const rules = Object.entries(to.rules).flatMap(([name, rule]) => {
    const [was, is] = [text(from.rules[name]), text(rule)]
    if (was === is && !removes[name]) return []
    return [`${name}: ${was === is ? is : `${was} → ${is}`}${count(name)}`]
  })
  const had = new Map(from.holds.map((hold) => [hold.subject, hold.reason]))
  const begun = to.holds.filter((hold) => !had.has(hold.subject)).length
  const reworded = to.holds.filter(({ subject, reason }) => had.has(subject) && had.get(subject) !== reason).length
  const ended = together(from, to).length - to.holds.length
  return [
    ...rules,
    ...(begun > 0 ? [`legal holds begun: ${begun}`] : []),
    ...(reworded > 0 ? [`legal holds with another reason: ${reworded}`] : []),
    ...(ended > 0 ? [`legal holds ended: ${ended}`] : []),
  ]
}

/** What is removed daily may be a day older, and so may what TTL removes when parts are merged. */
const graceMs = 86_400_000

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

type RetentionStatus = NonNullable<DataStoreStatus['retention']>

/** Since when a rule is as it is, by what the status said before. */
function sinceOf(before: RetentionStatus[string] | undefined, { keep, hold }: RetentionOfRule, now: Date): string {
  const isAsBefore = before?.keep === keep && (before.held ?? false) === hold
  return isAsBefore ? before.since : now.toISOString()
}

/** @param known  what the status said before: what is still so keeps its `since`. Pure. */
export function statusOf(
  seen: RetentionSeen,
  next: RetentionState,
  known: RetentionStatus,
  now: Date,
): RetentionStatus {
  const entries = Object.entries(seen.rules).map(([name, { keep, hold }]) => {
    const [oldest, want] = [seen.oldest[name], next.rules[name]]
    const differs = want !== undefined && (want.keep !== keep || want.hold !== hold)
    const status = {
      keep,
      ...(hold ? { held: true } : {}),
      since: sinceOf(known[name], { keep, hold }, now),
      ...(differs ? { wanted: want.hold ? `${want.keep}, on hold` : want.keep } : {}),
      ...(oldest ? { oldest: oldest.toISOString().slice(0, 10) } : {}),
    }
    return [name, status] as const
  })
  return Object.fromEntries(entries)
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

/** Rules with a row that should be gone for a day, and could have been: the rule is in force as long. Pure. */
export function overdue(seen: RetentionSeen, status: RetentionStatus, now: Date): string[] {
  return Object.entries(seen.rules).flatMap(([name, { keep, hold }]) => {
    const [row, since] = [seen.oldest[name], status[name]?.since]
    if (!row || !since || hold || now.getTime() - Date.parse(since) < graceMs) return []
    const limit = before(seen.now, readPeriod(keep)).getTime() - graceMs
    return row.getTime() < limit ? [`${name} (${row.toISOString().slice(0, 10)}, keep ${keep})`] : []
  })
}
