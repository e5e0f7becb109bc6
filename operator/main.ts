import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../crds/object.ts'
import { apiVersion } from '../crds/schema/common.ts'
import { schemaEngines, schemaNames, type SchemaName } from '../crds/schema/data-store.ts'
import type { MatchingCluster } from '../crds/schema/matching-cluster.ts'
import { dialectOfEngine } from '../migrations/runner/dialect.ts'
import { fileName, readMigrations, upTo } from '../migrations/runner/files.ts'
import { formats } from '../migrations/runner/formats.ts'
import { dataStoreController } from './data-store/controller.ts'
import { GivenSecrets } from './data-store/given-secrets.ts'
import type { Schema } from './data-store/observe.ts'
import { engines } from './engines/registry.ts'
import { Applier } from './kube/apply.ts'
import { Cache, type Change, type Watch } from './kube/cache.ts'
import { KubeClient } from './kube/client.ts'
import { loadKubeConfig } from './kube/config.ts'
import { EventRecorder } from './kube/events.ts'
import { acquireLease } from './kube/lease.ts'
import { WorkQueue } from './kube/queue.ts'
import { startReflectors } from './kube/reflector.ts'
import { managedBy } from './labels.ts'
import { matchingClusterController } from './matching-cluster/controller.ts'
import { observe } from './matching-cluster/observe.ts'
import { letClientsGo } from './matching-cluster/switchover.ts'
import { createLogger } from './observability/logger.ts'
import { startServer } from './observability/server.ts'
import { reconciler, type Controller } from './reconcile/controller.ts'
import { readSettings } from './settings.ts'
import { ownedKinds, ownKinds, Wakeups, type OwnKind } from './wake.ts'

/**
 * Another replica waits: a reconcile that asks a slow database is told to stop, and leaves no trace of it. Only a request to
 * the API server, which has a deadline of 10 s, is waited for. That leaves 20 of the pod's 30 s of grace for the Lease.
 */
const drain = { hurryMs: 500, giveUpMs: 10_000 }

/** How long poolers have then to let clients go: 2 s in all, and the successor, which asks once a second at least, is at work in 3. */
const letGoMs = 1_500

/** How long an operator that watches another namespace may take to observe an object there: it may just be taking over from one that was killed. */
const elsewhereMs = 30_000

const settings = readSettings(process.env)
const log = createLogger(settings.logLevel)
const stop = new AbortController()

process.on('unhandledRejection', (error) => {
  log.fatal({ err: error }, 'unhandled rejection')
  process.exit(1)
})

const client = new KubeClient(await loadKubeConfig())
const cache = new Cache()
const schemas: Record<string, Schema> = {}
for (const name of schemaNames) schemas[name] = await readSchema(name)

const wakeups = new Wakeups(cache)
const queues = new Map<OwnKind, WorkQueue>()

let ready = (): string | undefined => 'starting'
const server = await startServer({ port: settings.httpPort, ready: () => ready(), alive, log })

const reflectors = startReflectors({ client, cache, watches: watches(), onChange, log, signal: stop.signal })
ready = () => reflectors.whyNotReady()

let release: (() => Promise<void>) | undefined
const terminated = new Promise<string>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
})
const leading = lead()
const why = await Promise.race([terminated, leading])
log.info({ why }, 'stopping')
await shutDown()

/** Waits for the Lease, then works until it is lost. Resolves with the reason why work must stop. */
async function lead(): Promise<string> {
  const { namespace, identity } = settings
  await reflectors.whenSynced
  const leadership = await acquireLease({
    client,
    namespace,
    name: managedBy,
    identity,
    log,
    signal: stop.signal,
  })
  const writer = client.fenced(() => leadership.check())
  const events = new EventRecorder({ client: writer, instance: identity, log })
  const tools = {
    client: writer,
    cache,
    applier: new Applier(writer, cache, log),
    events,
    engines,
    given: new GivenSecrets(writer, cache),
    images: settings.images,
    surroundings: { operatorNamespace: namespace, apiServerPorts: settings.apiServerPorts },
    schemas,
    now: () => new Date(),
    fence: () => leadership.check(),
  }
  startQueue('DataStore', dataStoreController(tools))
  startQueue('MatchingCluster', matchingClusterController(tools))
  release = async () => {
    await letAllGo()
    await leadership.release()
    await events.flush()
  }
  return `leadership lost: ${(await leadership.lost).message}`

  async function letAllGo() {
    try {
      // Whoever leads now may hold clients himself.
      leadership.check()
      const signal = AbortSignal.timeout(letGoMs)
      const clusters = cache.list({ apiVersion, kind: 'MatchingCluster' }) as MatchingCluster[]
      const own = clusters.filter(({ metadata }) => settings.watchNamespaces.includes(metadata.namespace ?? ''))
      const held = await Promise.all(own.map((cluster) => letClientsGo(observe(cluster, tools, signal))))
      for (const message of held.flat()) log.error({ message }, 'clients of the pooler may still be held')
    } catch (error) {
      log.error({ err: error }, 'clients of the poolers may still be held')
    }
  }

  function startQueue<Context>(kind: OwnKind, controller: Controller<Context>) {
    const { watchNamespaces } = settings
    const process = reconciler(controller, { watchNamespaces, client: writer, cache, events, log })
    const queue = new WorkQueue({ name: kind, workers: 4, process, log })
    queues.set(kind, queue)
    for (const { metadata } of cache.list({ apiVersion, kind })) {
      enqueue(queue, `${metadata.namespace}/${metadata.name}`)
    }
    queue.start()
  }
}

/** Every step has a deadline: a reconcile that takes minutes hangs for good, and a restart frees its object. */
function alive(): string | undefined {
  return [...queues.values()].map((queue) => queue.whyStuck()).find((why) => why !== undefined)
}

function onChange(change: Change, object: KubeObject) {
  // A queue begins with all there is: nothing is missed before.
  if (queues.size === 0) return
  for (const { kind, key } of wakeups.of(change, object)) enqueue(queues.get(kind), key)
}

/** An object elsewhere is only told that nobody works on it, and only once another operator has had the time to. */
function enqueue(queue: WorkQueue | undefined, key: string) {
  const [namespace = ''] = key.split('/')
  if (settings.watchNamespaces.includes(namespace)) queue?.add(key)
  else queue?.addAfter(key, elsewhereMs)
}

function watches(): Watch[] {
  const labels = { 'app.kubernetes.io/managed-by': managedBy }
  const own = ownKinds.map((kind) => ({ apiVersion, kind }))
  const owned = settings.watchNamespaces.flatMap((namespace) =>
    ownedKinds.map((kind) => ({ ...kind, namespace, labels })),
  )
  return [...own, ...owned]
}

async function readSchema(name: SchemaName): Promise<Schema> {
  const folder = new URL(`../migrations/${name}/`, import.meta.url)
  const dialect = dialectOfEngine[schemaEngines[name][0]]
  const set = await readMigrations(folder.pathname, formats[dialect])
  const files = set.migrations.map(({ version, name, breaking }) => ({
    version,
    name: fileName({ version, name }, set.extension),
    breaking,
    digest: upTo(set, version).digest,
  }))
  return { files, clusterSql: set.clusterSql ?? '' }
}

/** Running reconciles finish, then the Lease is given up so that another replica takes over at once; whatever still ran could no longer write. */
async function shutDown(): Promise<void> {
  await Promise.all([...queues.values()].map((queue) => queue.drain(drain)))
  await release?.()
  stop.abort()
  await Promise.race([reflectors.stopped, sleep(2_000)])
  await server.close()
  await client.close()
  process.exit(0)
}
