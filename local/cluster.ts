import { Resolver } from 'node:dns/promises'
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { binary } from './binaries.ts'
import { ensureCertificates } from './certificates.ts'
import { ensureCgroups } from './cgroups.ts'
import * as daemons from './daemons.ts'
import { load } from './images.ts'
import type { LocalImage } from './images.ts'
import { apply, find, kubectl } from './kubectl.ts'
import { describeLeftovers, endPods, ourMounts, removeLeftovers, shims } from './leftovers.ts'
import { ensureNetwork } from './network.ts'
import { clusterObjects } from './objects.ts'
import { isLive } from './owner.ts'
import { addresses, adminKubeconfig, auditLog, containerdSocket, linkDir, logDir, nodeName, stateDir } from './paths.ts'
import { ensureDaemon, runningRecord, stopDaemon } from './processes.ts'
import type { Daemon } from './processes.ts'
import { say, step } from './report.ts'
import { CommandError, run, waitFor } from './run.ts'

/** What a container gets between SIGTERM and SIGKILL: PostgreSQL must be able to write its last checkpoint. */
const podGraceMs = 30_000

/** @returns whether it had to be started */
async function ensure(daemon: Daemon): Promise<boolean> {
  const outcome = await ensureDaemon(daemon)
  if (outcome === 'running') return false
  say('cluster', `${daemon.name} ${outcome}`)
  return true
}

/** Waits until `check` passes; ends at once, with the end of its log, when the daemon has died. */
async function waitForDaemon(name: string, timeoutMs: number, check: () => Promise<string | undefined>): Promise<void> {
  await waitFor(name, timeoutMs, async () => {
    if (!runningRecord(name)) {
      const log = readFileSync(join(logDir, `${name}.log`), 'utf8')
        .trimEnd()
        .split('\n')
        .slice(-10)
        .join('\n')
      throw new Error(`${name} ended by itself; the end of ${logDir}/${name}.log:\n${log}`)
    }
    return check()
  })
}

/** The message of a command that fails, undefined once it works. */
async function complaint(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof CommandError) return error.output.trim().split('\n').at(-1) ?? error.message
    throw error
  }
}

/**
 * Containers whose shims live are picked up again by containerd. Without any shim nothing runs, and mounts, network
 * namespaces and state would only mislead the next containerd.
 * @returns whether no container of an earlier cluster runs any more
 */
async function recover(): Promise<boolean> {
  if (isLive() || shims().length > 0) return false
  const found = describeLeftovers()
  if (found.length > 0) say('cluster', `removing what an earlier cluster left: ${found.join(', ')}`)
  await removeLeftovers(podGraceMs)
  return true
}

/** What the later steps must know about the start. */
export interface Started {
  /** When every container had to start anew: the time (ms) before which none can have started. */
  containersSince: number | undefined
}

async function startRuntime(pause: LocalImage): Promise<void> {
  await ensure(daemons.containerd(pause.reference))
  await waitForDaemon('containerd', 30_000, () =>
    complaint(() => run('ctr', ['--address', containerdSocket, 'version'])),
  )
  await load(pause)
}

async function startApiServer(): Promise<void> {
  await ensure(daemons.apiServer())
  await waitForDaemon('kube-apiserver', 90_000, () => complaint(() => kubectl(['get', '--raw', '/readyz'])))
}

/** Ends the API server without grace and starts it again. */
export async function restartApiServer(): Promise<void> {
  await stopDaemon('kube-apiserver', 0)
  await startApiServer()
}

async function startControlPlane(): Promise<void> {
  await ensure(daemons.etcd())
  await startApiServer()
  await apply(clusterObjects)
  await ensure(daemons.controllerManager())
  await ensure(daemons.scheduler())
}

interface NodeStatus {
  status: { conditions?: { type: string; status: string; message: string; lastHeartbeatTime: string }[] }
}

/** @param since a report older than this (ms) is that of a kubelet that no longer runs */
async function nodeNotReady(since: number): Promise<string | undefined> {
  const node = (await find(['node', nodeName])) as NodeStatus | undefined
  const ready = node?.status.conditions?.find((condition) => condition.type === 'Ready')
  if (ready === undefined) return 'the node has not registered'
  if (Date.parse(ready.lastHeartbeatTime) < since) return 'the kubelet has not reported yet'
  return ready.status === 'True' ? undefined : ready.message
}

/** Asks by the Service's address, the way a pod does, so that kube-proxy is covered too. */
async function nameNotFound(): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  resolver.setServers([addresses.dnsService])
  const name = 'kubernetes.default.svc.cluster.local'
  try {
    const found = await resolver.resolve4(name)
    return found.includes(addresses.apiService) ? undefined : `${name} is ${found.join()}`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function startNode(): Promise<void> {
  await ensure(daemons.coredns())
  await ensure(daemons.volumeProvisioner())
  await ensure(daemons.kubeProxy())
  // The API server keeps whole seconds.
  const begun = Math.floor(Date.now() / 1000) * 1000
  const started = await ensure(daemons.kubelet())
  await waitForDaemon('kubelet', 90_000, () => nodeNotReady(started ? begun : 0))
  await waitForDaemon('coredns', 60_000, nameNotFound)
}

/** Starts or repairs the cluster until its node is Ready and names resolve. What runs as wanted is left alone. */
export async function startCluster(pause: LocalImage): Promise<Started> {
  // The API server keeps whole seconds.
  const begun = Math.floor(Date.now() / 1000) * 1000
  const isAnew = await step('cluster', 'certificates, network, control groups', async () => {
    await ensureCertificates()
    const nothingRan = await recover()
    await ensureNetwork()
    ensureCgroups()
    return nothingRan
  })
  await step('cluster', 'container runtime', () => startRuntime(pause))
  await step('cluster', 'control plane', startControlPlane)
  await step('cluster', 'node and names', startNode)
  return { containersSince: isAnew ? begun : undefined }
}

/** Stops pods, then daemons, the kubelet first so that it starts nothing anew; removes mounts, addresses and rules. */
export async function stopCluster(): Promise<void> {
  await step('cluster', 'stopping pods', async () => {
    await stopDaemon('kubelet')
    await endPods(podGraceMs)
  })
  await step('cluster', 'stopping daemons', async () => {
    for (const name of [...daemons.daemonNames].reverse()) if (await stopDaemon(name)) say('cluster', `${name} stopped`)
    await removeLeftovers(0)
  })
}

/** Deletes volumes, etcd, images, certificates and the checkout's links; the cluster must be stopped. */
export function deleteState(): void {
  const mounts = ourMounts()
  // Deleting through a mount would delete what is mounted there.
  if (mounts.length > 0)
    throw new Error(`${mounts.join(', ')} could not be unmounted: unmount them and run make clean again`)
  rmSync(stateDir, { recursive: true, force: true })
  for (const name of ['kubeconfig', 'audit.log', ...linkedTools.map((tool) => join('bin', tool))])
    rmSync(join(linkDir, name), { force: true })
}

const linkedTools = ['kubectl', 'helm', 'kubeconform', 'kstatus', 'network-simulator']

function link(target: string, name: string): void {
  rmSync(name, { force: true })
  symlinkSync(target, name)
}

/** `.local/` is all that the Makefile and the tests know of the cluster. */
export function writeLinks(): void {
  mkdirSync(join(linkDir, 'bin'), { recursive: true })
  link(adminKubeconfig, join(linkDir, 'kubeconfig'))
  link(auditLog, join(linkDir, 'audit.log'))
  for (const tool of linkedTools) link(binary(tool), join(linkDir, 'bin', tool))
}
