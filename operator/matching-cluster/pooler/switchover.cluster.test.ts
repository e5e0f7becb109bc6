import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueServerCertificate } from '../../certificates.ts'
import { containerSecurity, podSecurity } from '../../pods.ts'
import { withConnection, type Address, type Connection } from '../../postgres-connection.ts'
import { secret } from '../../secrets.ts'
import { createLab, operatorImage } from '../../testing/lab.ts'
import { pause, resumeOthers, synchronize, type Console } from './admin.ts'
import { adminUser, compile } from './compile.ts'
import { backend } from './fixture.ts'
import { authPassword, poolerLab } from './lab.ts'

/** Two pods of a real PgBouncer in front of a real PostgreSQL that can be made a replica and a primary again. */
const lab = await createLab()
const pooler = await poolerLab(lab, await operatorImage('IMAGE_PGBOUNCER'))
const postgresImage = await operatorImage('IMAGE_POSTGRES')
const core = 'supersmartmatch_core'
const reads = 'supersmartmatch_core_ro'
const login = 'supersmartmatch_core_app_a'
const password = 'secret'
// As of an external store: the server's certificate is not of the platform's CA.
const serverAuthority = await createAuthority('elsewhere', new Date())
const plan = pooler.plan({ replicas: 2 }, [{ ...backend, ca: serverAuthority.certificate }])
let pods: [Console, Console]

beforeAll(async () => {
  await lab.apply(await database())
  await pooler.start(plan)
  await lab.kubectl('wait', 'pod/demo-core', '--for=condition=Ready', '--timeout=90s')
  pods = (await pooler.consoles()) as [Console, Console]
})

const data = '/var/lib/postgresql/data/pgdata'

/** The server runs beside the container's first process, so that it can be restarted as something else. */
const script = `
initdb --pgdata ${data} --username postgres --auth-local trust --auth-host scram-sha-256 --encoding UTF8 --no-sync >/tmp/initdb.log
cat >>${data}/postgresql.conf <<END
listen_addresses = '*'
unix_socket_directories = '/tmp'
ssl = on
ssl_cert_file = '/tls/tls.crt'
ssl_key_file = '/tls/tls.key'
fsync = off
END
echo 'hostssl all all all scram-sha-256' >>${data}/pg_hba.conf
pg_ctl --pgdata ${data} --wait start >/tmp/postgres.log
psql --host /tmp --username postgres --quiet --set ON_ERROR_STOP=1 <<END
CREATE ROLE ${login} LOGIN PASSWORD '${password}';
CREATE ROLE pgbouncer_auth LOGIN PASSWORD '${authPassword}';
CREATE DATABASE ${core} OWNER ${login};
\\connect ${core}
CREATE SCHEMA pgbouncer;
CREATE FUNCTION pgbouncer.get_auth(name text) RETURNS TABLE (usename name, passwd text)
  LANGUAGE sql SECURITY DEFINER AS 'SELECT rolname, rolpassword FROM pg_authid WHERE rolname = name';
GRANT USAGE ON SCHEMA pgbouncer TO pgbouncer_auth;
CREATE TABLE writes (at timestamptz DEFAULT now());
ALTER TABLE writes OWNER TO ${login};
END
touch /tmp/ready
exec sleep infinity
`

