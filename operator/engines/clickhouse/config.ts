import { createHash } from 'node:crypto'
import { appRole, names, ownerRole } from '../../data-store/names.ts'
import { quantity } from '../../quantity.ts'
import { derivedPassword } from '../../secrets.ts'
import type { Plan } from '../engine.ts'
import { namespaceOf, storeName } from '../stateful.ts'
import { nested, settingsOf } from './parameters.ts'
import { isCluster, keeperHosts, shards } from './topology.ts'
import { clickhouseFile, type Elements } from './xml.ts'

export const port = 8443
export const nativePort = 9440
export const interserverPort = 9010
export const keeperPort = 9281
export const keeperRaftPort = 9234
export const configDirectory = '/etc/clickhouse-server'
export const dataDirectory = '/var/lib/clickhouse'
export const tlsDirectory = '/tls'

/** The cluster's name in `ON CLUSTER` and `Distributed`. */
const clusterName = 'default'

export const adminLogin = 'admin'
export const monitoringLogin = 'monitoring'
export const interserverLogin = 'interserver'
/** Runs the readiness probe's query. Nobody can log in as it: no password has this digest. */
const probeLogin = 'probe'
const noPassword = '0'.repeat(64)

/** Every file but those of logins, by path below `configDirectory`. It replaces the image's own, so nothing of that is in force. */
export function configFiles(plan: Plan): Record<string, string> {
  return { 'config.xml': serverFile(plan), 'parameters.xml': parametersFile(plan), 'users.xml': usersFile(plan) }
}

/** What only a new process follows. No listener without TLS: a port that is not named is not opened. */
export function serverFile(plan: Plan): string {
  const { server, mergeTree } = settingsOf(plan.store.spec.parameters, 'restart')
  return clickhouseFile({
    listen_host: ['::', '0.0.0.0'],
    // A node without IPv6 has only the second.
    listen_try: true,
    https_port: port,
    tcp_port_secure: nativePort,
    openSSL: openSsl('none'),
    logger: { console: true },
    path: `${dataDirectory}/`,
    tmp_path: `${dataDirectory}/tmp/`,
    user_files_path: `${dataDirectory}/user_files/`,
    format_schema_path: `${dataDirectory}/format_schemas/`,
    user_directories: { users_xml: { path: 'users.xml' } },
    default_profile: 'default',
    default_database: 'default',
    timezone: 'UTC',
    access_control_improvements: {
      users_without_row_policies_can_read_rows: true,
      on_cluster_queries_require_cluster_grant: true,
      select_from_system_db_requires_grant: true,
      select_from_information_schema_requires_grant: true,
      settings_constraints_replace_previous: true,
    },
    http_handlers: httpHandlers,
    enable_webterminal: false,
    send_crash_reports: { enabled: false },
    // Pods change their addresses.
    disable_internal_dns_cache: true,
    shutdown_wait_unfinished_queries: true,
    shutdown_wait_unfinished: 30,
    // Statements may hold personal data: they are kept for two weeks.
    query_log: {
      database: 'system',
      table: 'query_log',
      partition_by: 'toYYYYMM(event_date)',
      ttl: 'event_date + INTERVAL 14 DAY DELETE',
      flush_interval_milliseconds: 7500,
    },
    ...memory(plan),
    ...nested(server),
    merge_tree: { ...(isSmall(plan) ? smallPool.merge_tree : {}), ...mergeTree },
    ...(isCluster(plan) ? cluster(plan) : {}),
  })
}

/** What the server takes over while it runs. It looks at its files every two seconds. */
function parametersFile(plan: Plan): string {
  const { server } = settingsOf(plan.store.spec.parameters, 'reload')
  const settings = { max_concurrent_queries: '100', 'logger.level': 'information', ...server }
  const content = { ...nested(settings), ...(isCluster(plan) ? { remote_servers: remoteServers(plan) } : {}) }
  return clickhouseFile({ ...content, macros: { [markers.settings]: digestOf(content) } })
}

