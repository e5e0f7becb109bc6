import { chooseCopies, chooseMasters } from './placement.ts'
import { evenShares, nextMoves, type Move } from './balance.ts'
import {
  countOf,
  isFailing,
  isHandshake,
  rangesOf,
  slotCount,
  slotsOf,
  type ClusterNode,
  type Pod,
} from './topology.ts'

/*
 * What a cluster of these pods needs next. Pure. One step at a time: the pods are asked again before the next.
 *
 * 1. pods know each other under their present addresses
 * 2. a shard whose master is gone, and which the cluster cannot help by itself, gets a copy as master
 * 3. all pods there shall be answer; nodes that are gone for good are forgotten
 * 4. all pods tell the same
 * 5. what a cut short move of slots left open is finished
 * 6. there are as many masters as shards, on pods that stay
 * 7. slots that nobody has are given out
 * 8. every other pod copies a master, on another machine where that can be had
 * 9. masters have equally many slots
 */

export interface Wanted {
  shards: number
  replicas: number
  /** Pods there shall be now; those beyond shards × replicas are to go. */
  pods: number
}

// prettier-ignore
export type Step =
  /** Of `at`, which may be one that must hear of another's address. */
  | { kind: 'meet';      pairs: { at: string; ip: string }[] }
  | { kind: 'takeOver';  pod: string; from: string }
  | { kind: 'forget';    ids: string[] }
  | { kind: 'handOver';  pod: string; from: string }
  /** Makes a copy an empty master. */
  | { kind: 'reset';     pod: string }
  | { kind: 'assign';    ranges: { pod: string; slots: [number, number][] }[] }
  | { kind: 'replicate'; copies: { pod: string; master: string }[] }
  | { kind: 'move';      moves: Move[]; left: number }
  /** Slots that were on their way to or from a pod that is gone. */
  | { kind: 'close';     slots: { pod: string; slot: number }[] }
  | { kind: 'wait';      message: string }
  | { kind: 'settled' }

/** @param silent  names of pods that should answer and do not */
export function nextStep(pods: Pod[], silent: string[], wanted: Wanted): Step {
  const seed = seedOf(pods)
  if (!seed) return wait('no pod answers')
  return (
    meet(pods, seed) ??
    takeOver(pods) ??
    incomplete(pods, silent, wanted) ??
    forget(pods) ??
    disagreement(pods) ??
    shape(pods, wanted) ??
    unfinished(pods) ?? { kind: 'settled' }
  )
}

const wait = (message: string): Step => ({ kind: 'wait', message })
const known = (pod: Pod, id: string) => pod.nodes.find((node) => node.id === id)
const itself = (pod: Pod) => known(pod, pod.id)

/** Who has seen most of a cluster speaks first: others join it, not the other way round. */
function seedOf(pods: Pod[]): Pod | undefined {
  const seen = (pod: Pod) => pod.nodes.reduce((sum, node) => sum + countOf(node), 0)
  return [...pods].sort((a, b) => seen(b) - seen(a) || a.ordinal - b.ordinal)[0]
}

function meet(pods: Pod[], seed: Pod): Step | undefined {
  const strangers = pods.filter((pod) => pod !== seed && !(sees(seed, pod) && sees(pod, seed)))
  const conflict = strangers.find((pod) => claimsWhatOthersHave(pod, seed))
  if (conflict) {
    return wait(
      `${conflict.name} belongs to another cluster: it has slots that others have in that of ${seed.name}; delete its pod and volume claim to have it join this one`,
    )
  }
  if (strangers.length > 0) return { kind: 'meet', pairs: strangers.map(({ ip }) => ({ at: seed.name, ip })) }
  // Both know the other under an address that is gone: nobody calls. The others' gossip would tell, in its own time.
  const lost = pods.flatMap((at) =>
    pods.filter((pod) => pod !== at && known(at, pod.id) && !sees(at, pod)).map(({ ip }) => ({ at: at.name, ip })),
  )
  if (lost.length > 0) return { kind: 'meet', pairs: lost.slice(0, 50) }
  const unheard = pods.find((at) => pods.some((pod) => !known(at, pod.id)))
  return unheard && wait(`${unheard.name} has not heard of every other pod yet`)
}

