import { AppsV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import type { V1Container, V1Namespace, V1Pod } from '@kubernetes/client-node'
import type { AddressInfo, Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { forward, podsAreRouted } from '../../operator/testing/port-forward.ts'

const postgresPort = 5432
const poolerPort = 6432
const startLimitMs = 120_000
const podLifeSeconds = 2 * 3600
const testLabel = 'supersmartmatch.io/test'

/**
 * vitest globalSetup of the project `postgres`. In the cluster that KUBECONFIG names it starts one pod with PostgreSQL and a
 * PgBouncer that pools transactions, of the images the operator there was given, and makes it reachable on this machine:
 *
 *   TEST_POSTGRES_URL   superuser, no password
 *   TEST_PGBOUNCER_URL  the same through PgBouncer
 *   TEST_PG_DUMP        command that runs pg_dump of the server's version as superuser; append --dbname
 *
 * Does nothing when TEST_POSTGRES_URL is set already. The pod and its data are gone afterwards; what a killed run left behind goes
 * at the start of a later one.
 * The two let in who is on the pod's loopback address, so whoever may forward ports to it, and the node where this machine is one.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['TEST_POSTGRES_URL']) return undefined
  const config = new KubeConfig()
  config.loadFromDefault()
  const core = config.makeApiClient(CoreV1Api)

  const use = await images(config)
  await removeLeftovers(core)
  const namespace = await createNamespace(core)
  const pod = 'postgres'
  const servers: Server[] = []
  const stop = async () => {
    for (const server of servers) server.close()
    await core.deleteNamespace({ name: namespace })
  }
  try {
    await core.createNamespacedPod({ namespace, body: podOf(pod, use) })
    const address = await running(core, namespace, pod)
    for (const [variable, port] of [
      ['TEST_POSTGRES_URL', postgresPort] as const,
      ['TEST_PGBOUNCER_URL', poolerPort] as const,
    ]) {
      const server = podsAreRouted ? undefined : await forward(config, namespace, pod, port)
      if (server) servers.push(server)
      const at = server ? `127.0.0.1:${(server.address() as AddressInfo).port}` : `${address}:${port}`
      const url = `postgres://postgres@${at}/postgres`
      await answering(url)
      process.env[variable] = url
    }
  } catch (error) {
    await stop()
    throw error
  }
  process.env['TEST_PG_DUMP'] =
    `kubectl exec --namespace ${namespace} ${pod} --container postgres -- pg_dump --host 127.0.0.1 --username postgres`
  return stop
}

interface Images {
  postgres: string
  pgbouncer: string
}

/** From the operator's Deployment, so that any cluster with the operator will do. */
async function images(config: KubeConfig): Promise<Images> {
  const deployments = await config
    .makeApiClient(AppsV1Api)
    .listDeploymentForAllNamespaces({ labelSelector: 'app.kubernetes.io/name=matching-operator' })
  const env = deployments.items[0]?.spec?.template.spec?.containers[0]?.env ?? []
  const find = (name: string) => process.env[name] ?? env.find((variable) => variable.name === name)?.value
  const [postgres, pgbouncer] = [find('IMAGE_POSTGRES'), find('IMAGE_PGBOUNCER')]
  if (!postgres || !pgbouncer)
    throw new Error(
      'the operator is not installed in this cluster: run make up, or set IMAGE_POSTGRES and IMAGE_PGBOUNCER',
    )
  return { postgres, pgbouncer }
}

/** In a namespace of its own, so that deleting that removes everything. */
async function createNamespace(core: CoreV1Api): Promise<string> {
  const created = await core.createNamespace({
    body: {
      metadata: {
        generateName: 'postgres-test-',
        labels: { 'pod-security.kubernetes.io/enforce': 'restricted', [testLabel]: 'postgres' },
      },
    },
  })
  return created.metadata?.name ?? ''
}

/** A namespace of ours whose pod has ended by its deadline, so that no run uses it any more. */
export function isLeftover({ metadata }: V1Namespace, now: number): boolean {
  const created = metadata?.creationTimestamp?.getTime() ?? now
  return !metadata?.deletionTimestamp && now - created > podLifeSeconds * 1000
}

async function removeLeftovers(core: CoreV1Api): Promise<void> {
  const { items } = await core.listNamespace({ labelSelector: `${testLabel}=postgres` })
  for (const item of items) {
    const name = item.metadata?.name
    if (name && isLeftover(item, Date.now())) await core.deleteNamespace({ name })
  }
}

function podOf(name: string, use: Images): V1Pod {
  const writable = ['/tmp', '/run', '/var/lib/postgresql/data'].map((mountPath, index) => ({
    mountPath,
    name: `v${index}`,
  }))
  const container = (name: string, image: string, script: string): V1Container => ({
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-ceu', script],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: name === 'postgres' ? writable : [{ mountPath: '/tmp', name: 'pooler' }],
  })
  return {
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      // Whatever happens to the test run, its pod ends.
      activeDeadlineSeconds: podLifeSeconds,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 999,
        runAsGroup: 999,
        fsGroup: 999,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        container('postgres', use.postgres, startPostgres),
        container('pgbouncer', use.pgbouncer, startPooler),
      ],
      volumes: [...writable.map(({ name }) => ({ name, emptyDir: {} })), { name: 'pooler', emptyDir: {} }],
    },
  }
}

