import { connect, createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createAuthority, issueServerCertificate, whyReissue } from './certificates.ts'

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
