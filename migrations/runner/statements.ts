/** One statement of a file, for reporting: which one failed, how many there are, whether it ends our transaction. */
export interface Statement {
  /** Offset of its first character, in UTF-16 units. */
  start: number
  /** Line of its first character, from 1. */
  line: number
  /** Its words outside strings and comments, upper-case, at most the first ten. */
  words: string[]
}

const token =
  /(?<space>\s+)|(?<comment>--[^\n]*)|(?<block>\/\*)|(?<escaped>[eE]'(?:[^'\\]|\\[^]|'')*')|(?<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<other>[^])/y

/**
 * Finds where statements begin. It splits nothing that is run: PostgreSQL gets a file whole and parses it itself,
 * so a mistake here can only make a report less precise.
 */
export function findStatements(sql: string): Statement[] {
  const found: Statement[] = []
  let current: Statement | undefined
  let parentheses = 0
  // Depth inside the body of a SQL-standard function (BEGIN ATOMIC … END), whose semicolons end no statement.
  let atomic = 0
  let line = 1
  let offset = 0
  while (offset < sql.length) {
    token.lastIndex = offset
    const groups = token.exec(sql)?.groups ?? {}
    const end = tokenEnd(sql, groups, token.lastIndex)
    if (groups['space'] === undefined && groups['comment'] === undefined && groups['block'] === undefined) {
      if (groups['other'] === ';' && parentheses === 0 && atomic === 0) {
        current = undefined
      } else {
        if (!current) found.push((current = { start: offset, line, words: [] }))
        if (groups['other'] === '(') parentheses++
        if (groups['other'] === ')') parentheses--
        const word = groups['word']?.toUpperCase()
        if (word) {
          if (word === 'ATOMIC' && current.words.at(-1) === 'BEGIN') atomic = 1
          else if (atomic > 0 && word === 'CASE') atomic++
          else if (atomic > 0 && word === 'END') atomic--
          // The last word is kept even beyond ten, to see BEGIN before ATOMIC.
          current.words = [...current.words.slice(0, 9), word]
        }
      }
    }
    line += newlines(sql, offset, end)
    offset = end
  }
  return found
}

/** @returns the offset after the token; for a quote or comment that opens, after what closes it or at the end of the text */
function tokenEnd(sql: string, groups: Record<string, string | undefined>, end: number): number {
  if (groups['block'] !== undefined) return blockCommentEnd(sql, end)
  const tag = groups['dollar']
  if (tag === undefined) return end
  const close = sql.indexOf(tag, end)
  return close < 0 ? sql.length : close + tag.length
}

/** Block comments nest in PostgreSQL. */
function blockCommentEnd(sql: string, from: number): number {
  const edge = /\/\*|\*\//g
  edge.lastIndex = from
  for (let depth = 1; depth > 0;) {
    const match = edge.exec(sql)
    if (!match) return sql.length
    depth += match[0] === '/*' ? 1 : -1
  }
  return edge.lastIndex
}

function newlines(sql: string, from: number, to: number): number {
  let count = 0
  for (let at = sql.indexOf('\n', from); at >= 0 && at < to; at = sql.indexOf('\n', at + 1)) count++
  return count
}

/**
 * Where in a file an error belongs.
 * @param position   as PostgreSQL reports it, in characters from 1; absent for errors at run time
 * @param completed  statements that had completed when the error came
 * @returns          statement number and line, both from 1
 */
export function locate(
  sql: string,
  position: number | undefined,
  completed: number,
): { statement: number; line: number } {
  const statements = findStatements(sql)
  if (position === undefined) {
    const statement = Math.min(completed, statements.length - 1)
    return { statement: statement + 1, line: statements[statement]?.line ?? 1 }
  }
  const offset = Array.from(sql)
    .slice(0, position - 1)
    .join('').length
  const statement = statements.filter((s) => s.start <= offset).length
  return { statement: Math.max(statement, 1), line: newlines(sql, 0, offset) + 1 }
}

/** Statements that begin or end a transaction, and with it the runner's promise that a file is applied whole or not at all. */
export function endsTransaction({ words }: Statement): boolean {
  const [first, second] = words
  if (first === 'PREPARE') return second === 'TRANSACTION'
  return ['BEGIN', 'START', 'COMMIT', 'END', 'ROLLBACK', 'ABORT'].includes(first ?? '')
}
