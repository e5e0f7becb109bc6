import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from './logger.ts'
import { registry } from './metrics.ts'

export interface ServerOptions {
  port: number
  /** Why the process cannot serve yet; undefined when it can. */
  ready: () => string | undefined
  /** Why the process must be restarted; undefined when it need not. */
  alive: () => string | undefined
  log: Logger
}

/** Serves /healthz, /readyz and /metrics in plain HTTP for the kubelet and Prometheus. `port` 0 takes a free one. */
export async function startServer(options: ServerOptions): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request.url ?? '/', options, response).catch((error: unknown) => {
      options.log.error({ err: error }, 'health server failed to answer')
      response.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, resolve)
  })
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port: (server.address() as AddressInfo).port, close }
}

async function answer(url: string, options: ServerOptions, response: ServerResponse): Promise<void> {
  const path = url.split('?')[0]
  if (path === '/healthz') return verdict(options.alive(), response)
  if (path === '/readyz') return verdict(options.ready(), response)
  if (path !== '/metrics') return end(response, 404, 'not found\n')
  response.setHeader('content-type', registry.contentType)
  end(response, 200, await registry.metrics())
}

function verdict(problem: string | undefined, response: ServerResponse): void {
  end(response, problem === undefined ? 200 : 503, `${problem ?? 'ok'}\n`)
}

function end(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status
  response.end(body)
}
