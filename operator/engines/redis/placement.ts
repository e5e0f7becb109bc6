import type { Pod } from './topology.ts'

/** Pods one after the other over the machines: the first of each, then the second of each. */
function overMachines(pods: Pod[]): Pod[] {
  const seen = new Map<string, number>()
  const ranked = pods.map((pod) => {
    const rank = seen.get(pod.machine) ?? 0
    seen.set(pod.machine, rank + 1)
    return { pod, rank }
  })
  return ranked.sort((a, b) => a.rank - b.rank || a.pod.ordinal - b.pod.ordinal).map(({ pod }) => pod)
}

/**
 * Masters of the shards: those that have slots first, the most of them, then others, on machines that have none yet.
 * @param candidates  in the order of their ordinals
 */
export function chooseMasters(candidates: Pod[], shards: number, has: (pod: Pod) => number): Pod[] {
  const owners = candidates.filter((pod) => has(pod) > 0).sort((a, b) => has(b) - has(a) || a.ordinal - b.ordinal)
  const machines = new Set(owners.map(({ machine }) => machine))
  const free = overMachines(candidates.filter((pod) => has(pod) === 0))
  const elsewhere = [...free].sort((a, b) => Number(machines.has(a.machine)) - Number(machines.has(b.machine)))
  return [...owners, ...elsewhere].slice(0, shards).sort((a, b) => a.ordinal - b.ordinal)
}

interface Copy {
  pod: Pod
  master: Pod
}

/**
 * Whom pods without a shard copy, and copies that their shard has too many of where another has too few.
 * @param isFree  has no slots
 * @param stays   is not about to go: what is, counts for nothing
 */
export function chooseCopies(input: {
  pods: Pod[]
  masters: Pod[]
  masterOf: (pod: Pod) => Pod | undefined
  replicas: number
  isFree: (pod: Pod) => boolean
  stays: (pod: Pod) => boolean
}): Copy[] {
  const { pods, masters, masterOf, replicas, isFree, stays } = input
  const copiesOf = (master: Pod) => pods.filter((pod) => stays(pod) && masterOf(pod) === master)
  const hasMaster = (pod: Pod) => masters.some((master) => master === masterOf(pod))
  const homeless = pods.filter((pod) => isFree(pod) && !masters.includes(pod) && !hasMaster(pod))
  const places = masters.flatMap((master) => {
    const machines = new Set([master, ...copiesOf(master)].map(({ machine }) => machine))
    const missing = Math.max(0, replicas - 1 - copiesOf(master).length)
    return Array.from({ length: missing }, (): Place => ({ master, machines }))
  })
  const spare = masters.flatMap((master) => copiesOf(master).slice(replicas - 1))
  const candidates = homeless.filter(stays)
  // Nobody is moved from one shard to another unless that one lacks a copy.
  candidates.push(...spare.slice(0, Math.max(0, places.length - candidates.length)))
  const chosen = match(places, candidates)
  const [first] = masters
  // A pod too many copies somebody rather than nobody.
  const rest = homeless.filter((pod) => !chosen.some((copy) => copy.pod === pod))
  return [...chosen, ...rest.flatMap((pod) => (first ? [{ pod, master: first }] : []))]
}

interface Place {
  master: Pod
  /** Those that the shard uses already. */
  machines: Set<string>
}

/** As many as possible on machines of which their shard uses none (augmenting paths), the others where there is room. */
function match(places: Place[], candidates: Pod[]): Copy[] {
  const placeOf = new Map<Pod, Place>()
  const sharesMachine = (pod: Pod, place: Place) =>
    place.machines.has(pod.machine) ||
    [...placeOf].some(
      ([other, { master }]) => master === place.master && other !== pod && other.machine === pod.machine,
    )
  const fill = (place: Place, tried: Set<Pod>): boolean => {
    const freeFirst = [...candidates].sort((a, b) => Number(placeOf.has(a)) - Number(placeOf.has(b)))
    for (const pod of freeFirst) {
      if (tried.has(pod) || sharesMachine(pod, place)) continue
      tried.add(pod)
      const before = placeOf.get(pod)
      if (before && !fill(before, tried)) continue
      placeOf.set(pod, place)
      return true
    }
    return false
  }
  const unfilled = places.filter((place) => !fill(place, new Set()))
  const left = candidates.filter((pod) => !placeOf.has(pod))
  for (const place of unfilled) {
    const pod = left.shift()
    if (pod) placeOf.set(pod, place)
  }
  return [...placeOf].map(([pod, { master }]) => ({ pod, master })).sort((a, b) => a.pod.ordinal - b.pod.ordinal)
}
