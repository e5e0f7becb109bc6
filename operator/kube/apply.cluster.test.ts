import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { labels as labelsOf } from '../labels.ts'
import { Applier, hashAnnotation, withOwner } from './apply.ts'
import { Cache } from './cache.ts'
import { KubeClient } from './client.ts'
import { startReflectors } from './reflector.ts'
import { client, config, configMap, configMaps, edit, log, ownLabels, testNamespace, until } from './testing/cluster.ts'
import { Proxy, type Verdict } from './testing/proxy.ts'

const namespace = await testNamespace()
const secrets = { apiVersion: 'v1', kind: 'Secret' }
const kinds = [
  configMaps,
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  secrets,
]
const labels = { 'app.kubernetes.io/managed-by': ownLabels['app.kubernetes.io/managed-by'] }

const proxy = new Proxy(config)
const cache = new Cache()
let applier: Applier

beforeAll(async () => {
  const counted = new KubeClient(await proxy.start())
  applier = new Applier(counted, cache, log)
  const watches = kinds.map((kind) => ({ ...kind, namespace, labels }))
  const stop = new AbortController()
  await startReflectors({ client, cache, watches, onChange: () => {}, log, signal: stop.signal }).whenSynced
  return async () => {
    stop.abort()
    proxy.close()
    await counted.close()
  }
})

beforeEach(() => {
  proxy.seen.length = 0
  proxy.intercept = () => 'forward'
})

const writes = () => proxy.seen.filter(({ method }) => method !== 'GET').length
const live = (object: KubeObject) => client.get(object, namespace, object.metadata.name)
/** What somebody else did has reached the cache; in a whole cluster its controllers write statuses meanwhile. */
const seen = ({ apiVersion, kind, metadata: { name, resourceVersion } }: KubeObject) =>
  until(
    () => Number(cache.get({ apiVersion, kind }, namespace, name)?.metadata.resourceVersion) >= Number(resourceVersion),
  )

/** A workload that uses what the API server defaults, normalises and leaves out. */
function statefulSet(name: string, change: { cpu?: string; env?: object[] } = {}): KubeObject {
  const container = {
    name: 'main',
    image: 'localhost/none:1',
    args: ['--one', '--two'],
    ports: [{ name: 'sql', containerPort: 5432 }],
    env: change.env ?? [
      { name: 'A', value: '1' },
      { name: 'EMPTY', value: '' },
    ],
    resources: { requests: { cpu: change.cpu ?? '1000m', memory: '1024Mi' }, limits: { memory: '1.5Gi' } },
    readinessProbe: { httpGet: { path: '/', port: 'sql' }, initialDelaySeconds: 0, periodSeconds: 5 },
    securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'data', mountPath: '/data' },
      { name: 'config', mountPath: '/config', readOnly: false },
    ],
  }
  const claim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2048Mi' } } },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace, labels: ownLabels, annotations: {} },
    spec: {
      replicas: 0,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          hostNetwork: false,
          automountServiceAccountToken: false,
          securityContext: {},
          containers: [container],
          volumes: [
            { name: 'config', configMap: { name: 'c', optional: undefined } },
            { name: 'tmp', emptyDir: { sizeLimit: '1024Mi' } },
          ],
        },
      },
      volumeClaimTemplates: [claim],
    },
  }
}

function service(name: string): KubeObject {
  const spec = {
    selector: { app: name },
    ports: [{ name: 'sql', port: 5432, targetPort: 'sql' }],
    publishNotReadyAddresses: false,
  }
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, labels: ownLabels }, spec }
}

function secret(name: string, value: string): KubeObject {
  return { ...secrets, metadata: { name, namespace, labels: ownLabels }, stringData: { password: value } }
}

