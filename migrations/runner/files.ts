import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { Refused } from './errors.ts'

/** What the files of one kind of database look like. Imports no client: the operator reads the folders, too. */
export interface Format {
  extension: Extension
  /** @throws whatever `refuse` gives, when the text breaks a rule of migrations/README.md */
  read(text: string, refuse: (why: string) => Refused): Content
}

export type Extension = 'sql' | 'json'

export interface Content {
  /** An application that does not know this file cannot live with it: the second half of expand and contract. */
  breaking: boolean
  /** Its author says that it loses data, in a way that its statements do not show. */
  destructive: boolean
  /** How many statements it has. */
  statements: number
}

export interface Migration extends Content {
  /** From 1, without gaps. */
  version: number
  /** The words of the file name: `job_applications` of `000007_job_applications.sql`. */
  name: string
  /** sha256 of the file's bytes, hexadecimal. */
  checksum: string
  text: string
}

export interface MigrationSet {
  /** The folder's name, e.g. `core`. */
  schema: string
  /** Of all its files. */
  extension: Extension
  /** In order of version: 1, 2, 3, … */
  migrations: Migration[]
  /** sha256 of the `number name checksum` lines, hexadecimal: two folders with the same digest give the same schema. */
  digest: string
  /** The highest version, 0 for an empty folder. */
  target: number
  /** Text of cluster.sql, where the folder has one. */
  clusterSql: string | undefined
}

const numbered = /^(\d{6})_([a-z0-9]+(?:_[a-z0-9]+)*)\.(sql|json)$/
/** Files beside the numbered ones that are not migrations. */
const unnumbered = ['cluster.sql', 'erase.sql', 'erase.json', 'schema.golden.sql', 'schema.golden.json']
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `000007_job_applications.sql` */
export const fileName = ({ version, name }: { version: number; name: string }, extension: Extension) =>
  `${String(version).padStart(6, '0')}_${name}.${extension}`

/**
 * Reads and checks a schema's folder of migration files; touches no database.
 * @throws Refused when a file has a bad name or content, a number is used twice, or one is left out
 */
export async function readMigrations(dir: string, format: Format): Promise<MigrationSet> {
  const entries = await readdir(dir)
  const { extension } = format
  const names = entries.filter((entry) => isMigration(entry, extension)).sort()
  checkNumbers(names, extension)
  const read = async (name: string) => parseMigration(name, await readFile(join(dir, name)), format)
  const migrations = await Promise.all(names.map(read))
  return {
    schema: basename(resolve(dir)),
    extension,
    migrations,
    digest: digest(migrations),
    target: migrations.length,
    clusterSql: entries.includes('cluster.sql') ? await readFile(join(dir, 'cluster.sql'), 'utf8') : undefined,
  }
}

/** A misspelt file must not be passed over in silence, so whatever looks like a migration has to be named like one. */
function isMigration(entry: string, extension: Extension): boolean {
  if (unnumbered.includes(entry) || !(/^\d/.test(entry) || entry.endsWith(`.${extension}`))) return false
  if (numbered.test(entry) && entry.endsWith(`.${extension}`)) return true
  throw new Refused('BadFileName', `${entry}: a migration is named like 000007_lower_case_words.${extension}`)
}

function checkNumbers(sorted: string[], extension: Extension): void {
  sorted.forEach((name, index) => {
    const version = Number(name.slice(0, 6))
    const before = sorted[index - 1]
    if (before?.slice(0, 6) === name.slice(0, 6))
      throw new Refused('DuplicateNumber', `${before} and ${name} have the same number`)
    if (version === 0) throw new Refused('BadFileName', `${name}: numbers start at 000001`)
    if (version !== index + 1) {
      const missing = String(index + 1).padStart(6, '0')
      throw new Refused('NumberGap', `there is no file ${missing}_*.${extension}, but there is ${name}`)
    }
  })
}

/** @throws Refused when the content breaks a rule of migrations/README.md */
function parseMigration(file: string, bytes: Uint8Array, format: Format): Migration {
  const refuse = (why: string) => new Refused('BadFile', `${file}: ${why}`)
  let text
  try {
    text = decoder.decode(bytes)
  } catch {
    throw refuse('is not UTF-8')
  }
  if (text.startsWith('\ufeff')) throw refuse('starts with a byte order mark')
  if (text.includes('\r')) throw refuse('has Windows line endings, so its checksum would differ between checkouts')
  const checksum = createHash('sha256').update(bytes).digest('hex')
  const name = file.slice(7, -`.${format.extension}`.length)
  return { version: Number(file.slice(0, 6)), name, checksum, text, ...format.read(text, refuse) }
}

/**
 * The same folder, ending earlier.
 * @throws Refused when it has no such file
 */
export function upTo(files: MigrationSet, target: number): MigrationSet {
  if (target > files.target || target < 1)
    throw new Refused('BadArguments', `there is no file ${target} in ${files.schema}: they end at ${files.target}`)
  const migrations = files.migrations.slice(0, target)
  return { ...files, migrations, target, digest: digest(migrations) }
}

function digest(migrations: Migration[]): string {
  const hash = createHash('sha256')
  for (const { version, name, checksum } of migrations)
    hash.update(`${String(version).padStart(6, '0')} ${name} ${checksum}\n`)
  return hash.digest('hex')
}
