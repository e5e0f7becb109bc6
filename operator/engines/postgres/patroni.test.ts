import { expect, test } from 'vitest'
import type { DynamicConfig } from './config.ts'
import { difference, membership, type PatroniMember } from './patroni.ts'

const leader: PatroniMember = { name: 'db-0', role: 'leader', state: 'running' }
const follower: PatroniMember = { name: 'db-1', role: 'quorum_standby', state: 'streaming', lag: 7 }

// prettier-ignore
test.each([
  ['the leader',                       leader,                                        true,  { role: 'primary', healthy: true, synchronous: false }],
  ['a leader that starts',             { ...leader, state: 'starting' },              true,  { role: 'primary', healthy: false }],
  ['a replica that counts for commits', follower,                                     true,  { role: 'replica', healthy: true, synchronous: true, lagBytes: 7 }],
  ['one that does not count yet',      { ...follower, role: 'replica' },              true,  { healthy: false, state: 'streaming but not synchronous yet' }],
  ['and need not',                     { ...follower, role: 'replica' },              false, { healthy: true, synchronous: false }],
  ['one that runs and does not follow', { ...follower, state: 'running' },            true,  { healthy: false, state: 'running' }],
  ['one that has just come',           { ...follower, role: 'replica', state: '' },   true,  { healthy: false, state: 'not started yet' }],
] as const)('%s', (_name, found, synchronous, expected) => {
  expect(membership({ members: [found] }, synchronous).members[0]).toMatchObject(expected)
})

test('a lag that nobody knows is none', () => {
  const [member] = membership({ members: [{ ...follower, lag: 'unknown' }] }, true).members
  expect(member).not.toHaveProperty('lagBytes')
})

test('what waits for a restart, and whether it is the primary’s turn first', () => {
  const waiting = (setting: string, old_value: string, new_value: string) =>
    membership(
      {
        members: [
          { ...leader, pending_restart: true, pending_restart_reason: { [setting]: { old_value, new_value } } },
        ],
      },
      true,
    ).members[0]
  expect(waiting('max_connections', '100', '200')).toMatchObject({
    pendingRestart: ['max_connections: 100 → 200'],
    primaryFirst: false,
  })
  expect(waiting('max_connections', '200', '100')).toMatchObject({ primaryFirst: true })
  expect(waiting('max_files_per_process', '200', '100')).toMatchObject({ primaryFirst: false })
  expect(membership({ members: [{ ...leader, pending_restart: true }] }, true).members[0]).toMatchObject({
    pendingRestart: ['settings'],
  })
})

const wanted: DynamicConfig = {
  ttl: 20,
  loop_wait: 5,
  retry_timeout: 5,
  maximum_lag_on_failover: 1,
  synchronous_mode: 'quorum',
  failsafe_mode: true,
  postgresql: {
    use_pg_rewind: true,
    use_slots: true,
    basebackup: { checkpoint: 'fast' },
    pg_hba: ['a', 'b'],
    parameters: { work_mem: '4MB', max_connections: '100' },
  },
}
const copy = () =>
  structuredClone(wanted) as unknown as Record<string, unknown> & { postgresql: Record<string, unknown> }

test('nothing differs', () => {
  expect(difference(wanted, copy()).changed).toEqual([])
  const numbers = copy()
  numbers.postgresql['parameters'] = { work_mem: '4MB', max_connections: 100 }
  expect(difference(wanted, numbers).changed).toEqual([])
})

test('a parameter that is not wanted goes, one that is missing comes, lists are replaced', () => {
  const current = copy()
  current.postgresql['parameters'] = { work_mem: '8MB', jit: 'off', max_connections: '100' }
  current.postgresql['pg_hba'] = ['a']
  current['synchronous_mode'] = false
  expect(difference(wanted, current)).toEqual({
    patch: {
      synchronous_mode: 'quorum',
      postgresql: { pg_hba: ['a', 'b'], parameters: { jit: null, work_mem: '4MB' } },
    },
    changed: ['jit', 'pg_hba', 'synchronous_mode', 'work_mem'],
  })
})

test('what somebody set beside ours stays: a pause', () => {
  expect(difference(wanted, { ...copy(), pause: true }).patch).not.toHaveProperty('pause')
})
