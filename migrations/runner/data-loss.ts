import { createHash } from 'node:crypto'
import { Refused } from './errors.ts'
import { fileName } from './files.ts'
import type { Extension, Migration, MigrationSet } from './files.ts'
import type { LedgerRow } from './ledger.ts'

/*
 * A statement that drops, empties or narrows what holds rows needs somebody's word first: a plan that has one names itself by a hash, and is
 * refused until that hash is given. Nobody knows from a file whether the rows are still wanted.
 */

/** One statement that loses data. */
export interface DataLoss {
  version: number
  /** `statement 2 (line 4)`, `stream EVENTS`, `header`. */
  where: string
  /** What it does, in words that follow `where`: `drops table a with its rows`. */
  why: string
}

/**
 * Names what is about to run in this database: other files, another end or another database give another hash.
 * @param ledger   what the database has. When its first file was applied tells it from all others, but for its own copies, as those that a
 *                 backup brings back
 * @param pending  what is to run after that
 * @returns        12 hexadecimal digits
 */
export function planHash(schema: string, ledger: LedgerRow[], pending: Migration[]): string {
  const files = pending.map(({ version, name, checksum }) => [version, name, checksum])
  const begun = ledger[0]?.appliedAt.toISOString()
  return createHash('sha256')
    .update(JSON.stringify([schema, begun, files]))
    .digest('hex')
    .slice(0, 12)
}

/**
 * Whether a hash approves of what is about to run. One that was cut short goes on with the approval it began with: the hash counts for every
 * state that the database has had since, as long as the plan ends with the same files.
 */
export function isApproved(hash: string, files: MigrationSet, ledger: LedgerRow[], pending: Migration[]): boolean {
  const applied = files.migrations.filter(({ version }) => ledger.some((row) => row.version === version))
  const since = applied.map((_, index) => [...applied.slice(index + 1), ...pending])
  return since.some((plan) => planHash(files.schema, ledger, plan) === hash)
}

/** More would fill the termination log of a container, which holds 4 KB. */
const mostShown = 8

export function describeLosses(losses: DataLoss[], files: MigrationSet): string[] {
  return losses.map(({ version, where, why }) => `${nameOf(files, version)}, ${where}: ${why}`)
}

function nameOf({ migrations, extension }: { migrations: Migration[]; extension: Extension }, version: number): string {
  const found = migrations.find((migration) => migration.version === version)
  return found ? fileName(found, extension) : String(version)
}

export function approvalNeeded(hash: string, losses: DataLoss[], files: MigrationSet): Refused {
  const shown = describeLosses(losses.slice(0, mostShown), files)
  const more = losses.length > mostShown ? [`and ${losses.length - mostShown} more, which plan lists`] : []
  return new Refused('ApprovalNeeded', `plan ${hash} loses data: ${[...shown, ...more].join('; ')}`)
}

/** The operator reads what the runner said last. Undefined for every other reason. */
export function readApprovalNeeded(words: string): { hash: string; losses: string[] } | undefined {
  const match = /^ApprovalNeeded: plan ([0-9a-f]{12}) loses data: (.+)/.exec(words)
  return match ? { hash: match[1] ?? '', losses: (match[2] ?? '').split('; ') } : undefined
}
