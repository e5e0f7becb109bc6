import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bindingKeys } from '../../crds/binding.ts'
import type { ConditionType } from '../../crds/conditions.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import { bootstrap } from '../../migrations/runner/bootstrap.ts'
import { createAuthority } from '../certificates.ts'
import { engines } from '../engines/registry.ts'
import { client, edit, until } from '../kube/testing/cluster.ts'
import { managedBy } from '../labels.ts'
import { policyKind } from '../network.ts'
import { withConnection } from '../postgres-connection.ts'
import { secret, secretValue } from '../secrets.ts'
import { externalServer } from '../testing/external-server.ts'
import { createLab, operatorImage } from '../testing/lab.ts'
import { testOperator } from '../testing/operator.ts'

/** A PostgreSQL that is not ours: plain, with TLS and a superuser, and with a database and a role that somebody else uses. */
const lab = await createLab()
const { namespace } = lab
const core = join(import.meta.dirname, '../../migrations/core')
const operator = testOperator(namespace, {
  engine: {
    probe: (target, signal) => engines.postgres.probe(target, signal),
    ...(engines.postgres.maintenance ? { maintenance: engines.postgres.maintenance } : {}),
  },
  clusterSql: await readFile(join(core, 'cluster.sql'), 'utf8'),
})
const storeKind = { apiVersion, kind: 'DataStore' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }
const server = await externalServer('server', namespace, await operatorImage('IMAGE_POSTGRES'), ['localhost'])
const { password } = server
let port = 0

beforeAll(async () => {
  await lab.apply(server.objects)
  await lab.kubectl('wait', '--for=condition=Ready', 'pod/server', '--timeout=120s')
  port = await lab.forward('server', 5432)
  await sql(
    'postgres',
    `
    CREATE ROLE bystander LOGIN PASSWORD 'theirs';
    CREATE ROLE plain LOGIN PASSWORD 'plain';
    CREATE DATABASE plain OWNER plain`.split(';'),
  )
  await sql('postgres', ['CREATE DATABASE others OWNER bystander'])
  await sql('others', ['CREATE TABLE accounts (id integer)', 'ALTER TABLE accounts OWNER TO bystander'])
  delete operator.tools.images['postgres']
  operator.start()
})

const address = (database: string) => ({
  host: 'localhost',
  port,
  database,
  username: 'postgres',
  password,
  ca: server.ca,
})

/** Runs statements as superuser; resolves to the rows of the last. */
async function sql(database: string, statements: string[]): Promise<Record<string, unknown>[]> {
  return withConnection(address(database), AbortSignal.timeout(30_000), async (connection) => {
    let rows: Record<string, unknown>[] = []
    for (const statement of statements) rows = await connection.query(statement)
    return rows
  })
}

/** Everything about roles and databases that a grant or an ALTER would change. */
async function fingerprint(): Promise<string> {
  const [row] = await sql('postgres', [
    `SELECT (SELECT string_agg(a::text, ' ' ORDER BY rolname) FROM pg_authid a) ||
            (SELECT string_agg(m::text, ' ' ORDER BY oid) FROM pg_auth_members m) ||
            (SELECT string_agg(concat(datname, datdba, datacl), ' ' ORDER BY datname) FROM pg_database) AS all`,
  ])
  return String(row?.['all'])
}

/** A Secret as a cloud provider's tool would leave it, and a store that uses it. */
async function make(name: string, values: Record<string, string>, keys = {}, schema = 'core'): Promise<void> {
  await setSecret(name, values)
  const connectionSecretRef = { name: `${name}-login`, keys }
  const spec = { engine: 'postgres', mode: 'external', schema: { name: schema }, connectionSecretRef }
  await client.create({ ...storeKind, metadata: { name, namespace }, spec })
}

async function setSecret(name: string, values: Record<string, string>): Promise<void> {
  await lab.apply([
    secret({ name: `${name}-login`, namespace, labels: { 'app.kubernetes.io/managed-by': managedBy } }, values),
  ])
}

