import type { KubeObject } from '../crds/object.ts'

interface WorkloadStatus {
  observedGeneration?: number
  replicas?: number
  updatedReplicas?: number
  availableReplicas?: number
}

/**
 * What a Deployment or StatefulSet still waits for, in a sentence; undefined when every pod is new and available.
 * The rules are those of `kubectl rollout status`.
 */
export function rollout(workload: KubeObject): string | undefined {
  const { name, generation = 0 } = workload.metadata
  const wanted = (workload['spec'] as { replicas?: number }).replicas ?? 1
  const status = (workload['status'] ?? {}) as WorkloadStatus
  if ((status.observedGeneration ?? 0) < generation)
    return `${workload.kind} ${name}: the new spec is not looked at yet`
  const updated = status.updatedReplicas ?? 0
  if (updated < wanted) return `${workload.kind} ${name}: ${updated} of ${wanted} pods are new`
  if ((status.replicas ?? 0) > updated) return `${workload.kind} ${name}: old pods are still stopping`
  const available = status.availableReplicas ?? 0
  if (available < wanted) return `${workload.kind} ${name}: ${available} of ${wanted} pods are available`
  return undefined
}
