import type { Step } from './decide.ts'
import { countOf, slotCount, slotsOf, type ClusterNode, type Pod } from './topology.ts'

/** Slots that go from one master to another, with their keys. */
export interface Move {
  from: string
  to: string
  slots: number[]
}

type Owner = { pod: Pod } & Pick<ClusterNode, 'slots' | 'open'>

/** Slots of one step; the pods are looked at in between. */
const batch = 2048

/** What a move that was cut short left open; undefined when nothing is. */
function unfinished(owners: Owner[]): Step | undefined {
  const nameOf = (id: string) => owners.find(({ pod }) => pod.id === id)?.pod.name
  const open = owners.flatMap(({ pod, open }) =>
    open.map((one) => ({ ...one, pod: pod.name, other: nameOf(one.other) })),
  )
  const lost = open.filter(({ other }) => other === undefined)
  if (lost.length > 0) return { kind: 'close', slots: lost.map(({ pod, slot }) => ({ pod, slot })) }
  const grouped = new Map<string, Move>()
  for (const { pod, other = '', slot, direction } of open) {
    const [from, to] = direction === 'to' ? [pod, other] : [other, pod]
    const slots = new Set([...(grouped.get(`${from} ${to}`)?.slots ?? []), slot])
    grouped.set(`${from} ${to}`, { from, to, slots: [...slots].sort((a, b) => a - b) })
  }
  return grouped.size > 0 ? { kind: 'move', moves: [...grouped.values()], left: 0 } : undefined
}

/** Slots each of `masters` shall have. Those that have most keep the odd ones: nothing moves for their sake. */
export function evenShares(masters: Pod[], has: (pod: Pod) => number): Map<Pod, number> {
  const [least, odd] = [Math.floor(slotCount / masters.length), slotCount % masters.length]
  const ranked = [...masters].sort((a, b) => has(b) - has(a))
  return new Map(ranked.map((pod, index) => [pod, least + (index < odd ? 1 : 0)]))
}

/** Towards equally many slots on each of `masters` and none elsewhere; undefined when it is so. */
function even(owners: Owner[], masters: Pod[]): Step | undefined {
  const has = (pod: Pod) => countOf(owners.find((owner) => owner.pod === pod) ?? { slots: [] })
  const target = evenShares(masters, has)
  const surplus = owners.flatMap((owner) => {
    const excess = countOf(owner) - (target.get(owner.pod) ?? 0)
    return excess > 0 ? [{ from: owner.pod.name, slots: slotsOf(owner).slice(-excess) }] : []
  })
  const left = surplus.reduce((sum, { slots }) => sum + slots.length, 0)
  if (left === 0) return undefined
  return { kind: 'move', moves: firstMoves(surplus, masters, (pod) => (target.get(pod) ?? 0) - has(pod)), left }
}

function firstMoves(surplus: { from: string; slots: number[] }[], masters: Pod[], lacks: (pod: Pod) => number): Move[] {
  const takers = masters.flatMap((pod) => (lacks(pod) > 0 ? [{ to: pod.name, room: lacks(pod) }] : []))
  const moves: Move[] = []
  let room = batch
  for (const { from, slots } of surplus) {
    let next = 0
    for (const taker of takers) {
      const count = Math.min(room, taker.room, slots.length - next)
      if (count > 0) moves.push({ from, to: taker.to, slots: slots.slice(next, next + count) })
      next += count
      taker.room -= count
      room -= count
    }
  }
  return moves
}

export const nextMoves = { unfinished, even }
