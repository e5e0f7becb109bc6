import { describe, expect, test } from 'vitest'
import type { Member } from '../engines/engine.ts'
import { begin, dueRequest, failed, parseRequest, proceed, type SwitchoverStatus } from './switchover.ts'

const now = new Date('2026-03-01T02:00:00Z')
const member = (name: string, role: Member['role'], given: Partial<Member> = {}): Member => ({
  name,
  role,
  healthy: true,
  state: 'streaming',
  synchronous: role === 'replica',
  lagBytes: 0,
  pendingRestart: [],
  primaryFirst: false,
  ...given,
})
const membership = {
  members: [member('db-0', 'primary'), member('db-1', 'replica'), member('db-2', 'replica', { lagBytes: 2 ** 30 })],
  paused: false,
}
const alone = { members: [member('db-0', 'primary')], paused: false }
const earlier: SwitchoverStatus = {
  request: 'any',
  answered: 'any',
  at: '2026-02-01T00:00:00.000Z',
  state: 'Succeeded',
  message: '',
}

const scheduled: SwitchoverStatus = {
  request: 'any@2026-03-01T03:00:00Z',
  answered: 'any',
  at: '2026-03-01T03:00:00.000Z',
  state: 'Scheduled',
  message: '',
}

// prettier-ignore
test.each([
  ['any',                        { target: 'any' }],
  ['db-1',                       { target: 'db-1' }],
  ['db-1@2026-03-01T02:00:00Z',  { target: 'db-1', at: now }],
  ['any@2026-03-01T03:00+01:00', { target: 'any', at: now }],
])('%s is read', (text, expected) => expect(parseRequest(text)).toEqual(expected))

test.each([
  '',
  'DB_1',
  'db-1@',
  'db-1@tomorrow',
  'db-1@2026-03-01',
  'db-1@2026-99-01T00:00:00Z',
  'any@2026-03-01T02:00:00Z@x',
])('"%s" is not', (text) => expect(parseRequest(text)).toBeTypeOf('string'))

describe('a request', () => {
  // prettier-ignore
  test.each([
    ['none',                                undefined, undefined, membership, { kind: 'nothing' }],
    ['any: the replica that is closest',    'any',     undefined, membership, { kind: 'now', from: 'db-0', to: 'db-1' }],
    ['a pod',                               'db-1',    undefined, membership, { kind: 'now', to: 'db-1' }],
    ['answered already',                    'any',     earlier,   membership, { kind: 'nothing' }],
    ['another one after it',                'db-1',    earlier,   membership, { kind: 'now', to: 'db-1' }],
    ['later: told, and what was answered stays so', 'any@2026-03-01T03:00:00Z', earlier, membership, { kind: 'later', status: { state: 'Scheduled', answered: 'any', at: '2026-03-01T03:00:00.000Z' } }],
    ['taken away before it was due',        undefined, scheduled, membership, { kind: 'refused', status: { request: scheduled.request, answered: 'any', state: 'Failed', message: expect.stringContaining('cancelled') as string } }],
    ['put back to what was answered before', 'any',    scheduled, membership, { kind: 'refused', status: { state: 'Failed' } }],
    ['another one in its place',            'db-1',    scheduled, membership, { kind: 'now', to: 'db-1' }],
    ['due a moment ago',                    'any@2026-03-01T01:59:59Z', undefined, membership, { kind: 'now' }],
    ['missed',                              'any@2026-03-01T01:50:00Z', undefined, membership, { kind: 'refused', status: { state: 'Failed' } }],
    ['unreadable',                          'db-1@soon', undefined, membership, { kind: 'refused', status: { state: 'Failed', answered: 'db-1@soon' } }],
    ['no such pod',                         'db-7',    undefined, membership, { kind: 'refused', status: { message: 'there is no member db-7; there are db-0, db-1, db-2' } }],
    ['no such pod, and not before it is due', 'db-7@2026-03-01T03:00:00Z', undefined, membership, { kind: 'refused' }],
    ['the primary itself',                  'db-0',    undefined, membership, { kind: 'refused', status: { message: 'db-0 is primary already' } }],
    ['the primary itself, later',           'db-0@2026-03-01T03:00:00Z', undefined, membership, { kind: 'later' }],
    ['one that is far behind',              'db-2',    undefined, membership, { kind: 'refused' }],
    ['a store of one member',               'any',     undefined, alone,      { kind: 'refused', status: { message: 'no replica is close enough behind the primary to take over' } }],
  ])('%s', (_name, request, status, membership, expected) => {
    expect(dueRequest({ request, status, membership, now })).toMatchObject(expected)
  })
})

describe('its course', () => {
  const start = (pooled: boolean) =>
    begin({ request: 'any', from: 'db-0', to: 'db-1', pooled, previous: undefined, now })
  const preparing = start(true).status
  const running: SwitchoverStatus = { ...preparing, state: 'Running' }
  const after = (ms: number) => new Date(now.getTime() + ms)

  test('a pooler is asked first, where there is one', () => {
    expect(start(true)).toMatchObject({ kind: 'prepare', status: { state: 'Preparing', from: 'db-0', to: 'db-1' } })
    expect(start(false)).toMatchObject({ kind: 'run', status: { state: 'Running' } })
  })

  // prettier-ignore
  test.each([
    ['the pooler has not answered yet',          preparing, 'db-0', false, undefined,    100,    { kind: 'wait' }],
    ['it answered another one',                  preparing, 'db-0', false, earlier.at,   100,    { kind: 'wait' }],
    ['it holds its clients',                     preparing, 'db-0', false, preparing.at, 100,    { kind: 'run', status: { state: 'Running' } }],
    ['it had its five seconds',                  preparing, 'db-0', false, undefined,    5_000,  { kind: 'run' }],
    ['the old one still is',                     running,   'db-0', false, undefined,    6_000,  { kind: 'wait' }],
    ['nobody is',                                running,   undefined, false, undefined, 6_000,  { kind: 'wait' }],
    ['the new one is, and does not answer yet',  running,   'db-1', false, undefined,    6_000,  { kind: 'wait' }],
    ['the new one answers',                      running,   'db-1', true,  undefined,    6_000,  { kind: 'over', status: { state: 'Succeeded', answered: 'any' } }],
    ['another one took over',                    running,   'db-2', true,  undefined,    6_000,  { kind: 'over', status: { state: 'Succeeded', message: 'from db-0 to db-2 instead of db-1' } }],
    ['done, but the operator died before saying so', preparing, 'db-1', true, undefined, 9_000,  { kind: 'over', status: { state: 'Succeeded' } }],
    ['it does not end',                          running,   'db-0', false, undefined,    60_001, { kind: 'over', status: { state: 'Failed' } }],
  ])('%s', (_name, status, primary, answers, pausedFor, ms, expected) => {
    expect(proceed({ status, primary, answers, pausedFor, now: after(ms) })).toMatchObject(expected)
  })

  test('one of a rolling restart answers nobody, and forgets no answer', () => {
    const own = begin({ request: 'rolling restart', from: 'db-0', to: 'db-1', pooled: false, previous: earlier, now })
    expect(failed(own.status, 'no')).toMatchObject({ state: 'Failed', answered: 'any', request: 'rolling restart' })
    const first = begin({ request: 'scale down', from: 'db-0', to: 'db-1', pooled: false, previous: undefined, now })
    expect(failed(first.status, 'no')).not.toHaveProperty('answered')
  })
})
