import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import { client, edit, testNamespace, until } from '../kube/testing/cluster.ts'
import { labels } from '../labels.ts'
import { finalizer } from '../reconcile/finalizer.ts'
import { beyondAnyNode } from '../testing/kubelet.ts'
import { testOperator } from '../testing/operator.ts'

/** Deletion of DataStores by the whole operator; the API server, its garbage collector and the other controllers are real. */
const namespace = await testNamespace()
const storeKind = { apiVersion, kind: 'DataStore' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }
const claimKind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }
const podKind = { apiVersion: 'v1', kind: 'Pod' }

/** Writes left until the operator is killed. */
let writesLeft = Infinity
const operator = testOperator(namespace, {
  beforeWrite() {
    if (writesLeft-- <= 0) throw new Error('killed before this write')
  },
})

beforeAll(() => operator.start())
beforeEach(() => {
  writesLeft = Infinity
})

async function make(name: string, spec: object = {}): Promise<void> {
  await client.create({
    ...storeKind,
    metadata: { name, namespace },
    spec: { engine: 'postgres', schema: { name: 'core' }, resources: { cpu: beyondAnyNode }, ...spec },
  })
  await until(async () => (await read(name))?.status?.phase === 'Ready', 60_000)
}

const get = (kind: { apiVersion: string; kind: string }, name: string) => client.get(kind, namespace, name)
const read = async (name: string) => (await get(storeKind, name)) as DataStore | undefined

async function setPolicy(name: string, deletionPolicy: string): Promise<void> {
  await edit((await get(storeKind, name))!, { spec: { deletionPolicy } })
}

async function remove(name: string, propagationPolicy = 'Background'): Promise<void> {
  const path = `/apis/${apiVersion}/namespaces/${namespace}/datastores/${name}`
  await client.request('DELETE', path, { body: { propagationPolicy } })
}

/** Names of Secrets, volume claims and the Services of what members remember that begin with the store's. */
async function leftOf(name: string): Promise<string[]> {
  const services = await client.list({ apiVersion: 'v1', kind: 'Service' }, namespace)
  const memories = services.filter(({ metadata }) => /-(config|sync)$/.test(metadata.name))
  const objects = [
    ...(await client.list(secretKind, namespace)),
    ...(await client.list(claimKind, namespace)),
    ...memories,
  ]
  return objects
    .map(({ metadata }) => metadata.name)
    .filter((found) => found.startsWith(`${name}-`) || found.startsWith(`data-${name}-`))
    .sort()
}

const everything = (name: string) => [
  `data-${name}-0`,
  ...['app', 'ca', 'config', 'monitoring', 'owner', 'pooler', 'replication', 'superuser', 'sync', 'tls'].map(
    (of) => `${name}-${of}`,
  ),
]

/** Of somebody else, although the name is one that a store would give. */
async function foreign(name: string, labels: Record<string, string>): Promise<KubeObject> {
  return client.create({ ...secretKind, metadata: { name, namespace, labels }, data: {} })
}

const gone = (name: string) => until(async () => (await read(name)) === undefined, 60_000)

test('Retain: no finalizer, nothing but the pods goes', async () => {
  await make('keep')
  expect((await read('keep'))?.metadata.finalizers).toBeUndefined()
  await remove('keep')
  await gone('keep')
  await until(async () => (await get(podKind, 'keep-0')) === undefined, 60_000)
  expect(await leftOf('keep')).toEqual(everything('keep'))
})

