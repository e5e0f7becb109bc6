import type { Database } from './dialect.ts'
import { Refused } from './errors.ts'
import { fileName } from './files.ts'
import type { Migration, MigrationSet } from './files.ts'
import { compare } from './ledger.ts'
import type { LedgerRow } from './ledger.ts'

/**
 * What apply would do now, as text or JSON; changes nothing.
 * @throws Refused for what apply would refuse
 */
export async function plan(files: MigrationSet, database: Database, json: boolean): Promise<string> {
  const applied = await database.readLedger()
  const { pending } = compare(files, applied)
  const steps = pending.map((file) => ({
    version: file.version,
    name: file.name,
    checksum: file.checksum,
    breaking: file.breaking,
    statements: file.statements,
  }))
  const summary = { schema: files.schema, current: current(applied), target: files.target, digest: files.digest }
  if (json) return toJson({ ...summary, pending: steps })
  const lines = steps.map(
    (step) =>
      `${fileName(step, files.extension)}  sha256 ${step.checksum.slice(0, 12)}  ${step.statements} statements${step.breaking ? '  breaking' : ''}`,
  )
  const count = steps.length === 0 ? 'nothing to apply' : `${steps.length} to apply`
  return [
    ...lines,
    `${files.schema}: at ${summary.current}, target ${files.target}, ${count}`,
    `digest ${files.digest}`,
    '',
  ].join('\n')
}

/** Which files the database has, as text or JSON. What apply would refuse is part of the answer here, no failure. */
export async function status(files: MigrationSet, database: Database, json: boolean): Promise<string> {
  const applied = await database.readLedger()
  const problem = problemOf(files, applied)
  const missing = files.migrations.filter((file) => !applied.some((row) => row.version === file.version))
  const summary = { schema: files.schema, current: current(applied), target: files.target, digest: files.digest }
  if (json)
    return toJson({ ...summary, applied, pending: missing.map(({ version, name }) => ({ version, name })), problem })
  const lines = applied.map(
    (row) =>
      `${fileName(row, files.extension)}  applied ${row.appliedAt.toISOString()} in ${row.executionMs} ms${row.breaking ? '  breaking' : ''}`,
  )
  const unfinished = await database.readUnfinished?.()
  const begun = ({ version, statements }: Migration) =>
    version === unfinished?.version ? `, ${unfinished.done} of ${statements} statements done` : ''
  const pending = missing.map((file) => `${fileName(file, files.extension)}  pending${begun(file)}`)
  const last = problem === null ? [] : [`${problem.reason}: ${problem.message}`]
  return [...lines, ...pending, `${files.schema}: at ${summary.current}, target ${files.target}`, ...last, ''].join(
    '\n',
  )
}

function problemOf(files: MigrationSet, applied: LedgerRow[]): { reason: string; message: string } | null {
  try {
    compare(files, applied)
    return null
  } catch (error) {
    if (error instanceof Refused) return { reason: error.reason, message: error.message }
    throw error
  }
}

/** The highest applied version, 0 in an untouched database. */
const current = (applied: LedgerRow[]) => applied.at(-1)?.version ?? 0

const toJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
