import type { KubeObject } from '../../crds/object.ts'

interface DeploymentStatus {
  observedGeneration?: number
  replicas?: number
  updatedReplicas?: number
  availableReplicas?: number
}

/** What a Deployment still waits for, in a sentence; undefined when every pod is new and available. The rules are those of `kubectl rollout status`. */
export function rollout(deployment: KubeObject | undefined): string | undefined {
  if (!deployment) return 'the Deployment is not there yet'
  const { name, generation = 0 } = deployment.metadata
  const wanted = (deployment['spec'] as { replicas?: number }).replicas ?? 1
  const status = (deployment['status'] ?? {}) as DeploymentStatus
  if ((status.observedGeneration ?? 0) < generation) return `Deployment ${name}: the new spec is not looked at yet`
  const updated = status.updatedReplicas ?? 0
  if (updated < wanted) return `Deployment ${name}: ${updated} of ${wanted} pods are new`
  if ((status.replicas ?? 0) > updated) return `Deployment ${name}: old pods are still stopping`
  const available = status.availableReplicas ?? 0
  if (available < wanted) return `Deployment ${name}: ${available} of ${wanted} pods are available`
  return undefined
}
