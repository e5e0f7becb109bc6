import type { Connection } from './engine.ts'

interface Session {
  connection: Promise<Connection>
  /** Settled when nobody uses it. */
  free: Promise<unknown>
  users: number
  expiry: NodeJS.Timeout | undefined
}

/** A statement waits that long for the one before it in the same session. */
const patienceMs = 5_000

/** Connections that are kept between requests, each with its temporary tables and settings. */
export class Sessions {
  readonly #sessions = new Map<string, Session>()

  has(key: string): boolean {
    return this.#sessions.has(key)
  }

  /** @param idleMs  it ends when nobody has asked for that long */
  async use<T>(
    key: string,
    idleMs: number,
    open: () => Promise<Connection>,
    run: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const session = this.#sessions.get(key) ?? {
      connection: open(),
      free: Promise.resolve(),
      users: 0,
      expiry: undefined,
    }
    this.#sessions.set(key, session)
    clearTimeout(session.expiry)
    session.users++
    const before = session.free
    let done = () => {}
    session.free = Promise.all([before, new Promise<void>((resolve) => (done = resolve))])
    try {
      if (!(await within(patienceMs, before))) {
        throw new Error(`Code: 373. DB::Exception: Session is locked by a concurrent client. (SESSION_IS_LOCKED)`)
      }
      return await run(await session.connection)
    } finally {
      done()
      session.users--
      const expire = () => void this.#end(key, session)
      if (session.users === 0) session.expiry = setTimeout(expire, idleMs).unref()
    }
  }

  async #end(key: string, session: Session): Promise<void> {
    if (session.users > 0 || this.#sessions.get(key) !== session) return
    clearTimeout(session.expiry)
    this.#sessions.delete(key)
    // One that could not be opened has said so to whoever asked.
    await session.connection.then(
      (connection) => connection.close(),
      () => undefined,
    )
  }

  /** Ends all that nobody uses. */
  async endAll(): Promise<void> {
    await Promise.all([...this.#sessions].map(([key, session]) => this.#end(key, session)))
  }
}

async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)))
  const inTime = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return inTime
}
