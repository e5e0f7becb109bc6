import { describe, expect, test } from 'vitest'
import { kinds } from './generate.ts'
import { objectSchema } from './generator/definition.ts'
import type { StructuralSchema } from './generator/structural.ts'

interface Leaf {
  path: string
  schema: StructuralSchema
  required: boolean
}

/** Fields of the spec that hold a value, with everything said about the objects around them. */
function leaves(schema: StructuralSchema, path: string, around = ''): Leaf[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const text = `${around} ${child.description ?? ''}`
    if (child.properties && Object.keys(child.properties).length > 0) return leaves(child, `${path}.${name}`, text)
    const required = schema.required?.includes(name) ?? false
    return [{ path: `${path}.${name}`, schema: { ...child, description: text }, required }]
  })
}

describe.each(kinds)('$kind', (kind) => {
  const spec = objectSchema(kind).properties?.['spec'] ?? { type: 'object' }

  test.each(leaves(spec, 'spec'))('$path says what a change does', ({ schema }) => {
    expect(schema.description).toMatch(/Changing (it|one) |A change is|Immutable|is refused/)
  })

  test.each(leaves(spec, 'spec').filter(({ required }) => !required))('$path says its default', ({ schema }) => {
    const value = schema.default
    if (typeof value === 'string' || typeof value === 'number') expect(schema.description).toContain(`Default ${value}`)
    else expect(schema.description).toMatch(/[Dd]efault|is refused/)
  })
})
