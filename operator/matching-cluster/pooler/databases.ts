import type { Backend } from './compile.ts'

/** A database as clients of the pooler name it. */
export interface PooledDatabase {
  /** Name for clients. */
  name: string
  /** Name on the server. */
  server: string
  host: string
  port: number
  leadsTo: 'primary' | 'replicas'
  maxConnections: number
  logins: string[]
}

/**
 * Each store's database, and `<database>_ro` for reads: it leads to the replicas, and to the primary of a store that has none, so
 * that clients need not know.
 */
export function databasesOf(backends: Backend[]): PooledDatabase[] {
  return backends.flatMap(({ database, host, readOnlyHost, port, maxConnections, logins }) => {
    const common = { server: database, port, maxConnections, logins }
    const reads = readOnlyHost
      ? { host: readOnlyHost, leadsTo: 'replicas' as const }
      : { host, leadsTo: 'primary' as const }
    return [
      { name: database, host, leadsTo: 'primary' as const, ...common },
      { name: readOnlyName(database), ...reads, ...common },
    ]
  })
}

export const readOnlyName = (database: string) => `${database}_ro`
