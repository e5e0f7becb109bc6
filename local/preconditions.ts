import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { allBuilt } from './binaries.ts'
import { addresses, bridgeName, cacheDir, stateDir } from './paths.ts'
import { listProcesses } from './processes.ts'
import { CommandError, run } from './run.ts'

/** What the machine offers, as far as the local cluster depends on it. */
export interface Machine {
  platform: string
  uid: number | undefined
  /** Programs of PATH that were found. */
  programs: string[]
  /** As `go version` prints it in the module that asks for the newest Go; the error's text when it cannot. */
  go: string
  freeDiskGiB: number
  memoryGiB: number
  /** The binaries are in the cache: no compiler is needed, and less disk. */
  built: boolean
  /** Command of a kubelet that is not ours. */
  foreignKubelet: string | undefined
  /** Lines of `ip route` that use our range but are not ours. */
  takenRoutes: string[]
}

/** Everything that keeps `make up` from working here, one sentence each; empty when nothing does. */
export function findProblems(machine: Machine): string[] {
  if (machine.platform !== 'linux') {
    return [
      `The local cluster needs Linux (this is ${machine.platform}): use a Linux machine or virtual machine, or install the charts into a cluster you have.`,
    ]
  }
  const problems: string[] = []
  const need = (program: string, sentence: string) => {
    if (!machine.programs.includes(program)) problems.push(sentence)
  }
  if (machine.uid !== 0)
    problems.push('The local cluster needs root (containers, mounts, network): run "sudo make up".')
  need(
    'apt-get',
    'The local cluster installs its packages with apt: use Debian 12 or newer, or a system derived from it.',
  )
  need('make', 'make is missing: apt-get install make.')
  if (!machine.built) {
    need('cc', 'A C compiler is missing: apt-get install gcc libc6-dev.')
    problems.push(...goProblems(machine))
  }
  const neededGiB = machine.built ? 5 : 15
  if (machine.freeDiskGiB < neededGiB) {
    problems.push(
      `${dirname(stateDir)} has ${machine.freeDiskGiB.toFixed(1)} GiB free and ${neededGiB} GiB are needed: free some space.`,
    )
  }
  if (machine.memoryGiB < 4) {
    problems.push(`The machine has ${machine.memoryGiB.toFixed(1)} GiB of memory and 4 GiB are needed.`)
  }
  if (machine.foreignKubelet !== undefined) {
    problems.push(
      `Another Kubernetes node runs on this machine (${machine.foreignKubelet}): stop it first, two would change each other's network rules.`,
    )
  }
  if (machine.takenRoutes.length > 0) {
    problems.push(
      `A network of this machine uses ${addresses.range}, which the local cluster needs: ${machine.takenRoutes.join('; ')}.`,
    )
  }
  return problems
}

/** Helm's module asks for the newest Go; an older `go` fetches it by itself unless that is switched off. */
function goProblems(machine: Machine): string[] {
  if (!machine.programs.includes('go')) return ['Go is missing: install Go 1.26 or newer from https://go.dev/dl/.']
  const version = /go(\d+)\.(\d+)/.exec(machine.go)
  if (!machine.go.startsWith('go version') || !version) return [`Go 1.26 or newer is needed: ${machine.go}`]
  const isNewEnough = Number(version[1]) > 1 || Number(version[2]) >= 26
  return isNewEnough
    ? []
    : [`Go 1.26 or newer is needed and this is ${version[0]}: install it from https://go.dev/dl/.`]
}

/** Routes into our range that our own bridge did not make, from `ip route`. */
export function foreignRoutes(routes: string): string[] {
  return routes
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^198\.1[89]\./.test(line) && !line.includes(` dev ${bridgeName} `))
}

function findPrograms(names: string[]): string[] {
  const folders = (process.env['PATH'] ?? '').split(':')
  return names.filter((name) => folders.some((folder) => existsSync(join(folder, name))))
}

async function goVersion(): Promise<string> {
  try {
    return (await run('go', ['version'], { cwd: join(import.meta.dirname, 'go/helm') })).trim()
  } catch (error) {
    if (error instanceof CommandError) return error.output.trim()
    throw error
  }
}

function nearestExisting(folder: string): string {
  return existsSync(folder) ? folder : nearestExisting(dirname(folder))
}

function freeDiskGiB(): number {
  const { bavail, bsize } = statfsSync(nearestExisting(stateDir))
  return (bavail * bsize) / 2 ** 30
}

function foreignKubelet(): string | undefined {
  const kubelet = listProcesses().find(
    ({ argv: [command = ''] }) => /(^|\/)kubelet$/.test(command) && !command.startsWith(cacheDir),
  )
  return kubelet?.argv[0]
}

/** Looks at the machine; changes nothing. */
async function inspectMachine(): Promise<Machine> {
  const programs = findPrograms(['apt-get', 'make', 'cc', 'go', 'ip'])
  const memoryKiB = /^MemTotal:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? '0'
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    programs,
    go: programs.includes('go') ? await goVersion() : '',
    freeDiskGiB: freeDiskGiB(),
    memoryGiB: Number(memoryKiB) / 2 ** 20,
    built: allBuilt(),
    foreignKubelet: foreignKubelet(),
    takenRoutes: programs.includes('ip') ? foreignRoutes(await run('ip', ['route'])) : [],
  }
}

/** @throws Error with every reason why the cluster cannot run here */
export async function assertMachineFits(): Promise<void> {
  const problems =
    process.platform === 'linux'
      ? findProblems(await inspectMachine())
      : findProblems({ platform: process.platform } as Machine)
  if (problems.length > 0) throw new Error(problems.join('\n'))
}
