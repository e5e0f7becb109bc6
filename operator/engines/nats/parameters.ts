import type { DataStore } from '../../../crds/schema/data-store.ts'
import { closest } from '../../closest.ts'
import { quantity } from '../../quantity.ts'
import type { Scalar } from './conf.ts'

type Form =
  | { type: 'bool' }
  | { type: 'enum'; values: string[] }
  /** Sizes are counted in bytes, durations in milliseconds. */
  | { type: 'integer' | 'size' | 'duration'; min: number; max: number }

type Setting = Form & {
  /** A running server takes it over when it reads its configuration again; the others need a new pod. */
  change: 'reload' | 'restart'
}

const kibi = 1024
const mebi = kibi ** 2
const tebi = kibi ** 4
const second = 1_000
const day = 86_400_000

type Change = Setting['change']
const bool = (change: Change): Setting => ({ type: 'bool', change })
const integer = (change: Change, min: number, max: number): Setting => ({ type: 'integer', min, max, change })
const size = (change: Change, min: number, max: number): Setting => ({ type: 'size', min, max, change })
const duration = (change: Change, min: number, max: number): Setting => ({ type: 'duration', min, max, change })

/** What spec.parameters accepts, by the names of nats-server's configuration; a dot leads into a block. */
// prettier-ignore
const settings: Record<string, Setting> = {
  max_payload:            size('reload', kibi, 64 * mebi),
  max_connections:        integer('reload', 10, 1_000_000),
  max_control_line:       size('reload', kibi, mebi),
  max_traced_msg_len:     integer('reload', 0, mebi),
  ping_interval:          duration('reload', second, day),
  ping_max:               integer('reload', 1, 100),
  write_deadline:         duration('reload', 100, 3600 * second),
  no_fast_producer_stall: bool('reload'),
  connect_error_reports:  integer('reload', 1, 1_000_000),
  reconnect_error_reports: integer('reload', 1, 1_000_000),
  debug:                  bool('reload'),
  trace:                  bool('reload'),
  trace_verbose:          bool('reload'),
  trace_headers:          bool('reload'),
  logtime:                bool('reload'),
  logtime_utc:            bool('reload'),
  'jetstream.limits.max_ack_pending':               integer('reload', 1, 1_000_000),
  'jetstream.limits.max_ha_assets':                 integer('reload', 1, 1_000_000),
  'jetstream.limits.max_request_batch':             integer('reload', 1, 1_000_000),
  'jetstream.limits.default_max_consumers':         integer('reload', 1, 1_000_000),
  'jetstream.limits.duplicate_window':              duration('reload', 100, 365 * day),
  'jetstream.limits.batch.max_inflight_per_stream': integer('reload', 1, 10_000),
  'jetstream.limits.batch.max_inflight_total':      integer('reload', 1, 100_000),
  'jetstream.limits.batch.max_msgs':                integer('reload', 1, 100_000),
  'jetstream.limits.batch.timeout':                 duration('reload', 100, 3600 * second),
  'jetstream.meta_compact':                         integer('reload', 0, 1_000_000_000),
  'jetstream.meta_compact_size':                    size('reload', 0, tebi),
  max_pending:            size('restart', mebi, 16 * 1024 * mebi),
  max_subscriptions:      integer('restart', 1, 100_000_000),
  max_sub_tokens:         integer('restart', 1, 255),
  max_closed_clients:     integer('restart', 1, 1_000_000),
  write_timeout:          { type: 'enum', values: ['default', 'close', 'retry'], change: 'restart' },
  disable_sublist_cache:  bool('restart'),
  'jetstream.max_mem':                 size('restart', mebi, 64 * tebi),
  'jetstream.max_file':                size('restart', mebi, 1024 * tebi),
  'jetstream.max_outstanding_catchup': size('restart', mebi, tebi),
  'jetstream.max_buffered_size':       size('restart', mebi, tebi),
  'jetstream.max_buffered_msgs':       integer('restart', 1, 100_000_000),
  'jetstream.request_queue_limit':     integer('restart', 1, 10_000_000),
  'jetstream.info_queue_limit':        integer('restart', 1, 10_000_000),
  'jetstream.max_concurrent_io':       integer('restart', 4, 8192),
  'jetstream.strict':                  bool('restart'),
}

const settingOf = (key: string) => (Object.hasOwn(settings, key) ? settings[key] : undefined)

const pods = 'it belongs to the pod the operator makes'
const tls = 'every connection is TLS with the operator’s certificates'
const logins = 'accounts, users and their rights are the operator’s'
const members = 'the operator keeps it for the members of the store'
const listener = 'it would open a listener that the operator does not know'
const output = 'the log goes to the container’s output'

