export const slotCount = 16384

/** One line of CLUSTER NODES: a node as another sees it. */
export interface ClusterNode {
  id: string
  ip: string
  hostname: string
  flags: string[]
  /** Whom it copies; undefined of a master. */
  master: string | undefined
  /** The asked node has a connection to it. */
  connected: boolean
  /** First and last of each run. */
  slots: [number, number][]
  /** Slots on their way, known of the asked node only. */
  open: { slot: number; direction: 'to' | 'from'; other: string }[]
}

/**
 * The answer to CLUSTER NODES. Each line: id, ip:port@bus,hostname, flags, master, ping sent, pong received, epoch, link, slots.
 * Pure.
 */
export function parseNodes(text: string): ClusterNode[] {
  return text.split('\n').filter(Boolean).map(parseLine)
}

function parseLine(line: string): ClusterNode {
  const [id = '', address = '', flags = '', master = '-', , , , link = '', ...slots] = line.trim().split(' ')
  const [endpoint = '', hostname = ''] = address.split(',')
  const ip = endpoint.slice(0, endpoint.lastIndexOf('@')).replace(/:\d+$/, '')
  return {
    id,
    ip,
    hostname: hostname.includes('=') ? '' : hostname,
    flags: flags.split(','),
    master: master === '-' ? undefined : master,
    connected: link === 'connected',
    slots: slots.filter((word) => !word.startsWith('[')).map(parseRange),
    open: slots.flatMap(parseOpen),
  }
}

function parseRange(word: string): [number, number] {
  const [first = '', last = first] = word.split('-')
  return [Number(first), Number(last)]
}

/** `[93->-<id>]`: it leaves for that node; `[93-<-<id>]`: it comes from there. */
function parseOpen(word: string): ClusterNode['open'] {
  const [, slot, arrow, other = ''] = /^\[(\d+)-([<>])-(\w+)\]$/.exec(word) ?? []
  return slot === undefined ? [] : [{ slot: Number(slot), direction: arrow === '>' ? 'to' : 'from', other }]
}

/** A pod that answers, and the cluster as it sees it. */
export interface Pod {
  name: string
  ordinal: number
  machine: string
  ip: string
  /** As itself among `nodes`. */
  id: string
  nodes: ClusterNode[]
  /** Bytes of its master's stream it has. */
  offset: number
  /** A master, or a copy that is connected to one. */
  following: boolean
  /** cluster_state:ok */
  ok: boolean
}

export const countOf = ({ slots }: Pick<ClusterNode, 'slots'>) =>
  slots.reduce((sum, [first, last]) => sum + last - first + 1, 0)

/** Slots in rising order. */
export const slotsOf = ({ slots }: Pick<ClusterNode, 'slots'>) =>
  slots.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index))

/** Runs of consecutive numbers, which rise. */
export function rangesOf(slots: number[]): [number, number][] {
  const ranges: [number, number][] = []
  for (const slot of slots) {
    const last = ranges.at(-1)
    if (last && last[1] === slot - 1) last[1] = slot
    else ranges.push([slot, slot])
  }
  return ranges
}

export const isFailing = ({ flags }: ClusterNode) => flags.some((flag) => ['fail', 'fail?', 'noaddr'].includes(flag))
export const isHandshake = ({ flags }: ClusterNode) => flags.includes('handshake')
