import Value from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { MatchingClusterSpec, type MatchingCluster } from '../../crds/schema/matching-cluster.ts'
import { platformStores, schemaOf, storeNames, type StoreName } from '../../crds/schema/platform-stores.ts'
import { DataStoreSpec, isPostgresFamily, type DataStore } from '../../crds/schema/data-store.ts'
import { databaseName } from '../data-store/names.ts'
import { engines } from '../engines/registry.ts'
import { quantity } from '../quantity.ts'
import { children, isPooled } from './children.ts'
import { budgetProblem } from './pooler/budget.ts'
import { poolerPlan } from './pooler/fixture.ts'
import { poolingOf, profiles, type Profile } from './profile.ts'

const clusterOf = (profile: Profile): MatchingCluster => ({
  ...poolerPlan().cluster,
  spec: Value.Default(MatchingClusterSpec, { profile }) as MatchingClusterSpec,
})

/** As the API server would return it. */
function storeOf(profile: Profile, name: StoreName): DataStore {
  const child = children(clusterOf(profile)).find(({ metadata }) => metadata.name === `demo-${name}`)
  return { ...child, spec: Value.Default(DataStoreSpec, child?.['spec']) } as DataStore
}

describe.each(Object.keys(profiles) as Profile[])('profile %s', (profile) => {
  test('its pools fit the connections of its servers', () => {
    const backends = storeNames.filter(isPooled).map((name) => ({
      database: databaseName(schemaOf(name) ?? name),
      host: `demo-${name}.ns.svc`,
      port: 5432,
      maxConnections: engines[platformStores[name].engine].maxConnections?.(storeOf(profile, name)) ?? 0,
      logins: ['app_a', 'app_b'],
    }))
    const plan = poolerPlan({}, backends)
    expect(budgetProblem({ ...plan, pooling: poolingOf(clusterOf(profile)) })).toBeUndefined()
  })

  test.each(storeNames)('%s is one that its engine takes', (name) => {
    const store = storeOf(profile, name)
    expect(engines[store.spec.engine].validate?.(store) ?? []).toEqual([])
    const { memory, memoryLimit } = store.spec.resources
    expect(quantity(memory)).toBeLessThanOrEqual(quantity(memoryLimit) ?? 0)
    if (isPostgresFamily(store.spec.engine)) expect(quantity(memoryLimit)).toBeGreaterThanOrEqual(256 * 2 ** 20)
  })
})

test('the small one asks a machine for at most 6 GB and 1.4 cores, pooler and services included', () => {
  const { pooling, services } = clusterOf('small').spec
  const stores = Object.values(profiles.small.stores)
  const sum = (of: (size: { cpu: string; memory: string }) => string) =>
    [...stores, pooling.resources, services.core.resources].reduce(
      (total, size) => total + (quantity(of(size)) ?? 0),
      0,
    )
  expect(sum(({ cpu }) => cpu)).toBeLessThanOrEqual(1.4)
  expect(sum(({ memory }) => memory)).toBeLessThanOrEqual(6e9)
})
