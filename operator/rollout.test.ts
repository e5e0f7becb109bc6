import { expect, test } from 'vitest'
import { rollout } from './rollout.ts'

const deployment = (generation: number, status: object) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'api', generation },
  spec: { replicas: 2 },
  status,
})
const done = { observedGeneration: 3, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }

// prettier-ignore
test.each([
  ['all new and available',  deployment(3, done),                                            undefined],
  ['new spec unseen',        deployment(4, done),                                            'Deployment api: the new spec is not looked at yet'],
  ['half rolled',            deployment(3, { ...done, updatedReplicas: 1 }),                 'Deployment api: 1 of 2 pods are new'],
  ['old pods linger',        deployment(3, { ...done, replicas: 3 }),                        'Deployment api: old pods are still stopping'],
  ['new but not available',  deployment(3, { ...done, availableReplicas: 1 }),               'Deployment api: 1 of 2 pods are available'],
  ['nothing observed',       deployment(3, {}),                                              'Deployment api: the new spec is not looked at yet'],
])('%s', (_name, object, expected) => expect(rollout(object)).toBe(expected))
