import type { KubeObject } from '../../crds/object.ts'

export interface Container {
  args?: string[]
  command?: string[]
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef?: { name: string; key: string } } }[]
  securityContext?: Record<string, unknown>
  readinessProbe?: object
  livenessProbe?: object
}

export interface PodSpec {
  automountServiceAccountToken?: boolean
  securityContext?: Record<string, unknown>
  containers: Container[]
  initContainers?: Container[]
  volumes?: Record<string, unknown>[]
  hostNetwork?: boolean
  hostPID?: boolean
  hostIPC?: boolean
}

/** For tests: the pods that these workloads make. */
export function podSpecs(objects: KubeObject[]): PodSpec[] {
  return objects.flatMap(({ spec }) => (spec as { template?: { spec: PodSpec } } | undefined)?.template?.spec ?? [])
}

export const containersOf = (pod: PodSpec) => [...(pod.initContainers ?? []), ...pod.containers]

/** A key, or a password with a value beside it: `password: x`, `PASSWORD=x`. */
export const secretMaterial = /-----BEGIN [A-Z ]*PRIVATE KEY|passw(or)?d['"]?\s*[:=]\s*\S/i

/** What the Pod Security Standard `restricted` (v1.35) forbids in this pod, and a root file system that can be written. */
export function restrictedViolations(pod: PodSpec): string[] {
  const violations: string[] = []
  const demand = (holds: boolean, what: string) => holds || violations.push(what)
  const allowedVolumes = [
    'configMap',
    'csi',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'persistentVolumeClaim',
    'projected',
    'secret',
  ]
  for (const volume of pod.volumes ?? []) {
    const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'none'
    demand(allowedVolumes.includes(kind), `volume ${String(volume['name'])} is of kind ${kind}`)
  }
  demand(!pod.hostNetwork && !pod.hostPID && !pod.hostIPC, 'a namespace of the host')
  demand(pod.automountServiceAccountToken === false, 'a token mounted by default')
  demand(pod.securityContext?.['runAsNonRoot'] === true, 'runAsNonRoot')
  demand(Number(pod.securityContext?.['runAsUser']) > 0, 'runAsUser')
  const seccomp = pod.securityContext?.['seccompProfile'] as { type?: string } | undefined
  demand(seccomp?.type === 'RuntimeDefault', 'seccompProfile')
  for (const { securityContext = {} } of containersOf(pod)) {
    const capabilities = securityContext['capabilities'] as { drop?: string[]; add?: string[] } | undefined
    demand(securityContext['allowPrivilegeEscalation'] === false, 'allowPrivilegeEscalation')
    demand(capabilities?.drop?.includes('ALL') === true && !capabilities.add, 'capabilities')
    demand(securityContext['privileged'] !== true, 'privileged')
    demand(securityContext['runAsNonRoot'] !== false && securityContext['runAsUser'] !== 0, 'root')
    demand(securityContext['readOnlyRootFilesystem'] === true, 'readOnlyRootFilesystem')
  }
  return violations
}
