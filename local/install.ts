import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { binary } from './binaries.ts'
import type { Started } from './cluster.ts'
import { load } from './images.ts'
import type { LocalImage } from './images.ts'
import { kubectl } from './kubectl.ts'
import { adminKubeconfig, checkout } from './paths.ts'
import { namespace, systemNamespace, waitUntilReady } from './ready.ts'
import { say, step } from './report.ts'
import { CommandError, run } from './run.ts'

/** The images that the charts and the sample need. */
export interface PlatformImages {
  postgres: LocalImage
  clickhouse: LocalImage
  pgbouncer: LocalImage
  nats: LocalImage
  elasticsearch: LocalImage
  redis: LocalImage
  platform: LocalImage
}

const helm = async (args: string[], input = ''): Promise<string> =>
  run(binary('helm'), ['--kubeconfig', adminKubeconfig, '--namespace', systemNamespace, ...args], { input })

/** Changes when any file of the chart or any value does. */
function inputHash(chart: string, values: object): string {
  const hash = createHash('sha256').update(JSON.stringify(values))
  for (const entry of readdirSync(chart, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) hash.update(entry.name).update(readFileSync(join(entry.parentPath, entry.name)))
  }
  return hash.digest('hex').slice(0, 12)
}

interface Release {
  info: { status: string; description: string }
}

async function findRelease(name: string): Promise<Release | undefined> {
  try {
    return JSON.parse(await helm(['status', name, '--output', 'json'])) as Release
  } catch (error) {
    if (error instanceof CommandError && error.output.includes('not found')) return undefined
    throw error
  }
}

/** Helm refuses to go on after a run that was killed; the record of that run is all that has to go. */
async function forgetInterrupted(name: string, status: string): Promise<void> {
  await kubectl(['delete', 'secret', '-n', systemNamespace, '-l', `owner=helm,name=${name},status=${status}`])
}

/** Installs or upgrades the release; leaves it alone when chart and values are those it was last installed from. */
async function ensureRelease(name: string, values: object): Promise<void> {
  const chart = join(checkout, 'charts', name)
  const description = `installed by make up from ${inputHash(chart, values)}`
  const release = await findRelease(name)
  if (release?.info.status === 'deployed' && release.info.description === description) return
  if (release?.info.status.startsWith('pending-')) await forgetInterrupted(name, release.info.status)
  say('install', `${release ? 'upgrading' : 'installing'} ${name}`)
  // What somebody applied by hand meanwhile, a CRD say, is the chart's again: this cluster is for developing.
  const options = ['--description', description, '--values', '-', '--wait', '--timeout', '5m', '--force-conflicts']
  await helm(['upgrade', '--install', name, chart, ...options], JSON.stringify(values))
}

/** Installs operator and sample as a user would, with helm and kubectl, and waits until the sample is Ready. */
export async function installPlatform(images: PlatformImages, started: Started): Promise<void> {
  await step('images', 'loading what is new', async () => {
    const waiting = Object.values(images) as LocalImage[]
    const loadAll = async () => {
      for (let image = waiting.shift(); image; image = waiting.shift()) await load(image)
    }
    // Two at once: unpacking has one processor busy, or waits for the disk.
    await Promise.all([loadAll(), loadAll()])
  })
  await step('install', 'charts', async () => {
    await ensureRelease('matching-crds', {})
    const references = Object.entries(images).map(([name, image]): [string, string] => [
      name,
      (image as LocalImage).reference,
    ])
    await ensureRelease('matching-operator', { images: Object.fromEntries(references), watchNamespaces: [namespace] })
  })
  const sample = `samples/${process.env['SAMPLE'] ?? 'quickstart'}.yaml`
  await step('install', sample, async () => {
    await kubectl(['apply', '-n', namespace, '-f', join(checkout, sample)])
    await waitUntilReady(started)
  })
}

/** What a newcomer can do now. */
export const nextSteps = `
The MatchingCluster "demo" in namespace ${namespace} is Ready. Next:

  make demo                                    load real skills, occupations and cities, print ten ranked jobs
  export KUBECONFIG=$PWD/.local/kubeconfig PATH=$PWD/.local/bin:$PATH
  kubectl get mc,store -n ${namespace}       the platform and its stores
  kubectl describe mc demo -n ${namespace}   what the operator did, condition by condition
  make status, make logs                       what runs, what is Ready, and why not
  make down                                    stop everything; data stays (make clean deletes it)
`
