import { beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { patroniRights } from '../operator/engines/postgres/objects.ts'
import { template } from './helm.ts'

interface Rule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
  resourceNames?: string[]
}

interface Role {
  kind: string
  metadata: { name: string; namespace?: string }
  rules: Rule[]
}

const read = 'get list watch'

/** Every right of the operator and what it does with it. Patroni's share is in operator/engines/postgres/objects.ts. */
// prettier-ignore
const everywhere = [
  ['supersmartmatch.io/matchingclusters',            read,                                'the reflector watches them'],
  ['supersmartmatch.io/datastores',                  read,                                'the reflector watches them'],
  ['supersmartmatch.io/matchingclusters/status',     'patch',                             'one status patch per reconcile'],
  ['supersmartmatch.io/datastores/status',           'patch',                             'one status patch per reconcile'],
  ['supersmartmatch.io/matchingclusters',            'patch',                             'the finalizer; here, because a namespace that is deleted loses its Role first'],
  ['supersmartmatch.io/datastores',                  'patch',                             'the finalizer; here, because a namespace that is deleted loses its Role first'],
  ['/namespaces',                                    'get',                               'a finalizer asks whether the namespace itself is being deleted'],
  ['storage.k8s.io/storageclasses',                  'get',                               'DependenciesReady asks whether the class exists'],
  ['scheduling.k8s.io/priorityclasses',              'get',                               'DependenciesReady asks whether the class exists'],
  ['cert-manager.io/clusterissuers',                 'get',                               'why a certificate is not issued'],
]
// prettier-ignore
const inWatchedNamespaces = [
  ['supersmartmatch.io/datastores',                  'create delete',                     'a MatchingCluster applies its stores, and deletes them with deletionPolicy Delete'],
  ['supersmartmatch.io/matchingclusters/finalizers', 'update',                            'ownerReferences block deletion of the owner'],
  ['supersmartmatch.io/datastores/finalizers',       'update',                            'ownerReferences block deletion of the owner'],
  ['apps/statefulsets',                              `${read} create patch delete`,       'applied and pruned'],
  ['apps/deployments',                               `${read} create patch delete`,       'applied and pruned'],
  ['/services',                                      `${read} create patch delete`,       'applied and pruned'],
  ['/serviceaccounts',                               `${read} create patch delete`,       'applied and pruned'],
  ['/configmaps',                                    `${read} create patch delete`,       'applied and pruned'],
  ['networking.k8s.io/networkpolicies',              `${read} create patch delete`,       'applied and pruned: who may talk to whom'],
  ['policy/poddisruptionbudgets',                    `${read} create patch delete`,       'applied and pruned: one pod at a time leaves a drained node'],
  ['rbac.authorization.k8s.io/roles',                `${read} create patch delete`,       'applied and pruned: the Role of Patroni'],
  ['rbac.authorization.k8s.io/rolebindings',         `${read} create patch delete`,       'applied and pruned: the Role of Patroni'],
  ['batch/jobs',                                     `${read} create patch delete`,       'migrations; an unfinished one goes when its decision no longer holds'],
  ['/secrets',                                       `${read} create patch delete`,       'credentials and bindings; deleted with deletionPolicy Delete only'],
  ['/pods',                                          `${read} patch delete`,              'why a pod is not ready; patch: the pooler’s annotation, and Patroni; delete: a rollout, primary last'],
  ['/persistentvolumeclaims',                        `${read} patch delete`,              'what became of a volume; patch: it grows; deleted with deletionPolicy Delete only'],
  ['/endpoints',                                     `${read} create update patch`,       'only handed on to Patroni'],
  ['cert-manager.io/certificates',                   'get create patch delete',           'applied, and deleted when the issuer is taken away; never watched'],
  ['cert-manager.io/issuers',                        'get',                               'why a certificate is not issued'],
  ['events.k8s.io/events',                           'create',                            'what changed, for people'],
]
// prettier-ignore
const inReleaseNamespace = [
  ['coordination.k8s.io/leases',                     'create',                            'the Lease of the one that works'],
  ['coordination.k8s.io/leases/supersmartmatch-operator', 'get patch',                    'renewed and released'],
]

let roles: Role[]
beforeAll(() => {
  const documents = parseAllDocuments(template('matching-operator', '--set=watchNamespaces={one,two}'))
  const objects = documents.map((document) => document.toJS() as Role)
  roles = objects.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
})

/** `group/resource[/name]: verbs` of every rule. */
function rightsOf(role: Role | undefined): string[] {
  const rights = (role?.rules ?? []).flatMap(({ apiGroups, resources, resourceNames = [], verbs }) =>
    apiGroups.flatMap((group) =>
      resources.map((resource) => `${[group, resource, ...resourceNames].join('/')}: ${verbs.join(' ')}`),
    ),
  )
  return rights.sort()
}

const expected = (table: string[][]) => table.map(([right, verbs]) => `${right}: ${verbs}`).sort()
const roleIn = (namespace: string | undefined) => roles.find(({ metadata }) => metadata.namespace === namespace)

test('the rights are those of the tables above, no more and no less', () => {
  expect(roles).toHaveLength(4)
  expect(rightsOf(roleIn(undefined))).toEqual(expected(everywhere))
  expect(rightsOf(roleIn('one'))).toEqual(expected(inWatchedNamespaces))
  expect(rightsOf(roleIn('two'))).toEqual(expected(inWatchedNamespaces))
  expect(rightsOf(roleIn('system'))).toEqual(expected(inReleaseNamespace))
})

test('nothing that widens itself: no wildcard, no escalate, bind or impersonate', () => {
  const words = roles.flatMap(({ rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs]),
  )
  expect(words.length).toBeGreaterThan(50)
  expect(words.filter((word) => word.includes('*') || ['escalate', 'bind', 'impersonate'].includes(word))).toEqual([])
})

test('Secrets are readable in watched namespaces only', () => {
  const holders = roles.filter(({ rules }) => rules.some(({ resources }) => resources.includes('secrets')))
  expect(holders.map(({ metadata }) => metadata.namespace)).toEqual(['one', 'two'])
})

test('what the operator hands on to Patroni it holds itself', () => {
  const held = (roleIn('one')?.rules ?? []).flatMap(pairs)
  expect(patroniRights.flatMap(pairs).filter((right) => !held.includes(right))).toEqual([])
})

function pairs({ apiGroups, resources, verbs }: Rule): string[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`)),
  )
}
