import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupName } from './paths.ts'
import { say } from './report.ts'

const root = '/sys/fs/cgroup'

const isUnified = () => existsSync(join(root, 'cgroup.controllers'))

/** The folders that hold groups: one on a unified hierarchy, one per controller on the older one. */
function hierarchies(): string[] {
  if (isUnified()) return [root]
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((folder) => existsSync(join(folder, 'cgroup.procs')))
}

/** Makes the parent group of all pods in every hierarchy, with all controllers delegated to it. */
export function ensureCgroups(): void {
  for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, cgroupName), { recursive: true })
  if (isUnified()) for (const group of [root, join(root, cgroupName)]) delegateControllers(group)
  else inheritCpuset(join(root, 'cpuset'))
}

/** Gives every controller to the groups below. One the machine keeps to itself is left out: the kubelet names those it misses. */
function delegateControllers(group: string): void {
  for (const controller of readFileSync(join(group, 'cgroup.controllers'), 'utf8').trim().split(' ')) {
    try {
      writeFileSync(join(group, 'cgroup.subtree_control'), `+${controller}`)
    } catch (error) {
      say('cluster', `control group controller ${controller} is not available: ${String(error)}`)
    }
  }
}

/** A new cpuset group on the older hierarchy is empty and refuses processes until it names processors and memory. */
function inheritCpuset(hierarchy: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const target = join(hierarchy, cgroupName, file)
    if (existsSync(target) && readFileSync(target, 'utf8').trim() === '') {
      writeFileSync(target, readFileSync(join(hierarchy, file)))
    }
  }
}

/** The container runtime removes groups of its own accord, also between our look at one and the next: what is gone is nothing. */
export function unlessGone<T>(work: () => T, otherwise: T): T {
  try {
    return work()
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise
    throw error
  }
}

function groupsBelow(folder: string): string[] {
  return unlessGone(() => {
    const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return [...children.flatMap((entry) => groupsBelow(join(folder, entry.name))), folder]
  }, [])
}

const ourGroups = () => hierarchies().flatMap((hierarchy) => groupsBelow(join(hierarchy, cgroupName)))

/** Every process in a pod of ours, or in that with this uid, whether or not its shim still lives. */
export function podProcesses(uid?: string): number[] {
  const pids = new Set<number>()
  for (const group of ourGroups().filter((path) => !uid || path.includes(`/pod${uid}/`))) {
    const listed = unlessGone(() => readFileSync(join(group, 'cgroup.procs'), 'utf8'), '')
    for (const pid of listed.split('\n')) if (pid !== '') pids.add(Number(pid))
  }
  return [...pids]
}

export const hasCgroups = (): boolean => ourGroups().length > 0

/** Removes the groups, deepest first; their processes must have ended. */
export function removeCgroups(): void {
  for (const group of ourGroups()) unlessGone(() => rmdirSync(group), undefined)
}
