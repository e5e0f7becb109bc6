import Value from 'typebox/value'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import { DataStoreSpec, type DataStore } from '../../crds/schema/data-store.ts'
import { createAuthority, issueServerCertificate } from '../certificates.ts'
import type { Tools } from '../data-store/observe.ts'
import { engines } from '../engines/registry.ts'
import { Cache } from '../kube/cache.ts'
import { secret } from '../secrets.ts'
import { playAdminConsole, type AdminConsole } from '../testing/admin-console.ts'
import { observe } from './observe.ts'
import { poolerPlan } from './pooler/fixture.ts'
import { poolerPort, poolerServerNames } from './pooler/objects.ts'
import { decideHold, holdClients, letClientsGo } from './switchover.ts'

const at = '2026-01-02T03:04:05Z'

function store(switchover: object | undefined, annotations: Record<string, string> = {}): DataStore {
  const metadata = { name: 'demo-core', namespace: 'ns', annotations }
  const status = switchover ? { switchover: { request: 'any', at, message: '', ...switchover } } : undefined
  return { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'DataStore', metadata, spec: {}, status } as DataStore
}

const told = { 'supersmartmatch.io/pooler-paused': at }
const earlier = { 'supersmartmatch.io/pooler-paused': '2026-01-01T00:00:00Z' }

// prettier-ignore
test.each([
  ['no switchover ever',                 store(undefined),                       1, { kind: 'none' }],
  ['one that is only scheduled',         store({ state: 'Scheduled' }),          1, { kind: 'none' }],
  ['preparing',                          store({ state: 'Preparing' }),          1, { kind: 'begin', endsInMs: 29_000 }],
  ['told for an earlier one',            store({ state: 'Preparing' }, earlier), 1, { kind: 'begin', endsInMs: 29_000 }],
  ['told already: never paused twice',   store({ state: 'Preparing' }, told),    1, { kind: 'keep',  endsInMs: 29_000 }],
  ['running',                            store({ state: 'Running' }, told),     29, { kind: 'keep',  endsInMs: 1_000 }],
  ['running without having waited',      store({ state: 'Running' }),            6, { kind: 'keep',  endsInMs: 24_000 }],
  ['running for too long',               store({ state: 'Running' }, told),     30, { kind: 'none' }],
  ['preparing for too long',             store({ state: 'Preparing' }),         31, { kind: 'none' }],
  ['succeeded',                          store({ state: 'Succeeded' }, told),    3, { kind: 'none' }],
  ['failed',                             store({ state: 'Failed' }, told),       3, { kind: 'none' }],
  ['a time that is none',                store({ state: 'Running', at: 'soon' }), 1, { kind: 'none' }],
])('%s', (_name, store, afterSeconds, expected) => {
  expect(decideHold(store, new Date(Date.parse(at) + afterSeconds * 1000))).toEqual(expected)
})

describe('a pooler pod that runs', () => {
  const { cluster } = poolerPlan()
  const namespace = 'ns'
  const core = 'supersmartmatch_core'
  /** An address of its own: the pooler's port is the same everywhere. */
  const podIP = '127.64.32.1'
  const minutes = (count: number) => new Date(Date.parse(at) + count * 60_000)
  let admin: AdminConsole
  let ca: Awaited<ReturnType<typeof createAuthority>>

  beforeEach(async () => {
    ca = await createAuthority('ca', new Date())
    const pair = await issueServerCertificate(ca, poolerServerNames(cluster), new Date())
    admin = await playAdminConsole(pair, [core, `${core}_ro`], { host: podIP, port: poolerPort })
  })
  afterEach(() => admin.close())

  /** What the operator sees at `now`. */
  function context(switchover: object, now: Date, { hasAuthority = true } = {}) {
    const labels = { 'app.kubernetes.io/instance': 'demo', 'app.kubernetes.io/component': 'pooler' }
    const metadata = (name: string) => ({ name, namespace, labels: {} })
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata('demo-pooler-x'), labels } }
    const given = { engine: 'postgres', schema: { name: 'core' }, tls: { caSecret: 'demo-ca' } }
    const spec = Value.Default(DataStoreSpec, given) as DataStoreSpec
    const secrets = [
      secret(metadata('demo-pooler'), { 'admin-password': 'any' }),
      ...(hasAuthority ? [secret(metadata('demo-ca'), { 'tls.crt': ca.certificate, 'tls.key': ca.key })] : []),
    ]
    const cache = new Cache()
    const fill = (kind: { apiVersion: string; kind: string }, objects: KubeObject[]) =>
      cache.addSlice(kind).replace(objects, '1')
    fill({ apiVersion, kind: 'DataStore' }, [{ ...store({ state: 'Succeeded', ...switchover }), spec }])
    fill({ apiVersion: 'v1', kind: 'Secret' }, secrets)
    fill({ apiVersion: 'v1', kind: 'Pod' }, [{ ...pod, status: { phase: 'Running', podIP } }])
    const tools = { cache, engines, now: () => now, fence: () => undefined } as unknown as Tools
    return observe({ ...cluster, metadata: { name: 'demo', namespace } }, tools, AbortSignal.timeout(5_000))
  }

  const longAgo = minutes(-600)

  test('is resumed after a switchover, whoever paused it, and asked again when it does not answer', async () => {
    admin.paused.add(core)
    expect(await holdClients(context({}, minutes(1)), longAgo)).toBeUndefined()
    expect([...admin.paused]).toEqual([])
    admin.close()
    expect(await holdClients(context({}, minutes(1)), longAgo)).toBe(2_000)
  })

  test('is not asked any more ten minutes later, but by an operator that has just begun', async () => {
    admin.paused.add(core)
    expect(await holdClients(context({}, minutes(11)), longAgo)).toBeUndefined()
    expect(admin.commands).toEqual([])
    await holdClients(context({}, minutes(11)), minutes(9))
    expect([...admin.paused]).toEqual([])
  })

  test('cannot be asked without the CA: that is no error', async () => {
    expect(await holdClients(context({}, minutes(1), { hasAuthority: false }), longAgo)).toBeUndefined()
    expect(admin.commands).toEqual([])
  })

  test('is let go by an operator that stops', async () => {
    const running = { state: 'Running' }
    admin.paused.add(core)
    await holdClients(context(running, minutes(0.1)), longAgo)
    expect([...admin.paused]).toEqual([core])
    expect(await letClientsGo(context(running, minutes(0.1)))).toEqual([])
    expect([...admin.paused]).toEqual([])
    expect(admin.commands.at(-1)).toBe('RELOAD')
    admin.close()
    expect(await letClientsGo(context(running, minutes(0.1)))).toEqual([
      expect.stringMatching(/^pod demo-pooler-x: admin console: /),
    ])
    expect(await letClientsGo(context({}, minutes(11)))).toEqual([])
  })
})
