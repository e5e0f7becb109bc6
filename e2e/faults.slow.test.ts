import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ConditionType } from '../crds/conditions.ts'
import { kubectl } from './harness/kubectl.ts'
import { onNode } from './harness/node.ts'
import { list, read, until, type Kind } from './harness/objects.ts'
import {
  applyPlatform,
  bindingOf,
  conditionOf,
  dataStore,
  expectWholeInventory,
  identityOf,
  inventory,
  ledgerProblem,
  matchingCluster,
  ofPlatform,
  podKind,
  removePlatform,
  secretData,
  seed,
  whenAnswering,
  whenReady,
  wholeInventory,
} from './harness/platform.ts'
import { kill, killRunning, whenReplaced, type VictimName } from './harness/victims.ts'

/** What faults.test.ts does to one platform, each on one of its own, at more moments and several at once. */
const name = 'k3'

beforeEach(() => removePlatform(name))
afterEach(() => removePlatform(name))

async function expectWhole(): Promise<void> {
  await whenReady(name)
  expect(await ledgerProblem(name)).toBeUndefined()
  await expectWholeInventory(name)
  await whenAnswering(name)
}

const names: VictimName[] = ['operator pod', 'database pod', 'pooler pod', 'core service pod', 'migration pod']

test.each<VictimName>([...names, 'migration Job'])('%s killed as soon as it appears', async (victim) => {
  await applyPlatform(name)
  await kill(victim, name)
  await expectWhole()
})

test.each(names)('%s killed as soon as it runs', async (victim) => {
  await applyPlatform(name)
  await killRunning(victim, name)
  await expectWhole()
})

test('the database killed again and again while it starts', async () => {
  await applyPlatform(name)
  for (let i = 0; i < 5; i++) await killRunning('database pod', name)
  await expectWhole()
})

/** What one reconcile finds is written at once: of the conditions that turn True together, the last. */
const moments: [Kind, string, ConditionType][] = [
  [matchingCluster, name, 'StoresApplied'],
  [dataStore, `${name}-core`, 'ObjectsApplied'],
  [dataStore, `${name}-core`, 'CredentialsReady'],
  [dataStore, `${name}-core`, 'BindingPublished'],
  [matchingCluster, name, 'StoresReady'],
  [matchingCluster, name, 'PoolerReady'],
]

test('the operator killed after each of its steps', async () => {
  await applyPlatform(name)
  for (const [kind, object, condition] of moments) {
    await until(120_000, async () => {
      const found = await read(kind, object)
      return found && conditionOf(found, condition)?.status === 'True' ? found : `${object}: ${condition} is not True`
    })
    await kill('operator pod', name)
  }
  await expectWhole()
})

test('the operator killed whenever something new has appeared', async () => {
  await applyPlatform(name)
  const seen = new Set<string>()
  let kills = 0
  await until(300_000, async () => {
    const fresh = (await inventory(name)).filter((object) => !seen.has(object))
    if (fresh.length > 0) {
      await kill('operator pod', name)
      kills++
    }
    for (const object of fresh) seen.add(object)
    const missing = wholeInventory.filter((object) => !seen.has(object))
    return missing.length > 0 ? `not made yet: ${missing.join(', ')}` : missing
  })
  expect(kills).toBeGreaterThan(3)
  await expectWhole()
})

// prettier-ignore
test.each<{ together: VictimName[] }>([
  { together: ['operator pod', 'database pod'] },
  { together: ['database pod', 'pooler pod'] },
  { together: ['operator pod', 'pooler pod', 'core service pod'] },
  { together: ['operator pod', 'database pod', 'pooler pod', 'core service pod'] },
])('$together killed together, three times, lose nothing', async ({ together }) => {
  await applyPlatform(name)
  await whenReady(name)
  for (let round = 1; round <= 3; round++) {
    await seed(name, `round ${round}`, 100)
    const before = await identityOf(name)
    const killed = await Promise.all(together.map(async (victim) => ({ victim, uid: await kill(victim, name) })))
    for (const { victim, uid } of killed) await whenReplaced(victim, name, uid)
    await whenReady(name)
    expect(await identityOf(name)).toEqual(before)
    await whenAnswering(name)
  }
})

