import { beforeEach, describe, expect, test } from 'vitest'
import { approvalNeeded } from '../../migrations/runner/data-loss.ts'
import type { KubeObject } from '../../crds/object.ts'
import type { Context } from './observe.ts'
import { schemaReady } from './schema-ready.ts'

/* The step against a cache in memory: what it asks Kubernetes for, and what it says meanwhile. */

const approve = 'supersmartmatch.io/approve'
const image = 'x/platform:2'
let objects: KubeObject[] = []
let store: KubeObject & { status?: object }

/** Letters are files; a capital is a breaking one. */
function contextOf(letters: string, version?: number): Context {
  const files = [...letters].map((letter, index) => ({
    version: index + 1,
    name: letter,
    breaking: letter !== letter.toLowerCase(),
    digest: letters.slice(0, index + 1),
  }))
  const cache = {
    get: ({ kind }: { kind: string }, _namespace: string, name: string) =>
      objects.find((object) => object.kind === kind && object.metadata.name === name),
    list: ({ kind }: { kind: string }) => objects.filter((object) => object.kind === kind),
  }
  const applier = {
    apply: async (object: KubeObject) => {
      objects.push(object)
      return { kind: 'applied' }
    },
  }
  const client = {
    delete: async (gone: KubeObject) => {
      objects = objects.filter((object) => object !== gone)
    },
  }
  const schema = { name: 'core', ...(version === undefined ? {} : { version }) }
  const spec = { engine: 'postgres', mode: 'managed', schema, placement: {}, imagePullSecrets: [] }
  const identity = { name: 'postgres', instance: 'db', component: 'database', cluster: 'demo', store: 'core' }
  return {
    store: { ...store, spec },
    namespace: 'ns',
    plan: { identity },
    schema: { files, clusterSql: '' },
    tools: { cache, client, applier, images: { platform: image }, events: { normal: () => undefined } },
    found: {},
  } as unknown as Context
}

