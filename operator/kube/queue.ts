import type { Logger } from '../observability/logger.ts'
import { metrics } from '../observability/metrics.ts'

/** When to process the key again: after a time, with growing delay (up to `backoffAtMostMs`), or (empty) on its next event only. */
export type Requeue = { afterMs?: number } | 'backoff' | { backoffAtMostMs: number }

export interface WorkQueueOptions {
  /** For metrics and logs. */
  name: string
  /** Keys processed at the same time. */
  workers: number
  /** A throw counts as 'backoff'. The signal aborts when draining takes too long. */
  process: (key: string, signal: AbortSignal) => Promise<Requeue>
  log: Logger
  /** First delay of a key's backoff; it doubles up to `maxDelayMs`, each time with jitter. */
  baseDelayMs?: number
  maxDelayMs?: number
}

/**
 * A queue of keys. A key waits at most once and is never processed twice at the same time; one added while it is
 * processed is processed again afterwards. Nothing but the key is kept, so events coalesce and the processor reads the newest state.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  /** Due keys in order -> when they became due. */
  readonly #due = new Map<string, number>()
  /** Keys being processed -> since when. */
  readonly #running = new Map<string, number>()
  readonly #addedWhileRunning = new Set<string>()
  readonly #delayed = new Map<string, { atMs: number; timer: NodeJS.Timeout }>()
  readonly #failures = new Map<string, number>()
  readonly #abort = new AbortController()
  #started = false
  #closed = false
  #onIdle: () => void = () => {}

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  /** Makes a key due now, whatever delay it waits for. */
  add(key: string): void {
    if (this.#closed) return
    this.#undelay(key)
    if (this.#running.has(key)) this.#addedWhileRunning.add(key)
    else if (!this.#due.has(key)) this.#due.set(key, performance.now())
    this.#pump()
  }

  /** Makes a key due after `delayMs`, unless it is due earlier anyway. */
  addAfter(key: string, delayMs: number): void {
    const atMs = performance.now() + delayMs
    const waiting = this.#delayed.get(key)
    if (this.#closed || this.#due.has(key) || (waiting && waiting.atMs <= atMs)) return
    this.#undelay(key)
    this.#delayed.set(key, { atMs, timer: setTimeout(() => this.add(key), delayMs) })
  }

  /** Nothing is processed before this; keys may be added. */
  start(): void {
    this.#started = true
    this.#pump()
  }

  /** For /healthz: names a key that has been processed for longer than any deadline allows; undefined when there is none. */
  whyStuck(limitMs = 5 * 60_000): string | undefined {
    const stuck = [...this.#running].find(([, sinceMs]) => performance.now() - sinceMs > limitMs)
    return stuck && `${this.#options.name} ${stuck[0]} has been processed for more than ${limitMs / 60_000} minutes`
  }

  /**
   * Takes no more keys and waits for those being processed; after `hurryMs` their signal is aborted, and those that have not
   * heeded it after `giveUpMs` are left behind.
   */
  async drain({ hurryMs, giveUpMs }: { hurryMs: number; giveUpMs: number }): Promise<void> {
    this.#closed = true
    for (const key of [...this.#delayed.keys()]) this.#undelay(key)
    this.#due.clear()
    this.#measure()
    if (this.#running.size === 0) return
    const hurry = setTimeout(() => this.#abort.abort(new Error('the operator is stopping')), hurryMs)
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(resolve, giveUpMs)
      this.#onIdle = () => {
        clearTimeout(giveUp)
        resolve()
      }
    })
    clearTimeout(hurry)
  }

  #pump(): void {
    while (this.#started && this.#running.size < this.#options.workers) {
      const next = this.#due.entries().next()
      if (next.done) break
      const [key, dueMs] = next.value
      this.#due.delete(key)
      this.#running.set(key, performance.now())
      metrics.queueWait.observe({ queue: this.#options.name }, (performance.now() - dueMs) / 1000)
      void this.#work(key)
    }
    this.#measure()
  }

  async #work(key: string): Promise<void> {
    const requeue = await this.#process(key)
    this.#running.delete(key)
    const failed = requeue === 'backoff' || 'backoffAtMostMs' in requeue
    if (!failed) this.#failures.delete(key)
    if (this.#addedWhileRunning.delete(key)) this.add(key)
    else if (failed) this.addAfter(key, Math.min(this.#backoffMs(key), atMostMs(requeue)))
    else if (requeue.afterMs !== undefined) this.addAfter(key, requeue.afterMs)
    if (this.#running.size === 0 && this.#closed) this.#onIdle()
    this.#pump()
  }

  async #process(key: string): Promise<Requeue> {
    try {
      return await this.#options.process(key, this.#abort.signal)
    } catch (error) {
      this.#options.log.error({ queue: this.#options.name, key, err: error }, 'processing a key failed')
      return 'backoff'
    }
  }

  /** Between half and all of base * 2^failures, so that keys which fail together do not come back together. */
  #backoffMs(key: string): number {
    const { baseDelayMs = 500, maxDelayMs = 60_000, name } = this.#options
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    metrics.queueRetries.inc({ queue: name })
    return Math.min(maxDelayMs, baseDelayMs * 2 ** failures) * (0.5 + Math.random() / 2)
  }

  #undelay(key: string): void {
    clearTimeout(this.#delayed.get(key)?.timer)
    this.#delayed.delete(key)
  }

  #measure(): void {
    metrics.queueDepth.set({ queue: this.#options.name }, this.#due.size)
  }
}

const atMostMs = (failure: 'backoff' | { backoffAtMostMs: number }) =>
  failure === 'backoff' ? Infinity : failure.backoffAtMostMs
