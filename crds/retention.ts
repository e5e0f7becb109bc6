/**
 * What is kept how long: one vocabulary for all stores. Each engine compiles it to its own means: scheduled deletes and dropped
 * partitions (PostgreSQL), policies (TimescaleDB), TTL (ClickHouse), dropped index versions (Elasticsearch), key expiry (Redis),
 * age of a stream (NATS). docs/reference/retention.md is generated from this table.
 *
 * A name that is in use is never given to something else: it stands in the specs of users.
 */

/** What a row's age is counted from. */
export type Basis = 'event' | 'end' | 'last activity'

/**
 * delete: the row, key or message goes. detach: a partition is taken out of its table, and dropped. drop: a whole index goes.
 * anonymise: the row stays, without the fields that tell who it was.
 * None truncates an address to its prefix: no whole one is there to be cut (docs/retention.md, What is no rule).
 */
export type Action = 'delete' | 'detach' | 'drop' | 'anonymise'

export interface RetentionRule {
  /** What it is about and what its age is counted from, as a phrase. */
  of: string
  basis: Basis
  action: Action
  /** As `spec.retention.rules.<rule>.keep` takes it. */
  keep: string
  /** What is counted, one and several; a row where nothing is said. */
  unit?: [string, string]
  /** The rows are somebody's, and `spec.retention.legalHolds` keeps those of a person. */
  people?: true
  /** No period is less than this one, and why. */
  least?: { keep: string; because: string }
}

const published: RetentionRule = {
  of: 'events of the outbox, by day, since all of the day was published',
  basis: 'event',
  action: 'detach',
  keep: '7d',
  unit: ['day of events', 'days of events'],
}
const eventRecords: RetentionRule = {
  of: 'dead letters of the outbox and what the inbox remembers of events, since they came',
  basis: 'event',
  action: 'delete',
  keep: '30d',
}

/** A refresh that reaches rows which are gone takes their history out of the aggregate (D-117). */
const recomputed = (keep: string, days: number) => ({
  keep,
  because: `statistics are computed anew from the rows of the last ${days} days`,
})

/** By schema; `cache`: of Redis, which has none. */
export const retentionRules = {
  core: {
    'job-applications': { of: 'applications, since their decision; those that nobody decided, since the posting closed and they last changed', basis: 'end', action: 'delete', keep: '2y', people: true }, // prettier-ignore
    'closed-jobs': { of: 'postings without applications, with their stored scores, since they closed', basis: 'end', action: 'delete', keep: '2y', people: true }, // prettier-ignore
    'job-matches': { of: 'stored scores of candidates, since they were computed', basis: 'event', action: 'delete', keep: '90d', people: true }, // prettier-ignore
    sessions: { of: 'log-ins, since they expired', basis: 'end', action: 'delete', keep: '30d', people: true },
    consents: { of: 'consents that stand no more, since they were given', basis: 'event', action: 'delete', keep: '5y', people: true }, // prettier-ignore
    'erasure-requests': { of: 'erasures, since they were done', basis: 'end', action: 'delete', keep: '5y' },
    'accepted-terms': { of: 'when somebody accepted terms and privacy notice, since the account was erased', basis: 'end', action: 'anonymise', keep: '5y', people: true }, // prettier-ignore
    'published-events': published,
    'event-records': eventRecords,
  },
  geolocation: {
    'private-places': { of: 'private places that nobody names any more, since they were geocoded', basis: 'event', action: 'delete', keep: '30d', people: true }, // prettier-ignore
    distances: { of: 'computed distances', basis: 'event', action: 'delete', keep: '1h' },
    'published-events': published,
    'event-records': eventRecords,
  },
  temporal: {
    'availability-patterns': { of: 'availability as it was recorded', basis: 'event', action: 'delete', keep: '2y', people: true, least: recomputed('32d', 30) }, // prettier-ignore
    'job-schedules': { of: 'schedules of jobs as they were recorded', basis: 'event', action: 'delete', keep: '1y' },
    'interview-slots': { of: 'interviews', basis: 'event', action: 'delete', keep: '3y', people: true, least: recomputed('92d', 90) }, // prettier-ignore
    'user-metrics': { of: 'measurements of a person', basis: 'event', action: 'delete', keep: '1y', people: true },
    metrics: { of: 'all other measurements', basis: 'event', action: 'delete', keep: '5y' },
    'interview-bookings': { of: 'guard rows of interviews, since the interview', basis: 'end', action: 'delete', keep: '7d' }, // prettier-ignore
    'meeting-details': { of: 'address and link of a meeting, since the interview', basis: 'end', action: 'anonymise', keep: '7d', people: true }, // prettier-ignore
    'published-events': published,
    'event-records': eventRecords,
  },
  behavior: {
    'user-interactions': { of: 'interactions', basis: 'event', action: 'delete', keep: '2y', people: true },
    'interaction-places': { of: 'network, device and city of an interaction', basis: 'event', action: 'anonymise', keep: '30d' }, // prettier-ignore
    'search-queries': { of: 'searches', basis: 'event', action: 'delete', keep: '18mo', people: true },
    'job-interactions': { of: 'interactions with jobs', basis: 'event', action: 'delete', keep: '3y', people: true },
    'behavior-segments': { of: 'segments of a person', basis: 'event', action: 'delete', keep: '1y', people: true },
    'daily-user-metrics': { of: 'measurements of a person and day', basis: 'event', action: 'delete', keep: '2y', people: true }, // prettier-ignore
    'search-trends': { of: 'how often words were searched', basis: 'event', action: 'delete', keep: '2y' },
  },
  search: {
    'retired-indices': { of: 'earlier versions of an index, since they were replaced', basis: 'end', action: 'drop', keep: '7d' }, // prettier-ignore
  },
  events: {
    'domain-events': { of: 'what happened in core, geolocation and temporal', basis: 'event', action: 'delete', keep: '7d' }, // prettier-ignore
    'behavior-batches': { of: 'batches of behaviour events', basis: 'event', action: 'delete', keep: '7d' },
    'dead-letters': { of: 'messages that a consumer gave up', basis: 'event', action: 'delete', keep: '30d' },
  },
  cache: {
    sessions: { of: 'session look-ups', basis: 'last activity', action: 'delete', keep: '15min' },
    profiles: { of: 'copies of a person’s profile, matches and preferences', basis: 'event', action: 'delete', keep: '15min' }, // prettier-ignore
    'rate-limits': { of: 'counters by address or user', basis: 'event', action: 'delete', keep: '1h' },
    results: { of: 'jobs and results of searches', basis: 'event', action: 'delete', keep: '5min' },
  },
} as const satisfies Record<string, Record<string, RetentionRule>>

