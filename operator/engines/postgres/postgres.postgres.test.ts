import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueServerCertificate } from '../../certificates.ts'
import { monitoringRole } from '../../data-store/names.ts'
import type { Bootstrap, Target } from '../engine.ts'
import { bootstrap } from './bootstrap.ts'
import { probe } from './probe.ts'
import { scramMatches } from './scram.ts'
import { tlsFront } from './tls-front.ts'

/** Everything here is real PostgreSQL; only its TLS is ended by a listener of the test, since the test server has none. */
const url = new URL(process.env['TEST_POSTGRES_URL'] ?? '')
const suffix = randomBytes(4).toString('hex')
const database = `engine_${suffix}`
const owner = `${database}_owner`
const app = `engine_app_${suffix}`
const reader = `engine_reader_${suffix}`

const host = 'store.ns.svc'
const authority = await createAuthority('ca', new Date())
const other = await createAuthority('ca', new Date())
const certificate = await issueServerCertificate(authority, [host], new Date())

const admin = new pg.Client({ connectionString: url.href })
let front: Awaited<ReturnType<typeof tlsFront>>
let target: Target & { serverName?: string }

beforeAll(async () => {
  await admin.connect()
  await admin.query(
    `CREATE ROLE ${reader} SUPERUSER LOGIN; ALTER ROLE ${reader} SET default_transaction_read_only = on`,
  )
  front = await tlsFront(url, certificate)
  target = {
    host: '127.0.0.1',
    serverName: host,
    port: front.port,
    database: 'postgres',
    username: 'postgres',
    password: 'unused',
    ca: authority.certificate,
  }
})

afterAll(async () => {
  await front[Symbol.asyncDispose]()
  await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
  for (const role of [reader, app, owner, monitoringRole]) await admin.query(`DROP ROLE IF EXISTS ${role}`)
  await admin.end()
})

const soon = () => AbortSignal.timeout(10_000)

describe('probe', () => {
  test('a server that answers a query is ready, and its version is told', async () => {
    expect(await probe(target, soon())).toEqual({
      state: 'ready',
      version: expect.stringMatching(/^17\.\d+$/) as string,
      maxConnections: Number(
        (await admin.query<Record<string, string>>('SHOW max_connections')).rows[0]?.['max_connections'],
      ),
    })
  })

  test('a server that takes no writes is degraded', async () => {
    expect(await probe({ ...target, username: reader }, soon())).toMatchObject({ state: 'degraded' })
  })

  test('a server answers, although the database is not made yet', async () => {
    expect(await probe({ ...target, database: 'nowhere' }, soon())).toMatchObject({ state: 'ready' })
  })

  test.each([
    ['a certificate of another CA', () => ({ ca: other.certificate }), /certificate of 127\.0\.0\.1:\d+/],
    ['a certificate of another host', () => ({ serverName: 'evil.ns.svc' }), /does not match certificate/],
  ])('%s is refused', async (_name, change, message) => {
    const health = await probe({ ...target, ...change() }, soon())
    expect(health).toEqual({ state: 'degraded', message: expect.stringMatching(message) as string })
  })

  test('a server without TLS is refused', async () => {
    const plain = { ...target, host: url.hostname, port: Number(url.port) }
    const health = await probe(plain, soon())
    expect(health).toMatchObject({ state: 'unreachable', message: expect.stringContaining('SSL') as string })
  })

  test('its connection is closed afterwards', async () => {
    await probe(target, soon())
    await expect.poll(() => connections('postgres')).toBe(0)
  })
})

