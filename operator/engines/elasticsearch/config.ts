import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { appRole, names, ownerRole } from '../../data-store/names.ts'
import { domain } from '../../labels.ts'
import { quantity } from '../../quantity.ts'
import type { Plan } from '../engine.ts'
import { namespaceOf, storeName } from '../stateful.ts'
import { staticSettings } from './parameters.ts'

export const port = 9200
export const transportPort = 9300

/** The server's own folder in the image, and those that are mounted. */
export const home = '/usr/share/elasticsearch'
export const configDirectory = '/etc/elasticsearch'

export const adminLogin = 'elastic'
export const monitoringLogin = 'monitoring'

/** How the names of the store's indices begin: its short name. Never empty. */
export const database = ({ metadata: { name, labels } }: DataStore): string => labels?.[`${domain}/store`] ?? name

/** DNS names of the certificate. Members know each other by their short names, which need no DNS: they stand in /etc/hosts. */
export function serverNames(plan: Plan): string[] {
  const [name, namespace] = [storeName(plan), namespaceOf(plan)]
  const service = `${names.readWriteService(name)}.${namespace}.svc`
  const headless = `${names.headlessService(name)}.${namespace}.svc`
  const { shards, replicas } = plan.store.spec
  const pods = Array.from({ length: Math.max(plan.members, shards * replicas) }, (_, ordinal) =>
    names.pod(name, ordinal),
  )
  const long = [service, headless, `*.${headless}`].flatMap((host) => [host, `${host}.cluster.local`])
  return [...long, names.readWriteService(name), ...pods]
}

/** Half of what the pod may use: the rest is for Lucene's files in the page cache and for the JVM itself. */
export function heapMiB({ store }: Plan): number {
  const limit = quantity(store.spec.resources.memoryLimit) ?? 0
  // Above this the JVM would need longer pointers.
  return Math.min(Math.floor(limit / 2 ** 21), 31 * 1024)
}

/** `${POD_NAME}` is replaced by the server. */
export function serverFile(plan: Plan): string {
  const ssl = (of: string) => ({
    [`xpack.security.${of}.ssl.enabled`]: 'true',
    [`xpack.security.${of}.ssl.certificate`]: 'tls/tls.crt',
    [`xpack.security.${of}.ssl.key`]: 'tls/tls.key',
    [`xpack.security.${of}.ssl.certificate_authorities`]: 'tls/ca.crt',
    [`xpack.security.${of}.ssl.supported_protocols`]: 'TLSv1.3',
    // The default list has names that newer Java releases do not know, which fills the log with errors.
    [`xpack.security.${of}.ssl.cipher_suites`]:
      'TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256',
  })
  const settings: Record<string, string> = {
    'cluster.name': storeName(plan),
    'node.name': '${POD_NAME}',
    // Every node the same: no machine learning, no connections to other clusters.
    'node.roles': '[master, data, ingest]',
    'network.host': '0.0.0.0',
    'network.publish_host': '${POD_NAME}',
    'http.port': String(port),
    'transport.port': String(transportPort),
    // In a file: with a setting, a node that is alone would warn of it twice a minute; without one, it would look at its own ports.
    'discovery.seed_providers': 'file',
    'discovery.seed_hosts': '[]',
    'path.data': `${home}/data`,
    'path.logs': `${home}/logs`,
    // Memory maps would need a setting of the machine's kernel, and a privileged container to make it.
    'node.store.allow_mmap': 'false',
    'xpack.security.enabled': 'true',
    'xpack.security.autoconfiguration.enabled': 'false',
    'xpack.security.enrollment.enabled': 'false',
    // The built-in logins would have passwords that nobody knows of.
    'xpack.security.authc.reserved_realm.enabled': 'false',
    'xpack.security.authc.realms.file.logins.order': '0',
    'xpack.security.authc.realms.native.native.order': '1',
    ...ssl('http'),
    ...ssl('transport'),
    'xpack.security.transport.ssl.client_authentication': 'required',
    'xpack.security.transport.ssl.verification_mode': 'full',
    ...staticSettings(plan.store.spec.parameters),
  }
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name}: ${isPlain(value) ? value : JSON.stringify(value)}`,
  )
  return `${lines.join('\n')}\n`
}

/** What YAML takes as it is. */
const isPlain = (value: string) => /^(true|false|[0-9]+|[A-Za-z/][A-Za-z0-9./_-]*|\[[a-z, ]*\])$/.test(value)

/** unicast_hosts.txt: where nodes find each other, ready or not. */
export const seedsFile = (plan: Plan) => `${names.headlessService(storeName(plan))}.${namespaceOf(plan)}.svc\n`

/** To the container's output, as text. */
export const loggingFile = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}{UTC}][%-5p][%c{1.}][%node_name]%marker %m%consoleException%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`

