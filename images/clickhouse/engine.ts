import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Config, Login } from './config.ts'
import { named, quoted } from './statement.ts'

/** What chdb's native part offers of that which is used here. One engine a process, any number of connections to it. */
interface Native {
  CreateConnection(path: string, args: string[]): object
  CloseConnection(connection: object): void
  QueryAsyncConnection(connection: object, sql: string, format: string): Promise<Result>
  /** With no data it runs the statement as it is and tells how many rows were written. */
  InsertRawAsyncConnection(connection: object, sql: string, data: Buffer, countLines: boolean): Promise<Written>
  StreamQuery(connection: object, sql: string, format: string): object
  StreamFetch(stream: object): Promise<{ done: boolean; bytes: Buffer; numRows: number }>
  StreamCancel(stream: object): void
}

export interface Result {
  bytes: Buffer
  rowsRead: number
  bytesRead: number
}

export interface Written {
  rowsWritten: number
  bytesWritten: number
}

const require = createRequire(import.meta.url)
const native = require('@chdb/lib-linux-x64-gnu') as Native

/** The addon puts words of its own before what the engine said. */
export function sayingOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/^(Query failed|Failed to \w+ query): /, '').trimEnd()
}

/** 0 when the text names none. */
export const codeOf = (saying: string) => Number(/^Code: (\d+)\./.exec(saying)?.[1] ?? 0)

/** A connection of one login. Statements on it run one after the other. */
export class Connection {
  readonly #handle: object
  /** What the engine is doing for it: closed meanwhile, it would take the whole engine with it. */
  #running: Promise<unknown> = Promise.resolve()
  #stream: object | undefined

  constructor(handle: object) {
    this.#handle = handle
  }

  async run(sql: string, format = 'TabSeparated'): Promise<Result> {
    return this.#tracked(native.QueryAsyncConnection(this.#handle, sql, format))
  }

  async insert(sql: string): Promise<Written> {
    return this.#tracked(native.InsertRawAsyncConnection(this.#handle, sql, Buffer.alloc(0), false))
  }

  /** A result block by block. Left early, the query ends. */
  async *stream(sql: string, format: string): AsyncGenerator<Buffer> {
    const stream = native.StreamQuery(this.#handle, sql, format)
    this.#stream = stream
    try {
      for (;;) {
        const { done, bytes } = await this.#tracked(native.StreamFetch(stream))
        if (done) return
        yield bytes
      }
    } finally {
      this.#cancel()
    }
  }

  #cancel(): void {
    if (this.#stream) native.StreamCancel(this.#stream)
    this.#stream = undefined
  }

  #tracked<T>(operation: Promise<T>): Promise<T> {
    this.#running = operation.catch(() => undefined)
    return operation
  }

  async close(): Promise<void> {
    await this.#running
    this.#cancel()
    native.CloseConnection(this.#handle)
  }
}

export class Engine {
  readonly #path: string
  readonly #args: string[]
  /** The engine lives as long as it has a connection. */
  readonly #first: object

  /** @param folder  for the files that tell the engine its settings and users */
  constructor({ dataPath, engineFiles }: Config, folder: string) {
    mkdirSync(folder, { recursive: true })
    const users = join(folder, 'users.xml')
    const directories = `<user_directories><users_xml><path>${users}</path></users_xml></user_directories>`
    writeFileSync(users, engineFiles.users)
    writeFileSync(
      join(folder, 'config.xml'),
      engineFiles.settings.replace('</clickhouse>', `${directories}</clickhouse>`),
    )
    this.#path = dataPath
    this.#args = [`--config-file=${join(folder, 'config.xml')}`]
    this.#first = native.CreateConnection(this.#path, this.#args)
  }

  /** @throws what the engine says when the login's profile holds a setting that it does not have */
  async connect(login: Login, database: string): Promise<Connection> {
    const connection = new Connection(native.CreateConnection(this.#path, this.#args))
    try {
      // Before the role is taken: over HTTP a database is named without any right to see it.
      if (database) await connection.run(`USE ${named(database)}`)
      await connection.run(`SET ROLE ${named(login.name)}`)
      await set(connection, login.settings)
      return connection
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  /** Every other connection must be closed before. */
  close(): void {
    native.CloseConnection(this.#first)
  }
}

/** `readonly` last: it forbids to change others. */
export async function set(connection: Connection, settings: [string, string][]): Promise<void> {
  if (settings.length === 0) return
  const odd = settings.find(([name]) => !/^\w+$/.test(name))
  if (odd) throw new Error(`Code: 115. DB::Exception: Unknown setting '${odd[0]}'. (UNKNOWN_SETTING)`)
  const inOrder = [...settings].sort(([a], [b]) => Number(a === 'readonly') - Number(b === 'readonly'))
  await connection.run(`SET ${inOrder.map(([name, value]) => `${name} = ${quoted(value)}`).join(', ')}`)
}
