import { before, readPeriod, rulesOf } from '../../../crds/retention.ts'
import type { DataStore } from '../../../crds/schema/data-store.ts'

/** Where a rule is in force. */
export interface Place {
  table: string
  /** Column that the age counts from. */
  column: string
  /** What a TTL adds to. */
  expression: string
  people: boolean
  /** Columns that are emptied, each by a TTL of its own; without them the row goes. */
  values?: string[]
}

function place(rule: string, table: string, column: string, values?: string[]): [string, Place] {
  const expression = column === 'timestamp' ? 'toDateTime(timestamp)' : column
  const people = rulesOf('behavior')[rule]?.people ?? false
  return [rule, { table, column, expression, people, ...(values ? { values } : {}) }]
}

/** All that migrations/behavior has. What else has a TTL there is no rule. */
export const places: ReadonlyMap<string, Place> = new Map([
  place('user-interactions', 'user_interactions', 'timestamp'),
  place('interaction-places', 'user_interactions', 'timestamp', ['user_agent', 'ip_address', 'city']),
  place('search-queries', 'search_queries', 'timestamp'),
  place('job-interactions', 'job_interactions', 'timestamp'),
  place('behavior-segments', 'user_behavior_segments', 'calculation_date'),
  place('daily-user-metrics', 'daily_user_metrics', 'date'),
  place('search-trends', 'search_trends', 'date'),
])

export const tables = [...new Set([...places.values()].map(({ table }) => table))]

/** A DateTime ends in 2106 and then begins again: what were to be kept beyond would go at once. */
const longest = '50y'

/** Periods that ClickHouse cannot have, one sentence each. */
export function retentionProblems({ spec }: DataStore): string[] {
  const start = new Date(0)
  const isTooLong = (keep: string) => before(start, readPeriod(keep)) < before(start, readPeriod(longest))
  const why = `is more than ${longest}, and the times of ClickHouse end in 2106: hold: true keeps without end`
  return Object.entries(spec.retention.rules).flatMap(([name, { keep }]) =>
    keep !== undefined && isTooLong(keep) ? [`spec.retention.rules.${name}.keep: ${keep} ${why}`] : [],
  )
}
