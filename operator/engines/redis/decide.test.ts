import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextStep, type Step, type Wanted } from './decide.ts'
import { countOf, parseNodes, rangesOf, slotCount, slotsOf, type ClusterNode, type Pod } from './topology.ts'

interface Given {
  machine?: string
  /** Ordinal of the pod it copies. */
  copies?: number
  slots?: [number, number][]
  open?: ClusterNode['open']
  offset?: number
  following?: boolean
  ok?: boolean
}

const name = (ordinal: number) => `cache-${ordinal}`

function node(ordinal: number, { copies, slots = [], open = [] }: Given): ClusterNode {
  const master = copies === undefined ? undefined : `id-${copies}`
  const [id, ip, hostname] = [`id-${ordinal}`, `10.0.0.${ordinal}`, `${name(ordinal)}.cache-headless.ns.svc`]
  return { id, ip, hostname, flags: [master ? 'slave' : 'master'], master, connected: true, slots, open }
}

/** Pods 0, 1, … that all know each other and tell the same. */
function cluster(...given: Given[]): Pod[] {
  return given.map((one, ordinal): Pod => {
    const { machine = `m${ordinal}`, offset = 0, following = true, ok = true } = one
    const nodes = given.map((other, at) => ({ ...node(at, other), open: at === ordinal ? (other.open ?? []) : [] }))
    return {
      name: name(ordinal),
      ordinal,
      machine,
      ip: `10.0.0.${ordinal}`,
      id: `id-${ordinal}`,
      nodes,
      offset,
      following,
      ok,
    }
  })
}

/** Pods that know only themselves. */
const strangers = (count: number) =>
  cluster(...Array.from({ length: count }, () => ({}))).map((pod) => ({
    ...pod,
    nodes: pod.nodes.filter(({ id }) => id === pod.id),
  }))

const wants = (shards: number, replicas: number, pods = shards * replicas): Wanted => ({ shards, replicas, pods })
const seeing = (pods: Pod[], id: string, change: Partial<ClusterNode>): Pod[] =>
  pods.map((pod) => ({ ...pod, nodes: pod.nodes.map((one) => (one.id === id ? { ...one, ...change } : one)) }))
const without = (pods: Pod[], ordinal: number) => pods.filter((pod) => pod.ordinal !== ordinal)
const all: [number, number][] = [[0, slotCount - 1]]
const low: [number, number][] = [[0, 8191]]
const high: [number, number][] = [[8192, slotCount - 1]]
const third = (part: number): [number, number][] =>
  [[[0, 5461]], [[5462, 10922]], [[10923, slotCount - 1]]][part] as [number, number][]

const failing = { flags: ['master', 'fail?'], connected: false }
const three = cluster(
  { slots: third(0) },
  { slots: third(1) },
  { slots: third(2) },
  { copies: 0 },
  { copies: 1 },
  { copies: 2 },
)
const pair = cluster({ slots: all }, { copies: 0, offset: 7 })
const ghost = { ...node(9, { slots: third(2) }), flags: ['master', 'fail'], connected: false }
const withGhost = (pods: Pod[], one: ClusterNode) => pods.map((pod) => ({ ...pod, nodes: [...pod.nodes, one] }))

