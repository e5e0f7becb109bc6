import { names } from '../../data-store/names.ts'
import { quantity } from '../../quantity.ts'
import type { Plan } from '../engine.ts'
import { conf, Variable, type Scalar, type Value } from './conf.ts'
import { given } from './parameters.ts'

export const port = 4222
export const routePort = 6222
export const monitorPort = 8222
export const dataDirectory = '/data'
export const configDirectory = '/etc/nats'
export const configFile = 'nats.conf'
export const loginsFile = 'logins.conf'

/** Clients are told to go elsewhere, then closed one by one in at most this time. The server takes no less than 30 s for it. */
export const lameDuckSeconds = 30

const files = {
  cert_file: `${configDirectory}/tls.crt`,
  key_file: `${configDirectory}/tls.key`,
  ca_file: `${configDirectory}/ca.crt`,
}

/** In logins.conf, which is read before: a digest of who may log in. */
export const loginsDigest = 'LOGINS'

/**
 * The file as it is mounted. Servers say in their metadata what they have taken over: the settings that may change while they run, and
 * the digest of the logins. Holds no secret. Pure.
 */
export function configText(plan: Plan): string {
  const metadata = { ...texts(running(plan)), logins: new Variable(loginsDigest) }
  const all = nested({ ...fixed(plan), ...running(plan) })
  return `include '${loginsFile}'\n${conf({ ...all, server_metadata: metadata })}`
}

/** What only a new pod takes over. */
export const fixedText = (plan: Plan) => conf(nested(fixed(plan)))

/** What a server that runs shows in its metadata once it has read these files. */
export const runningMetadata = (plan: Plan, digest: string) => ({ ...texts(running(plan)), logins: digest })

const texts = (flat: Record<string, Scalar | string[]>): Record<string, string> =>
  Object.fromEntries(Object.entries(flat).map(([key, value]) => [key, String(value)]))

function fixed(plan: Plan): Record<string, Value> {
  const { resources } = plan.store.spec
  return {
    server_name: new Variable('POD_NAME'),
    port,
    https_port: monitorPort,
    // Not even its greeting goes out in clear.
    tls: { ...files, handshake_first: true, timeout: 5 },
    system_account: systemAccount,
    lame_duck_duration: `${lameDuckSeconds}s`,
    lame_duck_grace_period: '2s',
    // Of its own, so that a cluster never begins with the streams of a single server: it would delete them.
    'jetstream.store_dir': `${dataDirectory}/${isCluster(plan) ? 'cluster' : 'single'}`,
    // An acknowledged message is on the disk.
    'jetstream.sync_interval': 'always',
    'jetstream.max_mem': Math.floor(bytes(resources.memoryLimit) / 4),
    ...(isCluster(plan) ? routes(plan) : {}),
    ...given(plan.store, 'restart'),
  }
}

export const systemAccount = 'SYS'

export const isCluster = (plan: Plan) => plan.store.spec.replicas > 1

/** Members accept each other by certificate: one of the CA that names a host among the routes, which those of other stores do not. */
function routes(plan: Plan): Record<string, Value> {
  return {
    'cluster.name': plan.store.metadata.name,
    'cluster.port': routePort,
    'cluster.tls': { ...files, verify_cert_and_check_known_urls: true, timeout: 5 },
    // Clients come back by the Service: the addresses of pods are in no certificate.
    'cluster.no_advertise': true,
  }
}

/** What a server takes over when it reads its files again. */
function running(plan: Plan): Record<string, Scalar | string[]> {
  const { storage, parameters } = plan.store.spec
  return {
    // Raft logs and blocks that are being compacted are beside it.
    ...(parameters['jetstream.max_file'] ? {} : { 'jetstream.max_file': Math.floor(bytes(storage.size) * 0.8) }),
    ...(isCluster(plan) ? { 'cluster.routes': memberHosts(plan).map((host) => `tls://${host}:${routePort}`) } : {}),
    ...given(plan.store, 'reload'),
  }
}

function memberHosts({ store }: Plan): string[] {
  const { name, namespace = '' } = store.metadata
  const host = (ordinal: number) => `${names.pod(name, ordinal)}.${names.headlessService(name)}.${namespace}.svc`
  return Array.from({ length: store.spec.replicas }, (_, ordinal) => host(ordinal))
}

/** `a.b.c: 1` as blocks in blocks. */
function nested(flat: Record<string, Value>): Record<string, Value> {
  const root: Record<string, Value> = {}
  for (const [path, value] of Object.entries(flat)) {
    const keys = path.split('.')
    let block = root
    for (const key of keys.slice(0, -1)) block = (block[key] ??= {}) as Record<string, Value>
    block[keys.at(-1) ?? ''] = value
  }
  return root
}

const bytes = (size: string) => quantity(size) ?? 0
