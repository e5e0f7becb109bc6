/** Everything that follows from crds/schema and crds/conditions.ts. `make generate` (docs/generate.ts) writes it. */
import { stringify } from 'yaml'
import { definition } from './generator/definition.ts'
import { conditionsPage, kindPage, retentionPage } from './generator/reference.ts'
import { dataStoreKind } from './schema/data-store.ts'
import { matchingClusterKind } from './schema/matching-cluster.ts'

export const kinds = [matchingClusterKind, dataStoreKind]

/** Deleting the chart's release must not delete the CRDs: with them would go every object and, after it, its pods. */
const keep = { 'helm.sh/resource-policy': 'keep' }

const header = '# Generated from crds/schema by `make generate`. Do not edit.\n'
const toYaml = (value: object) => header + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })

/** Path from the repository's root -> text: the CRD manifests, the chart's copy and a reference page for each kind. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>()
  for (const source of kinds) {
    files.set(`crds/manifests/${source.plural}.yaml`, toYaml(definition(source)))
    files.set(`charts/matching-crds/templates/${source.plural}.yaml`, forHelm(toYaml(definition(source, keep))))
    files.set(`docs/reference/${source.singular}.md`, kindPage(source))
  }
  files.set('docs/reference/conditions.md', conditionsPage())
  files.set('docs/reference/retention.md', retentionPage())
  return files
}

/** Helm would read `{{` in a description as a template. */
function forHelm(text: string): string {
  if (text.includes('{{')) throw new Error('a description or rule holds "{{", which Helm would read as a template')
  return text
}
