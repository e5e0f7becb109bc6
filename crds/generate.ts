/**
 * Writes everything that follows from crds/schema and crds/conditions.ts: the CRD manifests, the chart's copy, the reference pages.
 * `--check` writes nothing and exits 1 naming the files that are stale, missing or no longer generated.
 */
import { stringify } from 'yaml'
import { conditionsPage, kindPage, referenceIndex } from './generator/reference.ts'
import { definition } from './generator/definition.ts'
import { differences, write, type GeneratedFiles } from './generator/files.ts'
import { dataStoreKind } from './schema/data-store.ts'
import { matchingClusterKind } from './schema/matching-cluster.ts'

export const kinds = [matchingClusterKind, dataStoreKind]

/** Folders in which every file is generated. */
const folders = ['crds/manifests', 'charts/matching-crds/templates', 'docs/reference']

/** Deleting the chart's release must not delete the CRDs: with them would go every object and, after it, its pods. */
const keep = { 'helm.sh/resource-policy': 'keep' }

const header = '# Generated from crds/schema by `make generate`. Do not edit.\n'
const toYaml = (value: object) => header + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })

/** Path from the repository's root -> text. */
export function generatedFiles(): GeneratedFiles {
  const files: GeneratedFiles = new Map()
  for (const source of kinds) {
    files.set(`crds/manifests/${source.plural}.yaml`, toYaml(definition(source)))
    files.set(`charts/matching-crds/templates/${source.plural}.yaml`, forHelm(toYaml(definition(source, keep))))
    files.set(`docs/reference/${source.singular}.md`, kindPage(source))
  }
  files.set('docs/reference/conditions.md', conditionsPage())
  files.set('docs/reference/README.md', referenceIndex(kinds))
  return files
}

/** Helm would read `{{` in a description as a template. */
function forHelm(text: string): string {
  if (text.includes('{{')) throw new Error('a description or rule holds "{{", which Helm would read as a template')
  return text
}

if (import.meta.main) {
  const found = differences(generatedFiles(), folders)
  if (process.argv.includes('--check')) {
    for (const { path, problem } of found) console.error(`${path}: ${problem}; run \`make generate\``)
    process.exitCode = found.length > 0 ? 1 : 0
  } else {
    write(generatedFiles(), found)
  }
}
