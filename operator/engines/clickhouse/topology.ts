import { names } from '../../data-store/names.ts'
import type { Plan } from '../engine.ts'
import { namespaceOf, storeName } from '../stateful.ts'

/*
 * Which pod holds what. Pod N is replica ⌊N / shards⌋ of shard N mod shards: so replicas are added and taken away at the end, and
 * no pod ever holds another shard than before.
 */

export const shardsOf = ({ store }: Plan) => store.spec.shards
/** More than one server, whatever runs of them now: they know each other and agree by way of Keeper. */
export const isCluster = ({ store }: Pick<Plan, 'store'>) => store.spec.shards * store.spec.replicas > 1

/** By shard, the names of its replicas, as pods find and certificates name them. */
export function shards(plan: Plan): string[][] {
  const { shards: count, replicas } = plan.store.spec
  const range = (length: number) => Array.from({ length }, (_, index) => index)
  return range(count).map((shard) => range(replicas).map((replica) => podHost(plan, replica * count + shard)))
}

const podHost = (plan: Plan, ordinal: number) =>
  `${names.pod(storeName(plan), ordinal)}.${names.headlessService(storeName(plan))}.${namespaceOf(plan)}.svc`

/** Two of three decide: one may fail. */
export const keepers = 3

export const keeperName = (plan: Plan) => names.keeper(storeName(plan))

export const keeperHosts = (plan: Plan) =>
  Array.from({ length: keepers }, (_, ordinal) => {
    const set = keeperName(plan)
    return `${names.pod(set, ordinal)}.${names.headlessService(set)}.${namespaceOf(plan)}.svc`
  })
