import { createHash } from 'node:crypto'
import { before, readPeriod, rulesOf } from '../../crds/retention.ts'
import type { DataStore, DataStoreStatus } from '../../crds/schema/data-store.ts'
import type { Retention, RetentionSeen, RetentionState } from '../engines/engine.ts'
import { schemaOf, wanted } from '../engines/wanted.ts'
import { metrics } from '../observability/metrics.ts'
import { deadline } from '../reconcile/deadline.ts'
import { messageOf } from '../reconcile/errors.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import type { Step } from '../reconcile/steps.ts'
import { ownerTarget, type Context } from './observe.ts'
import { approveAnnotation, isApproved } from './updates.ts'

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
  found: Pick<DataStoreStatus, 'retention' | 'pending'>
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
  try {
    const before = await retention.observe(target, plan, deadline(context, engineMs))
    if (!before) return { outcome: { kind: 'done', reason: 'InSync' }, found: {} }
    const next = decide(store.metadata.uid ?? '', before, wanted(store), await removals(context, retention, before))
    const approved = next.plan && isApproved(store, next.plan.hash)
    const state = approved ? wanted(store) : next.atOnce
    const changes = differences(before, state)
    const news = changes.length > 0 ? changes : (before.due ?? [])
    if (news.length > 0) {
      tools.fence()
      await retention.apply(target, plan, state, deadline(context, engineMs))
      tools.events.normal(store, 'RetentionChanged', news.join('; '))
    }
    const after = news.length > 0 ? await retention.observe(target, plan, deadline(context, engineMs)) : before
    const ended = together(before, state).length > state.holds.length
    const waiting = approved ? undefined : next.plan
    return judge(context, after ?? before, { ...(waiting ? { plan: waiting } : {}), ended })
  } catch (error) {
    const message = `what is kept how long is not known: ${messageOf(error)}`
    const { retention: known } = store.status ?? {}
    return {
      outcome: { kind: 'warn', reason: 'Unobserved', message, retryAfterMs: retryMs },
      found: known ? { retention: known } : {},
    }
  }
}

/** Periods that are less than a rule can have, one sentence each. Pure. */
export function retentionProblems(store: DataStore): string[] {
  const known = rulesOf(schemaOf(store))
  return Object.entries(store.spec.retention.rules).flatMap(([name, { keep }]) => {
    const { least } = known[name] ?? {}
    if (!keep || !least) return []
    const epoch = new Date(0)
    if (before(epoch, readPeriod(keep)) <= before(epoch, readPeriod(least.keep))) return []
    return [`spec.retention.rules.${name}.keep: ${keep} is less than ${least.keep}, and ${least.because}`]
  })
}

/** Rows that would go, by rule: with what is held now still held, and without. */
export interface Removals {
  keepingHolds: Record<string, number>
  all: Record<string, number>
}

async function removals(context: Context, retention: Retention, seen: RetentionSeen): Promise<Removals> {
  const { plan, store } = context
  const next = wanted(store)
  if (differences(seen, next).length === 0) return { keepingHolds: {}, all: {} }
  const target = ownerTarget(context)
  const all = await retention.removes(target, plan, next, deadline(context, engineMs))
  const kept = { ...next, holds: together(seen, next) }
  const keepingHolds =
    kept.holds.length === next.holds.length
      ? all
      : await retention.removes(target, plan, kept, deadline(context, engineMs))
  return { keepingHolds, all }
}

/** Whoever is on hold now, and whoever shall be. */
function together(seen: RetentionState, next: RetentionState): RetentionState['holds'] {
  const subjects = new Set(next.holds.map(({ subject }) => subject))
  return [...next.holds, ...seen.holds.filter(({ subject }) => !subjects.has(subject))]
}

export interface Decision {
  /** What may be brought into force without asking. */
  atOnce: RetentionState
  /** What waits for approval; absent when nothing does. */
  plan?: { hash: string; what: string; differences: string[] }
}

/**
 * What of the wanted retention removes nothing and comes into force at once, and what waits for approval. Pure.
 *
 * A rule that would remove rows stays as it is. While any does, nobody is let off a hold: which rows that would cost depends on the
 * rules to come.
 * @param uid  of the store: what is approved for one says nothing about another
 */
