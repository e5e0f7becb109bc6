import { expect, test } from 'vitest'
import type { Placement } from '../crds/schema/common.ts'
import { disruptionBudget, podScheduling } from './placement.ts'

const identity = { name: 'pgbouncer', instance: 'demo', component: 'pooler', cluster: 'demo' }
const matchLabels = {
  'app.kubernetes.io/name': 'pgbouncer',
  'app.kubernetes.io/instance': 'demo',
  'app.kubernetes.io/component': 'pooler',
}
const overNodes = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' } as const
const overZones = {
  maxSkew: 2,
  topologyKey: 'topology.kubernetes.io/zone',
  whenUnsatisfiable: 'DoNotSchedule',
} as const
const tolerations: Placement['tolerations'] = [{ key: 'dedicated', operator: 'Equal', value: 'data' }]

test('by default pods spread over nodes, and nothing else is said', () => {
  expect(podScheduling({ placement: {}, imagePullSecrets: [] }, identity)).toEqual({
    topologySpreadConstraints: [{ ...overNodes, labelSelector: { matchLabels } }],
  })
})

test('what is given is passed on; constraints get the selector of these pods and replace the default', () => {
  const placement = {
    nodeSelector: { disk: 'ssd' },
    tolerations,
    affinity: { nodeAffinity: {} },
    topologySpreadConstraints: [overZones],
    priorityClassName: 'data',
  }
  expect(podScheduling({ placement, imagePullSecrets: ['pull', 'other'] }, identity)).toEqual({
    ...placement,
    topologySpreadConstraints: [{ ...overZones, labelSelector: { matchLabels } }],
    imagePullSecrets: [{ name: 'pull' }, { name: 'other' }],
  })
})

test('an empty list of constraints is a choice, too', () => {
  const placement = { topologySpreadConstraints: [] }
  expect(podScheduling({ placement, imagePullSecrets: [] }, identity).topologySpreadConstraints).toEqual([])
})

test('a disruption budget lets one of the selected pods go', () => {
  const metadata = { name: 'demo-pooler', namespace: 'ns' }
  expect(disruptionBudget(metadata, identity)).toEqual({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { maxUnavailable: 1, selector: { matchLabels } },
  })
})
