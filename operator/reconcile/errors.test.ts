import { expect, test } from 'vitest'
import { messageOf, redact } from './errors.ts'

// prettier-ignore
test.each([
  ['postgres://app:hunter2@demo-core:5432/db failed',              'postgres://app:[redacted]@demo-core:5432/db failed'],
  ["ALTER ROLE a PASSWORD 'hunter2' VALID",                        'ALTER ROLE a PASSWORD [redacted] VALID'],
  ["PASSWORD 'it''s hunter2'",                                     'PASSWORD [redacted]'],
  ['{"password":"hunter2","user":"a"}',                            '{"password":[redacted],"user":"a"}'],
  ['PGPASSWORD=hunter2 psql',                                      'PGPASSWORD=[redacted] psql'],
  ['authorization: Bearer hunter2hunter2',                         'authorization: Bearer [redacted]'],
  ['token eyJhbGciOi.eyJzdWIiOi.c2ln was refused',                 'token [redacted] was refused'],
  ['SCRAM-SHA-256$4096:salt$stored:server x',                      '[redacted] x'],
  ['key -----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY----- end', 'key [redacted] end'],
  ['cut off -----BEGIN PRIVATE KEY-----\nhunter2',                 'cut off [redacted]'],
  ['password authentication failed for user "app"',                'password authentication failed for user "app"'],
  ['secrets "demo-ca" not found',                                  'secrets "demo-ca" not found'],
  ['two\nlines',                                                   'two lines'],
])('%s', (text, expected) => {
  expect(redact(text)).toBe(expected)
  expect(redact(text)).not.toContain('hunter2')
})

test('messages are one line of at most 512 characters, whatever was thrown', () => {
  expect(messageOf(new Error('x'.repeat(2_000)))).toHaveLength(512)
  expect(messageOf(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED')
  expect(messageOf(new AggregateError([new Error('a'), new Error('b')]))).toBe('a; b')
  expect(messageOf('text')).toBe('text')
  expect(messageOf({ secret: 'hunter2' })).toBe('unknown error')
})
