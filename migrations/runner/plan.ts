import { approvalNeeded, isApproved, planHash } from './data-loss.ts'
import type { DataLoss } from './data-loss.ts'
import type { ApplyOptions, Database } from './dialect.ts'
import { Refused } from './errors.ts'
import { fileName } from './files.ts'
import type { Migration, MigrationSet } from './files.ts'
import { compare } from './ledger.ts'
import type { LedgerRow } from './ledger.ts'

/** What apply would do now. */
export interface Plan {
  /** Files it would run, in order. */
  now: Migration[]
  /** Files that wait, from the first breaking one on: an application of an older release may still run. */
  held: Migration[]
  /** What is lost by `now`. Nothing in an empty database, whatever the files do: what they take away they made themselves. */
  losses: DataLoss[]
  /** Names the plan where something would be lost. */
  hash: string | undefined
}

/**
 * Changes nothing.
 * @param isNew  whether the database was empty, see `readState`, before any of these files
 * @throws Refused for what apply refuses whatever is approved
 */
export async function makePlan(
  files: MigrationSet,
  ledger: LedgerRow[],
  database: Pick<Database, 'losses'>,
  { breaking = false, target }: Pick<ApplyOptions, 'breaking' | 'target'>,
  isNew: boolean,
): Promise<Plan> {
  checkTarget(ledger, target)
  const { pending } = compare(files, ledger)
  const first = breaking || isNew ? -1 : pending.findIndex((file) => file.breaking)
  const [now, held] = first < 0 ? [pending, []] : [pending.slice(0, first), pending.slice(first)]
  const losses: DataLoss[] = []
  for (const file of isNew ? [] : now)
    losses.push(...(await database.losses(file, files.migrations.slice(0, file.version - 1))))
  return { now, held, losses, hash: losses.length > 0 ? planHash(files.schema, ledger, now) : undefined }
}

/**
 * What was applied, and whether that is nothing at all. A ledger that is lost must not have all files run again: then what they make is
 * there, unless a first run was cut short in its first file, which the ledger of an engine without transactions has from its beginning.
 * The ledger is read after what is there: what another migrator makes meanwhile has its row, or is the unfinished file, by then.
 * @throws Refused('NoLedger') when something is there, and nothing says how it came
 */
export async function readState(
  files: MigrationSet,
  database: Pick<Database, 'existing' | 'readLedger' | 'readUnfinished'>,
): Promise<{ ledger: LedgerRow[]; isEmpty: boolean }> {
  const before = await database.readLedger()
  if (before.length > 0) return { ledger: before, isEmpty: false }
  const found = await database.existing(files)
  const unfinished = await database.readUnfinished?.()
  const ledger = await database.readLedger()
  if (ledger.length > 0) return { ledger, isEmpty: false }
  if (found === undefined || unfinished !== undefined) return { ledger, isEmpty: true }
  throw new Refused(
    'NoLedger',
    `the database has ${found} and no ledger of migrations: baseline adopts it, if it is what the files make`,
  )
}

function checkTarget(ledger: LedgerRow[], target: number | undefined): void {
  const current = ledger.at(-1)?.version ?? 0
  if (target !== undefined && target < current)
    throw new Refused(
      'TargetIsOlder',
      `the database is at ${current}, and nothing leads back to ${target}: name ${current} or more; what it was comes back from a backup only`,
    )
}

/** @throws Refused('ApprovalNeeded') when the plan loses data and its hash was not given */
export function checkApproval(plan: Plan, files: MigrationSet, ledger: LedgerRow[], approve: string | undefined): void {
  if (plan.hash === undefined) return
  if (approve !== undefined && isApproved(approve, files, ledger, plan.now)) return
  throw approvalNeeded(plan.hash, plan.losses, files)
}

/** What is left for later, in a sentence; undefined when nothing is. */
export function heldBack({ held }: Plan, files: MigrationSet): string | undefined {
  const [first] = held
  if (!first) return undefined
  const name = fileName(first, files.extension)
  return `${held.length} of ${files.target} files wait, from ${name} on, which is breaking: apply --breaking runs them, once no application of an older release runs`
}

/** @param at  what the database has by now */
export const breakingFileWaits = (at: number, held: string): Refused =>
  new Refused('BreakingFileWaits', `at ${at}: ${held}`)

/** The operator reads what the runner said last. @returns what the database has; undefined for every other reason */
export function readBreakingFileWaits(words: string): number | undefined {
  const [, at] = /^BreakingFileWaits: at (\d+): /.exec(words) ?? []
  return at === undefined ? undefined : Number(at)
}
