/** One setting that a spec may give. */
export interface Setting {
  type: 'bool' | 'integer' | 'size' | 'share' | 'enum' | 'events' | 'buffers'
  /** What is in force where the spec says nothing: ours, or that of Redis 8. */
  byDefault: string
  change: 'reload' | 'restart'
  min?: number
  max?: number
  values?: string[]
  /** Its values, for people. */
  what: string
}

type Row = [name: string, setting: Omit<Setting, 'change'>]

const bool = (byDefault: 'yes' | 'no') => ({ type: 'bool', byDefault, what: '`yes` or `no`' }) as const
const integer = (byDefault: number, min: number, max: number, unit = '') =>
  ({
    type: 'integer',
    byDefault: String(byDefault),
    min,
    max,
    what: `a whole number from ${min} to ${max}${unit && ` ${unit}`}`,
  }) as const
const size = (byDefault: string, min = 0, max = 2 ** 40) =>
  ({ type: 'size', byDefault, min, max, what: min > 0 ? `a size of at least ${min} bytes` : 'a size' }) as const
const oneOf = (byDefault: string, ...values: string[]) =>
  ({ type: 'enum', byDefault, values, what: values.map((value) => `\`${value}\``).join(', ') }) as const

const most = 2 ** 31 - 1
const policies = ['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl', 'allkeys-lru', 'allkeys-lfu']

// prettier-ignore
const reloadable: Row[] = [
  ['maxmemory-policy', oneOf('volatile-lru', ...policies, 'allkeys-random', 'noeviction')],
  ['maxmemory-samples', integer(5, 1, 64)],
  ['maxmemory-eviction-tenacity', integer(10, 0, 100)],
  ['maxmemory-clients', { type: 'share', byDefault: '0', what: 'a size, or a share of maxmemory such as `5%`' }],
  ['maxclients', integer(10000, 32, 100000)],
  ['lfu-decay-time', integer(1, 0, most, 'minutes')],
  ['lfu-log-factor', integer(10, 0, most)],
  ['active-expire-effort', integer(1, 1, 10)],
  ['lazyfree-lazy-eviction', bool('no')],
  ['lazyfree-lazy-expire', bool('no')],
  ['lazyfree-lazy-server-del', bool('no')],
  ['lazyfree-lazy-user-del', bool('no')],
  ['lazyfree-lazy-user-flush', bool('no')],
  ['replica-lazy-flush', bool('no')],
  ['appendfsync', oneOf('everysec', 'always', 'everysec', 'no')],
  ['no-appendfsync-on-rewrite', bool('no')],
  ['auto-aof-rewrite-percentage', integer(100, 10, 1000, 'percent')],
  ['auto-aof-rewrite-min-size', size('64mb', 2 ** 20)],
  ['aof-rewrite-incremental-fsync', bool('yes')],
  ['aof-timestamp-enabled', bool('no')],
  ['cluster-node-timeout', integer(5000, 1000, 600_000, 'milliseconds')],
  ['cluster-require-full-coverage', bool('no')],
  ['cluster-replica-validity-factor', integer(0, 0, most)],
  ['cluster-allow-reads-when-down', bool('no')],
  ['cluster-allow-pubsubshard-when-down', bool('yes')],
  ['cluster-link-sendbuf-limit', size('0')],
  ['min-replicas-to-write', integer(0, 0, 8)],
  ['min-replicas-max-lag', integer(10, 0, most, 'seconds')],
  ['replica-serve-stale-data', bool('yes')],
  ['repl-backlog-size', size('8mb', 16384)],
  ['repl-backlog-ttl', integer(3600, 0, most, 'seconds')],
  ['repl-disable-tcp-nodelay', bool('no')],
  ['repl-diskless-load', oneOf('disabled', 'disabled', 'on-empty-db', 'swapdb')],
  ['repl-diskless-sync', bool('yes')],
  ['repl-diskless-sync-delay', integer(0, 0, 600, 'seconds')],
  ['repl-diskless-sync-max-replicas', integer(0, 0, 100)],
  ['repl-ping-replica-period', integer(10, 1, most, 'seconds')],
  ['repl-timeout', integer(60, 1, most, 'seconds')],
  ['timeout', integer(0, 0, most, 'seconds')],
  ['tcp-keepalive', integer(300, 0, most, 'seconds')],
  ['client-query-buffer-limit', size('1gb', 2 ** 20)],
  ['client-output-buffer-limit', { type: 'buffers', byDefault: 'normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60', what: '`normal`, `replica` or `pubsub` with hard limit, soft limit and seconds, for one or more of them' }],
  ['proto-max-bulk-len', size('512mb', 2 ** 20)],
  ['tracking-table-max-keys', integer(1_000_000, 0, most)],
  ['notify-keyspace-events', { type: 'events', byDefault: '', what: 'letters out of `KEg$lshzxetdmnA`, or nothing' }],
  ['busy-reply-threshold', integer(5000, 1, most, 'milliseconds')],
  ['hz', integer(10, 1, 500)],
  ['dynamic-hz', bool('yes')],
  ['activerehashing', bool('yes')],
  ['hash-max-listpack-entries', integer(512, 0, most)],
  ['hash-max-listpack-value', integer(64, 0, most)],
  ['list-max-listpack-size', integer(-2, -5, 65536)],
  ['list-compress-depth', integer(0, 0, most)],
  ['set-max-intset-entries', integer(512, 0, most)],
  ['set-max-listpack-entries', integer(128, 0, most)],
  ['set-max-listpack-value', integer(64, 0, most)],
  ['zset-max-listpack-entries', integer(128, 0, most)],
  ['zset-max-listpack-value', integer(64, 0, most)],
  ['hll-sparse-max-bytes', integer(3000, 0, 16000)],
  ['stream-node-max-bytes', size('4kb')],
  ['stream-node-max-entries', integer(100, 0, most)],
  ['loglevel', oneOf('notice', 'debug', 'verbose', 'notice', 'warning', 'nothing')],
  ['hide-user-data-from-log', bool('yes')],
  ['acllog-max-len', integer(128, 0, 10_000)],
  ['slowlog-log-slower-than', integer(10_000, -1, most, 'microseconds')],
  ['slowlog-max-len', integer(128, 0, 100_000)],
  ['latency-monitor-threshold', integer(100, 0, most, 'milliseconds')],
  ['latency-tracking', bool('yes')],
]

