import { Cluster } from 'ioredis'
import { X509Certificate } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Value from 'typebox/value'
import { afterAll } from 'vitest'
import type { KubeObject } from '../../../crds/object.ts'
import { DataStoreSpec } from '../../../crds/schema/data-store.ts'
import { createAuthority, issueServerCertificate, type KeyPair } from '../../certificates.ts'
import { names } from '../../data-store/names.ts'
import { secret } from '../../secrets.ts'
import { createLab } from '../../testing/lab.ts'
import { surroundings } from '../../testing/platform.ts'
import type { Node, Plan, Settled, Target } from '../engine.ts'
import { hostOf } from './config.ts'
import { withConnection } from './connection.ts'
import { redis } from './engine.ts'
import type { Reply } from './reply.ts'

/** For tests: a Redis store of real pods, made of its own objects. No operator: the test calls `settle` as that would. */
export interface Store {
  plan: Plan
  /** By login. */
  passwords: Record<string, string>
  pair: KeyPair
}

export interface PodObject extends KubeObject {
  spec: { nodeName?: string }
  status: {
    podIP?: string
    conditions?: { type: string; status: string }[]
    containerStatuses?: { restartCount: number }[]
  }
}

const logins = ['admin', 'replicator', 'monitoring', 'owner', 'app']
export const soon = () => AbortSignal.timeout(10_000)

/** Called where the test file is loaded: it registers what ends it all. @param image  known by the time a store is made */
export async function createRedisLab(image: () => string) {
  const lab = await createLab()
  const authority = await createAuthority('ca', new Date())
  const clients: Cluster[] = []
  afterAll(() => clients.forEach((client) => client.disconnect()))

  function planOf(name: string, given: object): Plan {
    const spec = Value.Default(DataStoreSpec, {
      engine: 'redis',
      storage: { size: '512Mi' },
      resources: { cpu: '10m', memory: '64Mi', memoryLimit: '256Mi' },
      ...given,
    }) as DataStoreSpec
    const metadata = { name, namespace: lab.namespace }
    const store = { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'DataStore', metadata, spec }
    const identity = { name: 'redis', instance: name, component: 'database', store: name }
    const members = spec.shards * spec.replicas
    return {
      store,
      identity,
      image: image(),
      database: '0',
      caFingerprint: '',
      members,
      readFrom: 'primary',
      surroundings,
    }
  }

  async function storeOf(name: string, given: object = {}): Promise<Store> {
    const plan = planOf(name, given)
    const passwords = Object.fromEntries(logins.map((login) => [login, `password-of-${login}`]))
    return { plan, passwords, pair: await certificate(plan) }
  }

  const certificate = (plan: Plan) => issueServerCertificate(authority, redis.serverNames(plan), new Date())

  /** Secrets and everything else, and has the kubelet look at them at once. */
  async function apply(store: Store): Promise<void> {
    const object = (name: string, values: Record<string, string>) =>
      secret({ name, namespace: lab.namespace, labels: {} }, values)
    const tls = { 'tls.crt': store.pair.certificate, 'tls.key': store.pair.key, 'ca.crt': authority.certificate }
    await lab.apply([
      object(names.tlsSecret(nameOf(store)), tls),
      object(names.loginsSecret(nameOf(store)), redis.loginFiles?.(store.plan, store.passwords) ?? {}),
      ...redis.objects(store.plan),
    ])
    const now = `looked-at=${Date.now()}`
    for (const { metadata } of await pods(store))
      await lab.kubectl('annotate', 'pod', metadata.name, '--overwrite', now)
  }

  async function pods(store: Store): Promise<PodObject[]> {
    const selector = `--selector=app.kubernetes.io/instance=${nameOf(store)}`
    const { items } = JSON.parse(await lab.kubectl('get', 'pods', selector, '--output=json')) as { items: PodObject[] }
    return items.filter(({ metadata }) => !metadata.deletionTimestamp)
  }

  function targetOf(store: Store, pod: PodObject, username = 'admin', password = store.passwords[username]): Target {
    const [host, serverName] = [pod.status.podIP ?? '', hostOf(store.plan, pod.metadata.name)]
    return { host, port: redis.port, database: '0', username, password: password ?? '', ca: authority.certificate, serverName } // prettier-ignore
  }

  /** As the operator does at every reconcile. */
  async function settle(store: Store, found?: PodObject[]): Promise<Settled> {
    const certificate = new X509Certificate(store.pair.certificate).fingerprint256
    const nodes = (found ?? (await pods(store))).map((pod): Node => ({
      name: pod.metadata.name,
      ordinal: Number(pod.metadata.name.split('-').at(-1)),
      machine: pod.spec.nodeName,
      ready: isReady(pod),
      target: pod.status.podIP ? targetOf(store, pod) : undefined,
      certificate,
    }))
    if (!redis.settle || nodes.every(({ target }) => !target)) return { changed: [], waiting: 'no pod has an address' }
    return redis.settle(nodes, store.plan, store.passwords, soon())
  }

  /** Until all is as it should be and all pods are ready. @returns everything that was changed on the way */
  async function settled(store: Store, timeoutMs = 90_000): Promise<string[]> {
    const changed: string[] = []
    const giveUp = performance.now() + timeoutMs
    for (;;) {
      const found = await pods(store)
      const result = await settle(store, found).catch((error: unknown) => ({ changed: [], waiting: String(error) }))
      changed.push(...result.changed)
      const ready = found.filter(isReady).length
      const waiting = result.waiting ?? (ready === store.plan.members ? undefined : `${ready} pods are ready`)
      if (waiting === undefined) return changed
      if (performance.now() > giveUp) throw new Error(`${waiting}; changed: ${changed.join(', ')}`)
      await sleep(300)
    }
  }

  /** The official client with nothing but the binding. This process is no pod: only where names lead to it must be told. */
  async function client(store: Store, role: 'app' | 'owner' = 'app'): Promise<Cluster> {
    const [first] = await pods(store)
    if (!first) throw new Error('there is no pod')
    const host = `${nameOf(store)}.${lab.namespace}.svc`
    const binding = redis.binding({ ...targetOf(store, first, role), host })
    const lookup: LookupFunction = (name, _options, done) => {
      void pods(store).then((found) => {
        const pod = found.find(({ metadata }) => name.startsWith(`${metadata.name}.`)) ?? found[0]
        done(null, [{ address: pod?.status.podIP ?? '127.0.0.1', family: 4 }])
      })
    }
    const { username, password, 'ca.crt': ca } = binding
    const cluster = new Cluster([{ host: binding.host, port: Number(binding.port) }], {
      dnsLookup: (address, done) => done(null, address),
      redisOptions: { username, password, tls: { ca, lookup } },
      clusterRetryStrategy: () => 200,
    })
    // What it cannot do it says in the answers to its commands.
    cluster.on('error', () => undefined)
    clients.push(cluster)
    return cluster
  }

  async function run(store: Store, pod: PodObject | undefined, command: string, login = 'admin'): Promise<Reply> {
    if (!pod) throw new Error('there is no such pod')
    return withConnection(targetOf(store, pod, login), soon(), ({ send }) => send(...command.split(' ')))
  }

  return { lab, planOf, storeOf, certificate, apply, pods, targetOf, settle, settled, client, run }
}

const isReady = ({ status }: PodObject) =>
  status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

const nameOf = ({ plan }: Store): string => plan.store.metadata.name
