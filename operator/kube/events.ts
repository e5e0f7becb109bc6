import { createHash } from 'node:crypto'
import type { KubeObject } from '../../crds/object.ts'
import { fieldManager } from '../labels.ts'
import type { Logger } from '../observability/logger.ts'
import { redact } from '../reconcile/errors.ts'
import { describe, type KubeClient } from './client.ts'

/** The same thing is said again after this time at the earliest. */
const quietMs = 10 * 60_000
/** Beyond this many remembered Events the oldest are forgotten. */
const remembered = 2_000

/**
 * Publishes events.k8s.io/v1 Events. Best effort: a failure is logged and never reaches the caller.
 * Notes are redacted, and the same note on the same object is published at most once in ten minutes.
 */
export class EventRecorder {
  readonly #client: KubeClient
  readonly #instance: string
  readonly #log: Logger
  readonly #saidAtMs = new Map<string, number>()
  readonly #inFlight = new Set<Promise<void>>()

  /** @param options.instance  which process speaks: the pod's name */
  constructor(options: { client: KubeClient; instance: string; log: Logger }) {
    this.#client = options.client
    this.#instance = options.instance
    this.#log = options.log
  }

  /** @param reason  CamelCase; @param note  a sentence for people */
  normal(about: KubeObject, reason: string, note: string): void {
    this.#publish(about, 'Normal', reason, note)
  }

  warning(about: KubeObject, reason: string, note: string): void {
    this.#publish(about, 'Warning', reason, note)
  }

  /** Waits for the Events that are being sent. */
  async flush(): Promise<void> {
    await Promise.all(this.#inFlight)
  }

  #publish(about: KubeObject, type: 'Normal' | 'Warning', reason: string, note: string): void {
    const text = redact(note)
    const key = JSON.stringify([about.metadata.uid, type, reason, text])
    if (performance.now() - (this.#saidAtMs.get(key) ?? -Infinity) < quietMs) return
    this.#saidAtMs.delete(key)
    this.#saidAtMs.set(key, performance.now())
    for (const old of this.#saidAtMs.keys()) if (this.#saidAtMs.size > remembered) this.#saidAtMs.delete(old)
    const sending: Promise<void> = this.#send(about, type, reason, text).finally(() => this.#inFlight.delete(sending))
    this.#inFlight.add(sending)
  }

  async #send(about: KubeObject, type: string, reason: string, note: string): Promise<void> {
    const eventTime = new Date().toISOString().replace('Z', '000Z')
    const { name, namespace = 'default', uid } = about.metadata
    const suffix = createHash('sha256')
      .update(`${uid} ${reason} ${eventTime} ${this.#instance}`)
      .digest('hex')
      .slice(0, 16)
    const event: KubeObject = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${name}.${suffix}`, namespace },
      type,
      reason,
      note,
      action: 'Reconcile',
      eventTime,
      reportingController: fieldManager,
      reportingInstance: this.#instance,
      regarding: { apiVersion: about.apiVersion, kind: about.kind, namespace: about.metadata.namespace, name, uid },
    }
    try {
      await this.#client.create(event)
    } catch (error) {
      this.#log.warn({ object: describe(about), reason, err: error }, 'publishing an Event failed')
    }
  }
}
