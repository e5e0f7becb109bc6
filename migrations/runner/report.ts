import { Refused } from './errors.ts'
import { fileName } from './files.ts'
import type { MigrationSet } from './files.ts'
import { compare } from './ledger.ts'
import type { LedgerRow } from './ledger.ts'
import { readLedger } from './postgres.ts'
import type { Session } from './postgres.ts'
import { findStatements } from './statements.ts'

/**
 * What apply would do now, as text or JSON; changes nothing.
 * @throws Refused for what apply would refuse
 */
export async function plan(files: MigrationSet, session: Session, json: boolean): Promise<string> {
  const applied = await readLedger(session)
  const { pending } = compare(files, applied)
  const steps = pending.map((file) => ({
    version: file.version,
    name: file.name,
    checksum: file.checksum,
    breaking: file.breaking,
    statements: findStatements(file.sql).length,
  }))
  const summary = { schema: files.schema, current: current(applied), target: files.target, digest: files.digest }
  if (json) return toJson({ ...summary, pending: steps })
  const lines = steps.map(
    (step) =>
      `${fileName(step)}  sha256 ${step.checksum.slice(0, 12)}  ${step.statements} statements${step.breaking ? '  breaking' : ''}`,
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
export async function status(files: MigrationSet, session: Session, json: boolean): Promise<string> {
  const applied = await readLedger(session)
  const problem = problemOf(files, applied)
  const missing = files.migrations.filter((file) => !applied.some((row) => row.version === file.version))
  const summary = { schema: files.schema, current: current(applied), target: files.target, digest: files.digest }
  if (json)
    return toJson({ ...summary, applied, pending: missing.map(({ version, name }) => ({ version, name })), problem })
  const lines = applied.map(
    (row) =>
      `${fileName(row)}  applied ${row.appliedAt.toISOString()} in ${row.executionMs} ms${row.breaking ? '  breaking' : ''}`,
  )
  const pending = missing.map((file) => `${fileName(file)}  pending`)
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