/** Who is let in: this container's own address, and where this machine is the node, the node, which is the pod's gateway. */
const writeHba = `
hba() {
  gateway=$(awk '$2 == "00000000" {print $3; exit}' /proc/net/route)
  for at in 127.0.0.1 ${podsAreRouted ? '$(printf "%d.%d.%d.%d" $(echo "$gateway" | sed "s/\\(..\\)\\(..\\)\\(..\\)\\(..\\)/0x\\4 0x\\3 0x\\2 0x\\1/"))' : ''}; do
    echo "host all all $at/32 trust"
    echo "host replication all $at/32 trust"
  done
}
`
const listen = podsAreRouted ? '*' : '127.0.0.1'

/** As the operator starts it, as far as tests can tell; nothing is synced to disk, because nothing is to be kept. */
const startPostgres = `
${writeHba}
data=/var/lib/postgresql/data/pgdata
initdb --pgdata "$data" --username postgres --auth trust --encoding UTF8 --no-sync \\
  --locale-provider builtin --builtin-locale C.UTF-8 --locale C.UTF-8 --data-checksums >/tmp/initdb.log
{ echo 'local all all trust'; hba; } >"$data/pg_hba.conf"
exec postgres -D "$data" -p ${postgresPort} -c listen_addresses='${listen}' -c unix_socket_directories=/tmp \\
  -c shared_preload_libraries=timescaledb,pg_cron,pgaudit,pg_stat_statements -c cron.database_name=supersmartmatch_core \\
  -c cron.use_background_workers=on -c max_worker_processes=64 -c max_connections=300 \\
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off
`
const startPooler = `
${writeHba}
hba | grep -v replication >/tmp/hba.txt
cat >/tmp/pgbouncer.ini <<END
[databases]
* = host=127.0.0.1 port=${postgresPort}
[pgbouncer]
listen_addr = ${listen}
listen_port = ${poolerPort}
unix_socket_dir =
auth_type = hba
auth_hba_file = /tmp/hba.txt
auth_file = /tmp/users.txt
pool_mode = transaction
max_client_conn = 500
END
printf '"%s" ""\\n' postgres supersmartmatch_core_app_a >/tmp/users.txt
exec pgbouncer /tmp/pgbouncer.ini
`

/** @returns its address */
async function running(core: CoreV1Api, namespace: string, name: string): Promise<string> {
  const deadline = Date.now() + startLimitMs
  for (;;) {
    const { status } = await core.readNamespacedPod({ namespace, name })
    const containers = status?.containerStatuses ?? []
    if (containers.length > 0 && containers.every((container) => container.state?.running)) return status?.podIP ?? ''
    const ended = containers.find((container) => container.state?.terminated)
    if (ended || Date.now() > deadline)
      throw new Error(`the test pod does not start: ${JSON.stringify(ended?.state ?? containers.map((c) => c.state))}`)
    await sleep(250)
  }
}

async function answering(url: string): Promise<void> {
  const deadline = Date.now() + startLimitMs
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('SELECT 1')
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(250)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