/** The only pod that may begin a new cluster, and only until the store has been ready once. */
export const founder = ({ store }: Plan): string =>
  store.status?.version === undefined ? names.pod(store.metadata.name, 0) : 'nobody'

/** Where the migrations note which of them are applied; not among the names of the application. */
export const ledgerIndex = (prefix: string) => `${prefix}_schema_migrations`

/** What each login may do. Index names begin with the store's; templates cannot be limited to such names. */
const roles = (prefix: string) => ({
  [ownerRole(prefix)]: {
    cluster: ['monitor', 'manage_index_templates'],
    indices: [{ names: [`${prefix}-*`, ledgerIndex(prefix)], privileges: ['all'] }],
  },
  [appRole(prefix)]: {
    cluster: ['cluster:monitor/main'],
    indices: [{ names: [`${prefix}-*`], privileges: ['read', 'write', 'view_index_metadata', 'maintenance'] }],
  },
  [monitoringLogin]: { cluster: ['monitor'], indices: [{ names: ['*'], privileges: ['monitor'] }] },
})

/** Files of the server's own realm of logins, and one for the pod's probe. @param passwords  by login */
export function loginFiles(plan: Plan, passwords: Record<string, string>): Record<string, string> {
  const ofRoles = roles(plan.database)
  // JSON is YAML.
  const rolesFile = `${Object.entries(ofRoles)
    .map(([role, rights]) => `${role}: ${JSON.stringify(rights)}`)
    .join('\n')}\n`
  const logins = [adminLogin, ...Object.keys(ofRoles)].map((login) => [login, passwords[login] ?? ''] as const)
  const users = logins.map(([login, password]) => `${login}:${hashed(login, password)}\n`).join('')
  const probe = `user = "${monitoringLogin}:${passwords[monitoringLogin] ?? ''}"\n`
  const rights = [`superuser:${adminLogin}`, ...Object.keys(ofRoles).map((role) => `${role}:${role}`)]
  const marker = markerRole([users, rolesFile, ...rights])
  return {
    users,
    users_roles: `${[...rights, `${marker}:${adminLogin}`].join('\n')}\n`,
    'roles.yml': rolesFile,
    curlrc: probe,
  }
}

const markerPrefix = 'files-'

/** A role without rights of the operator's own login: by its name a node tells which version of these files it has read. */
function markerRole(contents: string[]): string {
  return `${markerPrefix}${createHash('sha256').update(JSON.stringify(contents)).digest('hex').slice(0, 16)}`
}

/** Which version these files are. */
export function markerIn({ users_roles: text = '' }: Record<string, string>): string {
  return markerOf(text.split(/[\n:]/)) ?? ''
}

export const markerOf = (roles: string[]): string | undefined => roles.find((role) => role.startsWith(markerPrefix))

/** Few rounds do: the passwords are 256 random bits. The salt comes out of the password, so that the same one gives the same file. */
function hashed(login: string, password: string): string {
  const rounds = 1_000
  const salt = createHmac('sha256', password).update(login).digest()
  const hash = pbkdf2Sync(password, salt, rounds, 32, 'sha512')
  return `{PBKDF2}${rounds}$${salt.toString('base64')}$${hash.toString('base64')}`
}
