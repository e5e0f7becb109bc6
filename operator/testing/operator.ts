import { afterAll, beforeAll } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import { dataStoreController } from '../data-store/controller.ts'
import type { Tools } from '../data-store/observe.ts'
import type { Engine } from '../engines/engine.ts'
import { engines } from '../engines/registry.ts'
import { Applier } from '../kube/apply.ts'
import { GivenSecrets } from '../data-store/given-secrets.ts'
import { Cache, type Change } from '../kube/cache.ts'
import { hasStatus, type KubeClient } from '../kube/client.ts'
import { EventRecorder } from '../kube/events.ts'
import { WorkQueue } from '../kube/queue.ts'
import { startReflectors } from '../kube/reflector.ts'
import type { ResourceRef } from '../kube/resources.ts'
import { client, log } from '../kube/testing/cluster.ts'
import { managedBy } from '../labels.ts'
import { matchingClusterController } from '../matching-cluster/controller.ts'
import { reconciler, type Controller } from '../reconcile/controller.ts'
import { ownedKinds, Wakeups, type OwnKind } from '../wake.ts'
import { playRunning } from './kubelet.ts'
import { playMembers } from './members.ts'
import { surroundings } from './platform.ts'

export interface TestOperator {
  cache: Cache
  tools: Tools
  /** A new process: another queue that begins with all there is. */
  start(): void
  /** As a process that is killed: what is being reconciled goes no further than its next write. */
  kill(): Promise<void>
}

/**
 * For tests: both controllers with their queues, as operator/main.ts runs them, in a namespace of the test's own. API server and
 * controllers are real; the kubelet and what an engine answers are played. Not started yet.
 * @param given.beforeWrite  called before each write; throw to end the operator there
 */
export function testOperator(
  namespace: string,
  given: { engine?: Partial<Engine>; clusterSql?: string; beforeWrite?: () => void } = {},
): TestOperator {
  const stop = new AbortController()
  const cache = new Cache()
  const wakeups = new Wakeups(cache)
  let queues = new Map<OwnKind, WorkQueue>()
  let alive = false

  const writer = client.fenced(() => {
    if (!alive) throw new Error('this operator was killed')
    given.beforeWrite?.()
  })
  const events = new EventRecorder({ client, instance: 'test', log })
  const engine: Engine = {
    ...engines.postgres,
    ...answersAtOnce,
    members: playMembers(cache, namespace),
    ...given.engine,
  }
  const tools: Tools = {
    client: writer,
    cache,
    applier: new Applier(writer, cache, log),
    events,
    engines: { postgres: engine },
    given: new GivenSecrets(client, cache),
    images: { postgres: 'localhost/none:1', pgbouncer: 'localhost/none:1', platform: 'localhost/none:1' },
    surroundings,
    schemas: {
      core: {
        files: [{ version: 1, name: '000001_a.sql', breaking: false, digest: 'digest-1' }],
        clusterSql: given.clusterSql ?? 'SELECT 1',
      },
    },
    now: () => new Date(),
    fence: () => undefined,
  }

  function onChange(change: Change, object: KubeObject): void {
    void playKubelet(client, change, object)
    for (const { kind, key } of wakeups.of(change, object)) queues.get(kind)?.add(key)
  }

  beforeAll(async () => {
    const labels = { 'app.kubernetes.io/managed-by': managedBy }
    const own = ['MatchingCluster', 'DataStore'].map((kind) => ({ apiVersion, kind, namespace }))
    const watches = [...own, ...ownedKinds.map((kind) => ({ ...kind, namespace, labels }))]
    await startReflectors({ client, cache, watches, onChange, log, signal: stop.signal }).whenSynced
  })
  afterAll(async () => {
    await kill()
    stop.abort()
    await events.flush()
    for (const kind of ['MatchingCluster', 'DataStore']) await releaseAll({ apiVersion, kind }, namespace)
  })

  function start(): void {
    alive = true
    queues = new Map()
    startQueue('DataStore', dataStoreController(tools))
    startQueue('MatchingCluster', matchingClusterController(tools))
  }

  function startQueue<Context>(kind: OwnKind, controller: Controller<Context>): void {
    const process = reconciler(controller, { watchNamespaces: [namespace], client: writer, cache, events, log })
    const queue = new WorkQueue({ name: kind, workers: 2, process, log, baseDelayMs: 50 })
    queues.set(kind, queue)
    for (const { metadata } of cache.list({ apiVersion, kind }, namespace)) queue.add(`${namespace}/${metadata.name}`)
    queue.start()
  }

  async function kill(): Promise<void> {
    alive = false
    await Promise.all([...queues.values()].map((queue) => queue.drain({ hurryMs: 0, giveUpMs: 1_000 })))
  }

  return { cache, tools, start, kill }
}

/** Nobody else would take the finalizers off, and the namespace would never go. */
async function releaseAll(kind: ResourceRef, namespace: string): Promise<void> {
  for (const { metadata } of await client.list(kind, namespace))
    await client.mergePatch(kind, namespace, metadata.name, { metadata: { finalizers: null } })
}

const answersAtOnce: Partial<Engine> = {
  probe: async () => ({ state: 'ready', version: '17.1' }),
  bootstrap: async () => ({ clusterSql: 'sha', changed: [], unavailable: [] }),
  maintenance: { observe: async () => undefined, run: async () => 'taken' },
}

/** Pods that fit nowhere run, and migrations succeed. */
async function playKubelet(client: KubeClient, change: Change, object: KubeObject): Promise<void> {
  if (change === 'deleted' || object.metadata.deletionTimestamp) return
  const status = (object['status'] ?? {}) as { phase?: string; startTime?: string; conditions?: { type: string }[] }
  try {
    if (object.kind === 'Pod' && status.phase === 'Pending' && isUnscheduled(object)) await playRunning(client, object)
    if (object.kind === 'Job' && status.startTime && !status.conditions)
      await complete(client, object, status.startTime)
  } catch (error) {
    // Gone or changed meanwhile: its next event is on its way.
    if (!hasStatus(error, 404) && !hasStatus(error, 409) && !hasStatus(error, 422)) throw error
  }
}

const isUnscheduled = (pod: KubeObject) => (pod['spec'] as { nodeName?: string }).nodeName === undefined

/** The API server wants the whole story of a finished Job. */
async function complete(client: KubeClient, job: KubeObject, startTime: string): Promise<void> {
  const lastTransitionTime = new Date().toISOString()
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    type,
    status: 'True',
    reason: 'Test',
    message: '',
    lastTransitionTime,
  }))
  const ended = { completionTime: lastTransitionTime, succeeded: 1, active: 0, ready: 0, terminating: 0 }
  const status = { startTime, conditions, ...ended, uncountedTerminatedPods: {} }
  await client.mergePatch(job, job.metadata.namespace, job.metadata.name, { status }, 'status')
}
