import { expect, test } from 'vitest'
import type { Condition } from '../crds/conditions.ts'
import type { KubeObject } from '../crds/object.ts'
import { apiVersion } from '../crds/schema/common.ts'
import type { DataStore } from '../crds/schema/data-store.ts'
import type { MatchingCluster } from '../crds/schema/matching-cluster.ts'
import { createAuthority, issueServerCertificate } from './certificates.ts'
import { client, testNamespace, until } from './kube/testing/cluster.ts'
import { labels } from './labels.ts'
import { poolerPort, poolerServerNames } from './matching-cluster/pooler/objects.ts'
import { secret } from './secrets.ts'
import { playAdminConsole } from './testing/admin-console.ts'
import { beyondAnyNode, playRunning } from './testing/kubelet.ts'
import { startOperator } from './testing/process.ts'
import { takeOver } from './testing/takeover.ts'

const timeoutMs = 300_000

// One namespace each: most tests run side by side, because most of their time is waiting for a Lease.
const [one, two, terminated, killed, held, ...stopped] = [
  await testNamespace(),
  await testNamespace(),
  await testNamespace(),
  await testNamespace(),
  await testNamespace(),
  await testNamespace(),
  await testNamespace(),
]

// Alone: what is counted here are tenths of a second.
test('a leader that is told to stop hands over within 3 s', { retry: 0, timeout: timeoutMs }, async () => {
  const { afterSeconds, before, tried, late } = await takeOver('SIGTERM', { namespace: terminated })
  console.log(`takeover ${afterSeconds.toFixed(1)} s after SIGTERM (3 s allowed), ${before} objects made before it`)
  expect(afterSeconds).toBeLessThanOrEqual(3)
  expect({ tried, late }).toEqual({ tried: [], late: [] })
})

test.concurrent('one that is killed is replaced within 20 s', { retry: 0, timeout: timeoutMs }, async () => {
  const { afterSeconds, tried, late } = await takeOver('SIGKILL', { namespace: killed })
  console.log(`takeover ${afterSeconds.toFixed(1)} s after SIGKILL (20 s allowed)`)
  expect(afterSeconds).toBeLessThanOrEqual(20)
  expect({ tried, late }).toEqual({ tried: [], late: [] })
})

// 20 rounds of a whole minute are in main.cluster.slow.test.ts.
test.concurrent.each(stopped)(
  'one that was stopped changes nothing once another leads (%s)',
  async (namespace) => {
    const { afterSeconds, tried, late } = await takeOver('SIGSTOP', { namespace, stoppedMs: 22_000 })
    console.log(
      `takeover ${afterSeconds.toFixed(1)} s after SIGSTOP, then ${tried.length} writes tried by the old leader`,
    )
    expect({ tried, late }).toEqual({ tried: [], late: [] })
  },
  timeoutMs,
)

test.concurrent(
  'one that is told to stop lets the clients go that its pooler holds for a switchover',
  async () => {
    const podIP = '127.64.32.2'
    const kind = { apiVersion, kind: 'MatchingCluster' }
    const resources = { cpu: beyondAnyNode }
    const spec = { stores: { core: { resources } }, pooling: { resources } }
    const cluster = await client.create({ ...kind, metadata: { name: 'held', namespace: held }, spec })
    const ca = await createAuthority('held-ca', new Date())
    const pair = await issueServerCertificate(ca, poolerServerNames(cluster as MatchingCluster), new Date())
    const admin = await playAdminConsole(pair, ['supersmartmatch_core'], { host: podIP, port: poolerPort })
    for (const object of poolerOf('held', ca)) await client.create(object)
    const [pod] = await client.list({ apiVersion: 'v1', kind: 'Pod' }, held)
    await playRunning(client, pod!, { podIP, podIPs: [{ ip: podIP }] })

    await using operator = await startOperator('holder', [held])
    const store = { apiVersion, kind: 'DataStore' }
    const looked = async () => ((await client.get(store, held, 'held-core')) as DataStore | undefined)?.status
    await until(async () => ((await looked())?.conditions.length ?? 0) > 0, 90_000)
    const switchover = { request: 'any', at: new Date().toISOString(), state: 'Running', message: '' }
    admin.paused.add('supersmartmatch_core')
    await client.mergePatch(store, held, 'held-core', { status: { switchover } }, 'status')
    await until(() => admin.commands.includes('SHOW DATABASES'))
    expect([...admin.paused]).toEqual(['supersmartmatch_core'])
    operator.kill('SIGTERM')
    expect(await operator.exited).toBe(0)
    expect([...admin.paused]).toEqual([])
    admin.close()
  },
  timeoutMs,
)

/** A pooler pod that fits on no node, with what the operator needs to log in to its admin console. */
function poolerOf(cluster: string, ca: { certificate: string; key: string }): KubeObject[] {
  const identity = { instance: cluster, cluster }
  const metadata = (name: string, component: string) => ({
    name: `${cluster}-${name}`,
    namespace: held,
    labels: labels({ name: component, component, ...identity }),
  })
  const resources = { requests: { cpu: beyondAnyNode } }
  const containers = [{ name: 'pgbouncer', image: 'localhost/none:1', resources }]
  return [
    secret(metadata('ca', 'platform'), { 'tls.crt': ca.certificate, 'tls.key': ca.key }, 'kubernetes.io/tls'),
    secret(metadata('pooler', 'platform'), { 'admin-password': 'any' }),
    { apiVersion: 'v1', kind: 'Pod', metadata: metadata('pooler-x', 'pooler'), spec: { containers } },
  ]
}

test.concurrent(
  'an object in a namespace that is not watched says so until it is',
  async () => {
    const store = { apiVersion, kind: 'DataStore' }
    const specValid = async () => {
      const status = (await client.get(store, two, 'elsewhere'))?.['status'] as { conditions?: Condition[] } | undefined
      return status?.conditions?.find(({ type }) => type === 'SpecValid')?.reason
    }
    const spec = { engine: 'postgres', schema: { name: 'core' }, resources: { cpu: beyondAnyNode } }
    await client.create({ ...store, metadata: { name: 'elsewhere', namespace: two }, spec })
    {
      await using operator = await startOperator('first', [one])
      await until(async () => (await specValid()) === 'NamespaceNotWatched', 90_000)
      // At most: an operator installed in this cluster may have said it first.
      expect(operator.proxy.writes().filter(({ path }) => path.includes(`/${two}/`)).length).toBeLessThanOrEqual(1)
      operator.kill('SIGTERM')
      expect(await operator.exited).toBe(0)
    }
    await using operator = await startOperator('second', [one, two])
    await until(async () => (await specValid()) === 'Valid', 90_000)
    operator.kill('SIGTERM')
  },
  timeoutMs,
)