/** Profiles, quotas and the login that needs no password; logins with one are in `loginFiles`. */
function usersFile(plan: Plan): string {
  const { profile } = settingsOf(plan.store.spec.parameters, 'reload')
  const store = {
    max_memory_usage: String(Math.floor(serverMemory(plan) * 0.75)),
    // A batch that is sent again counts as little in what views fill as in the table itself.
    deduplicate_blocks_in_dependent_materialized_views: '1',
    ...profile,
  }
  return clickhouseFile({
    profiles: {
      // Everybody's first: what operator and probes run must not depend on spec.parameters.
      default: {},
      store,
      operator: { log_queries: 0 },
      monitoring: { readonly: 2, log_queries: 0, max_execution_time: 10 },
      [`${markers.profiles}${digestOf(store)}`]: {},
    },
    quotas: {
      // Without a limit it counts: system.quota_usage says who uses what.
      default: { interval: { duration: 3600, queries: 0, errors: 0, result_rows: 0, read_rows: 0, execution_time: 0 } },
      monitoring: { interval: { duration: 60, queries: 600 } },
    },
    users: {
      [probeLogin]: user(noPassword, 'monitoring', 'default', ['GRANT SELECT ON system.one']),
    },
  })
}

/** Names under which a server tells which of the files it has: a macro, and profiles without settings that nobody uses. */
export const markers = { settings: 'parameters', profiles: 'parameters-', logins: 'logins-' }

const digestOf = (...what: unknown[]) => createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16)

/** What every pod must say that has all its files. Pure. */
export function wantedMarkers(plan: Plan, passwords: Record<string, string>): string[] {
  const files = { ...configFiles(plan), ...loginFiles(plan, passwords) }
  const text = Object.values(files).join('')
  const settings = new RegExp(`<${markers.settings}>(\\w+)<`).exec(text)?.[1] ?? ''
  return [settings, ...text.matchAll(new RegExp(`<((?:${markers.profiles}|${markers.logins})\\w+)/>`, 'g')).map(([, name = '']) => name)]
} // prettier-ignore

/** Files of Secret `<store>-logins`: who may log in, and of several servers what they prove to each other with. Pure. */
export function loginFiles(plan: Plan, passwords: Record<string, string>): Record<string, string> {
  const digest = (login: string) => createHash('sha256').update(passwords[login] ?? '').digest('hex') // prettier-ignore
  const { database } = plan
  const [owner, app] = [ownerRole(database), appRole(database)]
  const everywhere = ['GRANT CREATE TEMPORARY TABLE ON *.*']
  const ofCluster = isCluster(plan) ? ['GRANT CLUSTER, REMOTE ON *.*'] : []
  const users = {
    [adminLogin]: user(digest(adminLogin), 'operator', 'default', ['GRANT ALL ON *.* WITH GRANT OPTION']),
    [owner]: user(digest(owner), 'store', 'default', [
      `GRANT ALL ON ${database}.*`,
      'GRANT SELECT ON system.*',
      ...everywhere,
      ...ofCluster,
    ]),
    [app]: user(digest(app), 'store', 'default', [
      `GRANT SELECT, INSERT, ALTER DELETE, dictGet ON ${database}.*`,
      ...everywhere,
    ]),
    [monitoringLogin]: user(digest(monitoringLogin), 'monitoring', 'monitoring', [
      'GRANT SHOW ON *.*',
      'GRANT SELECT ON system.*',
    ]),
  }
  const logins = clickhouseFile({ profiles: { [`${markers.logins}${digestOf(users)}`]: {} }, users })
  if (!isCluster(plan)) return { 'logins.xml': logins }
  const password = passwords[interserverLogin] ?? ''
  const between = {
    interserver_http_credentials: { user: interserverLogin, password },
    remote_servers: { [clusterName]: { secret: derivedPassword(password, 'remote_servers') } },
  }
  return { 'logins.xml': logins, 'cluster.xml': clickhouseFile(between) }
}

/** Without grants of its own a user of a file may do everything. */
function user(sha256: string, profile: string, quota: string, grants: string[]): Elements {
  return { password_sha256_hex: sha256, networks: { ip: '::/0' }, profile, quota, grants: { query: grants } }
}

/** Servers show their certificate as clients, too, and believe only what the store's CA signed. */
function openSsl(verifyClients: 'none' | 'strict'): Elements {
  const pair = {
    certificateFile: `${tlsDirectory}/tls.crt`,
    privateKeyFile: `${tlsDirectory}/tls.key`,
    caConfig: `${tlsDirectory}/ca.crt`,
    loadDefaultCAFile: false,
    disableProtocols: 'sslv2,sslv3,tlsv1,tlsv1_1',
  }
  return {
    server: { ...pair, verificationMode: verifyClients, cacheSessions: true, preferServerCiphers: true },
    client: { ...pair, verificationMode: 'strict', invalidCertificateHandler: { name: 'RejectCertificateHandler' } },
  }
}

