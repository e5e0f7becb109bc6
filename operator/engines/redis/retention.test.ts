import { describe, expect, test } from 'vitest'
import { rulesOf } from '../../../crds/retention.ts'
import type { RetentionState, Target } from '../engine.ts'
import { primariesOf, ruleOf, summary } from './retention.ts'

const user = '{01234567-89ab-4cde-8f01-23456789abcd}'

test.each([
  [`v1:sess:${user}:a`, 'sessions'],
  [`v1:sess:${user}`, 'sessions'],
  [`v1:cache:${user}:profile`, 'profiles'],
  [`v1:cache:${user}:prefs`, 'profiles'],
  ['v1:cache:{\n}:\xff', 'profiles'],
  ['v1:rl:login:{a}', 'rate-limits'],
  ['v1:cache:job:1', 'results'],
  ['v1:cache:search:abc', 'results'],
  ['v1:cache:other:1', undefined],
  ['v2:sess:a', undefined],
  ['other:v1:sess:a', undefined],
])('%j: %s', (key, rule) => expect(ruleOf(key)).toBe(rule))

const spec: RetentionState = {
  rules: Object.fromEntries(Object.entries(rulesOf('cache')).map(([name, { keep }]) => [name, { keep, hold: false }])),
  holds: [],
}

test('what stays no longer than it may is as the spec has it; else the longest is told, in whole minutes', () => {
  const seen = (longest: Record<string, number>) => summary(new Map(Object.entries(longest)), spec).rules
  expect(seen({})).toEqual(spec.rules)
  expect(seen({ sessions: 900_000, results: 1 })).toEqual(spec.rules)
  expect(seen({ sessions: 900_001 })['sessions']).toEqual({ keep: '16min', hold: false })
  expect(seen({ profiles: 86_400_000 * 3 + 1 })['profiles']).toEqual({ keep: '3d 1min', hold: false })
  expect(seen({ results: Infinity })['results']).toEqual({ keep: 'without end', hold: false })
  expect(summary(new Map(), spec)).toMatchObject({ oldest: {}, holds: [] })
})

describe('primaries', () => {
  const target: Target = { host: 'cache.ns.svc', port: 6379, database: '0', username: 'u', password: 'p', ca: 'ca' }
  const at = (slots: Parameters<typeof primariesOf>[0]) =>
    primariesOf(slots, target).map(({ host, port, serverName }) => ({ host, port, serverName }))
  const node = (name: string | null, port: number, id: string, ...more: string[]) => [name, port, id, more]

  test('are reached by address and verified by name, each once, and copies are left alone', () => {
    const [a, b] = [node('a.svc', 6379, 'ida', 'ip', '10.0.0.1'), node('b.svc', 6380, 'idb', 'ip', '10.0.0.2')]
    const slots = [[0, 99, a, b], [100, 16_382, b, a], [16_383, 16_383, a]] // prettier-ignore
    expect(at(slots)).toEqual([
      { host: '10.0.0.1', port: 6379, serverName: 'a.svc' },
      { host: '10.0.0.2', port: 6380, serverName: 'b.svc' },
    ])
    expect(primariesOf(slots, target)[0]).toMatchObject({ username: 'u', password: 'p', ca: 'ca' })
  })

  test.each([
    ['one that never met another', node('a.svc', 6379, 'id', 'ip', ''), 'cache.ns.svc', 'a.svc'],
    ['one that is told by address', node('10.0.0.1', 6379, 'id', 'hostname', 'a.svc'), '10.0.0.1', 'a.svc'],
    ['one that has no name', node('10.0.0.1', 6379, 'id'), '10.0.0.1', '10.0.0.1'],
    ['one that tells no address', node('a.svc', 6379, 'id'), 'a.svc', 'a.svc'],
    ['one that tells nothing', node(null, 6379, 'id'), 'cache.ns.svc', 'cache.ns.svc'],
    ['one that does not know its name', node('?', 6379, 'id', 'ip', '10.0.0.1'), '10.0.0.1', 'cache.ns.svc'],
  ])('%s', (_name, found, host, serverName) =>
    expect(at([[0, 16_383, found]])).toEqual([{ host, port: 6379, serverName }]),
  )

  test('of a cluster without slots there are none', () => expect(at([])).toEqual([]))
})
