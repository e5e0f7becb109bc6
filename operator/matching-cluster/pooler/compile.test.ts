import { describe, expect, test } from 'vitest'
import { budgetProblem, compile, connectionBudget } from './compile.ts'
import { poolerPlan } from './fixture.ts'

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
  server_tls_ca_file:        { ours: '/tls/ca.crt',                because: 'D-169' },
  server_tls_protocols:      { ours: 'tlsv1.3',                    because: 'D-169' },
  auth_user:                 { ours: 'pgbouncer_auth',             because: 'D-170' },
  auth_query:                { ours: 'SELECT usename, passwd FROM pgbouncer.get_auth($1)', because: 'D-170' },
  admin_users:               { ours: 'pooler_admin',               because: 'the operator reloads and checks through the admin console' },
  unix_socket_dir:           { ours: '',                           because: 'read-only root file system; clients connect by TCP' },
  server_login_retry:        { ours: '1',                          because: 'the default of 15 s would outlast a failover' },
}

function parse(ini: string): Record<string, Record<string, string>> {
  const sections: Record<string, Record<string, string>> = {}
  let section: Record<string, string> = {}
  for (const line of ini.split('\n').filter((line) => line.trim() !== '')) {
    const name = /^\[(\w+)\]$/.exec(line)?.[1]
    if (name) section = sections[name] = {}
    else section[line.slice(0, line.indexOf(' = '))] = line.slice(line.indexOf(' = ') + 3)
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
    // supersmartmatch_geo and _temporal (D-168) join once their stores exist.
    const database = ours['databases']?.['supersmartmatch_core']
    expect(database).toBe('host=demo-core.ns.svc port=5432 dbname=supersmartmatch_core max_db_connections=40')
  })

  test('is this file', async () => {
    await expect(compile(poolerPlan()).ini).toMatchFileSnapshot('golden/pgbouncer.ini')
  })
})

test('a parameter is written, and expected of a running pod', () => {
  const { ini, effective } = compile(poolerPlan({ query_timeout: '30.0', default_pool_size: '8' }))
  expect(parse(ini)['pgbouncer']).toMatchObject({ query_timeout: '30', default_pool_size: '8' })
  expect(effective.config).toMatchObject({ query_timeout: '30', default_pool_size: '8', max_client_conn: '1000' })
})

test('a parameter that is gone is expected to be back at its default', () => {
  expect(compile(poolerPlan()).effective.config).toMatchObject({ query_timeout: '0' })
})

test('the hash follows the file', () => {
  expect(compile(poolerPlan()).hash).toBe(compile(poolerPlan()).hash)
  expect(compile(poolerPlan({ verbose: '1' })).hash).not.toBe(compile(poolerPlan()).hash)
})

// prettier-ignore
test.each([
  ['one pod and one more during a rollout', 100,  1,  40],
  ['rounded down',                          100,  2,  26],
  ['more connections',                      500,  5,  80],
  ['never 0, which would mean no limit',    100, 200,  1],
  ['a server with fewer than the reserve',   10,  1,   1],
])('connection budget: %s', (_name, maxConnections, replicas, expected) => {
  expect(connectionBudget(maxConnections, replicas)).toBe(expected)
})

describe('the pool budget', () => {
  test('is kept by the defaults up to three pods', () => {
    expect([1, 2, 3].map((replicas) => budgetProblem(poolerPlan({}, replicas)))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('is exceeded by four, and the message says what to change', () => {
    expect(budgetProblem(poolerPlan({}, 4))).toBe(
      '4 pooler pods (one more during a rollout) with default_pool_size 20 need 100 connections to supersmartmatch_core, ' +
        'which leaves 80 to the pooler: lower spec.pooling.replicas, or spec.pooling.parameters.default_pool_size to 16',
    )
    expect(budgetProblem(poolerPlan({ default_pool_size: '16' }, 4))).toBeUndefined()
  })
})
