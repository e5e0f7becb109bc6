import { describe, expect, test } from 'vitest'
import { missing } from '../../../migrations/testing/coverage.ts'
import { databaseName } from '../../data-store/names.ts'
import { compile } from './compile.ts'
import { backend, poolerPlan, replicated } from './fixture.ts'

/** The block under "Connection Pooling Configuration" in the specification, without its comments. */
const specification = `
[databases]
supersmartmatch_core = host=postgres-primary port=5432 dbname=supersmartmatch_core
supersmartmatch_geo = host=postgres-geo port=5432 dbname=supersmartmatch_geo
[pgbouncer]
pool_mode = transaction
listen_port = 6432
listen_addr = 0.0.0.0
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/userlist.txt
max_client_conn = 1000
default_pool_size = 20
min_pool_size = 5
reserve_pool_size = 5
server_round_robin = 1
ignore_startup_parameters = extra_float_digits
`

/** Where ours differs from that block, and the entry of the specification's review that says so. */
// prettier-ignore
const differing: Record<string, { ours: string; because: string }> = {
  server_round_robin:        { ours: '0',                          because: 'D-174' },
  ignore_startup_parameters: { ours: 'extra_float_digits,options', because: 'D-171' },
  max_prepared_statements:   { ours: '200',                        because: 'D-167' },
  client_tls_sslmode:        { ours: 'require',                    because: 'D-169' },
  client_tls_cert_file:      { ours: '/tls/tls.crt',               because: 'D-169' },
  client_tls_key_file:       { ours: '/tls/tls.key',               because: 'D-169' },
  client_tls_ca_file:        { ours: '/tls/ca.crt',                because: 'D-169' },
  client_tls_protocols:      { ours: 'tlsv1.3',                    because: 'D-169' },
  server_tls_sslmode:        { ours: 'verify-full',                because: 'D-169' },
  server_tls_ca_file:        { ours: '/etc/pgbouncer/servers.crt',                because: 'D-169' },
  server_tls_protocols:      { ours: 'tlsv1.3',                    because: 'D-169' },
  auth_user:                 { ours: 'pgbouncer_auth',             because: 'D-170' },
  auth_query:                { ours: 'SELECT usename, passwd FROM pgbouncer.get_auth($1)', because: 'D-170' },
  admin_users:               { ours: 'pooler_admin',               because: 'the operator reloads and checks through the admin console' },
  unix_socket_dir:           { ours: '',                           because: 'read-only root file system; clients connect by TCP' },
  server_connect_timeout:    { ours: '5',                          because: 'the default of 15 s would wait for a vanished primary after another leads' },
  server_login_retry:        { ours: '1',                          because: 'the default of 15 s would outlast a failover' },
  tcp_keepidle:              { ours: '10',                         because: 'a vanished primary would hold its clients for two hours' },
  tcp_keepintvl:             { ours: '5',                          because: 'a vanished primary would hold its clients for two hours' },
  tcp_keepcnt:               { ours: '3',                          because: 'a vanished primary would hold its clients for two hours' },
  tcp_user_timeout:          { ours: '15000',                      because: 'a query sent to a vanished primary would wait for 15 minutes' },
  syslog_ident:              { ours: compile(poolerPlan()).effective.version, because: 'tells which file a pod has read' },
}

function parse(ini: string): Record<string, Record<string, string>> {
  const sections: Record<string, Record<string, string>> = {}
  let section: Record<string, string> = {}
  for (const line of ini.split('\n').filter((line) => line.trim() !== '')) {
    const name = /^\[(\w+)\]$/.exec(line)?.[1]
    const [, key = '', value = ''] = /^(\w+) =\s?(.*)$/.exec(line) ?? []
    if (name) section = sections[name] = {}
    else section[key] = value
  }
  return sections
}

describe('the default rendering', () => {
  const ours = parse(compile(poolerPlan()).ini)
  const theirs = parse(specification)

  test('equals the specification key for key, but for the listed differences', () => {
    const expected = { ...theirs['pgbouncer'] }
    for (const [key, { ours }] of Object.entries(differing)) expected[key] = ours
    expect(ours['pgbouncer']).toEqual(expected)
  })

  test('names the database as the specification does, at the store’s Service, with a computed limit (D-172)', () => {
    expect(Object.keys(ours['databases'] ?? {})).toEqual(['supersmartmatch_core', 'supersmartmatch_core_ro'])
    expect(ours['databases']?.['supersmartmatch_core']).toMatch(
      /^host=demo-core.ns.svc port=5432 dbname=supersmartmatch_core max_db_connections=35 connect_query='SELECT /,
    )
  })

  test('has what docs/reference/specification-coverage.md names', () => {
    const backends = ['core', 'geolocation', 'temporal'].map((schema) => ({
      ...backend,
      database: databaseName(schema),
    }))
    const { databases = {}, pgbouncer = {} } = parse(compile(poolerPlan({}, backends)).ini)
    const ofLines = Object.values(databases).flatMap((line) => [...line.matchAll(/(\w+)=/g)].map(([, key = '']) => key))
    const live = [
      ...Object.keys(databases).map((name) => ({ kind: 'database', name })),
      ...[...Object.keys(pgbouncer), ...ofLines].map((name) => ({ kind: 'setting', name })),
    ]
    expect(missing('pooler', live)).toEqual([])
  })

  test('is this file', async () => {
    await expect(compile(poolerPlan()).ini).toMatchFileSnapshot('golden/pgbouncer.ini')
  })
})