/** The rest of the matrix, on one platform that is Ready before each: what goes is not a pod. */
describe('a Ready platform', () => {
  beforeEach(async () => {
    await applyPlatform(name)
    await whenReady(name)
    await seed(name, 'before', 100)
  })

  /** Volume, system identifier and rows; Secrets apart, which some of these replace. */
  async function expectSameData(before: Awaited<ReturnType<typeof identityOf>>): Promise<void> {
    await whenReady(name)
    const { data, systemIdentifier, claims, volume } = await identityOf(name)
    expect({ data, systemIdentifier, claims, volume }).toEqual({
      data: before.data,
      systemIdentifier: before.systemIdentifier,
      claims: before.claims,
      volume: before.volume,
    })
    await whenAnswering(name)
    // Another password of the pooler’s own rolls it: ReplicaSets may be more than one.
    await expect
      .poll(async () => [...new Set(await inventory(name))], { timeout: 30_000, interval: 1_000 })
      .toEqual(wholeInventory)
  }

  test('whose operator’s Lease is deleted', async () => {
    const before = await identityOf(name)
    await kubectl(['delete', 'lease', 'supersmartmatch-operator', '--namespace=supersmartmatch-system'])
    await kubectl(['delete', 'deployment', `${name}-pooler`])
    await until(60_000, async () => (await read(deploymentKind, `${name}-pooler`)) ?? 'the operator does nothing')
    await expectSameData(before)
  })

  test.each([
    'core-app',
    'core-owner',
    'core-pooler',
    'core-replication',
    'core-tls',
    'pooler',
    'pooler-tls',
    'tokens',
  ])('whose Secret %s is deleted gets another', async (secret) => {
    const before = await identityOf(name)
    await kubectl(['delete', 'secret', `${name}-${secret}`])
    await until(60_000, async () => (await read(secretKind, `${name}-${secret}`)) ?? 'not made again')
    await expectSameData(before)
  })

  test('whose CA is deleted gets another, and every pod a certificate of it', async () => {
    const before = await identityOf(name)
    const pods = async () =>
      (await list(podKind, `${ofPlatform(name)},app.kubernetes.io/component=database`)).map(
        ({ metadata }) => metadata.uid,
      )
    const [old] = await pods()
    await kubectl(['delete', 'secret', `${name}-ca`])
    await until(240_000, async () => ((await pods()).some((uid) => uid && uid !== old) ? {} : 'no pod was replaced'))
    await expectSameData(before)
    const [authority, certificate] = await Promise.all([secretData(`${name}-ca`), secretData(`${name}-core-tls`)])
    expect(certificate['ca.crt']).toContain(authority['tls.crt']?.trim())
    expect((await bindingOf(`${name}-core`, 'owner'))['ca.crt']).toContain(authority['tls.crt']?.trim())
  })

  test('whose superuser Secret is deleted says so, and goes on once it is back', async () => {
    const before = await identityOf(name)
    const secret = `${name}-core-superuser`
    const copy = JSON.parse(await kubectl(['get', 'secret', secret, '--output=json'])) as { metadata: object }
    const { labels } = copy.metadata as { labels: object }
    await kubectl(['delete', 'secret', secret])
    await until(60_000, async () => {
      const ready = conditionOf(await read(dataStore, `${name}-core`), 'Ready')
      return ready?.message.includes(secret) ? ready : `Ready says: ${ready?.message}`
    })
    await kubectl(['apply', '--filename=-'], JSON.stringify({ ...copy, metadata: { name: secret, labels } }))
    await expectSameData(before)
  })

  test('whose API server restarts', async () => {
    const before = await identityOf(name)
    await onNode('RESTART_API_SERVER')
    await kubectl(['delete', 'deployment', `${name}-pooler`])
    await until(90_000, async () => (await read(deploymentKind, `${name}-pooler`)) ?? 'the operator does nothing')
    await expectSameData(before)
  })
})

const deploymentKind = { apiVersion: 'apps/v1', kind: 'Deployment' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }
