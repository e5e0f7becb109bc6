import { globSync, readFileSync } from 'node:fs'
import { dirname, join, matchesGlob, normalize } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** Globs over paths from the root. */
interface Rule {
  from: string
  never: string[]
  except?: string[]
  because: string
}

// prettier-ignore
const rules: Rule[] = [
  { from: 'crds/**',               never: ['**'], except: ['crds/**'],
    because: 'the public contract: everything else follows from it, so it may follow from nothing' },
  { from: 'operator/**',           never: ['services/**'],
    because: 'operator and services are released together and run apart; what both need is in crds/' },
  { from: 'services/**',           never: ['operator/**'],
    because: 'a service knows a binding Secret, never the operator that wrote it' },
  { from: 'migrations/**',         never: ['services/**', 'operator/**'], except: ['operator/data-store/names.ts'],
    because: 'migrations run without Kubernetes and without any service; only names are shared' },
  { from: 'operator/**',           never: ['migrations/runner/{clickhouse,elasticsearch,nats,dialects,postgres-losses}.ts'],
    because: 'the operator reads the files of migrations and runs none: the clients of all engines and the parser would be memory it does not need' },
  { from: 'operator/engines/**',   never: ['operator/kube/**', 'operator/reconcile/**', 'operator/matching-cluster/**', 'operator/data-store/**'], except: ['operator/data-store/names.ts'],
    because: 'engines are pure builders and a probe: no API server, no reconcile' },
  { from: 'operator/{data-store,matching-cluster,reconcile,kube}/**', never: ['operator/engines/*/**'],
    because: 'only the registry knows which engines there are' },
  { from: 'operator/kube/**',      never: ['operator/{engines,data-store,matching-cluster}/**', 'crds/schema/{data-store,matching-cluster}.ts'],
    because: 'talks to any API server about any kind: knows no engine and no kind of ours' },
  { from: 'operator/reconcile/**', never: ['operator/{engines,data-store,matching-cluster}/**', 'crds/schema/{data-store,matching-cluster}.ts'],
    because: 'outcomes, steps and status are the same for every kind' },
  { from: '**',                    never: ['{bench,local}/**'],
    because: 'measurements and the local cluster use the product; it does not use them' },
  { from: '{crds,operator,services,migrations,images,local,charts}/**', never: ['e2e/**'],
    because: 'end-to-end tests use the product; it does not use them. Measurements reach the running platform as they do' },
]

/** Services share these two; anything else about each other they learn by event or request. */
const sharedServices = ['chassis', 'events']

const root = import.meta.dirname
const sources = globSync('**/*.ts', { cwd: root, exclude: (name) => ['node_modules', '.local'].includes(String(name)) })

interface Import {
  file: string
  target: string
}

/** Every import of a file of ours: static, `export … from`, dynamic with a literal, and in types. */
function importsOf(file: string): Import[] {
  return ts
    .preProcessFile(readFileSync(join(root, file), 'utf8'), true, true)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => ({ file, target: normalize(join(dirname(file), name)) }))
}

const folderOf = (path: string) => path.split('/')[0]

function violation({ file, target }: Import, { from, never, except = [], because }: Rule): string[] {
  const matches = (globs: string[]) => globs.some((glob) => matchesGlob(target, glob))
  if (!matchesGlob(file, from) || !matches(never) || matches(except)) return []
  if (folderOf(file) === folderOf(target) && from === '**') return []
  return [`${file} imports ${target}: ${because}`]
}

function crossService({ file, target }: Import): string[] {
  const [folder, from] = file.split('/')
  const [targetFolder, to = ''] = target.split('/')
  if (folder !== 'services' || targetFolder !== 'services' || !from || from.includes('.')) return []
  if (from === to || sharedServices.includes(to)) return []
  return [`${file} imports ${target}: services know each other by event and request only`]
}

function violations(imports: Import[]): string[] {
  return imports.flatMap((found) => [...rules.flatMap((rule) => violation(found, rule)), ...crossService(found)])
}

test('every import respects the layers', () => {
  const imports = sources.flatMap(importsOf)
  expect(imports.length).toBeGreaterThan(20)
  expect(violations(imports)).toEqual([])
})

// One forbidden import per rule, so that a rule which stopped working is seen.
// prettier-ignore
test.each([
  ['crds/binding.ts',                        'operator/labels.ts'],
  ['operator/main.ts',                       'services/main.ts'],
  ['services/core/main.ts',                  'operator/labels.ts'],
  ['operator/engines/postgres/objects.ts',   'operator/kube/client.ts'],
  ['operator/kube/cache.ts',                 'operator/data-store/names.ts'],
  ['operator/reconcile/status.ts',           'crds/schema/data-store.ts'],
  ['operator/matching-cluster/steps.ts',     'operator/engines/postgres/engine.ts'],
  ['migrations/runner/cli.ts',               'services/chassis/config.ts'],
  ['operator/main.ts',                       'migrations/runner/dialects.ts'],
  ['operator/main.ts',                       'local/run.ts'],
  ['operator/kube/client.test.ts',           'local/run.ts'],
  ['e2e/harness/kubectl.ts',                 'local/paths.ts'],
  ['services/core/routes/jobs/index.ts',     'services/search/index.ts'],
  ['services/chassis/app.ts',                'services/core/app.ts'],
])('%s may not import %s', (file, target) => expect(violations([{ file, target }])).toHaveLength(1))

// prettier-ignore
test.each([
  ['services/core/app.ts',               'services/chassis/app.ts'],
  ['services/main.ts',                   'services/core/app.ts'],
  ['operator/engines/postgres/engine.ts','crds/binding.ts'],
  ['operator/matching-cluster/steps.ts', 'operator/engines/registry.ts'],
  ['migrations/runner/bootstrap.ts',     'operator/data-store/names.ts'],
  ['operator/main.ts',                   'migrations/runner/formats.ts'],
  ['local/main.ts',                      'local/run.ts'],
])('%s may import %s', (file, target) => expect(violations([{ file, target }])).toEqual([]))
