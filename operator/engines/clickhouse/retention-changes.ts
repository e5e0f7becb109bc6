import { rulesOf, isPeriod } from '../../../crds/retention.ts'
import { readTable, retentionNotes } from '../../../migrations/runner/clickhouse-ttl.ts'
import type { LegalHold, RetentionOfRule, RetentionState } from '../engine.ts'
import { places, tables, type Place } from './retention-places.ts'
import { isSame, rowsOf, type Found, type Notes } from './retention-state.ts'
import { ends, foreign, quoted, readValues, rowsTtl } from './ttl.ts'

/**
 * What brings tables and notes to `next`; empty when they are so. A table's period and whom it passes over are one statement: at no moment
 * is it kept for less without them. Notes come last: what was cut short before is not as noted, and so is seen. Pure.
 * @param on  `ON CLUSTER …`, or empty
 */
export function changes(found: Found, next: RetentionState, on: string): string[] {
  const altered = tables.flatMap((table) =>
    tableChanges(found, next, table).map((what) => words('ALTER TABLE', table, on, what)),
  )
  return [...altered, ...notesChanges(found.notes, next, on)]
}

const words = (...parts: string[]) => parts.filter(Boolean).join(' ')

function tableChanges(found: Found, next: RetentionState, table: string): string[] {
  const definitions = found.definitions.get(table) ?? []
  const [rows, values]: [string[], string[]] = [[], []]
  let isFreed = false
  for (const [rule, at] of places) {
    const given = next.rules[rule]
    if (at.table !== table || definitions.length === 0 || !given) continue
    // What waits for an approval stays, and may be no period. But it knows nothing of a hold.
    const isHeld = given.hold || (at.people && next.holds.length > 0)
    if (given.keep === foreign && !at.values && isHeld)
      rows.push(`MODIFY TTL ${rowsTtl(at.expression, { keep: defaultOf(rule), hold: true, subjects: [] })}`)
    if (!isPeriod(given.keep) && !(at.values && given.hold)) continue
    if (at.values) {
      values.push(...valuesChanges(definitions, at, given))
      isFreed = given.hold && (values.length > 0 || !found.notes.has(rule))
    } else rows.push(...rowsChange(definitions, at, given, next.holds))
  }
  // That of the rows is last: what follows a comma could be one more of theirs.
  const clauses = [...values, ...rows].join(', ')
  // What parts noted of a TTL that a column had would count for the next one that it gets. A table without any TTL refuses it.
  const isTimed = definitions.every((definition) => readTable(definition).rows !== undefined)
  const forgetting = isFreed && isTimed && rows.length === 0 ? 'MATERIALIZE TTL' : ''
  return [clauses, forgetting].filter(Boolean)
}

const defaultOf = (rule: string) => rulesOf('behavior')[rule]?.keep ?? ''

function rowsChange(definitions: string[], at: Place, given: RetentionOfRule, holds: LegalHold[]): string[] {
  const subjects = at.people ? holds.map(({ subject }) => subject).sort() : []
  const isSo = definitions.every((definition) => {
    const ttl = rowsOf(definition, at)
    return ttl && isSame(ttl, given) && (ttl.hold || [...ttl.subjects].sort().join() === subjects.join())
  })
  return isSo ? [] : [`MODIFY TTL ${rowsTtl(at.expression, { ...given, subjects })}`]
}

function valuesChanges(definitions: string[], at: Place, given: RetentionOfRule): string[] {
  return (at.values ?? []).flatMap((name) => {
    const ttls = definitions.map((definition) => readTable(definition).columns[name])
    if (given.hold) return ttls.some((ttl) => ttl !== undefined) ? [`MODIFY COLUMN ${name} REMOVE TTL`] : []
    const isSo = (ttl = '') => isSame({ keep: readValues(ttl, at.column), hold: false }, given)
    return ttls.every(isSo) ? [] : [`MODIFY COLUMN ${name} TTL ${ends(at.expression, given.keep)}`]
  })
}

function notesChanges(notes: Notes, next: RetentionState, on: string): string[] {
  const wanted = new Map(next.holds.map(({ subject, reason }) => [subject, reason]))
  for (const [rule, { values }] of places) {
    const { keep, hold } = next.rules[rule] ?? { keep: '', hold: false }
    if (values && hold) wanted.set(rule, isPeriod(keep) ? keep : defaultOf(rule))
  }
  if (wanted.size === notes.size && [...wanted].every(([about, note]) => notes.get(about) === note)) return []
  if (wanted.size === 0) return [words('DROP VIEW IF EXISTS', retentionNotes, on)]
  const rows = [...wanted].map(([about, note]) => `(${quoted(about)}, ${quoted(note)})`).join(', ')
  const columns = 'tupleElement(note, 1) AS about, tupleElement(note, 2) AS text'
  const select = `SELECT ${columns} FROM (SELECT arrayJoin([${rows}]) AS note)`
  return [words('CREATE OR REPLACE VIEW', retentionNotes, on, 'AS', select)]
}
