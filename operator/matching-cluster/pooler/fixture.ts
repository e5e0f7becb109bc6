import { MatchingClusterSpec } from '../../../crds/schema/matching-cluster.ts'
import Value from 'typebox/value'
import { poolingOf } from '../profile.ts'
import type { Backend, PoolerPlan } from './compile.ts'

/** A store with the default of one member. */
export const backend: Backend = {
  database: 'supersmartmatch_core',
  host: 'demo-core.ns.svc',
  port: 5432,
  maxConnections: 100,
  logins: ['supersmartmatch_core_app_a', 'supersmartmatch_core_app_b'],
}

/** The same with replicas. */
export const replicated: Backend = { ...backend, readOnlyHost: 'demo-core-ro.ns.svc' }

/** A plan for tests: MatchingCluster `demo` in namespace `ns` with every default, as the API server would return it. */
export function poolerPlan(pooling: Partial<MatchingClusterSpec['pooling']> = {}, backends = [backend]): PoolerPlan {
  const spec = Value.Default(MatchingClusterSpec, { pooling }) as MatchingClusterSpec
  const metadata = { name: 'demo', namespace: 'ns' }
  const cluster = { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'MatchingCluster', metadata, spec }
  return {
    cluster,
    pooling: poolingOf(cluster),
    identity: { name: 'pgbouncer', instance: 'demo', component: 'pooler', cluster: 'demo' },
    image: 'registry.example.com/pgbouncer:1.24',
    backends,
    authority: 'the platform’s CA',
    fingerprint: 'fingerprint',
  }
}
