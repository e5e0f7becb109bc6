import { addresses, ports } from './paths.ts'

const restricted = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/warn': 'restricted',
}

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: restricted } })

const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'local-directory', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'supersmartmatch.io/local-directory',
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
}

interface Rule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
}

const clusterRole = (name: string, rules: Rule[]) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules,
})

const binding = (role: string, user: string) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: role },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
})

const corednsRules: Rule[] = [
  { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
]

const provisionerRules: Rule[] = [
  {
    apiGroups: [''],
    resources: ['persistentvolumes'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
  },
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'list', 'watch', 'update'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'update'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: ['get', 'list', 'watch'] },
]

/** CoreDNS is a process of the machine, so its Service has no selector and its endpoint is the node. */
const dnsPorts = (port: number) => [
  { name: 'dns', port, protocol: 'UDP' },
  { name: 'dns-tcp', port, protocol: 'TCP' },
]

const dnsService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kube-dns', namespace: 'kube-system' },
  spec: { clusterIP: addresses.dnsService, ports: dnsPorts(53) },
}

const dnsEndpoint = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: [addresses.node], conditions: { ready: true } }],
  ports: dnsPorts(ports.dns),
}

/** What the cluster itself needs in the API server. */
export const clusterObjects = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    namespace('supersmartmatch'),
    namespace('supersmartmatch-system'),
    storageClass,
    clusterRole('system:coredns', corednsRules),
    binding('system:coredns', 'system:coredns'),
    clusterRole('supersmartmatch:volume-provisioner', provisionerRules),
    binding('supersmartmatch:volume-provisioner', 'supersmartmatch:volume-provisioner'),
    dnsService,
    dnsEndpoint,
  ],
}
