import type { Format } from './files.ts'
import { readHeader } from './sql-header.ts'
import { endsTransaction, findStatements } from './statements.ts'

export const formatOfPostgres: Format = {
  extension: 'sql',
  read(sql, refuse) {
    const statements = findStatements(sql)
    const breaking = readHeader(sql, statements[0]?.start, refuse)
    const ending = statements.find(endsTransaction)
    if (ending)
      throw refuse(`line ${ending.line} has ${ending.words[0]}: the runner wraps the whole file in one transaction`)
    return { breaking, statements: statements.length }
  },
}
