import { describe, expect, test } from 'vitest'
import { effectiveSettings, refusedSettings, reference, settings, validate } from './settings.ts'

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

test('every problem is reported, not only the first', () => {
  expect(validate({ log_stats: '2', bogus: '1', listen_port: '1' })).toHaveLength(3)
})

test('every default is valid, and no setting is both allowed and refused', () => {
  const defaults = Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, setting.default]))
  expect(validate(defaults)).toEqual([])
  expect(Object.keys(settings).filter((name) => Object.hasOwn(refusedSettings, name))).toEqual([])
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

test('the reference page lists every setting once', () => {
  const rows = reference().match(/^\| `\w+`/gm) ?? []
  expect(rows).toHaveLength(Object.keys(settings).length + Object.keys(refusedSettings).length)
})
