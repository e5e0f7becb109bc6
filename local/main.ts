import { ensureCertManager, ensureNodeBinaries, ensureTools } from './binaries.ts'
import { deleteState, restartApiServer, startCluster, stopCluster, writeLinks } from './cluster.ts'
import type { Started } from './cluster.ts'
import { build } from './images.ts'
import { installPlatform, nextSteps } from './install.ts'
import type { PlatformImages } from './install.ts'
import { assertMayChange, takeLock, writeOwner } from './owner.ts'
import { killPod } from './leftovers.ts'
import { isolate } from './network.ts'
import { ensurePackages } from './packages.ts'
import { assertMachineFits } from './preconditions.ts'
import { say } from './report.ts'
import { printLogs, printStatus } from './status.ts'

const usage =
  'usage: node local/main.ts up [--cluster-only] | down | clean | status | logs [name] | restart-api-server | isolate [pod address] | kill-pod <pod uid> | cert-manager'

async function bringUpCluster(): Promise<Started> {
  // Images wait for the network more than for the processor, Go builds the other way round.
  const [pause] = await Promise.all([build('pause'), ensureNodeBinaries()])
  writeOwner()
  const started = await startCluster(pause)
  await ensureTools()
  writeLinks()
  return started
}

/** One after the other: they share a base that the first one makes. */
async function buildPlatformImages(): Promise<PlatformImages> {
  await build('pause')
  return {
    postgres: await build('postgres'),
    clickhouse: await build('clickhouse'),
    pgbouncer: await build('pgbouncer'),
    nats: await build('nats'),
    elasticsearch: await build('elasticsearch'),
    redis: await build('redis'),
    platform: await build('platform'),
  }
}

async function up(clusterOnly: boolean): Promise<void> {
  await assertMachineFits()
  assertMayChange()
  takeLock()
  await ensurePackages()
  if (clusterOnly) {
    await bringUpCluster()
    say('ready', 'Kubernetes runs; nothing is installed in it')
    return
  }
  const [images, started] = await Promise.all([buildPlatformImages(), bringUpCluster()])
  await installPlatform(images, started)
  say('ready', 'everything is up')
  console.log(nextSteps)
}

async function down(): Promise<void> {
  assertMayChange()
  takeLock()
  await stopCluster()
}

/** For tests of what a restart of the control plane does to everything else. */
async function restart(): Promise<void> {
  assertMayChange()
  takeLock()
  await restartApiServer()
}

/** For the test of issuers: the last two lines are the paths of the controller and of the definitions of its kinds. */
async function certManager(): Promise<void> {
  const { controller, definitions } = await ensureCertManager()
  console.log(`${controller}\n${definitions}`)
}

async function clean(): Promise<void> {
  assertMayChange(true)
  await down()
  deleteState()
}

async function main(command = '', argument = ''): Promise<void> {
  if (command === 'up') await up(argument === '--cluster-only')
  else if (command === 'down') await down()
  else if (command === 'clean') await clean()
  else if (command === 'status') await printStatus()
  else if (command === 'logs') await printLogs(argument)
  else if (command === 'restart-api-server') await restart()
  else if (command === 'isolate') await isolate(argument || undefined)
  else if (command === 'kill-pod') killPod(argument)
  else if (command === 'cert-manager') await certManager()
  else throw new Error(usage)
}

// `make logs | head` closes the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})

try {
  await main(process.argv[2], process.argv[3])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  // A build that runs beside what failed must not keep the reader waiting for its end.
  process.exit(1)
}
