import type { DataStore } from '../../crds/schema/data-store.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { Controller } from '../reconcile/controller.ts'
import { byMode } from './external.ts'
import { finalSteps, needsFinalizer } from './finalize.ts'
import { dataAtRisk } from './losses.ts'
import { maintenanceOnTime } from './maintenance.ts'
import { findVolumeClaims, observe, type Context, type Tools } from './observe.ts'
import { retentionInSync } from './retention.ts'
import { steps } from './steps.ts'

/** Brings one DataStore to its spec. */
export function dataStoreController(tools: Tools): Controller<Context> {
  return {
    apiVersion,
    kind: 'DataStore',
    async observe(object, signal) {
      await tools.given.read(object as DataStore)
      return observe(object as DataStore, tools, signal)
    },
    steps: byMode([...steps, retentionInSync(), maintenanceOnTime()]),
    // What waited and waits no more goes; the rest stays as it was where the steps said nothing.
    extraStatus: (context) => ({ pending: undefined, migration: undefined, ...context.found }),
    observedConditions: (context) => [...context.beside, ...dataAtRisk(findVolumeClaims(context))],
    needsFinalizer,
    finalSteps,
  }
}
