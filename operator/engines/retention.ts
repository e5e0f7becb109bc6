import { before, periodText, readPeriod, rulesOf } from '../../crds/retention.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { RetentionState } from './engine.ts'

/** Under which name crds/retention.ts has the rules of a store. */
export const schemaOf = ({ spec }: DataStore) => spec.schema?.name ?? (spec.engine === 'redis' ? 'cache' : 'none')

/** What the spec wants to be kept how long, rule by rule. Pure. */
export function wanted(store: DataStore): RetentionState {
  const { rules, legalHolds } = store.spec.retention
  const all = Object.entries(rulesOf(schemaOf(store))).map(([name, rule]) => {
    const { keep = rule.keep, hold = false } = rules[name] ?? {}
    // In its one text, which engines read back: 24mo are 2y.
    return [name, { keep: periodText(readPeriod(keep)), hold }] as const
  })
  return { rules: Object.fromEntries(all), holds: legalHolds }
}

/** Counted back from here a period is at most a day longer than counted back from any other day. */
const firstOfMarch = new Date('2027-03-01T00:00:00Z')

/**
 * A period for engines that know no calendar: a month has 28 days, two have 59, a year has 365. So nothing stays a day longer than the
 * calendar lets it.
 * @param keep  also of several units: `1mo 3d`
 */
export function secondsOf(keep: string): number {
  const start = before(firstOfMarch, readPeriod(keep))
  return (firstOfMarch.getTime() - start.getTime()) / 1000
}
