import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import Value from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { KubeObject } from '../../crds/object.ts'
import type { DataStore, DataStoreSpec } from '../../crds/schema/data-store.ts'
import { MatchingClusterSpec } from '../../crds/schema/matching-cluster.ts'
import { storeNames } from '../../crds/schema/platform-stores.ts'
import type { Tools } from '../data-store/observe.ts'
import { engines } from '../engines/registry.ts'
import { containersOf, podSpecs, restrictedViolations, secretMaterial } from '../testing/restricted.ts'
import { surroundings } from '../testing/platform.ts'
import { children, isPooledChild } from './children.ts'
import { networkPolicies } from './network.ts'
import type { Backend, PoolerPlan } from './pooler/compile.ts'
import { backend, poolerPlan, replicated } from './pooler/fixture.ts'
import { poolerObjects } from './pooler/objects.ts'
import { poolingOf } from './profile.ts'
import { workloads } from './workloads.ts'

/** The cluster with nothing but what must be said, and one that says everything. */
const cases = {
  minimal: planOf({}),
  full: planOf({
    stores: {
      core: {
        replicas: 3,
        replication: 'Asynchronous',
        parameters: { work_mem: '8MB' },
        pgHba: ['hostssl all analytics 10.0.0.0/8 scram-sha-256'],
        storage: { size: '20Gi', storageClass: 'fast' },
        resources: { cpu: '2', memory: '4Gi', memoryLimit: '8Gi' },
      },
    },
    pooling: {
      replicas: 2,
      parameters: { default_pool_size: '10', query_timeout: '30' },
      databases: { supersmartmatch_core_ro: { pool_size: '15' } },
      users: { supersmartmatch_core_app_a: { max_user_connections: '20' } },
      resources: { cpu: '100m', memory: '128Mi', memoryLimit: '256Mi' },
    },
    services: { core: { replicas: 3, resources: { cpu: '500m', memory: '256Mi', memoryLimit: '512Mi' } } },
    images: { postgres: 'registry.example.com/postgres:2', pgbouncer: 'registry.example.com/pgbouncer:2' },
    registry: 'registry.example.com/team',
    imagePullSecrets: ['pull'],
    placement: {
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'dedicated', operator: 'Exists' }],
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
      ],
      priorityClassName: 'platform',
    },
    updatePolicy: { type: 'Window', windows: [{ cron: '0 2 * * 6', duration: '2h' }] },
    deletionPolicy: 'Retain',
  }),
}
const plans = Object.entries(cases)

function planOf(given: object): PoolerPlan {
  const spec = Value.Default(MatchingClusterSpec, given) as MatchingClusterSpec
  const backends = ['core', 'geo', 'temporal'].map((name) => backendNamed(name, (spec.stores.core.replicas ?? 1) > 1))
  const plan = poolerPlan({}, backends)
  const cluster = { ...plan.cluster, spec }
  return { ...plan, cluster, pooling: poolingOf(cluster), image: spec.images.pgbouncer ?? plan.image }
}

function backendNamed(name: string, hasReplicas: boolean): Backend {
  const text = JSON.stringify(name === 'core' && hasReplicas ? replicated : backend)
  return JSON.parse(text.replaceAll('_core', `_${name}`).replaceAll('demo-core', `demo-${name}`)) as Backend
}

const tools = { engines, surroundings } as unknown as Tools

/** Everything a MatchingCluster makes but its Secrets. */
function objectsOf(plan: PoolerPlan): KubeObject[] {
  const { cluster } = plan
  const stores = children(cluster)
  return [
    ...stores,
    ...networkPolicies(cluster, stores.filter(isPooledChild) as DataStore[], tools),
    ...poolerObjects(plan),
    ...workloads(cluster, 'registry.example.com/platform:1'),
  ]
}

