import { stringify } from 'yaml'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { names, poolerRole, replicationRole, superuserRole } from '../../data-store/names.ts'
import { quantity } from '../../quantity.ts'
import type { Plan } from '../engine.ts'
import { familyName, maxConnections, maxWorkers, normalized, preloaded } from './parameters.ts'

export const port = 5432
export const patroniPort = 8008
export const tlsDirectory = '/tls'
/** Below the mount point: the volume's own directory may hold lost+found and has a group-writable mode that PostgreSQL refuses. */
export const dataVolume = '/var/lib/postgresql/data'
export const dataDirectory = `${dataVolume}/pgdata`
/** Where Debian's libpq looks, so that `psql` in the container needs no arguments. */
export const socketDirectory = '/run/postgresql'

const mebibyte = 2 ** 20

/**
 * patroni.yml of one store: what only a restart of the pod can change. Everything that may change while the store runs is in
 * `dynamicConfig`; for Patroni this file wins over that, so nothing is in both. Holds no secret: passwords come by environment
 * from the credential Secrets. Pure.
 */
export function localConfig(plan: Plan) {
  const store = plan.store.metadata.name
  return {
    scope: store,
    restapi: restApi(),
    ctl: { cacert: `${tlsDirectory}/ca.crt` },
    kubernetes: kubernetes(plan),
    postgresql: {
      listen: `*:${port}`,
      data_dir: dataDirectory,
      pgpass: '/tmp/pgpass',
      use_unix_socket: true,
      use_unix_socket_repl: true,
      // A member whose history is not the primary's is copied anew, rather than left out or left wrong.
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
      authentication: { superuser: verified, replication: verified },
      parameters: podParameters,
    },
    watchdog: { mode: 'off' },
  }
}

