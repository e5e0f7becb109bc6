import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import specification from './specification.json' with { type: 'json' }
import { clusterSql, coreDatabase } from './testing/database.ts'

/** The section "core" of docs/reference/specification-coverage.md against the specification's names and the live catalogue. */
const db = coreDatabase()

interface Row {
  theirs: string
  here: string
  why: string
}

async function section(): Promise<Row[]> {
  const page = await readFile(join(import.meta.dirname, '../../docs/reference/specification-coverage.md'), 'utf8')
  const [, after = ''] = page.split('\n## core\n')
  const [table = ''] = after.split('\n##')
  const rows = table.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((line) => {
    const [theirs = '', here = '', why = ''] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim())
    return { theirs, here, why }
  })
}

const namesIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

/** Every name of the database: tables, table.column, indexes, constraints, functions with (), triggers, policies, jobs, roles, extensions. */
async function catalogue(): Promise<Set<string>> {
  const rows = await db.query(
    `SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
     UNION SELECT 'app_private.' || relname FROM pg_class WHERE relnamespace = 'app_private'::regnamespace
     UNION SELECT attrelid::regclass || '.' || attname FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
     UNION SELECT conname FROM pg_constraint
     UNION SELECT proname || '()' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     UNION SELECT tgname FROM pg_trigger
     UNION SELECT polname FROM pg_policy
     UNION SELECT name FROM maintenance_jobs
     UNION SELECT rolname FROM pg_roles
     UNION SELECT extname FROM pg_extension`,
  )
  return new Set(rows.map((row) => String(row['name'])))
}

test('has every name of the specification, and no empty cell', async () => {
  const rows = await section()
  expect(rows.filter(({ theirs, here, why }) => !theirs || !here || !why)).toEqual([])
  const named = new Set(rows.flatMap(({ theirs }) => namesIn(theirs)))
  const { tables, ...others } = specification
  const wanted = [
    ...Object.entries(tables).flatMap(([table, columns]) => [table, ...columns.map((column) => `${table}.${column}`)]),
    ...Object.values(others).flat(),
  ]
  expect(wanted.length).toBeGreaterThan(250)
  expect(wanted.filter((name) => !named.has(name))).toEqual([])
})

test('names nothing that is not there', async () => {
  const known = await catalogue()
  const words = new Set([
    ...(await clusterSql()).matchAll(/EXTENSION IF NOT EXISTS (\w+)/g).map(([, name = '']) => name),
    // Values, files and shapes, which are no names.
    ...['anonymized', 'limited', 'private', 'SELECT', 'EXPORT', 'LOGIN', 'ANONYMIZE', 'v1.…'],
    ...['migrations/core/policies.json', 'migrations/core/cluster.sql'],
  ])
  const rows = await section()
  const missing = rows.flatMap(({ theirs, here }) => {
    const names = here.startsWith('same') ? [...namesIn(theirs), ...namesIn(here)] : namesIn(here)
    return names.filter((name) => !known.has(name) && !words.has(name))
  })
  expect(missing).toEqual([])
})