test('an issuer: managed stores ask it, an external one has its own certificate, and clients are given the pooler’s CA', () => {
  const issuerRef = { name: 'platform', kind: 'ClusterIssuer', group: 'cert-manager.io' }
  const vault = { mode: 'external', connectionSecretRef: { name: 'vault-login' } }
  const made = children(planOf({ tls: { issuerRef }, stores: { vault } }).cluster)
  const specOf = (name: string) => made.find(({ metadata }) => metadata.name === name)?.['spec'] as DataStoreSpec
  expect(specOf('demo-core')).toMatchObject({ tls: { issuerRef }, binding: { caSecret: 'demo-pooler-tls' } })
  expect(specOf('demo-cache').tls).toEqual({ issuerRef })
  expect(specOf('demo-vault').tls).toEqual({})
  expect(specOf('demo-core').tls.caSecret).toBeUndefined()
})

const only = (objects: KubeObject[], kind: string) => objects.filter((object) => object.kind === kind)

interface WorkloadSpec {
  selector: { matchLabels: Record<string, string> }
  template: { metadata: { labels: Record<string, string> } }
}
const workloadSpec = (object: KubeObject) => object['spec'] as WorkloadSpec
const podLabels = (object: KubeObject) => workloadSpec(object).template.metadata.labels

