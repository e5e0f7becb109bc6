import { isDeepStrictEqual } from 'node:util'
import { Agent, request } from 'undici'
import type { Member, MemberAddress, Members, Membership } from '../engine.ts'
import { dynamicConfig, patroniPort, port, type DynamicConfig } from './config.ts'
import { unapplied } from './in-force.ts'
import { shownAt } from './shown.ts'

/** One entry of GET /cluster. */
export interface PatroniMember {
  name: string
  /** leader, replica, sync_standby, quorum_standby, standby_leader */
  role: string
  state: string
  lag?: number | 'unknown'
  pending_restart?: boolean
  pending_restart_reason?: Record<string, { old_value: string; new_value: string }>
}

interface PatroniCluster {
  members?: PatroniMember[]
  pause?: boolean
}

/** Patroni's REST API: https on every pod, Basic authentication for what changes anything. */
export const members: Members = {
  async observe(at, { store }, signal) {
    const cluster = JSON.parse(await ask(at, 'GET', '/cluster', undefined, signal)) as PatroniCluster
    return membership(cluster, store.spec.replication === 'Synchronous')
  },
  async configure(at, plan, signal) {
    const current = JSON.parse(await ask(at, 'GET', '/config', undefined, signal)) as Record<string, unknown>
    const { patch, changed } = difference(dynamicConfig(plan), current)
    if (changed.length > 0) await ask(at, 'PATCH', '/config', patch, signal)
    return changed
  },
  unapplied,
  async restart(at, signal) {
    // Patroni answers when PostgreSQL is up again, and goes on without anybody who listens: the next look tells how it went.
    await unlessAborted(ask(at, 'POST', '/restart', { restart_pending: true }, signal), signal)
  },
  shownCertificates: ({ host }, signal) =>
    Promise.all([shownAt({ host, port: patroniPort }, signal), shownAt({ host, port, sslRequest: true }, signal)]),
  async reload(at, signal) {
    await ask(at, 'POST', '/reload', undefined, signal)
  },
  switchOver: (at, from, to, signal) => move(at, '/switchover', { leader: from, candidate: to }, signal),
  promote: (at, name, signal) => move(at, '/failover', { candidate: name }, signal),
}

async function move(at: MemberAddress, path: string, wanted: object, signal: AbortSignal): Promise<string | undefined> {
  try {
    await unlessAborted(ask(at, 'POST', path, wanted, signal), signal)
    return undefined
  } catch (error) {
    // 412: it is not possible now. 503: it was begun and given up.
    if (error instanceof PatroniError && [412, 503].includes(error.status)) return error.message
    throw error
  }
}

class PatroniError extends Error {
  override name = 'PatroniError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** @throws PatroniError for an answer of 400 or more; else what the connection threw */
async function ask(
  at: MemberAddress,
  method: 'GET' | 'PATCH' | 'POST',
  path: string,
  body: object | undefined,
  signal: AbortSignal,
): Promise<string> {
  const dispatcher = new Agent({ connect: { ca: at.ca, servername: at.serverName, timeout: 5_000 } })
  const authorization = `Basic ${Buffer.from(`${at.username}:${at.password}`).toString('base64')}`
  const headers = { authorization, 'content-type': 'application/json' }
  const url = `https://${at.host}:${patroniPort}${path}`
  try {
    const payload = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await request(url, { method, headers, dispatcher, signal, ...payload })
    const text = await response.body.text()
    if (response.statusCode < 400) return text
    throw new PatroniError(response.statusCode, `Patroni on ${podOf(at)}: ${wordsOf(response.statusCode, text)}`)
  } finally {
    await dispatcher.destroy()
  }
}

/** Its own words are plain text; what its HTTP library says is a page. */
function wordsOf(status: number, text: string): string {
  return text.trim() === '' || text.startsWith('<') ? `HTTP ${status}` : text.trim()
}

const podOf = ({ serverName }: MemberAddress) => serverName.split('.', 1)[0]

async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** What GET /cluster means. Pure. @param synchronous  replicas shall count for commits */
export function membership(cluster: PatroniCluster, synchronous: boolean): Membership {
  return {
    members: (cluster.members ?? []).map((member) => memberOf(member, synchronous)),
    paused: cluster.pause === true,
  }
}

function memberOf(found: PatroniMember, wantsSynchronous: boolean): Member {
  const { name, role, state, lag, pending_restart, pending_restart_reason } = found
  const isPrimary = role === 'leader' || role === 'standby_leader'
  const synchronous = role === 'sync_standby' || role === 'quorum_standby'
  const running = state === (isPrimary ? 'running' : 'streaming')
  const counts = isPrimary || synchronous || !wantsSynchronous
  const waiting = Object.entries(pending_restart_reason ?? {})
  const pendingRestart = waiting.map(([setting, { old_value, new_value }]) => `${setting}: ${old_value} → ${new_value}`)
  return {
    name,
    role: isPrimary ? 'primary' : 'replica',
    healthy: running && counts,
    state: running && !counts ? `${state} but not synchronous yet` : state || 'not started yet',
    synchronous,
    ...(typeof lag === 'number' ? { lagBytes: lag } : {}),
    pendingRestart: pending_restart && pendingRestart.length === 0 ? ['settings'] : pendingRestart,
    primaryFirst: waiting.some(([setting, { old_value, new_value }]) => isLowered(setting, old_value, new_value)),
  }
}

/** A replica refuses to start with less of these than its primary had when it wrote what the replica reads. */
const neverLessThanPrimary = [
  'max_connections',
  'max_prepared_transactions',
  'max_locks_per_transaction',
  'max_worker_processes',
  'max_wal_senders',
]

function isLowered(setting: string, before: string, after: string): boolean {
  return neverLessThanPrimary.includes(setting) && Number(after) < Number(before)
}

/**
 * The JSON merge patch that brings Patroni's dynamic configuration to `wanted`, and what it changes. All PostgreSQL parameters
 * are ours: one that is not wanted goes. What somebody set beside ours, such as `pause`, stays. Pure.
 */
export function difference(wanted: DynamicConfig, current: Record<string, unknown>) {
  const { postgresql, ...top } = wanted
  const { parameters, ...rest } = postgresql
  const now = (current['postgresql'] ?? {}) as Record<string, unknown>
  const nowParameters = (now['parameters'] ?? {}) as Record<string, unknown>
  const changes = {
    top: changesOf(top, current),
    rest: changesOf(rest, now),
    parameters: { ...removals(parameters, nowParameters), ...changesOf(parameters, nowParameters) },
  }
  const patch = { ...changes.top, postgresql: { ...changes.rest, parameters: changes.parameters } }
  return {
    patch,
    changed: Object.values(changes)
      .flatMap((part) => Object.keys(part))
      .sort(),
  }
}

function changesOf(wanted: object, current: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => !isSame(value, current[key])))
}

function removals(wanted: object, current: Record<string, unknown>): Record<string, null> {
  return Object.fromEntries(
    Object.keys(current)
      .filter((key) => !(key in wanted))
      .map((key) => [key, null]),
  )
}

/** A number that somebody wrote as a number is the same. */
function isSame(wanted: unknown, current: unknown): boolean {
  return (
    isDeepStrictEqual(wanted, current) ||
    (typeof wanted === 'string' && typeof current === 'number' && wanted === String(current))
  )
}
