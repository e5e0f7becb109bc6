import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Condition } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'
import { Cache } from '../kube/cache.ts'
import { KubeClient } from '../kube/client.ts'
import { EventRecorder } from '../kube/events.ts'
import { startReflectors } from '../kube/reflector.ts'
import { pathOf, resources } from '../kube/resources.ts'
import { client, config, log, testNamespace, until } from '../kube/testing/cluster.ts'
import { Proxy, type Verdict } from '../kube/testing/proxy.ts'
import { reconciler, type Controller } from './controller.ts'
import { finalizer } from './finalizer.ts'
import type { Outcome } from './outcome.ts'
import { isPaused, pauseAnnotation, type CommonStatus } from './status.ts'

const namespace = await testNamespace()
// A kind of this test's own: an operator that runs in the cluster would write the status of DataStores, too.
const thing = { apiVersion: 'test.supersmartmatch.io/v1', kind: 'Thing' }
resources.push({ ...thing, plural: 'things', namespaced: true })

const definitionPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.test.supersmartmatch.io'

interface Context {
  outcome: Outcome | Error
  extra: Record<string, unknown>
  needsFinalizer?: boolean
  final?: Outcome
  urgentMs?: number | Error
}

const proxy = new Proxy(config)
const cache = new Cache()
/** What the next reconcile finds. */
let next: Context
const watchNamespaces = [namespace]
let events: EventRecorder
let reconcile: ReturnType<typeof reconciler<Context>>

const controller: Controller<Context> = {
  ...thing,
  urgent: async () => {
    if (next.urgentMs instanceof Error) throw next.urgentMs
    return next.urgentMs
  },
  observe: async () => next,
  steps: [
    { condition: 'SpecValid', run: async () => ({ kind: 'done', reason: 'Valid' }) },
    {
      condition: 'ObjectsApplied',
      run: async ({ outcome }) => {
        if (outcome instanceof Error) throw outcome
        return outcome
      },
    },
  ],
  extraStatus: ({ extra }) => extra,
  needsFinalizer: ({ needsFinalizer = false }) => needsFinalizer,
  finalSteps: [
    {
      condition: 'DataGone',
      run: async ({ final }) => final ?? { kind: 'done', reason: 'Gone' },
    },
  ],
}

beforeAll(async () => {
  await defineThing()
  const counted = new KubeClient(await proxy.start())
  const stop = new AbortController()
  const watches = [thing]
  await startReflectors({ client, cache, watches, onChange: () => {}, log, signal: stop.signal }).whenSynced
  events = new EventRecorder({ client: counted, instance: 'test', log })
  reconcile = reconciler(controller, { watchNamespaces, client: counted, cache, events, log })
  return async () => {
    stop.abort()
    proxy.close()
    await counted.close()
  }
})

afterAll(async () => {
  // Whatever failed: one that keeps its finalizer would keep the kind from going, and the next run with it.
  for (const { metadata } of await client.list(thing))
    await client.mergePatch(thing, metadata.namespace, metadata.name, { metadata: { finalizers: null } })
  await client.request('DELETE', definitionPath)
})

beforeEach(() => {
  next = { outcome: { kind: 'done', reason: 'Applied' }, extra: {} }
  watchNamespaces.splice(0, Infinity, namespace)
  proxy.intercept = () => 'forward'
})

/** Creates a Thing and waits until the cache has it; returns its key. */
async function make(name: string): Promise<string> {
  await client.create({ ...thing, metadata: { name, namespace }, spec: { size: 1 } })
  await until(() => cache.get(thing, namespace, name) !== undefined)
  proxy.seen.length = 0
  return `${namespace}/${name}`
}

/** What is done comes back all the same, in ten minutes or a little later. */
const resync = { afterMs: expect.any(Number) as number }
const run = (key: string) => reconcile(key, new AbortController().signal)
const statusOf = async (name: string) =>
  (await client.get(thing, namespace, name))?.['status'] as CommonStatus & Record<string, unknown>
const find = (status: CommonStatus, type: string) => status.conditions.find((one: Condition) => one.type === type)

test('done: Ready, one status patch, and none when nothing has changed', async () => {
  const key = await make('done')
  next.extra = { endpoint: 'a:1' }
  expect(await run(key)).toEqual(resync)
  expect(await statusOf('done')).toMatchObject({ phase: 'Ready', observedGeneration: 1, endpoint: 'a:1' })
  expect(await run(key)).toEqual(resync)
  expect(await run(key)).toEqual(resync)
  expect(proxy.requests('PATCH')).toHaveLength(1)
})

