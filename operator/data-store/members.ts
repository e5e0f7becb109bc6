import { X509Certificate } from 'node:crypto'
import type { KubeObject } from '../../crds/object.ts'
import type { MemberAddress, Membership, Node } from '../engines/engine.ts'
import { deadline } from '../reconcile/deadline.ts'
import { messageOf } from '../reconcile/errors.ts'
import { secretValue } from '../secrets.ts'
import { ordinalOf } from './claims.ts'
import { trustedFor } from './endpoint.ts'
import { names } from './names.ts'
import { databasePods, findSecret, findStatefulSet, memberTarget, type Context } from './observe.ts'
import type { PodState } from './rollout.ts'

interface PodStatus {
  phase?: string
  podIP?: string
  conditions?: { type: string; status: string; lastTransitionTime?: string }[]
  containerStatuses?: { state?: { running?: object } }[]
}

const statusOf = (pod: KubeObject) => (pod['status'] ?? {}) as PodStatus

function isReady(pod: KubeObject): boolean {
  return readyOf(pod) !== undefined
}

const readyOf = (pod: KubeObject) =>
  statusOf(pod).conditions?.find(({ type, status }) => type === 'Ready' && status === 'True')

/** Undefined: it is not ready. */
export function readySince(pod: KubeObject): Date | undefined {
  const ready = readyOf(pod)
  return ready && new Date(ready.lastTransitionTime ?? 0)
}

/** Undefined while the StatefulSet's controller has not looked at its newest spec: nobody can tell then which pods are old. */
export function podStates(context: Context): PodState[] | undefined {
  const statefulSet = findStatefulSet(context)
  const status = (statefulSet?.['status'] ?? {}) as { observedGeneration?: number; updateRevision?: string }
  if (!statefulSet || (status.observedGeneration ?? 0) < (statefulSet.metadata.generation ?? 0)) return undefined
  return databasePods(context).map((pod) => ({
    name: pod.metadata.name,
    stale: pod.metadata.labels?.['controller-revision-hash'] !== status.updateRevision,
    ready: isReady(pod),
    down: !statusOf(pod).containerStatuses?.every(({ state }) => state?.running),
    terminating: pod.metadata.deletionTimestamp !== undefined,
  }))
}

/** Where the manager of this pod answers; undefined while the pod has no address. */
export function memberAddress(context: Context, pod: KubeObject): MemberAddress | undefined {
  const { engine, plan, store, namespace } = context
  const { podIP: host } = statusOf(pod)
  const { secret, username } = engine.admin(plan)
  const password = secretValue(findSecret(context, secret), 'password')
  const ca = trustedFor(store, context.tools.cache)
  if (!host || !password || !ca) return undefined
  const serverName = `${pod.metadata.name}.${names.headlessService(store.metadata.name)}.${namespace}.svc`
  return { host, serverName, username, password, ca }
}

/** The pods of a store whose engine has no members, by ordinal; one that is going is no longer counted. */
export function nodesOf(context: Context): Node[] {
  return databasePods(context)
    .filter((pod) => !pod.metadata.deletionTimestamp)
    .map((pod) => ({
      name: pod.metadata.name,
      ordinal: ordinalOf(pod),
      machine: (pod['spec'] as { nodeName?: string } | undefined)?.nodeName,
      ready: isReady(pod),
      target: memberTarget(context, pod.metadata.name),
      certificate: wantedCertificate(context),
    }))
    .sort((a, b) => a.ordinal - b.ordinal)
}

/** Fingerprint of the certificate in the Secret; empty while there is none. */
export function wantedCertificate(context: Context): string {
  const certificate = secretValue(findSecret(context, names.tlsSecret(context.store.metadata.name)), 'tls.crt')
  return certificate ? new X509Certificate(certificate).fingerprint256 : ''
}

export interface Answer {
  at: MemberAddress
  membership: Membership
}

/** What the members say of themselves: the primary's answer if it gives one, else any other's. @returns why there is none */
export async function askMembers(context: Context): Promise<Answer | string> {
  const { members } = context.engine
  if (!members) throw new Error(`engine ${context.engine.name} has no members`)
  const pods = databasePods(context).filter((pod) => !pod.metadata.deletionTimestamp)
  const primaryFirst = [...pods].sort((a, b) => Number(isPrimary(b)) - Number(isPrimary(a)))
  const silence: string[] = []
  for (const pod of primaryFirst) {
    const at = memberAddress(context, pod)
    if (!at) continue
    const signal = deadline(context, 3_000)
    try {
      return {
        at,
        membership: await members.observe(at, context.plan, signal),
      }
    } catch (error) {
      silence.push(`${pod.metadata.name}: ${messageOf(error)}`)
    }
  }
  return silence[0] ?? 'no pod has an address yet'
}

const isPrimary = (pod: KubeObject) => pod.metadata.labels?.['role'] === 'primary'

/** Whom the read-only Service should lead to: ready replicas, or the primary while there is none. Pure. */
export function readFrom(pods: KubeObject[]): 'primary' | 'replica' {
  const isReplica = (pod: KubeObject) => pod.metadata.labels?.['role'] === 'replica'
  return pods.some((pod) => isReplica(pod) && isReady(pod) && !pod.metadata.deletionTimestamp) ? 'replica' : 'primary'
}
