import type { Refused } from './errors.ts'

/**
 * Checks the comment lines that every SQL file begins with.
 * @param start  offset of its first statement
 * @returns which of `-- migrate: breaking` and `-- migrate: destructive` the header says
 */
export function readHeader(
  sql: string,
  start: number | undefined,
  refuse: (why: string) => Refused,
): Record<'breaking' | 'destructive', boolean> {
  if (!sql.startsWith('-- ')) throw refuse('does not begin with a comment line that says what it is for')
  if (start === undefined) throw refuse('has no statement')
  const directives = [...sql.slice(0, start).matchAll(/^-- *migrate:(.*)$/gim)].map((match) => match[1]?.trim() ?? '')
  const unknown = directives.find((directive) => !['breaking', 'destructive'].includes(directive))
  if (unknown !== undefined)
    throw refuse(
      `has "-- migrate: ${unknown}", but the only such lines are "-- migrate: breaking" and "-- migrate: destructive"`,
    )
  if (/^-- *migrate:/im.test(sql.slice(start)))
    throw refuse('has a "-- migrate:" line after its first statement, where it has no effect')
  return { breaking: directives.includes('breaking'), destructive: directives.includes('destructive') }
}