function sees(at: Pod, pod: Pod): boolean {
  const node = known(at, pod.id)
  return node !== undefined && node.ip === pod.ip && !isHandshake(node) && !node.flags.includes('noaddr')
}

function claimsWhatOthersHave(pod: Pod, seed: Pod): boolean {
  const own = itself(pod)
  if (!own || own.slots.length === 0 || known(seed, pod.id)) return false
  const taken = new Set(seed.nodes.flatMap(slotsOf))
  return slotsOf(own).some((slot) => taken.has(slot))
}

/**
 * Masters elect the successor of one that fails, by a majority of those with slots: of one or two there is none without it. Its shard
 * would stay down until its pod is back.
 */
function takeOver(pods: Pod[]): Step | undefined {
  const owners = uniqueById(pods.flatMap(({ nodes }) => nodes.filter(({ slots }) => slots.length > 0)))
  const answering = (id: string) => pods.some((pod) => pod.id === id)
  const lost = owners.filter(({ id }) => !answering(id) && pods.every((pod) => isLost(known(pod, id))))
  const quorum = Math.floor(owners.length / 2) + 1
  if (lost.length === 0 || owners.length - lost.length >= quorum) return undefined
  for (const { id, hostname } of lost) {
    const copies = pods.filter((pod) => itself(pod)?.master === id)
    const best = copies.sort((a, b) => b.offset - a.offset || a.ordinal - b.ordinal)[0]
    if (best) return { kind: 'takeOver', pod: best.name, from: hostname.split('.')[0] || id }
  }
  return undefined
}

const isLost = (node: ClusterNode | undefined) => node === undefined || isFailing(node)
const uniqueById = (nodes: ClusterNode[]) => [...new Map(nodes.map((node) => [node.id, node])).values()]

function incomplete(pods: Pod[], silent: string[], wanted: Wanted): Step | undefined {
  if (silent.length > 0) return wait(`${silent.join(', ')} ${silent.length > 1 ? 'do' : 'does'} not answer yet`)
  return pods.length < wanted.pods ? wait(`${pods.length} of ${wanted.pods} pods have an address`) : undefined
}

/** All pods answered, each with its id: any other id is that of a pod, or of a volume, that is gone. */
function forget(pods: Pod[]): Step | undefined {
  const strangers = pods.flatMap(({ nodes }) =>
    nodes.filter((node) => !isHandshake(node) && !pods.some(({ id }) => id === node.id)),
  )
  if (strangers.length === 0) return undefined
  const alive = strangers.find((node) => node.connected && !isFailing(node))
  const nameOf = ({ hostname, id }: ClusterNode) => hostname.split('.')[0] || id
  if (alive) return wait(`${nameOf(alive)} (${alive.id}) is no pod of the store any more, and still there`)
  const copied = strangers.find(({ id }) => pods.some((pod) => itself(pod)?.master === id))
  if (copied) return wait(`a copy of ${nameOf(copied)}, which is gone, is about to become master`)
  return { kind: 'forget', ids: [...new Set(strangers.map(({ id }) => id))] }
}

/** Masters decide who has which slots; copies hear of it a moment later. */
function disagreement(pods: Pod[]): Step | undefined {
  const [first, ...others] = pods.filter((pod) => !itself(pod)?.master)
  if (!first) return wait('no pod is a master')
  const story = ({ nodes }: Pod) => nodes.map(lineOf).sort().join()
  const other =
    others.find((pod) => story(pod) !== story(first)) ??
    pods.find((pod) => lineOf(itself(pod)) !== lineOf(known(first, pod.id)))
  return other && wait(`${first.name} and ${other.name} do not agree yet on who has which slots`)
}

const lineOf = (node: ClusterNode | undefined) => node && `${node.id} ${node.master} ${JSON.stringify(node.slots)}`

