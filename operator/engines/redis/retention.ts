import { isIP } from 'node:net'
import { periodText } from '../../../crds/retention.ts'
import type { Retention, RetentionSeen, RetentionState, Target } from '../engine.ts'
import { pairs, withConnection, type Connection } from './connection.ts'
import { RedisError, type Reply } from './reply.ts'
import { secondsOf, wanted } from '../retention.ts'

/*
 * Who writes a key says how long it stays. This is the upper bound: all keys of the rules are looked through, and those without an end or
 * with a later one get it. A cache that may lose everything has no place for a setting: what is in force is what the keys say.
 */

/** Keys of each rule: services/chassis/stores/cache-keys.ts. */
const rules: [name: string, keys: RegExp][] = [
  ['sessions', /^v1:sess:/],
  ['profiles', /^v1:cache:\{.*\}:/s],
  ['rate-limits', /^v1:rl:/],
  ['results', /^v1:cache:(job|search):/],
]
const allKeys = 'v1:*'

/** Keys that Redis looks at between two other commands: well below a millisecond. */
const batch = '1000'
/** Of the half minute that one call has, so that what was found is told. */
const budgetMs = 20_000

export const retention: Retention = {
  async observe(target, { store }, signal) {
    const longest = new Map<string, number>()
    const next = wanted(store)
    const complete = await eachBatch(target, signal, (_connection, keys) => {
      for (const { rule, life } of keys) longest.set(rule, Math.max(longest.get(rule) ?? 0, life))
    })
    const seen = summary(longest, next)
    // Better than to say that all is well.
    if (!complete && Object.entries(seen.rules).every(([rule, { keep }]) => keep === next.rules[rule]?.keep))
      throw new Error(`there are more keys than can be looked through in ${budgetMs / 1000} s`)
    return seen
  },
  // An earlier end takes nothing away at once, and nothing that is not somewhere else.
  removes: () => Promise.resolve({}),
  async apply(target, _plan, next, signal) {
    await eachBatch(target, signal, async (connection, keys) => {
      const late = keys.flatMap(({ rule, key, life }) => {
        const { keep, hold = true } = next.rules[rule] ?? {}
        return keep === undefined || hold || life <= secondsOf(keep) * 1000 ? [] : [{ key, keep }]
      })
      // LT: a key without an end gets one, and whoever was quicker to say an earlier one is right.
      const commands = late.map(({ key, keep }) => ['EXPIRE', key, String(secondsOf(keep)), 'LT'])
      await all(connection, commands)
    })
  },
}

/** Undefined: a key of somebody else's. Pure. */
export const ruleOf = (key: string): string | undefined => rules.find(([, keys]) => keys.test(key))?.[0]

/** What the spec wants, but for rules of which a key stays longer: these with the longest. Pure. @param longest  ms, by rule */
export function summary(longest: Map<string, number>, next: RetentionState): RetentionSeen {
  const entries = Object.entries(next.rules).map(([rule, { keep }]) => {
    const life = longest.get(rule) ?? 0
    return [rule, { keep: life > secondsOf(keep) * 1000 ? textOf(life) : keep, hold: false }] as const
  })
  // Redis notes no time with a key.
  return { rules: Object.fromEntries(entries), oldest: {}, holds: [], now: new Date() }
}

/** In whole minutes, so that the same finding has the same words five minutes later. */
function textOf(life: number): string {
  if (life === Infinity) return 'without end'
  const minutes = Math.ceil(life / 60_000)
  return periodText({ months: 0, days: Math.floor(minutes / 1440), seconds: (minutes % 1440) * 60 })
}

/** A key of one of the rules. */
interface Key {
  key: Buffer
  rule: string
  /** Milliseconds it has left. */
  life: number
}

/**
 * Hands all keys of the rules to `work`, those of all primaries at the same time, a batch at a time.
 * @returns whether these were all
 */
async function eachBatch(
  target: Target,
  signal: AbortSignal,
  work: (connection: Connection, keys: Key[]) => Promise<void> | void,
): Promise<boolean> {
  const until = performance.now() + budgetMs
  const primaries = await withConnection(target, signal, (connection) => primariesAt(connection, target))
  const complete = await Promise.all(
    primaries.map((primary) =>
      withConnection(primary, signal, async (connection) => {
        for (let cursor: string | undefined; cursor !== '0';) {
          if (performance.now() > until) return false
          const found = await connection.send('SCAN', cursor ?? '0', 'MATCH', allKeys, 'COUNT', batch)
          const [next, keys] = found as [string, string[]]
          await work(connection, await known(connection, keys))
          cursor = next
        }
        return true
      }),
    ),
  )
  return complete.every(Boolean)
}

async function known(connection: Connection, names: string[]): Promise<Key[]> {
  const keys = names.flatMap((name) => {
    const rule = ruleOf(name)
    // Replies are read byte by byte; a key need not be UTF-8.
    return rule === undefined ? [] : [{ rule, key: Buffer.from(name, 'latin1') }]
  })
  const commands = keys.map(({ key }) => ['PTTL', key])
  const lives = await all(connection, commands)
  return keys.map((key, index) => ({ ...key, life: lifeOf(lives[index]) }))
}

/** None of a key that is gone, or another node's by now. */
const lifeOf = (reply: Reply | undefined) => (reply === -1 ? Infinity : Math.max(0, Number(reply ?? 0)))

/** Sent together. Of a slot that has just moved nothing is known: the next look finds it where it is. */
async function all({ send }: Connection, commands: (string | Buffer)[][]): Promise<Reply[]> {
  const moved = (error: unknown) => {
    if (error instanceof RedisError && ['MOVED', 'ASK'].includes(error.code)) return null
    throw error
  }
  return Promise.all(commands.map((command) => send(...command).catch(moved)))
}

async function primariesAt({ mode, send }: Connection, target: Target): Promise<Target[]> {
  return mode === 'cluster' ? primariesOf(await send('CLUSTER', 'SLOTS'), target) : [target]
}

/**
 * Whoever has slots, by the answer to CLUSTER SLOTS, each: first slot, last slot, and nodes, the primary first. A node: the name that
 * clients are told, port, id, and more about it in pairs. Pure.
 */
export function primariesOf(slots: Reply, target: Target): Target[] {
  const found = new Map<string, Target>()
  for (const range of listOf(slots)) {
    const [told, port, id, more] = listOf(listOf(range)[2])
    const { ip, hostname } = pairs(more ?? [])
    const name = typeof told === 'string' && told !== '' && told !== '?' ? told : undefined
    // Without a name it is the one that was asked; one that never met another does not know its address.
    const host = ip === '' ? target.host : (ip ?? name ?? target.host)
    // Certificates carry names; they are verified whatever way leads there.
    const serverName = name && isIP(name) ? (hostname ?? name) : (name ?? target.serverName ?? target.host)
    found.set(String(id), { ...target, host, port: Number(port), serverName })
  }
  return [...found.values()]
}

const listOf = (reply: Reply | undefined) => (Array.isArray(reply) ? reply : [])
