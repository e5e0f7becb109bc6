import { describe, expect, test } from 'vitest'
import type { Member } from '../engines/engine.ts'
import { candidate, nextMove, whyIncomplete, type PodState } from './rollout.ts'

const primary = (name: string, given: Partial<Member> = {}): Member => ({
  name,
  role: 'primary',
  healthy: true,
  state: 'running',
  synchronous: false,
  pendingRestart: [],
  primaryFirst: false,
  ...given,
})
const replica = (name: string, given: Partial<Member> = {}): Member => ({
  ...primary(name),
  role: 'replica',
  state: 'streaming',
  synchronous: true,
  lagBytes: 0,
  ...given,
})
const pod = (name: string, given: Partial<PodState> = {}): PodState => ({
  name,
  stale: false,
  ready: true,
  down: false,
  terminating: false,
  ...given,
})

const three = [primary('db-0'), replica('db-1'), replica('db-2')]
const pods = [pod('db-0'), pod('db-1'), pod('db-2')]
const stale = { stale: true }
const waits = { pendingRestart: ['max_connections: 100 → 200'] }
const lowered = { pendingRestart: ['max_connections: 200 → 100'], primaryFirst: true }
const starting = { healthy: false, state: 'starting' }
const move = (pods: PodState[], members: Member[], mayRestart = true) =>
  nextMove({ pods, wanted: pods.length, membership: { members, paused: false }, mayRestart })

describe('a rolling restart', () => {
  // prettier-ignore
  test.each([
    ['nothing to do',                                   pods, three, { kind: 'none' }],
    ['all old: the replica with the highest ordinal',   pods.map((p) => ({ ...p, ...stale })), three, { kind: 'replace', pod: 'db-2' }],
    ['an asynchronous replica before a synchronous one', pods.map((p) => ({ ...p, ...stale })), [three[0]!, replica('db-1', { synchronous: false }), three[2]!], { kind: 'replace', pod: 'db-1' }],
    ['one done, the next',                              [pod('db-0', stale), pod('db-1', stale), pod('db-2')], three, { kind: 'replace', pod: 'db-1' }],
    ['not before the last one follows again',           [pod('db-0', stale), pod('db-1', stale), pod('db-2')], [three[0]!, three[1]!, replica('db-2', starting)], { kind: 'wait' }],
    ['not before the last one has joined',              [pod('db-0', stale), pod('db-1', stale), pod('db-2')], three.slice(0, 2), { kind: 'wait' }],
    ['not before its pod is ready',                     [pod('db-0', stale), pod('db-1', stale), pod('db-2', { ready: false })], three, { kind: 'wait' }],
    ['not while one is stopping',                       [pod('db-0', stale), pod('db-1', stale), pod('db-2', { terminating: true })], three, { kind: 'wait' }],
    ['only the primary is old: a switchover',           [pod('db-0', stale), pod('db-1'), pod('db-2')], three, { kind: 'switchover', from: 'db-0', to: 'db-1' }],
    ['to nobody who is far behind',                     [pod('db-0', stale), pod('db-1')], [three[0]!, replica('db-1', { lagBytes: 2 ** 30 })], { kind: 'wait', message: 'no replica is close enough behind db-0 to take over' }],
    ['a lone primary in its place',                     [pod('db-0', stale)], three.slice(0, 1), { kind: 'replace', pod: 'db-0' }],
    ['settings: replicas first',                        pods, three.map((m) => ({ ...m, ...waits })), { kind: 'restart', pod: 'db-2' }],
    ['settings: then a switchover',                     pods, [primary('db-0', waits), three[1]!, three[2]!], { kind: 'switchover', to: 'db-1' }],
    ['settings: a lone primary in its place',           [pod('db-0')], [primary('db-0', waits)], { kind: 'restart', pod: 'db-0' }],
    ['lowered settings: the primary first, in place',   pods, three.map((m) => ({ ...m, ...lowered })), { kind: 'restart', pod: 'db-0' }],
    ['lowered settings: then the replicas',             pods, [three[0]!, replica('db-1', lowered), replica('db-2', lowered)], { kind: 'restart', pod: 'db-2' }],
    ['an old template before a setting',                [pod('db-0'), pod('db-1', stale), pod('db-2')], three.map((m) => ({ ...m, ...waits })), { kind: 'replace', pod: 'db-1' }],
    ['an old pod that does not run: at once',           [pod('db-0', stale), pod('db-1'), pod('db-2', { ...stale, ready: false })], [three[0]!, replica('db-1', starting)], { kind: 'replace', pod: 'db-2' }],
    ['not a primary that works, however late its probe', [pod('db-0', { ...stale, ready: false }), pod('db-1', { ready: false })], [three[0]!, replica('db-1', starting)], { kind: 'wait' }],
    ['nor a replica that works',                        [pod('db-0', stale), pod('db-1', { ...stale, ready: false })], three.slice(0, 2), { kind: 'wait', message: 'pod db-1 is not ready' }],
    ['one whose container ended, whatever is remembered of it', [pod('db-0', stale), pod('db-1', { ...stale, ready: false, down: true })], three.slice(0, 2), { kind: 'replace', pod: 'db-1' }],
    ['a broken replica before a broken primary',        [pod('db-0', { ...stale, ready: false }), pod('db-1', { ...stale, ready: false })], [primary('db-0', starting), replica('db-1', starting)], { kind: 'replace', pod: 'db-1' }],
    ['then the broken primary',                         [pod('db-0', { ...stale, ready: false }), pod('db-1')], [primary('db-0', starting), replica('db-1', starting)], { kind: 'replace', pod: 'db-0' }],
    ['but not while the replica has not joined',        [pod('db-0', { ...stale, ready: false }), pod('db-1')], [primary('db-0', starting)], { kind: 'wait' }],
    ['nobody answers, and all containers run',          [pod('db-0', { ...stale, ready: false })], [], { kind: 'wait', message: 'db-0 has not joined yet' }],
    ['even the primary, and with no member left',       [pod('db-0', { ...stale, ready: false, down: true })], [], { kind: 'replace', pod: 'db-0' }],
    ['a new pod that does not run is left to be seen',  [pod('db-0', stale), pod('db-1', { ready: false })], [three[0]!, replica('db-1', starting)], { kind: 'wait', message: 'replica db-1 is starting, 0 bytes behind' }],
  ])('%s', (_name, pods, members, expected) => expect(move(pods, members)).toMatchObject(expected))

  test('settings that must wait are left, old templates are not', () => {
    const members = three.map((member) => ({ ...member, ...waits }))
    expect(move(pods, members, false)).toEqual({ kind: 'none' })
    expect(move([pod('db-0'), pod('db-1', stale), pod('db-2')], members, false)).toMatchObject({ pod: 'db-1' })
  })
})

