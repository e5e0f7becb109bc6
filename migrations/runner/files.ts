import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { Refused } from './errors.ts'
import { endsTransaction, findStatements } from './statements.ts'

export interface Migration {
  /** From 1, without gaps. */
  version: number
  /** The words of the file name: `job_applications` of `000007_job_applications.sql`. */
  name: string
  /** sha256 of the file's bytes, hexadecimal. */
  checksum: string
  /** An application that does not know this file cannot live with it. */
  breaking: boolean
  sql: string
}

export interface MigrationSet {
  /** The folder's name, e.g. `core`. */
  schema: string
  /** In order of version: 1, 2, 3, … */
  migrations: Migration[]
  /** sha256 of the `number name checksum` lines, hexadecimal: two folders with the same digest give the same schema. */
  digest: string
  /** The highest version, 0 for an empty folder. */
  target: number
}

const numbered = /^(\d{6})_([a-z0-9]+(?:_[a-z0-9]+)*)\.sql$/
/** Files beside the numbered ones that are not migrations. */
const unnumbered = ['cluster.sql', 'schema.golden.sql']
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `000007_job_applications.sql` */
export const fileName = ({ version, name }: { version: number; name: string }) =>
  `${String(version).padStart(6, '0')}_${name}.sql`

/**
 * Reads and checks a schema's folder of migration files; touches no database.
 * @throws Refused when a file has a bad name or content, a number is used twice, or one is left out
 */
export async function readMigrations(dir: string): Promise<MigrationSet> {
  const entries = await readdir(dir)
  const names = entries.filter((entry) => isMigration(entry)).sort()
  checkNumbers(names)
  const migrations = await Promise.all(names.map(async (name) => parseMigration(name, await readFile(join(dir, name)))))
  return { schema: basename(resolve(dir)), migrations, digest: digest(migrations), target: migrations.length }
}

/** A misspelt file must not be passed over in silence, so whatever looks like a migration has to be named like one. */
function isMigration(entry: string): boolean {
  if (unnumbered.includes(entry) || !(/^\d/.test(entry) || entry.endsWith('.sql'))) return false
  if (numbered.test(entry)) return true
  throw new Refused('BadFileName', `${entry}: a migration is named like 000007_lower_case_words.sql`)
}

function checkNumbers(sorted: string[]): void {
  sorted.forEach((name, index) => {
    const version = Number(name.slice(0, 6))
    const before = sorted[index - 1]
    if (before?.slice(0, 6) === name.slice(0, 6))
      throw new Refused('DuplicateNumber', `${before} and ${name} have the same number`)
    if (version === 0) throw new Refused('BadFileName', `${name}: numbers start at 000001`)
    if (version !== index + 1) {
      const missing = String(index + 1).padStart(6, '0')
      throw new Refused('NumberGap', `there is no file ${missing}_*.sql, but there is ${name}`)
    }
  })
}

/** @throws Refused when the content breaks a rule of migrations/README.md */
function parseMigration(file: string, bytes: Uint8Array): Migration {
  const refuse = (why: string) => new Refused('BadFile', `${file}: ${why}`)
  let sql
  try {
    sql = decoder.decode(bytes)
  } catch {
    throw refuse('is not UTF-8')
  }
  if (sql.startsWith('\ufeff')) throw refuse('starts with a byte order mark')
  if (sql.includes('\r')) throw refuse('has Windows line endings, so its checksum would differ between checkouts')
  if (!sql.startsWith('-- ')) throw refuse('does not begin with a comment line that says what it is for')

  const statements = findStatements(sql)
  const [first] = statements
  if (!first) throw refuse('has no statement')
  const ending = statements.find(endsTransaction)
  if (ending)
    throw refuse(`line ${ending.line} has ${ending.words[0]}: the runner wraps the whole file in one transaction`)

  const checksum = createHash('sha256').update(bytes).digest('hex')
  const breaking = readHeader(sql.slice(0, first.start), refuse)
  if (/^-- *migrate:/im.test(sql.slice(first.start)))
    throw refuse('has a "-- migrate:" line after its first statement, where it has no effect')
  return { version: Number(file.slice(0, 6)), name: file.slice(7, -'.sql'.length), checksum, breaking, sql }
}

/** @returns whether the header says `-- migrate: breaking` */
function readHeader(header: string, refuse: (why: string) => Refused): boolean {
  const directives = [...header.matchAll(/^-- *migrate:(.*)$/gim)].map((match) => match[1]?.trim() ?? '')
  const unknown = directives.find((directive) => directive !== 'breaking')
  if (unknown !== undefined)
    throw refuse(`has "-- migrate: ${unknown}", but the only such line is "-- migrate: breaking"`)
  return directives.length > 0
}

function digest(migrations: Migration[]): string {
  const hash = createHash('sha256')
  for (const { version, name, checksum } of migrations)
    hash.update(`${String(version).padStart(6, '0')} ${name} ${checksum}\n`)
  return hash.digest('hex')
}
