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
  namespaceOf,
  serviceAccount,
  storeName,
  tlsVolume,
  type ServicePort,
} from '../stateful.ts'
import {
  configDirectory,
  configFiles,
  dataDirectory,
  interserverPort,
  nativePort,
  port,
  serverFile,
  tlsDirectory,
} from './config.ts'
import { keeperObjects, toKeeper } from './keeper.ts'
import { isCluster, shardsOf } from './topology.ts'

/** User and group of the upstream image, and of ours. */
export const clickhouseId = 101

/** Everything Kubernetes must hold for one ClickHouse store, Secrets excepted. Pure: same plan, same bytes. */
export function objects(plan: Plan): KubeObject[] {
  const clients = [servicePort('https', port), servicePort('native', nativePort)]
  const members = isCluster(plan) ? [...clients, servicePort('interserver', interserverPort)] : clients
  return [
    serviceAccount(plan),
    configMap(plan),
    // Each answers for all shards by way of Distributed tables.
    clientService(plan, clients),
    headlessService(plan, members),
    ...memberPolicy(plan, {
      clients: [port, nativePort],
      operator: [port],
      members: isCluster(plan) ? [nativePort, interserverPort] : [],
      egress: isCluster(plan) ? [toKeeper(plan)] : [],
    }),
    ...disruptionBudgets(plan),
    statefulSet(plan, members),
    ...(isCluster(plan) ? keeperObjects(plan) : []),
  ]
}

const servicePort = (name: string, number: number): ServicePort => ({
  name,
  port: number,
  targetPort: name,
  protocol: 'TCP',
})

function configMap(plan: Plan): KubeObject {
  const name = names.clickhouseConfig(storeName(plan))
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(plan, name), data: configFiles(plan) }
}

function statefulSet(plan: Plan, ports: ServicePort[]): KubeObject {
  return equalPods(plan, {
    id: clickhouseId,
    // Running queries have 30 s; then parts that are in memory are written.
    terminationGracePeriodSeconds: 60,
    containers: [container(plan, ports)],
    volumes: volumes(plan),
    files: [serverFile(plan)],
  })
}

function container(plan: Plan, ports: ServicePort[]) {
  return {
    name: 'clickhouse',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    // Not the image's entry point: that writes into its own folders.
    command: command(plan),
    env: environment(plan),
    ports: ports.map(({ name, port: containerPort }) => ({ name, containerPort, protocol: 'TCP' })),
    startupProbe: { httpGet: https('/ping'), periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 300 },
    // A server that is busy for long is not helped by a restart, which would load every part again.
    livenessProbe: { httpGet: https('/ping'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    readinessProbe: { httpGet: https('/ready'), periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 3 },
    resources: resourceRequirements(plan.store.spec.resources),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: names.volume, mountPath: dataDirectory },
      { name: 'config', mountPath: configDirectory, readOnly: true },
      { name: 'tls', mountPath: tlsDirectory, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
}

const https = (path: string) => ({ scheme: 'HTTPS', path, port: 'https' })

function command(plan: Plan): string[] {
  const server = ['clickhouse-server', `--config-file=${configDirectory}/config.xml`]
  if (!isCluster(plan)) return server
  const shard = `SHARD=$(( \${POD_NAME##*-} % ${shardsOf(plan)} + 1 ))`
  return ['sh', '-c', `export ${shard}; exec ${server.join(' ')}`]
}

function environment(plan: Plan) {
  const host = `$(POD_NAME).${names.headlessService(storeName(plan))}.${namespaceOf(plan)}.svc`
  const ofCluster = [podName, { name: 'POD_HOST', value: host }]
  // The kubelet restarts what ends; a watchdog of the server's own would only hide it.
  return [...(isCluster(plan) ? ofCluster : []), { name: 'CLICKHOUSE_WATCHDOG_ENABLE', value: '0' }]
}

const podName = { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }

function volumes(plan: Plan) {
  const configMapItems = [
    { key: 'config.xml', path: 'config.xml' },
    { key: 'parameters.xml', path: 'config.d/parameters.xml' },
    { key: 'users.xml', path: 'users.xml' },
  ]
  const secretItems = [
    { key: 'logins.xml', path: 'users.d/logins.xml' },
    ...(isCluster(plan) ? [{ key: 'cluster.xml', path: 'config.d/cluster.xml' }] : []),
  ]
  const sources = [
    { configMap: { name: names.clickhouseConfig(storeName(plan)), items: configMapItems } },
    { secret: { name: names.loginsSecret(storeName(plan)), items: secretItems } },
  ]
  return [
    { name: 'config', projected: { sources, defaultMode: 0o440 } },
    tlsVolume(plan),
    { name: 'tmp', emptyDir: {} },
  ]
}