/** 5 to 9: all pods tell the same, so each is asked about itself only. */
function shape(pods: Pod[], wanted: Wanted): Step | undefined {
  const own = new Map(pods.map((pod) => [pod, itself(pod)]))
  const has = (pod: Pod) => countOf(own.get(pod) ?? { slots: [] })
  const masterOf = (pod: Pod) => pods.find(({ id }) => id === own.get(pod)?.master)
  const copiesOf = (master: Pod) => pods.filter((pod) => masterOf(pod) === master)
  const stays = ({ ordinal }: Pod) => ordinal < wanted.shards * wanted.replicas
  const nodes = pods.map((pod) => ({ pod, slots: own.get(pod)?.slots ?? [], open: own.get(pod)?.open ?? [] }))

  const open = nextMoves.unfinished(nodes)
  if (open) return open
  const leaving = pods.find((pod) => has(pod) > 0 && !stays(pod) && copiesOf(pod).some(stays))
  if (leaving) return handOver(leaving, copiesOf(leaving).filter(stays))
  const masters = chooseMasters(
    pods.filter((pod) => stays(pod) && !own.get(pod)?.master),
    wanted.shards,
    has,
  )
  if (masters.length < wanted.shards) return anotherMaster(pods, masters, masterOf, wanted, stays)
  const unowned = unownedSlots(pods)
  if (unowned.length > 0) return assign(masters, has, unowned)
  const copies = chooseCopies({
    pods,
    masters,
    masterOf,
    replicas: wanted.replicas,
    isFree: (pod) => has(pod) === 0,
    stays,
  })
  if (copies.length > 0) return { kind: 'replicate', copies: copies.map(({ pod, master }) => ({ pod: pod.name, master: master.name })) } // prettier-ignore
  return nextMoves.even(nodes, masters)
}

/** Also by what only one pod says: a slot that anybody has is never given out. */
function unownedSlots(pods: Pod[]): number[] {
  const owned = new Uint8Array(slotCount)
  for (const { nodes } of pods)
    for (const { slots } of nodes) for (const [first, last] of slots) owned.fill(1, first, last + 1)
  return Array.from(owned.keys()).filter((slot) => !owned[slot])
}

function handOver(leaving: Pod, copies: Pod[]): Step {
  const best = copies.find(({ following }) => following)
  return best
    ? { kind: 'handOver', pod: best.name, from: leaving.name }
    : wait(`a copy of ${leaving.name}, which is to go, does not follow it yet`)
}

/** A copy that its shard has too many of begins anew, empty. */
function anotherMaster(
  pods: Pod[],
  masters: Pod[],
  masterOf: (pod: Pod) => Pod | undefined,
  wanted: Wanted,
  stays: (pod: Pod) => boolean,
): Step {
  const copies = (master: Pod | undefined) => pods.filter((pod) => master && masterOf(pod) === master)
  const spare = pods.findLast((pod) => stays(pod) && copies(masterOf(pod)).length >= wanted.replicas)
  return spare
    ? { kind: 'reset', pod: spare.name }
    : wait(`${masters.length} of ${wanted.shards} shards have a master, and no pod is free`)
}

/** Each master gets a run of what is missing, so that all end with equally many. */
function assign(masters: Pod[], has: (pod: Pod) => number, unowned: number[]): Step {
  const target = evenShares(masters, has)
  const ranges: { pod: string; slots: [number, number][] }[] = []
  let next = 0
  for (const pod of masters) {
    const slots = unowned.slice(next, next + Math.max(0, (target.get(pod) ?? 0) - has(pod)))
    if (slots.length > 0) ranges.push({ pod: pod.name, slots: rangesOf(slots) })
    next += slots.length
  }
  return { kind: 'assign', ranges }
}

function unfinished(pods: Pod[]): Step | undefined {
  const down = pods.find(({ ok }) => !ok)
  if (down) return wait(`${down.name} does not see the whole cluster yet`)
  const behind = pods.find(({ following }) => !following)
  return behind && wait(`${behind.name} does not have what its master has yet`)
}
