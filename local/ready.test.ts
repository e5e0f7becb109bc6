import { expect, test } from 'vitest'
import { notBackYet, stalled, whyNotReady } from './ready.ts'

const object = (name: string, type: string, status: string, message: string) => ({
  kind: 'DataStore',
  metadata: { name },
  status: {
    conditions: [
      { type: 'SpecValid', status: 'True', message: '' },
      { type, status, message },
    ],
  },
})

test('the message of Ready is what is shown while waiting', () => {
  expect(whyNotReady(undefined)).toMatch(/not looked at it/)
  expect(whyNotReady({ kind: 'MatchingCluster', metadata: { name: 'new' } })).toMatch(/not looked at it/)
  expect(whyNotReady(object('demo', 'Ready', 'False', 'core: waiting for the database'))).toBe(
    'core: waiting for the database',
  )
  expect(whyNotReady(object('demo', 'Ready', 'True', ''))).toBeUndefined()
})

test('a stalled object is named with its reason', () => {
  const fine = object('geo', 'Stalled', 'False', 'was once')
  expect(stalled([fine, object('core', 'Stalled', 'True', 'a migration was edited')])).toBe(
    'DataStore core is stalled: a migration was edited',
  )
  expect(stalled([fine])).toBeUndefined()
})

const pod = (name: string, ready: boolean, startedAt: string, restartPolicy = 'Always') => ({
  metadata: { name },
  spec: { restartPolicy },
  status: { containerStatuses: [{ ready, state: { running: { startedAt } } }] },
})

test('after a restart of the cluster a pod counts once its containers have started anew', () => {
  const since = Date.parse('2026-01-01T00:00:10Z')
  const back = pod('back', true, '2026-01-01T00:00:10Z')
  expect(notBackYet([back], since)).toBeUndefined()
  expect(notBackYet([back, pod('old', true, '2026-01-01T00:00:09Z')], since)).toBe('old')
  expect(notBackYet([back, pod('starting', false, '2026-01-01T00:00:11Z')], since)).toBe('starting')
  const spec = { restartPolicy: 'Always' }
  const exited = { metadata: { name: 'exited' }, spec, status: { containerStatuses: [{ ready: true, state: {} }] } }
  expect(notBackYet([exited], since)).toBe('exited')
  expect(notBackYet([{ metadata: { name: 'pending' }, spec, status: {} }], since)).toBe('pending')
  expect(notBackYet([pod('job', false, '2025-01-01T00:00:00Z', 'Never')], since)).toBeUndefined()
})
