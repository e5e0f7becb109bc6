import type { KubeObject } from '../../crds/object.ts'

export type MigrationState =
  /** No Job exists for the target: one must be created. */
  | { state: 'missing' }
  | { state: 'running' }
  /** The Job succeeded: the target is now current. */
  | { state: 'applied' }
  | { state: 'failed'; reason: string }

/** Where a migration stands, judged by its Job. */
export function migrationState(job: KubeObject | undefined): MigrationState {
  if (!job) return { state: 'missing' }
  if (condition(job, 'Complete')) return { state: 'applied' }
  const failed = condition(job, 'Failed')
  if (failed) return { state: 'failed', reason: failed.message ?? failed.reason ?? 'the Job failed' }
  return { state: 'running' }
}

interface JobCondition {
  type: string
  status: string
  reason?: string
  message?: string
}

function condition(job: KubeObject, type: string): JobCondition | undefined {
  const status = job['status'] as { conditions?: JobCondition[] } | undefined
  return status?.conditions?.find((c) => c.type === type && c.status === 'True')
}

interface ContainerState {
  waiting?: { reason?: string; message?: string }
  terminated?: { exitCode?: number; reason?: string; message?: string; finishedAt?: string }
}

interface PodStatus {
  phase?: string
  conditions?: { type: string; status: string; reason?: string; message?: string }[]
  initContainerStatuses?: { name: string; state?: ContainerState; lastState?: ContainerState }[]
  containerStatuses?: { name: string; state?: ContainerState; lastState?: ContainerState }[]
}

/** Waiting reasons that every healthy start passes through. */
const ordinary = new Set(['ContainerCreating', 'PodInitializing'])

/** The first thing that keeps a pod from running, in a sentence with the pod's name; undefined when nothing does. */
export function podProblem(pods: KubeObject[]): string | undefined {
  for (const pod of pods) {
    const status = (pod['status'] ?? {}) as PodStatus
    const unscheduled = status.conditions?.find((c) => c.type === 'PodScheduled' && c.status === 'False')
    if (unscheduled) return `pod ${pod.metadata.name} cannot be scheduled: ${unscheduled.message ?? ''}`
    for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      const { waiting, terminated } = container.state ?? {}
      const failed = terminated?.exitCode ? terminated : undefined
      const reason = failed?.reason ?? waiting?.reason
      if (!reason || ordinary.has(reason)) continue
      // Kubernetes only counts its restarts; why it ends it has said itself.
      const why = (failed ?? container.lastState?.terminated)?.message?.trim() ?? waiting?.message
      return `pod ${pod.metadata.name}: ${reason}${why ? `: ${why}` : ''}`
    }
  }
  return undefined
}

/** The pod that refused to make a database, because its volume is empty and its store held data: see prepare.py of the engine. */
export function podWithoutData(pods: KubeObject[]): string | undefined {
  const refused = pods.find((pod) =>
    (((pod['status'] ?? {}) as PodStatus).initContainerStatuses ?? []).some(({ state, lastState }) =>
      (state?.terminated ?? lastState?.terminated)?.message?.includes('The volume is empty, but'),
    ),
  )
  return refused?.metadata.name
}

/** What the newest finished container of these pods said when it ended (its termination message). */
export function lastWords(pods: KubeObject[]): string | undefined {
  const ended = pods
    .flatMap((pod) => ((pod['status'] ?? {}) as PodStatus).containerStatuses ?? [])
    .map((container) => container.state?.terminated ?? container.lastState?.terminated)
    .filter((terminated) => terminated?.message !== undefined)
    .sort((a, b) => (a?.finishedAt ?? '').localeCompare(b?.finishedAt ?? ''))
  return ended.at(-1)?.message?.trim()
}