describe('who takes over', () => {
  // prettier-ignore
  test.each([
    ['the lowest ordinal of equals',           [replica('db-2'), replica('db-1')], 'db-1'],
    ['tenth after ninth',                      [replica('db-10'), replica('db-9')], 'db-9'],
    ['a synchronous one although it is later', [replica('db-1', { synchronous: false }), replica('db-2', { lagBytes: 9 })], 'db-2'],
    ['the one least behind',                   [replica('db-1', { lagBytes: 9 }), replica('db-2', { lagBytes: 8 })], 'db-2'],
    ['nobody who does not follow',             [replica('db-1', starting)], undefined],
    ['nobody whose lag is unknown',            [{ ...replica('db-1'), lagBytes: Infinity }], undefined],
  ])('%s', (_name, replicas, expected) => expect(candidate(replicas)?.name).toBe(expected))
})

describe('what is missing', () => {
  // prettier-ignore
  test.each([
    ['nothing',         3, three, false, undefined],
    ['a pod',           4, three, false, '3 of 4 pods are there'],
    ['a primary',       3, three.map((m) => ({ ...m, role: 'replica' as const })), false, 'no member is primary'],
    ['failover itself', 3, three, true, /^Patroni is paused/],
  ])('%s', (_name, wanted, members, paused, expected) => {
    const why = whyIncomplete(pods, wanted, { members, paused })
    if (expected instanceof RegExp) expect(why).toMatch(expected)
    else expect(why).toBe(expected)
  })
})
