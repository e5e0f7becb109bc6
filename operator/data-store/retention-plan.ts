import { before, isPeriod, readPeriod, retentionRules, rulesOf, type RetentionRule } from '../../crds/retention.ts'
import type { DataStore, DataStoreStatus } from '../../crds/schema/data-store.ts'
import type { RetentionOfRule, RetentionSeen, RetentionState } from '../engines/engine.ts'
import { schemaOf } from '../engines/retention.ts'
import { planHash } from './updates.ts'

/* What retention.ts does and asks, decided. Pure. */

/** What is wanted of the rules that the store has: one that is pinned to an earlier migration may have fewer. Pure. */
export function only(next: RetentionState, { rules }: RetentionState): RetentionState {
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

const isLess = (one: string, other: string) =>
  before(new Date(0), readPeriod(one)) > before(new Date(0), readPeriod(other))

/**
 * Periods that a rule cannot have, one sentence each. Pure.
 * @param longest  that the engine can have; no calendar goes back more than that of the default
 */
export function retentionProblems(store: DataStore, longest = '100y'): string[] {
  const known = rulesOf(schemaOf(store))
  return Object.entries(store.spec.retention.rules).flatMap(([name, { keep }]) => {
    const { least } = known[name] ?? {}
    const path = `spec.retention.rules.${name}.keep: ${keep}`
    if (keep && isLess(longest, keep)) return [`${path} is more than ${longest}: hold: true keeps without end`]
    if (keep && least && isLess(keep, least.keep)) return [`${path} is less than ${least.keep}, and ${least.because}`]
    return []
  })
}

/** Rows that would go, by rule: with what is held now still held, and without. */
export interface Removals {
  keepingHolds: Record<string, number>
  all: Record<string, number>
}

/** Whoever is on hold now, and whoever shall be. */
export function together(seen: RetentionState, next: RetentionState): RetentionState['holds'] {
  const subjects = new Set(next.holds.map(({ subject }) => subject))
  return [...next.holds, ...seen.holds.filter(({ subject }) => !subjects.has(subject))]
}

/** `what` of a plan. */
export const removal = 'remove what is older than the rules allow'

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

export type RetentionStatus = NonNullable<DataStoreStatus['retention']>

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

/** Rules with a row that should be gone for a day, and could have been: the rule is in force as long. Pure. */
export function overdue(seen: RetentionSeen, status: RetentionStatus, now: Date): string[] {
  return Object.entries(seen.rules).flatMap(([name, { keep, hold }]) => {
    const [row, since] = [seen.oldest[name], status[name]?.since]
    if (!row || !since || hold || now.getTime() - Date.parse(since) < graceMs) return []
    const limit = before(seen.now, readPeriod(keep)).getTime() - graceMs
    return row.getTime() < limit ? [`${name} (${row.toISOString().slice(0, 10)}, keep ${keep})`] : []
  })
}
