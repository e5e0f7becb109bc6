import { Readable } from 'node:stream'
import { request as send, type Dispatcher } from 'undici'
import type { KubeObject } from '../../crds/object.ts'
import { fieldManager } from '../labels.ts'
import { metrics } from '../observability/metrics.ts'
import type { KubeConfig } from './config.ts'
import { openConnections, type Connections } from './connections.ts'
import { pathOf, resourceOf, type ResourceRef } from './resources.ts'

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'
type Query = Record<string, string | number | boolean | undefined>

const pageSize = 500
const applyPatch = 'application/apply-patch+yaml'
const mergePatch = 'application/merge-patch+json'

export interface RequestOptions {
  query?: Query
  body?: unknown
  contentType?: string
  signal?: AbortSignal
  /** Deadline of the whole request; the client's by default. */
  timeoutMs?: number
}

/** Whatever the API server answered with a status of 400 or more. `message` is the server's sentence. */
export class KubeError extends Error {
  override name = 'KubeError'
  readonly status: number
  /** Machine-readable word of the Status object: NotFound, Conflict, AlreadyExists, Expired, Invalid, … */
  readonly reason: string
  /** From the Retry-After header. */
  readonly retryAfterMs?: number

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.reason = reason
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs
  }
}

/** True for errors of the API server with this status. */
export function hasStatus(error: unknown, status: number): error is KubeError {
  return error instanceof KubeError && error.status === status
}

/**
 * A thin client of the Kubernetes API. Every request ends within its deadline, and every write calls `fence` first:
 * a process that lost its Lease must not write, and Kubernetes does not stop it (architecture, decision 25).
 */
export class KubeClient {
  readonly #config: KubeConfig
  readonly #connections: Connections
  readonly #fence: () => void
  readonly #timeoutMs: number

  /** @param options.fence  throws when this process may not write */
  constructor(config: KubeConfig, options: { fence?: () => void; timeoutMs?: number; connections?: Connections } = {}) {
    this.#config = config
    this.#fence = options.fence ?? (() => {})
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#connections = options.connections ?? openConnections(config.tls)
  }

