import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkServerIdentity } from 'node:tls'
import pg from 'pg'
import type { Binding } from '../../crds/binding.ts'
import { config, namespace } from './objects.ts'
import { forward } from '../../operator/testing/port-forward.ts'

/** What clients saw of a database while something happened to it. */
export interface Report {
  /** Requests that were acknowledged, at once or at the retry. */
  acknowledged: number[]
  /** Requests that failed twice. */
  failed: string[]
  retried: number
  /** Longest time between two acknowledgements. */
  longestGapMs: number
}

export interface LoadOptions {
  /** The login and the database; the pod is where the connections really lead. */
  binding: Binding
  pod: string
  /** One statement with the request's number as $1. */
  statement: string
  perSecond: number
  /** Pause before the one retry. */
  retryAfterMs: number
}

const clients = 8
/** A client gives a request up after this time, as a service's pool does. */
const patienceMs = 30_000

export interface Load {
  /** Requests that were acknowledged so far. */
  acknowledged(): number
  /** Ends the load and waits for the requests under way. */
  stop(): Promise<Report>
}

/** Starts requests at a steady rate, whatever becomes of them. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const { binding, pod, statement, perSecond, retryAfterMs } = options
  const server = await forward(config, namespace, pod, Number(binding.port))
  const pool = new pg.Pool({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    database: binding.database,
    user: binding.username,
    password: binding.password,
    max: clients,
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
    ssl: { ca: binding['ca.crt'], checkServerIdentity: (_host, peer) => checkServerIdentity(binding.host, peer) },
  })
  pool.on('error', () => undefined)
  const report: Report = { acknowledged: [], failed: [], retried: 0, longestGapMs: 0 }
  let lastMs = performance.now()
  const acknowledge = (id: number) => {
    const nowMs = performance.now()
    report.longestGapMs = Math.max(report.longestGapMs, nowMs - lastMs)
    lastMs = nowMs
    report.acknowledged.push(id)
  }
  const request = async (id: number) => {
    try {
      await pool.query(statement, [id])
    } catch {
      report.retried++
      await sleep(retryAfterMs)
      await pool.query(statement, [id])
    }
    acknowledge(id)
  }
  const running = new Set<Promise<void>>()
  let id = 0
  const timer = setInterval(() => {
    const number = ++id
    const one: Promise<void> = request(number)
      .catch((error: unknown) => void report.failed.push(`${number}: ${String(error)}`))
      .finally(() => running.delete(one))
    running.add(one)
  }, 1000 / perSecond)
  return {
    acknowledged: () => report.acknowledged.length,
    async stop() {
      clearInterval(timer)
      await Promise.all(running)
      report.longestGapMs = Math.round(Math.max(report.longestGapMs, performance.now() - lastMs))
      await pool.end()
      server.close()
      return report
    },
  }
}
