import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { readMigrations } from './files.ts'
import type { MigrationSet } from './files.ts'
import { formatOfPostgres } from './postgres-file.ts'

/** Superuser URL of the tests' PostgreSQL. */
export const serverUrl = process.env['TEST_POSTGRES_URL'] ?? ''

/** A name no other test uses. */
export const uniqueName = () => `migrate_${randomBytes(5).toString('hex')}`

/** The tests' server with another database or role. */
export function urlOf(database: string, role?: string, base = serverUrl): string {
  const url = new URL(base)
  url.pathname = `/${database}`
  if (role !== undefined) {
    url.username = role
    url.password = ''
  }
  return url.href
}

/** One connection, closed when the test ends. */
export async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** Runs statements as superuser in the server's own database. */
export async function onServer(...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** An empty database of the superuser's, dropped when the test ends. */
export async function newDatabase(): Promise<string> {
  const name = uniqueName()
  await onServer(`CREATE DATABASE ${name}`)
  onTestFinished(() => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  return name
}

export interface Folder {
  /** What --dir takes: the folder that holds the schema's folder. */
  dir: string
  read: () => Promise<MigrationSet>
  write: (name: string, sql: string) => Promise<void>
  remove: (name: string) => Promise<void>
}

/** A folder of migration files; a header line is put before each. */
export async function newFolder(files: Record<string, string>, schema = 'test'): Promise<Folder> {
  const dir = await mkdtemp(join(tmpdir(), 'migrations-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, schema))
  const write = (name: string, sql: string) => writeFile(join(dir, schema, name), `-- A test.\n${sql}`)
  for (const [name, sql] of Object.entries(files)) await write(name, sql)
  return {
    dir,
    write,
    read: () => readMigrations(join(dir, schema), formatOfPostgres),
    remove: (name) => rm(join(dir, schema, name)),
  }
}

export interface Run {
  /** Ends with how the process did: exit code, or the signal that ended it. */
  done: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>
  /** Ends when standard error has this text. */
  saw: (text: string | RegExp) => Promise<void>
  kill: (signal: NodeJS.Signals) => void
}

/** The command line as its own process. */
export function runCli(...args: string[]): Run {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'cli.ts'), ...args])
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const done = new Promise<Awaited<Run['done']>>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...output }))
  })
  const has = (text: string | RegExp) =>
    typeof text === 'string' ? output.stderr.includes(text) : text.test(output.stderr)
  const saw = (text: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const check = () => void (has(text) && resolve())
      child.stderr.on('data', check)
      child.on('close', () => reject(new Error(`ended without "${String(text)}": ${output.stderr}`)))
      check()
    })
  return { done, saw, kill: (signal) => child.kill(signal) }
}

/**
 * A way to the tests' server that can be cut.
 * @param cutAfter  connections that send this text are cut once it was passed on, before any answer; only the first time
 */
export async function newProxy(cutAfter: string): Promise<{ url: string; cuts: () => number }> {
  const target = new URL(serverUrl)
  let cuts = 0
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
    upstream.pipe(client)
    client.on('data', (chunk) => {
      const cut = cuts === 0 && chunk.includes(cutAfter)
      if (cut) {
        cuts++
        upstream.unpipe(client)
      }
      upstream.write(chunk, () => {
        // Late enough for the server to have done what it was asked.
        if (cut) setTimeout(() => client.destroy(), 300)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return { url: url.href, cuts: () => cuts }
}
