/** Every error a service answers with: code, HTTP status, title. docs/reference/http-api.md lists the same ones (a test compares). */
// prettier-ignore
export const errors = {
  VALIDATION_FAILED:      [400, 'A field of the request is not valid'],
  MALFORMED_REQUEST:      [400, 'The request cannot be read'],
  UNAUTHENTICATED:        [401, 'A valid bearer token is required'],
  FORBIDDEN:              [403, 'This role or person may not do that'],
  NOT_FOUND:              [404, 'There is nothing here, or nothing you may see'],
  REQUEST_TIMEOUT:        [408, 'The request took too long to arrive'],
  CONFLICT:               [409, 'Another record already has this value'],
  BODY_TOO_LARGE:         [413, 'The body is too large'],
  URI_TOO_LONG:           [414, 'The address is too long'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'The body must be application/json'],
  REFERENCE_NOT_FOUND:    [422, 'A field names something that does not exist'],
  RULE_VIOLATED:          [422, 'A value is outside what is allowed'],
  HEADERS_TOO_LARGE:      [431, 'The headers are too large'],
  INTERNAL:               [500, 'Something went wrong on our side'],
  UNAVAILABLE:            [503, 'Not available right now, try again'],
  DEADLINE_EXCEEDED:      [504, 'The answer took too long'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ErrorCode = keyof typeof errors

/** What is wrong with one field. `path` is a JSON pointer inside the part `in`, empty for the part itself. */
export interface FieldProblem {
  in: 'body' | 'querystring' | 'params' | 'headers'
  path: string
  problem: string
}

/** An error with an answer of its own. `message` goes to clients below 500, so it must hold nothing personal; `cause` only to the log. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly fields: FieldProblem[]

  constructor(code: ErrorCode, message?: string, options: { fields?: FieldProblem[]; cause?: unknown } = {}) {
    super(message ?? errors[code][1], 'cause' in options ? { cause: options.cause } : {})
    this.name = 'AppError'
    this.code = code
    this.fields = options.fields ?? []
  }

  get statusCode(): number {
    return errors[this.code][0]
  }
}

/** By name: a test runner may load this file twice, and `instanceof` would not know the other copy's. */
export const isAppError = (error: unknown): error is AppError => error instanceof Error && error.name === 'AppError'
