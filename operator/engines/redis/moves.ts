import type { Node } from '../engine.ts'
import type { Move } from './balance.ts'
import { busPort, port } from './config.ts'
import type { Connection } from './connection.ts'
import type { Step } from './decide.ts'
import { RedisError, type Reply } from './reply.ts'
import type { Pod } from './topology.ts'

/** A pod that answers, as it is spoken to. */
export interface Live {
  node: Node
  connection: Connection
}

/** Carries out a step that moves no slots. @returns what was done, a phrase each */
export async function carryOut(step: Step, live: Live[], pods: Pod[]): Promise<string[]> {
  const send = (pod: string, ...words: string[]) => at(live, pod).connection.send('CLUSTER', ...words)
  switch (step.kind) {
    case 'meet':
      await all(step.pairs, ({ at: pod, ip }) => send(pod, 'MEET', ip, String(port), String(busPort)))
      return []
    case 'takeOver':
      await send(step.pod, 'FAILOVER', 'TAKEOVER')
      return [`${step.pod} takes over from ${step.from}, which does not answer`]
    case 'handOver':
      await send(step.pod, 'FAILOVER')
      return [`${step.from} hands over to ${step.pod}`]
    case 'reset':
      await send(step.pod, 'RESET', 'SOFT')
      return [`${step.pod} begins anew as a master`]
    case 'forget':
      await all(live, ({ connection }) => all(step.ids, (id) => forget(connection, id)))
      return [`forgot ${step.ids.length} that ${step.ids.length > 1 ? 'are' : 'is'} gone`]
    case 'assign':
      await all(step.ranges, ({ pod, slots }) => send(pod, 'ADDSLOTSRANGE', ...slots.flat().map(String)))
      return step.ranges.map(({ pod, slots }) => `${pod} has slots ${slots.map((range) => range.join('-')).join(', ')}`)
    case 'replicate':
      await all(step.copies, ({ pod, master }) => send(pod, 'REPLICATE', idOf(pods, master)))
      return step.copies.map(({ pod, master }) => `${pod} copies ${master}`)
    case 'close':
      await all(step.slots, ({ pod, slot }) => send(pod, 'SETSLOT', String(slot), 'STABLE'))
      return []
    case 'move':
    case 'wait':
    case 'settled':
      return []
  }
}

function at(live: Live[], name: string): Live {
  const found = live.find(({ node }) => node.name === name)
  if (!found) throw new Error(`${name} does not answer`)
  return found
}

const all = <Item>(items: Item[], work: (item: Item) => Promise<unknown>) => Promise.all(items.map(work))
const idOf = (pods: Pod[], name: string) => pods.find((pod) => pod.name === name)?.id ?? ''
const isMaster = (pod: Pod) => !pod.nodes.find(({ id }) => id === pod.id)?.master

/** Who does not know a node cannot forget it, and has nothing to forget. */
function forget({ send }: Connection, id: string): Promise<Reply> {
  return send('CLUSTER', 'FORGET', id).catch(unless(/unknown node/i))
}

function unless(pattern: RegExp) {
  return (error: unknown): null => {
    if (error instanceof RedisError && pattern.test(error.message)) return null
    throw error
  }
}

/** Keys that travel with one command: both servers do nothing else meanwhile. */
const keysAtOnce = 100
const migrateMs = '5000'
/** Slots that are moved together, to their end: on a machine that has little time for it, some arrive all the same. */
const fewestSlots = 64
/** Each time that took less, the next are twice as many: a server syncs its file after each command or after all that came together. */
const quickMs = 500
/** Of slots that are moved together, how many send keys at the same time. */
const sendersAtOnce = 16

/** @returns how many slots have arrived; fewer than asked for when `enough` says so in between */
export async function moveSlots(move: Move, live: Live[], pods: Pod[], enough: () => boolean): Promise<number> {
  const others = pods.filter((pod) => isMaster(pod) && ![move.from, move.to].includes(pod.name))
  const ends: Ends = {
    from: at(live, move.from),
    to: at(live, move.to),
    fromId: idOf(pods, move.from),
    toId: idOf(pods, move.to),
    others: others.map(({ name }) => at(live, name).connection),
  }
  const left = move.slots.map(String)
  let together = fewestSlots
  while (left.length > 0 && !enough()) {
    const started = performance.now()
    await moveSome(left.splice(0, together), ends)
    if (performance.now() - started < quickMs) together *= 2
  }
  return move.slots.length - left.length
}

interface Ends {
  from: Live
  to: Live
  fromId: string
  toId: string
  others: Connection[]
}

/**
 * Redis' own order: the receiver is told first, then the giver, then keys go, and the slot is the receiver's before the giver gives it
 * up. Wherever it is cut short, a slot has one owner and every key one place where clients are sent to; it may be done again from the start.
 */
async function moveSome(slots: string[], ends: Ends): Promise<void> {
  const { fromId, toId, others } = ends
  const [from, to] = [ends.from.connection, ends.to.connection]
  const setSlot = (at: Connection, slot: string, ...rest: string[]) => at.send('CLUSTER', 'SETSLOT', slot, ...rest)
  await all(slots, (slot) => setSlot(to, slot, 'IMPORTING', fromId).catch(unless(/already the owner/i)))
  await all(slots, (slot) => setSlot(from, slot, 'MIGRATING', toId).catch(unless(/not the owner/i)))
  const counts = await Promise.all(slots.map((slot) => from.send('CLUSTER', 'COUNTKEYSINSLOT', slot)))
  const full = slots.filter((_, index) => counts[index] !== 0)
  while (full.length > 0) await moveKeys(ends, full.splice(0, sendersAtOnce))
  await all(slots, (slot) => setSlot(to, slot, 'NODE', toId))
  await all(slots, (slot) => setSlot(from, slot, 'NODE', toId))
  // The others would hear of it; but until then they send clients to the wrong place, and the next step would have to wait.
  await all(others, (other) => all(slots, (slot) => setSlot(other, slot, 'NODE', toId)))
}

/** REPLACE: a key that is in both places was on its way when the last attempt ended; the giver's is the newer one. */
async function moveKeys({ from, to }: Ends, slots: string[]): Promise<void> {
  const { host = '', username = '', password = '' } = to.node.target ?? {}
  const destination = [host, String(port), '', '0', migrateMs, 'REPLACE', 'AUTH2', username, password, 'KEYS']
  const { send } = from.connection
  for (;;) {
    const found = await Promise.all(slots.map((slot) => send('CLUSTER', 'GETKEYSINSLOT', slot, String(keysAtOnce))))
    const lists = (found as string[][]).filter((keys) => keys.length > 0)
    if (lists.length === 0) return
    await all(lists, (keys) => send('MIGRATE', ...destination, ...keys.map((key) => Buffer.from(key, 'latin1'))))
  }
}
