import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { binary } from './binaries.ts'
import type { Started } from './cluster.ts'
import { load } from './images.ts'
import type { LocalImage } from './images.ts'
import { find, kubectl } from './kubectl.ts'
import { adminKubeconfig, checkout } from './paths.ts'
import { say, step } from './report.ts'
import { CommandError, run, waitFor } from './run.ts'

const systemNamespace = 'supersmartmatch-system'
const namespace = 'supersmartmatch'
const readyTimeoutMs = 15 * 60_000

/** The images that the charts and the sample need. */
export interface PlatformImages {
  postgres: LocalImage
  pgbouncer: LocalImage
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
  const options = ['--description', description, '--values', '-', '--wait', '--timeout', '5m']
  await helm(['upgrade', '--install', name, chart, ...options], JSON.stringify(values))
}

interface Condition {
  type: string
  status: string
  message: string
}

interface Conditioned {
  status?: { conditions?: Condition[] }
}

/** The message of the Ready condition, or undefined when it is True. */
export function whyNotReady(object: Conditioned): string | undefined {
  const ready = object.status?.conditions?.find((condition) => condition.type === 'Ready')
  if (ready?.status === 'True') return undefined
  return ready?.message ?? 'the operator has not looked at it yet'
}

export interface Pod {
  metadata: { name: string }
  status: {
    phase: string
    containerStatuses?: { ready: boolean; state: { running?: { startedAt: string } } }[]
  }
}

/**
 * The name of a pod that is not running again, or undefined. After a restart of the cluster all status is old at first: a pod says
 * Ready that has no process, and so does what the operator derived from it.
 * @param since no container that started before (ms) can still run
 */
export function notBackYet(pods: Pod[], since: number): string | undefined {
  const isBack = ({ status: { containerStatuses = [] } }: Pod) =>
    containerStatuses.length > 0 &&
    containerStatuses.every(({ ready, state }) => ready && Date.parse(state.running?.startedAt ?? '') >= since)
  const wanted = pods.filter((pod) => !['Succeeded', 'Failed'].includes(pod.status.phase))
  return wanted.find((pod) => !isBack(pod))?.metadata.name
}

async function podNotBack(since: number): Promise<string | undefined> {
  for (const each of [systemNamespace, namespace]) {
    const list = (await find(['pods', '-n', each])) as { items: Pod[] }
    const name = notBackYet(list.items, since)
    if (name !== undefined) return `pod ${name} starts again`
  }
  return undefined
}

async function demoNotReady(): Promise<string | undefined> {
  return whyNotReady(((await find(['matchingcluster', 'demo', '-n', namespace])) as Conditioned | undefined) ?? {})
}

async function waitUntilReady({ containersSince }: Started): Promise<void> {
  let last = ''
  await waitFor('mc/demo', readyTimeoutMs, async () => {
    const starting = containersSince === undefined ? undefined : await podNotBack(containersSince)
    const missing = starting ?? (await demoNotReady())
    if (missing !== undefined && missing !== last) say('install', missing)
    last = missing ?? ''
    return missing
  })
}

/** Installs operator and sample as a user would, with helm and kubectl, and waits until the sample is Ready. */
export async function installPlatform(images: PlatformImages, started: Started): Promise<void> {
  await step('images', 'loading what is new', async () => {
    for (const image of Object.values(images) as LocalImage[]) await load(image)
  })
  await step('install', 'charts', async () => {
    await ensureRelease('matching-crds', {})
    const references = Object.entries(images).map(([name, image]): [string, string] => [
      name,
      (image as LocalImage).reference,
    ])
    await ensureRelease('matching-operator', { images: Object.fromEntries(references), watchNamespaces: [namespace] })
  })
  await step('install', 'samples/quickstart.yaml', async () => {
    await kubectl(['apply', '-n', namespace, '-f', join(checkout, 'samples/quickstart.yaml')])
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
