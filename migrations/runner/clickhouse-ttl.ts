/*
 * How long rows stay is the spec's to say, and the operator's to bring into the tables that migrations made: so a table is read with its
 * TTL apart.
 */

/** View in which the operator notes what TTL has no place for. */
export const retentionNotes = 'retention_notes'

export interface TimedTable {
  /** The statement without any TTL. */
  rest: string
  /** Of the rows, without the word. */
  rows: string | undefined
  /** Of the values of a column, by its name; columns without are left out. */
  columns: Record<string, string>
}

/** @param statement  CREATE as `create_table_query` of system.tables has it: one line, columns in backticks. Of a view, all is rest. */
export function readTable(statement: string): TimedTable {
  const signs = outer(statement)
  const open = signs.find(({ word }) => word === '(')?.at
  const close = signs.find(({ word }) => word === ')')?.at
  if (open === undefined || close === undefined || !statement.startsWith('CREATE TABLE '))
    return { rest: statement, rows: undefined, columns: {} }
  const [head, tail] = [statement.slice(0, open + 1), cut(statement.slice(close))]
  const elements = listOf(statement.slice(open + 1, close)).map(cut)
  const timed = elements.flatMap(({ rest, ttl }) => {
    const [, name] = /^\s*`((?:[^`\\]|\\.)*)`/.exec(rest) ?? []
    return name !== undefined && ttl !== undefined ? [[name, ttl] as const] : []
  })
  return {
    rest: `${head}${elements.map(({ rest }) => rest).join(',')}${tail.rest}`,
    rows: tail.ttl,
    columns: Object.fromEntries(timed),
  }
}

const token = /'(?:[^'\\]|\\[^])*'|`(?:[^`\\]|\\[^])*`|\w+|[^]/g

/** Words and signs outside of quotes and parentheses; of the latter themselves each outermost one. */
function outer(text: string): { word: string; at: number }[] {
  let depth = 0
  return [...text.matchAll(token)].flatMap(({ 0: word, index: at }) => {
    if (word === ')') depth = Math.max(0, depth - 1)
    const isOuter = depth === 0
    if (word === '(') depth++
    return isOuter ? [{ word, at }] : []
  })
}

function listOf(text: string): string[] {
  const commas = outer(text).flatMap(({ word, at }) => (word === ',' ? [at] : []))
  return [-1, ...commas].map((from, index) => text.slice(from + 1, commas[index] ?? text.length))
}

/** What may stand after a TTL. */
const following = ['COLLATE', 'COMMENT', 'SETTINGS']

function cut(text: string): { rest: string; ttl?: string } {
  const words = outer(text)
  const start = words.findIndex(({ word }) => word === 'TTL')
  const from = words[start]?.at
  if (from === undefined) return { rest: text }
  const to = words.slice(start).find(({ word }) => following.includes(word))?.at ?? text.length
  const after = text.slice(to)
  return { rest: text.slice(0, from).trimEnd() + (after && ` ${after}`), ttl: text.slice(from + 3, to).trim() }
}
