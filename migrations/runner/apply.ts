import type { ApplyOptions, Connect, Database } from './dialect.ts'
import { Failed } from './errors.ts'
import { fileName } from './files.ts'
import type { MigrationSet } from './files.ts'
import { compare } from './ledger.ts'
import { breakingFileWaits, checkApproval, heldBack, makePlan, readState } from './plan.ts'

/** A file that takes the server down with it must not do so for ever. */
const lossesWithoutProgress = 3

/**
 * Brings a database to the folder's target, or leaves it as it is when it is there already (or ahead, by files that break nothing).
 * Safe to run any number of times at once. A lost connection is made again; the ledger tells whether the file that was running counts.
 * @returns the versions this call applied
 * @throws Refused before any statement of a file, or when all is done but what a breaking file keeps back; Failed with every file before
 *         the failing one kept, and of that one what its engine cannot take back
 */
export async function apply(files: MigrationSet, connect: Connect, options: ApplyOptions): Promise<number[]> {
  const run: Run = { files, options, applied: [], begun: new Set(), beganEmpty: false }
  const { applied } = run
  let [losses, progress] = [0, 0]
  for (;;) {
    const database = await connect(options)
    try {
      await applyAll(run, database)
      return applied
    } catch (error) {
      if (!(error instanceof Failed && error.reason === 'Unavailable')) throw error
      losses = applied.length > progress ? 1 : losses + 1
      progress = applied.length
      if (losses >= lossesWithoutProgress)
        throw new Failed('Unavailable', `the connection was lost ${losses} times: ${error.message}`, { cause: error })
      options.log(`connection lost (${error.message}), connecting again`)
    } finally {
      await database.close().catch(() => undefined)
    }
  }
}

/** One call of `apply`, over all its connections. */
interface Run {
  files: MigrationSet
  options: ApplyOptions
  applied: number[]
  /** Files that were begun. Nobody was told whether the one that a connection was lost in counts, so its row may be ours. */
  begun: Set<number>
  /** Whether the database was empty when this run first had the lock. */
  beganEmpty: boolean
}

async function applyAll(run: Run, database: Database): Promise<void> {
  const { files, options, applied } = run
  await database.checkOwner?.()
  const before = await readState(files, database)
  let plan = await makePlan(files, before.ledger, database, options, isNew(run, before))
  if (plan.now.length + plan.held.length > 0) {
    checkApproval(plan, files, before.ledger, options.approve)
    await database.takeLock()
    // What another migrator did while we waited is in the ledger now, a breaking file of its first run, too. Only under the lock it is
    // known that the database is empty.
    const state = await readState(files, database)
    run.beganEmpty = isNew(run, state)
    plan = await makePlan(files, state.ledger, database, options, run.beganEmpty)
    checkApproval(plan, files, state.ledger, options.approve)
    await database.createLedger()
    for (const migration of plan.now) {
      const startedMs = performance.now()
      const name = fileName(migration, files.extension)
      database.log(`${name} …`)
      run.begun.add(migration.version)
      await database.applyFile(migration, files.migrations.slice(0, migration.version - 1))
      applied.push(migration.version)
      database.log(`${name} applied in ${((performance.now() - startedMs) / 1000).toFixed(2)} s`)
    }
  }
  const held = heldBack(plan, files)
  if (held !== undefined) throw breakingFileWaits((await database.readLedger()).at(-1)?.version ?? 0, held)
  return verify(files, database)
}

/** A run that began with an empty database goes on so after a lost connection, as long as all that was applied since is its own. */
function isNew({ begun, beganEmpty }: Run, { ledger, isEmpty }: Awaited<ReturnType<typeof readState>>): boolean {
  return isEmpty || (beganEmpty && ledger.every(({ version }) => begun.has(version)))
}

/**
 * Checks that the ledger holds exactly the files, unchanged; rows of a newer release may follow.
 * @throws Refused when it does not, Failed('NotCurrent') when files are still to be applied
 */
export async function verify(files: MigrationSet, database: Database): Promise<void> {
  const { pending, newer } = compare(files, await database.readLedger())
  const [next] = pending
  if (next) {
    const name = fileName(next, files.extension)
    throw new Failed('NotCurrent', `${pending.length} of ${files.target} files are not applied, next ${name}`)
  }
  const ahead = newer.length > 0 ? `, and ${newer.length} of a newer release` : ''
  database.log(`verified: all ${files.target} checksums in the ledger equal the files'${ahead}`)
}
