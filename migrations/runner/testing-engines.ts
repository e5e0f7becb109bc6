import { randomBytes } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { apply } from './apply.ts'
import type { ApplyOptions, Connect, DialectName, Options } from './dialect.ts'
import { connectors } from './dialects.ts'
import { readMigrations } from './files.ts'
import type { MigrationSet } from './files.ts'
import { formats } from './formats.ts'

/* For tests against the engines that e2e/harness/engines.ts starts. */

export const ca = process.env['TEST_ENGINES_CA'] ?? ''
const variables: Record<Exclude<DialectName, 'postgres'>, string> = {
  clickhouse: 'TEST_CLICKHOUSE_URL',
  elasticsearch: 'TEST_ELASTICSEARCH_URL',
  nats: 'TEST_NATS_URL',
}
export type EngineDialect = keyof typeof variables

/** Where the engine's owner logs in, or another login of the store; they all have one password. */
export function urlOf(dialect: EngineDialect, login?: string, database?: string): string {
  const url = new URL(process.env[variables[dialect]] ?? '')
  if (login !== undefined) url.username = login
  if (database !== undefined) url.pathname = `/${database}`
  return url.href
}

/** How long a killed migrator counts in tests. */
export const leaseMs = 2_000

export function options(more: Partial<Options> = {}): Options & { lines: string[] } {
  const lines: string[] = []
  const log = (line: string) => void lines.push(line)
  return { waitMs: 60_000, leaseMs, signal: new AbortController().signal, log, ...more, lines }
}

export const uniqueName = (prefix: string) => `${prefix}_${randomBytes(4).toString('hex')}`

export interface Folder {
  /** What --dir takes. */
  dir: string
  write(name: string, text: string): Promise<void>
  remove(name: string): Promise<void>
  read(): Promise<MigrationSet>
}

/** A copy of a schema's folder, or one with these files, called `schema`. */
export async function newFolder(
  dialect: EngineDialect,
  schema: string,
  files?: Record<string, string>,
): Promise<Folder> {
  const dir = await mkdtemp(join(tmpdir(), 'migrations-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const folder = join(dir, schema)
  await mkdir(folder)
  const source = join(import.meta.dirname, '..', schema)
  const numbered = files ? [] : (await readdir(source)).filter((name) => /^\d/.test(name))
  for (const name of numbered) await cp(join(source, name), join(folder, name))
  const write = (name: string, text: string) => writeFile(join(folder, name), text)
  for (const [name, text] of Object.entries(files ?? {})) await write(name, text)
  return { dir, write, remove: (name) => rm(join(folder, name)), read: () => readMigrations(folder, formats[dialect]) }
}

export const connectTo = (dialect: EngineDialect, url: string): Promise<Connect> => connectors[dialect]({ url, ca })

export async function applyTo(
  dialect: EngineDialect,
  url: string,
  set: MigrationSet,
  more: Partial<ApplyOptions> = {},
): Promise<number[]> {
  return apply(set, await connectTo(dialect, url), { ...options(), ...more })
}