/** The file as it is mounted. Patroni reads `bootstrap` once, when it initialises a store, and afterwards its own state. */
export function patroniFile(plan: Plan): string {
  // No YAML aliases: Python would make one object of both ends, and Patroni writes a user name into each. 1.1: for Python, a bare
  // `on` is a truth value.
  return stringify(
    { ...localConfig(plan), bootstrap: { dcs: dynamicConfig(plan) } },
    { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false },
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
 * What Patroni keeps for all members and applies while they run: patronictl calls it the dynamic configuration.
 * loop_wait + 2 x retry_timeout <= ttl, and 20 is the smallest ttl Patroni allows.
 */
export interface DynamicConfig {
  ttl: number
  loop_wait: number
  retry_timeout: number
  maximum_lag_on_failover: number
  synchronous_mode: 'quorum' | false
  failsafe_mode: boolean
  postgresql: {
    use_pg_rewind: boolean
    use_slots: boolean
    basebackup: { checkpoint: 'fast' }
    pg_hba: string[]
    parameters: Record<string, string>
  }
}

export function dynamicConfig(plan: Plan): DynamicConfig {
  const { store } = plan
  return {
    ttl: 20,
    loop_wait: 5,
    retry_timeout: 5,
    maximum_lag_on_failover: mebibyte,
    // Any replica that has the commit will do, so that one slow replica slows nobody. Without replicas it waits for none.
    synchronous_mode: store.spec.replication === 'Synchronous' ? 'quorum' : false,
    // While the API server is away, a primary that all members still see goes on.
    failsafe_mode: true,
    postgresql: {
      use_pg_rewind: true,
      use_slots: true,
      // A copy begins with a checkpoint of the primary; the default takes its time, minutes in which there is one copy less.
      basebackup: { checkpoint: 'fast' },
      pg_hba: hostBasedAuthentication(store),
      parameters: {
        ...settings(plan),
        ...memorySettings(bytes(store.spec.resources.memoryLimit), maxConnections(store)),
        ...walSettings(bytes(store.spec.storage.size)),
        ...normalized(store.spec.parameters),
        shared_preload_libraries: preloaded(family(plan), store.spec.parameters),
      },
    },
  }
}

/** For connections to other members; the local ones go through the socket, where libpq ignores it. */
const verified = { sslmode: 'verify-full', sslrootcert: `${tlsDirectory}/ca.crt` }

/** The first match counts: nothing in the spec can lock out the operator, the members themselves or the pooler. */
function hostBasedAuthentication(store: DataStore): string[] {
  return [
    `local all ${superuserRole} peer`,
    `local replication ${replicationRole} scram-sha-256`,
    `hostssl replication ${replicationRole} all scram-sha-256`,
    `hostssl all ${superuserRole},${poolerRole} all scram-sha-256`,
    ...store.spec.pgHba,
    'hostssl all all all scram-sha-256',
  ]
}

/** Of this pod: its sockets, its certificates, its log. */
const podParameters = {
  unix_socket_directories: socketDirectory,
  ssl: 'on',
  ssl_cert_file: `${tlsDirectory}/tls.crt`,
  ssl_key_file: `${tlsDirectory}/tls.key`,
  ssl_min_protocol_version: 'TLSv1.3',
  password_encryption: 'scram-sha-256',
  log_destination: 'stderr',
  logging_collector: 'off',
  // One set by ALTER SYSTEM would be in force on one member only, and win over spec.parameters.
  allow_alter_system: 'off',
}

/** The scheduler of each database and its jobs need workers; nothing is reported to the maker. */
const timescaleSettings = { 'timescaledb.max_background_workers': '8', 'timescaledb.telemetry_level': 'off' }

/** Where the spec says nothing. Patroni knows some of them by name and takes them from here only. All are strings, as in the spec. */
const family = ({ store }: Plan) => familyName(store)

function settings(plan: Plan): Record<string, string> {
  return {
    max_connections: '100',
    max_worker_processes: String(maxWorkers(family(plan))),
    // A query on a partitioned table locks every partition it cannot rule out.
    max_locks_per_transaction: '128',
    max_prepared_transactions: '0',
    max_wal_senders: '12',
    max_replication_slots: '12',
    wal_level: 'replica',
    wal_keep_size: '64MB',
    wal_log_hints: 'on',
    track_commit_timestamp: 'off',
    'cron.database_name': plan.database,
    // Without it pg_cron logs in through libpq, which would need a password or a trust line.
    'cron.use_background_workers': 'on',
    'cron.max_running_jobs': '5',
    'pgaudit.log': 'ddl,role',
    log_line_prefix: '%m [%p] %q%u@%d ',
    // Error details and parameters carry whole rows of personal data.
    log_error_verbosity: 'terse',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    log_lock_waits: 'on',
    log_timezone: 'UTC',
    timezone: 'UTC',
    ...(family(plan) === 'timescale' ? timescaleSettings : {}),
  }
}

/**
 * Memory settings for a pod that may use `limitBytes`. A quarter for shared buffers, the usual advice; the page cache lives in the
 * same limit, hence three quarters as the planner's guess of what is cached. work_mem is per sort, so a quarter is shared by all
 * connections, but never under PostgreSQL's default of 4 MB.
 */
export function memorySettings(limitBytes: number, connections: number): Record<string, string> {
  const limit = limitBytes / mebibyte
  return {
    shared_buffers: megabytes(limit / 4, 16, 16384),
    effective_cache_size: megabytes((limit * 3) / 4, 32, 1048576),
    maintenance_work_mem: megabytes(limit / 16, 16, 2048),
    work_mem: megabytes(limit / 4 / connections, 4, 64),
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

/** DNS names the server certificate carries: the read-write Service under each of its names, the read-only one, and every pod. */
export function serverNames(plan: Plan): string[] {
  const { name, namespace = '' } = plan.store.metadata
  const service = `${names.readWriteService(name)}.${namespace}.svc`
  const readOnly = `${names.readOnlyService(name)}.${namespace}.svc`
  const pods = `*.${names.headlessService(name)}.${namespace}.svc`
  const long = [service, readOnly, pods].flatMap((host) => [host, `${host}.cluster.local`])
  return [...long, names.readWriteService(name), names.readOnlyService(name)]
}