describe('bootstrap', () => {
  const clusterSql = `
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${app}') THEN CREATE ROLE ${app} LOGIN; END IF;
    END $$;
    CREATE TABLE IF NOT EXISTS runs (at timestamptz DEFAULT clock_timestamp());
    INSERT INTO runs DEFAULT VALUES;`
  const passwords = { [owner]: 'owner-password', [app]: 'app-password' }
  const wanted = (change: Partial<Bootstrap> = {}): Bootstrap => {
    return {
      database,
      clusterSql,
      appliedClusterSql: '',
      passwords,
      mayCreateDatabase: true,
      extensions: [],
      ...change,
    }
  }
  let applied = ''

  test('never puts an empty database in the place of one that migrations were applied to', async () => {
    const gone = wanted({ database: 'lost_database', mayCreateDatabase: false })
    await expect(bootstrap(target, gone, soon())).rejects.toThrow('database lost_database is gone')
  })

  test('creates owner, database, roles and passwords', async () => {
    const result = await bootstrap(target, wanted(), soon())
    applied = result.clusterSql
    expect(applied).toMatch(/^[0-9a-f]{64}$/)
    expect(result.changed).toEqual([
      `role ${owner}`,
      `database ${database}`,
      'cluster.sql',
      `password of ${owner}`,
      `password of ${app}`,
    ])
    const { rows } = await admin.query<{ owner: string }>(
      'SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = $1',
      [database],
    )
    expect(rows).toEqual([{ owner }])
    expect(await passwordMatches(app, 'app-password')).toBe(true)
  })

  test('writes nothing when all is in place', async () => {
    const before = await state()
    expect(await bootstrap(target, wanted({ appliedClusterSql: applied }), soon())).toEqual({
      clusterSql: applied,
      changed: [],
      unavailable: [],
    })
    expect(await state()).toEqual(before)
  })

  test('the monitoring role sees how the server is, and no row', async () => {
    const passwords = { ...wanted().passwords, [monitoringRole]: 'monitoring-password' }
    const change = { passwords, appliedClusterSql: applied }
    expect((await bootstrap(target, wanted(change), soon())).changed).toEqual([
      `role ${monitoringRole}`,
      'cluster.sql',
      `password of ${monitoringRole}`,
    ])
    expect((await bootstrap(target, wanted(change), soon())).changed).toEqual([])

    const client = new pg.Client({ connectionString: new URL(`/${database}`, url).href })
    await client.connect()
    await client.query('CREATE TABLE IF NOT EXISTS engine_rows (x int)')
    await client.query(`SET SESSION AUTHORIZATION ${monitoringRole}`)
    const { rows } = await client.query(`SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS stats`)
    expect(rows).toEqual([{ stats: true }])
    await expect(client.query('SELECT * FROM engine_rows')).rejects.toThrow('permission denied for table engine_rows')
    await client.end()
    const mayConnect = `SELECT has_database_privilege($1, $2, 'CONNECT') AS connect`
    expect((await admin.query(mayConnect, [monitoringRole, database])).rows).toEqual([{ connect: true }])
  })

  test('runs cluster.sql again when its text changed', async () => {
    const changed = wanted({ clusterSql: `${clusterSql} -- more`, appliedClusterSql: applied })
    expect((await bootstrap(target, changed, soon())).changed).toEqual(['cluster.sql'])
  })

  test('runs cluster.sql again when a role is gone, whatever is said to be applied', async () => {
    await admin.query(`DROP ROLE ${app}`)
    const result = await bootstrap(target, wanted({ appliedClusterSql: applied }), soon())
    expect(result.changed).toEqual(['cluster.sql', `password of ${app}`])
  })

  test('sets a password that differs, and only that', async () => {
    const next = wanted({ appliedClusterSql: applied, passwords: { ...passwords, [app]: `it's new` } })
    expect((await bootstrap(target, next, soon())).changed).toEqual([`password of ${app}`])
    expect(await passwordMatches(app, `it's new`)).toBe(true)
    expect(await passwordMatches(owner, 'owner-password')).toBe(true)
  })

  test('replaces a password that is stored as something else than SCRAM', async () => {
    await admin.query(`ALTER ROLE ${app} PASSWORD NULL`)
    const result = await bootstrap(target, wanted({ appliedClusterSql: applied }), soon())
    expect(result.changed).toEqual([`password of ${app}`])
  })

  test('creates the extensions that the spec adds, once, and says which the server does not have', async () => {
    const more = wanted({ appliedClusterSql: applied, extensions: ['earthdistance', 'no_such_extension'] })
    const result = await bootstrap(target, more, soon())
    expect(result.changed).toEqual(['extension earthdistance'])
    expect(result.unavailable).toEqual(['no_such_extension'])
    expect((await bootstrap(target, more, soon())).changed).toEqual([])
    const { rows } = await inDatabase(
      `SELECT count(*)::int FROM pg_extension WHERE extname IN ('earthdistance', 'cube')`,
    )
    expect(rows).toEqual([{ count: 2 }])
    // One that is not wanted any more stays.
    await bootstrap(target, wanted({ appliedClusterSql: applied }), soon())
    expect((await inDatabase(`SELECT FROM pg_extension WHERE extname = 'earthdistance'`)).rows).toHaveLength(1)
  })

  test('a role that cluster.sql does not create is named, its password is not', async () => {
    const bad = wanted({ passwords: { nobody_here: 'very-secret' } })
    const failure = await bootstrap(target, bad, soon()).catch((error: unknown) => String(error))
    expect(failure).toBe('Error: role nobody_here does not exist: cluster.sql must create it')
  })

  test('a failing cluster.sql leaves nothing of itself behind', async () => {
    const bad = wanted({ clusterSql: 'CREATE TABLE half (); SELECT 1/0;' })
    await expect(bootstrap(target, bad, soon())).rejects.toMatchObject({ code: '22012' })
    const { rows } = await inDatabase(`SELECT to_regclass('half') AS half`)
    expect(rows).toEqual([{ half: null }])
  })

  test('no statement that holds a verifier reaches pg_stat_statements', async () => {
    const library = await admin.query<{ libraries: string }>(
      `SELECT current_setting('shared_preload_libraries') AS libraries`,
    )
    expect(library.rows[0]?.libraries).toContain('pg_stat_statements')
    await inDatabase('CREATE EXTENSION IF NOT EXISTS pg_stat_statements')
    await bootstrap(target, wanted({ passwords: { ...passwords, [app]: 'statistics' } }), soon())
    const { rows } = await inDatabase(
      `SELECT query FROM pg_stat_statements WHERE query ILIKE '%ALTER ROLE%${app}%SCRAM%'`,
    )
    expect(rows).toEqual([])
  })

  test('ends at its deadline', async () => {
    const slow = wanted({ clusterSql: 'CREATE TABLE slow (); SELECT pg_sleep(60)' })
    const started = performance.now()
    await expect(bootstrap(target, slow, AbortSignal.timeout(500))).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

async function inDatabase(query: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: new URL(`/${database}`, url).href })
  await client.connect()
  try {
    return await client.query(query)
  } finally {
    await client.end()
  }
}

async function connections(name: string): Promise<number> {
  const { rows } = await admin.query<{ count: number }>(
    `SELECT count(*)::int FROM pg_stat_activity WHERE datname = $1 AND application_name = 'supersmartmatch-operator'`,
    [name],
  )
  return rows[0]?.count ?? -1
}

async function passwordMatches(role: string, password: string): Promise<boolean> {
  const { rows } = await admin.query<{ rolpassword: string | null }>(
    'SELECT rolpassword FROM pg_authid WHERE rolname = $1',
    [role],
  )
  return scramMatches(rows[0]?.rolpassword ?? null, password)
}

/** Runs of cluster.sql so far, and row versions of the two roles. */
async function state() {
  const runs = await inDatabase('SELECT count(*) FROM runs')
  const roles = await admin.query('SELECT rolname, xmin FROM pg_authid WHERE rolname IN ($1, $2) ORDER BY 1', [
    owner,
    app,
  ])
  return [runs.rows, roles.rows] as unknown[]
}
