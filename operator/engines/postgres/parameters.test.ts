import Value from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { DataStoreSpec, type DataStore } from '../../../crds/schema/data-store.ts'
import { validateHba } from './hba.ts'
import { compareRules, compareSettings } from './in-force.ts'
import { maxConnections, preloaded, validateParameters } from './parameters.ts'

function storeWith(parameters: Record<string, string>): DataStore {
  const spec = Value.Default(DataStoreSpec, {
    engine: 'postgres',
    schema: { name: 'core' },
    parameters,
  }) as DataStoreSpec
  return {
    apiVersion: 'supersmartmatch.io/v1alpha1',
    kind: 'DataStore',
    metadata: { name: 'db', namespace: 'ns' },
    spec,
  }
}
const problems = (parameters: Record<string, string>) => validateParameters(storeWith(parameters))

describe('accepted', () => {
  // prettier-ignore
  test.each([
    ['work_mem', '64MB'], ['work_mem', '65536'], ['work_mem', ' 1.5 GB '], ['work_mem', '1e5'], ['WORK_MEM', '64kB'],
    ['statement_timeout', '30s'], ['statement_timeout', '0'], ['statement_timeout', '2min'], ['checkpoint_timeout', '15min'],
    ['max_connections', '25'], ['random_page_cost', '1.1'], ['jit', 'OFF'], ['jit', '0'], ['wal_level', 'logical'],
    ['autovacuum_vacuum_cost_delay', '2ms'], ['autovacuum_vacuum_cost_delay', '500us'], ['shared_buffers', '128MB'],
    ['synchronous_commit', 'remote_apply'], ['log_timezone', 'Europe/Paris'], ['DateStyle', 'ISO, DMY'], ['search_path', '"$user", public'],
    ['pg_stat_statements.max', '10000'], ['pgaudit.log', 'ddl, role, -misc'], ['cron.max_running_jobs', '3'], ['log_line_prefix', '%m '],
    ['default_text_search_config', 'pg_catalog.french'], ['shared_preload_libraries', 'auto_explain'], ['max_wal_size', '1GB'],
  ])('%s = %s', (name, value) => expect(problems({ [name]: value })).toEqual([]))
})

describe('refused, naming the key', () => {
  // prettier-ignore
  test.each([
    ['a typing error',             'max_conections',     '100',     'PostgreSQL 17 with pg_cron, pgaudit, pg_stat_statements has no such setting; did you mean max_connections?'],
    ['something unheard of',       'zzz_zzz_zzz',        '1',       'see docs/reference/postgres-parameters.md'],
    ['a name of Object',           'constructor',        '1',       'no such setting'],
    ['not a number',               'work_mem',           'much',    '"much" is not a whole number, with or without a unit (B, kB, MB, GB, TB)'],
    ['empty',                      'work_mem',           '',        'is not a whole number'],
    ['a unit of another kind',     'work_mem',           '5min',    'is not a whole number'],
    ['a unit in another case',     'work_mem',           '5mb',     'is not a whole number'],
    ['a unit on a plain number',   'max_connections',    '100MB',   '"100MB" is not a whole number'],
    ['too small',                  'work_mem',           '1kB',     'is not from 64 to 2147483647 kB'],
    ['too large',                  'max_connections',    '300000',  'is not from 25 to 262143'],
    ['less than Patroni takes',    'max_connections',    '10',      'is not from 25'],
    ['less than replicas need',    'max_wal_senders',    '3',       'is not from 10'],
    ['less than two segments',     'max_wal_size',       '16MB',    'is not from 32'],
    ['not on or off',              'jit',                'perhaps', 'is neither on nor off'],
    ['no value of the list',       'log_statement',      'some',    'is none of none, ddl, mod, all'],
    ['one that replicas rule out', 'wal_level',          'minimal', 'is none of replica, logical: replicas need it'],
    ['one that loses commits',     'synchronous_commit', 'off',     'is none of on, remote_apply, remote_write: less would lose acknowledged commits'],
    ['fsync',                      'fsync',              'off',     'cannot be set: any other value can lose or corrupt data; remove it'],
    ['TLS',                        'ssl_min_protocol_version', 'TLSv1', 'cannot be set: every connection is TLS'],
    ['in capitals, too',           'SSL',                'off',     'spec.parameters.SSL cannot be set'],
    ['a file of the pod',          'hba_file',           '/x',      'cannot be set'],
    ['a developer’s option',       'debug_parallel_query', 'on',    'cannot be set: it is for developers of PostgreSQL'],
    ['no time zone',               'TimeZone',           'Mars',    'is not a time zone'],
    ['a line break',               'log_line_prefix',    'a\nb',    'holds a line break'],
    ['a library the image lacks',  'shared_preload_libraries', 'pg_squeeze', '"pg_squeeze" cannot be loaded'],
    ['a library that is not loaded', 'auto_explain.log_analyze', 'on', 'needs the library auto_explain'],
    ['a class of pgaudit',         'pgaudit.log',        'ddl, x',  'is not none, or classes of pgaudit'],
  ])('%s', (_name, key, value, expected) => {
    const [problem, ...more] = problems({ [key]: value })
    expect(more).toEqual([])
    expect(problem).toContain(`spec.parameters.${key}`)
    expect(problem).toContain(expected)
  })

  test('twice in two cases', () => {
    expect(problems({ work_mem: '4MB', Work_Mem: '8MB' })).toEqual([
      expect.stringContaining('spec.parameters.Work_Mem is given twice'),
    ])
  })

  test('nobody could connect', () => {
    const [problem] = problems({
      max_connections: '30',
      superuser_reserved_connections: '20',
      reserved_connections: '10',
    })
    expect(problem).toContain('are 30 together, max_connections is 30')
    expect(problems({ max_connections: '30', superuser_reserved_connections: '20' })).toEqual([])
  })

  test('more jobs than there are workers', () => {
    expect(problems({ 'cron.max_running_jobs': '16' })[0]).toContain('cron.max_running_jobs is 16, max_worker_processes is 16')
    expect(problems({ 'cron.max_running_jobs': '16', max_worker_processes: '17' })).toEqual([])
  }) // prettier-ignore

  test('more shared buffers than the pod may have', () => {
    expect(problems({ shared_buffers: '900MB' })[0]).toContain('three quarters of spec.resources.memoryLimit (1Gi)')
  })
})

