import { expect, test } from 'vitest'
import type { Member, Membership } from '../engines/engine.ts'
import { lastToLead, nextSize, type Scaling } from './scaling.ts'

const member = (ordinal: number, role: Member['role'] = 'replica', given: Partial<Member> = {}): Member => ({
  name: `db-${ordinal}`,
  role,
  healthy: true,
  state: role === 'primary' ? 'running' : 'streaming',
  synchronous: role === 'replica',
  ...(role === 'replica' ? { lagBytes: 0 } : {}),
  pendingRestart: [],
  primaryFirst: false,
  ...given,
})
const first = [member(0, 'primary'), member(1), member(2)]
const last = [member(0), member(1), member(2, 'primary')]
const down = { healthy: false, state: 'starting' }
const settled = (members: number): Scaling => ({ kind: 'settled', members })

// prettier-ignore
test.each([
  ['a new store begins with one',                      undefined, 3, undefined, settled(1)],
  ['one that hibernates from the start with none',     undefined, 0, undefined, settled(0)],
  ['waking begins with pod 0',                         0, 3, undefined, settled(1)],
  ['up by one when all follow',                        1, 3, [first[0]!], settled(2)],
  ['up: not before the newest follows',                2, 3, [first[0]!, member(1, 'replica', down)], settled(2)],
  ['up: not while nobody answers',                     1, 3, undefined, settled(1)],
  ['nothing to do',                                    3, 3, undefined, settled(3)],
  ['down by one, the highest',                         3, 1, first, settled(2)],
  ['down although the one that goes does not run',     3, 1, [first[0]!, first[1]!, member(2, 'replica', down)], settled(2)],
  ['down: the primary moves to one that stays',        3, 2, last, { kind: 'move', members: 3, from: 'db-2', to: 'db-0' }],
  ['down to one: the primary moves to pod 0',          3, 1, [member(0), member(1, 'primary'), member(2)], { kind: 'move', members: 3, from: 'db-1', to: 'db-0' }],
  ['hibernating goes the same way',                    3, 0, first, settled(2)],
  ['and then stops the last one',                      1, 0, [first[0]!], settled(0)],
  ['which nobody has to answer for',                   1, 0, undefined, settled(0)],
  ['refused: nobody answers',                          3, 1, undefined, { kind: 'refused', members: 3 }],
  ['refused: no primary',                              3, 1, [member(0), member(1), member(2)], { kind: 'refused', members: 3 }],
  ['refused: the primary is not well',                 3, 1, [member(0, 'primary', down), member(1), member(2)], { kind: 'refused', members: 3 }],
  ['refused: one that stays is not there',             3, 2, [first[0]!, first[2]!], { kind: 'refused', members: 3 }],
  ['refused: one that stays does not follow',          3, 2, [first[0]!, member(1, 'replica', down), first[2]!], { kind: 'refused', members: 3 }],
  ['refused: the primary goes, and the rest is behind', 3, 1, [member(0, 'replica', { lagBytes: 2 ** 30 }), member(1), member(2, 'primary')], { kind: 'refused', members: 3 }],
])('%s', (_name, live, wanted, members, expected) => {
  const membership = members && { members, paused: false }
  expect(nextSize({ live, kept: 0, wanted, membership, approves: () => false, nameOf })).toMatchObject(expected)
})

const nameOf = (ordinal: number) => `db-${ordinal}`
const refusalOf = (live: number, wanted: number, membership: Membership | undefined) => {
  const size = nextSize({ live, kept: 0, wanted, membership, approves: () => false, nameOf })
  return size.kind === 'refused' ? size.cause : undefined
}
const lossy = { ...settled(2), lossy: true }
const behind = member(0, 'replica', { lagBytes: 2 ** 30 })
const move = { kind: 'move', members: 3, from: 'db-2', to: 'db-0' }

// prettier-ignore
test.each([
  ['nobody answers',                                       3, 1, undefined,                                                lossy],
  ['the primary goes and nobody can take over',            3, 1, [behind, member(1), last[2]!],                            lossy],
  ['one that stays is down, another takes over first',     3, 2, [member(0), member(1, 'replica', down), last[2]!],        move],
  ['one that stays is down, and the primary stays',        3, 2, [first[0]!, member(1, 'replica', down), first[2]!],       { ...lossy, lossy: false }],
])('what is refused is done when somebody says so, one at a time: %s', (_name, live, wanted, members, expected) => {
  const membership = members && { members, paused: false }
  const cause = refusalOf(live, wanted, membership)
  expect(cause).toBeDefined()
  const size = (approved: string) => nextSize({ live, kept: 0, wanted, membership, approves: (one) => one === approved, nameOf })
  expect(size(cause ?? '')).toEqual(expected)
  expect(size('another cause')).toMatchObject({ kind: 'refused' })
})

