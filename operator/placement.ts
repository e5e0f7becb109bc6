import type { KubeObject, ObjectMeta } from '../crds/object.ts'
import type { Placement } from '../crds/schema/common.ts'
import { selector, type Identity } from './labels.ts'

/** As the spec gives them; a store and a platform have the same fields. */
interface Scheduling {
  placement: Placement
  imagePullSecrets: string[]
}

/** The fields of a pod's spec that say where it may run and how its image is pulled. Pure. */
export function podScheduling({ placement, imagePullSecrets }: Scheduling, identity: Identity) {
  const { nodeSelector, tolerations, affinity, priorityClassName } = placement
  const labelSelector = { matchLabels: selector(identity) }
  const spread = placement.topologySpreadConstraints ?? overNodes
  return {
    ...(nodeSelector ? { nodeSelector } : {}),
    ...(tolerations ? { tolerations } : {}),
    ...(affinity ? { affinity } : {}),
    ...(priorityClassName ? { priorityClassName } : {}),
    topologySpreadConstraints: spread.map((constraint) => ({ ...constraint, labelSelector })),
    ...(imagePullSecrets.length > 0 ? { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) } : {}),
  }
}

/** Anyway: on a cluster of one node, two pods are still better than one. */
const overNodes: NonNullable<Placement['topologySpreadConstraints']> = [
  { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
]

/** While nodes are drained, one pod at a time leaves. For more than one pod: of a single one it would keep nothing. Pure. */
export function disruptionBudget(metadata: ObjectMeta, identity: Identity): KubeObject {
  const spec = { maxUnavailable: 1, selector: { matchLabels: selector(identity) } }
  return { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec }
}
