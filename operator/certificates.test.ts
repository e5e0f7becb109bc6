import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { connect, createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import * as x509 from '@peculiar/x509'
import { describe, expect, test } from 'vitest'
import {
  createAuthority,
  fingerprint,
  issueServerCertificate,
  whyReissue,
  whyUnfit,
  type KeyPair,
} from './certificates.ts'

const now = new Date('2026-03-01T00:00:00Z')
const names = ['demo-core.ns.svc', 'demo-core.ns.svc.cluster.local']
const days = (n: number) => new Date(now.getTime() + n * 86_400_000)

const authority = await createAuthority('demo-ca', now)
const other = await createAuthority('demo-ca', now)
const server = await issueServerCertificate(authority, names, now)

test.each([
  ['a fresh one serves', server, authority.certificate, names, now, undefined],
  ['until a third of its life is left', server, authority.certificate, names, days(59), undefined],
  ['then it is renewed', server, authority.certificate, names, days(61), /ends on 2026-05-30/],
  ['a CA of the same name is another CA', server, other.certificate, names, now, /CA changed/],
  ['a new name', server, authority.certificate, [...names, 'x.ns.svc'], now, /does not name x.ns.svc/],
  [
    'the key of another',
    { ...server, key: authority.key },
    authority.certificate,
    names,
    now,
    /key is not the right one/,
  ],
  ['no key', { ...server, key: '' }, authority.certificate, names, now, /key is not the right one/],
  ['garbage', { ...server, certificate: 'garbage' }, authority.certificate, names, now, /cannot be parsed/],
])('%s', (_name, pair, ca, dnsNames, at, expected) => {
  const why = whyReissue(pair, ca, dnsNames, at)
  if (expected) expect(why).toMatch(expected)
  else expect(why).toBeUndefined()
})

test('a TLS client that trusts the CA accepts the certificate for its name and no other', async () => {
  const live = await createAuthority('live', new Date())
  const pair = await issueServerCertificate(live, names, new Date())
  const listener = createServer({ cert: pair.certificate, key: pair.key }, (socket) => socket.end())
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  const handshake = (servername: string) =>
    new Promise<string>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', servername, ca: live.certificate }, () => {
        resolve('authorized')
        socket.end()
      })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
  expect(await handshake('demo-core.ns.svc')).toBe('authorized')
  expect(await handshake('evil.ns.svc')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  listener.close()
})

test('members of a store show it to each other', async () => {
  const live = await createAuthority('live', new Date())
  const pair = await issueServerCertificate(live, names, new Date())
  const own = { cert: pair.certificate, key: pair.key, ca: live.certificate }
  const listener = createServer({ ...own, requestCert: true, rejectUnauthorized: true }, (socket) =>
    socket.end('hello'),
  )
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  const answer = (certificate: object) =>
    new Promise<string>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', servername: names[0], ca: live.certificate, ...certificate })
      socket.on('data', (data) => resolve(String(data)))
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
  expect(await answer(own)).toBe('hello')
  expect(await answer({})).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET/)
  listener.close()
})

describe('what somebody else issued', async () => {
  /** A CA that `root` signed. */
  const between = async (root: KeyPair): Promise<KeyPair> => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const [der] = x509.PemConverter.decode(root.key)
    const certificate = await x509.X509CertificateGenerator.create({
      subject: 'CN=between',
      issuer: new x509.X509Certificate(root.certificate).subject,
      notBefore: days(-1),
      notAfter: days(365),
      signingAlgorithm: algorithm,
      signingKey: await crypto.subtle.importKey('pkcs8', der ?? new ArrayBuffer(), algorithm, false, ['sign']),
      publicKey: keys.publicKey,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    })
    const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
    return { certificate: certificate.toString('pem'), key }
  }
  const middle = await between(authority)
  const leaf = await issueServerCertificate(middle, names, now)
  const chain = { ...leaf, certificate: `${leaf.certificate}\n${middle.certificate}` }

  // prettier-ignore
  test.each<[string, KeyPair, string, Date, RegExp | undefined]>([
    ['by a root serves',                           server, authority.certificate,                              now,      undefined],
    ['by a root among others serves',              server, `${other.certificate}\n${authority.certificate}`,   now,      undefined],
    ['with the CA between serves',                 chain,  authority.certificate,                              now,      undefined],
    ['with the CA between in ca.crt serves',       leaf,   `${middle.certificate}\n${authority.certificate}`,  now,      undefined],
    ['until it ends',                              server, authority.certificate,                              days(91), /ended on 2026-05-30/],
    ['without any CA',                             server, '',                                                 now,      /no CA came with it/],
    ['with a CA that cannot be parsed',            server, 'garbage',                                          now,      /no CA came with it/],
    ['by another CA of the same name',             server, other.certificate,                                  now,      /does not lead to a root CA/],
    ['with a CA between that is left out',         leaf,   authority.certificate,                              now,      /does not lead to a root CA/],
    ['with a CA between in place of the root',     leaf,   middle.certificate,                                 now,      /does not lead to a root CA/],
    ['that is its own CA',                         { ...authority }, authority.certificate,                    now,      /its own CA/],
    ['with the key of another',                    { ...server, key: authority.key }, authority.certificate,   now,      /key is not the right one/],
    ['that is garbage',                            { ...server, certificate: 'x' }, authority.certificate,     now,      /cannot be parsed/],
  ])('%s', (_what, pair, ca, at, expected) => {
    const why = whyUnfit(pair, ca, names, at)
    if (expected) expect(why).toMatch(expected)
    else expect(why).toBeUndefined()
  })

  test('for other names, it names the first that is missing', () => {
    expect(whyUnfit(server, authority.certificate, [...names, 'x.ns.svc'], now)).toBe('it does not name x.ns.svc')
  })

  test('the fingerprint is of all CAs, and of one alone what it always was', () => {
    const one = fingerprint(authority.certificate)
    expect(one).toBe(new X509Certificate(authority.certificate).fingerprint256.replaceAll(':', '').toLowerCase())
    expect(fingerprint(`${authority.certificate}\n${other.certificate}`)).not.toBe(one)
  })
})
