import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import specification from './specification.json' with { type: 'json' }
import { page, rowsOf, tableRows, things } from './testing/coverage.ts'
import { placesOf, titlesOf } from './testing/titles.ts'

/**
 * docs/reference/specification-coverage.md against the specification's list of names (specification.json), and what it says proves each
 * of the 183 entries of the specification's review. That the stores have what it names is with the tests of each store (`missing`).
 */

interface Specified {
  names: string[]
  tables: Record<string, string[]>
}

describe.each(Object.entries(specification as Record<string, Specified>))('%s', (section, { names, tables }) => {
  test('has a row for everything that was specified, and no empty cell', () => {
    const { objects } = rowsOf(section)
    const listed = new Set(objects.flatMap(([theirs = '']) => things(theirs).map(({ name }) => name)))
    const wanted = [
      ...names,
      ...Object.entries(tables).flatMap(([table, columns]) => [
        table,
        ...columns.map((column) => `${table}.${column}`),
      ]),
    ]
    expect(wanted.length).toBeGreaterThan(0)
    expect(wanted.filter((name) => !listed.has(name))).toEqual([])
    expect(objects.filter((row) => row.length !== 3 || row.includes(''))).toEqual([])
  })
})

/** `D-001, D-003 to D-005` as 1, 3, 4, 5. */
const numbers = (cell: string): number[] =>
  [...cell.matchAll(/D-(\d{3})(?: to D-(\d{3}))?/g)].flatMap(([, from, to = from]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i),
  )

/** In a cell: `x.test.ts`: “a title”, “another”. */
const citations = (cell: string): { file: string; titles: string[] }[] =>
  [...cell.matchAll(/`([^`]+\.test\.ts)`(?:: (“[^”]+”(?:, “[^”]+”)*))?/g)].map(([, file = '', list = '']) => ({
    file,
    titles: [...list.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
  }))

describe('the entries of the review', () => {
  const entries = Object.keys(specification).flatMap((section) => rowsOf(section).entries)

  test('are all there', () => {
    const named = new Set(entries.flatMap(([cell = '']) => numbers(cell)))
    const all = Array.from({ length: 183 }, (_, i) => i + 1)
    expect(all.filter((entry) => !named.has(entry))).toEqual([])
    expect([...named].filter((entry) => !all.includes(entry))).toEqual([])
  })

  const cited = entries.flatMap(([, cell = '']) => citations(cell))

  test('are proven by tests, decided, or to come with something that is named', () => {
    const unproven = entries.filter(
      ([, cell = '']) => citations(cell).length === 0 && !/decision \d|comes? with|nothing to build/.test(cell),
    )
    expect(unproven).toEqual([])
    expect(cited.length).toBeGreaterThan(150)
    expect(cited.filter(({ titles }) => titles.length === 0)).toEqual([])
  })

  test.each([...new Set(cited.map(({ file }) => file))])('%s has the tests that prove them', (file) => {
    const path = ['.', '..'].map((from) => join(import.meta.dirname, from, file)).find((each) => existsSync(each))
    const tests = titlesOf(path ?? file)
    const titles = new Set(cited.filter((each) => each.file === file).flatMap((each) => each.titles))
    // One test, however many cases it has: another number is no proof of anything.
    const found = [...titles].map((title) => [title, placesOf(title, tests)] as const)
    expect(found.filter(([, places]) => places.length !== 1)).toEqual([])
  })
})

/** What is still to be built: nothing waits for what is here already. */
const later = ['services', 'events', 'matching', 'Helm', 'monitoring', 'tools', 'privacy', 'backups', 'faults']

test('what is to come comes with something that is not here yet', () => {
  const named = [...page.matchAll(/comes? with (?:the )?(\w+)/g)].map(([, what = '']) => what)
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((what) => !later.includes(what))).toEqual([])
})

test.each(
  globSync('*/README.md', { cwd: import.meta.dirname }).map((path) => [basename(dirname(path)), path] as const),
)('so does what %s says is not here yet', (_schema, path) => {
  const [, text = ''] = readFileSync(join(import.meta.dirname, path), 'utf8').split('\n## Not here yet\n')
  const named = tableRows(text).flatMap((row) => (row.at(-1) ?? '').split(', '))
  expect(named.filter((what) => !later.includes(what))).toEqual([])
})
