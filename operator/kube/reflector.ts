import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../../crds/object.ts'
import type { Logger } from '../observability/logger.ts'
import { metrics } from '../observability/metrics.ts'
import { slim, type Cache, type Change, type Slice, type Watch } from './cache.ts'
import { KubeError, hasStatus, type KubeClient } from './client.ts'
import { pathOf } from './resources.ts'

/*
 * Keeps one slice of the cache equal to the API server:
 *
 * 1. Full list: as a stream of events that ends with a marked bookmark, or in pages where the server cannot stream.
 * 2. Watch from the list's resourceVersion, with bookmarks. Every event and bookmark moves the resourceVersion on.
 * 3. However the connection ends, the next one resumes from the last resourceVersion: nothing is listed again.
 * 4. Only 410 (the server has forgotten that version) and a watch that was silent from its start to its end lead back to 1,
 *    for this kind alone.
 *
 * A half-open connection is noticed within 60 s. HTTP/2: its pings are not answered any more. HTTP/1.1, which only speaks to
 * what is in between: the server sends a bookmark each minute, and one 2 s before a watch ends, so each watch is short enough
 * that a longer silence is one of the connection. That costs a request per kind in 40 s instead of one in 7 minutes.
 *
 * At most one connection attempt per second; failures back off, with jitter, up to 30 s.
 */

export interface ReflectorTimes {
  /** Least time between two connection attempts. */
  paceMs: number
  maxBackoffMs: number
  /** On a connection that is pinged. */
  pinged: Patience
  unpinged: Patience
}

interface Patience {
  /** A watch that has brought neither event nor bookmark for so long is given up. */
  silenceMs: number
  /** The server ends a watch after this time plus up to as much again, at random, so that watches do not end together. */
  watchSeconds: number
}

const usual: ReflectorTimes = {
  paceMs: 1_000,
  maxBackoffMs: 30_000,
  pinged: { silenceMs: 65_000, watchSeconds: 300 },
  unpinged: { silenceMs: 57_000, watchSeconds: 26 },
}

export interface ReflectorOptions {
  client: KubeClient
  cache: Cache
  watches: Watch[]
  /** Called after the cache has changed. What it throws is logged. */
  onChange: (change: Change, object: KubeObject) => void
  log: Logger
  /** Ends all connections; `stopped` then resolves. */
  signal: AbortSignal
  times?: Partial<ReflectorTimes>
}

export interface Reflectors {
  /** Every kind has been listed once. */
  whenSynced: Promise<void>
  /** Every reflector has ended after `signal`. */
  stopped: Promise<void>
  /** For /readyz: names a watch that has not been listed yet, or has heard nothing for three minutes. */
  whyNotReady(): string | undefined
}

/** Starts one reflector per watch. */
export function startReflectors(options: ReflectorOptions): Reflectors {
  const all = options.watches.map((watch) => new Reflector(options, options.cache.addSlice(watch)))
  const runs = all.map((reflector) => reflector.run())
  return {
    whenSynced: Promise.all(all.map((reflector) => reflector.synced)).then(() => undefined),
    stopped: Promise.all(runs).then(() => undefined),
    whyNotReady: () => all.map((reflector) => reflector.whyNotReady()).find((why) => why !== undefined),
  }
}

type WatchEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: KubeObject }
  | { type: 'ERROR'; object: { code?: number; reason?: string; message?: string } }

type Listing = Map<string, KubeObject>

/** Why a connection ended other than by the server closing it; also the metric's label. */
type Cause = 'expired' | 'silent' | 'error_event' | 'garbage' | 'request'

class WatchError extends Error {
  readonly by: Cause

  constructor(by: Cause, message: string) {
    super(message)
    this.by = by
  }
}

class Reflector {
  readonly synced: Promise<void>
  readonly #options: ReflectorOptions
  readonly #times: ReflectorTimes
  readonly #slice: Slice
  readonly #log: Logger
  readonly #labels: { kind: string; namespace: string }
  #markSynced: () => void = () => {}
  /** Where the next watch resumes; undefined asks for a full list. */
  #resumeFrom: string | undefined
  #canStreamLists = true
  /** Failed attempts since an event or bookmark last came in. */
  #failures = 0
  #lastAttemptMs = -Infinity
  #lastEventMs = performance.now()