/** What the operator keeps for itself, and why. A block stands for all in it. */
// prettier-ignore
const refused: Record<string, string> = {
  listen: pods, port: pods, host: pods, net: pods, client_advertise: pods, server_name: pods, store_dir: pods, storedir: pods, pidfile: pods, pid_file: pods,
  ports_file_dir: pods, proxy_protocol: pods, lame_duck_duration: pods, lame_duck_grace_period: pods,
  http: 'the monitoring port is TLS', http_port: 'the monitoring port is TLS', monitor_port: 'the monitoring port is TLS', https: pods, https_port: pods, http_base_path: pods,
  prof_port: listener, prof_block_rate: listener, gateway: listener, leaf: listener, leafnodes: listener, websocket: listener, ws: listener, mqtt: listener,
  logfile: output, log_file: output, logfile_size_limit: output, log_size_limit: output, logfile_max_num: output, log_max_num: output, syslog: output, remote_syslog: output,
  tls: tls, allow_non_tls: tls, ocsp: tls, ocsp_cache: tls,
  accounts: logins, authorization: logins, operator: logins, operators: logins, resolver: logins, resolver_tls: logins, resolver_preload: logins,
  resolver_pinned_accounts: logins, no_auth_user: logins, system_account: logins, system: logins, no_system_account: logins, trusted: logins, trusted_keys: logins,
  default_sentinel: logins, mappings: logins, maps: logins, proxies: logins,
  cluster: members, server_tags: members, server_metadata: 'the operator reads there what a server has taken over', feature_flags: 'it is for developers of NATS',
  no_header_support: 'JetStream’s clients need headers', default_js_domain: members,
  'jetstream.store_dir': pods, 'jetstream.domain': members, 'jetstream.unique_tag': members, 'jetstream.extension_hint': members, 'jetstream.enabled': 'a store without it keeps nothing',
  'jetstream.sync_interval': 'it is always: any other value can lose acknowledged messages', 'jetstream.sync': 'it is always: any other value can lose acknowledged messages',
  'jetstream.meta_compact_sync': 'any other value can lose acknowledged messages',
  'jetstream.key': 'encryption at rest is the volume’s', 'jetstream.prev_key': 'encryption at rest is the volume’s', 'jetstream.cipher': 'encryption at rest is the volume’s', 'jetstream.tpm': 'encryption at rest is the volume’s',
}

const pathOf = (key: string) => `spec.parameters.${key}`

/** One sentence per problem of `spec.parameters`, naming the key and what to do; empty when all can be applied. Pure. */
export function validateParameters({ spec }: DataStore): string[] {
  const problems = Object.entries(spec.parameters).flatMap(([key, value]) => problemOf(key, value) ?? [])
  return problems.length > 0 ? problems : contradictions(spec)
}

function problemOf(key: string, value: string): string | undefined {
  const setting = settingOf(key)
  if (setting) {
    const problem = valueProblem(setting, value)
    return problem && `${pathOf(key)}: "${value}" ${problem}`
  }
  const why = whyRefused(key)
  return why ? `${pathOf(key)} cannot be set: ${why}; remove it` : unknown(key)
}

function whyRefused(key: string): string | undefined {
  const block = Object.keys(refused).find((name) => key === name || key.startsWith(`${name}.`))
  return block && refused[block]
}

function unknown(key: string): string {
  const close = closest(key, Object.keys(settings))
  const fix = close ? `did you mean ${close}?` : 'see docs/reference/nats-parameters.md'
  return `${pathOf(key)}: nats-server has no such setting; ${fix}`
}

const sizeUnits: Record<string, number> = { '': 1, B: 1, KB: kibi, MB: mebi, GB: kibi ** 3, TB: tebi }
const durationUnits: Record<string, number> = { ms: 1, s: second, m: 60 * second, h: 3600 * second }

function valueProblem(setting: Setting, value: string): string | undefined {
  switch (setting.type) {
    case 'bool':
      return ['true', 'false'].includes(value) ? undefined : 'is neither true nor false'
    case 'enum':
      return setting.values.includes(value) ? undefined : `is none of ${setting.values.join(', ')}`
    case 'integer':
    case 'size':
    case 'duration': {
      const amount = amountOf(setting.type, value)
      if (amount === undefined) return `is not ${forms[setting.type]}`
      return amount >= setting.min && amount <= setting.max ? undefined : `is not ${rangeOf(setting)}`
    }
  }
}

const forms = {
  integer: 'a whole number',
  size: 'a size: a whole number of bytes, or one with KB, MB, GB or TB',
  duration: 'a duration: a whole number with ms, s, m or h',
}

