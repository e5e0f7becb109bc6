import { Refused } from './errors.ts'
import { fileName } from './files.ts'
import type { Migration, MigrationSet } from './files.ts'

/** A file that was applied, as the database remembers it. */
export interface LedgerRow {
  version: number
  name: string
  checksum: string
  breaking: boolean
  appliedAt: Date
  executionMs: number
}

export interface Comparison {
  /** Files still to be applied, in order. */
  pending: Migration[]
  /** Applied versions above the folder's target, none of them breaking: a newer release was here. */
  newer: LedgerRow[]
}

/**
 * What a database still needs, by its ledger. Pure.
 * @throws Refused when what was applied is not what the folder holds: then no statement may run
 */
export function compare(files: MigrationSet, applied: LedgerRow[]): Comparison {
  const nameOf = (of: Migration | LedgerRow) => fileName(of, files.extension)
  const byVersion = new Map(applied.map((row) => [row.version, row]))
  const pending = files.migrations.filter((file) => !byVersion.has(file.version))
  for (const file of files.migrations) checkUnchanged(file, byVersion.get(file.version), nameOf)

  const last = applied.reduce<LedgerRow | undefined>((a, b) => (a && a.version > b.version ? a : b), undefined)
  const [next] = pending
  if (last && next && next.version < last.version)
    throw new Refused('FileOutOfOrder', `${nameOf(next)} was never applied, but the later ${nameOf(last)} was`)

  const newer = applied.filter((row) => row.version > files.target)
  const breaking = newer.find((row) => row.breaking)
  if (breaking)
    throw new Refused(
      'DatabaseIsNewer',
      `the database has ${nameOf(breaking)}, which older releases cannot live with; this release ends at ${files.target}`,
    )
  return { pending, newer }
}

function checkUnchanged(
  file: Migration,
  row: LedgerRow | undefined,
  nameOf: (of: Migration | LedgerRow) => string,
): void {
  if (!row) return
  if (row.checksum !== file.checksum)
    throw new Refused(
      'FileEdited',
      `${nameOf(file)} was changed after it was applied: applied sha256 ${row.checksum}, file sha256 ${file.checksum}`,
    )
  if (row.name !== file.name)
    throw new Refused('FileRenamed', `${nameOf(file)} was applied as ${nameOf(row)}: sha256 ${file.checksum}`)
}