  constructor(options: ReflectorOptions, slice: Slice) {
    const { kind, namespace = '' } = slice.watch
    this.#options = options
    this.#times = { ...usual, ...options.times }
    this.#slice = slice
    this.#labels = { kind, namespace }
    this.#log = options.log.child(this.#labels)
    this.synced = new Promise((resolve) => (this.#markSynced = resolve))
  }

  async run(): Promise<void> {
    const ages = setInterval(() => metrics.watchEventAge.set(this.#labels, this.#ageSeconds()), 5_000).unref()
    while (!this.#options.signal.aborted) {
      try {
        await this.#pace()
        await this.#connect()
      } catch (error) {
        this.#failed(error)
      }
    }
    clearInterval(ages)
  }

  whyNotReady(): string | undefined {
    const { kind, namespace } = this.#labels
    const where = namespace === '' ? kind : `${kind} in ${namespace}`
    if (!this.#slice.listed) return `${where}: not listed yet`
    const age = this.#ageSeconds()
    return age > 180 ? `${where}: nothing heard from the API server for ${Math.round(age)} s` : undefined
  }

  #ageSeconds(): number {
    return (performance.now() - this.#lastEventMs) / 1000
  }

  /** Waits until the next connection attempt is allowed. */
  async #pace(): Promise<void> {
    const { paceMs, maxBackoffMs } = this.#times
    const backoffMs = this.#failures === 0 ? paceMs : Math.min(maxBackoffMs, paceMs * 2 ** this.#failures)
    const dueMs = this.#lastAttemptMs + paceMs + Math.random() * (backoffMs - paceMs)
    await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal: this.#options.signal })
    this.#lastAttemptMs = performance.now()
  }

  async #connect(): Promise<void> {
    if (this.#resumeFrom === undefined && !this.#canStreamLists) await this.#listInPages()
    const streamed = this.#resumeFrom === undefined
    if (streamed) metrics.watchLists.inc(this.#labels)
    const heardMs = this.#lastEventMs
    const patience = this.#options.client.pingsWatches ? this.#times.pinged : this.#times.unpinged
    await this.#watch(streamed, patience)
    if (this.#lastEventMs !== heardMs) return
    // A server that accepts and closes at once gets backoff too.
    this.#failures++
    if (performance.now() - this.#lastAttemptMs >= patience.watchSeconds * 1_000) this.#distrustVersion()
  }

  async #listInPages(): Promise<void> {
    metrics.watchLists.inc(this.#labels)
    const { client, signal } = this.#options
    const { namespace } = this.#slice.watch
    const list = await client.listWithVersion(this.#slice.watch, namespace, { labelSelector: this.#selector(), signal })
    this.#replace(list.items.map(slim), list.resourceVersion)
  }

  /** Reads one watch connection to its end. */
  async #watch(streamed: boolean, { silenceMs, watchSeconds }: Patience): Promise<void> {
    metrics.watchConnects.inc(this.#labels)
    const abort = new AbortController()
    const onStop = () => abort.abort(this.#options.signal.reason)
    this.#options.signal.addEventListener('abort', onStop)
    const silence = setTimeout(() => abort.abort(), silenceMs)
    try {
      const path = pathOf(this.#slice.watch, this.#slice.watch.namespace)
      const body = await this.#options.client.stream(path, this.#query(streamed, watchSeconds), abort.signal)
      // Objects of a streamed list, by uid; undefined once it is complete, and in a watch that resumes.
      let listing: Listing | undefined = streamed ? new Map() : undefined
      for await (const line of lines(body)) {
        silence.refresh()
        listing = this.#receive(parseEvent(line), listing)
      }
    } catch (error) {
      if (abort.signal.aborted && !this.#options.signal.aborted) {
        throw new WatchError('silent', `no event or bookmark for ${silenceMs / 1000} s`)
      }
      throw error
    } finally {
      clearTimeout(silence)
      this.#options.signal.removeEventListener('abort', onStop)
      abort.abort()
    }
  }

  #query(streamed: boolean, watchSeconds: number) {
    const timeoutSeconds = Math.ceil(watchSeconds * (1 + Math.random()))
    const common = { watch: true, allowWatchBookmarks: true, timeoutSeconds, labelSelector: this.#selector() }
    if (!streamed) return { ...common, resourceVersion: this.#resumeFrom }
    return { ...common, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
  }

  /** Applies one event; returns what is still being listed. */
  #receive(event: WatchEvent, listing: Listing | undefined): Listing | undefined {
    if (event.type === 'ERROR') throw errorEvent(event.object)
    const { resourceVersion = '', annotations } = event.object.metadata
    this.#lastEventMs = performance.now()
    this.#failures = 0
    if (listing === undefined) {
      if (event.type === 'BOOKMARK') this.#slice.progress(resourceVersion)
      else this.#deliver(event.type, slim(event.object))
      this.#resumeFrom = resourceVersion
      return undefined
    }
    if (event.type === 'BOOKMARK' && annotations?.['k8s.io/initial-events-end'] === 'true') {
      this.#replace([...listing.values()], resourceVersion)
      return undefined
    }
    if (event.type === 'DELETED') listing.delete(event.object.metadata.uid ?? '')
    else if (event.type !== 'BOOKMARK') listing.set(event.object.metadata.uid ?? '', slim(event.object))
    return listing
  }

  #deliver(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void {
    const change = this.#slice.event(type, object)
    if (change) this.#notify(change, object)
  }

  #replace(items: KubeObject[], resourceVersion: string): void {
    const changes = this.#slice.replace(items, resourceVersion)
    this.#resumeFrom = resourceVersion
    this.#lastEventMs = performance.now()
    this.#markSynced()
    for (const [change, object] of changes) this.#notify(change, object)
  }

  #notify(change: Change, object: KubeObject): void {
    try {
      this.#options.onChange(change, object)
    } catch (error) {
      this.#log.error({ err: error, name: object.metadata.name }, 'change handler failed')
    }
  }

  #failed(error: unknown): void {
    if (this.#options.signal.aborted) return
    this.#failures++
    const cause = causeOf(error)
    metrics.watchErrors.inc({ ...this.#labels, cause })
    if (cause === 'silent' && this.#lastEventMs < this.#lastAttemptMs) this.#distrustVersion()
    if (cause === 'expired') this.#resumeFrom = undefined
    if (this.#resumeFrom === undefined && cannotStream(error)) this.#canStreamLists = false
    this.#log.warn({ cause, err: error, failures: this.#failures }, 'watch ended')
  }

  /** A watch that never brought a word: after a restore from backup our version lies in the server's future. */
  #distrustVersion(): void {
    this.#resumeFrom = undefined
  }

  #selector(): string | undefined {
    const { labels } = this.#slice.watch
    if (labels === undefined) return undefined
    return Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',')
  }
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) if (part !== '') yield part
  }
  // What follows the last line end is half an event of a connection that broke: the next watch brings it whole.
}

/** An unreadable line may hide an event, so the connection is given up and resumed from the event before it. */
function parseEvent(line: string): WatchEvent {
  try {
    const event = JSON.parse(line) as Partial<WatchEvent> | null
    const known = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].includes(event?.type ?? '')
    if (known && typeof event?.object === 'object') return event as WatchEvent
  } catch {
    // Not JSON: reported below, like JSON that is no event.
  }
  throw new WatchError('garbage', 'a line of the watch is no event')
}

function errorEvent(status: { code?: number; reason?: string; message?: string }): WatchError {
  const expired = status.code === 410 || status.reason === 'Expired' || status.reason === 'Gone'
  return new WatchError(expired ? 'expired' : 'error_event', status.message ?? 'the server sent an ERROR event')
}

function causeOf(error: unknown): Cause {
  if (error instanceof WatchError) return error.by
  return hasStatus(error, 410) ? 'expired' : 'request'
}

/** Servers without streamed lists refuse the parameters; older ones ignore nothing here. */
function cannotStream(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 400 || error.status === 422)
}
