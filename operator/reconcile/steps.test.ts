import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { conditions } from '../../crds/conditions.ts'
import type { Outcome } from './outcome.ts'
import { runSteps, type Step } from './steps.ts'

const step = (condition: Step<object>['condition'], outcome: Outcome): Step<object> => ({
  condition,
  run: () => Promise.resolve(outcome),
})

test('steps run until one is not done', async () => {
  const outcomes = await runSteps(
    [
      step('SpecValid', { kind: 'done', reason: 'Valid' }),
      step('StoresReady', { kind: 'wait', reason: 'StoreNotReady', message: 'core', retryAfterMs: 1 }),
      step('ServicesReady', { kind: 'done', reason: 'Ready' }),
    ],
    {},
  )
  expect(outcomes.map(({ outcome }) => outcome.kind)).toEqual(['done', 'wait', 'notReached'])
})

test('one that holds up nothing lets the next ones run', async () => {
  const refused = { kind: 'blocked', reason: 'VolumeCannotGrow', message: 'rigid', goOn: true } as const
  const list = [step('ObjectsApplied', refused), step('EngineReady', { kind: 'done', reason: 'Ready' })]
  const outcomes = await runSteps(list, {})
  expect(outcomes.map(({ outcome }) => outcome.kind)).toEqual(['blocked', 'done'])
})

test('one that only warns lets the next ones run', async () => {
  const late = { kind: 'warn', reason: 'Overdue', message: 'tidy', retryAfterMs: 1 } as const
  const list = [step('MaintenanceOnTime', late), step('EngineReady', { kind: 'done', reason: 'Ready' })]
  expect((await runSteps(list, {})).map(({ outcome }) => outcome.kind)).toEqual(['warn', 'done'])
})

test('a reason that the condition does not list is an error that says so, and keeps the words', async () => {
  const [result] = await runSteps([step('SpecValid', { kind: 'blocked', reason: 'Failed', message: 'no image' })], {})
  expect(result?.outcome).toEqual({
    kind: 'error',
    error: new Error('SpecValid does not list the reason Failed in crds/conditions.ts: no image'),
  })
})

test('every reason of a step is one that some step reports', () => {
  const root = join(import.meta.dirname, '..')
  const files = globSync('{*,data-store/*,matching-cluster/*,kube/apply,reconcile/controller}.ts', { cwd: root })
  const sources = files
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
  const ofSteps = Object.entries(conditions).filter(([type]) => !['Ready', 'Reconciling', 'Stalled'].includes(type))
  const reasons = new Set<string>(ofSteps.flatMap(([, { reasons }]) => reasons))
  expect(reasons.size).toBeGreaterThan(15)
  expect([...reasons].filter((reason) => !sources.some((source) => source.includes(`'${reason}'`)))).toEqual([])
})