test('the spec’s connections are what the pooler may count on', () => {
  expect([maxConnections(storeWith({})), maxConnections(storeWith({ MAX_CONNECTIONS: '250' }))]).toEqual([100, 250])
})

test('libraries add to the operator’s own', () => {
  expect(preloaded('postgres', { shared_preload_libraries: 'auto_explain, pgaudit' })).toBe(
    'pg_cron,pgaudit,pg_stat_statements,auto_explain',
  )
})

describe('lines of pg_hba', () => {
  // prettier-ignore
  test.each([
    'hostssl all all 10.0.0.0/8 scram-sha-256',
    'hostssl  supersmartmatch_core,other  +reporting  fd00::/8  reject',
    'hostssl all reporting samenet scram-sha-256',
    'hostssl all reporting .example.com scram-sha-256',
    'hostnossl all all all reject',
  ])('%s', (line) => expect(validateHba([line])).toEqual([]))

  // prettier-ignore
  test.each([
    ['host all all all scram-sha-256',             'begins with host'],
    ['local all all trust',                        'begins with local'],
    ['hostnossl all all all scram-sha-256',        'without TLS'],
    ['hostssl all all all trust',                  'method trust'],
    ['hostssl all all all',                        'not complete'],
    ['hostssl all all 10.0.0.0/33 scram-sha-256',  'address 10.0.0.0/33'],
    ['hostssl all all 10.0.0.0 scram-sha-256',     'address 10.0.0.0 '],
    ['hostssl all all 300.0.0.0/8 scram-sha-256',  'address 300.0.0.0/8'],
    ['hostssl all "a b" all scram-sha-256',        'users "a'],
    ['hostssl all all all scram-sha-256 clientcert=verify-full', 'options'],
    ['hostssl all all all scram-sha-256 # comment', 'comment'],
    ['include /etc/passwd',                        'begins with include'],
  ])('%s', (line, expected) => {
    const [problem] = validateHba(['hostssl all all all reject', line])
    expect(problem).toContain('spec.pgHba[1]')
    expect(problem).toContain(expected)
  })
})

describe('what a server has not taken over', () => {
  const file = (name: string, setting: string, error: string | null = null) => ({ name, setting, error })
  const wanted = { work_mem: '4MB', max_connections: '100' }
  const files = [file('work_mem', '4MB'), file('max_connections', '100'), file('listen_addresses', '*')]
  // prettier-ignore
  test.each([
    ['nothing',                     files, [], [], []],
    ['not written yet',             [file('work_mem', '8MB'), ...files.slice(1)], [], [], ['work_mem is not 4MB yet']],
    ['not there at all',            files.slice(1), [], [], ['work_mem is not 4MB yet']],
    ['not wanted any more',         [...files, file('jit', 'off')], [], [], ['jit is still set']],
    ['refused',                     [file('work_mem', '4MB', 'setting could not be applied'), ...files.slice(1)], [], [], ['PostgreSQL does not take work_mem = 4MB: setting could not be applied']],
    ['a restart nobody knows of',   files, ['max_connections'], [], ['max_connections waits for a restart that is not asked for yet']],
    ['a restart that is known',     [files[0]!, file('max_connections', '100', 'needs a restart')], ['max_connections'], ['max_connections: 200 → 100'], []],
    ['a former replica’s value',    [files[0]!, file('max_connections', '200')], [], ['max_connections: 200 → 100'], []],
  ])('%s', (_name, files, waiting, known, expected) => {
    expect(compareSettings(wanted, files, waiting, known)).toEqual(expected)
  })

  const rules = ['local all postgres peer', ' hostssl all all all scram-sha-256']
  const text = '# Do not edit\nlocal all postgres peer\nhostssl all all all scram-sha-256\n'
  // prettier-ignore
  test.each([
    ['nothing',             { text }, []],
    ['not written yet',     { text: text.replace('peer', 'trust') }, ['pg_hba.conf is not as the spec says yet']],
    ['one more, first',     { text: `hostssl all all all reject\n${text}` }, ['pg_hba.conf is not as the spec says yet']],
    ['written, not read',   { text, loaded: false }, ['pg_hba.conf is not read yet']],
    ['refused',             { text, error: 'line 2: bad' }, ['PostgreSQL does not take pg_hba.conf: line 2: bad']],
  ])('access rules: %s', (_name, file, expected) => {
    expect(compareRules(rules, { loaded: true, error: null, ...file })).toEqual(expected)
  })
})

test('TimescaleDB has its settings, PostgreSQL alone does not', () => {
  const parameters = { 'timescaledb.max_background_workers': '4' }
  const store = (engine: string, schema: string) =>
    ({ spec: Value.Default(DataStoreSpec, { engine, schema: { name: schema }, parameters }) }) as DataStore
  expect(validateParameters(store('timescale', 'temporal'))).toEqual([])
  expect(validateParameters(store('postgres', 'core'))).toEqual([
    expect.stringContaining('spec.parameters.timescaledb.max_background_workers: PostgreSQL 17'),
  ])
  expect(preloaded('timescale', {})).toBe('timescaledb,pg_cron,pgaudit,pg_stat_statements')
})
