import { expect, test } from 'vitest'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { nats } from './engine.ts'

const storeOf = (replicas: number) =>
  ({ metadata: { name: 'events' }, spec: { replicas, parameters: {}, resources: {} } }) as unknown as DataStore

test.each([
  [1, []],
  [3, []],
  [5, []],
  [2, ['spec.replicas: 2 pods stand no more failures than 1, because more than half must run; use 1 or 3']],
  [4, ['spec.replicas: 4 pods stand no more failures than 3, because more than half must run; use 3 or 5']],
])('%i pods: %j', (replicas, problems) => expect(nats.validate?.(storeOf(replicas))).toEqual(problems))

test.each([
  ['one that comes back', 1, 1, true],
  ['three that come back', 3, 3, true],
  ['three of which one volume was lost', 3, 2, true],
  ['three that become five', 5, 3, true],
  ['one that becomes three: the cluster would delete its streams', 3, 1, false],
  ['three that become one', 1, 3, false],
  ['five that become three', 3, 5, false],
])('%s', (_name, replicas, volumes, fits) => {
  const message = nats.unfitVolumes?.(storeOf(replicas), volumes)
  if (fits) expect(message).toBeUndefined()
  else expect(message).toContain(`apply it with replicas ${volumes}`)
})