/** Ready is who answers a query; /ping only says that the process is alive. */
const httpHandlers = {
  rule: {
    url: '/ready',
    methods: 'GET',
    handler: { type: 'predefined_query_handler', user: probeLogin, query: 'SELECT 1' },
  },
  defaults: '',
}

const mebibyte = 2 ** 20
const limitOf = ({ store }: Plan) => quantity(store.spec.resources.memoryLimit) ?? 1024 * mebibyte
/** A fifth is left to the program itself and to what it does not count. */
const serverMemory = (plan: Plan) => Math.floor(limitOf(plan) * 0.8)
/** ClickHouse's own defaults are for machines with more. */
const isSmall = (plan: Plan) => limitOf(plan) < 8 * 1024 * mebibyte

function memory(plan: Plan): Elements {
  const part = (share: number) => Math.floor(limitOf(plan) * share)
  return {
    max_server_memory_usage: serverMemory(plan),
    mark_cache_size: part(1 / 16),
    primary_index_cache_size: part(1 / 16),
    index_mark_cache_size: part(1 / 32),
    query_condition_cache_size: part(1 / 64),
    compiled_expression_cache_size: part(1 / 32),
    ...(isSmall(plan) ? smallPool.server : {}),
  }
}

/** Fewer merges at once: each takes memory. The second group are shares of the pool that must not be larger than it. */
const smallPool = {
  server: { background_pool_size: 4, background_schedule_pool_size: 16, max_thread_pool_size: 1000 },
  merge_tree: {
    number_of_free_entries_in_pool_to_execute_mutation: 4,
    number_of_free_entries_in_pool_to_lower_max_size_of_merge: 2,
    number_of_free_entries_in_pool_to_execute_optimize_entire_partition: 4,
  },
}

function cluster(plan: Plan): Elements {
  return {
    interserver_https_port: interserverPort,
    interserver_https_host: { fromEnvironment: 'POD_HOST' },
    macros: {
      cluster: clusterName,
      shard: { fromEnvironment: 'SHARD' },
      replica: { fromEnvironment: 'POD_NAME' },
    },
    zookeeper: { node: keeperHosts(plan).map((host) => ({ host, port: keeperPort, secure: 1 })) },
    distributed_ddl: { path: '/clickhouse/task_queue/ddl' },
    // By name: a replica that comes later makes the same table and finds the others' rows.
    default_replica_path: '/clickhouse/tables/{shard}/{database}/{table}',
    default_replica_name: '{replica}',
  }
}

/** Who belongs to the cluster: those that are there learn of more without a restart. */
function remoteServers(plan: Plan): Elements {
  const shard = shards(plan).map((replicas) => ({
    internal_replication: true,
    replica: replicas.map((host) => ({ host, port: nativePort, secure: 1 })),
  }))
  return { [clusterName]: { shard } }
}

/** Keeper, the same program: only who shows a certificate of the store's CA may connect. */
export function keeperFile(plan: Plan): string {
  const hosts = keeperHosts(plan)
  return clickhouseFile({
    listen_host: ['::', '0.0.0.0'],
    listen_try: true,
    logger: { console: true, level: 'information' },
    path: `${dataDirectory}/`,
    tmp_path: `${dataDirectory}/tmp/`,
    openSSL: openSsl('strict'),
    keeper_server: {
      tcp_port_secure: keeperPort,
      server_id: { fromEnvironment: 'KEEPER_ID' },
      log_storage_path: `${dataDirectory}/coordination/log`,
      snapshot_storage_path: `${dataDirectory}/coordination/snapshots`,
      coordination_settings: { force_sync: true, raft_logs_level: 'information' },
      raft_configuration: {
        secure: true,
        server: hosts.map((hostname, index) => ({ id: index + 1, hostname, port: keeperRaftPort })),
      },
    },
  })
}

/** All names clients and members may connect by. */
export function serverNames(plan: Plan): string[] {
  const namespace = namespaceOf(plan)
  const store = storeName(plan)
  const service = names.readWriteService(store)
  const headless = (name: string) => `*.${names.headlessService(name)}.${namespace}.svc`
  return [
    ...[`${service}.${namespace}.svc`, service, `${service}.${namespace}`, `${service}.${namespace}.svc.cluster.local`],
    headless(store),
    headless(names.keeper(store)),
    'localhost',
  ]
}