// prettier-ignore
const cases: [string, { pods: Pod[]; silent?: string[]; wanted: Wanted; step: object }][] = [
  ['a whole cluster needs nothing',            { pods: three, wanted: wants(3, 2), step: { kind: 'settled' } }],
  ['strangers meet the first',                 { pods: strangers(3), wanted: wants(3, 1), step: { kind: 'meet', pairs: [{ at: 'cache-0', ip: '10.0.0.1' }, { at: 'cache-0', ip: '10.0.0.2' }] } }],
  ['one shard has all slots',                  { pods: strangers(1), wanted: wants(1, 1), step: { kind: 'assign', ranges: [{ pod: 'cache-0', slots: all }] } }],
  ['slots are shared out evenly',              { pods: cluster({}, {}, {}), wanted: wants(3, 1), step: { kind: 'assign', ranges: [0, 1, 2].map((part) => ({ pod: name(part), slots: third(part) })) } }],
  ['never while a pod is silent',              { pods: cluster({}, {}), silent: ['cache-2'], wanted: wants(3, 1), step: { kind: 'wait', message: 'cache-2 does not answer yet' } }],
  ['never while a pod has no address',         { pods: cluster({}, {}), wanted: wants(3, 1), step: { kind: 'wait', message: '2 of 3 pods have an address' } }],
  ['only those that nobody has',               { pods: cluster({ slots: third(0) }, {}, { slots: third(2) }), wanted: wants(3, 1), step: { kind: 'assign', ranges: [{ pod: 'cache-1', slots: third(1) }] } }],
  ['a pod with another address is met again',  { pods: seeing(three, 'id-4', { ip: '10.9.9.9' }), wanted: wants(3, 2), step: { kind: 'meet', pairs: [{ at: 'cache-0', ip: '10.0.0.4' }] } }],
  ['a pod of another cluster is left alone',   { pods: [...cluster({ slots: all }), ...cluster({}, { slots: low }).slice(1).map((pod) => ({ ...pod, nodes: pod.nodes.slice(1) }))], wanted: wants(2, 1), step: { kind: 'wait', message: expect.stringContaining('cache-1 belongs to another cluster') as string } }],
  ['every other pod copies a master',          { pods: cluster({ slots: low }, { slots: high }, {}, {}), wanted: wants(2, 2), step: { kind: 'replicate', copies: [{ pod: 'cache-2', master: 'cache-0' }, { pod: 'cache-3', master: 'cache-1' }] } }],
  ['on other machines, all of them',           { pods: cluster({ slots: third(0), machine: 'a' }, { slots: third(1), machine: 'b' }, { slots: third(2), machine: 'c' }, { machine: 'a' }, { machine: 'b' }, { machine: 'c' }), wanted: wants(3, 2),
                                                 step: { kind: 'replicate', copies: [{ pod: 'cache-3', master: 'cache-2' }, { pod: 'cache-4', master: 'cache-0' }, { pod: 'cache-5', master: 'cache-1' }] } }],
  ['on the same one rather than nowhere',      { pods: cluster({ slots: all, machine: 'a' }, { machine: 'a' }), wanted: wants(1, 2), step: { kind: 'replicate', copies: [{ pod: 'cache-1', master: 'cache-0' }] } }],
  ['a copy too many helps out elsewhere',      { pods: cluster({ slots: low }, { slots: high }, { copies: 0 }, { copies: 0 }), wanted: wants(2, 2), step: { kind: 'replicate', copies: [{ pod: 'cache-3', master: 'cache-1' }] } }],
  ['copies stay where they are',               { pods: cluster({ slots: low }, { slots: high }, { copies: 0 }, { copies: 0 }, { copies: 1 }, { copies: 1 }), wanted: wants(2, 3), step: { kind: 'settled' } }],
  ['a lost master has its copy take over',     { pods: without(seeing(pair, 'id-0', failing), 0), silent: ['cache-0'], wanted: wants(1, 2), step: { kind: 'takeOver', pod: 'cache-1', from: 'cache-0' } }],
  ['not before the copy misses it',            { pods: without(pair, 0), silent: ['cache-0'], wanted: wants(1, 2), step: { kind: 'wait' } }],
  ['nor where the others elect one',           { pods: without(seeing(three, 'id-0', failing), 0), silent: ['cache-0'], wanted: wants(3, 2), step: { kind: 'wait' } }],
  ['who is gone for good is forgotten',        { pods: withGhost(cluster({ slots: third(0) }, { slots: third(1) }, {}), ghost), wanted: wants(3, 1), step: { kind: 'forget', ids: ['id-9'] } }],
  ['not while it is still there',              { pods: withGhost(cluster({ slots: all }), { ...ghost, flags: ['master'], connected: true }), wanted: wants(1, 1), step: { kind: 'wait', message: expect.stringContaining('still there') as string } }],
  ['not while its copy may take over',         { pods: withGhost(cluster({ slots: third(0) }, { slots: third(1) }, { copies: 9 }), ghost), wanted: wants(2, 2, 3), step: { kind: 'wait', message: expect.stringContaining('about to become master') as string } }],
  ['nor while a pod is silent',                { pods: withGhost(cluster({ slots: low }), ghost), silent: ['cache-1'], wanted: wants(2, 1), step: { kind: 'wait', message: 'cache-1 does not answer yet' } }],
  ['masters that disagree are waited for',     { pods: [...cluster({ slots: low }, { slots: high }).slice(0, 1), ...cluster({ slots: all }, {}).slice(1)], wanted: wants(2, 1), step: { kind: 'wait', message: expect.stringContaining('do not agree') as string } }],
  ['a new shard gets slots, some at a time',   { pods: cluster({ slots: all }, {}), wanted: wants(2, 1), step: { kind: 'move', moves: [{ from: 'cache-0', to: 'cache-1', slots: Array.from({ length: 2048 }, (_, index) => 8192 + index) }], left: 8192 } }],
  ['a move that was cut short goes on',        { pods: cluster({ slots: all, open: [{ slot: 9000, direction: 'to', other: 'id-1' }] }, { open: [{ slot: 9000, direction: 'from', other: 'id-0' }] }), wanted: wants(2, 1), step: { kind: 'move', moves: [{ from: 'cache-0', to: 'cache-1', slots: [9000] }], left: 0 } }],
  ['one end may be done',                      { pods: cluster({ slots: low, open: [{ slot: 9000, direction: 'to', other: 'id-1' }] }, { slots: high }), wanted: wants(2, 1), step: { kind: 'move', moves: [{ from: 'cache-0', to: 'cache-1', slots: [9000] }], left: 0 } }],
  ['to a pod that is gone it ends',            { pods: cluster({ slots: all, open: [{ slot: 9000, direction: 'to', other: 'id-7' }] }), wanted: wants(1, 1), step: { kind: 'close', slots: [{ pod: 'cache-0', slot: 9000 }] } }],
  ['a master that is to go hands over',        { pods: cluster({ copies: 1 }, { slots: all }), wanted: wants(1, 1, 2), step: { kind: 'handOver', pod: 'cache-0', from: 'cache-1' } }],
  ['once its copy follows it',                 { pods: cluster({ copies: 1, following: false }, { slots: all }), wanted: wants(1, 1, 2), step: { kind: 'wait' } }],
  ['without a copy it gives its slots away',   { pods: cluster({ slots: low }, { slots: high }), wanted: wants(1, 1, 2), step: { kind: 'move', left: 8192 } }],
  ['a shard for a copy: it begins anew',       { pods: cluster({ slots: all }, { copies: 0 }), wanted: wants(2, 1), step: { kind: 'reset', pod: 'cache-1' } }],
  ['so is a copy that is not connected',       { pods: cluster({ slots: all }, { copies: 0, following: false }), wanted: wants(1, 2), step: { kind: 'wait', message: 'cache-1 does not have what its master has yet' } }],
  ['a cluster that is not whole is waited for', { pods: cluster({ slots: all, ok: false }), wanted: wants(1, 1), step: { kind: 'wait', message: 'cache-0 does not see the whole cluster yet' } }],
]