const jobs = () => objects.filter(({ kind }) => kind === 'Job')
const argumentsOf = (job: KubeObject | undefined) =>
  (/"command":\[([^\]]*)\]/.exec(JSON.stringify(job))?.[1] ?? '').replace(/^.*termination-log",?/, '')

/** Ends the last Job that was made, with these last words of its pod. */
function end(type: 'Complete' | 'Failed', message = ''): void {
  const job = jobs().at(-1)
  if (!job) throw new Error('no Job was made')
  job['status'] = { conditions: [{ type, status: 'True', message: 'BackoffLimitExceeded' }] }
  pod(`${job.metadata.name}-pod`, { 'batch.kubernetes.io/job-name': job.metadata.name }, image, {
    containerStatuses: [{ name: 'migrate', state: { terminated: { message, finishedAt: '2026-01-01T00:00:00Z' } } }],
  })
}

function pod(name: string, labels: Record<string, string>, of: string, status: object = { phase: 'Running' }): void {
  const spec = { containers: [{ name: 'core', image: of }] }
  objects.push({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec, status })
}
const service = { 'supersmartmatch.io/cluster': 'demo', 'app.kubernetes.io/component': 'service' }

beforeEach(() => {
  objects = []
  store = { apiVersion: 'v1', kind: 'DataStore', metadata: { name: 'db', namespace: 'ns', uid: 'u' } }
})
const recorded = (letters: string) => (store.status = { schema: { version: letters.length, digest: letters } })

describe('SchemaReady', () => {
  test('makes one Job, waits for it, and records what it applied', async () => {
    expect(await schemaReady.run(contextOf('ab'))).toMatchObject({ kind: 'wait', reason: 'Running' })
    const context = contextOf('ab')
    expect(await schemaReady.run(context)).toMatchObject({ kind: 'wait', reason: 'Running' })
    expect(jobs()).toHaveLength(1)
    expect(argumentsOf(jobs()[0])).toBe('')
    expect(context.found.migration).toEqual({ current: 0, target: 2, files: ['a', 'b'], job: jobs()[0]?.metadata.name })
    end('Complete')
    const after = contextOf('ab')
    expect(await schemaReady.run(after)).toEqual({ kind: 'done', reason: 'Current' })
    expect(after.found).toMatchObject({ schema: { version: 2, digest: 'ab' }, migration: undefined })
    recorded('ab')
    expect(await schemaReady.run(contextOf('ab'))).toEqual({ kind: 'done', reason: 'Current' })
    expect(jobs()).toHaveLength(1)
  })

  test('says which statement failed', async () => {
    recorded('a')
    await schemaReady.run(contextOf('ab'))
    end('Failed', 'StatementFailed: 000002_b.sql, statement 1 (line 2): 42P01 relation "x" does not exist')
    const context = contextOf('ab')
    expect(await schemaReady.run(context)).toMatchObject({
      kind: 'blocked',
      reason: 'Failed',
      message: expect.stringMatching(/^StatementFailed: 000002_b\.sql, statement 1 .* delete it to try now$/) as string,
    })
    expect(context.found.migration).toMatchObject({
      current: 1,
      target: 2,
      files: ['b'],
      failure: expect.stringContaining('000002_b.sql, statement 1 (line 2)') as string,
    })
  })

  test('ends at spec.schema.version, and refuses one below what is there without holding anything up', async () => {
    recorded('a')
    await schemaReady.run(contextOf('abc', 2))
    expect(argumentsOf(jobs()[0])).toBe('"--target","2"')
    end('Complete')
    const context = contextOf('abc', 2)
    expect(await schemaReady.run(context)).toEqual({ kind: 'done', reason: 'Current' })
    expect(context.found.schema).toEqual({ version: 2, digest: 'ab' })
    recorded('ab')
    expect(await schemaReady.run(contextOf('abc', 1))).toMatchObject({ reason: 'VersionRefused', goOn: true })
    expect(jobs()).toHaveLength(1)
  })
})

describe('a plan that loses data', () => {
  const hash = '0123456789ab'
  const losses = [{ version: 2, where: 'statement 1 (line 2)', why: 'drops table x' }]
  const migrations = [
    { version: 2, name: 'b', checksum: '', breaking: false, destructive: false, statements: 1, text: '' },
  ]
  const { reason, message } = approvalNeeded(hash, losses, {
    schema: 'core',
    extension: 'sql',
    digest: '',
    target: 2,
    clusterSql: undefined,
    migrations,
  })
  const words = `${reason}: ${message}`

  async function refused() {
    recorded('a')
    await schemaReady.run(contextOf('ab'))
    end('Failed', words)
  }

  test('waits for the annotation with the hash that it names, and runs with it', async () => {
    await refused()
    const context = contextOf('ab')
    expect(await schemaReady.run(context)).toMatchObject({
      kind: 'blocked',
      reason: 'AwaitingApproval',
      message: expect.stringContaining(`kubectl annotate datastore db ${approve}=${hash}`) as string,
    })
    const differences = ['000002_b.sql, statement 1 (line 2): drops table x']
    expect(context.found.pending).toEqual({ hash, what: 'migrate the schema to 2', differences })
    for (const wrong of ['another', '']) {
      store.metadata.annotations = { [approve]: wrong }
      expect(await schemaReady.run(contextOf('ab'))).toMatchObject({ reason: 'AwaitingApproval' })
    }
    expect(jobs()).toHaveLength(1)

    store.metadata.annotations = { [approve]: hash }
    expect(await schemaReady.run(contextOf('ab'))).toMatchObject({ kind: 'wait', reason: 'Running' })
    expect(await schemaReady.run(contextOf('ab'))).toMatchObject({ kind: 'wait', reason: 'Running' })
    expect(jobs().map(argumentsOf)).toEqual(['', `"--approve","${hash}"`])
    end('Complete')
    expect(await schemaReady.run(contextOf('ab'))).toEqual({ kind: 'done', reason: 'Current' })
  })

  test('goes on with the approved Job when the one that asked is gone', async () => {
    await refused()
    store.metadata.annotations = { [approve]: hash }
    await schemaReady.run(contextOf('ab'))
    objects = objects.filter((object) => object !== jobs()[0])
    expect(await schemaReady.run(contextOf('ab'))).toMatchObject({ kind: 'wait', reason: 'Running' })
    expect(jobs()).toHaveLength(1)
  })

  test('asks anew when the approved Job finds another plan', async () => {
    await refused()
    store.metadata.annotations = { [approve]: hash }
    await schemaReady.run(contextOf('ab'))
    end('Failed', words.replace(hash, 'ba9876543210'))
    const context = contextOf('ab')
    expect(await schemaReady.run(context)).toMatchObject({ reason: 'AwaitingApproval' })
    expect(context.found.pending?.hash).toBe('ba9876543210')
    expect(jobs()).toHaveLength(2)
  })

  test('leaves status.pending to a roll-out that waits, too', async () => {
    await refused()
    const context = contextOf('ab')
    context.found.pending = { hash: 'rollout', what: 'x', differences: [] }
    expect(await schemaReady.run(context)).toMatchObject({ message: expect.stringContaining(hash) as string })
    expect(context.found.pending.hash).toBe('rollout')
  })
})

describe('a breaking file', () => {
  test('waits for pods of another release, which are named, and holds up nothing', async () => {
    recorded('a')
    pod('demo-core-api-1', service, 'x/platform:1')
    pod('demo-core-api-2', service, image)
    pod('elsewhere', { ...service, 'supersmartmatch.io/cluster': 'other' }, 'x/platform:1')
    pod('demo-pooler', { ...service, 'app.kubernetes.io/component': 'pooler' }, 'x/pgbouncer:1')
    const context = contextOf('aB')
    expect(await schemaReady.run(context)).toEqual({
      kind: 'warn',
      reason: 'AwaitingPods',
      message: 'B is breaking and waits until pods of another release are gone: demo-core-api-1',
      retryAfterMs: 10_000,
    })
    expect(context.found.migration).toEqual({ current: 1, target: 2, files: ['B'] })
    expect(jobs()).toEqual([])

    objects = objects.filter(({ metadata }) => metadata.name !== 'demo-core-api-1')
    await schemaReady.run(contextOf('aB'))
    expect(jobs().map(argumentsOf)).toEqual(['"--breaking"'])
  })

  test('lets what comes before it go, and says afterwards what it waits for', async () => {
    recorded('a')
    pod('old', service, 'x/platform:1')
    await schemaReady.run(contextOf('abC'))
    expect(jobs().map(argumentsOf)).toEqual(['"--target","2"'])
    end('Complete')
    const context = contextOf('abC')
    expect(await schemaReady.run(context)).toMatchObject({ kind: 'warn', reason: 'AwaitingPods' })
    expect(context.found).toMatchObject({ schema: { version: 2 }, migration: { current: 2, target: 3, files: ['C'] } })
  })

  test('is asked for anew in a database that has less than is recorded', async () => {
    recorded('aBc')
    await schemaReady.run(contextOf('aBcd'))
    expect(jobs().map(argumentsOf)).toEqual([''])
    end('Failed', 'BreakingFileWaits: at 1: 3 of 4 files wait, from B on, which is breaking')
    const context = contextOf('aBcd')
    expect(await schemaReady.run(context)).toMatchObject({ kind: 'wait', message: 'the database is at migration 1' })
    expect(context.found).toMatchObject({ schema: { version: 1, digest: 'a' }, migration: undefined })

    recorded('a')
    pod('old', service, 'x/platform:1')
    expect(await schemaReady.run(contextOf('aBcd'))).toMatchObject({ kind: 'wait', reason: 'AwaitingPods' })
    objects = objects.filter(({ metadata }) => metadata.name !== 'old')
    await schemaReady.run(contextOf('aBcd'))
    expect(jobs().map(argumentsOf)).toEqual(['', '"--breaking"'])
  })

  test('holds the services up when they need what comes after it', async () => {
    recorded('a')
    pod('old', service, 'x/platform:1')
    expect(await schemaReady.run(contextOf('aBc'))).toMatchObject({ kind: 'wait', reason: 'AwaitingPods' })
  })
})

describe('an unfinished Job whose decision no longer holds', () => {
  /** The pod of the last Job that was made, as Kubernetes makes it. */
  function running(): void {
    const { metadata } = jobs().at(-1) as KubeObject
    pod(`${metadata.name}-pod`, { ...metadata.labels, 'batch.kubernetes.io/job-name': metadata.name }, image)
  }

  /** It is deleted, nothing else is made, and nothing goes on until its pod is gone. */
  async function expectStopped(context: () => Context): Promise<void> {
    const name = jobs()[0]?.metadata.name ?? ''
    const message = `a migration that is not wanted any more still stops: Job ${name}, pod ${name}-pod`
    expect(await schemaReady.run(context())).toMatchObject({ kind: 'wait', reason: 'Stopping', message })
    expect(jobs()).toEqual([])
    expect(await schemaReady.run(context())).toMatchObject({ kind: 'wait', reason: 'Stopping' })
    expect(jobs()).toEqual([])
    objects = objects.filter(({ metadata }) => metadata.name !== `${name}-pod`)
  }

  test('is ended when the release is taken back, before its services come', async () => {
    recorded('a')
    await schemaReady.run(contextOf('aB'))
    running()
    await expectStopped(() => contextOf('a'))
    expect(await schemaReady.run(contextOf('a'))).toEqual({ kind: 'done', reason: 'Current' })
  })

  test('is not one that has ended, although the cache still has its pod as running', async () => {
    recorded('a')
    await schemaReady.run(contextOf('ab'))
    running()
    end('Complete')
    const context = contextOf('ab')
    expect(await schemaReady.run(context)).toMatchObject({ kind: 'done', reason: 'Current' })
    Object.assign(store, { status: { ...store.status, ...context.found } })
    expect(await schemaReady.run(contextOf('ab'))).toMatchObject({ kind: 'done', reason: 'Current' })
  })

  test('is ended when the approval is withdrawn', async () => {
    recorded('a')
    await schemaReady.run(contextOf('ab'))
    end('Failed', 'ApprovalNeeded: plan 0123456789ab loses data: 000002_b.sql, header: x')
    const asked = jobs()[0]
    store.metadata.annotations = { [approve]: '0123456789ab' }
    await schemaReady.run(contextOf('ab'))
    running()
    expect(await schemaReady.run(contextOf('ab'))).toMatchObject({ reason: 'Running' })
    objects = objects.filter((object) => object !== asked)
    store.metadata.annotations = {}
    await expectStopped(() => contextOf('ab'))
    await schemaReady.run(contextOf('ab'))
    expect(jobs().map(argumentsOf)).toEqual([''])
  })

  test('is ended when a pod of another release comes back', async () => {
    recorded('a')
    await schemaReady.run(contextOf('aB'))
    expect(jobs().map(argumentsOf)).toEqual(['"--breaking"'])
    running()
    pod('old', service, 'x/platform:1')
    await expectStopped(() => contextOf('aB'))
    expect(await schemaReady.run(contextOf('aB'))).toMatchObject({ kind: 'warn', reason: 'AwaitingPods' })
  })

  test('is ended when spec.schema.version is refused, or there is no schema any more', async () => {
    recorded('ab')
    await schemaReady.run(contextOf('abc'))
    running()
    await expectStopped(() => contextOf('abc', 1))
    await schemaReady.run(contextOf('abc'))
    running()
    await expectStopped(() => contextOf(''))
  })

  test('one that has ended is left, and so is the Job of another store', async () => {
    recorded('a')
    await schemaReady.run(contextOf('ab'))
    end('Complete')
    const other = structuredClone(jobs()[0]) as KubeObject
    other.metadata = {
      ...other.metadata,
      name: 'other',
      labels: { ...other.metadata.labels, 'app.kubernetes.io/instance': 'other' },
    }
    objects.push({ ...other, status: {} })
    recorded('ab')
    expect(await schemaReady.run(contextOf('ab'))).toEqual({ kind: 'done', reason: 'Current' })
    expect(jobs()).toHaveLength(2)
  })
})