// prettier-ignore
const atStart: Row[] = [
  // Its default follows the memory of the pod, and so must its change: pods that wait for their update keep what fits into them.
  ['maxmemory', size('0', 0)],
  ['io-threads', integer(1, 1, 128)],
  ['tcp-backlog', integer(511, 1, 65535)],
]

/** What `spec.parameters` accepts, by the names of Redis 8. */
export const settings: ReadonlyMap<string, Setting> = new Map([
  ...reloadable.map(([name, setting]): [string, Setting] => [name, { ...setting, change: 'reload' }]),
  ...atStart.map(([name, setting]): [string, Setting] => [name, { ...setting, change: 'restart' }]),
])

/** Names from before Redis 7 that it still understands. */
export const newNames: Record<string, string> = {
  'client-output-buffer-limit-slave': 'client-output-buffer-limit',
  'cluster-slave-validity-factor': 'cluster-replica-validity-factor',
  'hash-max-ziplist-entries': 'hash-max-listpack-entries',
  'hash-max-ziplist-value': 'hash-max-listpack-value',
  'list-max-ziplist-size': 'list-max-listpack-size',
  'lua-time-limit': 'busy-reply-threshold',
  'min-slaves-max-lag': 'min-replicas-max-lag',
  'min-slaves-to-write': 'min-replicas-to-write',
  'repl-ping-slave-period': 'repl-ping-replica-period',
  'slave-lazy-flush': 'replica-lazy-flush',
  'slave-serve-stale-data': 'replica-serve-stale-data',
  'zset-max-ziplist-entries': 'zset-max-listpack-entries',
  'zset-max-ziplist-value': 'zset-max-listpack-value',
}

const cluster = 'the operator forms the cluster and says who is in it'
const pods = 'it belongs to the pod the operator makes'
const snapshots = 'data is kept in the append-only file'

/** What the operator keeps for itself, by the names it fits, and why. */
export const refused: [RegExp, string][] = [
  [
    /^(bind|bind-source-addr|port|protected-mode|unixsocket|unixsocketperm|socket-mark-id)$/,
    'the operator’s Services and probes lead there',
  ],
  [/^(tls-.*)$/, 'every connection is TLS with the operator’s certificates'],
  [
    /^(aclfile|acl-pubsub-default|user|requirepass|masterauth|masteruser|rename-command)$/,
    'logins are in Secrets that the operator makes',
  ],
  [
    /^(enable-debug-command|enable-module-command|enable-protected-configs|loadmodule)$/,
    'it would open the server to its clients',
  ],
  [
    /^(cluster-enabled|cluster-config-file|cluster-port|cluster-announce-.*|cluster-preferred-endpoint-type|cluster-allow-replica-migration|cluster-migration-barrier|cluster-replica-no-failover|cluster-slave-no-failover|cluster-compatibility-sample-ratio)$/,
    cluster,
  ],
  [
    /^(replicaof|slaveof|replica-announce-.*|slave-announce-.*|replica-announced|replica-priority|slave-priority|replica-read-only|slave-read-only|replica-ignore-maxmemory|slave-ignore-maxmemory|replica-ignore-disk-write-errors|replica-full-sync-buffer-limit|propagation-error-behavior)$/,
    'the operator says who copies whom',
  ],
  [/^(databases)$/, 'Redis Cluster has one, number 0'],
  [
    /^(appendonly|appendfilename|appenddirname|aof-use-rdb-preamble|aof-load-truncated|aof-load-corrupt-tail-max-size|dir)$/,
    'data is kept in the append-only file on the pod’s volume',
  ],
  [
    /^(save|dbfilename|rdbcompression|rdbchecksum|rdb-del-sync-files|rdb-save-incremental-fsync|stop-writes-on-bgsave-error|sanitize-dump-payload)$/,
    snapshots,
  ],
  [
    /^(daemonize|supervised|pidfile|logfile|syslog-.*|always-show-logo|set-proc-title|proc-title-template|crash-.*|shutdown-.*|oom-score-adj|oom-score-adj-values|disable-thp|server-cpulist|server_cpulist|bio-cpulist|bio_cpulist|bgsave-cpulist|bgsave_cpulist|aof-rewrite-cpulist|aof_rewrite_cpulist|ignore-warnings|include)$/,
    pods,
  ],
  [/^(activedefrag|active-defrag-.*|jemalloc-bg-thread)$/, 'it needs an allocator that not every image has'],
  [
    /^(locale-collate|latency-tracking-info-percentiles|max-new-connections-per-cycle|max-new-tls-connections-per-cycle)$/,
    'its default serves; open an issue if you need another',
  ],
]
