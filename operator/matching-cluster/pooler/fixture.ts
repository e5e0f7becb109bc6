import { MatchingClusterSpec } from '../../../crds/schema/matching-cluster.ts'
import Value from 'typebox/value'
import type { PoolerPlan } from './compile.ts'

/** A plan for tests: MatchingCluster `demo` in namespace `ns` with every default, as the API server would return it. */
export function poolerPlan(parameters: Record<string, string> = {}, replicas = 1): PoolerPlan {
  const spec = Value.Default(MatchingClusterSpec, { pooling: { parameters, replicas } }) as MatchingClusterSpec
  return {
    cluster: {
      apiVersion: 'supersmartmatch.io/v1alpha1',
      kind: 'MatchingCluster',
      metadata: { name: 'demo', namespace: 'ns' },
      spec,
    },
    identity: { name: 'pgbouncer', instance: 'demo', component: 'pooler', cluster: 'demo' },
    image: 'registry.example.com/pgbouncer:1.24',
    backends: [{ database: 'supersmartmatch_core', host: 'demo-core.ns.svc', port: 5432, maxConnections: 100 }],
    fingerprint: 'fingerprint',
  }
}
