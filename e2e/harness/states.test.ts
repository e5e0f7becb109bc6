import { expect, test } from 'vitest'
import { disagreements, kstatus } from '../../operator/testing/kstatus.ts'
import { recordedStates } from './states.ts'

test('kstatus agrees with Ready in every recorded state', () => {
  const states = recordedStates()
  const verdicts = kstatus(states)
  expect(disagreements(states, verdicts)).toEqual([])
  const seen = Object.groupBy(verdicts, ({ status }) => status)
  const counts = Object.entries(seen).map(([status, all]) => `${all.length} ${status}`)
  console.log(`${states.length} recorded states: ${counts.join(', ')}`)
  expect(Object.keys(seen).sort()).toEqual(['Current', 'Failed', 'InProgress', 'Terminating'])
})
