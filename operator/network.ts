import type { KubeObject, ObjectMeta } from '../crds/object.ts'
import { clientOf, monitoringNamespace, operatorPods, selector, type Identity } from './labels.ts'

/*
 * NetworkPolicies: what no rule names is closed, in and out. docs/network.md has all edges. Pure.
 */

/** What policies must know of the cluster they are in. */
export interface Surroundings {
  /** Where the operator's own pods are. */
  operatorNamespace: string
  /** Where the API server may answer: it is no pod, so a policy can name its port only. */
  apiServerPorts: number[]
}

type Selector = Record<string, string>

interface Peer {
  podSelector?: { matchLabels: Selector }
  namespaceSelector?: { matchLabels: Selector }
}

interface Port {
  protocol: 'TCP' | 'UDP'
  port: number
}

interface Ingress {
  from?: Peer[]
  ports: Port[]
}

export interface Egress {
  to?: Peer[]
  ports: Port[]
}

interface Rules {
  ingress: Ingress[]
  egress: Egress[]
}

/** Of the spec of a DataStore or a MatchingCluster. */
interface Wanted {
  networkPolicy: 'Restricted' | 'None'
}

export const policyKind = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' }

/** For the pods of `identity`: these edges and no other. Policies add up, so one of the user's own can open more. None where the spec wants none. */
export function networkPolicy(
  { networkPolicy }: Wanted,
  metadata: ObjectMeta,
  identity: Identity,
  { ingress, egress }: Rules,
): KubeObject[] {
  if (networkPolicy === 'None') return []
  const spec = {
    podSelector: { matchLabels: selector(identity) },
    policyTypes: ['Ingress', 'Egress'],
    ...(ingress.length > 0 ? { ingress } : {}),
    egress: [nameServers, ...egress],
  }
  return [{ ...policyKind, metadata, spec }]
}

const tcp = (port: number): Port => ({ protocol: 'TCP', port })

export const from = (peer: Peer, ports: number[]): Ingress => ({ from: [peer], ports: ports.map(tcp) })
export const fromAnywhere = (ports: number[]): Ingress => ({ ports: ports.map(tcp) })
export const to = (peer: Peer, ports: number[]): Egress => ({ to: [peer], ports: ports.map(tcp) })
export const toAnywhere = (ports: number[]): Egress => ({ ports: ports.map(tcp) })

/**
 * Whoever answers: their labels differ between clusters, and some are no pods, such as a cache on the node. What counts is the port of
 * the pod behind the Service: those of OpenShift listen on 5353 (github.com/nmstate/kubernetes-nmstate/pull/1570).
 */
const nameServers: Egress = { ports: [53, 5353].flatMap((port): Port[] => [{ protocol: 'UDP', port }, tcp(port)]) }

/** Of the same namespace. */
export const podsOf = (identity: Identity): Peer => ({ podSelector: { matchLabels: selector(identity) } })
/** Pods of the same namespace that say they are clients of the store or pooler of this name. */
export const clients = (name: string): Peer => ({ podSelector: { matchLabels: clientOf(name) } })
export const monitoring: Peer = { namespaceSelector: { matchLabels: monitoringNamespace } }
export const operator = ({ operatorNamespace }: Surroundings): Peer => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace } },
  podSelector: { matchLabels: operatorPods },
})
