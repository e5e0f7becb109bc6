import { createHash, createHmac } from 'node:crypto'
import { isIP } from 'node:net'
import { uuidPattern } from '../uuid.ts'

/**
 * Every key of the cache (Redis): nobody writes another, and nothing without its time to live. What is kept may be lost at any moment;
 * PostgreSQL has it. A key names people by their id alone, never by an address, a name or what they searched for.
 *
 * `{…}` is the hash tag of Redis Cluster: all keys of a person are in one slot, so that one UNLINK takes them. `v1` goes up when what a
 * key holds changes its shape; old keys then age out unread.
 */
// prettier-ignore
export const keySpace = {
  session:     { pattern: 'v1:sess:{*}:*',          ttlSeconds:   900, services: ['core'],        endedBy: ['user.anonymized'] },
  sessions:    { pattern: 'v1:sess:{*}',            ttlSeconds:   900, services: ['core'],        endedBy: ['user.anonymized'] },
  profile:     { pattern: 'v1:cache:{*}:profile',   ttlSeconds:   900, services: ['core'],        endedBy: ['candidate.profile.updated', 'user.anonymized'] },
  matches:     { pattern: 'v1:cache:{*}:matches',   ttlSeconds:   900, services: ['matching'],    endedBy: ['candidate.profile.updated', 'user.anonymized'] },
  preferences: { pattern: 'v1:cache:{*}:prefs',     ttlSeconds:   900, services: ['geolocation'], endedBy: ['candidate.profile.updated', 'user.anonymized'] },
  rateLimit:   { pattern: 'v1:rl:*:{*}',            ttlSeconds: 3_600, services: ['core', 'geolocation', 'temporal', 'behavior', 'search', 'matching'], endedBy: [] },
  job:         { pattern: 'v1:cache:job:*',         ttlSeconds:   300, services: ['core'],        endedBy: ['job.posting.*'] },
  search:      { pattern: 'v1:cache:search:*',      ttlSeconds:   300, services: ['search'],      endedBy: [] },
} as const satisfies Record<string, KeyKind>

interface KeyKind {
  /** As Redis matches keys of the kind, for the rights of logins. */
  pattern: string
  /** At most so long after the last write; a session's is that of its access token. */
  ttlSeconds: number
  /** Who reads and writes it. */
  services: readonly string[]
  /** Events after which it must not be read any more: whoever handles one, UNLINKs. */
  endedBy: readonly string[]
}

/** Look-up of one log-in: address, agent, roles. A miss asks PostgreSQL. */
export const sessionKey = (userId: string, sessionId: string) =>
  `${sessionsKey(userId)}:${uuid('sessionId', sessionId)}`

/** Set of the ids of a person's sessions in the cache: they are found by it, never by a scan. */
export const sessionsKey = (userId: string) => `v1:sess:{${uuid('userId', userId)}}`

export const profileKey = (userId: string) => ofUser(userId, 'profile')
export const matchesKey = (userId: string) => ofUser(userId, 'matches')
export const preferencesKey = (userId: string) => ofUser(userId, 'prefs')

export const jobKey = (jobId: string) => `v1:cache:job:${uuid('jobId', jobId)}`

/** @param query  the whole question as text; only its digest gets into the key */
export const searchKey = (query: string) => `v1:cache:search:${createHash('sha256').update(query).digest('hex')}`

/**
 * Counter of a limit for a person.
 * @param limit  its name, as `login`
 */
export const userRateLimitKey = (limit: string, userId: string) => rateLimit(limit, uuid('userId', userId))

/**
 * Counter of a limit for an address: its keyed digest, for there are few enough addresses to try all plain ones. Of IPv6 the first 64
 * bits count, which one customer has.
 * @param secret  the same in every instance of the services, of at least 32 bytes
 */
export function addressRateLimitKey(limit: string, address: string, secret: Uint8Array): string {
  if (secret.length < 32) throw new TypeError(`secret has ${secret.length} bytes: give at least 32`)
  const digest = createHmac('sha256', secret).update(networkOf(address)).digest('base64url')
  return rateLimit(limit, digest.slice(0, 22))
}

/**
 * What an erasure UNLINKs of a person, in one command, once the sessions of the set `sessionsKey` are known.
 * @param sessionIds  members of that set
 */
export const keysOfUser = (userId: string, sessionIds: string[]): string[] => [
  ...sessionIds.map((sessionId) => sessionKey(userId, sessionId)),
  sessionsKey(userId),
  profileKey(userId),
  matchesKey(userId),
  preferencesKey(userId),
]

/** Keys that a service may use, as Redis' ACL rules; what it may do with them is the login's. */
export const keyRights = (service: string): string[] =>
  Object.values<KeyKind>(keySpace)
    .filter(({ services }) => services.includes(service))
    .map(({ pattern }) => `~${pattern}`)

const ofUser = (userId: string, what: string) => `v1:cache:{${uuid('userId', userId)}}:${what}`

function rateLimit(limit: string, who: string): string {
  if (!/^[a-z][a-z-]*$/.test(limit)) throw new TypeError(`limit "${limit}" is not a lower-case word`)
  return `v1:rl:${limit}:{${who}}`
}

function uuid(field: string, value: string): string {
  // A value with a brace would choose the slot, one with a colon another key.
  if (!uuidPattern.test(value)) throw new TypeError(`${field} is not a UUID`)
  return value
}

/** The address, or of IPv6 the first four of its eight groups. */
function networkOf(address: string): string {
  const family = isIP(address)
  if (family === 0) throw new TypeError('address is not an IP address')
  if (family === 4) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped) return mapped
  const [head = '', tail] = address.toLowerCase().replace(/%.*/, '').split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [left, right] = [groups(head), groups(tail ?? '')]
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  const all = [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right]
  return all
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')
}
