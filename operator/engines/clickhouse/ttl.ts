import { periodText, readPeriod, type Period } from '../../../crds/retention.ts'

/*
 * TTL as ClickHouse writes it down, and as we do.
 *
 * Of a TTL without WHERE it drops a part by what it noted when it wrote the part, whatever the TTL has become since: rows would go that a
 * longer period, or a hold, has just begun to keep. With WHERE it looks at each row. So ours always have one: `false` is a hold of the
 * rule, which keeps the period readable.
 */

export interface RowsTtl {
  /** In its one text; of several units each. */
  keep: string
  /** Nothing goes. */
  hold: boolean
  /** Nothing of them goes. */
  subjects: string[]
}

/** What is in force that no spec could say: no TTL at all, and one that is none of ours. */
export const endless = 'without end'
export const foreign = 'another TTL'

/** @param expression  what a TTL adds to, such as `toDateTime(timestamp)` */
export function rowsTtl(expression: string, { keep, hold, subjects }: RowsTtl): string {
  const people = subjects.length > 0 ? `user_id ${outside(subjects)}` : 'true'
  return `${ends(expression, keep)} DELETE WHERE ${hold ? 'false' : people}`
}

/** When a row comes of age. */
export const ends = (expression: string, keep: string) =>
  `${expression}${partsOf(keep).map(({ count, unit }) => ` + toInterval${units[unit]}(${count})`).join('')}` // prettier-ignore

/** Literals of a type of their own: nothing of a text is ever read as SQL. */
export const outside = (subjects: string[]) =>
  `NOT IN (${subjects.map((subject) => `toUUID(${quoted(subject)})`).join(', ')})`

export const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`

const units: Record<string, string> = { y: 'Year', mo: 'Month', d: 'Day', h: 'Hour', min: 'Minute', s: 'Second' }

function partsOf(keep: string): { count: string; unit: string }[] {
  return keep.split(' ').map((part) => {
    const [, count = '', unit = ''] = /^(\d+)([a-z]+)$/.exec(part) ?? []
    if (!(unit in units)) throw new Error(`${part} is no period`)
    return { count, unit }
  })
}

/** @param ttl  as the server has it: `toDateTime(timestamp) + toIntervalYear(2) WHERE …`  @param column  that the age counts from */
export function readRows(ttl: string, column: string): RowsTtl {
  const [, time = '', where = 'true'] = /^(.*?)(?: (?:DELETE )?WHERE (.*))?$/.exec(ttl) ?? []
  const keep = readValues(time, column)
  const condition = readWhere(where)
  return condition && keep !== foreign ? { keep, ...condition } : { keep: foreign, hold: false, subjects: [] }
}

const people = /^user_id NOT IN \(?((?:toUUID\('[0-9a-f-]{36}'\)(?:, )?)+)\)?$/

function readWhere(where: string): Pick<RowsTtl, 'hold' | 'subjects'> | undefined {
  if (where === 'true') return { hold: false, subjects: [] }
  if (where === 'false') return { hold: true, subjects: [] }
  const [, list] = people.exec(where) ?? []
  return list === undefined ? undefined : { hold: false, subjects: list.match(/[0-9a-f-]{36}/g) ?? [] }
}

/** The period of a TTL without WHERE, as columns have it. */
export function readValues(ttl: string, column: string): string {
  const period: Period = { months: 0, days: 0, seconds: 0 }
  let rest = ttl
  for (let match = added.exec(rest); match; match = added.exec(rest)) {
    const [, before = '', unit = '', count = ''] = match
    const { months = 0, days = 0, seconds = 0 } = intervals[unit] ?? {}
    period.months += months * Number(count)
    period.days += days * Number(count)
    period.seconds += seconds * Number(count)
    rest = before.replace(/^\((.*)\)$/, '$1')
  }
  const isOurs = [column, `toDateTime(${column})`, `toDate(${column})`].includes(rest)
  return isOurs && Object.values(period).some((length) => length > 0) ? periodText(period) : foreign
}

const added = /^(.*) \+ toInterval(Year|Quarter|Month|Week|Day|Hour|Minute|Second)\((\d+)\)$/

const intervals: Record<string, Partial<Period>> = {
  ...Object.fromEntries(Object.entries(units).map(([unit, name]) => [name, readPeriod(`1${unit}`)])),
  Quarter: { months: 3 },
  Week: { days: 7 },
}
