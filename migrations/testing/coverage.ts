import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/*
 * docs/reference/specification-coverage.md, read: what it says is there, for the tests of each store to compare with the store.
 */

const root = join(import.meta.dirname, '../..')
export const page = readFileSync(join(root, 'docs/reference/specification-coverage.md'), 'utf8')

export interface Thing {
  /** Singular: table, index, function, field …; undefined: the page does not say. */
  kind?: string | undefined
  /** Of a column `table.column`. */
  name: string
}

/** The rows of a section: three cells for an object of the specification, two for an entry of its review. */
export function rowsOf(section: string): { objects: string[][]; entries: string[][] } {
  const [, text = ''] = page.split(`\n## ${section}\n`)
  const rows = tableRows(text.split('\n## ')[0] ?? '')
  return { objects: rows.filter(({ length }) => length !== 2), entries: rows.filter(({ length }) => length === 2) }
}

/** The cells of all tables in a text, headings left out. */
export function tableRows(text: string): string[][] {
  const isRule = (line = '') => /^\|[ |:-]+\|$/.test(line)
  const lines = text.split('\n')
  return lines
    .filter((line, i) => line.startsWith('|') && !isRule(line) && !isRule(lines[i + 1]))
    .map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim())) // prettier-ignore
}

/** Names in a cell. The word before one, or before a list of them, is their kind: "indexes `a`, `b`". */
export function things(cell: string): Thing[] {
  return [...cell.matchAll(/(?:([A-Za-z]+) )?(`[^`]+`(?:(?:,| and) `[^`]+`)*)/g)].flatMap(([, word = '', list = '']) =>
    [...list.matchAll(/`([^`]+)`/g)].map(([, name = '']) => thing(kindOf(word), name)),
  )
}

const kinds = [
  ...['table', 'hypertable', 'partition', 'column', 'view', 'aggregate', 'index', 'constraint', 'function', 'trigger', 'policy'],
  ...['role', 'extension', 'job', 'field', 'context', 'analyzer', 'filter', 'setting', 'template', 'alias'],
  ...['stream', 'consumer', 'subject', 'key', 'database'],
] // prettier-ignore

const kindOf = (word: string) =>
  kinds.find((kind) => [kind, `${kind}s`, `${kind}es`, kind.replace(/y$/, 'ies')].includes(word.toLowerCase()))

function thing(kind: string | undefined, name: string): Thing {
  if (name.endsWith('()')) return { kind: 'function', name: name.slice(0, -2) }
  return { kind, name }
}

/** What the section says is there now. "same" is what was specified, and what keeps its name keeps its kind where none is said. */
export function present(section: string): Thing[] {
  return rowsOf(section).objects.flatMap(([specified = '', here = '', why = '']) => {
    const theirs = things(specified)
    const kindBefore = (name: string) => theirs.find((their) => their.name === name)?.kind
    const ours = [...things(here), ...things(why)].map(({ kind, name }) => ({ kind: kind ?? kindBefore(name), name }))
    return here.startsWith('same') ? [...theirs, ...ours] : ours
  })
}

/**
 * What the section names and is not in the store, as `index idx_x`. Paths are files of ours.
 * @param live  everything that the store has
 */
export function missing(section: string, live: Thing[]): string[] {
  const known = new Set(live.flatMap(({ kind, name }) => [name, `${kind} ${name}`]))
  const named = present(section)
  if (named.length === 0) throw new Error(`the page names nothing in section ${section}`)
  const isThere = ({ kind, name }: Thing) =>
    name.includes('/') ? existsSync(join(root, name)) : known.has(kind ? `${kind} ${name}` : name)
  return named.filter((each) => !isThere(each)).map(({ kind, name }) => (kind ? `${kind} ${name}` : name))
}
