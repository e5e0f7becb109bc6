import { createHash } from 'node:crypto'

/** The same parts always give the same UUID (version 8, RFC 9562): loading twice adds nothing. */
export function stableUuid(...parts: string[]): string {
  const hex = createHash('sha256').update(parts.join('\n')).digest('hex')
  const variant = ((parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`
}

export interface Random {
  /** An integer in [min, max]. */
  integer(min: number, max: number): number
  pick<T>(list: readonly T[]): T
  /** `count` different elements, or all of them, in the list's order. */
  sample<T>(list: readonly T[], count: number): T[]
}

/** mulberry32, a small public-domain generator: the demo needs repeatable, not secret, numbers. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return {
    integer,
    pick: (list) => {
      const element = list[integer(0, list.length - 1)]
      if (element === undefined) throw new Error('cannot pick from an empty list')
      return element
    },
    sample: (list, count) => {
      let needed = Math.min(count, list.length)
      return list.filter((_element, index) => {
        const take = next() * (list.length - index) < needed
        if (take) needed -= 1
        return take
      })
    },
  }
}
