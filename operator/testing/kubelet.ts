import type { KubeObject } from '../../crds/object.ts'
import type { KubeClient } from '../kube/client.ts'

/**
 * For tests that play the kubelet: no node has so many cores, so a pod that asks for them is made by the real controllers, and
 * then nobody else writes its status.
 */
export const beyondAnyNode = '1000'

/** Says of an unscheduled pod that it runs and is ready, or what `given` says instead; whoever connects to it reaches this machine. */
export async function playRunning(client: KubeClient, pod: KubeObject, given: object = {}): Promise<void> {
  const { namespace, name } = pod.metadata
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }
  const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions: [ready], ...given }
  await client.mergePatch(pod, namespace, name, { status }, 'status')
}
