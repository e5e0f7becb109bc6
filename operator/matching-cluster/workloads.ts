import type { KubeObject } from '../../crds/object.ts'
import type { MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { names as storeNames } from '../data-store/names.ts'
import { clientOf, labels, selector, type Identity } from '../labels.ts'
import { containerSecurity, platformId, podSecurity, resourceRequirements } from '../pods.ts'
import { disruptionBudget, podScheduling } from '../placement.ts'
import { names } from './names.ts'

export const servicePort = 8080
export const metricsPort = 9090
const bindingDirectory = '/bindings/core'
const tokensDirectory = '/tokens'

/** Deployment, Service and disruption budget of every application service. Pure. `image` is the platform image. */
export function workloads(cluster: MatchingCluster, image: string): KubeObject[] {
  const identity = serviceIdentity(cluster, 'core')
  const always = [service(cluster, identity), coreDeployment(cluster, identity, image)]
  const several = cluster.spec.services.core.replicas > 1
  return several ? [...always, disruptionBudget(metadata(cluster, identity), identity)] : always
}

export function serviceIdentity(cluster: MatchingCluster, service: string): Identity {
  const name = cluster.metadata.name
  return { name: `${service}-api`, instance: name, component: 'service', cluster: name }
}

function service(cluster: MatchingCluster, identity: Identity): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(cluster, identity),
    spec: {
      selector: selector(identity),
      ports: [
        { name: 'http', port: servicePort, targetPort: 'http', protocol: 'TCP' },
        { name: 'metrics', port: metricsPort, targetPort: 'metrics', protocol: 'TCP' },
      ],
    },
  }
}

function coreDeployment(cluster: MatchingCluster, identity: Identity, image: string): KubeObject {
  const spec = cluster.spec.services.core
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(cluster, identity),
    spec: {
      replicas: spec.replicas,
      selector: { matchLabels: selector(identity) },
      // One pod more during a change, never one fewer: requests go on.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels: { ...labels(identity), ...clientOf(names.pooler(cluster.metadata.name)) } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: podSecurity(platformId),
          ...podScheduling(cluster.spec, identity),
          terminationGracePeriodSeconds: 30,
          containers: [coreContainer(spec.resources, image)],
          volumes: volumes(cluster),
        },
      },
    },
  }
}

function coreContainer(resources: Parameters<typeof resourceRequirements>[0], image: string) {
  return {
    name: 'core',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', 'services/main.ts', 'core'],
    env: [
      { name: 'CORE_BINDING_DIR', value: bindingDirectory },
      { name: 'TOKENS_FILE', value: `${tokensDirectory}/public.jwks` },
    ],
    ports: [
      { name: 'http', containerPort: servicePort, protocol: 'TCP' },
      { name: 'metrics', containerPort: metricsPort, protocol: 'TCP' },
    ],
    // Five minutes: a node that is short of CPU starts it slowly, and a restart would begin again.
    startupProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1, failureThreshold: 300 },
    livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 10, timeoutSeconds: 5 },
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 5, timeoutSeconds: 3 },
    resources: resourceRequirements(resources),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: 'core-binding', mountPath: bindingDirectory, readOnly: true },
      { name: 'tokens', mountPath: tokensDirectory, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
}

function volumes(cluster: MatchingCluster) {
  const { name } = cluster.metadata
  return [
    { name: 'core-binding', secret: { secretName: storeNames.bindingSecret(names.dataStore(name, 'core'), 'app') } },
    {
      name: 'tokens',
      // Only the public half: a service verifies tokens, it cannot issue them.
      secret: { secretName: names.tokensSecret(name), items: [{ key: 'public.jwks', path: 'public.jwks' }] },
    },
    { name: 'tmp', emptyDir: {} },
  ]
}

function metadata(cluster: MatchingCluster, identity: Identity) {
  const { name, namespace = '' } = cluster.metadata
  return { name: names.service(name, 'core'), namespace, labels: labels(identity) }
}
