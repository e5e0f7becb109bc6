import { expect, test } from 'vitest'
import { imageOf } from './images.ts'

const digest = `sha256:${'0'.repeat(64)}`

// prettier-ignore
test.each([
  ['the operator’s own',            undefined,       'localhost/ssm/postgres:17',             undefined,                 'localhost/ssm/postgres:17'],
  ['from another registry',         undefined,       'localhost/ssm/postgres:17',             'registry.example.com',    'registry.example.com/postgres:17'],
  ['a port, a path and a digest',   undefined,       `host:5000/a/b/postgres:17@${digest}`,   'registry.example:5000/c', `registry.example:5000/c/postgres:17@${digest}`],
  ['a default without a registry',  undefined,       'postgres:17',                           'registry.example.com/c',  'registry.example.com/c/postgres:17'],
  ['one given in full stays',       'elsewhere/x:1', 'localhost/ssm/postgres:17',             'registry.example.com',    'elsewhere/x:1'],
  ['none at all',                   undefined,       '',                                      'registry.example.com',    ''],
  ['not even a setting for it',     undefined,       undefined,                               undefined,                 ''],
])('%s', (_name, given, byDefault, registry, expected) => expect(imageOf(given, byDefault, registry)).toBe(expected))
