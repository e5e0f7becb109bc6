import type { KubeObject } from '../../../crds/object.ts'
import { names } from '../../data-store/names.ts'
import { labels, selector, type Identity } from '../../labels.ts'
import { from, networkPolicy, podsOf, to } from '../../network.ts'
import { disruptionBudget, podScheduling } from '../../placement.ts'
import { containerSecurity, podSecurity, resourceRequirements } from '../../pods.ts'
import type { Plan } from '../engine.ts'
import { hashedTemplate, keepVolumes, metadata, storeName, tlsVolume, volumeClaim } from '../stateful.ts'
import { dataDirectory, keeperFile, keeperPort, keeperRaftPort, tlsDirectory } from './config.ts'
import { clickhouseId } from './objects.ts'
import { keeperName, keepers } from './topology.ts'

/*
 * ClickHouse Keeper: what several servers agree by. Of the same image, in pods of its own, so that a server that is restarted or runs out
 * of memory does not take the agreement with it.
 */

const keeperDirectory = '/etc/clickhouse-keeper'

/** Not the members': selectors of the store must not meet these pods. */
const identityOf = (plan: Plan): Identity => ({ ...plan.identity, component: 'keeper' })

export function keeperObjects(plan: Plan): KubeObject[] {
  const name = keeperName(plan)
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(plan, name) }
  return [
    { ...config, data: { 'keeper.xml': keeperFile(plan) } },
    headless(plan),
    ...policy(plan),
    disruptionBudget(metadata(plan, name), identityOf(plan)),
    statefulSet(plan),
  ]
}

const ports = [
  { name: 'keeper', port: keeperPort },
  { name: 'raft', port: keeperRaftPort },
]

function headless(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(plan, names.headlessService(keeperName(plan))),
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      // They must find each other before they can be ready.
      publishNotReadyAddresses: true,
      selector: selector(identityOf(plan)),
      ports: ports.map(({ name, port }) => ({ name, port, targetPort: name, protocol: 'TCP' })),
    },
  }
}

/** Of the servers. */
export const toKeeper = (plan: Plan) => to(podsOf(identityOf(plan)), [keeperPort])

function policy(plan: Plan): KubeObject[] {
  const [servers, others] = [podsOf(plan.identity), podsOf(identityOf(plan))]
  return networkPolicy(plan.store.spec, metadata(plan, keeperName(plan)), identityOf(plan), {
    ingress: [from(servers, [keeperPort]), from(others, [keeperRaftPort])],
    egress: [to(others, [keeperRaftPort])],
  })
}

function statefulSet(plan: Plan): KubeObject {
  const claim = volumeClaim(plan)
  const spec = { ...claim.spec, resources: { requests: { storage: '1Gi' } } }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata(plan, keeperName(plan)),
    spec: {
      replicas: plan.members > 0 ? keepers : 0,
      serviceName: names.headlessService(keeperName(plan)),
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate' },
      selector: { matchLabels: selector(identityOf(plan)) },
      template: hashedTemplate(podTemplate(plan), [keeperFile(plan)], plan),
      volumeClaimTemplates: [{ ...claim, spec }],
      persistentVolumeClaimRetentionPolicy: keepVolumes,
    },
  }
}

function podTemplate(plan: Plan) {
  const { spec } = plan.store
  return {
    metadata: { labels: labels(identityOf(plan)) },
    spec: {
      serviceAccountName: names.serviceAccount(storeName(plan)),
      ...podScheduling(spec, identityOf(plan)),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: podSecurity(clickhouseId),
      terminationGracePeriodSeconds: 30,
      containers: [container(plan)],
      volumes: [
        { name: 'config', configMap: { name: keeperName(plan) } },
        tlsVolume(plan),
        { name: 'tmp', emptyDir: {} },
      ],
    },
  }
}

function container(plan: Plan) {
  // It listens once it has a leader, and answers nobody without a certificate: more than that cannot be asked from outside.
  const listens = { tcpSocket: { port: 'keeper' } }
  const server = `clickhouse-keeper --config-file=${keeperDirectory}/keeper.xml`
  return {
    name: 'keeper',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', `export KEEPER_ID=$(( \${POD_NAME##*-} + 1 )); exec ${server}`],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'CLICKHOUSE_WATCHDOG_ENABLE', value: '0' },
    ],
    ports: ports.map(({ name, port }) => ({ name, containerPort: port, protocol: 'TCP' })),
    startupProbe: { ...listens, periodSeconds: 2, failureThreshold: 300 },
    livenessProbe: { ...listens, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    readinessProbe: { ...listens, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 3 },
    resources: resourceRequirements({ cpu: '50m', memory: '128Mi', memoryLimit: '512Mi' }),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: names.volume, mountPath: dataDirectory },
      { name: 'config', mountPath: keeperDirectory, readOnly: true },
      { name: 'tls', mountPath: tlsDirectory, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
}