export function decide(
  uid: string,
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
  const plan = { what: 'remove what is older than the rules allow', differences: changes }
  // Not how many: that grows by itself, and what was approved stays approved.
  const hash = createHash('sha256')
    .update(JSON.stringify([uid, atOnce.rules, next.rules, subjects(atOnce), subjects(next)]))
    .digest('hex')
    .slice(0, 12)
  return { atOnce, plan: { hash, ...plan } }
}

const subject = ({ subject }: { subject: string }) => subject
const subjects = ({ holds }: RetentionState) => holds.map(subject).sort()

/** One phrase for each thing that differs: `job-applications: 2y → 1y removes 1,204 rows`. Names nobody. Pure. */
export function differences(from: RetentionState, to: RetentionState, removes: Record<string, number> = {}): string[] {
  const count = (name: string) => {
    const rows = removes[name] ?? 0
    return rows > 0 ? ` removes ${rows.toLocaleString('en')} row${rows === 1 ? '' : 's'}` : ''
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
  { plan, ended }: { plan?: Decision['plan']; ended: boolean },
): Pick<Seen, 'outcome' | 'found'> {
  const { store, namespace, tools } = context
  const known = ended ? {} : (store.status?.retention ?? {})
  const retention = statusOf(seen, wanted(store), known, tools.now())
  for (const name of Object.keys(seen.rules)) {
    const oldest = seen.oldest[name]
    const age = oldest ? Math.max(0, seen.now.getTime() - oldest.getTime()) / 1000 : 0
    metrics.retentionOldest.set({ namespace, store: store.metadata.name, rule: name }, age)
  }
  const outcome = verdict(store, plan, overdue(seen, retention, tools.now()))
  return { outcome, found: { retention, ...(plan ? { pending: plan } : {}) } }
}

type RetentionStatus = NonNullable<DataStoreStatus['retention']>

/** @param known  what the status said before: what is still so keeps its `since`. Pure. */
export function statusOf(
  seen: RetentionSeen,
  next: RetentionState,
  known: RetentionStatus,
  now: Date,
): RetentionStatus {
  const entries = Object.entries(seen.rules).map(([name, { keep, hold }]) => {
    const [oldest, want, before] = [seen.oldest[name], next.rules[name], known[name]]
    const isAsBefore = before?.keep === keep && (before.held ?? false) === hold
    const differs = want !== undefined && (want.keep !== keep || want.hold !== hold)
    const status = {
      keep,
      ...(hold ? { held: true } : {}),
      since: isAsBefore ? before.since : now.toISOString(),
      ...(differs ? { wanted: want.hold ? `${want.keep}, on hold` : want.keep } : {}),
      ...(oldest ? { oldest: oldest.toISOString().slice(0, 10) } : {}),
    }
    return [name, status] as const
  })
  return Object.fromEntries(entries)
}

function verdict(store: DataStore, plan: Decision['plan'], behind: string[]): Found {
  if (plan) {
    const message = `${plan.differences.join('; ')}. kubectl annotate datastore ${store.metadata.name} ${approveAnnotation}=${plan.hash} lets it go`
    return { kind: 'warn', reason: 'AwaitingApproval', message, retryAfterMs: atMostEveryMs }
  }
  if (behind.length === 0) return { kind: 'done', reason: 'InSync', retryAfterMs: atMostEveryMs }
  const message = `rows older than the rules allow: ${behind.join(', ')}; docs/runbooks/retention.md says what to do`
  return { kind: 'warn', reason: 'Behind', message, retryAfterMs: atMostEveryMs }
}

/** Rules with a row that should be gone for a day, and could have been: the rule is in force as long. Pure. */
export function overdue(seen: RetentionSeen, status: RetentionStatus, now: Date): string[] {
  return Object.entries(seen.rules).flatMap(([name, { keep, hold }]) => {
    const [row, since] = [seen.oldest[name], status[name]?.since]
    if (!row || !since || hold || now.getTime() - Date.parse(since) < graceMs) return []
    // Somebody set several units by hand: `1mo 3d`.
    const periods = keep.split(' ').map(readPeriod)
    const limit = periods.reduce(before, seen.now).getTime() - graceMs
    return row.getTime() < limit ? [`${name} (${row.toISOString().slice(0, 10)}, keep ${keep})`] : []
  })
}
