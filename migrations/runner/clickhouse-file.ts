import type { DataLoss } from './data-loss.ts'
import type { Refused } from './errors.ts'
import type { Format, Migration } from './files.ts'
import { readHeader } from './sql-header.ts'

/*
 * ClickHouse has no transactions for DDL, so a file is run statement by statement, and one that was cut short begins again with the
 * statement of which nobody knows whether it ran. Every statement must therefore leave things as they are when they already are so,
 * and its effect must show in the system tables. Only such statements are let through.
 */

export interface Statement {
  /** Line of its first character, from 1. */
  line: number
  /** As it stands in the file, without the comments around it. */
  text: string
  /** What must be so afterwards. */
  effect: Effect
  /** What it loses, as of a DataLoss; undefined: nothing. */
  loss: string | undefined
}

export type Effect =
  | { kind: 'table'; name: string; exists: boolean }
  | { kind: 'column'; table: string; name: string; exists: boolean }
  /** Only that no change of rows is left to do, or fails. */
  | { kind: 'settled'; table: string }

/** Where a store of several servers needs words that one alone would refuse. */
const onCluster = '/* ON CLUSTER */'
const replicated = '/* Replicated */'

export const formatOfClickHouse: Format = {
  extension: 'sql',
  read(sql, refuse) {
    const pieces = split(sql)
    const header = readHeader(sql, pieces[0]?.start, refuse)
    for (const piece of pieces) statementOf(piece, refuse)
    return { ...header, statements: pieces.length }
  },
}

/** The statements of a file that `formatOfClickHouse` has let through. */
export function clickHouseStatements(sql: string): Statement[] {
  return split(sql).map((piece) =>
    statementOf(piece, (why) => {
      throw new Error(why)
    }),
  )
}

export function clickHouseLosses({ version, text, destructive }: Migration): DataLoss[] {
  const losses = clickHouseStatements(text).flatMap(({ line, loss }, index) =>
    loss === undefined ? [] : [{ version, where: `statement ${index + 1} (line ${line})`, why: loss }],
  )
  const isMarked = destructive && losses.length === 0
  return isMarked ? [{ version, where: 'header', why: 'says that it is destructive' }] : losses
}

/** As a store of several servers must be told it: on all of them at once, and with copies that follow each other. */
export function forCluster(text: string): string {
  return text.replaceAll(onCluster, `ON CLUSTER '{cluster}'`).replaceAll(`${replicated}`, 'Replicated')
}

interface Piece {
  start: number
  line: number
  text: string
  /** The text with the content of strings, quoted names and comments blanked, and spaces as one. */
  bare: string
}

