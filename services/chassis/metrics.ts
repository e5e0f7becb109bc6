import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { PostgresStore } from './stores/postgres.ts'

export interface Metrics {
  registry: Registry
  httpDuration: Histogram<'method' | 'route' | 'status'>
}

/** A registry of its own per app, so that two apps in one process do not meet. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  const httpDuration = new Histogram({
    name: 'supersmartmatch_http_request_duration_seconds',
    help: 'Time to answer a request, by route template.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  return { registry, httpDuration }
}

/** Connections of a store's pool, and requests waiting for one. Read when scraped. */
export function measurePool({ registry }: Metrics, store: string, postgres: PostgresStore): void {
  new Gauge({
    name: 'supersmartmatch_pg_pool_connections',
    help: 'Connections of the pool: idle and in use.',
    labelNames: ['store', 'state'] as const,
    registers: [registry],
    collect() {
      const { total, idle } = postgres.pool()
      this.set({ store, state: 'idle' }, idle)
      this.set({ store, state: 'used' }, total - idle)
    },
  })
  new Gauge({
    name: 'supersmartmatch_pg_pool_waiting',
    help: 'Requests waiting for a connection.',
    labelNames: ['store'] as const,
    registers: [registry],
    collect() {
      this.set({ store }, postgres.pool().waiting)
    },
  })
}

export interface MetricsServer {
  port: number
  close(): Promise<void>
}

/** `/metrics` on a port of its own, which no Ingress shows. */
export async function serveMetrics({ registry }: Metrics, host: string, port: number): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
