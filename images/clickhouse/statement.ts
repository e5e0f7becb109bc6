/*
 * What has to be known of a statement before the engine sees it: whether rows follow it, in which format the answer comes, and
 * whether it is one that a server refuses although the engine, which takes itself for a client, would run it.
 */

export interface Statement {
  /** rows: a SELECT, whose result can be sent as it comes. data: an INSERT that rows follow. other: anything else. */
  kind: 'rows' | 'data' | 'other'
  /** First three words, in upper case. */
  verb: string
  /** After FORMAT: of the result, or of the rows that follow. */
  format: string | undefined
  /** Of `data`: where the rows begin, and the statement before and after the place where FROM INFILE goes. */
  dataAt: number
  around: [string, string]
  /** Why it is not run. */
  refused?: string
}

interface Word {
  /** In upper case; `;` is one, too. */
  word: string
  at: number
  end: number
  depth: number
}

const token =
  /\s+|--[^\n]*|#[! ][^\n]*|\/\*[^]*?\*\/|'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^])*"|`(?:[^`\\]|\\[^])*`|\$(\w*)\$[^]*?\$\1\$|\w+|[^]/y

/** Words outside strings and comments. Lazy: the rows of an INSERT need not be SQL. */
function* wordsOf(text: string): Generator<Word> {
  const next = new RegExp(token)
  let depth = 0
  while (next.lastIndex < text.length) {
    const at = next.lastIndex
    const [found = ''] = next.exec(text) ?? []
    if (found === '(' || found === '[') depth++
    else if (found === ')' || found === ']') depth--
    else if (/^[\w`";]/.test(found)) yield { word: found.toUpperCase(), at, end: next.lastIndex, depth }
  }
}

const selecting = ['SELECT', 'WITH', 'FROM']

export function parseStatement(text: string): Statement {
  const words: Word[] = []
  let format: string | undefined
  let settingsAt: number | undefined
  let holdsSelect = false
  for (const one of wordsOf(text)) {
    const before = words.at(-1)
    words.push(one)
    const pair = `${before?.word} ${one.word}`
    if (before?.word === ';' && one.word !== ';') return refuse(words, 'Multi-statements are not allowed')
    if (pair === 'INTO OUTFILE' || pair === 'FROM INFILE') return refuse(words, `${pair} is for clients`)
    if (one.depth > 0) continue
    const inserting = words[0]?.word === 'INSERT' && !holdsSelect
    if (inserting && words.length > 3) {
      holdsSelect = selecting.includes(one.word)
      if (one.word === 'VALUES')
        return insert(words, 'Values', one.end, [
          text.slice(0, settingsAt ?? one.at),
          `${text.slice(settingsAt ?? one.at, one.at)} FORMAT Values`,
        ])
    }
    if (one.word === 'SETTINGS' && words.length > 3) settingsAt ??= one.at
    else if (before?.word === 'FORMAT' && before.depth === 0) {
      format = text.slice(one.at, one.end)
      if (inserting)
        return insert(words, format, one.end, [
          text.slice(0, settingsAt ?? before.at),
          text.slice(settingsAt ?? before.at, one.end),
        ])
    } else if (one.word !== ';' && settingsAt === undefined) {
      // Whatever goes on after it was no FORMAT clause but a column of that name.
      format = undefined
    }
  }
  const refused = refusedVerb(words)
  return {
    kind: selecting.includes(words[0]?.word ?? '') ? 'rows' : 'other',
    verb: verbOf(words),
    format,
    dataAt: text.length,
    around: ['', ''],
    ...(refused ? { refused } : {}),
  }
}

const verbOf = (words: Word[]) =>
  words
    .slice(0, 3)
    .map(({ word }) => word)
    .join(' ')

function insert(words: Word[], format: string, dataAt: number, around: [string, string]): Statement {
  return { kind: 'data', verb: verbOf(words), format, dataAt, around }
}

function refuse(words: Word[], refused: string): Statement {
  return { kind: 'other', verb: verbOf(words), format: undefined, dataAt: 0, around: ['', ''], refused }
}

/** What a login may do is its role here, so nobody may take another. */
function refusedVerb(words: Word[]): string | undefined {
  const forbidden = ['SET ROLE', 'EXECUTE AS'].find((verb) => `${verbOf(words)} `.startsWith(`${verb} `))
  return forbidden && `${forbidden} is not available in this server`
}

/** Formats of which several one after the other are one again: results in these are sent as they come. */
const joinable = new Set([
  ...['tabseparated', 'tsv', 'tabseparatedraw', 'tsvraw', 'csv', 'rowbinary', 'native', 'null'],
  ...['jsoneachrow', 'jsonstringseachrow', 'jsoncompacteachrow', 'jsoncompactstringseachrow', 'jsonlines', 'ndjson'],
])
export const isJoinable = (format: string) => joinable.has(format.toLowerCase())

export function contentType(format: string): string {
  const name = format.toLowerCase()
  if (/eachrow|ndjson|jsonlines/.test(name)) return 'application/x-ndjson; charset=UTF-8'
  if (name.startsWith('json')) return 'application/json; charset=UTF-8'
  if (name.startsWith('csv')) return 'text/csv; charset=UTF-8; header=absent'
  if (/^(tsv|tabseparated)/.test(name)) return 'text/tab-separated-values; charset=UTF-8'
  if (/native|rowbinary|parquet|arrow|orc|avro|msgpack|protobuf|npy/.test(name)) return 'application/octet-stream'
  return 'text/plain; charset=UTF-8'
}

/** As a string literal of SQL. */
export const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`
/** As an identifier of SQL. */
export const named = (text: string) => `\`${text.replace(/[\\`]/g, '\\$&')}\``
