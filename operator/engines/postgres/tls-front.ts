import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { KeyPair } from '../../certificates.ts'

/** Answer to SSLRequest: go on with a TLS handshake. */
const yes = 'S'

export interface TlsFront extends AsyncDisposable {
  port: number
}

/**
 * For tests: a listener on 127.0.0.1 that ends PostgreSQL's TLS with a certificate of the test's choosing and hands the plain
 * connection to a server that has none.
 */
export async function tlsFront(url: URL, pair: KeyPair): Promise<TlsFront> {
  const secureContext = createSecureContext({ cert: pair.certificate, key: pair.key, minVersion: 'TLSv1.3' })
  const open = new Set<Socket>()
  const server = createServer((client) => {
    open.add(client)
    client.on('error', () => undefined)
    client.once('data', () => {
      client.write(yes)
      const secure = new TLSSocket(client, { isServer: true, secureContext })
      const upstream = connect(Number(url.port), url.hostname)
      secure.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
      upstream.on('error', () => secure.destroy()).on('close', () => secure.destroy())
      secure.pipe(upstream).pipe(secure)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
