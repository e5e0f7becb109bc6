import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../crds/object.ts'
import { kubectl } from './harness/kubectl.ts'
import { list, read, until, type Kind } from './harness/objects.ts'
import {
  applyPlatform,
  conditionOf,
  dataStore,
  identityOf,
  owned,
  podKind,
  removePlatform,
  seed,
  superuser,
  whenAnswering,
  whenReady,
} from './harness/platform.ts'

/** Whatever somebody deletes or edits of a running platform is put right within 30 s, or its store says what is lost. */
const name = 'k10'
const limitMs = 30_000

beforeAll(async () => {
  await removePlatform(name)
  await applyPlatform(name)
  await whenReady(name)
  await seed(name, 'drift', 200)
})
afterAll(() => removePlatform(name))

/** Not the operator's to make: Kubernetes does, or they are history. A DataStore takes the others along: it comes last. */
const others = ['ControllerRevision', 'ReplicaSet', 'Job', 'PersistentVolumeClaim', 'DataStore']
/** What opens data, or what clients trust: faults.slow.test.ts deletes these. */
const locked = [`Secret/${name}-core-superuser`, `Secret/${name}-ca`, `Secret/${name}-tokens`]

const nameOf = ({ kind, metadata }: KubeObject) => `${kind}/${metadata.name}`

async function remove({ apiVersion, kind }: Kind, object: string): Promise<void> {
  const group = apiVersion.includes('/') ? `.${apiVersion.replace(/(.*)\/(.*)/, '$2.$1')}` : ''
  await kubectl(['delete', `${kind}${group}/${object}`, '--wait=false'])
}

test('each owned object that is deleted is there again in 30 s, and the platform as it was', async () => {
  const before = await identityOf(name)
  const objects = (await owned(name)).filter((one) => !others.includes(one.kind) && !locked.includes(nameOf(one)))
  expect(objects.length).toBeGreaterThan(17)
  const slow: string[] = []
  for (const object of objects) {
    const startedMs = performance.now()
    await remove(object, object.metadata.name)
    await until(limitMs, async () => {
      const found = await read(object, object.metadata.name)
      return found && found.metadata.uid !== object.metadata.uid ? found : `${nameOf(object)} is not there again`
    })
    slow.push(`${Math.round(performance.now() - startedMs)} ms ${nameOf(object)}`)
  }
  console.log(`there again: ${slow.join(', ')}`)
  await whenReady(name)
  await whenAnswering(name)
  const { data, systemIdentifier, volume, claims } = await identityOf(name)
  expect({ data, systemIdentifier, volume, claims }).toEqual({
    data: before.data,
    systemIdentifier: before.systemIdentifier,
    volume: before.volume,
    claims: before.claims,
  })
})

test('a store that is deleted alone is there again in 30 s, with its data', async () => {
  const before = await identityOf(name)
  const uid = (await read(dataStore, `${name}-core`))?.metadata.uid
  await kubectl(['delete', 'store', `${name}-core`, '--wait=false'])
  await until(limitMs, async () => {
    const found = await read(dataStore, `${name}-core`)
    return found && found.metadata.uid !== uid ? found : 'it is not there again'
  })
  await whenReady(name)
  await whenAnswering(name)
  const { data, systemIdentifier, volume, claims } = await identityOf(name)
  expect({ ...before, data, systemIdentifier, volume, claims }).toEqual(before)
})

describe('edits', () => {
  const core = `${name}-core`
  // prettier-ignore
  test.each<[string, string, object]>([
    ['service',    core,               { spec: { ports: [{ name: 'postgres', port: 5432, targetPort: 1 }] } }],
    ['configmap',  `${core}-patroni`,  { data: { 'patroni.yml': 'scope: other' } }],
    ['role',       core,               { rules: [] }],
    ['rolebinding', core,              { subjects: [] }],
    ['configmap',  `${name}-pooler`,   { data: { 'pgbouncer.ini': '[pgbouncer]' } }],
    ['service',    `${name}-core-api`, { spec: { selector: { 'app.kubernetes.io/instance': 'other' } } }],
    ['deployment', `${name}-pooler`,   { spec: { template: { spec: { terminationGracePeriodSeconds: 99 } } } }],
    ['secret',     `${core}-app`,      { data: { port: 'MQ==' } }],
  ])('%s %s is put right in 30 s', async (kind, object, change) => {
    const content = async () => {
      const text = await kubectl(['get', kind, object, '--output=json'])
      const { spec, data, rules, subjects } = JSON.parse(text) as Record<string, unknown>
      return JSON.stringify({ spec, data, rules, subjects })
    }
    const before = await content()
    await kubectl(['patch', kind, object, '--type=merge', `--patch=${JSON.stringify(change)}`])
    await until(limitMs, async () => ((await content()) === before ? {} : `${kind} ${object} is not as it was`))
    await whenReady(name)
  })
})

test('what Patroni remembers comes back, and with it the guard of an empty volume', async () => {
  const initialize = async () => {
    const found = await read({ apiVersion: 'v1', kind: 'Endpoints' }, `${name}-core-config`)
    return found?.metadata.annotations?.['initialize']
  }
  const before = await initialize()
  expect(before).toBeTruthy()
  await kubectl(['delete', 'endpoints', `${name}-core-config`])
  await until(limitMs, async () => ((await initialize()) === before ? {} : 'Patroni has not written it again'))
  expect(await superuser(name, 'SELECT 1')).toBe('1')
})

test('a volume claim that is deleted is warned of; once the pod has stopped, nothing empty takes its place', async () => {
  const store = `${name}-core`
  const claim = `data-${store}-0`
  await kubectl(['delete', 'pvc', claim, '--wait=false'])
  await until(limitMs, async () => {
    const found = conditionOf(await read(dataStore, store), 'DataAtRisk')
    return found?.message.includes(claim) ? found : 'DataAtRisk does not name the claim'
  })
  expect(conditionOf(await read(dataStore, store), 'Ready')?.status).toBe('True')

  await kubectl(['delete', 'pod', `${store}-0`, '--wait=false'])
  await until(120_000, async () => {
    const found = conditionOf(await read(dataStore, store), 'EngineReady')
    return found?.reason === 'VolumeMissing' ? found : `EngineReady says ${found?.reason}: ${found?.message}`
  })
  expect(conditionOf(await read(dataStore, store), 'Stalled')?.message).toContain('begin with an empty one')
  const [pod] = await list(podKind, `app.kubernetes.io/instance=${store},app.kubernetes.io/component=database`)
  const status = pod?.['status'] as { containerStatuses?: { ready: boolean }[] } | undefined
  expect(status?.containerStatuses?.some(({ ready }) => ready)).toBe(false)

  // On purpose: the store is deleted with its volume claim, and made again by its cluster.
  await kubectl(['delete', 'pvc', claim, '--wait=false'])
  await kubectl(['delete', 'store', store])
  await whenReady(name)
  expect(await superuser(name, `SELECT count(*) FROM skills_taxonomy WHERE skill_name LIKE 'drift%'`)).toBe('0')
})
