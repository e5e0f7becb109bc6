import { apiVersion } from '../../crds/schema/common.ts'
import type { MatchingCluster, MatchingClusterStatus } from '../../crds/schema/matching-cluster.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { Tools } from '../data-store/observe.ts'
import type { Controller } from '../reconcile/controller.ts'
import { finalSteps, needsFinalizer } from './finalize.ts'
import { observe, readStores, type Context } from './observe.ts'
import { steps, whyNotReady } from './steps.ts'

/** Brings one MatchingCluster to its spec. It talks to no engine: that is what its DataStores are for. */
export function matchingClusterController(tools: Tools): Controller<Context> {
  return {
    apiVersion,
    kind: 'MatchingCluster',
    observe: async (object, signal) => observe(object as MatchingCluster, tools, signal),
    steps,
    extraStatus: storesStatus,
    needsFinalizer,
    finalSteps,
  }
}

type StoreSummary = NonNullable<MatchingClusterStatus['stores']>[string]

function storesStatus(context: Context): Record<string, unknown> {
  const stores = Object.fromEntries([...readStores(context)].map(([name, store]) => [name, summary(store)]))
  const ready = Object.values(stores).filter((store) => store.ready).length
  return { stores, storesReady: `${ready}/${Object.keys(stores).length}` }
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