test('what is safe goes the safe way, approved or not', () => {
  const membership = { members: last, paused: false }
  expect(nextSize({ live: 3, kept: 0, wanted: 1, membership, approves: () => true, nameOf })).toEqual(move)
})

test('one approval is enough for two members less, and none for another reason', () => {
  expect(refusalOf(2, 1, undefined)).toBe(refusalOf(3, 1, undefined))
  const without = (ordinal: number) => ({ members: first.filter((_, index) => index !== ordinal), paused: false })
  expect(
    new Set([undefined, { members: [], paused: false }, without(1)].map((found) => refusalOf(3, 2, found))).size,
  ).toBe(3)
})

// prettier-ignore
test.each([
  ['the volumes of three members: any may have been primary', 3, 3, 3],
  ['those of more than are wanted: only then some may go',    3, 1, 3],
  ['one',                                                     1, 3, 1],
  ['none',                                                    0, 3, 1],
  ['three, and hibernates',                                   3, 0, 0],
])('a store that comes back, or wakes, to %s', (_name, kept, wanted, members) => {
  for (const live of [undefined, 0])
    expect(nextSize({ live, kept, wanted, membership: undefined, approves: () => false, nameOf: String })).toEqual(settled(members))
})

// prettier-ignore
test.each([
  ['to one: all come back, whoever answers', 1, 3, 3, [first[0]!], settled(3)],
  ['and fewer are wanted: all come back before one may go', 1, 3, 1, undefined, { kind: 'refused', members: 3 }],
  ['of a volume that was marked nobody needs to come back', 2, 2, 3, [first[0]!], settled(2)],
])('somebody scaled the StatefulSet down %s', (_name, live, kept, wanted, members, expected) => {
  const membership = members && { members, paused: false }
  expect(nextSize({ live, kept, wanted, membership, approves: () => false, nameOf: (ordinal) => `db-${ordinal}` })).toMatchObject(expected)
})

const volumeOf = (name: string) => `data-${name}`
const volume = (ordinal: number, given: object = {}) => ({
  name: `data-db-${ordinal}`,
  outlived: false,
  mayLead: false,
  ...given,
})
const [answered, left] = [volume(0, { mayLead: true }), volume(1, { outlived: true })]
const lone = member(0, 'replica', { healthy: false, state: 'running' })

// prettier-ignore
test.each([
  ['it leads',                                               1, [lone],            [answered, left],                     { name: 'db-0' }],
  ['also when the volumes of the others are gone',           1, [lone],            [answered],                           { name: 'db-0' }],
  ['not when the others went because nothing could be lost', 1, [lone],            [volume(0), left],                    undefined],
  ['not while another volume may have more',                 1, [lone],            [answered, volume(1)],                undefined],
  ['not on a volume that others have gone on without',       1, [lone],            [{ ...answered, outlived: true }],    undefined],
  ['not on the volume of another',                           1, [member(1)],       [answered, left],                     undefined],
  ['not on none',                                            1, [lone],            [],                                   undefined],
  ['not when it leads',                                      1, [first[0]!],       [answered, left],                     undefined],
  ['not while one that goes leads',                          1, [lone, last[2]!],  [answered, left],                     undefined],
  ['not while one that goes has not stopped, which is said', 1, [lone, member(1)], [answered, left],                     { name: 'db-0', held: expect.stringContaining('delete pod db-1 --force') as string }],
  ['not when more members belong to the store',              2, [lone],            [answered, left],                     undefined],
  ['not while nobody is there',                              1, [],                [answered, left],                     undefined],
])('the only member left of a shrink that was approved: %s', (_name, wanted, members, volumes, expected) => {
  expect(lastToLead({ wanted, membership: { members, paused: false }, volumes, volumeOf })).toEqual(expected)
})

test('the only member left does not lead while Patroni is paused, which is said', () => {
  const found = lastToLead({
    wanted: 1,
    membership: { members: [lone], paused: true },
    volumes: [answered, left],
    volumeOf,
  })
  expect(found?.held).toContain('patronictl resume')
})
