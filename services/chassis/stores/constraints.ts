import type { DatabaseError } from 'pg'
import { AppError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

/** Constraint name -> the field of the body it is about (a JSON pointer, empty for the whole body) and what is wrong. */
export type Constraints = Record<string, readonly [path: string, problem: string]>

// prettier-ignore
const codes: Record<string, ErrorCode> = {
  '23505': 'CONFLICT',            // unique_violation
  '23503': 'REFERENCE_NOT_FOUND', // foreign_key_violation
  '23514': 'RULE_VIOLATED',       // check_violation
  '22001': 'RULE_VIOLATED',       // string_data_right_truncation
  '22003': 'RULE_VIOLATED',       // numeric_value_out_of_range
  '22007': 'RULE_VIOLATED',       // invalid_datetime_format
  '22008': 'RULE_VIOLATED',       // datetime_field_overflow
  '22009': 'RULE_VIOLATED',       // invalid_time_zone_displacement_value
  '42501': 'FORBIDDEN',           // insufficient_privilege, row level security included
}

/** A violation as an answer that names the field. The server's own words stay out of it: DETAIL repeats the row. */
export function explainViolation(error: DatabaseError, constraints: Constraints): AppError | undefined {
  const code = codes[error.code ?? '']
  if (!code) return undefined
  const known = constraints[error.constraint ?? '']
  const fields = known ? [{ in: 'body' as const, path: known[0], problem: known[1] }] : []
  return new AppError(code, undefined, { fields, cause: error })
}
