import { createHash } from 'node:crypto'
import type { KubeObject, OwnerReference } from '../../crds/object.ts'
import { domain, managedBy } from '../labels.ts'
import type { Logger } from '../observability/logger.ts'
import { metrics } from '../observability/metrics.ts'
import type { Cache } from './cache.ts'
import { describe, hasStatus, type KubeClient } from './client.ts'
import { firstDifference } from './match.ts'
import type { ResourceRef } from './resources.ts'

/** sha256 of the object as we sent it: tells that a field we no longer want is still there, which no comparison can. */
export const hashAnnotation = `${domain}/applied-hash`

/** Why an object was left alone. PreviousOwnerTerminating passes by itself; FieldConflict needs somebody to act. */
export interface Refused {
  kind: 'refused'
  reason: 'FieldConflict' | 'PreviousOwnerTerminating'
  message: string
}

// prettier-ignore
export type ApplyResult =
  | { kind: 'created' | 'updated' | 'unchanged'; object: KubeObject }
  | Refused

// prettier-ignore
export type CreateResult =
  | { kind: 'created' | 'existing'; object: KubeObject }
  | Refused

export interface ApplyAllResult {
  /** What was created or updated: `StatefulSet/demo-core`. */
  changed: string[]
  refused?: Refused
}

/** The object with `owner` as its controller: it is deleted with the owner, and its changes wake the owner. */
export function withOwner(owner: KubeObject, object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata } = owner
  if (!metadata.uid) throw new Error(`${describe(owner)} has no uid: an owner must come from the API server`)
  const { name, uid } = metadata
  const reference: OwnerReference = { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }
  return { ...object, metadata: { ...object.metadata, ownerReferences: [reference] } }
}

/** Brings owned objects to their desired state, and sends nothing for those that are in it already. */
export class Applier {
  readonly #client: KubeClient
  readonly #cache: Cache
  readonly #log: Logger
  /** Hash and resulting resourceVersion of objects that the server did not keep as sent, by description. */
  readonly #unsettled = new Map<string, string>()

  constructor(client: KubeClient, cache: Cache, log: Logger) {
    this.#client = client
    this.#cache = cache
    this.#log = log
  }

  /**
   * Server-side apply of one object with labels from `labels()`. Fields we set are taken back from whoever changed them;
   * fields we do not set are left alone. An object that belongs to somebody else is refused, never taken over.
   * @throws KubeError; 422 when the change is not allowed, for example to an immutable field
   */
  async apply(desired: KubeObject): Promise<ApplyResult> {
    const wanted = prepare(desired)
    const live = await this.#live(wanted)
    const result = live ? await this.#update(wanted, live) : await this.#create(wanted)
    metrics.applies.inc({ kind: desired.kind, result: result.kind })
    return result
  }

  /** Applies in the given order and stops at the first refusal. @throws KubeError */
  async applyAll(desired: KubeObject[]): Promise<ApplyAllResult> {
    const changed: string[] = []
    for (const object of desired) {
      const result = await this.apply(object)
      if (result.kind === 'refused') return { changed, refused: result }
      if (result.kind !== 'unchanged') changed.push(`${object.kind}/${object.metadata.name}`)
    }
    return { changed }
  }

  /**
   * What `owner` has of `kinds` afterwards is `desired`: applied in the given order, and then the rest is deleted, as by `prune`.
   * @returns the first refusal, after which nothing more is done @throws KubeError
   */
  async applyExactly(owner: KubeObject, desired: KubeObject[], kinds: ResourceRef[]): Promise<Refused | undefined> {
    const { refused } = await this.applyAll(desired)
    if (refused) return refused
    const { uid = '', namespace = '' } = owner.metadata
    await this.prune({ ownerUid: uid, namespace, keep: desired, kinds })
    return undefined
  }

