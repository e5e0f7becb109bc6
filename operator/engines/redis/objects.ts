import type { KubeObject } from '../../../crds/object.ts'
import { names } from '../../data-store/names.ts'
import { containerSecurity, resourceRequirements } from '../../pods.ts'
import type { Plan } from '../engine.ts'
import {
  clientService,
  disruptionBudgets,
  equalPods,
  headlessService,
  memberPolicy,
  metadata,
  serviceAccount,
  storeName,
  tlsVolume,
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
  return [
    serviceAccount(plan),
    configMap(plan),
    // Any pod tells a client of the cluster where to go.
    clientService(plan, [redisPort]),
    headlessService(plan, [redisPort, busServicePort]),
    ...memberPolicy(plan, { clients: [port], operator: [port], members: [port, busPort] }),
    ...disruptionBudgets(plan),
    statefulSet(plan),
  ]
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

const redisPort: ServicePort = { name: 'redis', port, targetPort: 'redis', protocol: 'TCP' }
const busServicePort: ServicePort = { name: 'bus', port: busPort, targetPort: 'bus', protocol: 'TCP' }

function statefulSet(plan: Plan): KubeObject {
  return equalPods(plan, {
    id: redisId,
    // Ten seconds for a copy to take over, ten for the others to catch up, then the file is synced.
    terminationGracePeriodSeconds: 60,
    containers: [container(plan)],
    volumes: volumes(plan),
    files: [fixedFiles],
    // A master that is back accepts writes after two seconds, and the others take a moment to see it.
    minReadySeconds: 5,
  })
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
