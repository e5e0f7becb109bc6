import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import { createAuthority, issueServerCertificate } from '../../certificates.ts'
import { shownAt } from './shown.ts'
import { tlsFront } from './tls-front.ts'

const authority = await createAuthority('ca', new Date())
const pair = await issueServerCertificate(authority, ['db.ns.svc'], new Date())
const expired = await issueServerCertificate(authority, ['db.ns.svc'], new Date('2020-01-01'))
const fingerprint = ({ certificate }: typeof pair) => new X509Certificate(certificate).fingerprint256
const host = '127.0.0.1'
const soon = () => AbortSignal.timeout(2_000)

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, host), 'listening')
  afterAll(() => server.close())
  return (server.address() as AddressInfo).port
}

test.each([
  ['one that serves', pair],
  ['one that has expired, too', expired],
])('what a TLS server shows, %s', async (_name, shown) => {
  const port = await listen(createTlsServer({ cert: shown.certificate, key: shown.key }))
  expect(await shownAt({ host, port }, soon())).toBe(fingerprint(shown))
})

test('what PostgreSQL shows once it is asked for TLS', async () => {
  const upstream = await listen(createServer((socket) => socket.resume()))
  await using front = await tlsFront(new URL(`postgres://${host}:${upstream}`), pair)
  expect(await shownAt({ host, port: front.port, sslRequest: true }, soon())).toBe(fingerprint(pair))
})

test('a server that refuses TLS, one that is silent and none at all are errors', async () => {
  const refusing = await listen(createServer((socket) => socket.write('N')))
  await expect(shownAt({ host, port: refusing, sslRequest: true }, soon())).rejects.toThrow('does not speak TLS')
  const silent = await listen(createServer((socket) => socket.on('error', () => undefined)))
  await expect(shownAt({ host, port: silent }, AbortSignal.timeout(100))).rejects.toThrow('aborted')
  await expect(shownAt({ host, port: 1 }, soon())).rejects.toThrow('ECONNREFUSED')
})
