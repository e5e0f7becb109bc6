import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { daemonNames } from './daemons.ts'
import { kubectl } from './kubectl.ts'
import { readOwner } from './owner.ts'
import { logDir } from './paths.ts'
import { runningRecord } from './processes.ts'
import { CommandError, run } from './run.ts'

function memoryMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  return Math.round(Number(kib) / 1024)
}

function printDaemons(): void {
  for (const name of daemonNames) {
    const record = runningRecord(name)
    const state = record ? `running   pid ${record.pid}, ${memoryMiB(record.pid)} MiB` : 'stopped'
    console.log(`${name.padEnd(25)}${state}`)
  }
}

/** Prints what a kubectl command prints; its complaint when it fails, because status must show what it can. */
async function print(title: string, args: string[]): Promise<void> {
  console.log(`\n${title}`)
  try {
    console.log((await kubectl([...args, '--request-timeout=5s'])).trimEnd())
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    console.log(error.output.trim())
  }
}

const kinds = 'matchingclusters,datastores'
const notTrue =
  '{range .items[*]}{.kind}/{.metadata.name}:{"\\n"}{range .status.conditions[?(@.status!="True")]}  {.type}: {.message}{"\\n"}{end}{end}'

/** What runs, what is Ready, and why not. */
export async function printStatus(): Promise<void> {
  const owner = readOwner()
  console.log(owner === undefined ? 'There is no local cluster: make up' : `Local cluster of ${owner}\n`)
  printDaemons()
  if (!runningRecord('kube-apiserver')) return
  await print('Nodes', ['get', 'nodes'])
  await print('Platform', ['get', kinds, '-A'])
  await print('Conditions that are not True', ['get', kinds, '-A', '-o', `jsonpath=${notTrue}`])
  await print('Pods', ['get', 'pods', '-A'])
}

async function tail(file: string, lines: number): Promise<void> {
  console.log(await run('tail', ['-n', String(lines), file]))
}

const operatorLogs = ['logs', '-n', 'supersmartmatch-system', '-l', 'app.kubernetes.io/name=matching-operator']

/**
 * Prints the end of every log, or more of one.
 * @param name a daemon, or `operator`; empty for all
 * @throws Error naming the known logs when there is no such one
 */
export async function printLogs(name: string): Promise<void> {
  const known: string[] = [...daemonNames, 'operator']
  if (name !== '' && !known.includes(name)) throw new Error(`No log is called ${name}: use one of ${known.join(', ')}.`)
  const lines = name === '' ? 10 : 500
  for (const daemon of name === '' ? known : [name]) {
    const file = join(logDir, `${daemon}.log`)
    if (daemon === 'operator') await print('operator', [...operatorLogs, '--tail', String(lines)])
    else if (!existsSync(file)) console.log(`\n${daemon}: no log yet`)
    else {
      console.log(`\n${daemon} (${file})`)
      await tail(file, lines)
    }
  }
}
