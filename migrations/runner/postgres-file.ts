import type { Format } from './files.ts'
import { readHeader } from './sql-header.ts'
import { endsTransaction, findStatements } from './statements.ts'

export const formatOfPostgres: Format = {
  extension: 'sql',
  read(sql, refuse) {
    const statements = findStatements(sql)
    const header = readHeader(sql, statements[0]?.start, refuse)
    const ending = statements.find(endsTransaction)
    if (ending)
      throw refuse(`line ${ending.line} has ${ending.words[0]}: the runner wraps the whole file in one transaction`)
    const apart = statements.find(({ words }) => words.includes('CONCURRENTLY') && words.includes('INDEX'))
    if (apart && (statements.length > 1 || !concurrentIndex(sql)))
      throw refuse(
        `line ${apart.line} has CONCURRENTLY, which runs in no transaction: such a file has one statement, CREATE [UNIQUE] INDEX CONCURRENTLY name ON … or DROP INDEX CONCURRENTLY IF EXISTS name`,
      )
    return { ...header, statements: statements.length }
  },
}

export interface ConcurrentIndex {
  name: string
  /** What there is of it afterwards. */
  exists: boolean
}

const indexName = '([a-z_][a-z0-9_]*)'
const create = new RegExp(String.raw`^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?!IF\s)${indexName}\s+ON\s`, 'i')
const drop = new RegExp(String.raw`^DROP\s+INDEX\s+CONCURRENTLY\s+IF\s+EXISTS\s+${indexName}\s*;?\s*$`, 'i')

/** The index that a file makes or drops without a transaction, while the table is written; undefined for every other file. */
export function concurrentIndex(sql: string): ConcurrentIndex | undefined {
  const [first] = findStatements(sql)
  const statement = first ? sql.slice(first.start) : ''
  const [made, gone] = [create.exec(statement)?.[1], drop.exec(statement)?.[1]]
  if (made !== undefined) return { name: made, exists: true }
  return gone === undefined ? undefined : { name: gone, exists: false }
}
