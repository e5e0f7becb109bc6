import { readFileSync } from 'node:fs'
import { join } from 'node:path'
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
} from '../stateful.ts'
import {
  configDirectory,
  founder,
  heapMiB,
  home,
  loggingFile,
  port,
  seedsFile,
  serverFile,
  transportPort,
} from './config.ts'

/** User and group of the upstream image. */
const elasticsearchId = 1000

const script = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')
/** Rules that analysers name as `analysis/skills_synonyms.txt`. An index reads them when it is made or reloaded: no reason for a restart. */
const synonyms = readFileSync(join(import.meta.dirname, '../../../migrations/search/skills_synonyms.txt'), 'utf8')

const scripts = { 'start.sh': script('start.sh'), 'ready.sh': script('ready.sh') }

/** Everything Kubernetes must hold for one Elasticsearch store, Secrets excepted. Pure: same plan, same bytes. */
export function objects(plan: Plan): KubeObject[] {
  return [
    serviceAccount(plan),
    configMap(plan),
    // Each node passes a request on to those that have the data.
    clientService(plan, [httpPort]),
    headlessService(plan, [httpPort, nodesPort]),
    ...memberPolicy(plan, { clients: [port], operator: [port], members: [transportPort] }),
    ...disruptionBudgets(plan),
    statefulSet(plan),
  ]
}

/** What a restart is needed for. */
const settings = (plan: Plan) => ({
  'elasticsearch.yml': serverFile(plan),
  'log4j2.properties': loggingFile,
  'unicast_hosts.txt': seedsFile(plan),
  ...scripts,
})

function configMap(plan: Plan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(plan, names.elasticsearchConfig(storeName(plan))),
    data: { ...settings(plan), founder: founder(plan), 'skills_synonyms.txt': synonyms },
  }
}

const httpPort = { name: 'https', port, targetPort: 'https', protocol: 'TCP' } as const
const nodesPort = { name: 'transport', port: transportPort, targetPort: 'transport', protocol: 'TCP' } as const

function statefulSet(plan: Plan): KubeObject {
  return equalPods(plan, {
    id: elasticsearchId,
    // It writes what is in memory to its files and closes them.
    terminationGracePeriodSeconds: 120,
    containers: [container(plan)],
    volumes: volumes(plan),
    files: [settings(plan)],
  })
}

function container(plan: Plan) {
  return {
    name: 'elasticsearch',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', `${configDirectory}/settings/start.sh`],
    env: environment(plan),
    ports: [
      { name: 'https', containerPort: port, protocol: 'TCP' },
      { name: 'transport', containerPort: transportPort, protocol: 'TCP' },
    ],
    // The port is open once the node has started. Ten minutes: machines may be busy, and shards many.
    startupProbe: { tcpSocket: { port: 'https' }, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 300 },
    livenessProbe: { exec: answers, periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 3 },
    readinessProbe: { exec: isReady, periodSeconds: 5, timeoutSeconds: 6, failureThreshold: 2 },
    resources: resourceRequirements(plan.store.spec.resources),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: names.volume, mountPath: `${home}/data` },
      { name: 'config', mountPath: configDirectory },
      { name: 'settings', mountPath: `${configDirectory}/settings`, readOnly: true },
      { name: 'logins', mountPath: `${configDirectory}/logins`, readOnly: true },
      { name: 'tls', mountPath: `${configDirectory}/tls`, readOnly: true },
      { name: 'logs', mountPath: `${home}/logs` },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
}

/** Any answer, also that nobody has logged in: the process turns. A certificate is no reason to end it. */
const answers = {
  command: ['sh', '-c', `exec curl --silent --insecure --output /dev/null --max-time 5 "https://$POD_NAME:${port}/"`],
}
const isReady = { command: ['sh', `${configDirectory}/settings/ready.sh`] }

function environment(plan: Plan) {
  const heap = heapMiB(plan)
  // Against options of the image and the server: they keep a log of garbage collections, write the heap to a file when it is full,
  // where nobody would look, and take all of it before it is needed.
  const java = `-Xms${heap}m -Xmx${heap}m -XX:-AlwaysPreTouch -Xlog:disable -Xlog:all=warning:stderr:utctime,level,tags -XX:-HeapDumpOnOutOfMemoryError`
  return [
    { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'ES_PATH_CONF', value: configDirectory },
    { name: 'ES_TMPDIR', value: '/tmp' },
    { name: 'ES_JAVA_OPTS', value: java },
  ]
}

function volumes(plan: Plan) {
  return [
    { name: 'config', emptyDir: {} },
    { name: 'settings', configMap: { name: names.elasticsearchConfig(storeName(plan)) } },
    { name: 'logins', secret: { secretName: names.loginsSecret(storeName(plan)), defaultMode: 0o440 } },
    tlsVolume(plan),
    { name: 'logs', emptyDir: {} },
    { name: 'tmp', emptyDir: {} },
  ]
}
