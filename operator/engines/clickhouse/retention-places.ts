import { rulesOf } from '../../../crds/retention.ts'

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