const login = (username: string, database: string, more: Record<string, string> = {}) => ({
  host: 'localhost',
  port: String(port),
  database,
  username,
  password: username,
  'ca.crt': server.ca,
  ...more,
})

const read = async (name: string) => (await client.get(storeKind, namespace, name)) as DataStore

async function condition(name: string, type: ConditionType, status: string, timeoutMs = 60_000) {
  let found: { status: string; reason: string; message: string } | undefined
  await until(async () => {
    found = (await read(name)).status?.conditions.find((one) => one.type === type)
    return found?.status === status
  }, timeoutMs).catch((error: unknown) => {
    throw new Error(`${type} of ${name} is not ${status}: ${JSON.stringify(found)}`, { cause: error })
  })
  return found
}

async function remove(name: string): Promise<void> {
  await client.request('DELETE', `/apis/${apiVersion}/namespaces/${namespace}/datastores/${name}`)
  await until(async () => (await client.get(storeKind, namespace, name)) === undefined)
}

const values = async (name: string) => {
  const found = await client.get(secretKind, namespace, name)
  return Object.fromEntries(bindingKeys.map((key) => [key, secretValue(found, key) ?? '']))
}

describe('what cannot work is named, and nothing is changed', () => {
  let before: string
  beforeEach(async () => {
    before = await fingerprint()
  })

  test('no Secret; a Secret of a chart, without our label; then one key after the other', async () => {
    const connectionSecretRef = { name: 'late-login' }
    const spec = { engine: 'postgres', mode: 'external', schema: { name: 'core' }, connectionSecretRef }
    await client.create({ ...storeKind, metadata: { name: 'late', namespace }, spec })
    // It needs no image of the operator's.
    expect(await condition('late', 'SpecValid', 'True')).toBeDefined()
    expect(await condition('late', 'DependenciesReady', 'False')).toMatchObject({
      reason: 'SecretMissing',
      message: expect.stringContaining('late-login, which is not there') as string,
    })
    await lab.apply([secret({ name: 'late-login', namespace, labels: {} }, { host: 'localhost' })])
    await edit(await read('late'), { metadata: { annotations: { look: 'again' } } })
    await until(async () => JSON.stringify((await read('late')).status).includes('key password is missing'))
    await setSecret('late', { host: 'localhost', port: '70000' })
    await until(async () => JSON.stringify((await read('late')).status).includes('key port is no port'))
    const invalid = await condition('late', 'DependenciesReady', 'False')
    for (const part of ['key username is missing', 'key password is missing', 'key port is no port'])
      expect(invalid?.message).toContain(part)
    expect(await fingerprint()).toBe(before)
  })

  test.each<[string, string, Record<string, string>, string, string]>([
    ['a wrong password', 'password', { password: 'wrong' }, 'Degraded', 'password authentication failed'],
    ['a port where nothing listens', 'port', { port: '1' }, 'Unreachable', 'localhost:1'],
    ['a name that no server has', 'nowhere', { host: 'nowhere.invalid' }, 'Unreachable', 'nowhere.invalid'],
    ['the system’s CAs, which did not sign it', 'system', { 'ca.crt': '' }, 'Degraded', 'certificate'],
    ['a host that its certificate does not name', 'address', { host: '127.0.0.1' }, 'Degraded', 'certificate'],
  ])('%s', async (_what, name, given, reason, message) => {
    await make(name, login('plain', 'plain', given))
    const found = await condition(name, 'EngineReady', 'False')
    expect(found).toMatchObject({ reason, message: expect.stringContaining(message) as string })
    expect(found?.message).toContain(`Secret ${name}-login`)
    expect(await fingerprint()).toBe(before)
    await remove(name)
  })

  test('another CA', async () => {
    const other = await createAuthority('other', new Date())
    await make('ca', login('plain', 'plain', { 'ca.crt': other.certificate }))
    expect(await condition('ca', 'EngineReady', 'False')).toMatchObject({ reason: 'Degraded' })
    await remove('ca')
  })

  test('a login without rights: each role, extension and right by name', async () => {
    await make('plain', login('plain', 'plain'))
    const found = await condition('plain', 'CredentialsReady', 'False')
    expect(found?.reason).toBe('NotAllowed')
    for (const part of ['plain', 'role supersmartmatch_core_owner', 'role pgbouncer_auth', 'migrate bootstrap'])
      expect(found?.message).toContain(part)
    expect(await fingerprint()).toBe(before)
    await remove('plain')
  })

  test('a superuser, but a database with tables of somebody else', async () => {
    await make('others', login('postgres', 'others', { password }))
    const found = await condition('others', 'CredentialsReady', 'False')
    expect(found).toMatchObject({ reason: 'NotAllowed' })
    for (const part of ['accounts', 'bystander']) expect(found?.message).toContain(part)
    expect(await fingerprint()).toBe(before)
    await remove('others')
  })

  test('a superuser, but a role of that name that has another password', async () => {
    await sql('postgres', [`CREATE ROLE supersmartmatch_core_app_a LOGIN PASSWORD 'theirs'`])
    before = await fingerprint()
    await make('taken', login('postgres', 'taken', { password }))
    const found = await condition('taken', 'CredentialsReady', 'False')
    expect(found).toMatchObject({ reason: 'NotAllowed' })
    expect(found?.message).toContain('Secret taken-app for role supersmartmatch_core_app_a, which was there')
    expect(await fingerprint()).toBe(before)
    await remove('taken')
    await sql('postgres', ['DROP ROLE supersmartmatch_core_app_a'])
  })
})

