import type { Refused } from './errors.ts'

/**
 * Checks the comment lines that every SQL file begins with.
 * @param start  offset of its first statement
 * @returns whether the header says `-- migrate: breaking`
 */
export function readHeader(sql: string, start: number | undefined, refuse: (why: string) => Refused): boolean {
  if (!sql.startsWith('-- ')) throw refuse('does not begin with a comment line that says what it is for')
  if (start === undefined) throw refuse('has no statement')
  const directives = [...sql.slice(0, start).matchAll(/^-- *migrate:(.*)$/gim)].map((match) => match[1]?.trim() ?? '')
  const unknown = directives.find((directive) => directive !== 'breaking')
  if (unknown !== undefined)
    throw refuse(`has "-- migrate: ${unknown}", but the only such line is "-- migrate: breaking"`)
  if (/^-- *migrate:/im.test(sql.slice(start)))
    throw refuse('has a "-- migrate:" line after its first statement, where it has no effect')
  return directives.length > 0
}