describe('apply', () => {
  test.each([
    ['StatefulSet', statefulSet('same')],
    ['Service', service('same')],
    ['ConfigMap', configMap(namespace, 'same', { key: 'value' })],
    ['Secret', secret('same', 'pässword')],
  ])('a second apply of the same %s sends no request', async (_kind, object) => {
    expect(await applier.apply(object)).toMatchObject({ kind: 'created' })
    expect(writes()).toBe(1)
    proxy.seen.length = 0
    expect(await applier.apply(structuredClone(object))).toMatchObject({ kind: 'unchanged' })
    expect(proxy.seen).toEqual([])
    // Nor after a restart, whose cache comes from the API server alone.
    const stop = new AbortController()
    const fresh = new Cache()
    const watches = [{ apiVersion: object.apiVersion, kind: object.kind, namespace, labels }]
    await startReflectors({ client, cache: fresh, watches, onChange: () => {}, log, signal: stop.signal }).whenSynced
    expect(await new Applier(client, fresh, log).apply(object)).toMatchObject({ kind: 'unchanged' })
    stop.abort()
  })

  test('a change is sent, and a field that is no longer wanted is removed', async () => {
    await applier.apply(configMap(namespace, 'change', { keep: '1', drop: '1' }))
    const change = configMap(namespace, 'change', { keep: '2' })
    expect(await applier.apply(change)).toMatchObject({ kind: 'updated' })
    expect(await live(change)).toMatchObject({ data: { keep: '2' } })
    expect((await live(change))?.['data']).not.toHaveProperty('drop')
    expect(await applier.apply(change)).toMatchObject({ kind: 'unchanged' })
  })

  test('one container variable less is sent', async () => {
    await applier.apply(
      statefulSet('variables', {
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      }),
    )
    const less = statefulSet('variables', { env: [{ name: 'A', value: '1' }] })
    expect(await applier.apply(less)).toMatchObject({ kind: 'updated' })
    expect(JSON.stringify(await live(less))).not.toContain('"B"')
  })

  const container = (fields: object) => ({
    spec: { template: { spec: { containers: [{ name: 'main', image: 'localhost/none:1', ...fields }] } } },
  })

  test.each([
    ['a scalar', statefulSet('drift-1'), { spec: { replicas: 3 } }],
    [
      'a label',
      configMap(namespace, 'drift-2', { a: '1' }),
      { metadata: { labels: { 'app.kubernetes.io/instance': 'x' } } },
    ],
    [
      'the label we watch by',
      configMap(namespace, 'drift-3'),
      { metadata: { labels: { 'app.kubernetes.io/managed-by': 'x' } } },
    ],
    ['the hash', configMap(namespace, 'drift-4'), { metadata: { annotations: { [hashAnnotation]: null } } }],
    ['a value', configMap(namespace, 'drift-5', { a: '1', b: '2' }), { data: { a: '2' } }],
    ['a value removed', configMap(namespace, 'drift-6', { a: '1', b: '2' }), { data: { a: null } }],
    ['a Secret', secret('drift-7', 'mine'), { data: { password: 'dGhlaXJz' } }],
    ['a selector', service('drift-8'), { spec: { selector: { app: 'other' } } }],
    ['a container', statefulSet('drift-9'), container({ args: ['--one'] })],
    [
      'false removed where absent means true',
      statefulSet('drift-10'),
      { spec: { template: { spec: { automountServiceAccountToken: null } } } },
    ],
    ['a security context', statefulSet('drift-11'), container({ securityContext: { allowPrivilegeEscalation: true } })],
  ])('drift of %s is repaired', async (_what, object, patch) => {
    await applier.apply(object)
    const before = await live(object)
    const edited = await edit(object, patch)
    expect(edited.metadata.resourceVersion).not.toBe(before?.metadata.resourceVersion)
    const isWatched =
      edited.metadata.labels?.['app.kubernetes.io/managed-by'] === labels['app.kubernetes.io/managed-by']
    if (isWatched) await seen(edited)
    else await until(() => cache.get(object, namespace, object.metadata.name) === undefined)
    expect(await applier.apply(object)).toMatchObject({ kind: 'updated' })
    expect(await live(object)).toMatchObject({
      metadata: before?.metadata.labels ? { labels: before.metadata.labels } : {},
    })
    const fields = (one: KubeObject | undefined) => JSON.stringify([one?.['spec'], one?.['data']])
    expect(fields(await live(object))).toBe(fields(before))
    expect(await applier.apply(object)).toMatchObject({ kind: 'unchanged' })
  })

  test('what others add is left alone and costs no request', async () => {
    const object = configMap(namespace, 'others', { ours: '1' })
    await applier.apply(object)
    await seen(await edit(object, { data: { theirs: '1' }, metadata: { labels: { theirs: '1' } } }))
    proxy.seen.length = 0
    expect(await applier.apply(object)).toMatchObject({ kind: 'unchanged' })
    expect(proxy.seen).toEqual([])
    expect(await live(object)).toMatchObject({ data: { ours: '1', theirs: '1' } })
  })

  test('an immutable field is an error that names it', async () => {
    await applier.apply(statefulSet('immutable'))
    const other = { ...statefulSet('immutable') }
    other['spec'] = { ...(other['spec'] as object), serviceName: 'other' }
    await expect(applier.apply(other)).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('spec') as string,
    })
  })
})

