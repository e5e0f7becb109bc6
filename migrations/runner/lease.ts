import { Failed } from './errors.ts'
import type { Options } from './dialect.ts'
import { retry } from './wait.ts'

/**
 * One migrator at a time, in an engine without locks. A lease is a value that is only ever replaced by who names the version it has,
 * so of several who try one wins. It lives as long as its version changes: whoever waits watches that on a clock of his own, and so
 * no two clocks have to agree. A migrator that was stopped for longer than that notices when it next renews, which it does before
 * each step; the one step it may still have been sending is one that may run twice.
 */
export interface LeaseStore {
  read(): Promise<Lease | undefined>
  /**
   * Puts a new version in the place of `from`; undefined: of none.
   * @returns the new version; undefined when somebody else was quicker
   */
  replace(from: string | undefined, holder: string): Promise<string | undefined>
}

export interface Lease {
  version: string
  /** Who has it; empty: nobody. */
  holder: string
}

interface LeaseOptions extends Options {
  holder: string
  leaseMs: number
}

export function newLease(store: LeaseStore, options: LeaseOptions) {
  const { holder, leaseMs, log } = options
  let version: string | undefined
  let timer: NodeJS.Timeout | undefined
  /** Renewals one after the other: of two at once one would lose against the other. */
  let last: Promise<void> = Promise.resolve()
  /** What a migrator that waits has seen, and since when. */
  const seen = { version: '', holder: '', sinceMs: 0 }

  async function renew(): Promise<void> {
    if (version !== undefined) version = await store.replace(version, holder)
    if (version === undefined) throw new Failed('Unavailable', 'the migration lease went to another migrator')
  }

  function hold(): Promise<void> {
    last = last.catch(() => undefined).then(renew)
    return last
  }

  return {
    async take(): Promise<void> {
      const taken = await retry({ ...options, expired: () => tooLate(options, seen.holder) }, tryToTake)
      version = taken.version
      // What goes wrong here is told by the next `hold`.
      timer = setInterval(() => void hold().catch(() => undefined), leaseMs / 3)
    },
    hold,
    async release(): Promise<void> {
      clearInterval(timer)
      await last.catch(() => undefined)
      if (version !== undefined) await store.replace(version, '')
      version = undefined
    },
  }

  async function tryToTake(): Promise<{ version: string } | undefined> {
    const found = await store.read()
    if (found && found.holder !== '' && isAlive(found)) return undefined
    const taken = await store.replace(found?.version, holder)
    return taken === undefined ? undefined : { version: taken }
  }

  function isAlive(found: Lease): boolean {
    const now = performance.now()
    if (found.holder !== seen.holder) log(`waiting for another migrator: ${found.holder}`)
    if (found.version !== seen.version) Object.assign(seen, { ...found, sinceMs: now })
    if (now - seen.sinceMs < leaseMs) return true
    log(`no sign of life from ${found.holder} for ${leaseMs / 1000} s: going on in its place`)
    return false
  }
}

const tooLate = ({ waitMs }: LeaseOptions, holder: string) =>
  new Failed('LockTimeout', `another migrator has not finished within ${waitMs / 1000} s: ${holder}`)