test.each(cases)('%s', (_name, { pods, silent = [], wanted, step }) => {
  expect(nextStep(pods, silent, wanted)).toMatchObject(step)
})

/** What the cluster makes of a step, when all goes well. */
function carriedOut(pods: Pod[], step: Step): Pod[] {
  const given: Given[] = pods.map((pod) => {
    const own = pod.nodes.find(({ id }) => id === pod.id)
    const copies = own?.master === undefined ? {} : { copies: Number(own.master.slice(3)) }
    return { ...copies, slots: own?.slots ?? [], machine: pod.machine }
  })
  const of = (pod: string) => given[Number(pod.slice(6))] ?? {}
  const slots = (pod: string) => slotsOf({ slots: of(pod).slots ?? [] })
  const set = (pod: string, list: number[]) => void (of(pod).slots = rangesOf([...list].sort((a, b) => a - b)))
  switch (step.kind) {
    case 'meet':
      return cluster(...given)
    case 'assign':
      for (const { pod, slots: more } of step.ranges) set(pod, [...slots(pod), ...slotsOf({ slots: more })])
      return cluster(...given)
    case 'replicate':
      for (const { pod, master } of step.copies) of(pod).copies = Number(master.slice(6))
      return cluster(...given)
    case 'move':
      for (const { from, to, slots: list } of step.moves) {
        set(
          from,
          slots(from).filter((slot) => !list.includes(slot)),
        )
        set(to, [...slots(to), ...list])
      }
      return cluster(...given)
    case 'handOver': {
      const [heir, leaving] = [Number(step.pod.slice(6)), Number(step.from.slice(6))]
      for (const one of given) if (one.copies === leaving) one.copies = heir
      set(step.pod, slots(step.from))
      set(step.from, [])
      delete of(step.pod).copies
      of(step.from).copies = heir
      return cluster(...given)
    }
    case 'reset':
      delete of(step.pod).copies
      return cluster(...given)
    case 'takeOver':
    case 'forget':
    case 'close':
    case 'wait':
    case 'settled':
      throw new Error(`not expected: ${JSON.stringify(step)}`)
  }
}