/** The rules of a schema, by name; empty where there are none. */
export const rulesOf = (schema: string): Record<string, RetentionRule> =>
  (retentionRules as Record<string, Record<string, RetentionRule>>)[schema] ?? {}

/** Schemas whose rows are somebody's. */
export const schemasWithPeople = Object.entries<Record<string, RetentionRule>>(retentionRules)
  .filter(([, rules]) => Object.values(rules).some(({ people }) => people))
  .map(([schema]) => schema)

/** A length of time as the calendar has it: two years are no number of seconds. */
export interface Period {
  months: number
  days: number
  seconds: number
}

const units: Record<string, Partial<Period>> = {
  y: { months: 12 },
  mo: { months: 1 },
  d: { days: 1 },
  h: { seconds: 3600 },
  min: { seconds: 60 },
  s: { seconds: 1 },
}

/** `keep` of a rule: a number and a unit. */
export const periodPattern = '^[1-9][0-9]{0,4}(y|mo|d|h|min|s)$'

/** Whether `readPeriod` can read it. */
export const isPeriod = (text: string) => text.split(' ').every((part) => new RegExp(periodPattern).test(part))

/**
 * @param text  as of `periodPattern`; several of them, where somebody set an engine so by hand: `1mo 3d`
 * @throws for any other
 */
export function readPeriod(text: string): Period {
  const sum = { months: 0, days: 0, seconds: 0 }
  for (const part of text.split(' ')) {
    const [, count = '', unit = ''] = /^([0-9]+)([a-z]+)$/.exec(part) ?? []
    const { months = 0, days = 0, seconds = 0 } = units[unit] ?? fail(text)
    sum.months += months * Number(count)
    sum.days += days * Number(count)
    sum.seconds += seconds * Number(count)
  }
  return sum
}

function fail(text: string): never {
  throw new Error(`${text} is no period: a number and y, mo, d, h, min or s`)
}

/** The one text of a period: 24 months are `2y`, 90 minutes `90min`. Of several units each: `1mo 3d`. */
export function periodText({ months, days, seconds }: Period): string {
  const parts = [
    months && (months % 12 === 0 ? `${months / 12}y` : `${months}mo`),
    days && `${days}d`,
    seconds &&
      (seconds % 3600 === 0 ? `${seconds / 3600}h` : seconds % 60 === 0 ? `${seconds / 60}min` : `${seconds}s`),
  ]
  return parts.filter(Boolean).join(' ') || '0d'
}

/** That long before `from`. */
export function before(from: Date, { months, days, seconds }: Period): Date {
  const date = new Date(from)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() - months)
  // 31 March less a month is the last of February, as PostgreSQL has it.
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, last) - days)
  return new Date(date.getTime() - seconds * 1000)
}
