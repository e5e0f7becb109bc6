import { describe, expect, test } from 'vitest'
import { createAuthority } from '../certificates.ts'
import { secret } from '../secrets.ts'
import { connectionOf } from './connection.ts'

const { certificate } = await createAuthority('cloud', new Date())
const usual = { port: 5432, uriSchemes: ['postgresql:', 'postgres:'], database: 'supersmartmatch_core' }
const full = { host: 'db.example.com', username: 'app', password: 'p w', 'ca.crt': certificate }

const secretOf = (values: Record<string, string>) => secret({ name: 'login', namespace: 'ns', labels: {} }, values)

function read(values: Record<string, string>, keys: Record<string, string> = {}) {
  return connectionOf({ name: 'login', keys, values: {} }, { secret: secretOf(values) }, usual)
}

const found = { host: 'db.example.com', port: 5432, database: 'supersmartmatch_core', username: 'app', password: 'p w' }

// prettier-ignore
test.each<[string, Record<string, string>, Record<string, string>, object]>([
  ['the least',                     full, {},                                                                       found],
  ['port and database',             { ...full, port: '6543', database: 'jobs' }, {},                                { ...found, port: 6543, database: 'jobs' }],
  ['line ends of files',            { ...full, host: 'db.example.com\n', port: '6543\n', password: ' p w\n' }, {},  { ...found, port: 6543, password: ' p w' }],
  ['an address',                    { ...full, host: '10.0.0.7' }, {},                                              { ...found, host: '10.0.0.7' }],
  ['a URI alone',                   { uri: 'postgresql://a%40b:p%2Fw@db.example.com:6543/jobs?sslmode=disable' }, {}, { ...found, port: 6543, database: 'jobs', username: 'a@b', password: 'p/w' }],
  ['a URI without port and path',   { uri: 'postgres://app:p@db.example.com' }, {},                                 { ...found, password: 'p' }],
  ['a URI with an IPv6 address',    { uri: 'postgres://app:p@[2001:db8::1]/jobs' }, {},                             { ...found, host: '2001:db8::1', database: 'jobs', password: 'p' }],
  ['keys win over the URI',         { ...full, uri: 'postgres://other:x@elsewhere:1/jobs' }, {},                    { ...found, port: 1, database: 'jobs' }],
  ['other names of keys',           { ENDPOINT: 'db.example.com', USER: 'app', PASS: 'p w' }, { host: 'ENDPOINT', username: 'USER', password: 'PASS' }, found],
])('%s', (_what, values, keys, target) => expect(read(values, keys)).toMatchObject({ kind: 'found', target }))

const uriForm = 'is not of the form postgresql://user:password@host:port/database, with one host'

// prettier-ignore
test.each<[string, Record<string, string>, Record<string, string>, string[]]>([
  ['nothing',                       {}, {},                                               ['key host is missing or empty, and so is values.host beside it', 'key username is missing or empty, and so is values.username beside it', 'key password is missing or empty']],
  ['a URI without password',        { uri: 'postgres://app@db' }, {},                     ['key password is missing or empty']],
  ['another kind of URI',           { uri: 'mysql://app:p@db' }, {},                      [`key uri ${uriForm}`]],
  ['several hosts',                 { uri: 'postgres://app:p@a,b/db' }, {},               [`key uri ${uriForm}`]],
  ['a lone % sign',                 { uri: 'postgres://app:%@db' }, {},                   [`key uri ${uriForm}`]],
  ['a key that the spec names',     full, { port: 'PORT', ca: 'root.pem' },               ['key root.pem is missing or empty', 'key PORT is missing or empty']],
  ['a host with a path',            { ...full, host: 'db/x' }, {},                        ['key host is no host name and no IP address; a port has its own key, port']],
  ['a host with a space',           { ...full, host: 'my db' }, {},                       ['key host is no host name and no IP address; a port has its own key, port']],
  ['a port that is none',           { ...full, port: 'http' }, {},                        ['key port is no port from 1 to 65535']],
  ['a port beyond all',             { ...full, port: '65536' }, {},                       ['key port is no port from 1 to 65535']],
  ['a long database',               { ...full, database: 'é'.repeat(32) }, {},            ['key database is longer than 63 bytes']],
  ['no PEM',                        { ...full, 'ca.crt': 'trust me' }, {},                ['key ca.crt holds no certificate in PEM']],
  ['half a certificate',            { ...full, 'ca.crt': certificate.replace(/MII./, 'MIIx') }, {}, ['key ca.crt holds no certificate in PEM']],
])('%s is named by its key', (_what, values, keys, problems) => {
  const result = read(values, keys)
  expect(result.kind === 'invalid' && [...result.problems].sort()).toEqual([...problems].sort())
})

test('no problem tells a value', () => {
  const canary = 'hunter2'
  const values = { uri: `mysql://a:${canary}@h`, host: `${canary} x`, port: canary, 'ca.crt': canary, username: canary }
  expect(JSON.stringify(read(values))).not.toContain(canary)
})

test('without a CA the ones every system trusts', () => {
  const { host, username, password } = full
  const result = read({ host, username, password })
  expect(result.kind === 'found' && result.target.ca.split('BEGIN CERTIFICATE').length).toBeGreaterThan(50)
})

/** A Secret that holds the password alone, as those of most charts do. */
describe('what the Secret does not say', () => {
  const values = { host: 'pg-postgresql.db.svc', port: 6543, database: 'jobs', username: 'postgres' }
  const caSecret = { name: 'pg-crt', key: 'ca.crt' }
  const bare = { secret: secretOf({ 'postgres-password': 'p w' }) }
  const reference = { name: 'login', keys: { password: 'postgres-password' }, values, caSecret }

  test('is in the spec, and the CA in a Secret of its own', () => {
    const authority = secretOf({ 'ca.crt': certificate })
    expect(connectionOf(reference, { ...bare, authority }, usual)).toEqual({
      kind: 'found',
      target: { ...values, password: 'p w', ca: certificate.trim() },
    })
  })

  test('is named when it is nowhere', () => {
    const { problems = [] } = connectionOf({ ...reference, values: {} }, bare, usual) as { problems?: string[] }
    expect(problems).toEqual([
      'key host is missing or empty, and so is values.host beside it',
      'key username is missing or empty, and so is values.username beside it',
      'Secret pg-crt, which connectionSecretRef.caSecret names, has no key ca.crt or is not there',
    ])
  })
})
