import Type from 'typebox'
import { expect, test } from 'vitest'
import { structural } from './structural.ts'

const described = { description: 'd' }

// What TypeBox can say and a CRD cannot: it must fail here, not when somebody applies the CRD.
// prettier-ignore
test.each([
  ['a constant',                 Type.Literal('x', described),                              'x: a CRD schema cannot hold const'],
  ['a union',                    Type.Union([Type.String(), Type.Integer()]),               'x: a CRD schema cannot hold anyOf'],
  ['a reference',                Type.Ref('Other'),                                         'x: a CRD schema cannot hold $ref'],
  ['no type',                    Type.Unsafe<string>({ enum: ['a'] }),                      'x: type is missing'],
  ['no description',             Type.Object({ a: Type.String() }),                         'x.a: description is missing'],
  ['no description, deep down',  Type.Object({ a: Type.Array(Type.Object({ b: Type.Null() }), described) }), 'x.a[].b: description is missing'],
  ['a map with restricted keys', Type.Record(Type.String({ pattern: '^a' }), Type.String()), 'x: a map cannot restrict its keys'],
  ['closed objects',             Type.Object({}, { additionalProperties: false }),          'x: a CRD schema cannot hold additionalProperties'],
])('%s is an error that names the path', (_what, schema, message) => {
  expect(() => structural(schema, 'x')).toThrow(message)
})

test('a field with a default is not required', () => {
  const schema = Type.Object({
    given: Type.Integer({ default: 1, ...described }),
    needed: Type.Integer(described),
    optional: Type.Optional(Type.Integer(described)),
  })
  expect(structural(schema, 'x').required).toEqual(['needed'])
})

test('the default of an object holds the defaults of its fields, as far down as they go', () => {
  const inner = Type.Object({ a: Type.Integer({ default: 1, ...described }) }, { default: {}, ...described })
  const schema = Type.Object({ inner, b: Type.Integer({ default: 2, ...described }) }, { default: { b: 3 } })
  expect(structural(schema, 'x').default).toEqual({ inner: { a: 1 }, b: 3 })
})

test('a record becomes additionalProperties', () => {
  const schema = Type.Record(Type.String(), Type.String({ maxLength: 3 }))
  expect(structural(schema, 'x')).toEqual({ type: 'object', additionalProperties: { type: 'string', maxLength: 3 } })
})

test('the default of a list stays a list', () => {
  const schema = Type.Object({ list: Type.Array(Type.String(), { default: [], ...described }) }, { default: {} })
  expect(structural(schema, 'x')).toMatchObject({ default: { list: [] }, properties: { list: { default: [] } } })
})
