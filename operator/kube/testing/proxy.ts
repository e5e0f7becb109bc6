import { createServer, request as plainRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { KubeConfig } from '../config.ts'

/** What the proxy does with a request instead of forwarding it; `forward` lets it through. */
export type Verdict = 'forward' | 'answered'
export type Intercept = (request: IncomingMessage, response: ServerResponse) => Verdict | Promise<Verdict>

export interface Seen {
  method: string
  url: URL
  body: string
  atMs: number
  /** What the API server said to a write; absent until it has. */
  answer?: { status: number; body: string; atMs: number }
}

/** A write that the API server has carried out. */
export interface Write {
  method: string
  path: string
  /** When the answer came. */
  atMs: number
  /** The version it gave the object: etcd's order of all writes. Absent where the object is gone. */
  resourceVersion: number | undefined
}

/**
 * A proxy in front of the real API server that can do what networks and servers do: cut, fall silent, answer nonsense.
 * It speaks plain HTTP to the client under test and adds the credentials itself.
 */
export class Proxy {
  readonly seen: Seen[] = []
  intercept: Intercept = () => 'forward'
  readonly #upstream: KubeConfig
  readonly #watches = new Set<{ client: ServerResponse; upstream: IncomingMessage }>()
  readonly #server = createServer((request, response) => void this.#handle(request, response))

  constructor(upstream: KubeConfig) {
    this.#upstream = upstream
  }

  async start(): Promise<KubeConfig> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo
    return { server: `http://127.0.0.1:${port}`, tls: {}, authorization: async () => undefined }
  }

  close(): void {
    this.cut()
    this.#server.closeAllConnections()
    this.#server.close()
  }

  requests(method: string, has: Record<string, string> = {}): Seen[] {
    return this.seen.filter(
      (seen) =>
        seen.method === method && Object.entries(has).every(([key, value]) => seen.url.searchParams.get(key) === value),
    )
  }

  /** In the order of the requests. A write that changes nothing leaves the resourceVersion as it was. */
  writes(): Write[] {
    return this.seen.flatMap(({ method, url, answer }) => {
      if (!answer || answer.status >= 300) return []
      const { metadata } = JSON.parse(answer.body) as { metadata?: { resourceVersion?: string } }
      const version = method === 'DELETE' ? undefined : metadata?.resourceVersion
      const resourceVersion = version === undefined ? undefined : Number(version)
      return [{ method, path: url.pathname, atMs: answer.atMs, resourceVersion }]
    })
  }

  /** Ends open watches in the middle of a chunk, with a connection reset. */
  cut(): void {
    for (const { client } of this.#watches) client.socket?.resetAndDestroy()
  }

  /** Ends open watches the way the server does when their time is over. */
  finish(): void {
    for (const { client } of this.#watches) client.end()
  }

  /** Writes into open watches. */
  inject(text: string): void {
    for (const { client } of this.#watches) client.write(text)
  }

  /** Open watches stay open and hear nothing any more: what a firewall that forgot a connection does. */
  freeze(): void {
    for (const { client, upstream } of this.#watches) upstream.unpipe(client)
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://proxy')
    const atMs = performance.now()
    const body = await text(request)
    const seen: Seen = { method: request.method ?? '', url, body, atMs }
    this.seen.push(seen)
    if ((await this.intercept(request, response)) === 'answered') return
    const authorization = await this.#upstream.authorization(false)
    const target = new URL(`${this.#upstream.server}${request.url}`)
    const headers = { ...request.headers, host: target.host, ...(authorization ? { authorization } : {}) }
    const send = target.protocol === 'https:' ? tlsRequest : plainRequest
    const forwarded = send(target, { method: request.method, headers, ...this.#upstream.tls }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      const watch = { client: response, upstream: answer }
      if (url.searchParams.get('watch') === 'true') this.#watches.add(watch)
      response.on('close', () => {
        this.#watches.delete(watch)
        answer.destroy()
      })
      answer.pipe(response)
      // Who is killed meanwhile leaves half an answer.
      if (seen.method !== 'GET') remember(seen, answer).catch(() => undefined)
    })
    forwarded.on('error', () => response.destroy())
    forwarded.end(body)
  }
}

async function remember(seen: Seen, answer: IncomingMessage): Promise<void> {
  const body = await text(answer)
  seen.answer = { status: answer.statusCode ?? 502, body, atMs: performance.now() }
}
