/** What every pod of ours has in common: Pod Security `restricted`, a read-only root file system, no token unless it asks for one. */

export function podSecurity(id: number) {
  return {
    runAsNonRoot: true,
    runAsUser: id,
    runAsGroup: id,
    fsGroup: id,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  }
}

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}

/** Requests and limits from a spec; no CPU limit: see crds/schema/common.ts. */
export function resourceRequirements(spec: { cpu: string; memory: string; memoryLimit: string }) {
  return { requests: { cpu: spec.cpu, memory: spec.memory }, limits: { memory: spec.memoryLimit } }
}

/** User and group of the platform image, as images/platform/Containerfile creates them. */
export const platformId = 10001
