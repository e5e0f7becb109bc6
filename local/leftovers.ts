import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hasCgroups, podProcesses, removeCgroups } from './cgroups.ts'
import { removeNetwork } from './network.ts'
import { containerdSocket, podLogDir, runDir, stateDir } from './paths.ts'
import type { ProcessIdentity } from './processes.ts'
import { endProcesses, identify, listProcesses, signal } from './processes.ts'
import { run, succeeds } from './run.ts'

/** The mount points of /proc/self/mountinfo that lie in one of the folders, the innermost first. */
export function mountsUnder(mountInfo: string, folders: string[]): string[] {
  return mountInfo
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((point) => point !== undefined)
    .map((point) => point.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))))
    .filter((point) => folders.some((folder) => point.startsWith(`${folder}/`)))
    .reverse()
}

/** Whether the arguments are those of a shim that our containerd started. */
export function isOurShim(argv: string[]): boolean {
  const address = argv.indexOf('-address')
  return (argv[0] ?? '').includes('containerd-shim') && address > 0 && argv[address + 1] === containerdSocket
}

/** Whether the process is the first of its own process namespace: the one a container ends with. */
export function isContainerInit(status: string): boolean {
  const ids = /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? []
  return ids.length > 1 && ids.at(-1) === '1'
}

export const ourMounts = (): string[] => mountsUnder(readFileSync('/proc/self/mountinfo', 'utf8'), [runDir, stateDir])

export const shims = (): ProcessIdentity[] => listProcesses().filter((found) => isOurShim(found.argv))

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return '' // it has ended
  }
}

const present = (pids: number[]) => pids.map(identify).filter((identity) => identity !== undefined)

/** Ends every container: its first process gets SIGTERM and up to `graceMs`, then everything in the pods' groups goes. */
export async function endPods(graceMs: number): Promise<void> {
  const initial = present(podProcesses().filter((pid) => isContainerInit(readStatus(pid))))
  await endProcesses(initial, graceMs)
  await endProcesses(present(podProcesses()), 0)
  await endProcesses(shims(), 0)
}

/** For tests. As if this pod alone had lost its power: none of its processes gets a signal that it could answer. Prints their number. */
export function killPod(uid: string): void {
  if (!uid) throw new Error('kill-pod takes the uid of a pod')
  const pids = podProcesses(uid)
  console.log(pids.length)
  for (const pid of pids) signal(pid, 'SIGKILL')
}

/** What a cluster left behind, as short phrases for the reader; empty when there is nothing. */
export function describeLeftovers(): string[] {
  const counts: [number, string][] = [
    [shims().length, 'containerd shims'],
    [podProcesses().length, 'container processes'],
    [ourMounts().length, 'mounts'],
  ]
  const found = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  if (hasCgroups()) found.push('control groups')
  return found
}

/** Sockets of dead shims lie in a folder shared with other containerds; each bundle names its own. */
function removeShimSockets(): void {
  const bundles = join(runDir, 'containerd/io.containerd.runtime.v2.task/k8s.io')
  if (!existsSync(bundles)) return
  for (const bundle of readdirSync(bundles)) {
    const address = join(bundles, bundle, 'address')
    if (existsSync(address)) rmSync(readFileSync(address, 'utf8').replace('unix://', ''), { force: true })
  }
}

/** The CNI library's own cache, and the kubelet's links to logs, lie at fixed places. */
function removeStrayFiles(): void {
  const results = '/var/lib/cni/results'
  if (existsSync(results)) {
    for (const file of readdirSync(results).map((name) => join(results, name))) {
      if (readFileSync(file, 'utf8').includes(`"${runDir}/`)) rmSync(file)
    }
  }
  const links = '/var/log/containers'
  if (existsSync(links)) {
    for (const name of readdirSync(links)) {
      if (readlinkSync(join(links, name)).startsWith(podLogDir)) rmSync(join(links, name))
    }
  }
}

async function unmount(point: string): Promise<void> {
  if (!(await succeeds('umount', [point]))) await run('umount', ['--lazy', point])
}

/** Removes what pods, containerd and the network left; all daemons must have ended. Volumes, images and etcd stay. */
export async function removeLeftovers(graceMs: number): Promise<void> {
  await endPods(graceMs)
  // A mount can be listed twice, or vanish with the one it lies in.
  for (let round = 0; round < 5 && ourMounts().length > 0; round++) {
    for (const point of ourMounts()) await unmount(point)
  }
  removeShimSockets()
  await removeNetwork()
  removeCgroups()
  removeStrayFiles()
  for (const name of existsSync(runDir) ? readdirSync(runDir) : []) {
    if (name !== 'lock') rmSync(join(runDir, name), { recursive: true, force: true })
  }
}
