import type { Setting } from './settings.ts'

/*
 * Values of settings: what may be written, and how Redis prints it again. `CONFIG GET` gives sizes in bytes and flags in an order of
 * its own; without knowing that, a value would look changed for ever.
 */

// prettier-ignore
export type Parsed =
  | { value: string }
  /** Follows the value in a sentence: `is not …`. */
  | { problem: string }

/** Pure. */
export function parse({ type, min = -Infinity, max = Infinity, values = [], what }: Setting, given: string): Parsed {
  const isNot = { problem: `is not ${what}` }
  switch (type) {
    case 'bool':
    case 'enum': {
      const value = given.toLowerCase()
      return (type === 'bool' ? ['yes', 'no'] : values).includes(value) ? { value } : isNot
    }
    case 'integer': {
      const amount = /^-?\d{1,15}$/.test(given) ? Number(given) : NaN
      return amount >= min && amount <= max ? { value: String(amount) } : isNot
    }
    case 'size': {
      const amount = bytesOf(given)
      return amount !== undefined && amount >= min && amount <= max ? { value: String(amount) } : isNot
    }
    case 'share': {
      const amount = /^(100|\d{1,2})%$/.test(given) ? given : bytesOf(given)
      return amount !== undefined ? { value: String(amount) } : isNot
    }
    case 'events':
      return parseEvents(given) ?? isNot
    case 'buffers':
      return parseBuffers(given) ?? isNot
  }
}

const units: Record<string, number> = { '': 1, b: 1, k: 1e3, kb: 2 ** 10, m: 1e6, mb: 2 ** 20, g: 1e9, gb: 2 ** 30 }

function bytesOf(given: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,12})([a-z]{0,2})$/.exec(given.toLowerCase()) ?? []
  const factor = units[unit]
  return amount !== undefined && factor !== undefined ? Number(amount) * factor : undefined
}

/** Kinds of keyspace events that `A` stands for, in the order in which Redis prints them. */
const commonEvents = 'g$lshzxetd'
const otherEvents = 'KEmn'

function parseEvents(given: string): Parsed | undefined {
  if (![...given].every((letter) => letter === 'A' || (commonEvents + otherEvents).includes(letter))) return undefined
  const has = (letter: string) => given.includes(letter)
  const common = [...commonEvents].filter((letter) => has('A') || has(letter)).join('')
  const other = [...otherEvents].filter(has).join('')
  return { value: (common === commonEvents ? 'A' : common) + other }
}

const classes = ['normal', 'slave', 'pubsub']
const bufferDefaults: Record<string, string> = {
  normal: '0 0 0',
  slave: '268435456 67108864 60',
  pubsub: '33554432 8388608 60',
}

/** `pubsub 64mb 16mb 90 normal 0 0 0`: hard limit, soft limit, seconds above the soft one; a class that is not named keeps its default. */
function parseBuffers(given: string): Parsed | undefined {
  const words = given.trim().split(/\s+/)
  if (words.length % 4 !== 0) return undefined
  const limits = { ...bufferDefaults }
  for (let index = 0; index < words.length; index += 4) {
    const [name = '', hard = '', soft = '', seconds = ''] = words.slice(index, index + 4)
    const kind = name.toLowerCase().replace(/^replica$/, 'slave')
    const [hardBytes, softBytes] = [bytesOf(hard), bytesOf(soft)]
    if (!classes.includes(kind) || hardBytes === undefined || softBytes === undefined) return undefined
    if (!/^\d{1,6}$/.test(seconds)) return undefined
    limits[kind] = `${hardBytes} ${softBytes} ${Number(seconds)}`
  }
  return { value: classes.map((kind) => `${kind} ${limits[kind]}`).join(' ') }
}
