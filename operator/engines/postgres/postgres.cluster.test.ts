import { X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import Value from 'typebox/value'
import { beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../../crds/object.ts'
import { DataStoreSpec } from '../../../crds/schema/data-store.ts'
import { createAuthority, issueServerCertificate, type KeyPair } from '../../certificates.ts'
import { names } from '../../data-store/names.ts'
import { createLab, operatorImage } from '../../testing/lab.ts'
import { type Address } from '../../postgres-connection.ts'
import { secret } from '../../secrets.ts'
import { surroundings } from '../../testing/platform.ts'
import type { Plan } from '../engine.ts'
import { dataDirectory } from './config.ts'
import { postgres } from './engine.ts'

/** Real pods from our own objects, under Pod Security restricted. One store per test: each finds its volume empty. */
const lab = await createLab()
let image: string
const authority = await createAuthority('ca', new Date())
const database = 'supersmartmatch_core'

beforeAll(async () => {
  image = await operatorImage('IMAGE_POSTGRES')
})

function planOf(name: string): Plan {
  const spec = Value.Default(DataStoreSpec, {
    engine: 'postgres',
    schema: { name: 'core' },
    storage: { size: '512Mi' },
    resources: { cpu: '10m', memory: '128Mi', memoryLimit: '256Mi' },
  }) as DataStoreSpec
  const metadata = { name, namespace: lab.namespace }
  const identity = { name: 'postgres', instance: name, component: 'database', store: name }
  const store = { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'DataStore', metadata, spec }
  return { store, identity, image, database, caFingerprint: '', members: 1, readFrom: 'primary', surroundings }
}

async function start(name: string): Promise<void> {
  const plan = planOf(name)
  await lab.apply([...credentials(plan), await tls(plan), ...postgres.objects(plan)])
}

function credentials(plan: Plan): KubeObject[] {
  return Object.entries(postgres.credentials(plan)).map(([name, username]) => {
    return secret({ name, namespace: lab.namespace, labels: {} }, { username, password: `password-of-${username}` })
  })
}

async function tls(plan: Plan, pair?: KeyPair): Promise<KubeObject> {
  const { certificate, key } = pair ?? (await issueServerCertificate(authority, postgres.serverNames(plan), new Date()))
  const name = names.tlsSecret(plan.store.metadata.name)
  const values = { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authority.certificate }
  return secret({ name, namespace: lab.namespace, labels: {} }, values)
}

/** What the pod has logged so far: of its preparation, and once that is over of Patroni. */
async function progress(name: string): Promise<string> {
  const logs = (container: string) => lab.kubectl('logs', `${name}-0`, `--container=${container}`).catch(() => '')
  const started = await lab.kubectl(
    'get',
    'pod',
    `${name}-0`,
    '--ignore-not-found',
    '--output=jsonpath={..containerID}',
  )
  return [started && 'prepare', await logs('prepare'), await logs('postgres')].join('\n')
}

/** Ready, and the primary, which Patroni makes it a turn or two of its loop later. */
async function ready(name: string): Promise<void> {
  // A pod that is not there yet cannot be waited for: ask again.
  const wait = () => lab.kubectl('wait', '--for=condition=Ready', `pod/${name}-0`, '--timeout=120s').catch(String)
  await expect.poll(wait, { timeout: 180_000, interval: 200 }).toContain('condition met')
  const recovers = () => sql(name, 'SELECT pg_is_in_recovery()').catch(String)
  await expect.poll(recovers, { timeout: 120_000, interval: 1_000 }).toBe('f\n')
}
const sql = (name: string, query: string, db = 'postgres') =>
  lab.kubectl('exec', `${name}-0`, '--', 'psql', '--no-psqlrc', '--tuples-only', '--no-align', '--command', query, db)
const soon = () => AbortSignal.timeout(30_000)

async function superuser(name: string): Promise<Address> {
  const port = await lab.forward(`${name}-0`, postgres.port)
  const serverName = `${name}.${lab.namespace}.svc`
  const login = { username: 'postgres', password: 'password-of-postgres', database: 'postgres' }
  return { host: '127.0.0.1', port, serverName, ca: authority.certificate, ...login }
}

/** Cutting a first start short at a moment takes half a minute each; e2e/faults.test.ts does it to a whole platform. */
const slow = process.env['SLOW'] === '1'

/** When the first start is cut short: what the pod has logged by then, and milliseconds more. */
const moments: [string, string, number][] = [
  ['at the first start', 'Lock owner', 0],
  ['before initdb', 'prepare', 0],
  ['at the end of initdb', 'syncing data', 0],
  ['at the first connection', 'accepting connections', 100],
]

describe('a store', () => {
  test('starts, takes its superuser’s password over verified TLS, and refuses plain connections', async () => {
    await start('fresh')
    await ready('fresh')
    expect(await postgres.probe(await superuser('fresh'), soon())).toMatchObject({ state: 'ready' })
    const wrong = { ...(await superuser('fresh')), password: 'wrong' }
    expect(await postgres.probe(wrong, soon())).toMatchObject({ state: 'degraded', message: /28P01/ })
    const plain = `psql 'host=fresh sslmode=disable user=postgres password=password-of-postgres' --command 'SELECT 1' 2>&1 || true`
    expect(await lab.kubectl('exec', 'fresh-0', '--', 'sh', '-c', plain)).toContain('no pg_hba.conf entry')
    const facts = `SELECT datcollate, datlocprovider, pg_encoding_to_char(encoding), current_setting('data_checksums') FROM pg_database WHERE datname = 'postgres'`
    expect((await sql('fresh', facts)).trim()).toBe('C.UTF-8|b|UTF8|on')
    expect((await sql('fresh', 'SELECT count(*) FROM pg_settings WHERE pending_restart')).trim()).toBe('0')
    const logs = await lab.kubectl('logs', 'fresh-0', '--all-containers')
    expect(logs).not.toMatch(/password-of|Permission denied|ERROR|replication connection/)
  })

  test('comes back with its data after a kill, and after all but volume and Secrets was deleted', async () => {
    await start('kept')
    await ready('kept')
    await sql('kept', 'CREATE TABLE kept AS SELECT 42 AS answer')
    await lab.kubectl('delete', 'pod', 'kept-0', '--force', '--grace-period=0')
    await ready('kept')
    expect((await sql('kept', 'SELECT answer FROM kept')).trim()).toBe('42')

    for (const { kind, metadata } of postgres.objects(planOf('kept'))) await lab.kubectl('delete', kind, metadata.name)
    await lab.kubectl('wait', '--for=delete', 'pod/kept-0', '--timeout=120s')
    await start('kept')
    await ready('kept')
    expect((await sql('kept', 'SELECT answer, pg_is_in_recovery() FROM kept')).trim()).toBe('42|f')
    expect(await postgres.probe(await superuser('kept'), soon())).toMatchObject({ state: 'ready' })
  })

  test.runIf(slow).each(moments)('killed %s, it still comes up with both its logins', async (_name, line, waitMs) => {
    const name = `killed-${line.replaceAll(/[^a-z]/g, '').slice(0, 12)}`
    await start(name)
    await expect.poll(() => progress(name), { timeout: 120_000, interval: 20 }).toContain(line)
    await sleep(waitMs)
    await lab.kubectl('delete', 'pod', `${name}-0`, '--force', '--grace-period=0')
    await ready(name)
    expect(await postgres.probe(await superuser(name), soon())).toMatchObject({ state: 'ready' })
    const logins = `SELECT rolname, rolreplication FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%' ORDER BY 1`
    expect((await sql(name, logins)).trim()).toBe('postgres|t\nreplicator|t')
  })

  test.runIf(slow)('half a data directory is never taken for a whole one', async () => {
    await start('half')
    // Deleting a pod leaves initdb the two seconds it needs. So end it from inside, when its directory first looks like one.
    const control = `${dataDirectory}*/global/pg_control`
    const initdb = `grep -lx initdb /proc/[0-9]*/comm | cut -d/ -f3`
    const kill = `until ls ${control} >/dev/null 2>&1; do sleep 0.01; done; kill -9 $(${initdb}) && echo killed`
    const inside = () => lab.kubectl('exec', 'half-0', '--container=prepare', '--', 'sh', '-c', kill).catch(String)
    await expect.poll(inside, { timeout: 120_000, interval: 20 }).toBe('killed\n')
    await ready('half')
    expect((await sql('half', 'SELECT count(*) FROM pg_database')).trim()).toBe('3')
    const restarts = '--output=jsonpath={.status.initContainerStatuses[*].restartCount}'
    expect(await lab.kubectl('get', 'pod', 'half-0', restarts)).toBe('1')
  })

  test('is not started empty in place of a lost volume: the pod says what to do', async () => {
    await start('lost')
    await ready('lost')
    await sql('lost', 'CREATE TABLE lost ()')
    await lab.kubectl('delete', 'statefulset', 'lost')
    await lab.kubectl('wait', '--for=delete', 'pod/lost-0', '--timeout=120s')
    await lab.kubectl('delete', 'persistentvolumeclaim', 'data-lost-0')
    await start('lost')
    const said = '--output=jsonpath={.status.initContainerStatuses[0]..terminated.message}'
    await expect
      .poll(() => lab.kubectl('get', 'pod', 'lost-0', said).catch(String), { timeout: 120_000 })
      .toContain('The volume is empty, but lost had a database')

    await lab.kubectl('delete', 'endpoints', 'lost-config')
    await ready('lost')
  })

  test('shows a renewed certificate without a restart', async () => {
    await start('renewed')
    await ready('renewed')
    const members = postgres.members!
    const host = await lab.kubectl('get', 'pod', 'renewed-0', '--output=jsonpath={.status.podIP}')
    const serverName = `renewed-0.renewed-headless.${lab.namespace}.svc`
    const login = { username: 'postgres', password: 'password-of-postgres' }
    const at = { host, serverName, ca: authority.certificate, ...login }
    const [before] = await members.shownCertificates(at, soon())
    expect(await members.shownCertificates(at, soon())).toEqual([before, before])
    const pair = await issueServerCertificate(authority, postgres.serverNames(planOf('renewed')), new Date())
    await lab.apply([await tls(planOf('renewed'), pair)])
    await lab.kubectl('annotate', 'pod', 'renewed-0', 'refresh=now')
    const renewed = new X509Certificate(pair.certificate).fingerprint256
    // The kubelet takes its time, and Patroni another turn of its loop.
    await expect
      .poll(
        async () => {
          await members.reload(at, soon())
          return members.shownCertificates(at, soon())
        },
        { timeout: 180_000, interval: 1_000 },
      )
      .toEqual([renewed, renewed])
    expect(before).not.toBe(renewed)
    expect(await lab.kubectl('logs', 'renewed-0')).not.toMatch(/could not accept SSL|reset by peer|startup packet/)
    expect(
      await lab.kubectl('get', 'pod', 'renewed-0', '--output=jsonpath={.status.containerStatuses[*].restartCount}'),
    ).toBe('0')
  })
}, 600_000)
