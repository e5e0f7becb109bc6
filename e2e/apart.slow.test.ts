import { afterAll, expect, test } from 'vitest'
import { coreAlone } from '../operator/testing/platform.ts'
import { kubectl } from './harness/kubectl.ts'
import { read, until } from './harness/objects.ts'
import { applyPlatform, conditionOf, dataStore, matchingCluster, removePlatform } from './harness/platform.ts'

const name = 'apart'
const resources = { cpu: '10m', memory: '64Mi', memoryLimit: '256Mi' }
const core = { storage: { size: '512Mi' }, resources: { cpu: '50m', memory: '256Mi', memoryLimit: '512Mi' } }

afterAll(() => removePlatform(name))

test('a store that cannot start leaves the others Ready, pooler and services among them, and the platform says which it is', async () => {
  const events = { resources, storage: { size: '512Mi' } }
  const cache = { resources, storage: { size: '512Mi' } }
  const stores = { ...coreAlone, core, events, cache }
  await applyPlatform(name, {}, { stores, images: { nats: 'localhost/there-is-none:1' } })

  await until(300_000, async () => {
    const cluster = await read(matchingCluster, name)
    const ready = (['PoolerReady', 'ServicesReady'] as const).every(
      (type) => conditionOf(cluster, type)?.status === 'True',
    )
    return ready ? { cluster } : `pooler and services are not Ready: ${conditionOf(cluster, 'Ready')?.message}`
  })
  await until(60_000, async () => {
    const cache = await read(dataStore, `${name}-cache`)
    return conditionOf(cache, 'Ready')?.status === 'True' ? { cache } : 'the cache is not Ready'
  })
  const cluster = await read(matchingCluster, name)
  expect(conditionOf(cluster, 'StoresReady')).toMatchObject({ status: 'False', reason: 'StoreNotReady' })
  const line = await kubectl(['get', 'mc', name, '--output=wide', '--no-headers'])
  expect(line).toMatch(/^apart\s+False\s+NotReady\s+2\/3\s.*events: .*(ErrImagePull|ImagePullBackOff)/)

  // Given an image that there is, it becomes what it should have been.
  await kubectl(['patch', 'mc', name, '--type=merge', '--patch={"spec":{"images":{"nats":null}}}'])
  await until(300_000, async () => {
    const found = conditionOf(await read(matchingCluster, name), 'Ready')
    return found?.status === 'True' ? { found } : `not Ready: ${found?.message}`
  })
})
