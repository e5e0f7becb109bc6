import { Ajv } from 'ajv'
import type { Options } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import { uuidPattern } from './uuid.ts'

const strict: Options = {
  allErrors: true,
  useDefaults: true,
  removeAdditional: false,
  strict: true,
  allowUnionTypes: true,
  multipleOfPrecision: 6,
}

function ajv(options: Options): Ajv {
  const instance = new Ajv({ ...strict, ...options })
  addFormats.default(instance, ['date', 'date-time', 'uri'])
  instance.addFormat('uuid', uuidPattern)
  return instance
}

/** Bodies carry types of their own and are never coerced. */
const bodies = ajv({ coerceTypes: false })
/** Query strings, parameters and headers are text: "20" has to become 20. A repeated parameter stays an array and is refused. */
const texts = ajv({ coerceTypes: true })

/** Validators for every part of a request: unknown fields are refused by name, never removed in silence. */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? bodies : texts).compile(schema)

export { texts as textAjv }
