import { apiVersion as ours } from '../../crds/schema/common.ts'

/** Names a kind, as every object does. */
export interface ResourceRef {
  apiVersion: string
  kind: string
}

export interface Resource extends ResourceRef {
  plural: string
  namespaced: boolean
}

/** Every kind the operator reads or writes. Its rights to them are in charts/rbac.cluster.test.ts. */
// prettier-ignore
export const resources: Resource[] = [
  { apiVersion: ours,                           kind: 'DataStore',             plural: 'datastores',             namespaced: true },
  { apiVersion: ours,                           kind: 'MatchingCluster',       plural: 'matchingclusters',       namespaced: true },
  { apiVersion: 'v1',                           kind: 'ConfigMap',             plural: 'configmaps',             namespaced: true },
  { apiVersion: 'v1',                           kind: 'Endpoints',             plural: 'endpoints',              namespaced: true },
  { apiVersion: 'v1',                           kind: 'Namespace',             plural: 'namespaces',             namespaced: false },
  { apiVersion: 'v1',                           kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims', namespaced: true },
  { apiVersion: 'v1',                           kind: 'Pod',                   plural: 'pods',                   namespaced: true },
  { apiVersion: 'v1',                           kind: 'Secret',                plural: 'secrets',                namespaced: true },
  { apiVersion: 'v1',                           kind: 'Service',               plural: 'services',               namespaced: true },
  { apiVersion: 'v1',                           kind: 'ServiceAccount',        plural: 'serviceaccounts',        namespaced: true },
  { apiVersion: 'apps/v1',                      kind: 'Deployment',            plural: 'deployments',            namespaced: true },
  { apiVersion: 'apps/v1',                      kind: 'StatefulSet',           plural: 'statefulsets',           namespaced: true },
  { apiVersion: 'batch/v1',                     kind: 'Job',                   plural: 'jobs',                   namespaced: true },
  { apiVersion: 'cert-manager.io/v1',           kind: 'Certificate',           plural: 'certificates',           namespaced: true },
  { apiVersion: 'cert-manager.io/v1',           kind: 'ClusterIssuer',         plural: 'clusterissuers',         namespaced: false },
  { apiVersion: 'cert-manager.io/v1',           kind: 'Issuer',                plural: 'issuers',                namespaced: true },
  { apiVersion: 'coordination.k8s.io/v1',       kind: 'Lease',                 plural: 'leases',                 namespaced: true },
  { apiVersion: 'events.k8s.io/v1',             kind: 'Event',                 plural: 'events',                 namespaced: true },
  { apiVersion: 'networking.k8s.io/v1',         kind: 'NetworkPolicy',         plural: 'networkpolicies',        namespaced: true },
  { apiVersion: 'policy/v1',                    kind: 'PodDisruptionBudget',   plural: 'poddisruptionbudgets',   namespaced: true },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role',                  plural: 'roles',                  namespaced: true },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding',           plural: 'rolebindings',           namespaced: true },
  { apiVersion: 'scheduling.k8s.io/v1',         kind: 'PriorityClass',         plural: 'priorityclasses',        namespaced: false },
  { apiVersion: 'storage.k8s.io/v1',            kind: 'StorageClass',          plural: 'storageclasses',         namespaced: false },
]

/** @throws when the kind is not in the table above */
export function resourceOf(ref: ResourceRef): Resource {
  const found = resources.find(({ apiVersion, kind }) => apiVersion === ref.apiVersion && kind === ref.kind)
  if (!found) throw new Error(`${ref.apiVersion} ${ref.kind} is not in operator/kube/resources.ts`)
  return found
}

/** URL path of a collection, or of the object `name` and its `subresource` in it. Namespace undefined: all namespaces. */
export function pathOf(ref: ResourceRef, namespace: string | undefined, name?: string, subresource?: string): string {
  const { apiVersion, plural, namespaced } = resourceOf(ref)
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  if (name !== undefined && namespaced && namespace === undefined)
    throw new Error(`${ref.kind} ${name} needs a namespace`)
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`
  return `${root}${scope}/${plural}${object}${subresource === undefined ? '' : `/${subresource}`}`
}