describe.each(plans)('%s', (name, plan) => {
  const objects = objectsOf(plan)
  const deployments = only(objects, 'Deployment')

  test('as in the golden file', async () => {
    const text = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    await expect(text.join('---\n')).toMatchFileSnapshot(`golden/${name}.yaml`)
  })

  test('same plan, same bytes', () => {
    expect(JSON.stringify(objectsOf(structuredClone(plan)))).toBe(JSON.stringify(objects))
  })

  test('every object is labelled as ours and the cluster’s, and in its namespace', () => {
    for (const { kind, metadata } of objects) {
      expect(metadata.namespace).toBe('ns')
      expect(metadata.labels, `${kind} ${metadata.name}`).toMatchObject({
        'app.kubernetes.io/name': expect.any(String) as string,
        'app.kubernetes.io/instance': kind === 'DataStore' ? metadata.name : 'demo',
        'app.kubernetes.io/component': expect.any(String) as string,
        'app.kubernetes.io/part-of': 'supersmartmatch',
        'app.kubernetes.io/managed-by': 'supersmartmatch-operator',
        'supersmartmatch.io/cluster': 'demo',
      })
    }
  })

  test('no two objects have the same kind and name, and a Secret is none of them', () => {
    const keys = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(new Set(keys).size).toBe(keys.length)
    expect(only(objects, 'Secret')).toEqual([])
  })

  test('a workload selects its own pods and no other’s', () => {
    expect(deployments.map(({ metadata }) => metadata.name)).toEqual(['demo-pooler', 'demo-core-api'])
    for (const deployment of deployments) {
      const { matchLabels } = workloadSpec(deployment).selector
      expect(deployments.filter((other) => selects(matchLabels, podLabels(other)))).toEqual([deployment])
      expect(podLabels(deployment)).toMatchObject(deployment.metadata.labels ?? {})
    }
  })

  test('a Service leads to the pods of the workload it is named after', () => {
    for (const service of only(objects, 'Service')) {
      const { selector } = service['spec'] as { selector: Record<string, string> }
      const selected = deployments.filter((deployment) => selects(selector, podLabels(deployment)))
      expect(selected.map(({ metadata }) => metadata.name)).toEqual([service.metadata.name])
    }
  })

  test('every pod passes Pod Security restricted on a read-only root file system, and no pod gets a token', () => {
    const pods = podSpecs(objects)
    expect(pods).toHaveLength(2)
    expect(pods.flatMap(restrictedViolations)).toEqual([])
    expect(JSON.stringify(pods)).not.toMatch(/serviceAccount(Name|Token")/)
  })

  test('every container has probes for being ready and alive', () => {
    for (const container of podSpecs(objects).flatMap((pod) => pod.containers)) {
      expect(container.readinessProbe).toBeDefined()
      expect(container.livenessProbe).toBeDefined()
    }
  })

  test('each pod gets these Secrets and no more: of the tokens the public half, of the store the app’s login', () => {
    const mounted = Object.fromEntries(deployments.map((object) => [object.metadata.name, secretsOf(object)]))
    expect(mounted).toEqual({
      'demo-pooler': ['demo-pooler: userlist.txt', 'demo-pooler-tls: everything'],
      'demo-core-api': ['demo-core-app: everything', 'demo-tokens: public.jwks'],
    })
  })

  test('no secret is in a ConfigMap, an argument or the environment', () => {
    for (const { data } of only(objects, 'ConfigMap')) expect(JSON.stringify(data)).not.toMatch(secretMaterial)
    for (const { command = [], args = [], env = [] } of podSpecs(objects).flatMap(containersOf)) {
      expect([...command, ...args].join(' ')).not.toMatch(secretMaterial)
      for (const { name, value = '' } of env) {
        expect(name).not.toMatch(/passw|secret|key$/i)
        expect(value).not.toMatch(secretMaterial)
      }
    }
  })
})

function selects(selector: Record<string, string>, labels: Record<string, string>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}

interface SecretSource {
  secretName?: string
  name?: string
  items?: { key: string }[]
}

/** Every Secret a workload’s pods refer to, with the keys they get. */
function secretsOf(object: KubeObject): string[] {
  const found: string[] = []
  JSON.stringify(object, (field, value: SecretSource) => {
    if (['secret', 'secretRef', 'secretKeyRef'].includes(field)) {
      const keys = value.items?.map(({ key }) => key).join(', ') ?? 'everything'
      found.push(`${value.secretName ?? value.name}: ${keys}`)
    }
    return value
  })
  return found
}

test('more than one pod: one at a time may leave a drained node', () => {
  const several = planOf({ pooling: { replicas: 2 }, services: { core: { replicas: 2 } } })
  const budgets = only(objectsOf(several), 'PodDisruptionBudget')
  expect(budgets.map(({ metadata }) => metadata.name)).toEqual(['demo-pooler', 'demo-core-api'])
  const deployments = only(objectsOf(several), 'Deployment')
  for (const [index, budget] of budgets.entries()) {
    const spec = budget['spec'] as { maxUnavailable: number; selector: { matchLabels: Record<string, string> } }
    expect(spec.maxUnavailable).toBe(1)
    const selected = deployments.filter((one) => selects(spec.selector.matchLabels, podLabels(one)))
    expect(selected).toEqual([deployments[index]])
  }
  expect(only(objectsOf(planOf({})), 'PodDisruptionBudget')).toEqual([])
})

test('no NetworkPolicy of the platform or its stores where the spec wants none', () => {
  const objects = objectsOf(planOf({ networkPolicy: 'None' }))
  expect(only(objects, 'NetworkPolicy')).toEqual([])
  for (const { spec } of only(objects, 'DataStore')) expect(spec).toMatchObject({ networkPolicy: 'None' })
})

test('a store more or less is no reason to restart the pooler', () => {
  const [all, one] = [{}, { geolocation: { enabled: false }, temporal: { enabled: false } }].map(
    (stores) => only(objectsOf(planOf({ stores })), 'Deployment')[0],
  )
  expect(one).toEqual(all)
})

describe('a store that sleeps', () => {
  const hibernate = (spec: object, sleep: boolean) => {
    const { cluster } = planOf({ ...spec, hibernate: true })
    return children(cluster, { sleep }).map(({ spec }) => (spec as { hibernate: boolean }).hibernate)
  }

  test('does so once its clients are gone', () => {
    expect(hibernate({}, false)).toEqual(storeNames.map(() => false))
    expect(hibernate({}, true)).toEqual(storeNames.map(() => true))
  })

  test('is never an external one', () => {
    const core = { mode: 'external', connectionSecretRef: { name: 'elsewhere' } }
    expect(hibernate({ stores: { core } }, true)).toEqual(storeNames.map((name) => name !== 'core'))
  })
})

test('an external store is not given what it would refuse', () => {
  const core = { mode: 'external', connectionSecretRef: { name: 'elsewhere' } }
  const given = { images: { postgres: 'example.com/postgres:1' }, updatePolicy: { type: 'OnApproval', windows: [] } }
  const specOf = (spec: object) => children(planOf(spec).cluster)[0]?.['spec']
  expect(specOf({ ...given, stores: { core } })).not.toHaveProperty('image')
  expect(specOf({ ...given, stores: { core } })).not.toHaveProperty('updatePolicy')
  expect(specOf(given)).toMatchObject({ image: 'example.com/postgres:1', updatePolicy: { type: 'OnApproval' } })
})

test('no golden file is left over', () => {
  const found = readdirSync(join(import.meta.dirname, 'golden'))
  expect(found.sort()).toEqual(plans.map(([name]) => `${name}.yaml`).sort())
})

describe('the pooler’s Deployment', () => {
  const deployment = (plan: PoolerPlan) => JSON.stringify(only(poolerObjects(plan), 'Deployment'))
  const configMap = (plan: PoolerPlan) => JSON.stringify(only(poolerObjects(plan), 'ConfigMap'))
  const before = planOf({})

  test('stays as it is when only settings change: a RELOAD, no rollout', () => {
    const after = planOf({ pooling: { parameters: { query_timeout: '30', default_pool_size: '10' } } })
    expect(configMap(after)).not.toBe(configMap(before))
    expect(deployment(after)).toBe(deployment(before))
  })

  // prettier-ignore
  test.each([
    ['another image', planOf({ images: { pgbouncer: 'registry.example.com/pgbouncer:2' } })],
    ['other resources', planOf({ pooling: { resources: { memory: '96Mi' } } })],
    ['another number of pods', planOf({ pooling: { replicas: 2 } })],
    ['another CA', { ...before, fingerprint: 'another' }],
  ])('changes with %s', (_what, after) => expect(deployment(after)).not.toBe(deployment(before)))
})

test('a store that is switched off is not made', () => {
  const { cluster } = planOf({ stores: { vault: { enabled: false }, temporal: { enabled: false } } })
  const wanted = storeNames.filter((name) => name !== 'vault' && name !== 'temporal').map((name) => `demo-${name}`)
  expect(children(cluster).map(({ metadata }) => metadata.name)).toEqual(wanted)
})

describe('sizes', () => {
  const sizeOf = (core: object, profile = 'small') => {
    const [child] = children(planOf({ profile, stores: { core } }).cluster)
    return child?.['spec'] as DataStoreSpec
  }

  test('are the profile’s, but for what the spec says', () => {
    expect(sizeOf({}, 'medium')).toMatchObject({ replicas: 3, parameters: { max_connections: '200' } })
    const given = { replicas: 1, resources: { cpu: '3' }, storage: { size: '9Gi' }, parameters: { work_mem: '8MB' } }
    expect(sizeOf(given, 'medium')).toMatchObject({
      replicas: 1,
      resources: { cpu: '3', memory: '4Gi', memoryLimit: '8Gi' },
      storage: { size: '9Gi' },
      parameters: { max_connections: '200', work_mem: '8MB' },
    })
  })

  test('a memory or a limit that is given alone moves the other with it', () => {
    expect(sizeOf({ resources: { memory: '3Gi' } }).resources).toMatchObject({ memory: '3Gi', memoryLimit: '3Gi' })
    expect(sizeOf({ resources: { memoryLimit: '256Mi' } }).resources).toMatchObject({
      memory: '256Mi',
      memoryLimit: '256Mi',
    })
  })
})
