import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { KubeConfig } from '../config.ts'

/** Connections to the real API server that can fall silent without being closed. TLS, and so HTTP/2, passes through untouched. */
export class Relay {
  /** The certificate is for the API server's own address; what is tested here is not TLS. */
  readonly tls: KubeConfig['tls']
  readonly #pairs: [Socket, Socket][] = []
  readonly #server

  constructor({ server, tls }: KubeConfig) {
    const { hostname, port } = new URL(server)
    this.tls = { ...tls, rejectUnauthorized: false }
    this.#server = createServer((near) => {
      const far = connect(Number(port || 443), hostname)
      this.#pairs.push([near, far])
      near.pipe(far).pipe(near)
      for (const socket of [near, far]) socket.on('error', () => {})
    })
  }

  /** Resolves to its address, as in a KubeConfig. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Made so far. */
  get connections(): number {
    return this.#pairs.length
  }

  /** Open connections stay open, and nothing passes any more in either direction. */
  swallow(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).pause()
      far.unpipe(near).pause()
    }
  }

  close(): void {
    for (const socket of this.#pairs.flat()) socket.destroy()
    this.#server.close()
  }
}
