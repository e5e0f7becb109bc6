import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../crds/object.ts'
import { quantity } from '../operator/quantity.ts'
import { disagreements } from '../operator/testing/kstatus.ts'
import { kubectl } from './harness/kubectl.ts'
import { list, read, until } from './harness/objects.ts'
import { matchingCluster, ofPlatform, podKind, removePlatform, whenReady } from './harness/platform.ts'
import { watchStates } from './harness/states.ts'

/** The whole platform with every default, made anew while the sample sleeps: two do not fit on a node with two cores. */
const name = 'whole'
const sample = 'demo'
const readyLimitMs = 6 * 60_000

const hibernate = (asked: boolean) =>
  kubectl(['patch', 'mc', sample, '--type=merge', `--patch=${JSON.stringify({ spec: { hibernate: asked } })}`])

const running = (platform: string) =>
  list(podKind, `${ofPlatform(platform)},app.kubernetes.io/component in (database,pooler,service)`)

const states: KubeObject[] = []
let watching: AsyncDisposable

beforeAll(async () => {
  await removePlatform(name)
  await hibernate(true)
  await until(300_000, async () => {
    const pods = await running(sample)
    return pods.length === 0 ? pods : `${pods.length} pods of ${sample} are still there`
  })
  watching = await watchStates((object) => {
    if (object.metadata.name.startsWith(name)) states.push(object)
  })
})
afterAll(async () => {
  await watching[Symbol.asyncDispose]()
  await removePlatform(name)
  await hibernate(false)
  await whenReady(sample)
})

interface PodSpec {
  containers: { resources?: { requests?: Record<string, string> } }[]
}

const requested = (pods: KubeObject[], what: string) =>
  pods
    .flatMap((pod) => (pod['spec'] as PodSpec).containers)
    .reduce((sum, { resources }) => sum + (quantity(resources?.requests?.[what]) ?? NaN), 0)

test('all eight stores are Ready within 6 minutes, for at most 6 GB and 1.4 cores, and kstatus agrees all the while', async () => {
  const begunMs = performance.now()
  await kubectl(['apply', '--filename=-'], JSON.stringify({ ...matchingCluster, metadata: { name }, spec: {} }))
  await whenReady(name, matchingCluster, readyLimitMs)
  const seconds = (performance.now() - begunMs) / 1000

  const pods = await running(name)
  const [cores, bytes] = [requested(pods, 'cpu'), requested(pods, 'memory')]
  console.log(
    `quickstart: Ready in ${seconds.toFixed(0)} s; ${cores.toFixed(2)} cores and ${(bytes / 1e9).toFixed(2)} GB requested`,
  )
  expect((await read(matchingCluster, name))?.['status']).toMatchObject({ storesReady: '8/8' })
  expect(cores).toBeLessThanOrEqual(1.4)
  expect(bytes).toBeLessThanOrEqual(6e9)
  expect(states.length).toBeGreaterThan(40)
  expect(disagreements(states)).toEqual([])
})
