import { describe, expect, test } from 'vitest'
import {
  databaseSettings,
  effectiveSettings,
  lineSettings,
  reference,
  refusedDatabaseSettings,
  refusedSettings,
  settings,
  userSettings,
  validate as validatePooling,
} from './settings.ts'

const pooled = {
  databases: ['supersmartmatch_core', 'supersmartmatch_core_ro'],
  logins: ['supersmartmatch_core_app_a', 'supersmartmatch_core_app_b'],
}
const validate = (parameters: Record<string, string>, databases = {}, users = {}) =>
  validatePooling({ parameters, databases, users }, pooled)

const path = 'spec.pooling.parameters'

// prettier-ignore
test.each([
  ['no parameters',            {},                                         []],
  ['a good value',             { default_pool_size: '30' },                []],
  ['a fraction of a second',   { query_timeout: '2.5' },                   []],
  ['session mode',             { pool_mode: 'session' },                   []],
  ['a list with a space',      { ignore_startup_parameters: 'options, x' }, []],
  ['a typing error',           { defualt_pool_size: '30' },                [`${path}.defualt_pool_size: PgBouncer 1.24 has no such setting; did you mean default_pool_size?`]],
  ['nothing like it',          { shared_buffers: '1GB' },                  [`${path}.shared_buffers: PgBouncer 1.24 has no such setting; see docs/reference/pooling.md for those it has`]],
  ['a name of Object',         { constructor: '1' },                       [`${path}.constructor: PgBouncer 1.24 has no such setting; see docs/reference/pooling.md for those it has`]],
  ['no number',                { max_client_conn: 'many' },                [`${path}.max_client_conn: "many" is not a whole number from 1 to 100000`]],
  ['too small',                { max_client_conn: '0' },                   [`${path}.max_client_conn: "0" is not a whole number from 1 to 100000`]],
  ['a negative number',        { min_pool_size: '-1' },                    [`${path}.min_pool_size: "-1" is not a whole number from 0 to 10000`]],
  ['an empty value',           { min_pool_size: '' },                      [`${path}.min_pool_size: "" is not a whole number from 0 to 10000`]],
  ['a unit',                   { query_timeout: '5s' },                    [`${path}.query_timeout: "5s" is not a number of seconds, such as 30 or 2.5 (no unit)`]],
  ['a word for a boolean',     { log_stats: 'yes' },                       [`${path}.log_stats: "yes" is neither 0 nor 1`]],
  ['statement mode',           { pool_mode: 'statement' },                 [`${path}.pool_mode: "statement" is none of transaction, session`]],
  ['another line in a value',  { ignore_startup_parameters: 'a\nadmin_users = eve' }, [`${path}.ignore_startup_parameters: "a\nadmin_users = eve" is not a list of names separated by commas`]],
  ['the operator’s own',       { auth_type: 'trust' },                     [`${path}.auth_type cannot be set: the operator sets it: logins and passwords come from the databases; remove it`]],
  ['one that needs a restart', { pkt_buf: '8192' },                        [`${path}.pkt_buf cannot be set: PgBouncer reads it only when it starts, and a pooling change must not end connections; remove it`]],
  ['a contradiction',          { min_pool_size: '21' },                    [`${path}: min_pool_size 21 is more than default_pool_size 20: lower the one or raise the other`]],
])('%s', (_name, parameters: Record<string, string>, problems) => expect(validate(parameters)).toEqual(problems))

const core = 'spec.pooling.databases.supersmartmatch_core'