describe('a superuser’s login', () => {
  test('sets up database, roles and bindings; the published owner migrates; what others have stays', async () => {
    await make(
      'full',
      {
        uri: `postgresql://postgres:${encodeURIComponent(password)}@localhost:${port}/full?sslmode=disable`,
        ca: server.ca,
      },
      { ca: 'ca' },
    )
    await condition('full', 'Ready', 'True')
    const { status } = await read('full')
    expect(status).toMatchObject({
      endpoint: `localhost:${port}/full`,
      version: expect.stringMatching(/^17/) as string,
      maxConnections: 60,
    })
    const [app, owner] = [await values('full-app'), await values('full-owner')]
    expect(app).toMatchObject({
      host: 'localhost',
      port: String(port),
      database: 'full',
      username: 'supersmartmatch_core_app_a',
    })
    await migrate(owner)
    expect(await sql('full', ['SELECT count(*)::integer AS n FROM users'])).toEqual([{ n: 0 }])
    const asApp = { ...address('full'), username: app['username'] ?? '', password: app['password'] ?? '' }
    const rows = await withConnection(asApp, AbortSignal.timeout(30_000), (connection) =>
      connection.query('SELECT session_user AS who'),
    )
    expect(rows).toEqual([{ who: 'supersmartmatch_core_app_a' }])
    expect(
      await sql('postgres', [`SELECT rolpassword IS NULL AS none FROM pg_authid WHERE rolname = 'bystander'`]),
    ).toEqual([{ none: false }])
    const pods = await client.list({ apiVersion: 'v1', kind: 'Pod' }, namespace)
    expect(pods.filter(({ metadata }) => metadata.name.startsWith('full-0'))).toEqual([])
    expect(await client.list({ apiVersion: 'apps/v1', kind: 'StatefulSet' }, namespace)).toEqual([])
  })

  test('scheduled jobs: the operator runs what is due, for this server has no pg_cron, and says which one fails', async () => {
    const owner = 'supersmartmatch_core_owner'
    await sql('full', [
      // What a first try left.
      `DELETE FROM maintenance_jobs WHERE name = 'tick'`,
      'DROP TABLE IF EXISTS ticks',
      'CREATE TABLE ticks (at timestamptz DEFAULT clock_timestamp())',
      `ALTER TABLE ticks OWNER TO ${owner}`,
      `INSERT INTO maintenance_jobs (name, command, schedule)
       VALUES ('tick', 'INSERT INTO public.ticks DEFAULT VALUES', '2 seconds')`,
    ])
    const count = async () => Number((await sql('full', ['SELECT count(*) AS n FROM ticks']))[0]?.['n'])
    // Before its tables were there it found nothing to look at for a minute.
    operator.tools.now = () => new Date(Date.now() + 61_000)
    await edit(await read('full'), { metadata: { annotations: { look: 'again' } } })
    await until(async () => (await count()) >= 3, 60_000)
    expect(await condition('full', 'MaintenanceOnTime', 'True')).toMatchObject({ reason: 'OnTime' })
    // Never more often than it is due.
    const [row] = await sql('full', ['SELECT extract(epoch FROM max(at) - min(at)) AS life, count(*) AS n FROM ticks'])
    expect(Number(row?.['n'])).toBeLessThanOrEqual(Number(row?.['life']) / 2 + 1)

    await sql('full', [
      `UPDATE maintenance_jobs SET command = 'SELECT 1/0', last_success_at = now() - interval '1 hour' WHERE name = 'tick'`,
    ])
    // Until the operator has run it, all there is to say is that it is late.
    await until(async () => (await condition('full', 'MaintenanceOnTime', 'False'))?.reason === 'Failed')
    const failed = await condition('full', 'MaintenanceOnTime', 'False')
    expect(failed).toMatchObject({
      reason: 'Failed',
      message: expect.stringContaining('22012 division by zero') as string,
    })
    expect(failed?.message).toContain('job tick')
    expect((await read('full')).status?.phase).toBe('Ready')
    const events = await client.list({ apiVersion: 'events.k8s.io/v1', kind: 'Event' }, namespace)
    expect(events.map(({ reason }) => reason)).toContain('MaintenanceJobFailed')

    await sql('full', [`DELETE FROM maintenance_jobs WHERE name = 'tick'`])
    await condition('full', 'MaintenanceOnTime', 'True', 120_000)
  }, 240_000)

  test('the pod that migrates reaches its port, wherever the server is; with networkPolicy None it is not held', async () => {
    const egressOf = async () => {
      const policy = await client.get(policyKind, namespace, 'full-migrate')
      return policy && (policy['spec'] as { egress: object[] }).egress.slice(1)
    }
    expect(await egressOf()).toEqual([{ ports: [{ protocol: 'TCP', port }] }])
    await edit(await read('full'), { spec: { networkPolicy: 'None' } })
    await until(async () => (await egressOf()) === undefined)
    await edit(await read('full'), { spec: { networkPolicy: 'Restricted' } })
    await until(async () => (await egressOf()) !== undefined)
  })

  test('a password that got lost is made anew, because the role is ours', async () => {
    const lost = await values('full-app')
    await client.request('DELETE', `/api/v1/namespaces/${namespace}/secrets/full-app`)
    await until(async () => {
      const app = await values('full-app')
      return app['password'] !== '' && app['password'] !== lost['password']
    })
    await condition('full', 'Ready', 'True')
    const app = await values('full-app')
    const asApp = { ...address('full'), username: app['username'] ?? '', password: app['password'] ?? '' }
    await until(() => withConnection(asApp, AbortSignal.timeout(30_000), async () => true).catch(() => false))
  })

  test('another database in the Secret is another store: it is set up and migrated from the start', async () => {
    const jobs = async () =>
      (await client.list({ apiVersion: 'batch/v1', kind: 'Job' }, namespace)).filter(({ metadata }) =>
        metadata.name.startsWith('full-'),
      )
    expect(await jobs()).toHaveLength(1)
    await setSecret('full', {
      uri: `postgresql://postgres:${encodeURIComponent(password)}@localhost:${port}/second`,
      ca: server.ca,
    })
    await until(async () => (await read('full')).status?.endpoint === `localhost:${port}/second`)
    await condition('full', 'Ready', 'True')
    expect(await jobs()).toHaveLength(2)
    expect((await values('full-app'))['database']).toBe('second')
    expect(await sql('full', ['SELECT count(*)::integer AS n FROM users'])).toEqual([{ n: 0 }])
  })
})

