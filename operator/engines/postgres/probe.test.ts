import { expect, test } from 'vitest'
import { classify, judge } from './probe.ts'

const live = new AbortController().signal
const failure = (code: string, message = 'why') => Object.assign(new Error(message), { code })

// prettier-ignore
test.each([
  ['starting up',             failure('57P03', 'the database system is starting up'), 'starting'],
  ['shutting down',           failure('57P01'),                       'starting'],
  ['no such database',        failure('3D000'),                       'degraded'],
  ['password refused',        failure('28P01'),                       'degraded'],
  ['too many connections',    failure('53300'),                       'degraded'],
  ['certificate of another CA', failure('SELF_SIGNED_CERT_IN_CHAIN'), 'degraded'],
  ['certificate of a CA unknown', failure('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'degraded'],
  ['certificate of another host', failure('ERR_TLS_CERT_ALTNAME_INVALID'), 'degraded'],
  ['certificate ended',       failure('CERT_HAS_EXPIRED'),            'degraded'],
  ['no listener',             failure('ECONNREFUSED'),                'unreachable'],
  ['no name',                 failure('ENOTFOUND'),                   'unreachable'],
  ['connection cut',          new Error('Connection terminated unexpectedly'), 'unreachable'],
])('%s', (_name, error, state) => expect(classify(error, 'host:1', live).state).toBe(state))

// prettier-ignore
test.each([
  ['a database closed to the login', failure('42501', 'permission denied for database "jobs"'), 'PostgreSQL: permission denied for database "jobs" (42501): GRANT CONNECT on it to the login'],
  ['a CA that is missing',           failure('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca'), 'certificate of host:1: unable to verify the first certificate'],
])('%s is told with what can be done', (_name, error, message) => {
  expect(classify(error, 'host:1', live)).toEqual({ state: 'degraded', message })
})

test('a deadline is told as one, whatever the driver made of it', () => {
  const health = classify(new Error('Connection terminated'), 'host:1', AbortSignal.abort())
  expect(health).toEqual({ state: 'unreachable', message: 'host:1 did not answer in time' })
})

// prettier-ignore
test.each([
  [{ version: '17.12 (Debian 17.12-0+deb13u1)', recovering: false, readOnly: false }, { state: 'ready', version: '17.12', maxConnections: 200 }],
  [{ version: '17.12', recovering: true,  readOnly: true },  { state: 'starting', message: 'PostgreSQL is in recovery: it is not a primary yet' }],
  [{ version: '17.12', recovering: false, readOnly: true },  { state: 'degraded', message: 'PostgreSQL accepts no writes: it is read-only by default' }],
])('%j', (facts, expected) => expect(judge([{ ...facts, maxConnections: 200 }])).toEqual(expected))
