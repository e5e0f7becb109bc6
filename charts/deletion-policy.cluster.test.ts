import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../crds/object.ts'
import { apiVersion } from '../crds/schema/common.ts'
import { client, edit, testNamespace, until } from '../operator/kube/testing/cluster.ts'
import { template } from './helm.ts'

/**
 * The policy of the chart as it is in this checkout, bound to a namespace of the test's own: what is installed may be older.
 */
const namespace = await testNamespace()
const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'
const bindings = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings'
const name = `${namespace}.supersmartmatch.io`
const stores = `/apis/${apiVersion}/namespaces/${namespace}/datastores`
const dataStore = { apiVersion, kind: 'DataStore' }
const matchingCluster = { apiVersion, kind: 'MatchingCluster' }
const namespaceKind = { apiVersion: 'v1', kind: 'Namespace' }

interface Policy extends KubeObject {
  spec: Record<string, unknown>
}

/** Another namespace, whose deletion takes a protected object along. */
const going = `${namespace}-going`

beforeAll(async () => {
  const documents = parseAllDocuments(template('matching-crds')).map((document) => document.toJS() as Policy)
  const [policy, binding] = documents.filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'))
  const values = [namespace, going]
  const namespaceSelector = {
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values }],
  }
  await client.request('POST', policies, { body: { ...policy, metadata: { name } } })
  await client.request('POST', bindings, {
    body: {
      ...binding,
      metadata: { name },
      spec: { ...binding?.spec, policyName: name, matchResources: { namespaceSelector } },
    },
  })
  await client.create(store('canary', 'DoNotTerminate'))
  await until(async () => (await refusal(`${stores}/canary`, { dryRun: 'All' })) !== undefined)
})
afterAll(async () => {
  await client.request('DELETE', `${bindings}/${name}`)
  await client.request('DELETE', `${policies}/${name}`)
})

function store(name: string, deletionPolicy: string, where = namespace): KubeObject {
  const spec = { engine: 'postgres', schema: { name: 'core' }, deletionPolicy }
  return { ...dataStore, metadata: { name, namespace: where }, spec }
}

/** What the API server says against a deletion; undefined when nothing. */
async function refusal(path: string, query: Record<string, string> = {}): Promise<string | undefined> {
  try {
    await client.request('DELETE', path, { query })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

test('the API server finds nothing wrong with the types in the policy', async () => {
  await until(async () => {
    const { status } = (await client.request('GET', `${policies}/${name}`)) as {
      status?: { observedGeneration?: number }
    }
    return status?.observedGeneration !== undefined
  })
  const { status } = (await client.request('GET', `${policies}/${name}`)) as { status: { typeChecking?: object } }
  expect(status.typeChecking ?? {}).not.toHaveProperty('expressionWarnings')
})

describe('DoNotTerminate', () => {
  test.each([
    ['a DataStore', store('protected', 'DoNotTerminate'), 'datastores'],
    [
      'a MatchingCluster',
      { ...matchingCluster, metadata: { name: 'protected', namespace }, spec: { deletionPolicy: 'DoNotTerminate' } },
      'matchingclusters',
    ],
  ])('the deletion of %s is refused, naming the field, until it is changed', async (_what, object, plural) => {
    const path = `/apis/${apiVersion}/namespaces/${namespace}/${plural}/protected`
    const created = await client.create(object)
    const message = await refusal(path)
    for (const part of [`${object.kind} protected`, 'spec.deletionPolicy', 'Retain', 'Delete'])
      expect(message).toContain(part)
    expect(await client.get(object, namespace, 'protected')).toMatchObject({ metadata: { uid: created.metadata.uid } })

    await edit(created, { spec: { deletionPolicy: 'Retain' } })
    expect(await refusal(path)).toBeUndefined()
    await until(async () => (await client.get(object, namespace, 'protected')) === undefined)
  })

  test('of a collection, the others go', async () => {
    await client.create(store('kept', 'DoNotTerminate'))
    for (const policy of ['Retain', 'Delete']) {
      const { metadata, ...rest } = store(policy.toLowerCase(), policy)
      await client.create({ ...rest, metadata: { ...metadata, labels: { others: 'true' } } })
    }
    expect(await refusal(stores, { fieldSelector: 'metadata.name=kept' })).toContain(
      'DataStore kept has spec.deletionPolicy',
    )
    expect(await refusal(stores, { labelSelector: 'others=true' })).toBeUndefined()
    await until(async () => (await client.list(dataStore, namespace)).every(({ spec }) => isProtected(spec)))
    expect((await client.list(dataStore, namespace)).map(({ metadata }) => metadata.name).sort()).toEqual([
      'canary',
      'kept',
    ])
  })

  test('a namespace that is deleted is not held up by it', async () => {
    await client.create({ ...namespaceKind, metadata: { name: going } })
    await client.create(store('canary', 'DoNotTerminate', going))
    expect(await refusal(`/apis/${apiVersion}/namespaces/${going}/datastores/canary`)).toContain('DoNotTerminate')
    await client.request('DELETE', `/api/v1/namespaces/${going}`)
    await until(async () => (await client.get(namespaceKind, undefined, going)) === undefined, 60_000)
  })
})

const isProtected = (spec: unknown) => (spec as { deletionPolicy: string }).deletionPolicy === 'DoNotTerminate'
