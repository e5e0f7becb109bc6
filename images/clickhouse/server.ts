import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server as HttpsServer } from 'node:https'
import { readConfig, type Config, type Login } from './config.ts'
import { Engine, type Connection } from './engine.ts'
import { Sessions } from './sessions.ts'

/** As often as ClickHouse looks at its files. */
const pollMs = 2_000
/** Running statements are let go on that long before a reload is put off to the next look. */
const drainMs = 10_000

/** A URL may hold a statement, or values for one, of 1 MiB. */
const maxHeaderSize = 2 ** 20 + 2 ** 16

const say = (message: string) => console.log(`${new Date().toISOString()} ${message}`)

/**
 * The engine with the configuration in force, and who uses it. Certificates and logins are taken over at once; settings and grants
 * with the engine opened anew, between statements.
 */
export class Server {
  readonly #main: string
  readonly #folder: string
  #config: Config
  #engine: Engine
  #https: HttpsServer | undefined
  #active = 0
  #idle: (() => void) | undefined
  #gate: Promise<void> | undefined
  #reloading: Promise<boolean> | undefined
  readonly #sessions = new Sessions()

  /** @param main  path of config.xml  @param folder  for files of our own */
  constructor(main: string, folder: string) {
    this.#main = main
    this.#folder = folder
    this.#config = readConfig(main)
    this.#engine = new Engine(this.#config, folder)
  }

  login(name: string): Login | undefined {
    return this.#config.logins.get(name)
  }

  listen(handle: (request: IncomingMessage, response: ServerResponse) => void): void {
    // Uploads take the time they take; idle connections are kept as long as ClickHouse keeps them.
    const options = {
      ...this.#config.tls,
      minVersion: 'TLSv1.2',
      keepAliveTimeout: 30_000,
      requestTimeout: 0,
      maxHeaderSize,
    } as const
    this.#https = createServer(options, handle)
    // A client that does not speak TLS is told nothing.
    this.#https.on('tlsClientError', (_error, socket) => socket.destroy())
    this.#https.listen(this.#config.port, '::', () => say(`ready on port ${this.#config.port}`))
    const look = () => void this.reload()
    setInterval(look, pollMs).unref()
  }

  /** Runs `use` with a connection of the login's own; a reload waits for it. */
  async withConnection<T>(login: Login, database: string, use: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#entered(async () => {
      const connection = await this.#engine.connect(login, database)
      try {
        return await use(connection)
      } finally {
        await connection.close()
      }
    })
  }

  /** The same with a connection that is kept; @param mustExist  it is not made for this request */
  async withSession<T>(
    login: Login,
    { id, idleMs, mustExist }: { id: string; idleMs: number; mustExist: boolean },
    database: string,
    use: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    return this.#entered(async () => {
      const key = JSON.stringify([login.name, id])
      if (mustExist && !this.#sessions.has(key)) {
        throw new Error(`Code: 372. DB::Exception: Session ${id} not found. (SESSION_NOT_FOUND)`)
      }
      return this.#sessions.use(key, idleMs, () => this.#engine.connect(login, database), use)
    })
  }

  async #entered<T>(use: () => Promise<T>): Promise<T> {
    while (this.#gate) await this.#gate
    this.#active++
    try {
      return await use()
    } finally {
      this.#active--
      if (this.#active === 0) this.#idle?.()
    }
  }

  /** Whether the files are in force now. Asked twice at the same time, it is done once. */
  async reload(): Promise<boolean> {
    this.#reloading ??= this.#reload().finally(() => (this.#reloading = undefined))
    return this.#reloading
  }

  async #reload(): Promise<boolean> {
    try {
      const next = readConfig(this.#main)
      if (next.digest === this.#config.digest) return true
      this.#https?.setSecureContext(next.tls)
      const same = JSON.stringify(next.engineFiles) === JSON.stringify(this.#config.engineFiles)
      if (!same && !(await this.#replaceEngine(next))) return false
      this.#config = next
      say('configuration taken over')
      return true
    } catch (error) {
      say(`configuration not taken over: ${error instanceof Error ? error.message : String(error)}`)
      return false
    }
  }

  async #replaceEngine(next: Config): Promise<boolean> {
    let open = () => {}
    this.#gate = new Promise((resolve) => (open = resolve))
    try {
      if (!(await this.#drained())) return false
      await this.#sessions.endAll()
      this.#engine.close()
      try {
        this.#engine = new Engine(next, this.#folder)
        return true
      } catch (error) {
        this.#engine = new Engine(this.#config, this.#folder)
        throw error
      }
    } finally {
      this.#gate = undefined
      open()
    }
  }

  async #drained(): Promise<boolean> {
    if (this.#active === 0) return true
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), drainMs)))
    const idle = new Promise<boolean>((resolve) => (this.#idle = () => resolve(true)))
    const drained = await Promise.race([idle, late])
    clearTimeout(timer)
    this.#idle = undefined
    return drained
  }

  /** Takes no more requests, lets statements end, and closes the engine, which then has written all it holds. */
  async stop(): Promise<void> {
    say('stopping')
    this.#https?.close()
    this.#https?.closeIdleConnections()
    this.#gate = new Promise(() => {})
    if (await this.#drained()) {
      await this.#sessions.endAll()
      this.#engine.close()
    }
  }
}