function settle(pods: Pod[], wanted: Wanted): Pod[] {
  let now = pods
  for (let round = 0; round < 400; round++) {
    const step = nextStep(now, [], wanted)
    if (step.kind === 'settled') return now
    now = carriedOut(now, step)
  }
  throw new Error('it never settles')
}

describe('whatever it begins with, a cluster comes to its plan', () => {
  const sizes = fc.record({ shards: fc.integer({ min: 1, max: 4 }), replicas: fc.integer({ min: 1, max: 3 }) })
  const machines = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 15, maxLength: 15 })

  test('from nothing, and from one size to another', () => {
    fc.assert(
      fc.property(sizes, sizes, machines, (first, second, places) => {
        const fresh = (from: number, to: number) =>
          strangers(15)
            .slice(from, to)
            .map((pod) => ({ ...pod, machine: places[pod.ordinal] ?? '' }))
        const firstPods = first.shards * first.replicas
        const small = settle(fresh(0, firstPods), wants(first.shards, first.replicas))
        expectWhole(small, first.shards, first.replicas)
        const secondPods = second.shards * second.replicas
        // Pods that are to go are still there while somebody has to agree to it.
        const there = [...small, ...fresh(firstPods, secondPods)]
        const large = settle(there, wants(second.shards, second.replicas, there.length))
        expectWhole(large.slice(0, secondPods), second.shards, second.replicas)
      }),
      { numRuns: 20 },
    )
  }, 60_000)
})

function expectWhole(pods: Pod[], shards: number, replicas: number): void {
  const own = pods.map((pod) => pod.nodes.find(({ id }) => id === pod.id)!)
  const masters = own.filter(({ master }) => master === undefined)
  expect(masters).toHaveLength(shards)
  const counts = masters.map(countOf)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(slotCount)
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  for (const { id } of masters) expect(own.filter(({ master }) => master === id)).toHaveLength(replicas - 1)
}

test('CLUSTER NODES is read as Redis prints it', () => {
  const text = [
    '98d7 198.18.0.90:6379@16379,many-4.many-headless.ns.svc slave 5b96 1795768041661 1795768039000 4 connected',
    '5b96 fd00::57:6379@16379,many-1.many-headless.ns.svc myself,master - 0 0 1 connected 0-5461 9000 [93->-16bd] [77-<-98d7]',
    '16bd :0@0 master,fail?,noaddr - 1 2 2 disconnected',
    '',
  ].join('\n')
  expect(parseNodes(text)).toEqual([
    { id: '98d7', ip: '198.18.0.90', hostname: 'many-4.many-headless.ns.svc', flags: ['slave'], master: '5b96', connected: true, slots: [], open: [] },
    { id: '5b96', ip: 'fd00::57', hostname: 'many-1.many-headless.ns.svc', flags: ['myself', 'master'], master: undefined, connected: true, slots: [[0, 5461], [9000, 9000]],
      open: [{ slot: 93, direction: 'to', other: '16bd' }, { slot: 77, direction: 'from', other: '98d7' }] },
    { id: '16bd', ip: '', hostname: '', flags: ['master', 'fail?', 'noaddr'], master: undefined, connected: false, slots: [], open: [] },
  ]) // prettier-ignore
})
