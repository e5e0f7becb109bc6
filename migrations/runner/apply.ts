import type { ClientConfig } from 'pg'
import { Failed } from './errors.ts'
import { fileName } from './files.ts'
import type { MigrationSet } from './files.ts'
import { compare } from './ledger.ts'
import {
  applyFile,
  checkOwner,
  connect,
  createLedger,
  describe,
  isTransient,
  readLedger,
  takeLock,
} from './postgres.ts'
import type { Session } from './postgres.ts'

export type Options = Pick<Session, 'waitMs' | 'signal' | 'log'>

/** A file that takes the server down with it must not do so for ever. */
const lossesWithoutProgress = 3

/**
 * Brings a database to the folder's target, or leaves it as it is when it is there already (or ahead, by files that break nothing).
 * Safe to run any number of times at once. A lost connection is made again; the ledger tells whether the file that was running counts.
 * @returns the versions this call applied
 * @throws Refused before any statement of a file; Failed with every file before the failing one kept
 */
export async function apply(files: MigrationSet, config: ClientConfig, options: Options): Promise<number[]> {
  const applied: number[] = []
  let [losses, progress] = [0, 0]
  for (;;) {
    const session = await connect(config, options)
    try {
      await applyInSession(files, session, applied)
      return applied
    } catch (error) {
      if (!isTransient(error)) throw error
      losses = applied.length > progress ? 1 : losses + 1
      progress = applied.length
      if (losses >= lossesWithoutProgress)
        throw new Failed('Unavailable', `the connection was lost ${losses} times: ${describe(error)}`, { cause: error })
      options.log(`connection lost (${describe(error)}), connecting again`)
    } finally {
      await session.client.end().catch(() => undefined)
    }
  }
}

async function applyInSession(files: MigrationSet, session: Session, applied: number[]): Promise<void> {
  // Most runs find nothing to do: they need neither the lock nor the wait for it.
  const before = compare(files, await readLedger(session))
  if (before.pending.length > 0) {
    await checkOwner(session)
    await takeLock(session)
    await createLedger(session)
    // What another migrator did while we waited is in the ledger now.
    const { pending } = compare(files, await readLedger(session))
    for (const migration of pending) {
      const startedMs = performance.now()
      session.log(`${fileName(migration)} …`)
      await applyFile(session, migration)
      applied.push(migration.version)
      session.log(`${fileName(migration)} applied in ${((performance.now() - startedMs) / 1000).toFixed(2)} s`)
    }
  }
  await verify(files, session)
}

/**
 * Checks that the ledger holds exactly the files, unchanged; rows of a newer release may follow.
 * @throws Refused when it does not, Failed('NotCurrent') when files are still to be applied
 */
export async function verify(files: MigrationSet, session: Session): Promise<void> {
  const { pending, newer } = compare(files, await readLedger(session))
  const [next] = pending
  if (next)
    throw new Failed('NotCurrent', `${pending.length} of ${files.target} files are not applied, next ${fileName(next)}`)
  const ahead = newer.length > 0 ? `, and ${newer.length} of a newer release` : ''
  session.log(`verified: all ${files.target} checksums in the ledger equal the files'${ahead}`)
}
