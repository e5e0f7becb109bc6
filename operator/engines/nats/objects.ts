import type { KubeObject } from '../../../crds/object.ts'
import { names } from '../../data-store/names.ts'
import { containerSecurity, resourceRequirements } from '../../pods.ts'
import { quantity } from '../../quantity.ts'
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
} from '../stateful.ts'
import {
  configDirectory,
  configFile,
  configText,
  dataDirectory,
  fixedText,
  isCluster,
  lameDuckSeconds,
  loginsFile,
  monitorPort,
  port,
  routePort,
} from './config.ts'

/** The image has no user of its own: any will do. */
const natsId = 1000

/** Everything Kubernetes must hold for one NATS store, Secrets excepted. Pure: same plan, same bytes. */
export function objects(plan: Plan): KubeObject[] {
  return [
    serviceAccount(plan),
    configMap(plan),
    clientService(plan, [clientPort]),
    headlessService(plan, servicePorts(plan)),
    ...memberPolicy(plan, { clients: [port], operator: [port], members: isCluster(plan) ? [routePort] : [] }),
    ...disruptionBudgets(plan),
    statefulSet(plan),
  ]
}

function configMap(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(plan, names.natsConfig(storeName(plan))),
    data: { [configFile]: configText(plan) },
  }
}

const clientPort = { name: 'nats', port, targetPort: 'nats', protocol: 'TCP' } as const
const clusterPort = { name: 'route', port: routePort, targetPort: 'route', protocol: 'TCP' } as const
const monitor = { name: 'monitor', port: monitorPort, targetPort: 'monitor', protocol: 'TCP' } as const

const servicePorts = (plan: Plan) => [clientPort, monitor, ...(isCluster(plan) ? [clusterPort] : [])]

function statefulSet(plan: Plan): KubeObject {
  return equalPods(plan, {
    id: natsId,
    terminationGracePeriodSeconds: lameDuckSeconds + 15,
    containers: [container(plan)],
    volumes: [configVolume(plan)],
    files: [fixedText(plan)],
  })
}

function container(plan: Plan) {
  return {
    name: 'nats',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    args: ['--config', `${configDirectory}/${configFile}`],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      // The collector works harder before the kernel ends the pod.
      { name: 'GOMEMLIMIT', value: String(Math.floor((quantity(plan.store.spec.resources.memoryLimit) ?? 0) * 0.8)) },
    ],
    ports: servicePorts(plan).map(({ name, port: containerPort, protocol }) => ({ name, containerPort, protocol })),
    // Streams are read, and a member has caught up with the others: then the next pod may be replaced.
    startupProbe: { httpGet: healthz(''), periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 900 },
    // Later one stream without a majority is no reason to turn clients of all others away.
    readinessProbe: {
      httpGet: healthz('?js-enabled-only=true'),
      periodSeconds: 2,
      timeoutSeconds: 3,
      failureThreshold: 2,
    },
    livenessProbe: {
      httpGet: healthz('?js-server-only=true'),
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    },
    // The server is process 1. It takes no notice of the SIGTERM that follows, and ends by itself when its clients have gone.
    lifecycle: { preStop: { exec: { command: ['nats-server', '--signal', 'ldm=1'] } } },
    resources: resourceRequirements(plan.store.spec.resources),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: names.volume, mountPath: dataDirectory },
      { name: 'config', mountPath: configDirectory, readOnly: true },
    ],
  }
}

const healthz = (query: string) => ({ scheme: 'HTTPS', path: `/healthz${query}`, port: 'monitor' })

/** One volume, so that settings, logins and certificate change at the same moment. Readable by the pod's group only. */
function configVolume(plan: Plan) {
  const store = storeName(plan)
  return {
    name: 'config',
    projected: {
      defaultMode: 0o440,
      sources: [
        { configMap: { name: names.natsConfig(store), items: [itemOf(configFile)] } },
        { secret: { name: names.loginsSecret(store), items: [itemOf(loginsFile)] } },
        { secret: { name: names.tlsSecret(store), items: ['tls.crt', 'tls.key', 'ca.crt'].map(itemOf) } },
      ],
    },
  }
}

const itemOf = (key: string) => ({ key, path: key })
