import type { DataLoss } from './data-loss.ts'
import type { Migration, MigrationSet } from './files.ts'
import type { LedgerRow } from './ledger.ts'

/** The kinds of databases there are executors for. */
export const dialectNames = ['postgres', 'clickhouse', 'elasticsearch', 'nats'] as const
export type DialectName = (typeof dialectNames)[number]

/** Which of them an engine of a DataStore speaks; absent for one without migrations. */
export const dialectOfEngine = {
  postgres: 'postgres',
  timescale: 'postgres',
  clickhouse: 'clickhouse',
  elasticsearch: 'elasticsearch',
  nats: 'nats',
} as const satisfies Record<string, DialectName>

export interface Options {
  /** Longest wait for the server, for another migrator, and for a file's table locks: each, in ms. */
  waitMs: number
  signal: AbortSignal
  log: (line: string) => void
  /** How long another migrator's lease counts without a sign of life, in engines without locks. Default 15 s. */
  leaseMs?: number | undefined
}

export interface ApplyOptions extends Options {
  /** Hash of a plan that may lose data. */
  approve?: string | undefined
  /** Apply breaking files, too: no application of an older release runs. Of no account in a database that has no file yet. */
  breaking?: boolean | undefined
  /** The last file, where it was asked for by number. */
  target?: number | undefined
}

/** One database, connected, as the commands see it. Every method throws Failed('Unavailable') when the connection is lost. */
export interface Database {
  log: (line: string) => void
  /** Files that were applied, in order; empty in a database that no migrator has met. */
  readLedger(): Promise<LedgerRow[]>
  /** The file that another run began and did not end; only in engines where a file is not applied as a whole. */
  readUnfinished?(): Promise<Unfinished | undefined>
  /** @throws Refused when this login would give what it makes to the wrong role */
  checkOwner?(): Promise<void>
  /** Becomes the only migrator, waiting for another one to finish. */
  takeLock(): Promise<void>
  createLedger(): Promise<void>
  /** What a file would lose in a database that has the `earlier` ones. Of the files alone: asks no database. */
  losses(migration: Migration, earlier: Migration[]): Promise<DataLoss[]> | DataLoss[]
  /**
   * Applies one file with its ledger row. Safe to be called again for a file that was cut short anywhere.
   * @param earlier  the files before it: what it loses of what they made is approved
   */
  applyFile(migration: Migration, earlier: Migration[]): Promise<void>
  /** Something, in words, that would not be there were the database empty: what the files would make, or rows that they could lose. */
  existing(files: MigrationSet): Promise<string | undefined>
  /** How the schema differs from what all these files make, in words; empty where it does not. */
  differences(files: MigrationSet): Promise<string[]>
  /** Makes the ledger and notes files as applied, without running them. */
  record(migrations: Migration[]): Promise<void>
  close(): Promise<void>
}

export interface Unfinished {
  version: number
  /** Steps of it that are done. */
  done: number
}

export type Connect = (options: Options) => Promise<Database>
