import type { KubeObject } from '../../crds/object.ts'
import { kubectl } from './kubectl.ts'
import { onNode } from './node.ts'
import { list, namespace, until, type Kind } from './objects.ts'
import { ofPlatform, podKind } from './platform.ts'

const jobKind: Kind = { apiVersion: 'batch/v1', kind: 'Job' }

interface Victim {
  kind: Kind
  where: string
  labels: (platform: string) => string
}

const ofComponent = (component: string) => (platform: string) =>
  `${ofPlatform(platform)},app.kubernetes.io/component=${component}`

const pod = (component: string): Victim => ({ kind: podKind, where: namespace, labels: ofComponent(component) })

/** What is killed. */
export const victims = {
  'operator pod': {
    kind: podKind,
    where: 'supersmartmatch-system',
    labels: () => 'app.kubernetes.io/name=matching-operator',
  },
  'database pod': pod('database'),
  'pooler pod': pod('pooler'),
  'core service pod': pod('service'),
  'migration pod': pod('migration'),
  'migration Job': { kind: jobKind, where: namespace, labels: ofComponent('migration') },
} satisfies Record<string, Victim>
export type VictimName = keyof typeof victims

/** Objects of this kind that nobody has deleted yet. */
async function alive(victim: VictimName, platform: string): Promise<KubeObject[]> {
  const { kind, where, labels }: Victim = victims[victim]
  const found = await list(kind, labels(platform), where)
  return found.filter((object) => !object.metadata.deletionTimestamp)
}

/**
 * Waits until there is one, and kills it at once: SIGKILL to what runs in a pod, and then the pod goes. (A deletion without grace alone
 * would begin with SIGTERM, and the kubelet leaves two seconds to answer it.) Resolves to the uid of what was killed.
 */
export function kill(victim: VictimName, platform: string): Promise<string> {
  return killWhen(victim, platform, () => true)
}

/** The same if there is one at all: a finished migration leaves no pod when its Job was deleted in its last moment. */
export async function killIfAny(victim: VictimName, platform: string): Promise<void> {
  if ((await alive(victim, platform)).length > 0) await kill(victim, platform)
}

/** The same, once its containers run. */
export function killRunning(victim: VictimName, platform: string): Promise<string> {
  return killWhen(victim, platform, isRunning)
}

const isRunning = (pod: KubeObject) => (pod['status'] as { phase?: string } | undefined)?.phase === 'Running'

/** The same, unless `next` is there before: a migration takes a second and may be over between two looks. */
export async function killRunningBefore(victim: VictimName, next: VictimName, platform: string): Promise<void> {
  const { running } = await until(120_000, async () => {
    const running = (await alive(victim, platform)).find(isRunning)
    const isPast = (await alive(next, platform)).length > 0
    return running || isPast ? { running } : `there is neither a running ${victim} nor a ${next}`
  })
  if (running) await destroy(victim, running)
}

async function killWhen(victim: VictimName, platform: string, due: (found: KubeObject) => boolean): Promise<string> {
  const found = await until(120_000, async () => (await alive(victim, platform)).find(due) ?? `there is no ${victim}`)
  await destroy(victim, found)
  return found.metadata.uid ?? ''
}

async function destroy(victim: VictimName, found: KubeObject): Promise<void> {
  const { kind, where }: Victim = victims[victim]
  if (kind === podKind) await killProcesses(found.metadata.uid ?? '')
  const target = `${kind.kind}/${found.metadata.name}`
  await kubectl([
    'delete',
    target,
    '--namespace',
    where,
    '--grace-period=0',
    '--force',
    '--wait=false',
    '--ignore-not-found',
  ])
}

/** Without a warning. @returns how many there were: none in a pod that nothing runs in yet */
export async function killProcesses(uid: string): Promise<number> {
  return Number(await onNode('KILL_POD', uid))
}

/** Waits until the pod that was killed is gone and another is ready. */
export async function whenReplaced(victim: VictimName, platform: string, uid: string): Promise<void> {
  await until(120_000, async () => {
    const pods = await alive(victim, platform)
    const ready = pods.length > 0 && pods.every((found) => found.metadata.uid !== uid && isReady(found))
    return ready ? pods : `no ${victim} is ready in place of the killed one`
  })
}

function isReady(found: KubeObject): boolean {
  const status = found['status'] as { conditions?: { type: string; status: string }[] } | undefined
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}
