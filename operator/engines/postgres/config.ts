import { stringify } from 'yaml'
import { names, replicationRole, superuserRole } from '../../data-store/names.ts'
import { quantity } from '../../quantity.ts'
import type { Plan } from '../engine.ts'

export const port = 5432
export const patroniPort = 8008
export const tlsDirectory = '/tls'
/** Below the mount point: the volume's own directory may hold lost+found and has a group-writable mode that PostgreSQL refuses. */
export const dataVolume = '/var/lib/postgresql/data'
export const dataDirectory = `${dataVolume}/pgdata`
/** Where Debian's libpq looks, so that `psql` in the container needs no arguments. */
export const socketDirectory = '/run/postgresql'

/** Server connections of every PostgreSQL. The pooler's budget (matching-cluster/pooler/compile.ts) is computed from it. */
export const maxConnections = 100

const mebibyte = 2 ** 20

/** patroni.yml of one store. Holds no secret: passwords come by environment from the credential Secrets. Pure. */
export function patroniConfig(plan: Plan): string {
  const store = plan.store.metadata.name
  return stringify(
    {
      scope: store,
      restapi: restApi(),
      ctl: { cacert: `${tlsDirectory}/ca.crt` },
      kubernetes: kubernetes(plan),
      bootstrap: { dcs: clusterSettings },
      postgresql: {
        listen: `*:${port}`,
        data_dir: dataDirectory,
        pgpass: '/tmp/pgpass',
        use_unix_socket: true,
        use_unix_socket_repl: true,
        authentication: { superuser: verified, replication: verified },
        parameters: {
          ...settings(plan.database),
          ...memorySettings(bytes(plan.store.spec.resources.memoryLimit)),
          ...walSettings(bytes(plan.store.spec.storage.size)),
        },
        pg_hba: hostBasedAuthentication,
      },
      watchdog: { mode: 'off' },
    },
    // No YAML aliases: Python would make one object of both ends, and Patroni writes a user name into each.
    { lineWidth: 0, aliasDuplicateObjects: false },
  )
}

/** Safe requests (health checks) need no password; unsafe ones need the superuser's, which PATRONI_RESTAPI_* sets. */
function restApi() {
  return { listen: `0.0.0.0:${patroniPort}`, certfile: `${tlsDirectory}/tls.crt`, keyfile: `${tlsDirectory}/tls.key` }
}

/** Patroni keeps its leader lock in the Endpoints of the read-write Service, so the Service moves with the lock. */
function kubernetes(plan: Plan) {
  const { namespace = '' } = plan.store.metadata
  return {
    use_endpoints: true,
    namespace,
    scope_label: 'app.kubernetes.io/instance',
    labels: { 'app.kubernetes.io/name': plan.identity.name, 'app.kubernetes.io/component': plan.identity.component },
    role_label: 'role',
    leader_label_value: 'primary',
    follower_label_value: 'replica',
    standby_leader_label_value: 'primary',
    ports: [{ name: 'postgres', port }],
  }
}

/**
 * What must be equal on all members: Patroni reads it from here once, when it initialises a cluster, and afterwards from its own
 * state. So nothing in it depends on the spec. loop_wait + 2 x retry_timeout <= ttl, and 20 is the smallest ttl Patroni allows.
 */
const clusterSettings = {
  ttl: 20,
  loop_wait: 5,
  retry_timeout: 5,
  maximum_lag_on_failover: mebibyte,
  postgresql: {
    use_pg_rewind: true,
    use_slots: true,
    parameters: {
      max_connections: maxConnections,
      // Parallel workers, logical replication and pg_cron's background workers share them.
      max_worker_processes: 16,
      // A query on a partitioned table locks every partition it cannot rule out.
      max_locks_per_transaction: 128,
      max_prepared_transactions: 0,
      max_wal_senders: 10,
      max_replication_slots: 10,
      wal_level: 'replica',
      wal_keep_size: '64MB',
      wal_log_hints: 'on',
      hot_standby: 'on',
      track_commit_timestamp: 'off',
    },
  },
}

/** For connections to other members; the local ones go through the socket, where libpq ignores it. */
const verified = { sslmode: 'verify-full', sslrootcert: `${tlsDirectory}/ca.crt` }

const hostBasedAuthentication = [
  `local all ${superuserRole} peer`,
  `local replication ${replicationRole} scram-sha-256`,
  `hostssl replication ${replicationRole} all scram-sha-256`,
  'hostssl all all all scram-sha-256',
]

function settings(database: string) {
  return {
    shared_preload_libraries: 'pg_cron,pgaudit,pg_stat_statements',
    'cron.database_name': database,
    // Without it pg_cron logs in through libpq, which would need a password or a trust line.
    'cron.use_background_workers': 'on',
    'cron.max_running_jobs': 5,
    'pgaudit.log': 'ddl,role',
    unix_socket_directories: socketDirectory,
    password_encryption: 'scram-sha-256',
    ssl: 'on',
    ssl_cert_file: `${tlsDirectory}/tls.crt`,
    ssl_key_file: `${tlsDirectory}/tls.key`,
    ssl_min_protocol_version: 'TLSv1.3',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] %q%u@%d ',
    // Error details and parameters carry whole rows of personal data.
    log_error_verbosity: 'terse',
    log_parameter_max_length: 0,
    log_parameter_max_length_on_error: 0,
    log_lock_waits: 'on',
    log_timezone: 'UTC',
    timezone: 'UTC',
  }
}

/**
 * Memory settings for a pod that may use `limitBytes`. A quarter for shared buffers, the usual advice; the page cache lives in the
 * same limit, hence three quarters as the planner's guess of what is cached. work_mem is per sort, so a quarter is shared by all
 * connections, but never under PostgreSQL's default of 4 MB.
 */
export function memorySettings(limitBytes: number): Record<string, string> {
  const limit = limitBytes / mebibyte
  return {
    shared_buffers: megabytes(limit / 4, 16, 16384),
    effective_cache_size: megabytes((limit * 3) / 4, 32, 1048576),
    maintenance_work_mem: megabytes(limit / 16, 16, 2048),
    work_mem: megabytes(limit / 4 / maxConnections, 4, 64),
  }
}

/** Write-ahead log settings for a volume of `volumeBytes`: an eighth of it between checkpoints, at least four segments. */
export function walSettings(volumeBytes: number): Record<string, string> {
  const share = volumeBytes / mebibyte / 8
  return { max_wal_size: megabytes(share, 64, 8192), min_wal_size: megabytes(share / 4, 32, 1024) }
}

function megabytes(value: number, min: number, max: number): string {
  return `${Math.floor(Math.min(Math.max(value, min), max))}MB`
}

/** A Kubernetes quantity in bytes. @throws RangeError when it is none; the CRD's pattern admits only these forms. */
export function bytes(size: string): number {
  const amount = quantity(size)
  if (amount === undefined || amount < 0) throw new RangeError(`not a quantity: ${size}`)
  return amount
}

/** DNS names the server certificate carries: the read-write Service under each of its names, and every pod. */
export function serverNames(plan: Plan): string[] {
  const { name, namespace = '' } = plan.store.metadata
  const service = `${names.readWriteService(name)}.${namespace}.svc`
  const pods = `*.${names.headlessService(name)}.${namespace}.svc`
  return [service, `${service}.cluster.local`, names.readWriteService(name), pods, `${pods}.cluster.local`]
}
