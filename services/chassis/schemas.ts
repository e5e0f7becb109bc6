import Type from 'typebox'
import type { Static, TSchema } from 'typebox'

/** A string out of a fixed list, as `type: string, enum`, which every tool reads. */
export function stringEnum<T extends string>(values: readonly T[], options: object = {}) {
  return Type.Unsafe<T>({ type: 'string', enum: [...values], ...options })
}

/** The same schema, or null. */
export function nullable<T extends TSchema>(schema: T) {
  const { type, enum: values, ...rest } = schema as { type?: string; enum?: unknown[] }
  if (type === undefined) throw new Error('nullable() is for schemas with one type')
  return Type.Unsafe<Static<T> | null>({
    ...rest,
    type: [type, 'null'],
    ...(values ? { enum: [...values, null] } : {}),
  })
}

export const id = (description: string) => Type.String({ format: 'uuid', description })

const noControls = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$'
const noControlsButLineEnds = '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$'

/** Patterns that nobody can read in an answer. */
export const controlCharacters = [noControls, noControlsButLineEnds]

/** One line of text: no control characters, of which PostgreSQL refuses NUL and people can read none. `maxLength` in code points. */
export const text = (maxLength: number, options: object = {}) =>
  Type.String({ minLength: 1, maxLength, pattern: noControls, ...options })

/** Text of several lines: of the control characters, tab and line ends. `maxLength` in code points. */
export const prose = (maxLength: number, options: object = {}) =>
  Type.String({ minLength: 1, maxLength, pattern: noControlsButLineEnds, ...options })

export const instant = (description: string) => Type.String({ format: 'date-time', description })

/** The object without fields that nobody named. */
export const closed = { additionalProperties: false }
