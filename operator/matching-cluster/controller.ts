import { apiVersion } from '../../crds/schema/common.ts'
import type { MatchingCluster, MatchingClusterStatus } from '../../crds/schema/matching-cluster.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { Tools } from '../data-store/observe.ts'
import type { Controller } from '../reconcile/controller.ts'
import { finalSteps, needsFinalizer } from './finalize.ts'
import type { Finding } from '../reconcile/status.ts'
import { observe, readStores, type Context } from './observe.ts'
import { holdClients } from './switchover.ts'
import { steps, whyNotReady } from './steps.ts'

/** Brings one MatchingCluster to its spec. It talks to no engine: that is what its DataStores are for. */
export function matchingClusterController(tools: Tools): Controller<Context> {
  const since = tools.now()
  return {
    apiVersion,
    kind: 'MatchingCluster',
    async observe(object, signal) {
      const context = observe(object as MatchingCluster, tools, signal)
      await Promise.all([...context.stores.values()].map((store) => tools.given.read(store)))
      return context
    },
    steps,
    urgent: (object, signal) => holdClients(observe(object as MatchingCluster, tools, signal), since),
    extraStatus: storesStatus,
    needsFinalizer,
    finalSteps,
    observedConditions: (context) => [...pendingRollouts(context), ...warningsOf(context)],
  }
}

type StoreSummary = NonNullable<MatchingClusterStatus['stores']>[string]

function storesStatus(context: Context): Record<string, unknown> {
  const stores = Object.fromEntries([...readStores(context)].map(([name, store]) => [name, summary(store)]))
  const ready = Object.values(stores).filter((store) => store.ready).length
  return { stores, storesReady: `${ready}/${Object.keys(stores).length}` }
}

/** What waits in a store waits in the platform; it is let go where it waits. */
function pendingRollouts(context: Context): Finding[] {
  const pending = [...readStores(context)].flatMap(([name, store]) => {
    const condition = store.status?.conditions.find(
      ({ type, status }) => type === 'PendingRollout' && status === 'True',
    )
    if (!condition) return []
    const { hash } = store.status?.pending ?? {}
    const plan = hash ? ` (DataStore ${store.metadata.name}, plan ${hash})` : ''
    return [{ reason: condition.reason, message: `${name}${plan}: ${condition.message}` }]
  })
  const [first] = pending
  if (!first) return []
  const message = pending.map(({ message }) => message).join('; ')
  return [{ type: 'PendingRollout', status: 'True', reason: first.reason, message }]
}

/** What only warns of a store is nothing the platform waits for, but whoever looks at it should know. */
const warnings = ['RetentionInSync', 'MaintenanceOnTime'] as const

function warningsOf(context: Context): Finding[] {
  return warnings.flatMap((type) => {
    const found = [...readStores(context)].flatMap(([name, store]) => {
      const condition = store.status?.conditions.find((one) => one.type === type)
      return condition?.status === 'False' ? [{ ...condition, message: `${name}: ${condition.message}` }] : []
    })
    const [first] = found
    if (!first) return []
    return [
      { type, status: 'False' as const, reason: first.reason, message: found.map(({ message }) => message).join('; ') },
    ]
  })
}

function summary(store: DataStore): StoreSummary {
  const why = whyNotReady(store)
  const { status } = store
  return {
    ready: why === undefined,
    phase: status?.phase ?? 'Pending',
    message: why ?? 'Ready',
    ...(status?.version ? { version: status.version } : {}),
    ...(status?.endpoint ? { endpoint: status.endpoint } : {}),
  }
}
