/** The only place that builds labels and selectors. */
export const managedBy = 'supersmartmatch-operator'
export const fieldManager = 'supersmartmatch-operator'
export const domain = 'supersmartmatch.io'
/** On a DataStore: the `status.switchover.at` for which the pooler holds its clients. */
export const poolerPausedAnnotation = `${domain}/pooler-paused`

/** Annotations of a pod template: what it was made of, and the CA its certificate can be verified with. */
export const configHash = `${domain}/config-hash`
export const caHash = `${domain}/ca-hash`

/** Of the operator's own pods, as charts/matching-operator labels them. */
export const operatorPods = { 'app.kubernetes.io/name': 'matching-operator', 'app.kubernetes.io/component': 'operator' }
/** On a namespace: its pods may read metrics. */
export const monitoringNamespace = { [`${domain}/monitoring`]: 'true' }
/** On a pod: it may connect to the DataStore or pooler of this name in its namespace. A key for each, so that it can have several. */
export const clientOf = (name: string) => ({ [`client.${domain}/${name}`]: 'true' })

export interface Identity {
  /** What runs: `postgres`, `pgbouncer`, `core-api`. */
  name: string
  /** The object it belongs to: the DataStore's or MatchingCluster's name. */
  instance: string
  /** `database`, `pooler`, `service`, `migration`. */
  component: string
  /** The MatchingCluster; of a DataStore used alone, absent. */
  cluster?: string
  /** Short store name (`core`); of a DataStore used alone, its name; absent on what belongs to no store. */
  store?: string
}

/** Labels of an owned object. */
export function labels(identity: Identity): Record<string, string> {
  return {
    'app.kubernetes.io/name': identity.name,
    'app.kubernetes.io/instance': identity.instance,
    'app.kubernetes.io/component': identity.component,
    'app.kubernetes.io/part-of': 'supersmartmatch',
    'app.kubernetes.io/managed-by': managedBy,
    ...(identity.cluster ? { [`${domain}/cluster`]: identity.cluster } : {}),
    ...(identity.store ? { [`${domain}/store`]: identity.store } : {}),
  }
}

/** Selector of a workload's pods: immutable in Kubernetes, therefore only what never changes for it. */
export function selector(identity: Identity): Record<string, string> {
  return {
    'app.kubernetes.io/name': identity.name,
    'app.kubernetes.io/instance': identity.instance,
    'app.kubernetes.io/component': identity.component,
  }
}
