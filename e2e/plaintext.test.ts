import { connect, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, test } from 'vitest'
import type { KubeObject } from '../crds/object.ts'
import { kubectl, KubectlError } from './harness/kubectl.ts'
import { config, list, namespace } from './harness/objects.ts'
import { podKind } from './harness/platform.ts'
import { forward } from '../operator/testing/port-forward.ts'

/*
 * One connection without TLS to every listener of every store there is, poolers and Keepers included: none tells anything but that this
 * is not how to speak to it. `vitest run --project alone plaintext` prints a line for each. To know that somebody listens at all, each is
 * connected to with TLS as well.
 */

/** What a client says first. */
interface Language {
  greeting: Buffer | string
  /** What may be answered to it besides nothing and a TLS alert, all in all. */
  refusal?: RegExp
  /** TLS begins after this is asked and this answered. */
  beforeTls?: { ask: Buffer; answer: string }
}

const uint32 = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4))
  return bytes
}

/** Startup message of protocol 3.0, without SSLRequest before it. */
function startup(): Buffer {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0')
  return Buffer.concat([uint32(8 + parameters.length, 196_608), parameters])
}

const sslRequest = { ask: uint32(8, 80_877_103), answer: 'S' }
const postgres = (said: string): Language => ({
  greeting: startup(),
  // One ErrorResponse.
  refusal: new RegExp(`^E.{4}S(FATAL|ERROR)\\0.*${said}.*\\0\\0$`, 's'),
  beforeTls: sslRequest,
})
const http: Language = { greeting: 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' }
const httpRefusal = /^HTTP\/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n$/
const nats: Language = { greeting: 'CONNECT {"verbose":true}\r\nPING\r\n' }
const redis: Language = { greeting: 'PING\r\nINFO\r\n' }
/** The hello of ClickHouse's own protocol: packet 0, the client's name, its version, database, user and password. */
const clickhouse: Language = {
  greeting: Buffer.from('\0\x0aClickHouse\x18\x01\xb1\xa9\x03\x07default\x07default\0', 'latin1'),
}
/** Header of a message between nodes: `ES`, length, request, status, version. */
const transport: Language = {
  greeting: Buffer.concat([Buffer.from('ES'), uint32(17, 0, 1), Buffer.from('\0'), uint32(0)]),
}

/** By what runs and how its port is called. A listener that is not here fails the test. */
const languages: Record<string, Language> = {
  'postgres/postgres': postgres('no encryption'),
  'postgres/patroni': http,
  'timescale/postgres': postgres('no encryption'),
  'timescale/patroni': http,
  'pgbouncer/postgres': postgres('SSL required'),
  'clickhouse/https': http,
  'clickhouse/native': clickhouse,
  'clickhouse/interserver': http,
  'clickhouse/keeper': { greeting: 'ruok\n' },
  'clickhouse/raft': { greeting: Buffer.alloc(39) },
  'elasticsearch/https': http,
  'elasticsearch/transport': transport,
  'redis/redis': redis,
  'redis/bus': redis,
  'nats/nats': nats,
  'nats/route': nats,
  'nats/monitor': { ...http, refusal: httpRefusal },
}

interface Listener {
  pod: string
  /** `redis/bus` */
  what: string
  port: number
}

interface PodSpec {
  containers: { name: string; ports?: { name: string; containerPort: number }[] }[]
}

const components = 'app.kubernetes.io/component in (database,keeper,pooler)'

function declared({ metadata, ...pod }: KubeObject): Listener[] {
  const program = metadata.labels?.['app.kubernetes.io/name'] ?? ''
  const { containers } = pod['spec'] as PodSpec
  return containers.flatMap(({ ports = [] }) =>
    ports.map(({ name, containerPort: port }) => ({ pod: metadata.name, what: `${program}/${name}`, port })),
  )
}

/** Ports of the pod that are open to others; undefined where the image has no program that could say it. */
async function openPorts({ metadata, ...pod }: KubeObject): Promise<number[] | undefined> {
  const [container] = (pod['spec'] as PodSpec).containers
  const command = [
    'exec',
    metadata.name,
    `--container=${container?.name}`,
    '--',
    'cat',
    '/proc/net/tcp',
    '/proc/net/tcp6',
  ]
  try {
    return [...new Set(listening(await kubectl(command)))]
  } catch (error) {
    if (error instanceof KubectlError && error.message.includes('executable file not found')) return undefined
    throw error
  }
}

/** Lines such as `0: 00000000:1538 00000000:0000 0A …`: an address in words of the machine's byte order, a port, the state LISTEN. */
function listening(table: string): number[] {
  const sockets = [...table.matchAll(/^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:0000 0A /gm)]
  return sockets.filter(([, address = '']) => !isLoopback(address)).map(([, , port = '']) => parseInt(port, 16))
}

const isLoopback = (address: string) => /^(0{16}FFFF0000)?[0-9A-F]{6}7F$|^0{24}01000000$/.test(address)

const patienceMs = 20_000

/** All that is said to who speaks first, until the connection is closed. */
function heardFrom(socket: Socket, words: Buffer | string): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      socket.destroy()
      reject(new Error(`it does not close; so far it said ${JSON.stringify(heard)}`))
    }, patienceMs)
    let heard = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (heard += chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(late)
      resolve(heard)
    })
    socket.write(words)
  })
}

