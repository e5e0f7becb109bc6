/**
 * Checks Kubernetes YAML with kubeconform against what the API server of KUBECONFIG says it accepts (its OpenAPI) and against our CRDs.
 * Schemas from the server rather than from the internet: they are of its version, and the check works offline.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { env } from './helm.ts'

const root = join(import.meta.dirname, '..')

interface Schema {
  $ref?: string
  type?: string | string[]
  format?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  [key: string]: unknown
}

interface GroupVersionKind {
  group: string
  version: string
  kind: string
}

type Definitions = Record<string, Schema>

/**
 * @param yaml  any number of documents
 * @returns     one line per thing that is wrong; empty when all is well
 */
export function kubeconform(yaml: string, schemas: string): string[] {
  const location = join(schemas, '{{ .Group }}_{{ .ResourceAPIVersion }}_{{ .ResourceKind }}.json')
  const args = ['-strict', '-output', 'json', '-schema-location', location]
  const { stdout, stderr, error } = spawnSync('kubeconform', args, { input: yaml, env, encoding: 'utf8' })
  if (error) throw error
  if (!stdout) throw new Error(`kubeconform said nothing: ${stderr}`)
  const { resources = [] } = JSON.parse(stdout) as { resources?: { kind: string; name: string; msg: string }[] }
  return resources.map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`)
}

/** Writes a JSON schema per kind into a new temporary folder; `remove` deletes it. */
export function writeSchemas(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconform-'))
  const text = execFileSync('kubectl', ['get', '--raw', '/openapi/v2'], { env, encoding: 'utf8', maxBuffer: 2 ** 28 })
  const { definitions } = JSON.parse(text) as { definitions: Definitions }
  for (const schema of Object.values(definitions)) makeStrict(schema)
  for (const [name, schema] of Object.entries(definitions)) {
    const kinds = (schema['x-kubernetes-group-version-kind'] ?? []) as GroupVersionKind[]
    for (const kind of kinds) write(folder, kind, { ...schema, definitions: reachable(name, definitions) })
  }
  for (const { kind, schema } of ourKinds()) {
    makeStrict(schema)
    write(folder, kind, schema)
  }
  return { folder, remove: () => rmSync(folder, { recursive: true }) }
}

/** From the manifests, not from the server: what is installed there may be older. */
function ourKinds(): { kind: GroupVersionKind; schema: Schema }[] {
  const manifests = join(root, 'crds/manifests')
  return readdirSync(manifests).map((file) => {
    const { spec } = parse(readFileSync(join(manifests, file), 'utf8')) as CustomResourceDefinition
    const [version] = spec.versions
    const schema = version.schema.openAPIV3Schema
    // The API server checks metadata itself.
    schema.properties = { ...schema.properties, metadata: { type: 'object' } }
    return { kind: { group: spec.group, version: version.name, kind: spec.names.kind }, schema }
  })
}

interface CustomResourceDefinition {
  spec: {
    group: string
    names: { kind: string }
    versions: [{ name: string; schema: { openAPIV3Schema: Schema } }]
  }
}

function write(folder: string, { group, version, kind }: GroupVersionKind, schema: object): void {
  // kubeconform takes the version for the group of `apiVersion: v1`.
  writeFileSync(join(folder, `${group || version}_${version}_${kind.toLowerCase()}.json`), JSON.stringify(schema))
}

/** OpenAPI leaves unknown fields open; here they are mistakes. Quantities and ports may be written as numbers. */
function makeStrict(schema: Schema): void {
  if (schema.properties && !('additionalProperties' in schema) && !schema['x-kubernetes-preserve-unknown-fields']) {
    schema.additionalProperties = false
  }
  if (schema.format === 'int-or-string') schema.type = ['string', 'integer']
  const { properties = {}, items, additionalProperties } = schema
  for (const child of [...Object.values(properties), items, additionalProperties]) {
    if (typeof child === 'object') makeStrict(child)
  }
}

/** The definitions a schema refers to, directly or not. */
function reachable(name: string, definitions: Definitions): Definitions {
  const found: Definitions = {}
  const visit = (definition: string) => {
    const schema = definitions[definition]
    if (!schema || found[definition]) return
    found[definition] = schema
    for (const [, next] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) visit(next ?? '')
  }
  visit(name)
  return found
}
