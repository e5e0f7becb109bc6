import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { daemonNames } from './daemons.ts'
import { checkout, runDir, stateDir } from './paths.ts'
import type { ProcessIdentity } from './processes.ts'
import { identify, isAlive, runningRecord } from './processes.ts'

const ownerFile = join(stateDir, 'owner.json')
const lockFile = join(runDir, 'lock')

export interface Ownership {
  /** The checkout that last started the cluster; undefined when there is none. */
  owner: string | undefined
  /** Whether any of its daemons runs. */
  live: boolean
  checkout: string
  adopt: boolean
  /** Whether the cluster's data is to be deleted: another checkout's is refused then even when it is stopped. */
  deletes: boolean
}

/** Why this checkout must not touch the cluster, as one sentence; undefined when it may. */
export function refusal({ owner, live, checkout, adopt, deletes }: Ownership): string | undefined {
  if (owner === undefined || owner === checkout || adopt) return undefined
  if (live) {
    return `The local cluster belongs to the checkout ${owner} and is running: use it there, stop it with "make down" there, or take it over with ADOPT=1.`
  }
  if (deletes)
    return `The local cluster and its data belong to the checkout ${owner}: clean there, or here with ADOPT=1.`
  return undefined
}

export const readOwner = (): string | undefined =>
  existsSync(ownerFile) ? (JSON.parse(readFileSync(ownerFile, 'utf8')) as { checkout: string }).checkout : undefined

export function writeOwner(): void {
  mkdirSync(stateDir, { recursive: true })
  writeFileSync(ownerFile, JSON.stringify({ checkout }))
}

export const isLive = (): boolean => daemonNames.some((name) => runningRecord(name) !== undefined)

/** @throws Error with the refusal when the cluster is another checkout's */
export function assertMayChange(deletes = false): void {
  const adopt = process.env['ADOPT'] === '1'
  const reason = refusal({ owner: readOwner(), live: isLive(), checkout, adopt, deletes })
  if (reason !== undefined) throw new Error(reason)
}

function lockHolder(): ProcessIdentity | undefined {
  if (!existsSync(lockFile)) return undefined
  const holder = JSON.parse(readFileSync(lockFile, 'utf8')) as ProcessIdentity
  return isAlive(holder) ? holder : undefined
}

/**
 * Lets one `make up`, `down` or `clean` run at a time; the lock of a process that has died does not count.
 * @throws Error naming the process that holds it
 */
export function takeLock(): void {
  mkdirSync(runDir, { recursive: true })
  const own = join(runDir, `lock.${process.pid}`)
  writeFileSync(own, JSON.stringify(identify(process.pid)))
  try {
    const holder = lockHolder()
    if (holder)
      throw new Error(`Another run (process ${holder.pid}) is changing the local cluster: wait for it or stop it.`)
    rmSync(lockFile, { force: true })
    linkSync(own, lockFile) // fails if another run was quicker
  } finally {
    rmSync(own, { force: true })
  }
  process.on('exit', () => rmSync(lockFile, { force: true }))
}
