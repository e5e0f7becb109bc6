import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../../crds/object.ts'
import type { Logger } from '../observability/logger.ts'
import { metrics } from '../observability/metrics.ts'
import { hasStatus, type KubeClient } from './client.ts'

/*
 * Leader election on a Lease, with client-go's rules:
 *
 * 1. A candidate never trusts the times in the Lease: clocks differ. It remembers when it last saw the Lease change, by its own
 *    monotonic clock, and takes over when that is `durationMs` ago, or at once when the holder is empty (released).
 * 2. Every write carries the resourceVersion it read: of two candidates one gets a 409.
 * 3. The leader renews each `retryMs`. Fencing: `check` throws once the last renewal was started `renewMs` ago, which is before
 *    anybody else may take over. A process that was stopped and continued fails it too.
 * 4. A graceful stop releases the Lease, so that the next candidate takes it within `retryMs`.
 */

export interface LeaseTimes {
  /** Others wait this long after the last renewal they saw. */
  durationMs: number
  /** The leader stops writing this long after its last renewal. */
  renewMs: number
  /** Between two attempts to acquire or renew. */
  retryMs: number
}

const usual: LeaseTimes = { durationMs: 15_000, renewMs: 10_000, retryMs: 2_000 }

export interface LeaseOptions {
  /** Not a fenced one. */
  client: KubeClient
  namespace: string
  name: string
  /** Unique per process: a restarted process is another candidate. */
  identity: string
  log: Logger
  /** Ends waiting for the Lease. */
  signal: AbortSignal
  times?: LeaseTimes
}

class NotLeaderError extends Error {
  override name = 'NotLeaderError'
}

export interface Leadership {
  /** Throws NotLeaderError when this process may no longer write. */
  check(): void
  /** Resolves with the reason when the Lease is lost: stop all work and exit. Never resolves after `release`. */
  lost: Promise<Error>
  /**
   * Stops renewing and lets the next candidate take over at once. Call it when all work has stopped. A Lease that somebody
   * else holds by now is left alone.
   */
  release(): Promise<void>
}

interface LeaseSpec {
  holderIdentity?: string
  leaseDurationSeconds?: number
  acquireTime?: string
  renewTime?: string
  leaseTransitions?: number
}

/** Waits until this process is the leader. @throws when `signal` aborts */
export async function acquireLease(options: LeaseOptions): Promise<Leadership> {
  const election = new Election(options)
  for (;;) {
    options.signal.throwIfAborted()
    if (await election.tryToAcquire()) return election.lead()
    // Candidates do not ask together; their longest pause bounds the takeover.
    await sleep(election.times.retryMs * (0.25 + Math.random() * 0.25), undefined, { signal: options.signal })
  }
}

class Election {
  readonly times: LeaseTimes
  readonly #options: LeaseOptions
  #lease: KubeObject | undefined
  #changedAtMs = performance.now()
  #renewedAtMs = -Infinity

  constructor(options: LeaseOptions) {
    this.times = options.times ?? usual
    // A request that hangs must not use up the time in which the next one could still renew.
    this.#options = { ...options, client: options.client.withTimeout(this.times.renewMs / 2) }
  }

  async tryToAcquire(): Promise<boolean> {
    const startedAtMs = performance.now()
    try {
      const seen = await this.#read()
      if (seen && !this.#mayTake(seen)) return false
      this.#see(seen ? await this.#write(seen, this.#claim(seen)) : await this.#create())
    } catch (error) {
      if (!hasStatus(error, 409)) this.#options.log.warn({ err: error }, 'acquiring the Lease failed')
      return false
    }
    this.#renewedAtMs = startedAtMs
    return true
  }

  lead(): Leadership {
    const { log, identity } = this.#options
    const stop = new AbortController()
    log.info({ identity }, 'leading')
    metrics.leader.set(1)
    const renewing = this.#renewUntilLost(stop.signal)
    return {
      check: () => this.#check(),
      lost: renewing.then((lost) => lost ?? new Promise<never>(() => {})),
      release: async () => {
        stop.abort()
        await renewing
        await this.#release()
      },
    }
  }

  #check(): void {
    const ageMs = performance.now() - this.#renewedAtMs
    if (ageMs >= this.times.renewMs)
      throw new NotLeaderError(`the Lease was last renewed ${Math.round(ageMs / 1000)} s ago`)
  }

