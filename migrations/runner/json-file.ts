import type { Static, TSchema } from 'typebox'
import Value from 'typebox/value'
import type { Refused } from './errors.ts'

/** A JSON file that is as its schema says. @throws what `refuse` gives, naming the first field that is not */
export function readJson<Schema extends TSchema>(
  schema: Schema,
  text: string,
  refuse: (why: string) => Refused,
): Static<Schema> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw refuse(`is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const [problem] = Value.Errors(schema, value)
  if (problem) throw refuse(`${problem.instancePath || 'the file'} ${problem.message}`)
  return value as Static<Schema>
}