describe('Delete', () => {
  test.each(['Background', 'Foreground'])('%s: volumes and Secrets go, others’ stay', async (propagation) => {
    const name = propagation.toLowerCase()
    await make(name, { deletionPolicy: 'Delete' })
    expect((await read(name))?.metadata.finalizers).toEqual([finalizer])
    const theirs = labels({ name: 'postgres', instance: `${name}-x`, component: 'database' })
    await foreign(`data-${name}`, theirs)
    await foreign(`${name}-relay`, labels({ name: 'postgres', instance: name, component: 'database' }))
    await remove(name, propagation)
    await gone(name)
    expect(await get(podKind, `${name}-0`)).toBeUndefined()
    expect(await leftOf(name)).toEqual([`${name}-relay`])
    expect(await get(secretKind, `data-${name}`)).toBeDefined()
  })

  test('orphaned: the pods were meant to go on, so nothing goes until somebody says what is to be', async () => {
    await make('orphan', { deletionPolicy: 'Delete' })
    await remove('orphan', 'Orphan')
    const step = async () => (await read('orphan'))?.status?.conditions.find(({ type }) => type === 'PodsGone')
    await until(async () => (await step())?.reason === 'Orphaned')
    expect((await step())?.message).toContain('StatefulSet orphan')
    expect(await leftOf('orphan')).toEqual(everything('orphan'))
    await setPolicy('orphan', 'Retain')
    await gone('orphan')
    expect(await get(podKind, 'orphan-0')).toBeDefined()
    expect(await leftOf('orphan')).toEqual(everything('orphan'))
  })

  test('pods end before their volume goes, and the status says what is waited for', async () => {
    await make('held', { deletionPolicy: 'Delete' })
    const hold = { metadata: { finalizers: ['test.example/hold'] } }
    await edit((await get(podKind, 'held-0'))!, hold)
    await remove('held')
    await until(async () => (await read('held'))?.status?.phase === 'Deleting')
    const { status } = (await read('held'))!
    expect(status?.conditions.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ['PodsGone', 'False', 'Stopping', expect.stringContaining('held-0')],
      ['DataGone', 'Unknown', 'NotReached', ''],
      ['Ready', 'False', 'NotReady', expect.stringContaining('held-0')],
      ['Reconciling', 'True', 'Progressing', expect.stringContaining('held-0')],
    ])
    expect(await leftOf('held')).toEqual(everything('held'))
    await edit((await get(podKind, 'held-0'))!, { metadata: { finalizers: null } })
    await gone('held')
    expect(await leftOf('held')).toEqual([])
  })

  test('a volume claim that something holds is named with what holds it; Retain lets the object go without it', async () => {
    await make('claim', { deletionPolicy: 'Delete' })
    await edit(await asObject(claimKind, 'data-claim-0'), { metadata: { finalizers: ['test.example/hold'] } })
    await remove('claim')
    await until(async () => JSON.stringify((await read('claim'))?.status).includes('test.example/hold'), 60_000)
    expect(await leftOf('claim')).toEqual(['data-claim-0'])
    await setPolicy('claim', 'Retain')
    await gone('claim')
    await edit(await asObject(claimKind, 'data-claim-0'), { metadata: { finalizers: null } })
  })

  test('a store that does not answer goes all the same', async () => {
    const { engines } = operator.tools
    const engine = engines['postgres']!
    await make('silent', { deletionPolicy: 'Delete' })
    engines['postgres'] = { ...engine, probe: async () => ({ state: 'unreachable', message: 'no answer' }) }
    try {
      await remove('silent')
      await gone('silent')
      expect(await leftOf('silent')).toEqual([])
    } finally {
      engines['postgres'] = engine
    }
  })

  test('chosen later, it counts as from the start; chosen back, nothing goes', async () => {
    await make('later')
    await setPolicy('later', 'Delete')
    await until(async () => (await read('later'))?.metadata.finalizers?.includes(finalizer) === true)
    await setPolicy('later', 'Retain')
    await until(async () => (await read('later'))?.metadata.finalizers === undefined)
    await setPolicy('later', 'Delete')
    await until(async () => (await read('later'))?.metadata.finalizers?.includes(finalizer) === true)
    await remove('later')
    await gone('later')
    expect(await leftOf('later')).toEqual([])
  })

  test('a CA that the user gave stays, and so does one that signs for another store', async () => {
    await make('signer', { deletionPolicy: 'Delete' })
    await make('signed', { deletionPolicy: 'Delete', tls: { caSecret: 'signer-ca' } })
    await remove('signer')
    await gone('signer')
    expect(await leftOf('signer')).toEqual(['signer-ca'])
    await remove('signed')
    await gone('signed')
    expect(await leftOf('signer')).toEqual(['signer-ca'])
    expect(await leftOf('signed')).toEqual([])
  })

  test.runIf(process.env['SLOW'] === '1')(
    'an operator that is killed before any of its writes leaves a deletion that the next one ends',
    async () => {
      for (let writes = 0; ; writes++) {
        await make('killed', { deletionPolicy: 'Delete' })
        writesLeft = writes
        await remove('killed')
        await until(async () => writesLeft < 0 || (await read('killed')) === undefined, 60_000)
        const wasKilled = writesLeft < 0
        await operator.kill()
        writesLeft = Infinity
        operator.start()
        await gone('killed')
        expect(await leftOf('killed')).toEqual([])
        if (!wasKilled) return expect(writes).toBeGreaterThan(8)
      }
    },
    300_000,
  )
})

async function asObject(kind: { apiVersion: string; kind: string }, name: string): Promise<KubeObject> {
  return { ...(await get(kind, name))!, ...kind }
}
