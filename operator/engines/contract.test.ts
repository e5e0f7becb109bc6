import { readdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import Value from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { bindingKeys } from '../../crds/binding.ts'
import { DataStoreSpec, type DataStore } from '../../crds/schema/data-store.ts'
import { databaseOf } from '../data-store/names.ts'
import { labels } from '../labels.ts'
import { surroundings } from '../testing/platform.ts'
import { containersOf, podSpecs, restrictedViolations, secretMaterial } from '../testing/restricted.ts'
import type { Engine, Plan, Target } from './engine.ts'
import { engines } from './registry.ts'

/** Of each engine's own folder. */
interface Cases {
  minimal: object
  full: object
  running: object
}

/** The store with nothing but what must be said, and one that says everything. */
const cases = {
  minimal: (engine: Engine, { minimal }: Cases) => planOf(engine, minimal),
  full: (engine: Engine, { full }: Cases) =>
    planOf(engine, {
      image: 'registry.example.com/database:1',
      storage: { size: '20Gi', storageClass: 'fast' },
      resources: { cpu: '2', memory: '4Gi', memoryLimit: '8Gi' },
      tls: { caSecret: 'demo-ca' },
      binding: { host: 'demo-pooler.ns.svc', port: 6432 },
      replicas: 3,
      imagePullSecrets: ['registry'],
      placement: {
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'data', effect: 'NoSchedule' }],
        priorityClassName: 'data',
      },
      ...full,
    }),
}

function planOf(engine: Engine, given: object): Plan {
  const spec = Value.Default(DataStoreSpec, { engine: engine.name, ...given }) as DataStoreSpec
  const metadata = { name: 'demo-core', namespace: 'ns' }
  const store: DataStore = { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'DataStore', metadata, spec }
  const identity = { name: engine.name, instance: 'demo-core', component: 'database', cluster: 'demo', store: 'core' }
  return {
    store,
    identity,
    image: spec.image ?? `registry.example.com/${engine.name}`,
    database: engine.database?.(store) ?? databaseOf(spec),
    caFingerprint: 'fingerprint',
    members: spec.shards * spec.replicas,
    readFrom: spec.replicas > 1 ? 'replica' : 'primary',
    surroundings,
  }
}

/** The whole pod templates, annotations included. */
function templates(engine: Engine, plan: Plan): string {
  const specs = engine.objects(plan).map((object) => object['spec'] as { template?: object } | undefined)
  return JSON.stringify(specs.flatMap((spec) => spec?.template ?? []))
}

interface PolicySpec {
  podSelector: { matchLabels: Record<string, string> }
  policyTypes: string[]
}
interface PodTemplate {
  metadata: { labels: Record<string, string> }
}

const target: Target = {
  host: 'demo-core.ns.svc',
  port: 1,
  database: 'db',
  username: 'a user',
  password: 'p@ss/w:rd?#%',
  ca: '-----BEGIN CERTIFICATE-----',
}

