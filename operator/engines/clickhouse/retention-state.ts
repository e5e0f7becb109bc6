import { periodText, readPeriod, isPeriod } from '../../../crds/retention.ts'
import { readTable } from '../../../migrations/runner/clickhouse-ttl.ts'
import type { LegalHold, RetentionOfRule, RetentionState } from '../engine.ts'
import { places, type Place } from './retention-places.ts'
import { endless, readRows, readValues, type RowsTtl } from './ttl.ts'
import { secondsOf } from '../retention.ts'

/*
 * What tables and notes mean. Pure.
 *
 * TTL holds nearly all: period, hold of a rule, people. Notes hold what it has no place for: why somebody is on hold, and the period of
 * columns on hold, which have no TTL then. They are a view of constants: replaced at once and whole, ON CLUSTER like any statement, and
 * read like a table, by those who may read tables. A comment of a table would be shown to whoever may know that there is one.
 */

/** By table, `create_table_query`, one of each kind that servers have. A table that is not there is left out. */
export type Definitions = ReadonlyMap<string, string[]>
/** By user_id the reason, and by rule its period. */
export type Notes = ReadonlyMap<string, string>

export interface Found {
  definitions: Definitions
  notes: Notes
}

/**
 * Where servers, tables or columns are not of one mind, that of them is said to be in force which is not as wanted: so it is put right. Of
 * several such the longest: what is brought to another period is all counted.
 * @param wanted  of all rules that there are
 */
export function stateOf(found: Found, wanted: RetentionState): RetentionState {
  const rules = Object.entries(wanted.rules).map(([rule, given]) => {
    const at = places.get(rule)
    const others = at ? inForce(found, rule, at).filter((one) => !isSame(one, given)) : []
    const [longest] = others.sort((one, other) => lengthOf(other) - lengthOf(one))
    return [rule, longest ?? given] as const
  })
  return { rules: Object.fromEntries(rules), holds: holdsOf(found, wanted.holds) }
}

const lengthOf = ({ keep, hold }: RetentionOfRule) => (hold || !isPeriod(keep) ? Number.MAX_VALUE : secondsOf(keep))

/** As each server has it, and each column. */
function inForce({ definitions, notes }: Found, rule: string, at: Place): RetentionOfRule[] {
  const note = notes.get(rule)
  const without = note === undefined ? { keep: endless, hold: false } : { keep: note, hold: true }
  return (definitions.get(at.table) ?? []).flatMap((definition) => {
    const { rows, columns } = readTable(definition)
    const ttls = at.values?.map((name) => columns[name])
    if (ttls)
      return ttls.map((ttl) => (ttl === undefined ? without : { keep: readValues(ttl, at.column), hold: false }))
    const { keep, hold } = rows === undefined ? { keep: endless, hold: false } : readRows(rows, at.column)
    return [{ keep, hold }]
  })
}

export const isSame = (one: RetentionOfRule, other: RetentionOfRule) =>
  one.hold === other.hold && normal(one.keep) === normal(other.keep)

/** 24mo are 2y. */
const normal = (keep: string) => (isPeriod(keep) ? periodText(readPeriod(keep)) : keep)

/** On hold is whom every TTL passes over and a note knows: of one who shall be, each; of one who shall not, any. */
function holdsOf({ definitions, notes }: Found, wanted: LegalHold[]): LegalHold[] {
  const noted = [...notes.keys()].filter((about) => !places.has(about))
  const voices = [new Set(noted), ...passedOver(definitions)]
  const shall = new Set(wanted.map(({ subject }) => subject))
  const subjects = [...new Set(voices.flatMap((voice) => [...voice]))].sort()
  const isHeld = (subject: string) =>
    shall.has(subject) ? voices.every((voice) => voice.has(subject)) : voices.some((voice) => voice.has(subject))
  return subjects.filter(isHeld).map((subject) => ({ subject, reason: notes.get(subject) ?? '' }))
}

/** By each TTL that removes rows of people. */
function passedOver(definitions: Definitions): Set<string>[] {
  const ofPeople = [...places.values()].filter(({ people, values }) => people && !values)
  return ofPeople.flatMap((at) =>
    (definitions.get(at.table) ?? []).flatMap((definition) => {
      const ttl = rowsOf(definition, at)
      return ttl && !ttl.hold ? [new Set(ttl.subjects)] : []
    }),
  )
}

export function rowsOf(definition: string, { column }: Place): RowsTtl | undefined {
  const { rows } = readTable(definition)
  return rows === undefined ? undefined : readRows(rows, column)
}
