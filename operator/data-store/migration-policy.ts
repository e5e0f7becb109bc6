import type { KubeObject } from '../../crds/object.ts'
import { networkPolicy, podsOf, to, toAnywhere } from '../network.ts'
import { metadata } from './logins.ts'
import { migrationOf } from './migrate-job.ts'
import { names } from './names.ts'
import { adminTarget, type Context } from './observe.ts'

/** Nobody connects to the pods that migrate, and they connect to their database alone; of an external one a policy can name only the port. */
export function migrationPolicy(context: Context): KubeObject[] {
  const { engine, plan, store } = context
  const { name } = store.metadata
  if (!store.spec.schema) return []
  const isExternal = store.spec.mode === 'external'
  const database = isExternal ? toAnywhere([adminTarget(context).port]) : to(podsOf(plan.identity), [engine.port])
  const rules = { ingress: [], egress: [database] }
  return networkPolicy(store.spec, metadata(context, names.migrationPolicy(name)), migrationOf(name), rules)
}
