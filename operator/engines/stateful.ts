import { createHash } from 'node:crypto'
import type { KubeObject } from '../../crds/object.ts'
import { names } from '../data-store/names.ts'
import { caHash, configHash, domain, labels, managedBy, selector } from '../labels.ts'
import { clients, from, networkPolicy, operator, podsOf, to, type Egress } from '../network.ts'
import { disruptionBudget, podScheduling } from '../placement.ts'
import { podSecurity } from '../pods.ts'
import type { Plan } from './engine.ts'

/*
 * What the StatefulSets of all engines have in common. Pure.
 */

export const storeName = (plan: Plan) => plan.store.metadata.name
export const namespaceOf = (plan: Plan) => plan.store.metadata.namespace ?? ''

/** Of an object of the store. */
export const metadata = (plan: Plan, name: string) => ({
  name,
  namespace: namespaceOf(plan),
  labels: labels(plan.identity),
})

export interface ServicePort {
  name: string
  port: number
  targetPort: string
  protocol: 'TCP'
}

/** Gives every pod a name. Members must find each other before they are ready. */
export function headlessService(plan: Plan, ports: ServicePort[]): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(plan, names.headlessService(storeName(plan))),
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: selector(plan.identity),
      ports,
    },
  }
}

/**
 * The pod template with a digest of itself, of the files it mounts and of the CA: a change of any means a restart. What an engine
 * reads again while it runs does not belong into `files`.
 */
export function hashedTemplate<Template extends { metadata: object }>(
  template: Template,
  files: unknown[],
  plan: Plan,
) {
  const hash = createHash('sha256').update(JSON.stringify([template, ...files]))
  const annotations = { [configHash]: hash.digest('hex'), [caHash]: plan.caFingerprint }
  return { ...template, metadata: { ...template.metadata, annotations } }
}

/** A claim template can never change, so its labels are those that never do; not all of `labels()`, to which a release may add. */
function volumeLabels({ identity }: Plan): Record<string, string> {
  const { cluster, store = '' } = identity
  const ofCluster = cluster ? { [`${domain}/cluster`]: cluster, [`${domain}/store`]: store } : {}
  return { ...selector(identity), 'app.kubernetes.io/managed-by': managedBy, ...ofCluster }
}

/** The volumeClaimTemplate of the data. Its volumes outlive the store. */
export function volumeClaim(plan: Plan) {
  const { size, storageClass } = plan.store.spec.storage
  return {
    metadata: { name: names.volume, labels: volumeLabels(plan) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      ...(storageClass ? { storageClassName: storageClass } : {}),
    },
  }
}

export const keepVolumes = { whenDeleted: 'Retain', whenScaled: 'Retain' }

/** The server's certificate (tls.crt, tls.key, ca.crt), readable by the pod's group only: engines refuse a key that others can read. */
export const tlsVolume = (plan: Plan) => ({
  name: 'tls',
  secret: { secretName: names.tlsSecret(storeName(plan)), defaultMode: 0o440 },
})

/** An environment variable out of a Secret. */
export const fromSecret = (variable: string, name: string, key: string) => ({
  name: variable,
  valueFrom: { secretKeyRef: { name, key } },
})

/** For pods that need no right in Kubernetes; who needs some binds them to it. */
export function serviceAccount(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata(plan, names.serviceAccount(storeName(plan))),
    automountServiceAccountToken: false,
  }
}

/** None for a single pod, of which it would keep nothing. */
export function disruptionBudgets(plan: Plan): KubeObject[] {
  const { shards, replicas } = plan.store.spec
  if (shards * replicas === 1) return []
  return [disruptionBudget(metadata(plan, names.disruptionBudget(storeName(plan))), plan.identity)]
}

/** Ports of the members' pods that must be open, by who connects. A port that is in none is for the kubelet, which no policy keeps out. */
interface Edges {
  clients: number[]
  operator: number[]
  members: number[]
  /** What else members connect to. */
  egress?: Egress[]
}

/** Nobody else reaches the members, and they reach nobody else. */
export function memberPolicy(plan: Plan, edges: Edges): KubeObject[] {
  const others = podsOf(plan.identity)
  // A rule without ports would be one for all of them.
  const hasOthers = edges.members.length > 0
  return networkPolicy(plan.store.spec, metadata(plan, names.networkPolicy(storeName(plan))), plan.identity, {
    ingress: [
      from(clients(storeName(plan)), edges.clients),
      from(operator(plan.surroundings), edges.operator),
      ...(hasOthers ? [from(others, edges.members)] : []),
    ],
    egress: [...(hasOthers ? [to(others, edges.members)] : []), ...(edges.egress ?? [])],
  })
}

/** The read-write Service of a store whose pods are equal: any ready one. */
export function clientService(plan: Plan, ports: ServicePort[]): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(plan, names.readWriteService(storeName(plan))),
    spec: { type: 'ClusterIP', selector: selector(plan.identity), ports },
  }
}

interface EqualPods {
  /** User and group of the image. */
  id: number
  terminationGracePeriodSeconds: number
  containers: object[]
  volumes: object[]
  /** Of the files that pods mount, what only a new pod takes over. */
  files: unknown[]
  minReadySeconds?: number
}

/**
 * The StatefulSet of a store without a leader: Kubernetes replaces its pods one by one, and all start at once, because after a stop of
 * all they find each other only together.
 */
export function equalPods(plan: Plan, { id, files, minReadySeconds, ...pod }: EqualPods): KubeObject {
  const { terminationGracePeriodSeconds, containers, volumes } = pod
  const template = {
    metadata: { labels: labels(plan.identity) },
    spec: {
      serviceAccountName: names.serviceAccount(storeName(plan)),
      ...podScheduling(plan.store.spec, plan.identity),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: podSecurity(id),
      terminationGracePeriodSeconds,
      containers,
      volumes,
    },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata(plan, names.statefulSet(storeName(plan))),
    spec: {
      replicas: plan.members,
      serviceName: names.headlessService(storeName(plan)),
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate' },
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { matchLabels: selector(plan.identity) },
      template: hashedTemplate(template, files, plan),
      volumeClaimTemplates: [volumeClaim(plan)],
      persistentVolumeClaimRetentionPolicy: keepVolumes,
    },
  }
}

/** DNS names of the certificate of such a store: the Service under each of its names, and every pod. */
export function equalServerNames(plan: Plan): string[] {
  const service = `${names.readWriteService(storeName(plan))}.${namespaceOf(plan)}.svc`
  const pods = `*.${names.headlessService(storeName(plan))}.${namespaceOf(plan)}.svc`
  const long = [service, pods].flatMap((host) => [host, `${host}.cluster.local`])
  return [...long, names.readWriteService(storeName(plan))]
}
