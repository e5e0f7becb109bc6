import { isReasonOf, type ConditionType } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'
import { goesOn, type Outcome } from './outcome.ts'

/** One step of a reconcile: owns one condition, never sleeps, throws only for surprises. */
export interface Step<Context> {
  condition: ConditionType
  /** Absent: to all. An object that it does not apply to has no such condition. */
  appliesTo?(object: KubeObject): boolean
  run(context: Context): Promise<Outcome>
}

/** What running a list of steps gave: one entry per step that ran, and the error of the one that threw. */
export interface StepResult {
  condition: ConditionType
  outcome: Outcome | { kind: 'error'; error: unknown } | { kind: 'notReached' }
}

/**
 * Runs steps in order until one does not end as `done`; those after it are `notReached`. Whether it holds them back is for its outcome
 * to say, not for the list: volumes that cannot grow keep a new store from being made, and nothing else of one that runs.
 */
export async function runSteps<Context>(steps: Step<Context>[], context: Context): Promise<StepResult[]> {
  const results: StepResult[] = []
  let stopped = false
  for (const step of steps) {
    if (stopped) {
      results.push({ condition: step.condition, outcome: { kind: 'notReached' } })
      continue
    }
    const outcome = await runOne(step, context)
    stopped = !goesOn(outcome)
    results.push({ condition: step.condition, outcome })
  }
  return results
}

async function runOne<Context>(step: Step<Context>, context: Context): Promise<StepResult['outcome']> {
  try {
    const outcome = await step.run(context)
    if (isReasonOf(step.condition, outcome.reason)) return outcome
    const { reason, message = '' } = outcome
    throw new Error(`${step.condition} does not list the reason ${reason} in crds/conditions.ts: ${message}`)
  } catch (error) {
    return { kind: 'error', error }
  }
}
