import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifySchemaValidationError } from 'fastify'
import { AppError, errors, isAppError } from './errors.ts'
import type { ErrorCode, FieldProblem } from './errors.ts'
import { controlCharacters } from './schemas.ts'

/** RFC 9457 problem details with three members of our own: code, requestId, errors. */
export interface Problem {
  type: string
  title: string
  status: number
  detail?: string
  code: ErrorCode
  requestId: string
  errors?: FieldProblem[]
}

/** A body can be wrong in more places than anybody reads. */
const maxFieldProblems = 20

/** The body for an error. Above 499 it says nothing about the cause. */
export function problem(error: AppError, requestId: string): Problem {
  const [status, title] = errors[error.code]
  const detail = status < 500 && error.message !== title ? { detail: error.message } : {}
  const fields = error.fields.length > 0 ? { errors: error.fields.slice(0, maxFieldProblems) } : {}
  return { type: problemType(error.code), title, status, ...detail, code: error.code, requestId, ...fields }
}

const problemType = (code: ErrorCode) => `urn:supersmartmatch:problem:${code.toLowerCase().replaceAll('_', '-')}`

/** Any thrown value as an AppError. What we do not know is INTERNAL and keeps its cause for the log. */
export function toAppError(error: unknown): AppError {
  if (isAppError(error)) return error
  if (isFastifyError(error)) return fromFastify(error)
  return new AppError('INTERNAL', undefined, { cause: error })
}

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error && ('validation' in error || ('code' in error && 'statusCode' in error))

// prettier-ignore
const byStatus: Record<number, ErrorCode> = {
  400: 'MALFORMED_REQUEST', 404: 'NOT_FOUND', 408: 'REQUEST_TIMEOUT', 413: 'BODY_TOO_LARGE', 414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE', 431: 'HEADERS_TOO_LARGE', 503: 'UNAVAILABLE',
}

function fromFastify(error: FastifyError): AppError {
  if (error.validation) {
    const part = error.validationContext ?? 'body'
    const fields = error.validation.map((one) => fieldProblem(part, one))
    return new AppError('VALIDATION_FAILED', undefined, { fields, cause: error })
  }
  if (error.code === 'FST_ERR_HANDLER_TIMEOUT') return new AppError('DEADLINE_EXCEEDED', undefined, { cause: error })
  const code = byStatus[error.statusCode ?? 500] ?? 'INTERNAL'
  return new AppError(code, unreadable[error.code], { cause: error })
}

/** What is wrong with a request that cannot be read. Fastify's own words repeat what was sent. */
const unreadable: Record<string, string> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON, or holds a key __proto__ or constructor',
  FST_ERR_BAD_URL: 'The path is not percent-encoded UTF-8',
}

/** Ajv's error in words; the path ends at the field that is meant, also when it is missing or unknown. */
function fieldProblem(part: FieldProblem['in'], error: FastifySchemaValidationError): FieldProblem {
  const { keyword, params, instancePath } = error
  if (keyword === 'required') {
    return { in: part, path: `${instancePath}/${String(params['missingProperty'])}`, problem: 'is required' }
  }
  if (keyword === 'additionalProperties') {
    return {
      in: part,
      path: `${instancePath}/${String(params['additionalProperty'])}`,
      problem: 'is not a known field',
    }
  }
  if (keyword === 'pattern' && controlCharacters.includes(String(params['pattern'])))
    return { in: part, path: instancePath, problem: 'must not hold control characters' }
  const allowed =
    keyword === 'enum'
      ? `: ${(params['allowedValues'] as (string | null)[]).filter((value) => value !== null).join(', ')}`
      : ''
  return { in: part, path: instancePath, problem: `${error.message ?? 'is not valid'}${allowed}` }
}

/** The answer to bytes that never became a request: too large headers, no HTTP, too slow. A whole HTTP/1.1 message. */
export function rawProblem(code: ErrorCode, requestId: string): string {
  const body = JSON.stringify(problem(new AppError(code), requestId))
  const [status] = errors[code]
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
