import { describe, expect, test } from 'vitest'
import type { Phase } from '../../crds/schema/common.ts'
import { KubeError } from '../kube/client.ts'
import { computeStatus, isPaused, pausedStatus, requeueAfter, type CommonStatus } from './status.ts'
import type { StepResult } from './steps.ts'

const now = new Date('2026-01-02T03:04:05.678Z')
const later = new Date('2026-01-02T04:00:00Z')

const valid: StepResult = { condition: 'SpecValid', outcome: { kind: 'done', reason: 'Valid' } }
const applied = objects({ kind: 'done', reason: 'Applied' })
const ready: StepResult = {
  condition: 'EngineReady',
  outcome: { kind: 'done', reason: 'Ready', message: 'PostgreSQL 17.5' },
}
const waiting = objects({
  kind: 'wait',
  reason: 'PreviousOwnerTerminating',
  message: 'still there',
  retryAfterMs: 2_000,
})
const blocked = objects({ kind: 'blocked', reason: 'FieldConflict', message: 'not ours' })
const thrown = objects({ kind: 'error', error: new Error('postgres://a:hunter2@b refused') })
const notReached: StepResult = { condition: 'EngineReady', outcome: { kind: 'notReached' } }

function objects(outcome: StepResult['outcome']): StepResult {
  return { condition: 'ObjectsApplied', outcome }
}

const allDone: StepResult[] = [valid, applied, ready]
const status = (results: StepResult[], previous?: CommonStatus, generation = 1, at = now) =>
  computeStatus({ results, previous, generation, now: at })
const rows = (one: CommonStatus) =>
  one.conditions.map(({ type, status, reason, message }) => [type, status, reason, message])

// prettier-ignore
test.each<[string, StepResult[], string[][]]>([
  ['all done', allDone, [
    ['SpecValid', 'True', 'Valid', ''],
    ['ObjectsApplied', 'True', 'Applied', ''],
    ['EngineReady', 'True', 'Ready', 'PostgreSQL 17.5'],
    ['Ready', 'True', 'Ready', ''],
  ]],
  ['a wait', [valid, waiting, notReached], [
    ['SpecValid', 'True', 'Valid', ''],
    ['ObjectsApplied', 'False', 'PreviousOwnerTerminating', 'still there'],
    ['EngineReady', 'Unknown', 'NotReached', ''],
    ['Ready', 'False', 'NotReady', 'still there'],
    ['Reconciling', 'True', 'Progressing', 'still there'],
  ]],
  ['a block', [valid, blocked, notReached], [
    ['SpecValid', 'True', 'Valid', ''],
    ['ObjectsApplied', 'False', 'FieldConflict', 'not ours'],
    ['EngineReady', 'Unknown', 'NotReached', ''],
    ['Ready', 'False', 'NotReady', 'not ours'],
    ['Stalled', 'True', 'Blocked', 'not ours'],
  ]],
  ['a surprise', [valid, thrown, notReached], [
    ['SpecValid', 'True', 'Valid', ''],
    ['ObjectsApplied', 'False', 'Error', 'postgres://a:[redacted]@b refused'],
    ['EngineReady', 'Unknown', 'NotReached', ''],
    ['Ready', 'False', 'NotReady', 'postgres://a:[redacted]@b refused'],
    ['Reconciling', 'True', 'Progressing', 'postgres://a:[redacted]@b refused'],
  ]],
])('conditions of %s', (_name, results, expected) => {
  expect(rows(status(results))).toEqual(expected)
})

test('a step that only warns is False; the object is Ready, and the steps after it ran', () => {
  const outcome = { kind: 'warn', reason: 'Overdue', message: 'job tidy is late', retryAfterMs: 60_000 } as const
  const late: StepResult = { condition: 'MaintenanceOnTime', outcome }
  expect(rows(status([valid, late, ready])).slice(1)).toEqual([
    ['MaintenanceOnTime', 'False', 'Overdue', 'job tidy is late'],
    ['EngineReady', 'True', 'Ready', 'PostgreSQL 17.5'],
    ['Ready', 'True', 'Ready', ''],
  ])
  expect(status([valid, late]).phase).toBe('Ready')
  expect(requeueAfter([valid, late])).toEqual({ afterMs: 60_000 })
  expect(rows(status([valid, late, blocked])).at(-1)).toEqual(['Stalled', 'True', 'Blocked', 'not ours'])
})

test('the words of others are redacted and cut, wherever they come from', () => {
  const message = `postgres://a:hunter2@b refused\n${'x'.repeat(4_096)}`
  // prettier-ignore
  const outcomes: StepResult['outcome'][] = [
    { kind: 'done',    reason: 'Applied', message },
    { kind: 'wait',    reason: 'PreviousOwnerTerminating', message, retryAfterMs: 1 },
    { kind: 'blocked', reason: 'FieldConflict', message },
  ]
  for (const outcome of outcomes) {
    const messages = status([objects(outcome)]).conditions.map((condition) => condition.message)
    expect(messages[0]).toMatch(/^postgres:\/\/a:\[redacted\]@b refused x+…$/)
    expect(messages.every(({ length }) => length <= 512)).toBe(true)
    expect(JSON.stringify(messages)).not.toContain('hunter2')
  }
})