/** Undefined when it is none. */
function amountOf(type: 'integer' | 'size' | 'duration', value: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15})([a-zA-Z]*)$/.exec(value) ?? []
  const units: Record<string, number> = { integer: { '': 1 }, size: sizeUnits, duration: durationUnits }[type]
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

function rangeOf(setting: Extract<Setting, { min: number }>): string {
  const write = (amount: number) => {
    if (setting.type === 'integer') return String(amount)
    const units = Object.entries(setting.type === 'size' ? sizeUnits : durationUnits).filter(([unit]) => unit !== 'B')
    const [unit, factor] = units.findLast(([, one]) => amount % one === 0 && amount >= one) ?? ['', 1]
    return `${amount / factor}${unit}`
  }
  return `from ${write(setting.min)} to ${write(setting.max)}`
}

const mebibytes64 = 64 * mebi

function contradictions({ parameters, resources }: DataStore['spec']): string[] {
  const bytes = (name: string) => amountOf('size', parameters[name] ?? '')
  const problems: string[] = []
  const payload = bytes('max_payload') ?? mebi
  const pending = bytes('max_pending') ?? mebibytes64
  if (payload > pending) {
    problems.push(
      `spec.parameters: max_payload is ${payload} bytes, max_pending is ${pending}: no such message could be sent; raise max_pending or lower max_payload`,
    )
  }
  const memory = bytes('jetstream.max_mem') ?? 0
  if (memory > (quantity(resources.memoryLimit) ?? Infinity) / 2) {
    problems.push(
      `${pathOf('jetstream.max_mem')}: "${parameters['jetstream.max_mem']}" is more than half of spec.resources.memoryLimit (${resources.memoryLimit}): the kernel would end the pod; lower it or raise the limit`,
    )
  }
  return problems
}

/** What the spec sets of those that change in this way, as the configuration holds it. */
export function given(store: DataStore, change: Change): Record<string, Scalar> {
  const entries = Object.entries(changedBy(store, change))
  return Object.fromEntries(entries.map(([key, value]) => [key, valueOf(key, value)]))
}

function changedBy({ spec }: DataStore, change: Change): Record<string, string> {
  const entries = Object.entries(spec.parameters).filter(([key]) => settingOf(key)?.change === change)
  return Object.fromEntries(entries.sort())
}

export const startParameters = (store: DataStore) => changedBy(store, 'restart')

function valueOf(key: string, value: string): Scalar {
  switch (settingOf(key)?.type) {
    case 'bool':
      return value === 'true'
    case 'integer':
      return Number(value)
    case 'size':
      return amountOf('size', value) ?? 0
    case 'duration':
    case 'enum':
    case undefined:
      return value
  }
}

/** docs/reference/nats-parameters.md. */
export function reference(): string {
  const rows = Object.entries(settings).map(
    ([name, setting]) => `| \`${name}\` | ${describe(setting)} | ${setting.change} |`,
  )
  const kept = Object.entries(refused).map(([name, why]) => `| \`${name}\` | ${why} |`)
  const parts = [
    '<!-- Generated by `make generate`. Do not edit. -->',
    '# NATS parameters',
    'What `spec.parameters` of a DataStore accepts with engine `nats`: settings of nats-server’s configuration file by their names there, all values as strings. ' +
      'A dot leads into a block: `jetstream.limits.max_ack_pending`. Sizes are whole numbers of bytes or have `KB`, `MB`, `GB` or `TB`; durations have `ms`, `s`, `m` or `h`. ' +
      'NATS’ own page says more about each: <https://docs.nats.io/running-a-nats-service/configuration>.',
    'What is not set here is nats-server’s default, but for two: `jetstream.max_file` is four fifths of `spec.storage.size`, and `jetstream.max_mem` a quarter of `spec.resources.memoryLimit`.',
    'An unknown name, a bad value and values that contradict each other are refused before anything changes: condition `SpecValid` names the key. ' +
      '`reload`: in force within seconds on every pod, no connection is lost. `restart`: pods are replaced one at a time; clients are sent away before.',
    ['| setting | value | change |', '| --- | --- | --- |', ...rows].join('\n'),
    '## Not settable',
    'Of a block, everything in it.',
    ['| setting | why |', '| --- | --- |', ...kept].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

function describe(setting: Setting): string {
  switch (setting.type) {
    case 'bool':
      return '`true` or `false`'
    case 'enum':
      return setting.values.map((value) => `\`${value}\``).join(', ')
    case 'integer':
    case 'size':
    case 'duration':
      return `${setting.type === 'integer' ? '' : `${setting.type} `}${rangeOf(setting)}`
  }
}
