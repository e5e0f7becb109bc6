import { X509Certificate } from 'node:crypto'
import { connect, type ConnectionOptions, type NatsConnection } from 'nats'
import Value from 'typebox/value'
import { afterAll, expect } from 'vitest'
import type { Binding } from '../../../crds/binding.ts'
import type { KubeObject } from '../../../crds/object.ts'
import { DataStoreSpec } from '../../../crds/schema/data-store.ts'
import { createAuthority, issueServerCertificate, type KeyPair } from '../../certificates.ts'
import { names } from '../../data-store/names.ts'
import { secret } from '../../secrets.ts'
import { createLab, operatorImage } from '../../testing/lab.ts'
import { surroundings } from '../../testing/platform.ts'
import type { Node, Plan, Target } from '../engine.ts'
import { nats } from './engine.ts'

/* For tests: real pods from our own objects, under Pod Security restricted, in a namespace of the test file's own. */

export const lab = await createLab()
export const image = await operatorImage('IMAGE_NATS')
export const authority = await createAuthority('ca', new Date())
const connections: NatsConnection[] = []

afterAll(async () => {
  for (const connection of connections) await connection.close()
})

export function planOf(name: string, given: object = {}): Plan {
  const spec = Value.Default(DataStoreSpec, {
    engine: 'nats',
    storage: { size: '256Mi' },
    resources: { cpu: '20m', memory: '32Mi', memoryLimit: '256Mi' },
    ...given,
  }) as DataStoreSpec
  const metadata = { name, namespace: lab.namespace }
  const identity = { name: 'nats', instance: name, component: 'database', store: name }
  const store = { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'DataStore', metadata, spec }
  const members = spec.replicas
  return { store, identity, image, database: name, caFingerprint: '', members, readFrom: 'primary', surroundings }
}

const logins = (plan: Plan) => [
  nats.admin(plan).username,
  ...Object.values(nats.credentials(plan)),
  ...Object.values(nats.bindingLogins(plan)),
]
export const passwords = (plan: Plan) =>
  Object.fromEntries(logins(plan).map((login) => [login, `password-of-${login}`]))
export const storeSecret = (name: string, values: Record<string, string>) =>
  secret({ name, namespace: lab.namespace, labels: {} }, values)
export const loginsSecret = (plan: Plan, given = passwords(plan)) =>
  storeSecret(names.loginsSecret(plan.store.metadata.name), nats.loginFiles?.(plan, given) ?? {})

export function tls(plan: Plan, { certificate, key }: KeyPair): KubeObject {
  const values = { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authority.certificate }
  return storeSecret(names.tlsSecret(plan.store.metadata.name), values)
}

export const issue = (plan: Plan) => issueServerCertificate(authority, nats.serverNames(plan), new Date())

export async function start(plan: Plan): Promise<KeyPair> {
  const pair = await issue(plan)
  await lab.apply([loginsSecret(plan), tls(plan, pair), ...nats.objects(plan)])
  return pair
}

/** A pod that is not there yet cannot be waited for: ask again. */
export async function ready(pod: string): Promise<void> {
  const wait = () => lab.kubectl('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=60s').catch(String)
  await expect.poll(wait, { timeout: 120_000, interval: 200 }).toContain('condition met')
}

export const soon = () => AbortSignal.timeout(10_000)
export const of = (pod: string, path: string) => lab.kubectl('get', 'pod', pod, `--output=jsonpath={${path}}`)

export async function targetOf(plan: Plan, pod: string, username: string): Promise<Target> {
  const serverName = `${pod}.${names.headlessService(plan.store.metadata.name)}.${lab.namespace}.svc`
  const login = { username, password: passwords(plan)[username] ?? '', database: '' }
  return { host: await of(pod, '.status.podIP'), port: nats.port, serverName, ca: authority.certificate, ...login }
}

export async function node(plan: Plan, ordinal: number, { certificate }: KeyPair): Promise<Node> {
  const name = names.pod(plan.store.metadata.name, ordinal)
  const target = await targetOf(plan, name, nats.admin(plan).username)
  return { name, ordinal, ready: true, target, certificate: new X509Certificate(certificate).fingerprint256 }
}

/** What an application has, and nothing else. */
function bindingOf(plan: Plan, username: string): Binding {
  const host = `${plan.store.metadata.name}.${lab.namespace}.svc`
  const password = passwords(plan)[username] ?? ''
  return nats.binding({ host, port: nats.port, database: plan.database, username, password, ca: authority.certificate })
}

/** The official client. Outside of the cluster nobody resolves the host of a binding, so the address of its Service takes its place. */
export async function client(plan: Plan, username: string, more: ConnectionOptions = {}): Promise<NatsConnection> {
  const binding = bindingOf(plan, username)
  const address = await lab.kubectl('get', 'service', plan.store.metadata.name, '--output=jsonpath={.spec.clusterIP}')
  const connection = await connect({
    servers: `${address}:${binding.port}`,
    user: binding.username,
    pass: binding.password,
    tls: { ca: binding['ca.crt'], handshakeFirst: true, servername: binding.host } as ConnectionOptions['tls'] & object,
    // A Service knows of a pod that became ready a moment later.
    waitOnFirstConnect: true,
    reconnectTimeWait: 200,
    maxReconnectAttempts: 300,
    ...more,
  })
  connections.push(connection)
  return connection
}
