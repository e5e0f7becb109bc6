import { names } from '../../data-store/names.ts'
import type { Node, Plan, Target } from '../engine.ts'
import { storeName } from '../stateful.ts'
import { ask, reasonOf } from './request.ts'

/*
 * Fewer nodes. Those that go give their shards away first, and their votes: without the votes of nodes that are gone, the ones that stay
 * may find no majority.
 */

/** Cluster setting: nodes that get no shards and give away those they have. */
export const excluded = 'cluster.routing.allocation.exclude._name'
const votes = '/_cluster/voting_config_exclusions'

/** Of these pods or nodes those that the spec wants no more. Others than the store's own are nobody's business here. */
export function surplus(found: string[], { store }: Plan): string[] {
  const { shards, replicas } = store.spec
  const stay = podNames(store.metadata.name, shards * replicas)
  return found.filter((name) => name.replace(/\d+$/, '') === `${store.metadata.name}-` && !stay.includes(name))
}

const podNames = (store: string, count: number) =>
  Array.from({ length: count }, (_, ordinal) => names.pod(store, ordinal))

/** @returns why they must stay for now; undefined: all that is on them is elsewhere, too, and the others decide without them */
export async function release(nodes: Node[], plan: Plan, signal: AbortSignal): Promise<string | undefined> {
  const going = surplus(podNames(storeName(plan), plan.members), plan)
  const speaker = nodes.find(({ name, ready, target }) => ready && target && !going.includes(name))?.target
  if (!speaker) return `none of the pods that stay of ${storeName(plan)} answers`
  await exclude(speaker, going.join(','), signal)
  const shards = await must(
    speaker,
    'GET',
    '/_cat/shards?format=json&h=index,shard,state,node&master_timeout=3s',
    signal,
  )
  const only = onlyOn(shards as Shard[], going)
  if (only.length > 0) return `parts of ${only.join(', ')} are on no pod but ${going.join(' and ')} yet`
  await must(speaker, 'POST', `${votes}?node_names=${going.join(',')}&timeout=3s&master_timeout=3s`, signal)
  return undefined
}

/** A busy cluster takes its time, and may be asked again before it has answered. */
async function exclude(speaker: Target, going: string, signal: AbortSignal): Promise<void> {
  const path = '/_cluster/settings?flat_settings=true&master_timeout=3s'
  const { persistent = {} } = (await must(speaker, 'GET', path, signal)) as { persistent?: Record<string, unknown> }
  if (persistent[excluded] !== going) await must(speaker, 'PUT', path, signal, { persistent: { [excluded]: going } })
}

export interface Shard {
  index: string
  shard: string
  state: string
  node: string | null
}

/** Indices of which a part has no whole copy on any other node than these. Pure. */
export function onlyOn(shards: Shard[], going: string[]): string[] {
  const keyOf = ({ index, shard }: Shard) => `${index} ${shard}`
  const isWhole = ({ state }: Shard) => state === 'STARTED' || state === 'RELOCATING'
  // Of a shard that moves, the server writes: where it is, an arrow, and where it goes.
  const nodeOf = ({ node }: Shard) => node?.split(' ', 1)[0] ?? ''
  const kept = new Set(shards.filter((shard) => isWhole(shard) && !going.includes(nodeOf(shard))).map(keyOf))
  const lost = shards.filter((shard) => going.includes(nodeOf(shard)) && !kept.has(keyOf(shard)))
  return [...new Set(lost.map(({ index }) => index))]
}

/** Who is in the cluster, and whose votes were taken away. */
export interface Standing {
  nodes: string[]
  without: string[]
}

export async function standingOf(speaker: Target, signal: AbortSignal): Promise<Standing> {
  const fields = 'nodes.*.name,metadata.cluster_coordination.voting_config_exclusions'
  const state = (await must(speaker, 'GET', `/_cluster/state/nodes,metadata?filter_path=${fields}`, signal)) as {
    nodes?: Record<string, { name: string }>
    metadata?: { cluster_coordination?: { voting_config_exclusions?: { node_name: string }[] } }
  }
  const exclusions = state.metadata?.cluster_coordination?.voting_config_exclusions ?? []
  return {
    nodes: Object.values(state.nodes ?? {}).map(({ name }) => name),
    without: exclusions.map((node) => node.node_name),
  }
}

/** Gives their votes back to nodes that stay after all, and forgets those that are gone: there is room for ten. */
export async function restoreVotes(
  speaker: Target,
  { without }: Standing,
  going: string[],
  signal: AbortSignal,
): Promise<void> {
  if (without.length === 0 || without.some((name) => going.includes(name))) return
  await must(speaker, 'DELETE', `${votes}?wait_for_removal=false`, signal)
}

async function must(
  target: Target,
  method: string,
  path: string,
  signal: AbortSignal,
  body?: object,
): Promise<unknown> {
  const answer = await ask(target, method, path, signal, body)
  if (answer.status !== 200)
    throw new Error(`Elasticsearch, ${method} ${path.replace(/\?.*/, '')}: ${reasonOf(answer)}`)
  return answer.body
}
