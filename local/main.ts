import { ensureNodeBinaries, ensureTools } from './binaries.ts'
import { deleteState, startCluster, stopCluster, writeLinks } from './cluster.ts'
import { build } from './images.ts'
import { assertMayChange, takeLock, writeOwner } from './owner.ts'
import { ensurePackages } from './packages.ts'
import { assertMachineFits } from './preconditions.ts'

const usage = 'usage: node local/main.ts up [--cluster-only] | down | clean | status | logs [name]'

async function up(clusterOnly: boolean): Promise<void> {
  await assertMachineFits()
  assertMayChange()
  takeLock()
  await ensurePackages()
  // Images wait for the network more than for the processor, Go builds the other way round.
  const [pause] = await Promise.all([build('pause'), ensureNodeBinaries()])
  writeOwner()
  await startCluster(pause)
  await ensureTools()
  writeLinks()
  if (clusterOnly) return
}

async function down(): Promise<void> {
  assertMayChange()
  takeLock()
  await stopCluster()
}

async function clean(): Promise<void> {
  await down()
  deleteState()
}

async function main(command = '', argument = ''): Promise<void> {
  if (command === 'up') await up(argument === '--cluster-only')
  else if (command === 'down') await down()
  else if (command === 'clean') await clean()
  else throw new Error(usage)
}

try {
  await main(process.argv[2], process.argv[3])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