test('wait, then error, then done: conditions follow, extra fields stay until they are removed', async () => {
  const key = await make('course')
  next = {
    outcome: { kind: 'wait', reason: 'PreviousOwnerTerminating', message: 'patience', retryAfterMs: 1_234 },
    extra: { a: 1, b: 2 },
  }
  expect(await run(key)).toEqual({ afterMs: 1_234 })
  expect(find(await statusOf('course'), 'Ready')).toMatchObject({ status: 'False', message: 'patience' })
  next = { outcome: new Error('password=hunter2 refused'), extra: {} }
  expect(await run(key)).toBe('backoff')
  const failed = await statusOf('course')
  expect(find(failed, 'ObjectsApplied')).toMatchObject({
    status: 'False',
    reason: 'Error',
    message: 'password=[redacted] refused',
  })
  expect(failed).toMatchObject({ phase: 'Creating', a: 1, b: 2 })
  next = { outcome: { kind: 'done', reason: 'Applied' }, extra: { a: undefined } }
  expect(await run(key)).toEqual(resync)
  const done = await statusOf('course')
  expect(done).toMatchObject({ phase: 'Ready', b: 2 })
  expect(done).not.toHaveProperty('a')
  expect(find(done, 'Reconciling')).toBeUndefined()
})

test('what is urgent is asked for whatever the steps say, also while the object is paused', async () => {
  const key = await make('urgent')
  next.urgentMs = 321
  expect(await run(key)).toEqual({ afterMs: 321 })
  next.outcome = { kind: 'wait', reason: 'PreviousOwnerTerminating', message: 'patience', retryAfterMs: 123 }
  expect(await run(key)).toEqual({ afterMs: 123 })
  await client.mergePatch(thing, namespace, 'urgent', { metadata: { annotations: { [pauseAnnotation]: 'true' } } })
  await until(() => isPaused(cache.get(thing, namespace, 'urgent')!))
  expect(await run(key)).toEqual({ afterMs: 321 })
  delete next.urgentMs
  expect(await run(key)).toEqual({})
})

test('what is urgent comes back in time although the steps fail, and its own error keeps no step from running', async () => {
  const key = await make('both')
  next = { ...next, urgentMs: 321, outcome: new Error('a step') }
  expect(await run(key)).toEqual({ backoffAtMostMs: 321 })
  proxy.intercept = (_request, response) => {
    response.writeHead(500).end()
    return 'answered'
  }
  next.outcome = { kind: 'wait', reason: 'PreviousOwnerTerminating', message: 'unsaid', retryAfterMs: 123 }
  expect(await run(key)).toEqual({ backoffAtMostMs: 321 })
  proxy.intercept = () => 'forward'
  next = { urgentMs: new Error('the CA is gone'), outcome: { kind: 'done', reason: 'Applied' }, extra: {} }
  await until(() => find(cache.get(thing, namespace, 'both')?.['status'] as CommonStatus, 'Ready') !== undefined)
  expect(await run(key)).toEqual({ afterMs: 2_000 })
  expect(find(await statusOf('both'), 'Ready')?.status).toBe('True')
})

test('an object that changed since it was read: nothing is overwritten, and the key comes back', async () => {
  const key = await make('conflict')
  proxy.intercept = async ({ method }): Promise<Verdict> => {
    if (method === 'PATCH') await client.mergePatch(thing, namespace, 'conflict', { spec: { size: 2 } })
    return 'forward'
  }
  expect(await run(key)).toBe('backoff')
  expect(await statusOf('conflict')).toBeUndefined()
  proxy.intercept = () => 'forward'
  await until(() => cache.get(thing, namespace, 'conflict')?.metadata.generation === 2)
  expect(await run(key)).toEqual(resync)
  expect(await statusOf('conflict')).toMatchObject({ observedGeneration: 2 })
})

test('gone or being deleted: left alone', async () => {
  expect(await run(`${namespace}/never`)).toEqual({})
  const key = await make('deleting')
  await client.mergePatch(thing, namespace, 'deleting', { metadata: { finalizers: ['example.com/wait'] } })
  await client.delete((await client.get(thing, namespace, 'deleting')) as KubeObject)
  await until(() => cache.get(thing, namespace, 'deleting')?.metadata.deletionTimestamp !== undefined)
  expect(await run(key)).toEqual({})
  expect(proxy.requests('PATCH')).toHaveLength(0)
  await client.mergePatch(thing, namespace, 'deleting', { metadata: { finalizers: null } })
})

