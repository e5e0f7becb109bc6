import type { Node, Plan, Settled, Target } from '../engine.ts'
import { login, type Connection } from './connection.ts'
import { nextStep } from './decide.ts'
import { replication, revisionUser } from './logins.ts'
import { carryOut, type Live } from './moves.ts'
import { infoOf } from './probe.ts'
import { loadLogins, loadSettings } from './refresh.ts'
import { RedisError } from './reply.ts'
import { parseNodes, type Pod } from './topology.ts'

/** After that no new step is begun: what is under way ends within the deadline of the caller. */
const budgetMs = 5_000
/** A pod that accepts and stays silent must leave time for the others. */
const patienceMs = 3_000
const longestMessage = 3

/**
 * Brings logins, settings, certificates and the shape of the cluster to the plan. Pods that do not answer hold up only what needs
 * them. May be cut short anywhere: nothing is remembered, the pods are asked each time.
 */
export async function settle(
  nodes: Node[],
  plan: Plan,
  passwords: Record<string, string>,
  signal: AbortSignal,
): Promise<Settled> {
  const reached = await reach(nodes, passwords, signal)
  try {
    if (reached.live.length === 0) throw new Error(reached.problems[0] ?? 'no pod has an address yet')
    const refreshed = await refresh(reached.live, plan, passwords)
    const shaped = await shape(reached, plan, signal)
    const waiting = [...reached.problems, ...refreshed.problems, ...(shaped.waiting ? [shaped.waiting] : [])]
    return {
      changed: [...refreshed.changed, ...shaped.changed],
      outdated: refreshed.outdated,
      ...(waiting.length > 0 ? { waiting: waiting.slice(0, longestMessage).join('; ') } : {}),
    }
  } finally {
    for (const { connection } of reached.live) connection.close()
  }
}

interface Reached {
  live: Live[]
  /** Names of those that are there and do not answer. */
  silent: string[]
  problems: string[]
}

async function reach(nodes: Node[], passwords: Record<string, string>, signal: AbortSignal): Promise<Reached> {
  const reached: Reached = { live: [], silent: [], problems: [] }
  const attempts = nodes.flatMap((node) => (node.target ? [open(node, node.target, passwords, signal)] : []))
  const results = await Promise.allSettled(attempts)
  const asked = nodes.filter(({ target }) => target)
  for (const [index, result] of results.entries()) {
    const node = asked[index]
    if (!node) continue
    if (result.status === 'fulfilled') reached.live.push({ node, connection: result.value })
    else {
      reached.silent.push(node.name)
      reached.problems.push(`${node.name}: ${(result.reason as Error).message}`)
    }
  }
  return reached
}

/**
 * Whoever lost the operator's Secret has given it a new password. Pods have it in their files; the login that they hold themselves
 * may have them read it.
 */
async function open(
  node: Node,
  target: Target,
  passwords: Record<string, string>,
  signal: AbortSignal,
): Promise<Connection> {
  try {
    return await login(target, signal, patienceMs)
  } catch (error) {
    if (!(error instanceof RedisError) || error.code !== 'WRONGPASS') throw error
    const held = await login(
      { ...target, username: replication, password: passwords[replication] ?? '' },
      signal,
      patienceMs,
    )
    await held.send('ACL', 'LOAD').finally(held.close)
    return login(target, signal, patienceMs)
  }
}

async function refresh(live: Live[], plan: Plan, passwords: Record<string, string>) {
  const changed = new Set<string>()
  const problems: string[] = []
  const outdated: Record<string, string> = {}
  for (const { node, connection } of live) {
    const logins = await loadLogins(connection, passwords)
    if (logins === 'old') {
      problems.push(`${node.name} does not have the new logins in its files yet`)
      outdated[node.name] = revisionUser(passwords)
    }
    if (logins === 'loaded') changed.add('logins')
    const settings = await loadSettings(connection, plan, passwords)
    for (const setting of settings.changed) changed.add(setting)
    problems.push(...settings.problems.map((problem) => `${node.name}: ${problem}`))
    if (connection.certificate === node.certificate || !node.certificate) continue
    // Read anew from the files, which may still be the old ones.
    await connection.send('CONFIG', 'SET', 'tls-cert-file', '/tls/tls.crt', 'tls-key-file', '/tls/tls.key')
    outdated[node.name] = `${outdated[node.name] ?? ''}${node.certificate}`
  }
  return { changed: [...changed], problems, outdated }
}

/** Step after step, until there is nothing to do or something to wait for. */
async function shape({ live, silent }: Reached, plan: Plan, signal: AbortSignal): Promise<Settled> {
  const { shards, replicas } = plan.store.spec
  const wanted = { shards, replicas, pods: plan.members }
  const started = performance.now()
  const changed: string[] = []
  const moved = new Map<string, number>()
  const done = (waiting?: string): Settled => {
    const counts = [...moved].map(([to, count]) => `${count} slots moved to ${to}`)
    return { changed: [...changed, ...counts], ...(waiting ? { waiting } : {}) }
  }
  for (;;) {
    const pods = await Promise.all(live.map(observe))
    const step = nextStep(pods, silent, wanted)
    if (step.kind === 'settled') return done()
    if (step.kind === 'wait') return done(step.message)
    const late = performance.now() - started > budgetMs
    if (late) return done(step.kind === 'move' && step.left > 0 ? `${step.left} slots are still to move` : 'the cluster is being formed') // prettier-ignore
    changed.push(...(await carryOut(step, live, pods)))
    if (step.kind === 'move') for (const { to, slots } of step.moves) moved.set(to, (moved.get(to) ?? 0) + slots.length)
    // These take effect when the pods have told each other.
    if (['meet', 'takeOver', 'handOver', 'reset'].includes(step.kind)) return done('the pods are telling each other')
    signal.throwIfAborted()
  }
}

async function observe({ node, connection: { send } }: Live): Promise<Pod> {
  const [nodes, cluster, info] = await Promise.all([
    send('CLUSTER', 'NODES'),
    send('CLUSTER', 'INFO'),
    send('INFO', 'replication'),
  ])
  const seen = parseNodes(String(nodes))
  const replicationInfo = infoOf(String(info))
  return {
    name: node.name,
    ordinal: node.ordinal,
    machine: node.machine ?? '',
    ip: node.target?.host ?? '',
    id: seen.find(({ flags }) => flags.includes('myself'))?.id ?? '',
    nodes: seen,
    offset: Number(replicationInfo['slave_repl_offset'] ?? 0),
    following: replicationInfo['role'] === 'master' || replicationInfo['master_link_status'] === 'up',
    ok: infoOf(String(cluster))['cluster_state'] === 'ok',
  }
}