describe('the read-only database', () => {
  const line = (plan = poolerPlan()) => parse(compile(plan).ini)['databases']?.['supersmartmatch_core_ro']

  test('leads to the replicas, may be served by one, and leaves one that was made primary in time', () => {
    expect(line(poolerPlan({}, [replicated]))).toBe(
      'host=demo-core-ro.ns.svc port=5432 dbname=supersmartmatch_core server_lifetime=300 max_db_connections=20',
    )
  })

  test('leads to the primary of a store that has no replicas', () => {
    expect(line()).toMatch(
      /^host=demo-core.ns.svc port=5432 dbname=supersmartmatch_core max_db_connections=5 connect_query=/,
    )
  })
})

test('a parameter is written, and expected of a running pod', () => {
  const { ini, effective } = compile(poolerPlan({ parameters: { query_timeout: '30.0', default_pool_size: '8' } }))
  expect(parse(ini)['pgbouncer']).toMatchObject({ query_timeout: '30', default_pool_size: '8' })
  expect(effective.config).toMatchObject({ query_timeout: '30', default_pool_size: '8', max_client_conn: '1000' })
  expect(effective.databases['supersmartmatch_core']).toMatchObject({ pool_size: '8', min_pool_size: '5' })
})

test('settings of one database are written to its line, and expected of it alone', () => {
  const own = { pool_mode: 'session', server_lifetime: '0060', pool_size: '7', max_db_connections: '9' }
  const { ini, effective } = compile(poolerPlan({ databases: { supersmartmatch_core: own } }, [replicated]))
  expect(parse(ini)['databases']?.['supersmartmatch_core']).toContain(
    'dbname=supersmartmatch_core pool_mode=session pool_size=7 max_db_connections=9 server_lifetime=60 connect_query=',
  )
  const { supersmartmatch_core: core, supersmartmatch_core_ro: reads } = effective.databases
  expect(core).toMatchObject({ pool_mode: 'session', pool_size: '7', max_connections: '9', server_lifetime: '60' })
  expect(reads).toMatchObject({ pool_mode: '', pool_size: '20', max_connections: '20', server_lifetime: '300' })
})

test('settings of one login are written to its line; the other is listed without any, which takes former ones back', () => {
  const users = { supersmartmatch_core_app_b: { pool_size: '3', query_timeout: '15', max_user_connections: '4' } }
  const { ini, effective } = compile(poolerPlan({ users }))
  expect(parse(ini)['users']).toEqual({
    supersmartmatch_core_app_a: '',
    supersmartmatch_core_app_b: 'pool_size=3 max_user_connections=4 query_timeout=15',
  })
  const none = { pool_mode: '', max_user_connections: '0', max_user_client_connections: '0' }
  expect(effective.users).toEqual({
    supersmartmatch_core_app_a: none,
    supersmartmatch_core_app_b: { ...none, pool_size: '3', max_user_connections: '4' },
  })
})

test('the database of an external store may have any name that PgBouncer can read', () => {
  const compiled = (more: object) => compile(poolerPlan({}, [{ ...backend, ...more }]))
  expect(compiled({ database: 'My-db.2', host: '2001:db8::1' }).ini).toContain(
    '\nMy-db.2 = host=2001:db8::1 port=5432 dbname=My-db.2 max_db_connections=35 ',
  )
  expect(() => compiled({ database: 'my db' })).toThrow('database "my db" cannot be pooled')
  expect(() => compiled({ database: 'x\n[pgbouncer]' })).toThrow('cannot be pooled')
  expect(() => compiled({ database: 'pgbouncer' })).toThrow('cannot be pooled')
  expect(() => compiled({ host: 'x\nadmin_users=eve' })).toThrow('cannot be written')
  expect(compiled({ host: "o'clock port=1" }).ini).toContain("host='o''clock port=1' port=5432")
})

test('a parameter that is gone is expected to be back at its default', () => {
  expect(compile(poolerPlan()).effective.config).toMatchObject({ query_timeout: '0' })
})

describe('the version', () => {
  const version = (pooling = {}) => compile(poolerPlan(pooling)).effective.version

  test('is the last thing in the file and the beginning of its hash', () => {
    const { ini, hash } = compile(poolerPlan())
    expect(ini.endsWith(`\nsyslog_ident = ${hash.slice(0, 16)}\n`)).toBe(true)
  })

  test('follows the file', () => {
    expect(version()).toBe(version())
    expect(version({ parameters: { verbose: '1' } })).not.toBe(version())
    expect(version({ users: { supersmartmatch_core_app_a: { query_timeout: '9' } } })).not.toBe(version())
  })

  test('follows the CAs of the servers, of which each is listed once', () => {
    const plan = (...cas: string[]) => poolerPlan({}, [backend, ...cas.map((ca) => ({ ...backend, ca }))])
    const compiled = compile(plan('another CA', 'another CA', 'the platform’s CA'))
    expect(compiled.servers).toBe('the platform’s CA\nanother CA')
    expect(compiled.effective.version).not.toBe(
      compile(plan('a third CA', 'another CA', 'the platform’s CA')).effective.version,
    )
  })
})
