import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KubeObject } from '../../../crds/object.ts'
import { names } from '../../data-store/names.ts'
import { labels, selector } from '../../labels.ts'
import { toAnywhere } from '../../network.ts'
import { podScheduling } from '../../placement.ts'
import { containerSecurity, podSecurity, resourceRequirements } from '../../pods.ts'
import type { Plan } from '../engine.ts'
import {
  disruptionBudgets,
  fromSecret,
  hashedTemplate,
  headlessService,
  keepVolumes,
  memberPolicy,
  metadata,
  namespaceOf,
  serviceAccount,
  storeName,
  tlsVolume,
  volumeClaim,
} from '../stateful.ts'
import {
  dataDirectory,
  dataVolume,
  localConfig,
  patroniFile,
  patroniPort,
  port,
  socketDirectory,
  tlsDirectory,
} from './config.ts'

/** User and group of the postgres image, as images/postgres/Containerfile creates them. */
const postgresId = 999
const configDirectory = '/etc/patroni'
const prepareFile = `${configDirectory}/prepare.py`
const tokenDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Makes the first data directory; its header says why Patroni does not. */
const prepareScript = readFileSync(join(import.meta.dirname, 'prepare.py'), 'utf8')

/** What Patroni needs in its namespace, and no more. The operator's own Role holds the same set, or it could not grant it. */
export const patroniRights = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: [''], resources: ['endpoints'], verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'] },
]

/** Everything Kubernetes must hold for one PostgreSQL store, Secrets excepted. Pure: same plan, same bytes. */
export function objects(plan: Plan): KubeObject[] {
  return [
    serviceAccount(plan),
    role(plan),
    roleBinding(plan),
    configMap(plan),
    readWriteService(plan),
    readOnlyService(plan),
    memoryService(plan, names.patroniConfigService(storeName(plan))),
    memoryService(plan, names.patroniSyncService(storeName(plan))),
    headlessService(plan, [postgresPort, patroniRestPort]),
    ...memberPolicy(plan, {
      clients: [port],
      operator: [port, patroniPort],
      members: [port, patroniPort],
      // Patroni keeps there who is primary.
      egress: [toAnywhere(plan.surroundings.apiServerPorts)],
    }),
    ...disruptionBudgets(plan),
    statefulSet(plan),
  ]
}

function role(plan: Plan): KubeObject {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: metadata(plan, names.serviceAccount(storeName(plan))),
    rules: patroniRights,
  }
}

function roleBinding(plan: Plan): KubeObject {
  const name = names.serviceAccount(storeName(plan))
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: metadata(plan, name),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: namespaceOf(plan) }],
  }
}

function configMap(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(plan, names.config(storeName(plan))),
    data: configFiles(plan),
  }
}

const configFiles = (plan: Plan) => ({ 'patroni.yml': patroniFile(plan), 'prepare.py': prepareScript })

/** No selector: Patroni writes the Endpoints of this name, so that it always leads to the primary and to nothing else. */
function readWriteService(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(plan, names.readWriteService(storeName(plan))),
    spec: { type: 'ClusterIP', ports: [postgresPort] },
  }
}

/** Ready replicas, or the primary while there is none: who only reads keeps working with one member, too. */
function readOnlyService(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(plan, names.readOnlyService(storeName(plan))),
    spec: { type: 'ClusterIP', selector: { ...selector(plan.identity), role: plan.readFrom }, ports: [postgresPort] },
  }
}

/** Leads nowhere: Patroni keeps what it must not forget in the Endpoints of this name, which go when no Service has it. Outlives the store. */
function memoryService(plan: Plan, name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(plan, name),
    spec: { type: 'ClusterIP', clusterIP: 'None' },
  }
}

const patroniRestPort = { name: 'patroni', port: patroniPort, targetPort: 'patroni', protocol: 'TCP' } as const
const postgresPort = { name: 'postgres', port, targetPort: 'postgres', protocol: 'TCP' } as const

function statefulSet(plan: Plan): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata(plan, names.statefulSet(storeName(plan))),
    spec: {
      replicas: plan.members,
      serviceName: names.headlessService(storeName(plan)),
      podManagementPolicy: 'Parallel',
      // The operator restarts pods: replicas first, the primary last and only after a switchover. Kubernetes knows no primary.
      updateStrategy: { type: 'OnDelete' },
      selector: { matchLabels: selector(plan.identity) },
      template: hashedTemplate(podTemplate(plan), [localConfig(plan), prepareScript], plan),
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
      securityContext: podSecurity(postgresId),
      // Patroni writes a checkpoint, stops PostgreSQL cleanly and releases its lock; a large cache takes its time.
      terminationGracePeriodSeconds: 120,
      initContainers: [prepareContainer(plan)],
      containers: [patroniContainer(plan)],
      volumes: volumes(plan),
    },
  }
}

