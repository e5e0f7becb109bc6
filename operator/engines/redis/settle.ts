import type { Node, Plan, Settled, Target } from '../engine.ts'
import { login, type Connection } from './connection.ts'
import { nextStep, type Step } from './decide.ts'
import { replication, revisionUser } from './logins.ts'
import { carryOut, moveSlots, type Live } from './moves.ts'
import { infoOf } from './probe.ts'
import { refresh } from './refresh.ts'
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
    const { live, problems, outdated } = reached
    if (live.length === 0 && Object.keys(outdated).length === 0)
      throw new Error(problems[0] ?? 'no pod has an address yet')
    const refreshed = await refreshAll(live, plan, passwords)
    const shaped = await shape(reached, plan, signal)
    const waiting = [...problems, ...refreshed.problems, ...(shaped.waiting ? [shaped.waiting] : [])]
    return {
      changed: [...refreshed.changed, ...shaped.changed],
      outdated: { ...outdated, ...refreshed.outdated },
      ...(waiting.length > 0 ? { waiting: waiting.slice(0, longestMessage).join('; ') } : {}),
    }
  } catch (error) {
    throw signal.aborted ? new Error('the pods did not answer everything in time', { cause: error }) : error
  } finally {
    for (const { connection } of reached.live) connection.close()
  }
}

interface Reached {
  live: Live[]
  /** Names of those that are there and do not answer. */
  silent: string[]
  problems: string[]
  /** As in Settled. */
  outdated: Record<string, string>
}

async function reach(nodes: Node[], passwords: Record<string, string>, signal: AbortSignal): Promise<Reached> {
  const reached: Reached = { live: [], silent: [], problems: [], outdated: {} }
  const attempt = async (node: Node, target: Target): Promise<void> => {
    try {
      reached.live.push({ node, connection: await open(target, passwords, signal) })
    } catch (error) {
      reached.silent.push(node.name)
      reached.problems.push(`${node.name}: ${(error as Error).message}`)
      if (isWrongPassword(error)) reached.outdated[node.name] = revisionUser(passwords)
    }
  }
  await Promise.all(nodes.flatMap((node) => (node.target ? [attempt(node, node.target)] : [])))
  // In the order of the pods, whoever answered first.
  reached.live.sort((a, b) => a.node.ordinal - b.node.ordinal)
  return reached
}

const isWrongPassword = (error: unknown) => error instanceof RedisError && error.code === 'WRONGPASS'

/**
 * Whoever lost the operator's Secret has given it a new password. Pods have it in their files; the login that they hold themselves
 * may have them read it.
 */
async function open(target: Target, passwords: Record<string, string>, signal: AbortSignal): Promise<Connection> {
  try {
    return await login(target, signal, patienceMs)
  } catch (error) {
    if (!isWrongPassword(error)) throw error
    const held = await login(
      { ...target, username: replication, password: passwords[replication] ?? '' },
      signal,
      patienceMs,
    )
    await held.send('ACL', 'LOAD').finally(held.close)
    return login(target, signal, patienceMs)
  }
}

/** What each pod reads again by itself. */
async function refreshAll(live: Live[], plan: Plan, passwords: Record<string, string>) {
  const all = await Promise.all(
    live.map(async (one) => ({ name: one.node.name, ...(await refresh(one, plan, passwords)) })),
  )
  const outdated = all.flatMap(({ name, stale }) => (stale.length > 0 ? [[name, stale.join(' ')] as const] : []))
  return {
    // The same on every pod is said once.
    changed: [...new Set(all.flatMap(({ changed }) => changed))],
    problems: all.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
    outdated: Object.fromEntries(outdated) as Record<string, string>,
  }
}

/** Step after step, until there is nothing to do or something to wait for. */
async function shape({ live, silent }: Reached, plan: Plan, signal: AbortSignal): Promise<Settled> {
  const { shards, replicas } = plan.store.spec
  const wanted = { shards, replicas, pods: plan.members }
  const started = performance.now()
  const late = () => performance.now() - started > budgetMs
  const changed: string[] = []
  const moved = new Map<string, number>()
  const done = (waiting?: string): Settled => {
    const counts = [...moved].map(([to, count]) => `${count} slots moved to ${to}`)
    return { changed: [...changed, ...counts], ...(waiting ? { waiting } : {}) }
  }
  for (;;) {
    const seen = await Promise.all(live.map(observe))
    const pods = seen.filter((one) => typeof one !== 'string')
    const loading = seen.filter((one) => typeof one === 'string')
    const step = nextStep(pods, [...silent, ...loading], wanted)
    if (step.kind === 'settled') return done()
    if (step.kind === 'wait') return done(step.message)
    if (late()) return done(leftOver(step))
    if (step.kind === 'move') {
      for (const move of step.moves) {
        moved.set(move.to, (moved.get(move.to) ?? 0) + (await moveSlots(move, live, pods, late)))
      }
    } else {
      changed.push(...(await carryOut(step, live, pods)))
    }
    // These take effect when the pods have told each other.
    if (['meet', 'takeOver', 'handOver', 'reset'].includes(step.kind)) return done('the pods are telling each other')
    signal.throwIfAborted()
  }
}

const leftOver = (step: Step) =>
  step.kind === 'move' && step.left > 0 ? `${step.left} slots are still to move` : 'the cluster is being formed'

/** @returns the name of a pod that has the login and no answers yet: it still reads its data */
async function observe({ node, connection: { send } }: Live): Promise<Pod | string> {
  const asked = [send('CLUSTER', 'NODES'), send('CLUSTER', 'INFO'), send('INFO', 'replication')]
  const answers = await Promise.all(asked).catch((error: unknown) => {
    if (error instanceof RedisError) return undefined
    throw error
  })
  if (!answers) return node.name
  const [nodes, cluster, replication] = answers.map(String)
  const seen = parseNodes(nodes ?? '')
  const copying = infoOf(replication ?? '')
  return {
    name: node.name,
    ordinal: node.ordinal,
    machine: node.machine ?? '',
    ip: node.target?.host ?? '',
    id: seen.find(({ flags }) => flags.includes('myself'))?.id ?? '',
    nodes: seen,
    offset: Number(copying['slave_repl_offset'] ?? 0),
    following: copying['role'] === 'master' || copying['master_link_status'] === 'up',
    ok: infoOf(cluster ?? '')['cluster_state'] === 'ok',
  }
}