describe('what belongs to somebody else', () => {
  const owner = (name: string) => client.create({ ...configMaps, metadata: { name, namespace } })

  test('an object of that name which is not ours is refused and left as it is', async () => {
    await client.create({ ...configMaps, metadata: { name: 'foreign', namespace }, data: { a: 'theirs' } })
    const result = await applier.apply(configMap(namespace, 'foreign', { b: 'ours' }))
    expect(result).toMatchObject({ kind: 'refused', reason: 'FieldConflict' })
    expect(writes()).toBe(0)
  })

  test('one made while we look is not overwritten', async () => {
    const object = configMap(namespace, 'race', { a: 'ours' })
    proxy.intercept = async ({ method }): Promise<Verdict> => {
      const theirs = { ...configMaps, metadata: { name: 'race', namespace }, data: { a: 'theirs' } }
      if (method === 'PATCH') await client.create(theirs)
      return 'forward'
    }
    const result = await applier.apply(object)
    expect(result).toMatchObject({ kind: 'refused', reason: 'FieldConflict' })
    expect(await live(object)).toMatchObject({ data: { a: 'theirs' } })
  })

  test('one of an earlier owner of the same name is waited for; one of another owner is a conflict', async () => {
    const [mine, other] = [await owner('owner-1'), await owner('owner-2')]
    await applier.apply(withOwner(mine, configMap(namespace, 'owned')))
    const again = { ...mine, metadata: { ...mine.metadata, uid: '11111111-2222-3333-4444-555555555555' } }
    const later = await applier.apply(withOwner(again, configMap(namespace, 'owned')))
    expect(later).toMatchObject({ kind: 'refused', reason: 'PreviousOwnerTerminating' })
    const stranger = await applier.apply(withOwner(other, configMap(namespace, 'owned')))
    expect(stranger).toMatchObject({ kind: 'refused', reason: 'FieldConflict' })
    expect(stranger).toHaveProperty('message', `ConfigMap ${namespace}/owned belongs to ConfigMap owner-1`)
  })

  test('one that is being deleted is waited for', async () => {
    const object = configMap(namespace, 'terminating')
    await applier.apply(object)
    await seen(await edit(object, { metadata: { finalizers: ['example.com/wait'] } }))
    await client.delete((await live(object)) as KubeObject)
    await until(() => cache.get(configMaps, namespace, 'terminating')?.metadata.deletionTimestamp !== undefined)
    expect(await applier.apply(object)).toMatchObject({ kind: 'refused', reason: 'PreviousOwnerTerminating' })
    await edit(object, { metadata: { finalizers: null } })
  })

  test('one without owner but with our labels is adopted, and lost owner references come back', async () => {
    const mine = await owner('owner-3')
    const object = withOwner(mine, configMap(namespace, 'adopt'))
    await client.create(configMap(namespace, 'adopt'))
    expect(await applier.apply(object)).toMatchObject({ kind: 'updated' })
    await seen(await edit(object, { metadata: { ownerReferences: null } }))
    expect(await applier.apply(object)).toMatchObject({ kind: 'updated' })
    expect((await live(object))?.metadata.ownerReferences).toEqual(object.metadata.ownerReferences)
  })
})

