import type { Plan, Target } from '../engine.ts'
import { ledgerIndex } from './config.ts'
import { ask, reasonOf } from './request.ts'

/** As those of the owner in a store of ours, one by one: a login may have them without having `all`. */
const cluster = ['monitor', 'manage_index_templates']
const index = ['create_index', 'delete_index', 'manage', 'read', 'write', 'view_index_metadata']

interface Privileges {
  cluster?: Partial<Record<string, boolean>>
  index?: Partial<Record<string, Partial<Record<string, boolean>>>>
}

/** What a login that is everybody's may not do with the indices of the store, in Elasticsearch's names of privileges. */
export async function missingRights(target: Target, { store }: Plan, signal: AbortSignal): Promise<string[]> {
  const prefix = target.database
  const names = [`${prefix}-*`, ...(store.spec.schema ? [ledgerIndex(prefix)] : [])]
  const wanted = { cluster, index: [{ names, privileges: index }] }
  const answer = await ask(target, 'POST', '/_security/user/_has_privileges', signal, wanted)
  // Security is switched off behind whatever asks for the login: nothing is refused to anybody.
  if ([400, 404, 405].includes(answer.status)) return []
  if (answer.status !== 200) throw new Error(`Elasticsearch: ${reasonOf(answer)}`)
  return missingIn(answer.body ?? {}, names)
}

/** What the answer does not say is allowed. Pure. */
export function missingIn(held: Privileges, names: string[]): string[] {
  const ofCluster = cluster.filter((privilege) => held.cluster?.[privilege] !== true)
  const ofIndices = (name: string) => index.filter((privilege) => held.index?.[name]?.[privilege] !== true)
  return [
    ...ofCluster.map((privilege) => `cluster privilege ${privilege}`),
    ...names.flatMap((name) => ofIndices(name).map((privilege) => `index privilege ${privilege} on ${name}`)),
  ]
}
