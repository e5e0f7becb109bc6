import { describe, expect, test } from 'vitest'
import { missing, present } from '../../../migrations/testing/coverage.ts'
import {
  addressRateLimitKey,
  jobKey,
  keyRights,
  keySpace,
  keysOfUser,
  matchesKey,
  preferencesKey,
  profileKey,
  searchKey,
  sessionKey,
  sessionsKey,
  userRateLimitKey,
} from '../stores/cache-keys.ts'

const user = '0b5e9a0e-6a0d-4a0b-8b0a-1f2e3d4c5b6a'
const session = '7f9c24e8-3b12-4c5d-9e8f-0a1b2c3d4e5f'
const job = 'b6c1de0a-0f4d-4b8e-9a57-6e2f8c1d3a4b'
const secret = new Uint8Array(32).fill(7)

/** One key of each kind. */
const keys: Record<keyof typeof keySpace, string> = {
  session: sessionKey(user, session),
  sessions: sessionsKey(user),
  profile: profileKey(user),
  matches: matchesKey(user),
  preferences: preferencesKey(user),
  rateLimit: userRateLimitKey('login', user),
  job: jobKey(job),
  search: searchKey('nurse in Lyon, call 06 12 34 56 78'),
}

/** Redis' glob, of which the key space uses the star only. */
const matches = (pattern: string, key: string) =>
  new RegExp(`^${pattern.replace(/[{}]/g, '\\$&').replaceAll('*', '.*')}$`).test(key)

/** What the slot is computed of: between the first brace and the next closing one. */
const tagOf = (key: string) => /\{([^}]+)\}/.exec(key)?.[1] ?? key

describe('the key space', () => {
  test.each(Object.entries(keySpace))(
    '%s has a key that its pattern allows, a version and a time to live',
    (kind, { pattern, ttlSeconds }) => {
      const key = keys[kind as keyof typeof keySpace]
      expect(matches(pattern, key)).toBe(true)
      expect(key).toMatch(/^v1:/)
      expect(ttlSeconds).toBeGreaterThan(0)
      expect(ttlSeconds).toBeLessThanOrEqual(kind === 'rateLimit' ? 3600 : 900)
    },
  )

  test('says nothing but ids and digests', () => {
    const address = '203.0.113.7'
    for (const key of [...Object.values(keys), addressRateLimitKey('login', address, secret)])
      expect(key).toMatch(/^v1(:([a-z]+|\{?[0-9a-f-]{36}\}?|[0-9a-f]{64}|\{[\w-]{22}\}))+$/)
  })

  test('has all keys of a person in one slot, and all of them are erased', () => {
    const erased = keysOfUser(user, [session])
    expect(new Set(erased.map(tagOf))).toEqual(new Set([user]))
    const named = Object.entries(keySpace).filter(([, { endedBy }]) =>
      (endedBy as readonly string[]).includes('user.anonymized'),
    )
    expect(erased.sort()).toEqual(named.map(([kind]) => keys[kind as keyof typeof keySpace]).sort())
    // What names a person and is not erased has to age out within the hour.
    const left = Object.entries(keys).filter(([, key]) => key.includes(user) && !erased.includes(key))
    expect(left.map(([kind]) => kind)).toEqual(['rateLimit'])
  })

  test('is what docs/reference/specification-coverage.md says', () => {
    const keys = Object.values(keySpace).map(({ pattern }) => ({ kind: 'key', name: pattern }))
    expect(missing('cache', [...keys, { kind: 'function', name: keyRights.name }])).toEqual([])
    expect(keys.filter((key) => !present('cache').some(({ name }) => name === key.name))).toEqual([])
  })

  test('gives each service its own keys', () => {
    expect(keyRights('search')).toEqual(['~v1:rl:*:{*}', '~v1:cache:search:*'])
    expect(keyRights('nobody')).toEqual([])
    const reaches = (service: string, kind: keyof typeof keySpace) =>
      keyRights(service).some((rule) => matches(rule.slice(1), keys[kind]))
    for (const service of ['geolocation', 'temporal', 'behavior', 'search', 'matching'])
      expect(
        ['session', 'sessions', 'profile', 'job'].filter((kind) => reaches(service, kind as keyof typeof keySpace)),
        service,
      ).toEqual([])
  })
})

describe('a key', () => {
  test.each([
    ['userId', () => profileKey('me')],
    ['userId', () => profileKey(`${user}}:x`)],
    ['sessionId', () => sessionKey(user, '*')],
    ['jobId', () => jobKey('1')],
    ['limit', () => userRateLimitKey('log:in', user)],
    ['address', () => addressRateLimitKey('login', 'localhost', secret)],
    ['secret', () => addressRateLimitKey('login', '203.0.113.7', new Uint8Array(31))],
  ])('is refused with a bad %s', (field, make) => {
    expect(make).toThrow(new RegExp(`^${field} `))
  })

  test('of an address counts a customer once, and tells nobody who it is', () => {
    const key = (address: string, by = secret) => addressRateLimitKey('login', address, by)
    expect(key('2001:db8:0:1::1')).toBe(key('2001:0DB8:0000:0001:ffff::2'))
    expect(key('2001:db8:0:1::1')).not.toBe(key('2001:db8:0:2::1'))
    expect(key('::ffff:203.0.113.7')).toBe(key('203.0.113.7'))
    expect(key('203.0.113.7')).not.toBe(key('203.0.113.8'))
    expect(key('203.0.113.7')).not.toBe(key('203.0.113.7', new Uint8Array(32).fill(8)))
    expect(() => key('::1')).not.toThrow()
    expect(key('fe80::1%eth0')).toBe(key('fe80::2'))
  })
})
