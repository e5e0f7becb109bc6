import { afterEach, beforeEach, expect, test } from 'vitest'
import { kubectl } from './harness/kubectl.ts'
import { list, read, until } from './harness/objects.ts'
import {
  applyPlatform,
  dataStore,
  identityOf,
  kept,
  matchingCluster,
  ofPlatform,
  podKind,
  removePlatform,
  seed,
  whenReady,
} from './harness/platform.ts'
import { kill } from './harness/victims.ts'

/** What each deletionPolicy leaves. Retain is in faults.test.ts. */
const name = 'k6'

beforeEach(() => removePlatform(name))
afterEach(async () => {
  await setPolicy('Retain').catch(() => undefined)
  await removePlatform(name)
})

async function setPolicy(deletionPolicy: string): Promise<void> {
  const patch = ['--type=merge', `--patch=${JSON.stringify({ spec: { deletionPolicy } })}`]
  if (await read(matchingCluster, name)) await kubectl(['patch', 'mc', name, ...patch])
  else if (await read(dataStore, `${name}-core`)) await kubectl(['patch', 'store', `${name}-core`, ...patch])
}

const pods = () => list(podKind, ofPlatform(name))

async function untilGone(): Promise<void> {
  await until(180_000, async () => {
    const found = await pods()
    if ((await read(matchingCluster, name)) || (await read(dataStore, `${name}-core`)))
      return 'the objects are still there'
    return found.length === 0 ? found : `still there: ${found.map(({ metadata }) => metadata.name).join(', ')}`
  })
}

const nothing = { claims: {}, secrets: {} }

test.each(['background', 'foreground'])(
  'Delete: volumes and Secrets go, and only this platform’s (%s)',
  async (cascade) => {
    const others = await kept('demo')
    await applyPlatform(name)
    await whenReady(name)
    await setPolicy('Delete')
    await whenReady(name)
    await kubectl(['delete', 'mc', name, `--cascade=${cascade}`, '--wait=false'])
    await untilGone()
    await expect.poll(() => kept(name), { timeout: 60_000 }).toEqual(nothing)
    expect(await kept('demo')).toEqual(others)
  },
)

test('Delete goes on when the operator is killed meanwhile', async () => {
  await applyPlatform(name, {}, { deletionPolicy: 'Delete' })
  await whenReady(name)
  await kubectl(['delete', 'mc', name, '--wait=false'])
  for (let i = 0; i < 3; i++) await kill('operator pod', name)
  await untilGone()
  await expect.poll(() => kept(name), { timeout: 60_000 }).toEqual(nothing)
})

test('DoNotTerminate: the deletion is refused naming the field, until the field is changed', async () => {
  await applyPlatform(name, {}, { deletionPolicy: 'DoNotTerminate' })
  await whenReady(name)
  await seed(name, 'kept', 50)
  const before = await identityOf(name)
  for (const object of [`mc/${name}`, `store/${name}-core`]) {
    const refused = await kubectl(['delete', object, '--wait=false']).catch(String)
    expect(refused).toContain('spec.deletionPolicy')
  }
  await setPolicy('Retain')
  await whenReady(name)
  expect(await identityOf(name)).toEqual(before)
  await kubectl(['delete', 'mc', name])
  await untilGone()
  expect(await kept(name)).toEqual({ claims: before.claims, secrets: before.secrets })
})
