import { createHash } from 'node:crypto'
import Type from 'typebox'
import type { TSchema } from 'typebox'
import { AppError } from './errors.ts'
import { uuidPattern } from './uuid.ts'

/** Query parameters of every list. */
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Items on one page.' }),
  cursor: Type.Optional(
    // Room for the longest key: 200 characters of six bytes each in JSON, in base64.
    Type.String({ minLength: 1, maxLength: 4096, description: '`nextCursor` of the page before; opaque.' }),
  ),
}

/** A page: items, and where the next one starts; `nextCursor` is null on the last. */
export const pageOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), nextCursor: Type.Union([Type.String(), Type.Null()]) })

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}

export type KeyValue = string | number

/** A keyset position as opaque text: base64url of [digest of the list's name, ...the last row's sort values]. */
export function encodeCursor(list: string, key: KeyValue[]): string {
  return Buffer.from(JSON.stringify([digest(list), ...key])).toString('base64url')
}

/** Of one length however long the filters are. It tells lists apart and protects nothing, so that few characters do. */
const digest = (list: string) => createHash('sha256').update(list).digest('base64url').slice(0, 16)

/**
 * The keyset position, or null for the first page.
 * @param list   name of the list and its filters; a cursor of another list is refused
 * @param shape  one check per sort value, so that nothing reaches SQL that the database cannot read
 * @throws AppError VALIDATION_FAILED naming `cursor`
 */
export function decodeCursor(list: string, shape: KeyCheck[], cursor: string | undefined): string[] | null {
  if (cursor === undefined) return null
  const parts = parse(cursor)
  const [name, ...key] = parts
  const fits = name === digest(list) && key.length === shape.length && shape.every((check, i) => check(key[i] ?? ''))
  if (!fits) throw badCursor()
  return key
}

function parse(cursor: string): string[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(value)) return value.map(String)
  } catch {
    // Not ours: refused below.
  }
  throw badCursor()
}

const badCursor = () =>
  new AppError('VALIDATION_FAILED', undefined, {
    fields: [{ in: 'querystring', path: '/cursor', problem: 'is not a cursor of this list' }],
  })

type KeyCheck = (value: string) => boolean

const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/

/** One that is in the calendar: JavaScript reads 30 February as 2 March, and knows a year 0. */
function isInstant(value: string): boolean {
  const time = instantPattern.test(value) ? Date.parse(value) : NaN
  return (
    !Number.isNaN(time) && !value.startsWith('0000') && new Date(time).toISOString().slice(0, 19) === value.slice(0, 19)
  )
}

/** What a sort value may look like. An instant has microseconds, as `to_char(…, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')` writes it. */
export const keyChecks = {
  uuid: (value) => uuidPattern.test(value),
  instant: isInstant,
  integer: (value) => /^-?\d{1,9}$/.test(value),
  // In code points, as PostgreSQL and JSON Schema count.
  text: (value) => [...value].length <= 300 && !value.includes('\u0000'),
} satisfies Record<string, KeyCheck>

/**
 * Cuts rows read with `LIMIT limit + 1` into a page.
 * @param key  the sort values of a row, for the cursor
 */
export function page<Row, Item>(
  list: string,
  rows: Row[],
  limit: number,
  key: (row: Row) => KeyValue[],
  item: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(list, key(last)) : null
  return { items: shown.map(item), nextCursor }
}
