import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { containersOf, podSpecs, restrictedViolations, secretMaterial } from '../testing/restricted.ts'
import { migrateJob, migrateJobName, runnerOptions, type MigrationPlan } from './migrate-job.ts'

const alone: MigrationPlan = {
  store: 'orders',
  namespace: 'ns',
  shortName: 'orders',
  schema: 'core',
  image: 'registry.example.com/platform:1',
  digest: 'digest-1',
  scheduling: { placement: {}, imagePullSecrets: [] },
}
/** Of a DataStore used alone, and of one that a MatchingCluster made. */
const cases = {
  minimal: alone,
  full: {
    ...alone,
    store: 'demo-core',
    shortName: 'core',
    cluster: 'demo',
    scheduling: { placement: { nodeSelector: { disk: 'ssd' } }, imagePullSecrets: ['pull'] },
  },
}
const plans = Object.entries(cases)

test.each(plans)('%s: as in the golden file', async (name, plan) => {
  const text = stringify(migrateJob(plan), { lineWidth: 0, aliasDuplicateObjects: false })
  await expect(text).toMatchFileSnapshot(`golden/migrate-job-${name}.yaml`)
})

test('no golden file is left over', () => {
  const found = readdirSync(join(import.meta.dirname, 'golden'))
  expect(found.sort()).toEqual(plans.map(([name]) => `migrate-job-${name}.yaml`).sort())
})

test.each(plans)('%s: same plan, same bytes', (_name, plan) => {
  expect(JSON.stringify(migrateJob(structuredClone(plan)))).toBe(JSON.stringify(migrateJob(plan)))
})

test.each(plans)(
  '%s: its pod passes Pod Security restricted, without a token, on a read-only root file system',
  (_name, plan) => {
    const pods = podSpecs([migrateJob(plan)])
    expect(pods).toHaveLength(1)
    expect(pods.flatMap(restrictedViolations)).toEqual([])
    expect(JSON.stringify(pods)).not.toMatch(/serviceAccount(Name|Token")/)
  },
)

test.each(plans)('%s: the password comes from the owner binding alone, as a file', (_name, plan) => {
  const [pod] = podSpecs([migrateJob(plan)])
  expect(pod?.volumes?.filter((volume) => 'secret' in volume)).toEqual([
    { name: 'binding', secret: { secretName: `${plan.store}-owner` } },
  ])
  for (const { command = [], args = [], env = [] } of pod ? containersOf(pod) : []) {
    expect(env).toEqual([])
    expect([...command, ...args].join(' ')).not.toMatch(secretMaterial)
  }
})

test('Job and pod say whose they are', () => {
  const { metadata, spec } = migrateJob(cases.full)
  const { template } = spec as { template: { metadata: { labels: object } } }
  expect(metadata.labels).toMatchObject({
    'app.kubernetes.io/instance': 'demo-core',
    'app.kubernetes.io/component': 'migration',
    'app.kubernetes.io/managed-by': 'supersmartmatch-operator',
    'supersmartmatch.io/cluster': 'demo',
    'supersmartmatch.io/store': 'core',
  })
  expect(template.metadata.labels).toEqual({ ...metadata.labels, 'client.supersmartmatch.io/demo-core': 'true' })
})

test('another image or other files are another Job: a Job’s template can never change', () => {
  const names = [
    alone,
    { ...alone, image: 'registry.example.com/platform:2' },
    { ...alone, digest: 'digest-2' },
    cases.full,
    { ...alone, target: 2 },
    { ...alone, breaking: true },
    { ...alone, approve: '0123456789ab' },
  ]
  expect(new Set(names.map(migrateJobName)).size).toBe(7)
  expect(migrateJobName({ ...alone })).toBe(migrateJobName(alone))
})

test('what was decided about it is what the command is told', () => {
  const [pod] = podSpecs([migrateJob({ ...alone, target: 2, breaking: true, approve: '0123456789ab' })])
  const [container] = pod ? containersOf(pod) : []
  expect(container?.command?.slice(-5)).toEqual(['--target', '2', '--breaking', '--approve', '0123456789ab'])
})

// With the compiler that V8 chooses by itself it was more than twice the limit.
test('the parser of PostgreSQL fits into what the container may have', () => {
  const root = join(import.meta.dirname, '../..')
  const script = `
    const { readMigrations } = await import('${root}/migrations/runner/files.ts')
    const { formatOfPostgres } = await import('${root}/migrations/runner/postgres-file.ts')
    const { postgresLosses } = await import('${root}/migrations/runner/postgres-losses.ts')
    const { migrations } = await readMigrations('${root}/migrations/core', formatOfPostgres)
    for (const migration of migrations) postgresLosses(migration)
    // Not the peak that getrusage tells: that one has what forked this process in it.
    const { readFileSync } = await import('node:fs')
    console.log(/VmHWM: +(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8').replaceAll('\\t', ' '))[1])`
  const args = [...runnerOptions, '--input-type=module', '--eval', script]
  const peakMb = Number(execFileSync('node', args, { encoding: 'utf8' })) / 1024
  expect(stringify(migrateJob(alone))).toContain('memory: 256Mi')
  expect(peakMb).toBeLessThan(160)
})
