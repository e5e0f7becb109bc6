import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import type { DataLoss } from './data-loss.ts'
import type { Database, Options } from './dialect.ts'
import { Failed, Refused } from './errors.ts'
import { fileName } from './files.ts'
import type { Extension, Migration, MigrationSet } from './files.ts'
import { newLease } from './lease.ts'
import type { LeaseStore } from './lease.ts'
import type { LedgerRow } from './ledger.ts'
import { interrupted } from './wait.ts'

/*
 * Files of an engine that has no transaction around DDL, and no lock that ends with its session.
 *
 * 1. takeLock: a lease, renewed while we work; one that shows no sign of life counts no more.
 * 2. applyFile: ledger, step, ledger, step, ledger, … A kill leaves it open only whether the one step that was running is done, so that one
 *    runs again: every step leaves things as they are when they already are so, and is judged by what is there then.
 */

/** One statement, or one object that must be as a file says. */
export interface Step {
  /** For messages: `statement 3 (line 12)`, `stream CORE`. */
  title: string
  /** What it stands for in the file, from which its checksum is made. */
  text: string
  /** Brings it about. @throws Refused before it would lose data; an error of the engine otherwise */
  run(signal: AbortSignal): Promise<void>
}

/** A file that was begun: a ledger row, and how far it got. */
export interface Entry extends Omit<LedgerRow, 'appliedAt'> {
  /** Steps that are done. */
  done: number
  /** sha256 of these steps' texts, hexadecimal. */
  digest: string
  startedAt: Date
  /** When the last step was done; undefined before. */
  appliedAt: Date | undefined
}

/** In one line, without values of rows. */
export interface Explained {
  words: string
  /** The connection is lost, or the server has no time now: the same may well succeed on another try. */
  mayPass: boolean
}

export interface Engine {
  extension: Extension
  /** @param earlier  the files before it: what it loses of what they made may go */
  steps(migration: Migration, earlier: Migration[]): Step[]
  /** What a file would lose in a database that has the earlier ones. */
  losses(migration: Migration, earlier: Migration[]): DataLoss[]
  /** An object that these files would make, in words, if one is there. */
  existing(files: MigrationSet): Promise<string | undefined>
  /** How the schema differs from what all these files make. */
  differences(files: MigrationSet, signal: AbortSignal): Promise<string[]>
  /** Absent where what is written first makes it. */
  createLedger?(): Promise<void>
  readEntries(): Promise<Entry[]>
  /** Replaces what was written for the same version. */
  writeEntry(entry: Entry): Promise<void>
  lease: LeaseStore
  /** What an error of this engine, or of the connection to it, means; undefined: it is none of them. */
  explain(error: unknown): Explained | undefined
  close(): Promise<void>
}

const defaultLeaseMs = 15_000

/** An engine as the commands see it. */
export function stepwise(engine: Engine, options: Options): Database {
  const { log } = options
  const holder = `migrate ${hostname()} ${process.pid}`
  const lease = newLease(engine.lease, { ...options, holder, leaseMs: options.leaseMs ?? defaultLeaseMs })
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw explained(engine, error)
    }
  }
  return {
    log,
    readLedger: async () => (await told(engine.readEntries())).filter(isApplied),
    async readUnfinished() {
      return (await told(engine.readEntries())).find((entry) => !isApplied(entry))
    },
    takeLock: () => told(lease.take()),
    createLedger: () => told(engine.createLedger?.() ?? Promise.resolve()),
    losses: (migration, earlier) => engine.losses(migration, earlier),
    applyFile: (migration, earlier) => told(applyFile(engine, migration, earlier, () => lease.hold(), options)),
    existing: (files) => told(engine.existing(files)),
    differences: (files) => told(engine.differences(files, options.signal)),
    record: (migrations) => told(record(engine, migrations, () => lease.hold())),
    async close() {
      await lease.release().catch(() => undefined)
      await engine.close()
    },
  }
}