  /** The same client, on the same connections, whose writes call `fence` first. */
  fenced(fence: () => void): KubeClient {
    return new KubeClient(this.#config, { fence, timeoutMs: this.#timeoutMs, connections: this.#connections })
  }

  /** The same client, on the same connections, with another deadline. */
  withTimeout(timeoutMs: number): KubeClient {
    return new KubeClient(this.#config, { fence: this.#fence, timeoutMs, connections: this.#connections })
  }

  async close(): Promise<void> {
    await Promise.all([this.#connections.requests.destroy(), this.#connections.watches.destroy()])
  }

  /**
   * One request; resolves to the parsed JSON body.
   * @throws KubeError, or an Error that names method and path when there was no answer
   */
  async request(method: Method, path: string, options: RequestOptions = {}): Promise<unknown> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs
    const deadline = new Deadline(timeoutMs, options.signal)
    const startedAt = performance.now()
    let code = 'none'
    try {
      const response = await this.#send(this.#connections.requests, method, path, options, deadline.signal)
      code = String(response.statusCode)
      const body = await response.body.text()
      if (response.statusCode >= 400) throw kubeError(response, body)
      return JSON.parse(body)
    } catch (error) {
      if (error instanceof KubeError || options.signal?.aborted) throw error
      const why = deadline.expired ? `no answer within ${timeoutMs / 1000} s` : causeOf(error)
      throw new Error(`${method} ${path}: ${why}`, { cause: error })
    } finally {
      deadline.clear()
      metrics.apiRequests.inc({ method, kind: kindInPath(path), code })
      metrics.apiDuration.observe({ method }, (performance.now() - startedAt) / 1000)
    }
  }

  /** Whether a dead connection of `stream` is found by pings. */
  get pingsWatches(): boolean {
    return this.#connections.pingsWatches()
  }

  /**
   * Opens a response that does not end soon, a watch. The deadline covers the headers; the caller ends the body by `signal`.
   * @throws KubeError
   */
  async stream(path: string, query: Query, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const opened = new AbortController()
    const give = setTimeout(() => opened.abort(new Error(`GET ${path}: no answer within 15 s`)), 15_000)
    try {
      const any = AbortSignal.any([signal, opened.signal])
      const response = await this.#send(this.#connections.watches, 'GET', path, { query }, any)
      if (response.statusCode >= 400) throw kubeError(response, await response.body.text())
      return response.body as AsyncIterable<Buffer>
    } finally {
      clearTimeout(give)
    }
  }

  /** The object, or undefined when there is none of that name. */
  async get(ref: ResourceRef, namespace: string | undefined, name: string): Promise<KubeObject | undefined> {
    try {
      return (await this.request('GET', pathOf(ref, namespace, name))) as KubeObject
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      throw error
    }
  }

  /** All objects of a kind, read in pages. Namespace undefined: all namespaces. */
  async list(ref: ResourceRef, namespace?: string, options: { labelSelector?: string } = {}): Promise<KubeObject[]> {
    return (await this.listWithVersion(ref, namespace, options)).items
  }

  /** Like `list`, with the resourceVersion a watch can start from. @throws KubeError 410 when the list took too long */
  async listWithVersion(
    ref: ResourceRef,
    namespace: string | undefined,
    options: { labelSelector?: string | undefined; signal?: AbortSignal },
  ): Promise<{ items: KubeObject[]; resourceVersion: string }> {
    const path = pathOf(ref, namespace)
    const items: KubeObject[] = []
    let next: string | undefined
    for (;;) {
      const query = { limit: pageSize, continue: next, labelSelector: options.labelSelector }
      const signal = options.signal ? { signal: options.signal } : {}
      const page = (await this.request('GET', path, { query, timeoutMs: 30_000, ...signal })) as List
      // Items of a list carry neither apiVersion nor kind.
      for (const item of page.items) items.push({ ...item, apiVersion: ref.apiVersion, kind: ref.kind })
      next = page.metadata.continue
      if (!next) return { items, resourceVersion: page.metadata.resourceVersion }
    }
  }

  /** @throws KubeError 409 AlreadyExists */
  async create(object: KubeObject): Promise<KubeObject> {
    const path = pathOf(object, object.metadata.namespace)
    return (await this.request('POST', path, { query: { fieldManager }, body: object })) as KubeObject
  }

  /** Server-side apply as our field manager. Without `force`, a field another manager set differently is a KubeError 409. */
  async apply(object: KubeObject, options: { force: boolean }): Promise<KubeObject> {
    const path = pathOf(object, object.metadata.namespace, object.metadata.name)
    const query = { fieldManager, force: options.force }
    return (await this.request('PATCH', path, { query, body: object, contentType: applyPatch })) as KubeObject
  }

  /** JSON merge patch. Put `metadata.resourceVersion` into `patch` to be refused (409) when the object has changed. */
  async mergePatch(
    ref: ResourceRef,
    namespace: string | undefined,
    name: string,
    patch: object,
    subresource?: 'status',
  ): Promise<KubeObject> {
    const path = pathOf(ref, namespace, name, subresource)
    const query = { fieldManager }
    return (await this.request('PATCH', path, { query, body: patch, contentType: mergePatch })) as KubeObject
  }

  /** Deletes exactly this version of this object, and what it owns unless that is left as an orphan; one that is already gone is fine. @throws KubeError 409 when it has changed */
  async delete(object: KubeObject, propagationPolicy: 'Background' | 'Orphan' = 'Background'): Promise<void> {
    const { namespace, name, uid, resourceVersion } = object.metadata
    const body = { propagationPolicy, preconditions: { uid, resourceVersion } }
    try {
      await this.request('DELETE', pathOf(object, namespace, name), { body })
    } catch (error) {
      if (!hasStatus(error, 404)) throw error
    }
  }

  async #send(via: Dispatcher, method: Method, path: string, options: RequestOptions, signal: AbortSignal) {
    const attempt = async (fresh: boolean) => {
      const authorization = await this.#config.authorization(fresh)
      if (method !== 'GET') this.#fence()
      const headers: Record<string, string> = { accept: 'application/json', 'user-agent': fieldManager }
      if (authorization !== undefined) headers['authorization'] = authorization
      const body =
        options.body === undefined ? {} : { body: Readable.from(this.#fencedBody(JSON.stringify(options.body))) }
      if (options.body !== undefined) headers['content-type'] = options.contentType ?? 'application/json'
      const url = `${this.#config.server}${path}${search(options.query ?? {})}`
      return await send(url, { method, headers, signal, dispatcher: via, ...body })
    }
    const first = await attempt(false)
    if (first.statusCode !== 401) return first
    // The token may have been replaced since it was read.
    await first.body.dump()
    return await attempt(true)
  }

  /**
   * undici asks for the body once it has a connection, and sends the headers with its first piece. A process that is stopped
   * while it connects finds out here that its Lease has run out.
   */
  async *#fencedBody(text: string): AsyncGenerator<Buffer> {
    this.#fence()
    yield Buffer.from(text)
  }
}

interface List {
  metadata: { resourceVersion: string; continue?: string }
  items: KubeObject[]
}

/** A timer and the caller's signal in one. AbortSignal.any would keep a reference to the caller's for as long as that lives. */
class Deadline {
  expired = false
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #outer: AbortSignal | undefined
  readonly #onOuter = () => this.#abort.abort(this.#outer?.reason)

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#outer = outer
    this.#timer = setTimeout(() => {
      this.expired = true
      this.#abort.abort()
    }, timeoutMs)
    if (outer?.aborted) this.#onOuter()
    outer?.addEventListener('abort', this.#onOuter)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#onOuter)
  }
}

function search(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  if (given.length === 0) return ''
  return `?${new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)])).toString()}`
}

function kubeError(response: Dispatcher.ResponseData, body: string): KubeError {
  const { statusCode } = response
  const header = Number(response.headers['retry-after'])
  const retryAfterMs = Number.isFinite(header) && header > 0 ? header * 1000 : undefined
  const status = parseStatus(body)
  return new KubeError(statusCode, status.reason ?? 'Unknown', status.message ?? `HTTP ${statusCode}`, retryAfterMs)
}

/** A gateway in between answers with HTML; then there is only the HTTP status to report. */
function parseStatus(body: string): { reason?: string; message?: string } {
  try {
    const status = JSON.parse(body) as { kind?: string; reason?: string; message?: string } | null
    return status?.kind === 'Status' ? status : {}
  } catch {
    return {}
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || (error as NodeJS.ErrnoException).code || error.name
}

/** Plural of the kind, for a metric label: never a name of an object. */
function kindInPath(path: string): string {
  const parts = path.split('/').slice(path.startsWith('/apis/') ? 4 : 3)
  return (parts[0] === 'namespaces' && parts.length > 2 ? parts[2] : parts[0]) ?? 'other'
}

/** For log lines and messages: `StatefulSet supersmartmatch/demo-core`. */
export function describe(object: KubeObject): string {
  const { namespace, name } = object.metadata
  return `${object.kind} ${resourceOf(object).namespaced ? `${namespace}/` : ''}${name}`
}