  /** Resolves with the reason of a loss, or with undefined when stopped. */
  async #renewUntilLost(stop: AbortSignal): Promise<Error | undefined> {
    while (!stop.aborted) {
      try {
        await sleep(this.times.retryMs, undefined, { signal: stop })
        this.#check()
        await this.#renew()
      } catch (error) {
        if (stop.aborted) return undefined
        if (!(error instanceof NotLeaderError)) {
          this.#options.log.warn({ err: error }, 'renewing the Lease failed')
          continue
        }
        metrics.leader.set(0)
        this.#renewedAtMs = -Infinity
        return error
      }
    }
    return undefined
  }

  async #renew(): Promise<void> {
    const startedAtMs = performance.now()
    try {
      this.#see(await this.#write(this.#known(), { renewTime: now() }))
    } catch (error) {
      if (!hasStatus(error, 409) && !hasStatus(error, 404)) throw error
      // Somebody else wrote it: look who leads. An answer lost on the way makes us meet our own earlier renewal.
      const seen = await this.#read()
      if (!seen || specOf(seen).holderIdentity !== this.#options.identity) {
        throw new NotLeaderError(`the Lease was taken by ${seen ? specOf(seen).holderIdentity : 'a deletion'}`)
      }
      return
    }
    this.#renewedAtMs = startedAtMs
  }

  async #release(): Promise<void> {
    this.#renewedAtMs = -Infinity
    metrics.leader.set(0)
    const known = this.#known()
    // Who has lost the Lease may have seen its successor's: that one is not ours to give away.
    if (specOf(known).holderIdentity !== this.#options.identity) return
    try {
      await this.#write(known, { holderIdentity: '', leaseDurationSeconds: 1, renewTime: now() })
      this.#options.log.info('released the Lease')
    } catch (error) {
      this.#options.log.warn({ err: error }, 'releasing the Lease failed: the next leader waits until it runs out')
    }
  }

  #mayTake(lease: KubeObject): boolean {
    const { holderIdentity, leaseDurationSeconds } = specOf(lease)
    if (!holderIdentity || holderIdentity === this.#options.identity) return true
    const durationMs = leaseDurationSeconds ? leaseDurationSeconds * 1000 : this.times.durationMs
    return performance.now() - this.#changedAtMs > durationMs
  }

  #claim(seen: KubeObject | undefined): LeaseSpec {
    const leaseTransitions = seen ? (specOf(seen).leaseTransitions ?? 0) + 1 : 0
    const leaseDurationSeconds = Math.ceil(this.times.durationMs / 1000)
    const time = now()
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds,
      acquireTime: time,
      renewTime: time,
      leaseTransitions,
    }
  }

  async #read(): Promise<KubeObject | undefined> {
    const { client, namespace, name } = this.#options
    const lease = await client.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }, namespace, name)
    if (lease) this.#see(lease)
    return lease
  }

  async #create(): Promise<KubeObject> {
    const { client, namespace, name } = this.#options
    const spec = this.#claim(undefined)
    return client.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec })
  }

  async #write(lease: KubeObject, spec: LeaseSpec): Promise<KubeObject> {
    const { client, namespace, name } = this.#options
    const { uid, resourceVersion } = lease.metadata
    return client.mergePatch(lease, namespace, name, { metadata: { uid, resourceVersion }, spec })
  }

  #see(lease: KubeObject): void {
    if (lease.metadata.resourceVersion !== this.#lease?.metadata.resourceVersion) this.#changedAtMs = performance.now()
    this.#lease = lease
  }

  #known(): KubeObject {
    if (!this.#lease) throw new Error('the Lease has not been read')
    return this.#lease
  }
}

function specOf(lease: KubeObject): LeaseSpec {
  return lease['spec'] ?? {}
}

/** MicroTime of the Kubernetes API. */
function now(): string {
  return new Date().toISOString().replace('Z', '000Z')
}
