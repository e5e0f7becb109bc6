import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { kubectl } from './kubectl.ts'

const run = promisify(execFile)
/** Every object that `make up` makes or waits for, by what changes when it is written; not what a running system notes by itself. */
const kinds = 'deployments,statefulsets,services,configmaps,secrets,mc,store,pods'

/** A namespace that another test left is still going, and its objects with it. */
async function everything(): Promise<string[]> {
  const active = (await kubectl(['get', 'namespaces', '--field-selector=status.phase=Active', '--output=name'])).split(
    '\n',
  )
  const { items } = JSON.parse(await kubectl(['get', kinds, '--all-namespaces', '--output=json'])) as {
    items: { kind: string; metadata: { namespace: string; name: string; uid: string; generation?: number } }[]
  }
  return items
    .filter(({ metadata }) => active.includes(`namespace/${metadata.namespace}`))
    .map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name, metadata.uid, metadata.generation].join(' '))
    .sort()
}

test('make up on a cluster that is up takes at most 20 s and changes nothing', { timeout: 120_000 }, async () => {
  await run('node', ['local/main.ts', 'up'])
  const before = await everything()
  const begunMs = performance.now()
  await run('node', ['local/main.ts', 'up'])
  const seconds = (performance.now() - begunMs) / 1000
  console.log(`make up, already up: ${seconds.toFixed(1)} s`)
  expect(await everything()).toEqual(before)
  expect(seconds).toBeLessThan(20)
})
