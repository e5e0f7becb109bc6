import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { conditions, type ConditionType } from '../crds/conditions.ts'
import type { KubeObject } from '../crds/object.ts'
import { apiVersion, unseenStatus } from '../crds/schema/common.ts'
import { dataStoreController } from './data-store/controller.ts'
import type { Tools } from './data-store/observe.ts'
import { client, testNamespace } from './kube/testing/cluster.ts'
import { matchingClusterController } from './matching-cluster/controller.ts'
import type { Controller } from './reconcile/controller.ts'
import type { Outcome } from './reconcile/outcome.ts'
import { computeStatus, pausedStatus, type CommonStatus, type Finding } from './reconcile/status.ts'
import { runSteps, type StepResult } from './reconcile/steps.ts'
import { disagreements, kstatus } from './testing/kstatus.ts'

/** What a step may find. Those that go on let the next step run, the others are the last. */
type Found = { goOn: boolean; outcome: (reason: Outcome['reason']) => Outcome }

const message = 'so it is'
const retryAfterMs = 1
// prettier-ignore
const findings: Found[] = [
  { goOn: true,  outcome: (reason) => ({ kind: 'done', reason }) },
  { goOn: true,  outcome: (reason) => ({ kind: 'wait', reason, message, retryAfterMs, goOn: true }) },
  { goOn: true,  outcome: (reason) => ({ kind: 'blocked', reason, message, goOn: true }) },
  { goOn: false, outcome: (reason) => ({ kind: 'wait', reason, message, retryAfterMs }) },
  { goOn: false, outcome: (reason) => ({ kind: 'blocked', reason, message }) },
  { goOn: false, outcome: (reason) => ({ kind: 'asleep', reason, message }) },
  { goOn: false, outcome: () => { throw new Error(message) } },
]

/** Every course that so many steps can take. */
function courses(steps: number): Found[][] {
  if (steps === 0) return [[]]
  const rest = courses(steps - 1)
  return findings.flatMap((first) => (first.goOn ? rest.map((later) => [first, ...later]) : [[first]]))
}

async function resultsOf(steps: ConditionType[], course: Found[]): Promise<StepResult[]> {
  const run = steps.map((condition, index) => ({
    condition,
    run: async () => course[index]!.outcome(conditions[condition].reasons[0]),
  }))
  return runSteps(run, undefined)
}

const now = new Date('2026-01-02T03:04:05Z')
const beside: Finding = { type: 'PendingRollout', status: 'True', reason: 'AwaitingWindow', message: 'later' }

/** An object in each state that one course leads to: looked at, edited since, paused since, deleted. */
function statesOf(kind: string, status: CommonStatus): KubeObject[] {
  const object = (generation: number, more: object, status: object): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: 'a', generation, ...more },
    status,
  })
  return [
    object(2, {}, status),
    object(3, {}, status),
    object(3, {}, pausedStatus(status, 3, now)),
    object(2, {}, pausedStatus(status, 2, now)),
    object(2, { deletionTimestamp: now.toISOString() }, status),
  ]
}

// The tools are for what steps do, not for which there are.
const tools = { now: () => now } as Tools

test.each<Controller<never>>([
  dataStoreController(tools) as Controller<never>,
  matchingClusterController(tools) as Controller<never>,
])('kstatus agrees with Ready in every state that a $kind can be in', async ({ kind, steps, finalSteps = [] }) => {
  const states: KubeObject[] = []
  for (const [list, deleting] of [[steps, false] as const, [finalSteps, true] as const]) {
    // One of the two that only warn stands for both: each more makes three times the states.
    const names = list.map(({ condition }) => condition).filter((condition) => condition !== 'RetentionInSync')
    for (const course of courses(names.length)) {
      const results = await resultsOf(names, course)
      const status = computeStatus({ results, observed: [beside], generation: 2, deleting, now })
      states.push(...statesOf(kind, status))
    }
  }
  states.push(...statesOf(kind, unseenStatus))
  const verdicts = kstatus(states)
  expect(disagreements(states, verdicts)).toEqual([])
  const seen = Object.groupBy(verdicts, ({ status }) => status)
  console.log(
    `${kind}: ${Object.entries(seen)
      .map(([status, all]) => `${all.length} ${status}`)
      .join(', ')}`,
  )
  expect(Object.keys(seen).sort()).toEqual(['Current', 'Failed', 'InProgress', 'Terminating'])
})

test('what says that it is not done, it says in our words', () => {
  const blocked: StepResult = { condition: 'SpecValid', outcome: { kind: 'blocked', reason: 'Invalid', message } }
  const waiting: StepResult = {
    condition: 'SpecValid',
    outcome: { kind: 'wait', reason: 'Invalid', message, retryAfterMs },
  }
  const states = [blocked, waiting].flatMap((result) => {
    const status = computeStatus({ results: [result], generation: 2, now })
    return statesOf('DataStore', status).slice(0, 1)
  })
  expect(kstatus(states)).toEqual([
    { status: 'Failed', message },
    { status: 'InProgress', message },
  ])
})

const namespace = await testNamespace()

test.each([
  ['MatchingCluster', {}],
  ['DataStore', { engine: 'postgres', schema: { name: 'core' } }],
])('a %s that nobody has looked at is not done', async (kind, spec) => {
  const created = await client.create({ apiVersion, kind, metadata: { name: 'new', namespace }, spec })
  expect(created['status']).toEqual(unseenStatus)
  expect(kstatus([created])).toMatchObject([{ status: 'InProgress' }])
})

test('it is the version that our Helm waits with', () => {
  const versionIn = (tool: string) => {
    const text = readFileSync(join(import.meta.dirname, `../local/go/${tool}/go.mod`), 'utf8')
    return /fluxcd\/cli-utils (\S+)/.exec(text)?.[1]
  }
  expect(versionIn('kstatus')).toBe(versionIn('helm'))
})