describe('prune', () => {
  test('deletes what its owner no longer wants, never Secrets, others’ objects or what is kept', async () => {
    const mine = await client.create({ ...configMaps, metadata: { name: 'prune-mine', namespace } })
    const other = await client.create({ ...configMaps, metadata: { name: 'prune-other', namespace } })
    const keep = withOwner(mine, configMap(namespace, 'keep'))
    const objects = [
      keep,
      withOwner(mine, service('gone')),
      withOwner(mine, secret('gone', 'x')),
      withOwner(other, configMap(namespace, 'theirs')),
      configMap(namespace, 'nobodys'),
    ]
    await applier.applyAll(objects)
    proxy.seen.length = 0
    const options = { ownerUid: mine.metadata.uid ?? '', namespace, keep: [keep], kinds }
    expect(await applier.prune(options)).toEqual(['Service/gone'])
    expect(proxy.requests('DELETE')).toHaveLength(1)
    for (const object of objects) expect((await live(object)) === undefined).toBe(object.kind === 'Service')
  })

  test('an object that changed since it was read is left for the next time', async () => {
    const mine = await client.create({ ...configMaps, metadata: { name: 'prune-race', namespace } })
    const object = withOwner(mine, configMap(namespace, 'changed'))
    await applier.apply(object)
    const options = { ownerUid: mine.metadata.uid ?? '', namespace, keep: [], kinds }
    proxy.intercept = async ({ method }): Promise<Verdict> => {
      if (method === 'DELETE') await edit(object, { data: { changed: '1' } })
      return 'forward'
    }
    expect(await applier.prune(options)).toEqual([])
    expect(await live(object)).toBeDefined()
    proxy.intercept = () => 'forward'
    await seen((await live(object)) as KubeObject)
    expect(await applier.prune(options)).toEqual(['ConfigMap/changed'])
    const { preconditions } = JSON.parse(proxy.requests('DELETE').at(-1)?.body ?? '') as { preconditions: object }
    expect(Object.keys(preconditions)).toEqual(['uid', 'resourceVersion'])
  })
})

describe('createOnce', () => {
  test('creates, and never overwrites', async () => {
    expect(await applier.createOnce(secret('once', 'first'))).toMatchObject({ kind: 'created' })
    const again = await applier.createOnce(secret('once', 'second'))
    expect(again).toMatchObject({
      kind: 'existing',
      object: { data: { password: Buffer.from('first').toString('base64') } },
    })
    expect(writes()).toBe(1)
  })

  test('takes one that an earlier instance of the same name left', async () => {
    await client.create(secret('left', 'old'))
    expect(await applier.createOnce(secret('left', 'new'))).toMatchObject({ kind: 'existing' })
  })

  test('refuses a foreign one', async () => {
    await client.create({ ...secrets, metadata: { name: 'user-made', namespace } })
    expect(await applier.createOnce(secret('user-made', 'x'))).toMatchObject({
      kind: 'refused',
      reason: 'FieldConflict',
    })
  })

  // A MatchingCluster `demo-core` and the store `core` of a MatchingCluster `demo`.
  const ofStore = labelsOf({ name: 'postgres', instance: 'demo-core', component: 'database', cluster: 'demo' })
  const ofCluster = labelsOf({ name: 'platform', instance: 'demo-core', component: 'platform', cluster: 'demo-core' })
  const labelled = (object: KubeObject, labels: Record<string, string>): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, labels },
  })

  test('two owners of one name never share a Secret, whoever applied it last', async () => {
    const theirs = labelled(secret('demo-core-pooler', 'theirs'), ofStore)
    const mine = labelled(secret('demo-core-pooler', 'mine'), ofCluster)
    expect(await applier.apply(theirs)).toMatchObject({ kind: 'created' })
    const message = `Secret ${namespace}/demo-core-pooler belongs to the database postgres of demo-core, the platform platform of demo-core needs another name`
    expect(await applier.apply(mine)).toEqual({ kind: 'refused', reason: 'FieldConflict', message })
    expect(await applier.createOnce(mine)).toEqual({ kind: 'refused', reason: 'FieldConflict', message })
    expect(await live(mine)).toMatchObject({ data: { password: Buffer.from('theirs').toString('base64') } })
  })

  test.each([
    ['ours', ofCluster, { kind: 'existing' }],
    ['somebody else’s', ofStore, { kind: 'refused', reason: 'FieldConflict' }],
  ])('of one that was created while we looked, %s is treated as what it is', async (whose, labels, expected) => {
    const name = `faster-${whose === 'ours' ? 1 : 2}`
    proxy.intercept = async ({ method }): Promise<Verdict> => {
      if (method === 'POST') await client.create(labelled(secret(name, 'theirs'), labels))
      return 'forward'
    }
    expect(await applier.createOnce(labelled(secret(name, 'mine'), ofCluster))).toMatchObject(expected)
  })
})
