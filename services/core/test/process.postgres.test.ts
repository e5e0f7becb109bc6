import 'reflect-metadata'
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bindingKeys } from '../../../crds/binding.ts'
import { createKeys } from '../../chassis/test/start.ts'
import type { Keys } from '../../chassis/test/start.ts'
import { createTestDatabase } from './core.ts'
import type { TestDatabase } from './core.ts'

/** The service as Kubernetes runs it: plain Node, a mounted binding, TLS to the store, signals. */

const main = join(import.meta.dirname, '../../main.ts')
let database: TestDatabase
let keys: Keys
let dir: string
let proxy: Server
let certificate: Certificate
const children: ChildProcess[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  keys = await createKeys()
  dir = await mkdtemp(join(tmpdir(), 'binding-test-'))
  certificate = await selfSigned()
  const { config } = await database.endpoint()
  proxy = await tlsInFrontOf(config.host ?? '', config.port ?? 0, certificate)
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  proxy.close()
  await database.drop()
  await keys.remove()
  await rm(dir, { recursive: true })
})

interface Certificate {
  cert: string
  key: string
}

async function selfSigned(): Promise<Certificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const cert = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    keys: pair,
    signingAlgorithm: algorithm,
    notAfter: new Date(Date.now() + 3_600_000),
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', pair.privateKey)).toString('base64')
  return { cert: cert.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----` }
}

/** PostgreSQL's TLS opening (SSLRequest, one byte S) in front of a server that has none. */
async function tlsInFrontOf(host: string, port: number, { cert, key }: Certificate): Promise<Server> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('S')
      const secure = new TLSSocket(socket, { isServer: true, cert, key })
      const upstream = connect(port, host)
      for (const [from, to] of [
        [secure, upstream],
        [upstream, secure],
      ] as const) {
        from.on('error', () => to.destroy())
        from.pipe(to)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function writeBinding(change: Partial<Record<(typeof bindingKeys)[number], string>> = {}): Promise<void> {
  const { config } = await database.endpoint()
  const binding = {
    type: 'postgresql',
    provider: 'supersmartmatch',
    host: 'localhost',
    port: String((proxy.address() as AddressInfo).port),
    database: config.database ?? '',
    username: config.user ?? '',
    password: config.password as string,
    uri: 'postgres://unused',
    'ca.crt': certificate.cert,
    ...change,
  }
  for (const key of bindingKeys) await writeFile(join(dir, key), binding[key])
}

interface Running {
  child: ChildProcess
  output: () => string
  port: () => number
}

function start(args: string[], env: Record<string, string>): Running {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const port = () => Number(/serving http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1])
  return { child, output: () => output, port }
}
const environment = () => ({
  CORE_BINDING_DIR: dir,
  TOKENS_FILE: keys.file,
  HOST: '127.0.0.1',
  PORT: '0',
  METRICS_PORT: '0',
  SHUTDOWN_DELAY_MS: '300',
})
const exited = async ({ child }: Running) =>
  child.exitCode !== null ? child.exitCode : ((await once(child, 'exit')) as [number])[0]
const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 50 })
const ready = async (service: Running) => (await fetch(`http://127.0.0.1:${service.port()}/readyz`)).status

test('serves over verified TLS, says it is not ready before it stops, ends with 0', async () => {
  await writeBinding()
  const service = start(['core'], environment())
  await until(async () => expect(await ready(service)).toBe(200))
  service.child.kill('SIGTERM')
  await until(async () => expect(await ready(service)).toBe(503))
  expect(await exited(service)).toBe(0)
  expect(service.output()).toContain('"stopped"')
})

test.each([
  ['a certificate of another authority', async () => ({ 'ca.crt': (await selfSigned()).cert })],
  ['a certificate for another name', async () => ({ host: '127.0.0.1' })],
  ['a wrong password', async () => ({ password: 'wrong', username: 'nobody_at_all' })],
])('with %s it runs and is not ready', async (_name, change) => {
  await writeBinding(await change())
  const service = start(['core'], environment())
  await until(() => expect(service.port()).toBeGreaterThan(0))
  expect(await ready(service)).toBe(503)
  // Put right, it becomes ready without a restart.
  await writeBinding()
  await until(async () => expect(await ready(service)).toBe(200))
  service.child.kill('SIGINT')
  expect(await exited(service)).toBe(0)
})

test('bad configuration: everything at once, exit code 2; no such service: how to call it', async () => {
  const service = start(['core'], { PORT: 'many', HOST: '127.0.0.1' })
  expect(await exited(service)).toBe(2)
  expect(service.output()).toMatch(/CORE_BINDING_DIR is required\n +PORT must be integer\n +TOKENS_FILE is required/)
  const unknown = start(['toString'], {})
  expect(await exited(unknown)).toBe(2)
  expect(unknown.output()).toContain('Usage: node services/main.ts <core>')
})

test('a binding that lacks keys: exit code 1, naming them', async () => {
  await writeBinding({ password: '', 'ca.crt': '' })
  const service = start(['core'], environment())
  expect(await exited(service)).toBe(1)
  expect(service.output()).toContain('lacks password, ca.crt')
})
