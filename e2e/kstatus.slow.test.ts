import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../crds/object.ts'
import { disagreements, kstatus } from '../operator/testing/kstatus.ts'
import { namespace, read } from './harness/objects.ts'
import { conditionOf, matchingCluster, platform, removePlatform } from './harness/platform.ts'
import { watchStates } from './harness/states.ts'

/** A platform in a Helm release of somebody's own: Helm 4 waits by kstatus, and so does every tool that knows no kind of ours. */
const name = 'h1'
const folder = mkdtempSync(join(tmpdir(), 'e2e-chart-'))

/** Every state that was seen, and when. */
const states: { object: KubeObject; atMs: number }[] = []
let watching: AsyncDisposable

beforeAll(async () => {
  writeChart()
  watching = await watchStates((object) => {
    if (object.metadata.name.startsWith(name)) states.push({ object, atMs: performance.now() })
  })
})
afterAll(async () => {
  await watching[Symbol.asyncDispose]()
  await remove()
  rmSync(folder, { recursive: true })
})

async function remove(): Promise<void> {
  await helm('uninstall', name, '--ignore-not-found', '--wait')
  await removePlatform(name)
}

function writeChart(): void {
  mkdirSync(join(folder, 'templates'))
  writeFileSync(join(folder, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 0.1.0\n`)
  writeFileSync(join(folder, 'templates/platform.yaml'), '{{ toYaml .Values.platform }}\n')
}

/** With the platform as the only object of the chart. @param spec  fields of its spec */
function release(command: 'install' | 'upgrade', spec: object = {}): Promise<string> {
  const values = join(folder, `${command}.json`)
  writeFileSync(values, JSON.stringify({ platform: platform(name, {}, spec) }))
  return helm(command, name, folder, '--wait', '--timeout=5m', `--values=${values}`)
}

async function helm(...args: string[]): Promise<string> {
  return (await promisify(execFile)('helm', [...args, '--namespace', namespace])).stdout
}

const isReady = (object: KubeObject | undefined) => {
  const ready = conditionOf(object, 'Ready')
  return ready?.status === 'True' && ready.observedGeneration === object?.metadata.generation
}

test('helm install --wait returns when the platform is Ready and not before', async () => {
  await remove()
  states.length = 0
  await release('install')
  const returnedMs = performance.now()
  expect(isReady(await read(matchingCluster, name))).toBe(true)
  const ofPlatform = states.filter(({ object }) => object.kind === 'MatchingCluster')
  const [ready] = ofPlatform.filter(({ object }) => isReady(object))
  const seconds = (returnedMs - (ready?.atMs ?? NaN)) / 1000
  console.log(
    `helm install --wait: returned ${seconds.toFixed(1)} s after Ready, ${ofPlatform.length} states of the platform`,
  )
  expect(seconds).toBeLessThan(15)
  expect(ofPlatform.length).toBeGreaterThan(3)
})

test('helm upgrade --wait of what cannot be acted on ends at once, with the reason', async () => {
  const begunMs = performance.now()
  const bad = release('upgrade', { pooling: { parameters: { max_client_con: '500' } } })
  await expect(bad).rejects.toThrow('max_client_con')
  expect((performance.now() - begunMs) / 1000).toBeLessThan(60)
  await release('upgrade')
  expect(isReady(await read(matchingCluster, name))).toBe(true)
})

test('kstatus agreed with Ready in every state from the first to the last', async () => {
  await helm('uninstall', name, '--ignore-not-found', '--wait', '--cascade=foreground')
  expect(await read(matchingCluster, name)).toBeUndefined()
  const objects = states.map(({ object }) => object)
  const verdicts = kstatus(objects)
  expect(disagreements(objects, verdicts)).toEqual([])
  for (const kind of ['MatchingCluster', 'DataStore']) {
    const seen = new Set(verdicts.filter((_, index) => objects[index]?.kind === kind).map(({ status }) => status))
    expect([...seen]).toEqual(expect.arrayContaining(['InProgress', 'Current', 'Terminating']))
  }
  expect(verdicts.map(({ status }) => status)).toContain('Failed')
})
