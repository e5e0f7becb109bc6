import type { Started } from './cluster.ts'
import { find } from './kubectl.ts'
import { say } from './report.ts'
import { waitFor } from './run.ts'

export const systemNamespace = 'supersmartmatch-system'
export const namespace = 'supersmartmatch'
const readyTimeoutMs = 15 * 60_000
const stalledLimitMs = 60_000

interface Condition {
  type: string
  status: string
  message: string
}

export interface Conditioned {
  kind: string
  metadata: { name: string }
  status?: { conditions?: Condition[] }
}

/** The message of the Ready condition, or undefined when it is True. */
export function whyNotReady(object: Conditioned | undefined): string | undefined {
  const ready = object?.status?.conditions?.find((condition) => condition.type === 'Ready')
  if (ready?.status === 'True') return undefined
  return ready?.message ?? 'the operator has not looked at it yet'
}

export interface Pod {
  metadata: { name: string }
  spec: { restartPolicy: string }
  status: {
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
  // A Job's pod is not restarted but replaced, and ends by itself.
  const wanted = pods.filter((pod) => pod.spec.restartPolicy === 'Always')
  return wanted.find((pod) => !isBack(pod))?.metadata.name
}

async function podNotBack(since: number): Promise<string | undefined> {
  for (const each of [systemNamespace, namespace]) {
    const list = (await find(['pods', '-n', each])) as { items: Pod[] }
    const name = notBackYet(list.items, since)
    if (name !== undefined) return `pod ${name} is starting`
  }
  return undefined
}

/** The first object that says nothing will change until somebody acts, and why; undefined when none does. */
export function stalled(objects: Conditioned[]): string | undefined {
  for (const { kind, metadata, status } of objects) {
    const found = status?.conditions?.find((condition) => condition.type === 'Stalled' && condition.status === 'True')
    if (found) return `${kind} ${metadata.name} is stalled: ${found.message}`
  }
  return undefined
}

/**
 * Waits until the MatchingCluster `demo` is Ready, showing what it waits for whenever that changes.
 * @throws Error when something is stalled for a minute, or after 15 minutes
 */
export async function waitUntilReady({ containersSince }: Started): Promise<void> {
  let shown: string | undefined
  let block: { message: string; since: number } | undefined
  await waitFor(
    'mc/demo',
    readyTimeoutMs,
    async () => {
      const starting = containersSince === undefined ? undefined : await podNotBack(containersSince)
      const { items } = (await find(['matchingclusters,datastores', '-n', namespace])) as { items: Conditioned[] }
      const demo = items.find(({ kind, metadata }) => kind === 'MatchingCluster' && metadata.name === 'demo')
      const missing = starting ?? whyNotReady(demo)
      if (missing !== undefined && missing !== shown) say('install', missing)
      shown = missing
      const message = stalled(items)
      block =
        message === undefined ? undefined : block?.message === message ? block : { message, since: performance.now() }
      // An operator that was just replaced needs a moment to take back what the one before it said.
      if (block && performance.now() - block.since > stalledLimitMs) throw new Error(block.message)
      return missing
    },
    1000,
  )
}