describe('times and generations', () => {
  test('the same results give the same status', () => {
    const first = status(allDone)
    expect(status(allDone, first, 1, later)).toEqual(first)
  })

  test('lastTransitionTime moves with status only, in whole seconds; observedGeneration moves always', () => {
    const first = status([valid, waiting, notReached])
    const second = status([valid, blocked, notReached], first, 2, later)
    const times = Object.fromEntries(
      second.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    )
    expect(times).toEqual({
      SpecValid: '2026-01-02T03:04:05Z',
      ObjectsApplied: '2026-01-02T03:04:05Z',
      EngineReady: '2026-01-02T03:04:05Z',
      Ready: '2026-01-02T03:04:05Z',
      Stalled: '2026-01-02T04:00:00Z',
    })
    const third = status(allDone, second, 3, later)
    expect(third.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime).toBe('2026-01-02T04:00:00Z')
    expect(third.observedGeneration).toBe(3)
    expect(third.conditions.every(({ observedGeneration }) => observedGeneration === 3)).toBe(true)
  })
})

// prettier-ignore
test.each<[string, StepResult[], Phase | undefined, number, Phase]>([
  ['first wait',                         [valid, waiting],  undefined,  1, 'Creating'],
  ['still waiting',                      [valid, waiting],  'Creating', 1, 'Creating'],
  ['done',                               allDone,           'Creating', 1, 'Ready'],
  ['a wait of an unchanged spec',        [valid, waiting],  'Ready',    1, 'Degraded'],
  ['an error of an unchanged spec',      [valid, thrown],   'Ready',    1, 'Degraded'],
  ['a wait of a new spec',               [valid, waiting],  'Ready',    2, 'Updating'],
  ['a wait of a new spec goes on',       [valid, waiting],  'Updating', 1, 'Updating'],
  ['blocked',                            [valid, blocked],  'Ready',    1, 'Failed'],
  ['no longer blocked',                  [valid, waiting],  'Failed',   2, 'Updating'],
  ['recovered',                          allDone,           'Degraded', 1, 'Ready'],
])('phase: %s', (_name, results, phase, generation, expected) => {
  const previous: CommonStatus | undefined = phase && { observedGeneration: 1, phase, conditions: [] }
  expect(status(results, previous, generation).phase).toBe(expected)
})

const refused = objects({ kind: 'blocked', reason: 'ShrinkRefused', message: 'no', retryAfterMs: 30_000, goOn: true })
const polled = objects({ kind: 'blocked', reason: 'FieldConflict', message: 'not ours', retryAfterMs: 30_000 })

// prettier-ignore
test.each<[string, StepResult[], ReturnType<typeof requeueAfter>]>([
  ['done comes back in 10 to 12 minutes', allDone,                      { afterMs: 660_000 }],
  ['a wait says when',                    [valid, waiting, notReached], { afterMs: 2_000 }],
  ['so does a block',                     [valid, blocked, notReached], { afterMs: 660_000 }],
  ['unless it says when',                 [valid, polled, notReached],  { afterMs: 30_000 }],
  ['what goes on: whoever is first',      [refused, waiting],           { afterMs: 2_000 }],
  ['what goes on, and all else is done',  [refused, { ...valid, condition: 'EngineReady' }], { afterMs: 30_000 }],
  ['what goes on, to an error',           [refused, thrown],            'backoff'],
  ['an error backs off',                  [valid, thrown, notReached],  'backoff'],
  ['an overloaded server says when',      [objects({ kind: 'error', error: new KubeError(429, 'TooManyRequests', 'slow down', 7_000) })], { afterMs: 7_000 }],
])('requeue: %s', (_name, results, expected) => {
  expect(requeueAfter(results, () => 0.5)).toEqual(expected)
})

test('hibernated is neither progress nor trouble', () => {
  const asleep = objects({ kind: 'asleep', reason: 'External', message: 'hibernate is true' })
  const found = status([valid, asleep, notReached])
  expect(found.phase).toBe('Hibernated')
  expect(rows(found).slice(-1)).toEqual([['Ready', 'False', 'NotReady', 'hibernate is true']])
  expect(requeueAfter([asleep])).toHaveProperty('afterMs')
})

test('an observed condition is there only while it is found, and keeps its time', () => {
  const pending = { type: 'PendingRollout', status: 'True', reason: 'AwaitingWindow', message: 'image' } as const
  const first = computeStatus({ results: allDone, observed: [pending], generation: 1, now })
  expect(first.phase).toBe('Ready')
  const second = computeStatus({ results: allDone, observed: [pending], previous: first, generation: 1, now: later })
  expect(second.conditions.at(-1)).toMatchObject({ ...pending, lastTransitionTime: '2026-01-02T03:04:05Z' })
  expect(rows(status(allDone, second))).not.toContainEqual(expect.arrayContaining(['PendingRollout']))
})

test('paused: everything stays as it was last seen, and a condition says so', () => {
  const before = status(allDone)
  const paused = pausedStatus(before, 2, later)
  expect(paused).toMatchObject({ observedGeneration: 1, phase: 'Ready' })
  expect(rows(paused).map(([type]) => type)).toEqual([
    'SpecValid',
    'ObjectsApplied',
    'EngineReady',
    'Ready',
    'ReconciliationPaused',
  ])
  expect(pausedStatus(paused, 2, now)).toEqual(paused)
  expect(rows(status(allDone, paused))).toEqual(rows(before))
})

test.each([
  [true, { paused: true }, {}],
  [true, {}, { 'supersmartmatch.io/pause-reconciliation': 'true' }],
  [true, {}, { 'supersmartmatch.io/pause-reconciliation': 'yes' }],
  [false, {}, {}],
  [false, { paused: false }, { 'supersmartmatch.io/pause-reconciliation': 'false' }],
])('paused: %s', (expected, spec, annotations) => {
  expect(isPaused({ apiVersion: 'v1', kind: 'DataStore', metadata: { name: 'a', annotations }, spec })).toBe(expected)
})