  /**
   * Deletes objects of `kinds` whose controller is `ownerUid` and which are not in `keep`. Secrets and volume claims are
   * never deleted. One that changes meanwhile is left for the next time. Returns what was deleted: `Service/demo-core`.
   */
  async prune(options: {
    ownerUid: string
    namespace: string
    keep: KubeObject[]
    kinds: ResourceRef[]
  }): Promise<string[]> {
    const kept = new Set(options.keep.map((object) => `${object.kind}/${object.metadata.name}`))
    const deleted: string[] = []
    for (const kind of options.kinds) {
      if (kind.kind === 'Secret' || kind.kind === 'PersistentVolumeClaim') continue
      for (const object of this.#cache.list(kind, options.namespace)) {
        const name = `${object.kind}/${object.metadata.name}`
        const ours = controllerOf(object)?.uid === options.ownerUid
        if (!ours || kept.has(name) || object.metadata.deletionTimestamp) continue
        if (await this.#delete(object)) deleted.push(name)
      }
    }
    return deleted
  }

  /**
   * Creates an object that must never be overwritten, a Secret with a generated value. An existing one is taken as it is
   * when it carries the labels that `desired` would have had, and refused when it does not. `apply` finds nothing to do on
   * what was made here.
   */
  async createOnce(desired: KubeObject): Promise<CreateResult> {
    const wanted = prepare(desired)
    const existing = await this.#live(wanted)
    if (existing) return adopted(wanted, existing)
    try {
      const created = await this.#client.create(wanted)
      this.#cache.wrote(created)
      return { kind: 'created', object: created }
    } catch (error) {
      if (!hasStatus(error, 409)) throw error
      // Somebody was faster, perhaps ourselves before a restart: what counts is whose it is.
      const theirs = await this.#client.get(wanted, wanted.metadata.namespace, wanted.metadata.name)
      if (!theirs) throw error
      this.#cache.wrote(theirs)
      return adopted(wanted, theirs)
    }
  }

  /** The cache holds only objects with our labels, so what it lacks may still exist. */
  async #live(wanted: KubeObject): Promise<KubeObject | undefined> {
    const { namespace, name } = wanted.metadata
    const cached = this.#cache.covers(wanted, namespace) ? this.#cache.get(wanted, namespace, name) : undefined
    return cached ?? (await this.#client.get(wanted, namespace, name))
  }

  /** Not forced: should somebody create an object of that name at this moment, theirs is not overwritten. */
  async #create(wanted: KubeObject): Promise<ApplyResult> {
    try {
      return { kind: 'created', object: await this.#send(wanted, false) }
    } catch (error) {
      if (!hasStatus(error, 409)) throw error
      return { kind: 'refused', reason: 'FieldConflict', message: `${describe(wanted)}: ${error.message}` }
    }
  }

  async #update(wanted: KubeObject, live: KubeObject): Promise<ApplyResult> {
    const refusal = refusalOf(wanted, live)
    if (refusal) return refusal
    const difference = firstDifference(wanted, live)
    const { resourceVersion } = live.metadata
    const known = this.#unsettled.get(describe(wanted)) === `${hashOf(wanted)} ${resourceVersion}`
    if (difference === undefined || known) return { kind: 'unchanged', object: live }
    const object = await this.#send(wanted, true)
    // The API server answers an apply that changes nothing without writing.
    return { kind: object.metadata.resourceVersion === resourceVersion ? 'unchanged' : 'updated', object }
  }

  async #send(wanted: KubeObject, force: boolean): Promise<KubeObject> {
    const written = await this.#client.apply(wanted, { force })
    this.#cache.wrote(written)
    this.#remember(wanted, written)
    return written
  }

  /** An admission webhook may rewrite what we send. Sending it again would change nothing, so it is said once and left. */
  #remember(wanted: KubeObject, written: KubeObject): void {
    const key = describe(wanted)
    const field = firstDifference(wanted, written)
    this.#unsettled.delete(key)
    if (field === undefined) return
    this.#unsettled.set(key, `${hashOf(wanted)} ${written.metadata.resourceVersion}`)
    this.#log.warn({ object: key, field }, 'the API server does not keep a field as sent')
  }

  async #delete(object: KubeObject): Promise<boolean> {
    try {
      await this.#client.delete(object)
      metrics.applies.inc({ kind: object.kind, result: 'deleted' })
      return true
    } catch (error) {
      if (!hasStatus(error, 409)) throw error
      this.#log.debug({ object: describe(object) }, 'changed while being pruned')
      return false
    }
  }
}