test('told to stop: nothing is said that was only found because of it', async () => {
  const key = await make('stopping')
  next.outcome = { kind: 'wait', reason: 'PreviousOwnerTerminating', message: 'no answer in time', retryAfterMs: 1 }
  expect(await reconcile(key, AbortSignal.abort())).toEqual({})
  expect(proxy.requests('PATCH')).toHaveLength(0)
})

test('in a namespace that is not watched: told once and not again, nothing else is done; watched again, it goes on', async () => {
  const key = await make('elsewhere')
  watchNamespaces.length = 0
  expect(await run(key)).toEqual({})
  expect(await run(key)).toEqual({})
  const status = await statusOf('elsewhere')
  expect(find(status, 'SpecValid')).toMatchObject({
    status: 'False',
    reason: 'NamespaceNotWatched',
    message: expect.stringContaining(
      `namespace ${namespace} is not watched: add it to the value watchNamespaces`,
    ) as string,
    observedGeneration: 1,
  })
  expect(find(status, 'ObjectsApplied')).toMatchObject({ status: 'Unknown', reason: 'NotReached' })
  expect(find(status, 'Stalled')).toMatchObject({ status: 'True' })
  expect(proxy.requests('PATCH')).toHaveLength(1)
  expect(proxy.requests('POST')).toHaveLength(0)
  watchNamespaces.push(namespace)
  await run(key)
  expect(find(await statusOf('elsewhere'), 'SpecValid')).toMatchObject({ status: 'True', reason: 'Valid' })
  expect(find(await statusOf('elsewhere'), 'Stalled')).toBeUndefined()
})

test('an object that another operator observes is left to it until nobody looks at an edit', async () => {
  const key = await make('others')
  await run(key)
  watchNamespaces.length = 0
  expect(await run(key)).toEqual({})
  expect(find(await statusOf('others'), 'SpecValid')).toMatchObject({ reason: 'Valid' })
  const edit = async (spec: object, generation: number) => {
    await client.mergePatch(thing, namespace, 'others', { spec })
    await until(() => cache.get(thing, namespace, 'others')?.metadata.generation === generation)
  }
  await edit({ paused: true }, 2)
  expect(await run(key)).toEqual({})
  expect(find(await statusOf('others'), 'SpecValid')).toMatchObject({ reason: 'Valid' })
  await edit({ paused: false }, 3)
  expect(await run(key)).toEqual({})
  expect(find(await statusOf('others'), 'SpecValid')).toMatchObject({ reason: 'NamespaceNotWatched' })
})

const finalizersOf = async (name: string) => (await client.get(thing, namespace, name))?.metadata.finalizers
const others = 'example.com/theirs'

/** Deletes it and waits until the cache knows. */
async function remove(name: string): Promise<void> {
  await client.request('DELETE', pathOf(thing, namespace, name))
  await until(() => cache.get(thing, namespace, name)?.metadata.deletionTimestamp !== undefined)
}

test('a finalizer comes and goes with the need for it, each time by one patch, and leaves those of others alone', async () => {
  const key = await make('finalizer')
  await client.mergePatch(thing, namespace, 'finalizer', { metadata: { finalizers: [others] } })
  await until(() => cache.get(thing, namespace, 'finalizer')?.metadata.finalizers !== undefined)
  next.needsFinalizer = true
  expect(await run(key)).toEqual(resync)
  expect(await finalizersOf('finalizer')).toEqual([others, finalizer])
  expect(await run(key)).toEqual(resync)
  next.needsFinalizer = false
  expect(await run(key)).toEqual(resync)
  expect(await finalizersOf('finalizer')).toEqual([others])
  // Two of the finalizer, one of the status.
  expect(proxy.requests('PATCH')).toHaveLength(3)
  // Or nothing could ever remove the object, nor its kind.
  await client.mergePatch(thing, namespace, 'finalizer', { metadata: { finalizers: null } })
})

test('a deleted object goes when its final steps are done, and says until then what is not', async () => {
  const key = await make('final')
  next.needsFinalizer = true
  await run(key)
  await remove('final')
  next.final = { kind: 'wait', reason: 'Deleting', message: 'left: a volume', retryAfterMs: 1_234 }
  expect(await run(key)).toEqual({ afterMs: 1_234 })
  const status = await statusOf('final')
  expect(status.phase).toBe('Deleting')
  expect(find(status, 'DataGone')).toMatchObject({ status: 'False', reason: 'Deleting', message: 'left: a volume' })
  expect(find(status, 'Ready')).toMatchObject({ status: 'False', message: 'left: a volume' })
  expect(find(status, 'ObjectsApplied')).toBeUndefined()

  next.final = { kind: 'done', reason: 'Gone' }
  await until(() => cache.get(thing, namespace, 'final')?.['status'] !== undefined)
  await until(async () => (await run(key)) !== 'backoff')
  expect(await client.get(thing, namespace, 'final')).toBeUndefined()
})

