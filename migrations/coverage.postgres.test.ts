import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import specification from './specification.json' with { type: 'json' }
import { postgresSchemas, testDatabase } from './testing/database.ts'
import type { PostgresSchema } from './testing/database.ts'

/**
 * docs/reference/specification-coverage.md against the specification's list of names (specification.json) and against what is there:
 * the live catalogues of the PostgreSQL databases, elsewhere the files that make the store. Its other tables say of each of the 183
 * entries of the specification's review by what it is proven.
 */
const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/reference/specification-coverage.md'), 'utf8')

/** What makes a store that has no catalogue to ask, or none at hand. */
const files: Record<string, string[]> = {
  behavior: ['migrations/behavior/*.sql'],
  search: ['migrations/search/*.json', 'migrations/search/skills_synonyms.txt', 'migrations/runner/elasticsearch*.ts'],
  events: ['migrations/events/0*.json', 'migrations/core/000003_outbox.sql'],
  cache: ['services/chassis/stores/cache-keys.ts', 'operator/engines/redis/*.ts'],
  pooler: ['operator/matching-cluster/pooler/*.ts', 'operator/data-store/names.ts'],
}

type Section = keyof typeof specification
interface Specified {
  names: string[]
  tables: Record<string, string[]>
}

const namesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.replace(/\(\)$/, ''))

/** The rows of a section's tables, by the heading of their first column. */
function rowsOf(section: string): { objects: string[][]; entries: string[][] } {
  const [, text = ''] = page.split(`\n## ${section}\n`)
  const lines = (text.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
  const rows = lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
  const found = { objects: [] as string[][], entries: [] as string[][] }
  for (const row of rows.filter(([first = '']) => !/^(-+|specification|specified|entry)$/i.test(first)))
    found[row.length === 2 ? 'entries' : 'objects'].push(row)
  return found
}

/** Names that a row says are there now: with `same`, those of the specification too. */
const present = ([theirs = '', here = '']: string[]) =>
  here.startsWith('same') ? [...namesIn(theirs), ...namesIn(here)] : namesIn(here)

describe.each(Object.entries(specification as Record<string, Specified>))('%s', (section, { names, tables }) => {
  test('has a row for everything that was specified, and no empty cell', () => {
    const { objects } = rowsOf(section)
    const listed = new Set(objects.flatMap(([theirs = '']) => namesIn(theirs)))
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

/** Values, files and shapes, which are no names of objects. */
const words = [
  ...['anonymized', 'limited', 'private', 'SELECT', 'EXPORT', 'LOGIN', 'ANONYMIZE', 'v1.…'],
  ...['migrations/core/policies.json', 'migrations/core/cluster.sql'],
]

/** Every name of the database: tables and table.column, indexes, constraints, functions, triggers, policies, jobs, roles, extensions. */
const catalogue = (schema: PostgresSchema) => `
  SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
  UNION SELECT 'app_private.' || relname FROM pg_class WHERE relnamespace = to_regnamespace('app_private')
  UNION SELECT attrelid::regclass || '.' || attname FROM pg_attribute
         WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
  UNION SELECT conname FROM pg_constraint
  UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION SELECT tgname FROM pg_trigger
  UNION SELECT polname FROM pg_policy
  UNION SELECT rolname FROM pg_roles
  UNION SELECT name FROM pg_available_extensions
  ${schema === 'vault' ? '' : 'UNION SELECT name FROM maintenance_jobs'}`

describe.each(postgresSchemas)('%s', (schema) => {
  const db = testDatabase(schema)

  test('names nothing that is not in the database', async () => {
    const known = new Set([...words, ...(await db.query(catalogue(schema))).map((row) => String(row['name']))])
    const now = rowsOf(schema).objects.flatMap(present)
    expect(now.length).toBeGreaterThan(3)
    expect(now.filter((name) => !known.has(name))).toEqual([])
  })
})

/** Columns of the tables that ClickHouse files create, as table.column. */
function columnsIn(sql: string): string[] {
  const tables = sql.matchAll(/CREATE TABLE IF NOT EXISTS (\w+)[^(]*\(([^]*?)\n\)/g)
  return [...tables].flatMap(([, table = '', body = '']) =>
    [...body.matchAll(/^ +(\w+) /gm)].map(([, column = '']) => `${table}.${column}`),
  )
}

describe.each(Object.entries(files))('%s', (section, patterns) => {
  const text = patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n')

  test('names nothing that is not in the files', () => {
    const { tables }: Specified = specification[section as Section]
    const columns = new Set(columnsIn(text))
    const isThere = (name: string) => {
      const [table = '', column] = name.split('.')
      if (column !== undefined && table in tables) return columns.has(name)
      if (section === 'search') return name.split('.').every((part) => text.includes(part))
      return text.includes(name) || patterns.some((pattern) => existsSync(join(root, pattern, '..', name)))
    }
    const now = rowsOf(section).objects.flatMap(present)
    expect(now.length).toBeGreaterThan(0)
    expect(now.filter((name) => !isThere(name))).toEqual([])
  })
})

/** `D-001, D-003 to D-005` as 1, 3, 4, 5. */
const numbers = (cell: string): number[] =>
  [...cell.matchAll(/D-(\d{3})(?: to D-(\d{3}))?/g)].flatMap(([, from = '', to = from]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i),
  )

describe('the entries of the review', () => {
  const entries = Object.keys(specification).flatMap((section) => rowsOf(section).entries)

  test('are all there', () => {
    const named = new Set(entries.flatMap(([cell = '']) => numbers(cell)))
    const all = Array.from({ length: 183 }, (_, i) => i + 1)
    expect(all.filter((entry) => !named.has(entry))).toEqual([])
    expect([...named].filter((entry) => !all.includes(entry))).toEqual([])
  })

  test('are proven by tests that exist, decided, or to come with something that is named', () => {
    const isTest = (name: string) => name.endsWith('.test.ts')
    const tests = entries.flatMap(([, cell = '']) => namesIn(cell).filter(isTest))
    const find = (name: string) => [join(import.meta.dirname, name), join(root, name)].find((path) => existsSync(path))
    expect(tests.length).toBeGreaterThan(60)
    expect(tests.filter((name) => find(name) === undefined)).toEqual([])
    const unproven = entries.filter(
      ([, cell = '']) => !namesIn(cell).some(isTest) && !/decision \d|comes? with|nothing to build/.test(cell),
    )
    expect(unproven).toEqual([])
  })
})
