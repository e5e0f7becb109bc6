import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { logDir, runDir } from './paths.ts'
import { sleep } from './run.ts'

/** Identifies one process for good: a pid alone may belong to something else after a restart. */
export interface ProcessIdentity {
  pid: number
  /** Field 22 of /proc/<pid>/stat: clock ticks since boot. */
  startTime: string
  bootId: string
}

/** What was started, kept in /run/supersmartmatch/<name>.json. */
export interface DaemonRecord extends ProcessIdentity {
  /** Changes with arguments, binary and configuration: a differing daemon is restarted. */
  hash: string
}

export interface Daemon {
  name: string
  argv: string[]
  /** Configuration files it reads at start only. */
  configFiles: string[]
}

export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** The start time in a line of /proc/<pid>/stat; the command name in it may hold spaces and brackets. */
export function parseStartTime(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

/**
 * Whether a line of /proc/<pid>/stat is that of a process which has ended. One that is killed is a zombie as soon as its first thread is
 * gone; as long as others are, it still listens.
 */
export function hasEnded(stat: string): boolean {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' && Number(fields[17]) <= 1
}

function readStat(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined // it has ended
  }
}

/** @returns undefined when there is no such process */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = parseStartTime(readStat(pid) ?? '')
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootId() }
}

export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid)
  if (stat === undefined || identity.bootId !== bootId()) return false
  return !hasEnded(stat) && parseStartTime(stat) === identity.startTime
}

const recordFile = (name: string) => join(runDir, `${name}.json`)

function readRecord(name: string): DaemonRecord | undefined {
  if (!existsSync(recordFile(name))) return undefined
  return JSON.parse(readFileSync(recordFile(name), 'utf8')) as DaemonRecord
}

/** The record of a daemon that runs, or undefined. */
export function runningRecord(name: string): DaemonRecord | undefined {
  const record = readRecord(name)
  return record && isAlive(record) ? record : undefined
}

/** The daemons must not depend on the shell that happened to start them. */
const environment = {
  // With Go's own choice of 100, collecting garbage takes a quarter of the API server's time.
  GOGC: '300',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
}

function daemonHash(daemon: Daemon): string {
  const hash = createHash('sha256').update(JSON.stringify([daemon.argv, environment]))
  for (const file of daemon.configFiles) hash.update(readFileSync(file))
  return hash.digest('hex').slice(0, 16)
}

/**
 * Starts the daemon unless it runs as wanted; one that runs with other arguments or configuration is restarted.
 * @returns what was done
 */
export async function ensureDaemon(daemon: Daemon): Promise<'running' | 'started' | 'restarted'> {
  const hash = daemonHash(daemon)
  const running = runningRecord(daemon.name)
  if (running?.hash === hash) return 'running'
  if (running) await stopDaemon(daemon.name)
  start(daemon, hash)
  return running ? 'restarted' : 'started'
}

function start(daemon: Daemon, hash: string): void {
  mkdirSync(logDir, { recursive: true })
  mkdirSync(runDir, { recursive: true })
  const logFile = join(logDir, `${daemon.name}.log`)
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`)
  const log = openSync(logFile, 'a')
  const [command, ...args] = daemon.argv
  const child = spawn(command ?? '', args, {
    cwd: '/',
    env: environment,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const identity = child.pid === undefined ? undefined : identify(child.pid)
  if (!identity) throw new Error(`${daemon.name} could not be started: ${command ?? ''}`)
  child.unref()
  writeFileSync(recordFile(daemon.name), JSON.stringify({ ...identity, hash } satisfies DaemonRecord))
}

/** A process that is gone has what the signal was for. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Ends the processes: SIGTERM first, SIGKILL for those still alive after `graceMs`. */
export async function endProcesses(identities: ProcessIdentity[], graceMs: number): Promise<void> {
  const tell = (name: NodeJS.Signals) => {
    for (const { pid } of identities.filter(isAlive)) signal(pid, name)
  }
  tell('SIGTERM')
  const deadline = performance.now() + graceMs
  while (identities.some(isAlive) && performance.now() < deadline) await sleep(50)
  tell('SIGKILL')
  while (identities.some(isAlive) && performance.now() < deadline + 5000) await sleep(50)
}

export async function stopDaemon(name: string, graceMs = 15_000): Promise<boolean> {
  const running = runningRecord(name)
  if (running) await endProcesses([running], graceMs)
  rmSync(recordFile(name), { force: true })
  return running !== undefined
}

export interface ProcessInfo extends ProcessIdentity {
  argv: string[]
}

/** Every process of the machine with its arguments (kernel threads have none). */
export function listProcesses(): ProcessInfo[] {
  const found: ProcessInfo[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const argv = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').slice(0, -1)
      const identity = identify(Number(entry))
      if (identity && argv.length > 0) found.push({ ...identity, argv })
    } catch {
      // It ended while the list was read.
    }
  }
  return found
}
