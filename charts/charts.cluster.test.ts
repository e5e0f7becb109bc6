import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { helm, root, template } from './helm.ts'
import { kubeconform, writeSchemas } from './kubeconform.ts'

const charts = ['matching-crds', 'matching-operator']
const everyValue = [
  '--set=images.postgres=registry.example.com/postgres:1',
  '--set=images.clickhouse=registry.example.com/clickhouse:1',
  '--set=images.pgbouncer=registry.example.com/pgbouncer:1',
  '--set=images.nats=registry.example.com/nats:1',
  '--set=images.elasticsearch=registry.example.com/elasticsearch:1',
  '--set=images.redis=registry.example.com/redis:1',
  '--set=images.platform=registry.example.com/platform@sha256:0000',
  '--set=watchNamespaces={one,two}',
  '--set=replicas=2',
  '--set=networkPolicy.enabled=false',
  '--set=apiServerPorts={8443}',
  '--set=logLevel=debug',
  '--set=imagePullPolicy=Always',
]

let schemas: ReturnType<typeof writeSchemas>
beforeAll(() => {
  schemas = writeSchemas()
})
afterAll(() => schemas.remove())

describe('what the API server accepts', () => {
  test.each(charts)('%s passes helm lint', (chart) => {
    expect(helm('lint', '--strict', '--with-subcharts', `charts/${chart}`)).toContain('0 chart(s) failed')
  })

  test.each([
    ['matching-crds', []],
    ['matching-operator', []],
    ['matching-operator', everyValue],
  ])('%s with values %j', (chart, values) => {
    expect(kubeconform(template(chart, ...values), schemas.folder)).toEqual([])
  })

  test.each(globSync('{samples,crds/manifests}/*.yaml', { cwd: root }))('%s', (file) => {
    expect(kubeconform(readFileSync(join(root, file), 'utf8'), schemas.folder)).toEqual([])
  })

  test('kubeconform sees a misspelt field, of Kubernetes and of ours', () => {
    const wrong = template('matching-operator').replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem')
    expect(kubeconform(wrong, schemas.folder)).toEqual([expect.stringContaining('readOnlyRootFileSystem')])
    const sample = readFileSync(join(root, 'samples/quickstart.yaml'), 'utf8')
    const misspelt = sample.replace('spec: {}', 'spec: { pooling: { replica: 2 } }')
    expect(kubeconform(misspelt, schemas.folder)).toEqual([expect.stringContaining('replica')])
  })
})

describe('values', () => {
  test.each([
    ['logLevel=loud', '/logLevel'],
    ['watchNamespaces={Not_A_Namespace}', '/watchNamespaces/0'],
    ['watchNamespaces={one,one}', '/watchNamespaces'],
    ['replicas=0', '/replicas'],
    ['replicas=3', '/replicas'],
    ['apiServerPorts={}', '/apiServerPorts'],
    ['apiServerPorts={https}', '/apiServerPorts/0'],
    ['networkPolicy.enable=true', "'enable' not allowed"],
    ['image=typo', "'image' not allowed"],
    ['images.platfrom=typo', "'platfrom' not allowed"],
  ])('%s is refused naming the value', (value, message) => {
    expect(() => template('matching-operator', `--set=${value}`)).toThrow(message)
  })

  test('images of ours default to the version of the chart, others to a version of their own', () => {
    const rendered = template('matching-operator')
    for (const name of ['postgres', 'pgbouncer', 'platform'])
      expect(rendered).toContain(`"supersmartmatch/${name}:0.1.0"`)
    expect(rendered).toContain('"nats:2.15.3"')
    expect(rendered).toContain('"docker.elastic.co/elasticsearch/elasticsearch:9.5.3"')
    expect(rendered).toContain('"clickhouse/clickhouse-server:26.8.20.9"')
    expect(rendered).toContain('"redis:8.8.3"')
  })
})

test('two replicas keep apart where they can, and a drain takes one at a time; one replica blocks no drain', () => {
  const [one, two] = ['1', '2'].map((replicas) =>
    objectsOf(template('matching-operator', `--set=replicas=${replicas}`)),
  )
  const budget = (objects: Kubernetes[] = []) => objects.find(({ kind }) => kind === 'PodDisruptionBudget')
  const deployment = (objects: Kubernetes[] = []) =>
    objects.find(({ kind }) => kind === 'Deployment')?.spec as Deployment
  expect(budget(one)).toBeUndefined()
  expect(deployment(one)).toMatchObject({
    replicas: 1,
    strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  })
  expect(deployment(one).template.spec).not.toHaveProperty('affinity')
  const { matchLabels } = deployment(two).selector
  expect(budget(two)?.spec).toEqual({ maxUnavailable: 1, selector: { matchLabels } })
  const [term] = deployment(two).template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution
  expect(term?.podAffinityTerm.labelSelector).toEqual({ matchLabels })
})

interface Kubernetes {
  kind: string
  spec: unknown
}

interface Deployment {
  selector: { matchLabels: object }
  template: {
    spec: {
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: { podAffinityTerm: { labelSelector: object } }[]
        }
      }
    }
  }
}

const objectsOf = (yaml: string) => parseAllDocuments(yaml).map((document) => document.toJS() as Kubernetes)

test('uninstalling the CRD chart keeps the CRDs, and what protects their objects', () => {
  const kept = parseAllDocuments(template('matching-crds')).map((document) => document.toJS() as Kept)
  expect(kept).toHaveLength(4)
  for (const { metadata } of kept) expect(metadata.annotations['helm.sh/resource-policy']).toBe('keep')
})

interface Kept {
  metadata: { annotations: Record<string, string> }
}