async function database() {
  const { namespace } = lab
  const [{ host } = { host: '' }] = plan.backends
  const pair = await issueServerCertificate(serverAuthority, [host], new Date())
  const tls = { 'tls.crt': pair.certificate, 'tls.key': pair.key }
  const metadata = { name: 'demo-core', namespace, labels: { app: 'demo-core' } }
  const container = {
    name: 'postgres',
    image: postgresImage,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-ceu', script],
    readinessProbe: { exec: { command: ['test', '-f', '/tmp/ready'] }, periodSeconds: 1 },
    securityContext: containerSecurity,
    volumeMounts: [
      { name: 'tls', mountPath: '/tls', readOnly: true },
      { name: 'data', mountPath: '/var/lib/postgresql/data' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
  const spec = {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    securityContext: podSecurity(999),
    containers: [container],
    volumes: [
      { name: 'tls', secret: { secretName: 'demo-core-tls', defaultMode: 0o440 } },
      { name: 'data', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
    ],
  }
  const ports = [{ port: 5432, protocol: 'TCP' }]
  return [
    secret({ name: 'demo-core-tls', namespace, labels: {} }, tls),
    { apiVersion: 'v1', kind: 'Pod', metadata, spec },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'demo-core' }, ports } },
  ]
}

const inDatabase = (command: string) => lab.kubectl('exec', 'demo-core', '--', 'sh', '-ceu', command)
const control = (command: string) => inDatabase(`pg_ctl --pgdata ${data} --wait ${command} >>/tmp/postgres.log`)

const soon = (ms = 30_000) => AbortSignal.timeout(ms)

/** As the application connects. */
function address({ servername: serverName, ...pod }: Console, database = core): Address {
  return { host: pod.host, port: pod.port, ca: pod.ca, serverName, database, username: login, password }
}

const write = (connection: Connection) => connection.query('INSERT INTO writes DEFAULT VALUES')

const ask = <Row extends object>(pod: Console, command: string) => {
  const admin = { ...address(pod, 'pgbouncer'), username: adminUser, password: pod.password }
  return withConnection(admin, soon(), (connection) => connection.query<Row>(command))
}

async function paused(pod: Console): Promise<string[]> {
  const databases = await ask<{ name: string; paused: number }>(pod, 'SHOW DATABASES')
  return databases.filter((row) => row.paused === 1).map(({ name }) => name)
}

/** Server connections of the application's pool that wait for work. */
async function idle(pod: Console): Promise<number> {
  const pools = await ask<{ database: string; user: string; sv_idle: number }>(pod, 'SHOW POOLS')
  return pools.find(({ database, user }) => database === core && user === login)?.sv_idle ?? 0
}

describe('PAUSE', () => {
  test('makes clients wait, of one database only, and RESUME lets them go on without an error', async () => {
    const [pod] = pods
    await withConnection(address(pod), soon(60_000), async (client) => {
      await write(client)
      await expect.poll(() => idle(pod), { timeout: 60_000 }).toBe(5)
      expect(await pause(pod, [core], soon(3_000))).toBeUndefined()
      expect(await paused(pod)).toEqual([core])

      const waiting = write(client)
      const newcomer = withConnection(address(pod), soon(), write)
      expect(await withConnection(address(pod, reads), soon(), (other) => other.query('SELECT 1'))).toHaveLength(1)
      expect(await Promise.race([waiting, newcomer, sleep(1_500, 'wait')])).toBe('wait')

      expect(await resumeOthers(pod, [core], [reads], soon())).toBeUndefined()
      expect(await paused(pod)).toEqual([core])
      expect(await resumeOthers(pod, [], [reads], soon())).toBeUndefined()
      expect(await paused(pod)).toEqual([])
      await Promise.all([waiting, newcomer])
      await write(client)
    })
    expect(await synchronize(pod, compile(plan).effective, soon())).toBeUndefined()
  })

  test('waits for a transaction no longer than it may, and the pod goes on when it is resumed', async () => {
    const [busy, idle] = pods
    await withConnection(address(busy), soon(60_000), async (client) => {
      await client.query('BEGIN')
      await write(client)
      const [first, second] = await Promise.all([busy, idle].map((pod) => pause(pod, [core], soon(1_000))))
      expect([first, second]).toEqual(['a transaction did not end in time', undefined])
      expect(await resumeOthers(busy, [], [], soon())).toBeUndefined()
      expect([await paused(busy), await paused(idle)]).toEqual([[], [core]])
      await write(client)
      await client.query('COMMIT')
      await withConnection(address(busy), soon(), write)
      await resumeOthers(idle, [], [], soon())
    })
  })

  test('that nobody ended is ended when the pod is brought to its settings', async () => {
    const [pod] = pods
    expect(await pause(pod, [core, reads], soon(3_000))).toBeUndefined()
    expect(await synchronize(pod, compile(plan).effective, soon())).toBeUndefined()
    expect(await paused(pod)).toEqual([])
  })

  test('of a pod that is killed is over with it', async () => {
    const [, pod] = pods
    expect(await pause(pod, [core], soon(3_000))).toBeUndefined()
    await lab.kubectl('delete', 'pods', '--selector=app.kubernetes.io/component=pooler', '--grace-period=0', '--force')
    expect(await pause(pod, [core], soon(3_000))).toMatch(/^admin console: /)
    expect(await resumeOthers(pod, [], [], soon(3_000))).toMatch(/^admin console: /)
    await lab.kubectl('rollout', 'status', 'deployment/demo-pooler', '--timeout=120s')
    pods = (await pooler.consoles()) as [Console, Console]
    for (const pod of pods) expect(await paused(pod)).toEqual([])
  })
})

test('no write ever reaches a former primary: its connections end, and new ones wait until there is a primary again', async () => {
  const [pod] = pods
  const errors: string[] = []
  const attempt = async () => {
    try {
      await withConnection(address(pod), soon(2_000), write)
      return true
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error))
      return false
    }
  }
  expect(await attempt()).toBe(true)
  await inDatabase(`touch ${data}/standby.signal`)
  await control('--mode=fast restart')
  expect(await inDatabase(`psql --host /tmp --username postgres -Atc 'SELECT pg_is_in_recovery()'`)).toBe('t\n')
  expect(await attempt()).toBe(false)
  expect(await attempt()).toBe(false)
  await control('promote')
  await expect.poll(attempt, { timeout: 60_000, interval: 200 }).toBe(true)
  expect(errors.filter((message) => message.includes('read-only'))).toEqual([])
})