function prepareContainer(plan: Plan) {
  return {
    name: 'prepare',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    command: ['python3', prepareFile],
    env: [podName, ...preparation(plan), ...credentials(plan, '')],
    // What it says last is what a person looking at the pod should read.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    resources: resourceRequirements(plan.store.spec.resources),
    securityContext: containerSecurity,
    volumeMounts: [dataMount, configMount, tokenMount, temporaryMount],
  }
}

function patroniContainer(plan: Plan) {
  return {
    name: 'postgres',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    // A container that is killed while it copies starts again without the init container, on half a data directory.
    command: ['sh', '-c', `python3 ${prepareFile} && exec patroni ${configDirectory}/patroni.yml`],
    env: [...environment(plan), ...preparation(plan)],
    ports: [
      { name: 'postgres', containerPort: port, protocol: 'TCP' },
      { name: 'patroni', containerPort: patroniPort, protocol: 'TCP' },
    ],
    // /liveness: Patroni's own loop turns. A database in recovery or without its lock is not helped by a restart.
    startupProbe: { httpGet: patroni('/liveness'), periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 300 },
    livenessProbe: { httpGet: patroni('/liveness'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    // /health runs a query at each request; /readiness would only report what Patroni remembers.
    readinessProbe: { httpGet: patroni('/health'), periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 2 },
    resources: resourceRequirements(plan.store.spec.resources),
    securityContext: containerSecurity,
    volumeMounts: [
      dataMount,
      configMount,
      tokenMount,
      temporaryMount,
      { name: 'tls', mountPath: tlsDirectory, readOnly: true },
      { name: 'run', mountPath: socketDirectory },
      { name: 'shm', mountPath: '/dev/shm' },
    ],
  }
}

const dataMount = { name: names.volume, mountPath: dataVolume }
const configMount = { name: 'config', mountPath: configDirectory, readOnly: true }
const tokenMount = { name: 'token', mountPath: tokenDirectory, readOnly: true }
const temporaryMount = { name: 'tmp', mountPath: '/tmp' }

const patroni = (path: string) => ({ scheme: 'HTTPS', path, port: 'patroni' })

/** Patroni reads PATRONI_* over its file and takes them out of the environment that PostgreSQL inherits. */
function environment(plan: Plan) {
  const superuser = names.superuserSecret(storeName(plan))
  const pod = `$(POD_NAME).${names.headlessService(storeName(plan))}.${namespaceOf(plan)}.svc`
  return [
    podName,
    { name: 'PATRONI_NAME', value: '$(POD_NAME)' },
    { name: 'PATRONI_KUBERNETES_POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: 'PATRONI_POSTGRESQL_CONNECT_ADDRESS', value: `${pod}:${port}` },
    { name: 'PATRONI_RESTAPI_CONNECT_ADDRESS', value: `${pod}:${patroniPort}` },
    ...credentials(plan, 'PATRONI_'),
    fromSecret('PATRONI_RESTAPI_USERNAME', superuser, 'username'),
    fromSecret('PATRONI_RESTAPI_PASSWORD', superuser, 'password'),
    // Python and psql keep their files in the home directory, which is read-only in the image.
    { name: 'HOME', value: '/tmp' },
  ]
}

/** What prepare.py must know. */
const preparation = (plan: Plan) => [
  { name: 'NAMESPACE', value: namespaceOf(plan) },
  { name: 'STORE', value: storeName(plan) },
  { name: 'DATA_DIRECTORY', value: dataDirectory },
]

const podName = { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }

function credentials(plan: Plan, prefix: string) {
  const superuser = names.superuserSecret(storeName(plan))
  const replication = names.replicationSecret(storeName(plan))
  return [
    fromSecret(`${prefix}SUPERUSER_USERNAME`, superuser, 'username'),
    fromSecret(`${prefix}SUPERUSER_PASSWORD`, superuser, 'password'),
    fromSecret(`${prefix}REPLICATION_USERNAME`, replication, 'username'),
    fromSecret(`${prefix}REPLICATION_PASSWORD`, replication, 'password'),
  ]
}

function volumes(plan: Plan) {
  return [
    { name: 'config', configMap: { name: names.config(storeName(plan)) } },
    tlsVolume(plan),
    { name: 'token', projected: { sources: tokenSources } },
    { name: 'tmp', emptyDir: {} },
    { name: 'run', emptyDir: {} },
    // Parallel queries share memory here; the container runtime's own /dev/shm ends at 64 MB.
    { name: 'shm', emptyDir: { medium: 'Memory' } },
  ]
}

/** The files a client inside a pod expects; kubelet renews the token and Patroni reads it again every minute. */
const tokenSources = [
  { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
]
