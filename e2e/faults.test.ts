import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubectl } from './harness/kubectl.ts'
import { list, read, until } from './harness/objects.ts'
import {
  applyPlatform,
  binding,
  connect,
  expectWholeInventory,
  identityOf,
  kept,
  ledgerProblem,
  matchingCluster,
  ofPlatform,
  podKind,
  removePlatform,
  seed,
  whenAnswering,
  whenReady,
} from './harness/platform.ts'
import { kill, killIfAny, killRunningBefore, whenReplaced, type VictimName } from './harness/victims.ts'

const name = 'k1'

beforeAll(() => removePlatform(name))
afterAll(() => removePlatform(name))

test('whatever is killed as soon as it appears, the platform becomes Ready', async () => {
  await applyPlatform(name)
  await kill('operator pod', name)
  await kill('database pod', name)
  await kill('migration pod', name)
  await kill('migration Job', name)
  await killRunningBefore('migration pod', 'pooler pod', name)
  await kill('pooler pod', name)
  await kill('core service pod', name)
  await whenReady(name)
  expect(await ledgerProblem(name)).toBeUndefined()
  await expectWholeInventory(name)
})

describe('a Ready platform', () => {
  beforeAll(async () => {
    await whenReady(name)
    await seed(name, 'first', 500)
  })

  // A row is committed right before each kill: it must be there afterwards.
  test.each<VictimName>(['operator pod', 'database pod', 'pooler pod', 'core service pod'])(
    'is Ready again with the same data after its %s was killed',
    async (victim) => {
      await seed(name, victim, 1)
      const before = await identityOf(name)
      const uid = await kill(victim, name)
      await whenReplaced(victim, name, uid)
      await whenReady(name)
      expect(await identityOf(name)).toEqual(before)
      await whenAnswering(name)
    },
  )

  test.each<VictimName>(['migration pod', 'migration Job'])('needs its %s no more', async (victim) => {
    const before = await identityOf(name)
    await killIfAny(victim, name)
    await whenReady(name)
    expect(await identityOf(name)).toEqual(before)
  })

  test('leaves volume and credentials when it is deleted, and finds them when it comes back', async () => {
    const before = await identityOf(name)
    const owner = await binding(name, 'owner')
    const app = await binding(name, 'app')
    await kubectl(['delete', 'mc', name])
    await until(120_000, async () => {
      const pods = await list(podKind, ofPlatform(name))
      return pods.length === 0 ? pods : `still there: ${pods.map(({ metadata }) => metadata.name).join(', ')}`
    })
    expect(await read(matchingCluster, name)).toBeUndefined()
    expect(await kept(name)).toEqual({ claims: before.claims, secrets: before.secrets })

    await applyPlatform(name)
    await whenReady(name)
    expect(await identityOf(name)).toEqual(before)
    await expectWholeInventory(name)
    const [pooler] = await list(podKind, `${ofPlatform(name)},app.kubernetes.io/component=pooler`)
    await using direct = await connect(owner, `${name}-core-0`)
    await using pooled = await connect(app, pooler?.metadata.name ?? '')
    expect((await direct.query(`SELECT count(*) FROM skills_taxonomy WHERE skill_name LIKE 'first%'`)).rows).toEqual([
      { count: '500' },
    ])
    expect((await pooled.query('SELECT session_user AS login')).rows).toEqual([{ login: app.username }])
  })
})
