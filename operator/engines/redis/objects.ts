import type { KubeObject } from '../../../crds/object.ts'
import { names } from '../../data-store/names.ts'
import { labels, selector } from '../../labels.ts'
import { disruptionBudget, podScheduling } from '../../placement.ts'
import { containerSecurity, podSecurity, resourceRequirements } from '../../pods.ts'
import type { Plan } from '../engine.ts'
import {
  hashedTemplate,
  headlessService,
  keepVolumes,
  metadata,
  storeName,
  tlsVolume,
  volumeClaim,
  type ServicePort,
} from '../stateful.ts'
import {
  busPort,
  configDirectory,
  dataDirectory,
  fixedConfig,
  hostOf,
  leaveScript,
  loginsDirectory,
  parametersFile,
  port,
  readyScript,
  runDirectory,
  socket,
  tlsDirectory,
} from './config.ts'
import { startSettings } from './parameters.ts'

/** User and group of the image, ours and upstream's. */
const redisId = 999

/** Everything Kubernetes must hold for one Redis store, Secrets excepted. Pure: same plan, same bytes. */
export function objects(plan: Plan): KubeObject[] {
  const { shards, replicas } = plan.store.spec
  return [
    serviceAccount(plan),
    configMap(plan),
    readWriteService(plan),
    headlessService(plan, [redisPort, busServicePort]),
    ...(shards * replicas > 1
      ? [disruptionBudget(metadata(plan, names.disruptionBudget(storeName(plan))), plan.identity)]
      : []),
    statefulSet(plan),
  ]
}

function serviceAccount(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata(plan, names.serviceAccount(storeName(plan))),
    automountServiceAccountToken: false,
  }
}

function configMap(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(plan, names.redisConfig(storeName(plan))),
    data: { ...fixedFiles, 'parameters.conf': parametersFile(plan) },
  }
}

const fixedFiles = { 'redis.conf': fixedConfig, 'ready.sh': readyScript, 'leave.sh': leaveScript }

/** Any ready pod: it tells a client of the cluster where to go. */
function readWriteService(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(plan, names.readWriteService(storeName(plan))),
    spec: { type: 'ClusterIP', selector: selector(plan.identity), ports: [redisPort] },
  }
}

const redisPort: ServicePort = { name: 'redis', port, targetPort: 'redis', protocol: 'TCP' }
const busServicePort: ServicePort = { name: 'bus', port: busPort, targetPort: 'bus', protocol: 'TCP' }

function statefulSet(plan: Plan): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata(plan, names.statefulSet(storeName(plan))),
    spec: {
      replicas: plan.members,
      serviceName: names.headlessService(storeName(plan)),
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate' },
      // A master that is back accepts writes after two seconds, and the others take a moment to see it.
      minReadySeconds: 5,
      selector: { matchLabels: selector(plan.identity) },
      template: hashedTemplate(podTemplate(plan), [fixedFiles], plan),
      volumeClaimTemplates: [volumeClaim(plan)],
      persistentVolumeClaimRetentionPolicy: keepVolumes,
    },
  }
}

function podTemplate(plan: Plan) {
  return {
    metadata: { labels: labels(plan.identity) },
    spec: {
      serviceAccountName: names.serviceAccount(storeName(plan)),
      ...podScheduling(plan.store.spec, plan.identity),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: podSecurity(redisId),
      // Ten seconds for a copy to take over, ten for the others to catch up, then the file is synced.
      terminationGracePeriodSeconds: 60,
      containers: [container(plan)],
      volumes: volumes(plan),
    },
  }
}

function container(plan: Plan) {
  // Any answer will do: the process turns. It listens before it has read its data, and one that reads is not helped by a restart.
  const alive = { exec: { command: ['redis-cli', '-s', socket, 'PING'] }, timeoutSeconds: 10 }
  return {
    name: 'redis',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    command: ['redis-server', `${configDirectory}/redis.conf`, ...startArguments(plan)],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
    ports: [
      { name: 'redis', containerPort: port, protocol: 'TCP' },
      { name: 'bus', containerPort: busPort, protocol: 'TCP' },
    ],
    startupProbe: { ...alive, periodSeconds: 1, failureThreshold: 120 },
    // Long enough that a machine with no time for it is not taken for a server that hangs.
    livenessProbe: { ...alive, periodSeconds: 20, failureThreshold: 4 },
    readinessProbe: {
      exec: { command: ['sh', `${configDirectory}/ready.sh`] },
      periodSeconds: 5,
      timeoutSeconds: 10,
      failureThreshold: 3,
    },
    lifecycle: { preStop: { exec: { command: ['sh', `${configDirectory}/leave.sh`] } } },
    resources: resourceRequirements(plan.store.spec.resources),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: names.volume, mountPath: dataDirectory },
      { name: 'config', mountPath: configDirectory, readOnly: true },
      { name: 'logins', mountPath: loginsDirectory, readOnly: true },
      { name: 'tls', mountPath: tlsDirectory, readOnly: true },
      { name: 'run', mountPath: runDirectory },
    ],
  }
}

/** In the pod template, not in a file: what needs a new process comes with the new pod and not before. */
function startArguments(plan: Plan): string[] {
  const own = { 'cluster-announce-ip': '$(POD_IP)', 'cluster-announce-hostname': hostOf(plan, '$(POD_NAME)') }
  return Object.entries({ ...own, ...startSettings(plan.store) }).flatMap(([name, value]) => [`--${name}`, value])
}

function volumes(plan: Plan) {
  return [
    { name: 'config', configMap: { name: names.redisConfig(storeName(plan)) } },
    { name: 'logins', secret: { secretName: names.loginsSecret(storeName(plan)), defaultMode: 0o440 } },
    tlsVolume(plan),
    { name: 'run', emptyDir: {} },
  ]
}
