import type { KubeObject } from '../../../crds/object.ts'
import type { MatchingCluster } from '../../../crds/schema/matching-cluster.ts'
import { storeNames } from '../../../crds/schema/platform-stores.ts'
import { clientOf, domain, labels, selector, type Identity } from '../../labels.ts'
import { containerSecurity, podSecurity, resourceRequirements } from '../../pods.ts'
import { poolerRole } from '../../data-store/names.ts'
import { disruptionBudget, podScheduling } from '../../placement.ts'
import { isPooled } from '../children.ts'
import { names } from '../names.ts'
import { adminUser, compile, configDirectory, poolerPort, tlsDirectory, type PoolerPlan } from './compile.ts'

export { poolerPort }

/** User and group of the pgbouncer image, as images/pgbouncer/Containerfile creates them. */
const pgbouncerId = 999

/** The pooler's ConfigMap, Service, Deployment and disruption budget; its two Secrets (`poolerSecretValues`, TLS) are the caller's. Pure. */
export function poolerObjects(plan: PoolerPlan): KubeObject[] {
  const always = [configMap(plan), service(plan), deployment(plan)]
  const several = plan.pooling.replicas > 1
  return several ? [...always, disruptionBudget(metadata(plan), plan.identity)] : always
}

export const poolerIdentity = ({ metadata: { name } }: MatchingCluster): Identity => ({
  name: 'pgbouncer',
  instance: name,
  component: 'pooler',
  cluster: name,
})

/** DNS names of the pooler's certificate: its Service under each of its names. */
export function poolerServerNames({ metadata: { name, namespace = '' } }: MatchingCluster): string[] {
  const service = `${names.pooler(name)}.${namespace}.svc`
  return [service, `${service}.cluster.local`, names.pooler(name)]
}

/**
 * Values of Secret `<cluster>-pooler`: PgBouncer's auth_file, and by themselves the two passwords in it: of its login at the databases,
 * and of its admin console for the operator.
 */
export function poolerSecretValues(password: string, adminPassword: string): Record<string, string> {
  const lines = Object.entries({ [poolerRole]: password, [adminUser]: adminPassword }).map(
    ([login, password]) => `${quote(login)} ${quote(password)}\n`,
  )
  return { 'userlist.txt': lines.join(''), 'auth-password': password, 'admin-password': adminPassword }
}

const quote = (value: string) => `"${value.replaceAll('"', '""')}"`

function configMap(plan: PoolerPlan): KubeObject {
  const { ini, servers } = compile(plan)
  const data = { 'pgbouncer.ini': ini, 'servers.crt': servers }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(plan), data }
}

function service(plan: PoolerPlan): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(plan),
    spec: {
      type: 'ClusterIP',
      selector: selector(plan.identity),
      ports: [{ name: 'postgres', port: poolerPort, targetPort: 'postgres', protocol: 'TCP' }],
    },
  }
}

/** No digest of pgbouncer.ini in the template: a settings change is a RELOAD (admin.ts), and connections stay. */
function deployment(plan: PoolerPlan): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(plan),
    spec: {
      replicas: plan.pooling.replicas,
      selector: { matchLabels: selector(plan.identity) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels: podLabels(plan), annotations: { [`${domain}/fingerprint`]: plan.fingerprint } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: podSecurity(pgbouncerId),
          ...podScheduling(plan.cluster.spec, plan.identity),
          terminationGracePeriodSeconds: 60,
          containers: [container(plan)],
          volumes: volumes(plan),
        },
      },
    },
  }
}

/** A client of the stores of every platform, whether this one has them or not: one that comes is no reason to restart the pods. */
function podLabels({ cluster, identity }: PoolerPlan): Record<string, string> {
  const stores = storeNames.filter(isPooled).map((store) => clientOf(names.dataStore(cluster.metadata.name, store)))
  return Object.assign(labels(identity), ...stores) as Record<string, string>
}

function container(plan: PoolerPlan) {
  const probe = { tcpSocket: { port: 'postgres' }, timeoutSeconds: 3 }
  return {
    name: 'pgbouncer',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    args: [`${configDirectory}/pgbouncer.ini`],
    ports: [{ name: 'postgres', containerPort: poolerPort, protocol: 'TCP' }],
    // Time for the Service to stop sending new clients. Then the image's stop signal, SIGINT: PgBouncer closes each client as its
    // transaction ends and exits. On SIGTERM it would wait for all clients to leave, which pooled ones never do.
    lifecycle: { preStop: { sleep: { seconds: 3 } } },
    startupProbe: { ...probe, periodSeconds: 1, failureThreshold: 300 },
    livenessProbe: { ...probe, periodSeconds: 10 },
    readinessProbe: { ...probe, periodSeconds: 2, failureThreshold: 2 },
    resources: resourceRequirements(plan.pooling.resources),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: 'config', mountPath: configDirectory, readOnly: true },
      { name: 'tls', mountPath: tlsDirectory, readOnly: true },
    ],
  }
}

function volumes(plan: PoolerPlan) {
  const { name } = plan.cluster.metadata
  return [
    {
      name: 'config',
      // One directory of both, and no subPath: only whole volumes are refreshed in a running pod.
      projected: {
        defaultMode: 0o440,
        sources: [
          { configMap: { name: names.pooler(name), items: ['pgbouncer.ini', 'servers.crt'].map(file) } },
          { secret: { name: names.pooler(name), items: [file('userlist.txt')] } },
        ],
      },
    },
    { name: 'tls', secret: { secretName: names.poolerTlsSecret(name), defaultMode: 0o440 } },
  ]
}

const file = (key: string) => ({ key, path: key })

function metadata(plan: PoolerPlan) {
  const { name, namespace = '' } = plan.cluster.metadata
  return { name: names.pooler(name), namespace, labels: labels(plan.identity) }
}