const token =
  /(?<comment>--[^\n]*|#[ !][^\n]*|\/\*[^]*?(?:\*\/|$))|(?<quoted>'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^]|"")*"|`(?:[^`\\]|\\[^]|``)*`|\$(?<tag>\w*)\$[^]*?\$\k<tag>\$)|(?<end>;)|(?<other>[^])/y

/** Splits at the semicolons that end statements. */
export function split(sql: string): Piece[] {
  const pieces: Piece[] = []
  let current: { start: number; bare: string } | undefined
  const close = (end: number) => {
    if (!current) return
    const text = sql.slice(current.start, end).trim()
    const line = sql.slice(0, current.start).split('\n').length
    pieces.push({ start: current.start, line, text, bare: current.bare.replace(/\s+/g, ' ').trim() })
    current = undefined
  }
  for (let at = 0; at < sql.length; at = token.lastIndex) {
    token.lastIndex = at
    const { comment, quoted, end, other = '' } = token.exec(sql)?.groups ?? {}
    if (end !== undefined) close(at)
    else if (comment !== undefined) current = current && { ...current, bare: `${current.bare} ${markOf(comment)}` }
    else if (current ?? (quoted !== undefined || other.trim() !== '')) {
      current ??= { start: at, bare: '' }
      current.bare += quoted === undefined ? other : `${quoted.charAt(0)}…${quoted.charAt(0)}`
    }
  }
  close(sql.length)
  return pieces
}

const markOf = (comment: string) => ([onCluster, replicated].includes(comment) ? comment : '')

/** What may stand in a file, each with what it leaves behind. `<name>` is a plain name, `<on>` the mark after the name of an object. */
// prettier-ignore
const allowed: [string, (names: string[]) => Effect][] = [
  ['CREATE (?:TABLE|VIEW|MATERIALIZED VIEW|DICTIONARY) IF NOT EXISTS <name> <on>', ([name]) => tableIs(name, true)],
  ['CREATE OR REPLACE (?:VIEW|DICTIONARY) <name> <on>',                            ([name]) => tableIs(name, true)],
  ['DROP (?:TABLE|VIEW|DICTIONARY) IF EXISTS <name> <on>',                         ([name]) => tableIs(name, false)],
  ['ALTER TABLE <name> <on> ADD COLUMN IF NOT EXISTS <name>',                      ([table, name]) => columnIs(table, name, true)],
  ['ALTER TABLE <name> <on> DROP COLUMN IF EXISTS <name>',                         ([table, name]) => columnIs(table, name, false)],
  ['ALTER TABLE <name> <on> RENAME COLUMN IF EXISTS <name> TO <name>',             ([table, , name]) => columnIs(table, name, true)],
  ['ALTER TABLE <name> <on> ADD (?:INDEX|CONSTRAINT|PROJECTION) IF NOT EXISTS',    ([table]) => settled(table)],
  ['ALTER TABLE <name> <on> DROP (?:INDEX|CONSTRAINT|PROJECTION) IF EXISTS',       ([table]) => settled(table)],
  ['ALTER TABLE <name> <on> MATERIALIZE (?:COLUMN|INDEX|PROJECTION|TTL)',          ([table]) => settled(table)],
  ['ALTER TABLE <name> <on> MODIFY (?:COLUMN|COMMENT|TTL|SETTING|QUERY)',          ([table]) => settled(table)],
  ['ALTER TABLE <name> <on> (?:COMMENT COLUMN|REMOVE TTL|RESET SETTING)',          ([table]) => settled(table)],
]

const tableIs = (name = '', exists: boolean): Effect => ({ kind: 'table', name, exists })
const columnIs = (table = '', name = '', exists: boolean): Effect => ({ kind: 'column', table, name, exists })
const settled = (table = ''): Effect => ({ kind: 'settled', table })

const shapes = allowed.map(([shape, effectOf]) => {
  const pattern = shape.replaceAll('<name>', '([a-z_][a-z0-9_]*)').replace('<on>', String.raw`/\* ON CLUSTER \*/`)
  return { pattern: new RegExp(`^${pattern}(?!\\w)`, 'i'), effectOf }
})

/** Several settings are one change. */
const setting = String.raw`\w+(?: ?= ?[\w.'…-]+)?`
const onlySettings = new RegExp(
  String.raw`^ALTER TABLE \w+ /\* ON CLUSTER \*/ (?:MODIFY|RESET) SETTING ${setting}(?: ?, ?${setting})*$`,
  'i',
)

function statementOf({ line, text, bare }: Piece, refuse: (why: string) => Refused): Statement {
  const [effect] = shapes.flatMap(({ pattern, effectOf }) => {
    const match = pattern.exec(bare)
    return match ? [effectOf(match.slice(1))] : []
  })
  if (!effect)
    throw refuse(
      `line ${line}, "${bare.slice(0, 60)}": is none of the statements that may be run twice, ` +
        `such as CREATE TABLE IF NOT EXISTS name ${onCluster} or ALTER TABLE name ${onCluster} ADD COLUMN IF NOT EXISTS; see migrations/README.md`,
    )
  if (/^ALTER/i.test(bare) && !onlySettings.test(bare) && hasList(bare))
    throw refuse(
      `line ${line}: has several changes in one ALTER; give each its own, so that each can be run again alone`,
    )
  const engines = [...bare.matchAll(/(\/\* Replicated \*\/ ?)?\b\w*MergeTree\b/g)]
  if (engines.some(([engine, mark]) => !mark || /Replicated\w+$/.test(engine)))
    throw refuse(`line ${line}: write the engine as ${replicated}MergeTree, so that servers of one store have copies`)
  return { line, text, effect, loss: lossOf(bare) }
}

// prettier-ignore
const losing: [RegExp, (names: string[]) => string][] = [
  [/^DROP TABLE IF EXISTS (\w+)/i,                             ([table]) => `drops table ${table} with its rows`],
  [/^ALTER TABLE (\w+) .* DROP COLUMN IF EXISTS (\w+)/i,       ([table, column]) => `drops column ${column} of ${table}`],
  [/^ALTER TABLE (\w+) .* (?:MODIFY|MATERIALIZE) TTL\b/i,       ([table]) => `lets rows of ${table} go by another time`],
  [/^ALTER TABLE (\w+) .* MODIFY COLUMN .*\bTTL\b/i,           ([table]) => `lets values of ${table} go by time`],
  [/^ALTER TABLE (\w+) .* MATERIALIZE COLUMN\b/i,             ([table]) => `writes values of a column of ${table} anew`],
  // Where it is none of what surely keeps the values, it may be another type or kind; what the column was before, no file says.
  [/^ALTER TABLE (\w+) \/\* ON CLUSTER \*\/ MODIFY COLUMN (?!(?:IF EXISTS )?\w+ (?:DEFAULT|COMMENT|CODEC|FIRST|AFTER)\b)/i,
    ([table]) => `changes the type or kind of a column of ${table}`],
]

/** A view is made anew from what it reads; the rows of a materialized one are in the table that it names. */
function lossOf(bare: string): string | undefined {
  const [loss] = losing.flatMap(([pattern, words]) => {
    const match = pattern.exec(bare)
    return match ? [words(match.slice(1))] : []
  })
  return loss
}

/** Whether a comma stands outside of all parentheses and brackets. */
function hasList(bare: string): boolean {
  let depth = 0
  for (const character of bare) {
    if ('([{'.includes(character)) depth++
    if (')]}'.includes(character)) depth--
    if (character === ',' && depth === 0) return true
  }
  return false
}