test('a second database of that server is set up beside the first, and only a store with a pooler sets the pooler’s password', async () => {
  const clusterSql = await readFile(join(core, '../vault/cluster.sql'), 'utf8')
  operator.tools.schemas['vault'] = { files: [], clusterSql }
  const verifier = async () => {
    const [row] = await sql('postgres', [`SELECT rolpassword FROM pg_authid WHERE rolname = 'pgbouncer_auth'`])
    return row?.['rolpassword']
  }
  await edit(await read('full'), { spec: { binding: { host: 'pooler.example.com', port: 6432 } } })
  await until(async () => (await verifier()) !== null)
  const before = await verifier()
  await make('keys', login('postgres', 'keys', { password }), {}, 'vault')
  await condition('keys', 'Ready', 'True')
  expect(await sql('postgres', [`SELECT datname FROM pg_database WHERE datname IN ('second', 'keys')`])).toHaveLength(2)
  await edit(await read('full'), { metadata: { annotations: { look: 'again' } } })
  await edit(await read('keys'), { metadata: { annotations: { look: 'again' } } })
  await condition('keys', 'Ready', 'True')
  expect(await verifier()).toBe(before)
  await remove('keys')
})

test('a login that may nothing but migrate: Ready once a superuser has run bootstrap with the passwords in the Secrets', async () => {
  const owner = 'supersmartmatch_core_owner'
  await sql('postgres', [`CREATE DATABASE prepared OWNER ${owner}`])
  const given = (await values('full-owner'))['password'] ?? ''
  // Roles are the whole server's: a store that is still looked after would set their passwords back to its own.
  await remove('full')
  await make('prepared', login(owner, 'prepared', { password: given }))
  const refused = await condition('prepared', 'CredentialsReady', 'False')
  for (const part of ['extension pg_trgm', 'role supersmartmatch_core_app_a, which was there', 'pgbouncer.get_auth'])
    expect(refused?.message).toContain(part)
  expect((await values('prepared-owner'))['password']).toBe(given)

  const stored = async (name: string) => secretValue(await client.get(secretKind, namespace, name), 'password') ?? ''
  const passwords = {
    [owner]: given,
    supersmartmatch_core_app_a: await stored('prepared-app'),
    pgbouncer_auth: await stored('prepared-pooler'),
  }
  const { host, username: user } = address('prepared')
  const config = { host, port, user, password, database: 'postgres', ssl: { ca: server.ca } }
  const options = { waitMs: 10_000, signal: AbortSignal.timeout(30_000), log: () => {} }
  await bootstrap(config, { ...options, schema: 'core', dir: core, database: 'prepared', passwords })
  await edit(await read('prepared'), { metadata: { annotations: { look: 'again' } } })
  await condition('prepared', 'Ready', 'True')
  await migrate(await values('prepared-owner'))
}, 240_000)

/** As the migration Job does it: the runner, with the binding as files. */
async function migrate(binding: Record<string, string>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'binding-'))
  try {
    for (const [key, value] of Object.entries(binding)) await writeFile(join(folder, key), value)
    const cli = join(import.meta.dirname, '../../migrations/runner/cli.ts')
    await promisify(execFile)('node', [cli, 'apply', '--schema', 'core', '--binding', folder])
  } finally {
    await rm(folder, { recursive: true })
  }
}
