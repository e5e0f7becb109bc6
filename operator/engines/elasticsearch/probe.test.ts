import { expect, test } from 'vitest'
import { failure } from '../failure.ts'
import { judge } from './probe.ts'

test.each([
  ['green', 0, { state: 'ready', version: '9.5.3' }],
  // A copy is missing, and nothing else: every index answers.
  ['yellow', 0, { state: 'ready', version: '9.5.3' }],
  ['red', 1, { state: 'degraded', message: expect.stringContaining('one primary shard is on no node') as string }],
  ['red', 3, { state: 'degraded', message: expect.stringContaining('3 primary shards are on no node') as string }],
])('a cluster that is %s', (status, missing, health) => {
  expect(judge('9.5.3', { status, unassigned_primary_shards: missing })).toEqual(health)
})

// prettier-ignore
test.each([
  ['DEPTH_ZERO_SELF_SIGNED_CERT',    'degraded'],
  ['ERR_TLS_CERT_ALTNAME_INVALID',   'degraded'],
  ['SELF_SIGNED_CERT_IN_CHAIN',      'degraded'],
  ['ECONNREFUSED',                   'unreachable'],
  ['ERR_SSL_WRONG_VERSION_NUMBER',   'unreachable'],
])('%s is %s', (code, state) => {
  const error = Object.assign(new Error('because'), { code })
  expect(failure(error, 'search:9200', new AbortController().signal)).toMatchObject({ state, message: expect.stringContaining('because') as string })
})