test('a deleted object goes at once when it needs its final steps no more', async () => {
  const key = await make('free')
  next.needsFinalizer = true
  await run(key)
  await remove('free')
  next = { ...next, needsFinalizer: false, final: { kind: 'blocked', reason: 'Deleting', message: 'never' } }
  expect(await run(key)).toEqual({})
  expect(await client.get(thing, namespace, 'free')).toBeUndefined()
})

test('nobody works on a paused object that is being deleted', async () => {
  const key = await make('pausedatend')
  next.needsFinalizer = true
  await run(key)
  await client.mergePatch(thing, namespace, 'pausedatend', { spec: { paused: true } })
  await remove('pausedatend')
  expect(await run(key)).toEqual({ afterMs: 60_000 })
  expect(find(await statusOf('pausedatend'), 'ReconciliationPaused')?.status).toBe('True')
  expect(await finalizersOf('pausedatend')).toEqual([finalizer])
  await client.mergePatch(thing, namespace, 'pausedatend', { metadata: { finalizers: null } })
})

test.each(['watched', 'paused', 'elsewhere'])(
  'a namespace that is being deleted takes everything with it: nothing of ours holds it up (%s)',
  async (how) => {
    const name = `${namespace}-${how}`
    watchNamespaces.push(name)
    await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    await client.create({ ...thing, metadata: { name: 'going', namespace: name }, spec: {} })
    await until(() => cache.get(thing, name, 'going') !== undefined)
    next = { ...next, needsFinalizer: true, final: { kind: 'blocked', reason: 'Deleting', message: 'never' } }
    await run(`${name}/going`)
    if (how === 'paused') await client.mergePatch(thing, name, 'going', { spec: { paused: true } })
    if (how === 'elsewhere') watchNamespaces.pop()
    await client.request('DELETE', `/api/v1/namespaces/${name}`)
    await until(() => cache.get(thing, name, 'going')?.metadata.deletionTimestamp !== undefined)
    await until(async () => (await run(`${name}/going`)) !== 'backoff')
    expect(await client.get(thing, name, 'going')).toBeUndefined()
  },
)

test('an overloaded API server is given the time it asks for', async () => {
  const key = await make('overloaded')
  proxy.intercept = (_request, response) => {
    response.writeHead(429, { 'retry-after': '7' }).end()
    return 'answered'
  }
  expect(await run(key)).toEqual({ afterMs: 7_000 })
})

test('Events: Ready turned, work stalled; never the same twice, never a secret', async () => {
  const key = await make('events')
  await run(key)
  next.outcome = { kind: 'blocked', reason: 'FieldConflict', message: 'postgres://a:hunter2@b is not ours' }
  for (const size of [2, 3]) {
    await client.mergePatch(thing, namespace, 'events', { spec: { size } })
    await until(() => cache.get(thing, namespace, 'events')?.metadata.generation === size)
    await run(key)
  }
  await events.flush()
  const all = await client.list({ apiVersion: 'events.k8s.io/v1', kind: 'Event' }, namespace)
  const about = all.filter((event) => (event['regarding'] as { name: string }).name === 'events')
  expect(
    about.map((event) => `${String(event['type'])} ${String(event['reason'])}: ${String(event['note'])}`).sort(),
  ).toEqual(['Normal Ready: Everything is ready', 'Warning Stalled: postgres://a:[redacted]@b is not ours'])
})

async function defineThing(): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.test.supersmartmatch.io' },
    spec: {
      group: 'test.supersmartmatch.io',
      scope: 'Namespaced',
      names: { kind: 'Thing', plural: 'things' },
      versions: [{ name: 'v1', served: true, storage: true, schema, subresources: { status: {} } }],
    },
  }
  const query = { fieldManager: 'test', force: true }
  await client.request('PATCH', definitionPath, {
    query,
    body: definition,
    contentType: 'application/apply-patch+yaml',
  })
  await until(async () => {
    try {
      return (await client.list(thing, namespace)).length === 0
    } catch {
      return false
    }
  })
}
