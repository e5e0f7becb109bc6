import type { PoolerPlan } from './compile.ts'
import { databasesOf, readOnlyName, type PooledDatabase } from './databases.ts'
import { effectiveSettings } from './settings.ts'

/** Connections of a server that the pooler leaves alone: migrations, relay, operator, people, superuser_reserved. */
const directConnections = 20
/** A rollout starts the new pod before it ends an old one. */
const surge = 1
/** What reads get of a server that they share with writes, unless the spec says more. */
const sharedReads = 5

/**
 * Server connections one pooler pod may open to one server, whatever databases and logins they are for.
 * @param maxConnections  max_connections of the server
 * @param replicas        pooler pods; one more may run during a rollout
 * @returns               connections, rounded down, at least 1
 */
export function connectionBudget(maxConnections: number, replicas: number): number {
  return Math.max(1, Math.floor((maxConnections - directConnections) / (replicas + surge)))
}

/**
 * max_db_connections of each database: what its logins' pools can never exceed together. Those that lead to the same server share
 * its budget. Replicas count one by one, for all reads may end at the last of them that runs, and at the primary, which the
 * read-only Service leads to while no replica is ready: then they share its budget, too.
 */
export function connectionLimits(plan: PoolerPlan): Map<string, number> {
  const all = servers(plan)
  const limits = new Map(all.flatMap((server) => [...limitsOf(server)]))
  const find = (name: string) =>
    all.flatMap((server) => server.shares.map((one) => ({ ...one, server }))).find((one) => one.name === name)
  for (const { database, readOnlyHost } of plan.backends) {
    const [writes, reads] = [find(database), find(readOnlyName(database))]
    if (!readOnlyHost || !writes || !reads) continue
    const beside = writes.server.shares.filter(({ name }) => name !== database)
    const taken = beside.reduce((sum, { name }) => sum + (limits.get(name) ?? 0), 0)
    shareLimits(writes.server.budget - taken, writes, reads, limits)
  }
  return limits
}

/** Reads that ask for nothing get little; databases without a limit of their own share the rest as they ask for it. */
function limitsOf({ budget, shares }: Server): Map<string, number> {
  const silent = shares.filter(({ asked }) => asked === undefined)
  const least = Math.floor((budget - sumOf(shares)) / silent.length)
  const given = shares.flatMap(({ name, asked, fixed, isExtra }): [string, number][] => {
    if (asked === undefined) return [[name, between(1, least, sharedReads)]]
    return fixed || isExtra ? [[name, asked]] : []
  })
  const rest = shares.filter(({ name }) => !given.some(([other]) => other === name))
  const left = budget - given.reduce((sum, [, limit]) => sum + limit, 0)
  const part = (asked = 0) => Math.max(1, Math.floor((left * asked) / sumOf(rest)))
  return new Map([...rest.map(({ name, asked }): [string, number] => [name, part(asked)]), ...given])
}

const sumOf = (shares: Share[]) => shares.reduce((sum, { asked = 0 }) => sum + asked, 0)

/**
 * Reads of a store with replicas get what writes do not ask for, up to a half or all of their own pools, and five where half is as
 * much. A limit in the spec stays as it is, and writes keep what they ask for beside that of reads.
 */
function shareLimits(budget: number, writes: Share, reads: Share, limits: Map<string, number>): void {
  const [wanted, read] = [writes.asked ?? 0, reads.asked ?? 0]
  const half = Math.floor(budget / 2)
  const least = Math.max(1, Math.min(sharedReads, half))
  const counted = between(least, budget - wanted, reads.fixed ? read : Math.max(half, read))
  if (!reads.fixed) limits.set(reads.name, counted)
  if (!writes.fixed) limits.set(writes.name, Math.max(1, budget - counted))
}

const between = (least: number, value: number, most: number) => Math.min(Math.max(value, least), most)

/** Why the servers cannot serve the pools that are asked for, in a sentence; undefined when they can. */
export function budgetProblem(plan: PoolerPlan): string | undefined {
  const { replicas } = plan.pooling
  for (const { host, maxConnections, budget, shares } of servers(plan)) {
    const parts = shares.filter(({ asked }) => asked !== undefined)
    const asked = sumOf(parts)
    if (asked <= budget) continue
    const available = Math.max(0, maxConnections - directConnections)
    const fitting = Math.floor(available / asked) - surge
    return (
      `${replicas} pooler pod${replicas === 1 ? '' : 's'} (one more during a rollout) ask for ${asked * (replicas + surge)} connections to ${host}, each ` +
      `${asked} (${parts.map(({ why }) => why).join('; ')}), and its max_connections ${maxConnections} leave ${available} to them: ` +
      `lower ${fitting > 0 ? `spec.pooling.replicas to ${fitting}, or ` : ''}pool sizes in spec.pooling so that a pod asks for ${budget} at most`
    )
  }
  return undefined
}

/** One server that pools lead to, or any one of the replicas behind a read-only Service. */
interface Server {
  host: string
  maxConnections: number
  /** Connections of one pooler pod. */
  budget: number
  /** Databases that lead to it: several stores may have one server. */
  shares: Share[]
}

interface Share {
  name: string
  /** Connections one pod may want; undefined: it takes what is left. */
  asked: number | undefined
  /** The spec itself sets max_db_connections. */
  fixed: boolean
  /** Reads that share the server with writes. */
  isExtra: boolean
  why: string
}

function servers(plan: PoolerPlan): Server[] {
  const byServer = Object.values(
    Object.groupBy(databasesOf(plan.backends), ({ host, port }) => `${host.toLowerCase().replace(/\.$/, '')}:${port}`),
  )
  return byServer.flatMap((databases = []) => {
    const [first] = databases
    if (!first) return []
    const { host } = first
    // Stores that have one server asked it at different times: the least is what it is sure to accept.
    const maxConnections = Math.min(...databases.map((database) => database.maxConnections))
    const budget = connectionBudget(maxConnections, plan.pooling.replicas)
    return [{ host, maxConnections, budget, shares: databases.map((one) => share(plan, one)) }]
  })
}

/**
 * What a database may want: its limit if the spec sets one, else the pools of its logins at their full sizes. Reads that share a server
 * with writes ask for nothing of their own until the spec sizes them.
 */
function share(plan: PoolerPlan, database: PooledDatabase): Share {
  const { name, server, leadsTo } = database
  const isExtra = leadsTo === 'primary' && name === readOnlyName(server)
  const given = plan.pooling.databases[name]
  const limit = given?.['max_db_connections']
  if (limit !== undefined)
    return { name, asked: Number(limit), fixed: true, isExtra, why: `${name} max_db_connections ${limit}` }
  const pools = poolsOf(plan, database)
  const silent = isExtra && given?.['pool_size'] === undefined
  const asked = silent ? undefined : pools.reduce((sum, { size }) => sum + size, 0)
  const why = `${name} ${pools.map(({ login, size }) => `${size} for ${login}`).join(', ')}`
  return { name, asked, fixed: false, isExtra, why }
}

/** PgBouncer makes a pool for each login. Of the pair only one is in use; the other counts once the spec gives it a size. */
function poolsOf({ pooling }: PoolerPlan, { name, logins }: PooledDatabase): { login: string; size: number }[] {
  const { parameters, databases, users } = pooling
  const ofDatabase = databases[name]?.['pool_size'] ?? effectiveSettings(parameters)['default_pool_size']
  return logins
    .filter((login, index) => index === 0 || users[login]?.['pool_size'] !== undefined)
    .map((login) => ({ login, size: Number(users[login]?.['pool_size'] ?? ofDatabase) }))
}
