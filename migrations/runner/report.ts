import { describeLosses } from './data-loss.ts'
import type { ApplyOptions, Database } from './dialect.ts'
import { Refused } from './errors.ts'
import { fileName } from './files.ts'
import type { Migration, MigrationSet } from './files.ts'
import { compare } from './ledger.ts'
import type { LedgerRow } from './ledger.ts'
import { heldBack, makePlan, readState } from './plan.ts'

/**
 * What apply would do now, as text or JSON; changes nothing.
 * @throws Refused for what apply would refuse, unless an approval is all that is missing
 */
export async function plan(
  files: MigrationSet,
  database: Database,
  json: boolean,
  options: Pick<ApplyOptions, 'breaking' | 'target'>,
): Promise<string> {
  const { ledger: applied, isEmpty } = await readState(files, database)
  const planned = await makePlan(files, applied, database, options, isEmpty)
  const step = ({ version, name, checksum, breaking, statements }: Migration) => ({
    version,
    name,
    checksum,
    breaking,
    statements,
  })
  const summary = { schema: files.schema, current: current(applied), target: files.target, digest: files.digest }
  if (json) {
    const { now, held, losses, hash = null } = planned
    return toJson({ ...summary, pending: now.map(step), held: held.map(step), losses, hash })
  }
  const lines = planned.now.map(
    (file) =>
      `${fileName(file, files.extension)}  sha256 ${file.checksum.slice(0, 12)}  ${file.statements} statements${file.breaking ? '  breaking' : ''}`,
  )
  const count = lines.length === 0 ? 'nothing to apply' : `${lines.length} to apply`
  const held = heldBack(planned, files)
  const { hash } = planned
  const approval = hash === undefined ? [] : [`plan ${hash} loses data: apply --approve ${hash} runs it all the same`]
  return [
    ...lines,
    `${files.schema}: at ${summary.current}, target ${files.target}, ${count}`,
    ...(held === undefined ? [] : [held]),
    ...describeLosses(planned.losses, files),
    ...approval,
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
