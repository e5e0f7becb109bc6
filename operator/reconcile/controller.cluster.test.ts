import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Condition } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'
import { Cache } from '../kube/cache.ts'
import { KubeClient } from '../kube/client.ts'
import { EventRecorder } from '../kube/events.ts'
import { startReflectors } from '../kube/reflector.ts'
import { resources } from '../kube/resources.ts'
import { client, config, log, testNamespace, until } from '../kube/testing/cluster.ts'
import { Proxy, type Verdict } from '../kube/testing/proxy.ts'
import { reconciler, type Controller } from './controller.ts'
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
  urgentMs?: number
}

const proxy = new Proxy(config)
const cache = new Cache()
/** What the next reconcile finds. */
let next: Context
let events: EventRecorder
let reconcile: ReturnType<typeof reconciler<Context>>

const controller: Controller<Context> = {
  ...thing,
  urgent: async () => next.urgentMs,
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
}

beforeAll(async () => {
  await defineThing()
  const counted = new KubeClient(await proxy.start())
  const stop = new AbortController()
  const watches = [thing]
  await startReflectors({ client, cache, watches, onChange: () => {}, log, signal: stop.signal }).whenSynced
  events = new EventRecorder({ client: counted, instance: 'test', log })
  reconcile = reconciler(controller, { client: counted, cache, events, log })
  return async () => {
    stop.abort()
    proxy.close()
    await counted.close()
  }
})

afterAll(async () => {
  await client.request('DELETE', definitionPath)
})

beforeEach(() => {
  next = { outcome: { kind: 'done', reason: 'Applied' }, extra: {} }
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