/** The version of TLS that it speaks. @throws when it speaks none */
async function tlsOf(port: number, { beforeTls }: Language): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  if (beforeTls) {
    const answered = new Promise<string>((resolve, reject) => {
      socket.once('data', (chunk) => resolve(chunk.toString('latin1')))
      socket.once('close', () => reject(new Error('it closes before TLS begins')))
    })
    socket.write(beforeTls.ask)
    expect(await answered).toBe(beforeTls.answer)
  }
  return new Promise((resolve, reject) => {
    const secure = connectTls({ socket, rejectUnauthorized: false, timeout: patienceMs }, () => {
      resolve(secure.getProtocol() ?? '')
      secure.destroy()
    })
    // Whoever asks for a certificate may say so before the handshake is over.
    secure.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
      if (/ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE)/.test(code)) resolve('TLS for members')
      else reject(new Error(`no TLS: ${code}`))
    })
    secure.on('timeout', () => secure.destroy(new Error('no TLS: it says nothing')))
    secure.on('close', () => reject(new Error('no TLS: it closes')))
  })
}

const alert = /^\x15\x03[\0-\x04]\0\x02..$/s

/** What the listener does. @throws when it says anything to a client without TLS, or speaks no TLS */
async function examine({ pod, what, port }: Listener, open?: number[]): Promise<string> {
  const language = languages[what]
  if (!language) throw new Error(`nobody knows how to greet ${what}: add it to the table of this test`)
  if (open?.includes(port) === false) return 'nobody listens'
  const server = await forward(config, namespace, pod, port)
  try {
    const local = (server.address() as AddressInfo).port
    const tls = await tlsOf(local, language)
    const heard = await heardFrom(connect(local, '127.0.0.1'), language.greeting)
    if (heard === '') return `${tls}; without it: closed, nothing said`
    if (alert.test(heard)) return `${tls}; without it: closed with a TLS alert`
    if (!language.refusal?.test(heard)) throw new Error(`it answers ${JSON.stringify(heard.slice(0, 500))}`)
    return `${tls}; without it: ${heard.replace(/[^ -~]+/g, ' ').trim()}`
  } finally {
    server.close()
  }
}

test('a connection without TLS is refused by every listener of every store', async () => {
  const pods = (await list(podKind, components)).filter(({ metadata }) => !metadata.deletionTimestamp)
  const lines: string[] = []
  const problems: string[] = []
  for (const pod of pods) {
    const open = await openPorts(pod)
    const listeners = declared(pod)
    const unknown = open?.filter((port) => !listeners.some((listener) => listener.port === port)) ?? []
    problems.push(...unknown.map((port) => `${pod.metadata.name} ${port}: listens and is not declared`))
    for (const listener of listeners) {
      const where = `${listener.pod} ${listener.what} ${listener.port}`
      await examine(listener, open).then(
        (line) => lines.push(`${where}: ${line}`),
        (error: unknown) => problems.push(`${where}: ${String(error)}`),
      )
    }
  }
  console.log(`listeners:\n${lines.join('\n')}`)
  expect(problems).toEqual([])
  // All eight stores of the sample and their pooler.
  expect(new Set(pods.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'])).size).toBeGreaterThan(8)
})