describe.each<Engine>(Object.values(engines))('$name', async (engine) => {
  const own = (await import(`./${engine.name}/cases.ts`)) as Cases
  const plans = Object.entries(cases).map(([name, plan]) => [name, plan(engine, own)] as const)

  test.each(plans)('%s: same plan, same bytes', (_name, plan) => {
    expect(JSON.stringify(engine.objects(plan))).toBe(JSON.stringify(engine.objects(structuredClone(plan))))
  })

  test.each(plans)('%s: as in the golden file', async (name, plan) => {
    const text = engine.objects(plan).map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    await expect(text.join('---\n')).toMatchFileSnapshot(`${engine.name}/golden/${name}.yaml`)
  })

  test('no golden file is left over', () => {
    const found = readdirSync(join(import.meta.dirname, engine.name, 'golden'))
    expect(found.sort()).toEqual(plans.map(([name]) => `${name}.yaml`).sort())
  })

  test.each(plans)('%s: every object is labelled, and in the namespace of the store', (_name, plan) => {
    for (const { metadata } of engine.objects(plan)) {
      expect(metadata).toMatchObject({ namespace: 'ns', labels: labels(plan.identity) })
    }
  })

  test.each(plans)('%s: no two objects have the same kind and name', (_name, plan) => {
    const keys = engine.objects(plan).map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test.each(plans)('%s: every pod passes Pod Security restricted, on a read-only root file system', (_name, plan) => {
    const pods = podSpecs(engine.objects(plan))
    expect(pods.length).toBeGreaterThan(0)
    expect(pods.flatMap(restrictedViolations)).toEqual([])
  })

  test.each(plans)('%s: every container has probes for being ready and alive', (_name, plan) => {
    for (const container of podSpecs(engine.objects(plan)).flatMap((pod) => pod.containers)) {
      expect(container.readinessProbe).toBeDefined()
      expect(container.livenessProbe).toBeDefined()
    }
  })

  test.each(plans)(
    '%s: every pod is closed by one policy, in and out; none where the spec wants none',
    (_name, plan) => {
      const objects = engine.objects(plan)
      const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as PolicySpec)
      const selecting = (labels: Record<string, string>) =>
        policies.filter(({ podSelector: { matchLabels } }) =>
          Object.entries(matchLabels).every(([key, value]) => labels[key] === value),
        )
      const pods = objects.flatMap(({ spec }) => (spec as { template?: PodTemplate } | undefined)?.template ?? [])
      expect(pods.map(({ metadata }) => selecting(metadata.labels).length)).toEqual(policies.map(() => 1))
      for (const policy of policies) expect(policy.policyTypes).toEqual(['Ingress', 'Egress'])

      const { store } = plan
      const open = engine.objects({ ...plan, store: { ...store, spec: { ...store.spec, networkPolicy: 'None' } } })
      expect(open).toEqual(objects.filter(({ kind }) => kind !== 'NetworkPolicy'))
    },
  )

  test.each(plans)('%s: passwords come from the credential Secrets only', (_name, plan) => {
    const objects = engine.objects(plan)
    const known = Object.keys(engine.credentials(plan))
    for (const container of podSpecs(objects).flatMap(containersOf)) {
      for (const { name, value, valueFrom } of container.env ?? []) {
        if (/passw|secret|key$/i.test(name)) expect(value, name).toBeUndefined()
        if (valueFrom?.secretKeyRef) expect(known, name).toContain(valueFrom.secretKeyRef.name)
      }
      expect([...(container.command ?? []), ...(container.args ?? [])].join(' ')).not.toMatch(secretMaterial)
    }
    expect(objects.map(({ kind }) => kind)).not.toContain('Secret')
    for (const object of objects.filter(({ kind }) => kind === 'ConfigMap')) {
      expect(JSON.stringify(object['data'])).not.toMatch(secretMaterial)
    }
  })

  test('a login of an external store is either set up with, or asked what it may not do', () => {
    expect(['adopt', 'missingRights'].filter((one) => one in engine)).toHaveLength(1)
  })

  test('an edit that only new pods can follow reaches the pod template, and no other does', () => {
    const plan = (given: object) => planOf(engine, { ...own.minimal, ...given })
    const before = templates(engine, plan({}))
    expect(templates(engine, plan({ resources: { memory: '640Mi' } }))).not.toBe(before)
    expect(templates(engine, { ...plan({}), caFingerprint: 'another' })).not.toBe(before)
    expect(templates(engine, plan(own.running))).toBe(before)
  })

  test('a setting that makes another pod template is one of those that only a new pod takes over', () => {
    const plan = (parameters: object) => planOf(engine, { ...own.minimal, parameters })
    const given = (own.full as { parameters?: object }).parameters ?? {}
    for (const parameter of Object.entries(given)) {
      const [before, after] = [plan({}), plan(Object.fromEntries([parameter]))]
      const [a, b] = [before, after].map(({ store }) => engine.startParameters?.(store))
      expect(JSON.stringify(a) !== JSON.stringify(b), parameter[0]).toBe(
        templates(engine, before) !== templates(engine, after),
      )
    }
  })

  test('an unknown setting is refused by its name', () => {
    const { store } = planOf(engine, { ...own.minimal, parameters: { no_such_setting: '1' } })
    expect(engine.validate?.(store).join()).toContain('no_such_setting')
  })

  test('files of logins: same passwords, same bytes, and no login without one', () => {
    const plan = planOf(engine, own.minimal)
    const logins = [
      engine.admin(plan).username,
      ...Object.values(engine.credentials(plan)),
      ...Object.values(engine.bindingLogins(plan)),
    ]
    const passwords = Object.fromEntries(logins.map((login) => [login, `password-of-${login}`]))
    const files = engine.loginFiles?.(plan, passwords)
    expect(engine.loginFiles?.(structuredClone(plan), structuredClone(passwords))).toEqual(files)
    for (const login of files ? logins : []) expect(JSON.stringify(files), login).toContain(login)
  })

  test('the certificate names the host of the read-write Service', () => {
    expect(engine.serverNames(planOf(engine, own.minimal))).toContain('demo-core.ns.svc')
  })

  test('a binding has every key, and its URI leads back to the login', () => {
    const binding = engine.binding(target)
    expect(Object.keys(binding).sort()).toEqual([...bindingKeys].sort())
    expect(Object.values(binding).filter((value) => value === '')).toEqual([])
    const uri = new URL(binding.uri)
    expect([uri.username, uri.password].map(decodeURIComponent)).toEqual([target.username, target.password])
    expect(uri.host).toBe('demo-core.ns.svc:1')
  })

  test('a probe of a server that accepts and stays silent ends at its deadline', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const started = performance.now()
    const health = await engine.probe({ ...target, host: '127.0.0.1', port }, AbortSignal.timeout(200))
    silent.close()
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(health).toEqual({ state: 'unreachable', message: `127.0.0.1:${port} did not answer in time` })
  })

  test('a probe of nothing says so, without the password', async () => {
    const health = await engine.probe({ ...target, host: '127.0.0.1' }, AbortSignal.timeout(2_000))
    expect(health).toMatchObject({ state: 'unreachable', message: expect.stringContaining('ECONNREFUSED') as string })
    expect(JSON.stringify(health)).not.toContain(target.password)
  })
})
