import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubectl } from './harness/kubectl.ts'
import { list, until } from './harness/objects.ts'
import { conditionOf, dataStore, matchingCluster } from './harness/platform.ts'

const elsewhere = `elsewhere-${randomBytes(4).toString('hex')}`
const there = async () => (await list(matchingCluster, '', elsewhere))[0]
beforeAll(() => kubectl(['create', 'namespace', elsewhere]))
afterAll(() => kubectl(['delete', 'namespace', elsewhere, '--wait=false']))

test('an object in a namespace that is not watched is told so, once, and nothing is made of it', async () => {
  const object = { ...matchingCluster, metadata: { name: 'lost', namespace: elsewhere }, spec: {} }
  await kubectl(['create', '--namespace', elsewhere, '--filename=-'], JSON.stringify(object))
  const told = await until(90_000, async () => {
    const found = await there()
    return conditionOf(found, 'SpecValid')?.reason === 'NamespaceNotWatched' && found ? found : 'nothing is said'
  })
  expect(conditionOf(told, 'SpecValid')).toMatchObject({
    status: 'False',
    message: expect.stringContaining('watchNamespaces') as string,
  })
  expect(conditionOf(told, 'Stalled')?.status).toBe('True')
  await sleep(5_000)
  expect((await there())?.metadata.resourceVersion).toBe(told.metadata.resourceVersion)
  expect(await list(dataStore, '', elsewhere)).toEqual([])
})