// prettier-ignore
test.each([
  ['good values',            { supersmartmatch_core: { pool_size: '5', server_lifetime: '60', pool_mode: 'session' } }, []],
  ['no values',              { supersmartmatch_core_ro: {} },                        []],
  ['an unknown database',    { supersmartmatch_cor: { pool_size: '5' } },            ['spec.pooling.databases.supersmartmatch_cor: the pooler has no such database; did you mean supersmartmatch_core?']],
  ['nothing like it',        { postgres: {} },                                       ['spec.pooling.databases.postgres: the pooler has no such database; it has supersmartmatch_core, supersmartmatch_core_ro']],
  ['the admin console',      { pgbouncer: { pool_size: '1' } },                      ['spec.pooling.databases.pgbouncer: the pooler has no such database; it has supersmartmatch_core, supersmartmatch_core_ro']],
  ['a typing error',         { supersmartmatch_core: { pol_size: '5' } },            [`${core}.pol_size: PgBouncer 1.24 has no such setting of a database; did you mean pool_size?`]],
  ['one of all',             { supersmartmatch_core: { default_pool_size: '5' } },   [`${core}.default_pool_size: PgBouncer 1.24 has no such setting of a database; see docs/reference/pooling.md for those it has`]],
  ['the operator’s own',     { supersmartmatch_core: { host: 'evil' } },             [`${core}.host cannot be set: the operator sets it from the store; remove it`]],
  ['a query at each log-in', { supersmartmatch_core: { connect_query: 'DROP TABLE x' } }, [`${core}.connect_query cannot be set: the operator uses it to leave a server that is no primary any more; remove it`]],
  ['another login',          { supersmartmatch_core: { auth_user: 'postgres' } },    [`${core}.auth_user cannot be set: the operator sets it: logins and passwords come from the databases; remove it`]],
  ['no limit',               { supersmartmatch_core: { pool_size: '0' } },           [`${core}.pool_size: "0" is not a whole number from 1 to 10000`]],
  ['more keys in a value',   { supersmartmatch_core: { pool_size: '5 host=evil' } }, [`${core}.pool_size: "5 host=evil" is not a whole number from 1 to 10000`]],
  ['half a second',          { supersmartmatch_core: { server_lifetime: '2.5' } },   [`${core}.server_lifetime: "2.5" is not a whole number from 1 to 99999999`]],
  ['a contradiction',        { supersmartmatch_core: { pool_size: '4' } },           [`${core}: min_pool_size 5 is more than pool_size 4: lower the one or raise the other`]],
  ['what would break PAUSE', { supersmartmatch_core: { min_pool_size: '1' } },       [`${core}.min_pool_size cannot be set: PgBouncer would keep to it while the database is paused for a switchover, and clients would get errors: set it in parameters; remove it`]],
])('databases: %s', (_name, databases, problems) => expect(validate({}, databases)).toEqual(problems))

const app = 'spec.pooling.users.supersmartmatch_core_app_a'

// prettier-ignore
test.each([
  ['good values',            { supersmartmatch_core_app_a: { max_user_connections: '5', query_timeout: '30', pool_mode: 'session' } }, []],
  ['an unknown login',       { supersmartmatch_core_app_c: {} },                     ['spec.pooling.users.supersmartmatch_core_app_c: the pooler has no such login; did you mean supersmartmatch_core_app_a?']],
  ['one that never pools',   { postgres: { pool_size: '1' } },                       ['spec.pooling.users.postgres: the pooler has no such login; it has supersmartmatch_core_app_a, supersmartmatch_core_app_b']],
  ['a typing error',         { supersmartmatch_core_app_a: { qery_timeout: '5' } },  [`${app}.qery_timeout: PgBouncer 1.24 has no such setting of a login; did you mean query_timeout?`]],
  ['one of a database',      { supersmartmatch_core_app_a: { min_pool_size: '5' } }, [`${app}.min_pool_size: PgBouncer 1.24 has no such setting of a login; did you mean pool_size?`]],
  ['a bad value',            { supersmartmatch_core_app_a: { pool_mode: 'statement' } }, [`${app}.pool_mode: "statement" is none of transaction, session`]],
])('users: %s', (_name, users, problems) => expect(validate({}, {}, users)).toEqual(problems))

test('every problem is reported, not only the first', () => {
  expect(validate({ log_stats: '2', bogus: '1', listen_port: '1' }, { x: {} }, { y: {} })).toHaveLength(5)
})

test('every default is valid, and no setting is both allowed and refused', () => {
  const defaults = Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, setting.default]))
  expect(validate(defaults)).toEqual([])
  expect(Object.keys(settings).filter((name) => Object.hasOwn(refusedSettings, name))).toEqual([])
  expect(Object.keys(databaseSettings).filter((name) => Object.hasOwn(refusedDatabaseSettings, name))).toEqual([])
})

describe('effective settings', () => {
  test('given values win over defaults', () => {
    expect(effectiveSettings({ max_client_conn: '7' })).toMatchObject({ max_client_conn: '7', default_pool_size: '20' })
  })

  // prettier-ignore
  test.each([
    ['max_client_conn',           '0100',     '100'],
    ['query_timeout',             '2.50',     '2.5'],
    ['query_timeout',             '12345678', '12345700'],
    ['ignore_startup_parameters', 'a , b',    'a,b'],
  ])('%s %s is %s', (name, value, expected) => expect(effectiveSettings({ [name]: value })[name]).toBe(expected))
})

test('settings of one line come in the order of the table, those that are given only', () => {
  const values = { query_timeout: '030', pool_size: '5' }
  expect(Object.entries(lineSettings(userSettings, values))).toEqual([
    ['pool_size', '5'],
    ['query_timeout', '30'],
  ])
  expect(lineSettings(userSettings)).toEqual({})
})

test('the reference page lists every setting once', () => {
  const rows = reference().match(/^\| `\w+`/gm) ?? []
  const tables = [settings, databaseSettings, userSettings, refusedSettings, refusedDatabaseSettings]
  expect(rows).toHaveLength(tables.flatMap((table) => Object.keys(table)).length)
})
