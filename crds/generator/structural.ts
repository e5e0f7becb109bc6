import type { CelRule } from '../schema/common.ts'

/** The part of JSON schema that a CustomResourceDefinition may hold. */
export interface StructuralSchema {
  type: string
  description?: string
  default?: unknown
  enum?: string[]
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  minProperties?: number
  maxProperties?: number
  properties?: Record<string, StructuralSchema>
  required?: string[]
  items?: StructuralSchema
  additionalProperties?: StructuralSchema
  'x-kubernetes-validations'?: CelRule[]
  'x-kubernetes-preserve-unknown-fields'?: true
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: string[]
}

/** Copied as they are; `properties`, `required`, `items` and `patternProperties` are converted; anything else is an error. */
const plainKeywords = [
  'type',
  'description',
  'default',
  'enum',
  'format',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'x-kubernetes-validations',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
]
const convertedKeywords = ['properties', 'required', 'items', 'patternProperties']

/** What TypeBox writes for Record(String(), …): every key matches. */
const anyKey = '^.*$'

/**
 * TypeBox schema -> structural schema of a CRD.
 * @param path  where the schema is, for the error: `MatchingCluster.spec.pooling`
 * @throws      Error naming the path, when the source says something that a CRD cannot express or a field has no description
 */
export function structural(source: object, path: string): StructuralSchema {
  const entries = Object.entries(source) as [string, unknown][]
  const unknown = entries.map(([key]) => key).filter((key) => ![...plainKeywords, ...convertedKeywords].includes(key))
  if (unknown.length > 0) throw new Error(`${path}: a CRD schema cannot hold ${unknown.join(', ')}`)

  const input = source as Record<string, unknown>
  if (typeof input['type'] !== 'string') throw new Error(`${path}: type is missing`)
  const plain = Object.fromEntries(entries.filter(([key]) => plainKeywords.includes(key)))
  const properties = structuralProperties(input, path)
  return {
    ...(plain as unknown as StructuralSchema),
    ...('default' in input ? { default: filledIn(input['default'], properties.properties) } : {}),
    ...properties,
    ...(input['items'] ? { items: structural(input['items'], `${path}[]`) } : {}),
    ...(input['patternProperties'] ? { additionalProperties: structuralMap(input['patternProperties'], path) } : {}),
  }
}

/** The API server runs CEL on a default before it fills in the defaults of the fields below, and refuses the CRD when one is missing. */
function filledIn(value: unknown, properties: Record<string, StructuralSchema> = {}): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const below = Object.entries(properties).filter(([, property]) => property.default !== undefined)
  return { ...Object.fromEntries(below.map(([name, property]) => [name, property.default])), ...value }
}

function structuralProperties(
  input: Record<string, unknown>,
  path: string,
): Pick<StructuralSchema, 'properties' | 'required'> {
  const sources = Object.entries((input['properties'] ?? {}) as Record<string, object>)
  if (sources.length === 0) return {}
  const properties = Object.fromEntries(sources.map(([name, source]) => [name, described(source, `${path}.${name}`)]))
  // The API server fills in defaults before it validates, but `kubectl explain` and clients' own checks read `required`.
  const required = ((input['required'] ?? []) as string[]).filter((name) => !('default' in (properties[name] ?? {})))
  return { properties, ...(required.length > 0 ? { required } : {}) }
}

function described(source: object, path: string): StructuralSchema {
  const schema = structural(source, path)
  if (!schema.description) throw new Error(`${path}: description is missing`)
  return schema
}

function structuralMap(patterns: object, path: string): StructuralSchema {
  const [[pattern, value] = [], ...others] = Object.entries(patterns) as [string, object][]
  if (pattern !== anyKey || !value || others.length > 0) throw new Error(`${path}: a map cannot restrict its keys`)
  return structural(value, `${path}{}`)
}