const isApplied = (entry: Entry): entry is Entry & LedgerRow => entry.appliedAt !== undefined

function explained(engine: Engine, error: unknown, where = ''): unknown {
  if (error instanceof Refused || error instanceof Failed) return error
  const found = engine.explain(error)
  if (!found) return error
  const reason = found.mayPass ? 'Unavailable' : 'StatementFailed'
  return new Failed(reason, `${where}${found.words}`, { cause: error })
}

async function applyFile(
  engine: Engine,
  migration: Migration,
  earlier: Migration[],
  hold: () => Promise<void>,
  { signal, log }: Options,
): Promise<void> {
  const { version, name, checksum, breaking } = migration
  const file = fileName(migration, engine.extension)
  const steps = engine.steps(migration, earlier)
  const begun = (await engine.readEntries()).find((entry) => entry.version === version)
  const startedAt = begun?.startedAt ?? new Date()
  const done = begun ? resumed(begun, steps, file) : 0
  // Without it, a kill in the first step of the first file would leave objects that nothing explains.
  const nothing = { done: 0, digest: digestOf([]), appliedAt: undefined, executionMs: 0 }
  if (!begun) {
    await hold()
    await engine.writeEntry({ version, name, checksum, breaking, startedAt, ...nothing })
  }
  if (done > 0) log(`${file}: going on after ${done} of ${steps.length}, which were done before`)
  for (const [index, step] of steps.entries()) {
    if (index < done) continue
    const where = `${file}, ${step.title}`
    const kept = `${index} of ${steps.length} are done and kept`
    if (signal.aborted) throw interrupted(signal, `${file}: ${kept}`)
    await hold()
    try {
      await step.run(signal)
      log(`${where}: done, ${index + 1} of ${steps.length}`)
      const isLast = index + 1 === steps.length
      const appliedAt = isLast ? new Date() : undefined
      const executionMs = Date.now() - startedAt.getTime()
      const progress = {
        done: index + 1,
        digest: digestOf(steps.slice(0, index + 1)),
        startedAt,
        appliedAt,
        executionMs,
      }
      await engine.writeEntry({ version, name, checksum, breaking, ...progress })
    } catch (error) {
      if (signal.aborted) throw interrupted(signal, `${where} was running; ${kept}`)
      throw explained(engine, error, `${where}: `)
    }
  }
}

/** One after the other: what was noted when this is cut short is true, and `apply` is not to be run before the rest is noted, too. */
async function record(engine: Engine, migrations: Migration[], hold: () => Promise<void>): Promise<void> {
  await engine.createLedger?.()
  for (const migration of migrations) {
    await hold()
    const { version, name, checksum, breaking } = migration
    const steps = engine.steps(migration, [])
    const now = new Date()
    const times = { startedAt: now, appliedAt: now, executionMs: 0 }
    await engine.writeEntry({
      version,
      name,
      checksum,
      breaking,
      done: steps.length,
      digest: digestOf(steps),
      ...times,
    })
  }
}

/** Every step of the files, in a place where nothing is yet. */
export async function runAll(engine: Engine, { migrations }: MigrationSet, signal: AbortSignal): Promise<void> {
  for (const [index, migration] of migrations.entries())
    for (const step of engine.steps(migration, migrations.slice(0, index))) await step.run(signal)
}

/**
 * How many steps need not run again. What is left of a file that failed may be corrected; what was done may not be rewritten.
 * @throws Refused when it was
 */
function resumed(begun: Entry, steps: Step[], file: string): number {
  if (begun.done <= steps.length && digestOf(steps.slice(0, begun.done)) === begun.digest) return begun.done
  throw new Refused(
    'FileEdited',
    `${file} was changed within its first ${begun.done} statements, which were already done`,
  )
}

function digestOf(steps: Step[]): string {
  const hash = createHash('sha256')
  for (const { text } of steps) hash.update(`${text}\n`)
  return hash.digest('hex')
}