/** As the API server will read it, with the hash. */
function prepare(desired: KubeObject): KubeObject {
  const object = plain(desired)
  const hash = createHash('sha256').update(canonical(object)).digest('base64url').slice(0, 22)
  const annotations = { ...object.metadata.annotations, [hashAnnotation]: hash }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** JSON values only; `stringData` becomes `data`, which is how the API server stores it. */
function plain(desired: KubeObject): KubeObject {
  const { stringData, ...object } = JSON.parse(JSON.stringify(desired)) as KubeObject
  if (stringData === undefined) return object
  const encoded = Object.entries(stringData as Record<string, string>).map(([key, value]) => [
    key,
    Buffer.from(value).toString('base64'),
  ])
  return { ...object, data: { ...(object['data'] as object | undefined), ...Object.fromEntries(encoded) } }
}

/** JSON with sorted keys: the order in which a builder sets fields is no difference. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== 'object' || field === null || Array.isArray(field)) return field
    return Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

function hashOf(object: KubeObject): string | undefined {
  return object.metadata.annotations?.[hashAnnotation]
}

function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller)
}

/** Why the live object may not be written; undefined when it is ours. */
function refusalOf(wanted: KubeObject, live: KubeObject): Refused | undefined {
  if (live.metadata.deletionTimestamp) return terminating(`${describe(live)} is still being deleted`)
  const theirs = controllerOf(live)
  const mine = controllerOf(wanted)
  if (theirs && theirs.uid === mine?.uid) return undefined
  if (theirs && mine && theirs.kind === mine.kind && theirs.name === mine.name) {
    return terminating(
      `${describe(live)} still belongs to an earlier ${theirs.kind} ${theirs.name} that is being deleted`,
    )
  }
  if (theirs) return conflict(`${describe(live)} belongs to ${theirs.kind} ${theirs.name}`)
  // What holds no secret is still ours when somebody changed its labels.
  if (live.kind !== 'Secret' && hashOf(live) !== undefined) return undefined
  return sameIdentity(wanted, live) ? undefined : foreign(wanted, live)
}

/** Whether an object that is there already is the one wanted: the same thing of the same instance. */
export function adopted(wanted: KubeObject, existing: KubeObject): CreateResult {
  if (existing.metadata.deletionTimestamp) return terminating(`${describe(existing)} is still being deleted`)
  return sameIdentity(wanted, existing) ? { kind: 'existing', object: existing } : foreign(wanted, existing)
}

/** By the labels of `labels()`. The instance is not enough: a cluster and another cluster's store may have the same name. */
const identityLabels = ['managed-by', 'instance', 'name', 'component'].map((label) => `app.kubernetes.io/${label}`)

function sameIdentity(wanted: KubeObject, live: KubeObject): boolean {
  return identityLabels.every((label) => live.metadata.labels?.[label] === wanted.metadata.labels?.[label])
}

function foreign(wanted: KubeObject, live: KubeObject): Refused {
  if (live.metadata.labels?.['app.kubernetes.io/managed-by'] !== managedBy)
    return conflict(`${describe(live)} exists and was not made by this operator: rename or delete it`)
  return conflict(`${describe(live)} belongs to the ${identityOf(live)}, the ${identityOf(wanted)} needs another name`)
}

/** `database postgres of demo-core` */
function identityOf(object: KubeObject): string {
  const of = (label: string) => object.metadata.labels?.[`app.kubernetes.io/${label}`] ?? '(unnamed)'
  return `${of('component')} ${of('name')} of ${of('instance')}`
}

function terminating(message: string): Refused {
  return { kind: 'refused', reason: 'PreviousOwnerTerminating', message }
}

function conflict(message: string): Refused {
  return { kind: 'refused', reason: 'FieldConflict', message }
}
