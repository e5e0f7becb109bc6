import type { KubeObject } from '../../crds/object.ts'
import type { ResourceRef } from './resources.ts'

/** A set of objects to keep in the cache. */
export interface Watch extends ResourceRef {
  /** Absent: all namespaces, and kinds that have none. */
  namespace?: string
  /** Only objects with all of these labels. */
  labels?: Record<string, string>
}

export type Change = 'added' | 'modified' | 'deleted'

/**
 * The live objects of every watched kind, filled by the reflectors and by our own writes.
 *
 * Read your own writes: an answer to a write is stored at once when it is newer than everything the watch has delivered;
 * an older one is dropped, because the watch already told what became of the object, its deletion included.
 * resourceVersions are compared as numbers, which Kubernetes guarantees for objects of one kind.
 */
export class Cache {
  readonly #slices = new Map<string, Slice[]>()

  /** Adds a watched set. @throws when a set already covers it */
  addSlice(watch: Watch): Slice {
    const key = keyOfKind(watch)
    const same = this.#slices.get(key) ?? []
    if (same.some((slice) => slice.watch.namespace === undefined || slice.watch.namespace === watch.namespace)) {
      throw new Error(`${watch.kind} in ${watch.namespace ?? 'all namespaces'} is watched twice`)
    }
    const slice = new Slice(watch)
    this.#slices.set(key, [...same, slice])
    return slice
  }

  /** Do not change what you get: it is the cached object itself. @throws when the kind is not watched there, or not yet listed */
  get(ref: ResourceRef, namespace: string | undefined, name: string): KubeObject | undefined {
    const slice = this.#slice(ref, namespace)
    if (!slice) throw new Error(`${ref.kind} in namespace ${namespace ?? '(none)'} is not watched`)
    slice.assertListed()
    return slice.get(namespace, name)
  }

  /** Whether `get` can answer for this kind and namespace. */
  covers(ref: ResourceRef, namespace: string | undefined): boolean {
    return this.#slice(ref, namespace) !== undefined
  }

  /** Namespace absent: of all watched namespaces. @throws when the kind is not watched there, or not yet listed */
  list(ref: ResourceRef, namespace?: string): KubeObject[] {
    const slices = (this.#slices.get(keyOfKind(ref)) ?? []).filter(({ watch }) => {
      return namespace === undefined || watch.namespace === undefined || watch.namespace === namespace
    })
    if (slices.length === 0) throw new Error(`${ref.kind} in namespace ${namespace ?? '(any)'} is not watched`)
    for (const slice of slices) slice.assertListed()
    const objects = slices.flatMap((slice) => slice.objects())
    return namespace === undefined ? objects : objects.filter((object) => object.metadata.namespace === namespace)
  }

  /** Call with the API server's answer to a write. */
  wrote(object: KubeObject): void {
    this.#slice(object, object.metadata.namespace)?.wrote(object)
  }

  #slice(ref: ResourceRef, namespace: string | undefined): Slice | undefined {
    const slices = this.#slices.get(keyOfKind(ref)) ?? []
    return slices.find(({ watch }) => watch.namespace === undefined || watch.namespace === namespace)
  }
}

/** The part of the cache that one reflector fills. */
export class Slice {
  readonly watch: Watch
  #objects = new Map<string, KubeObject>()
  /** Objects of our own writes which no list or event has announced to the controllers yet. */
  readonly #unannounced = new Set<string>()
  #listed = false
  /** Everything up to here has been delivered. */
  #version = 0

  constructor(watch: Watch) {
    this.watch = watch
  }

  get listed(): boolean {
    return this.#listed
  }

  /** An empty answer before the first list would read as "does not exist". */
  assertListed(): void {
    if (!this.#listed) throw new Error(`${this.watch.kind} objects are not listed yet`)
  }

  get(namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(`${namespace ?? ''}/${name}`)
  }

  objects(): KubeObject[] {
    return [...this.#objects.values()]
  }

  /** A complete list as of `resourceVersion` replaces what is here; returns what to announce. */
  replace(items: KubeObject[], resourceVersion: string): [Change, KubeObject][] {
    const version = Number(resourceVersion)
    // A server that went back in time was restored from a backup: nothing cached is worth keeping.
    const restored = version < this.#version
    const listed = new Set(items.map(keyOf))
    const gone = this.objects().filter((old) => !listed.has(keyOf(old)) && (restored || versionOf(old) <= version))
    const changes: [Change, KubeObject][] = gone.map((old) => ['deleted', old])
    for (const old of gone) this.#remove(keyOf(old))
    for (const item of items) {
      const change = this.#put(item, restored)
      if (change) changes.push([change, item])
    }
    this.#version = version
    this.#listed = true
    return changes
  }

  /** One watch event; returns what to announce, undefined when something newer is already here. */
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): Change | undefined {
    this.progress(object.metadata.resourceVersion)
    if (type !== 'DELETED') return this.#put(object, false)
    const cached = this.#objects.get(keyOf(object))
    if (!cached || versionOf(cached) > versionOf(object)) return undefined
    this.#remove(keyOf(object))
    return 'deleted'
  }

  /** Everything up to this resourceVersion has been delivered. */
  progress(resourceVersion: string | undefined): void {
    this.#version = Math.max(this.#version, Number(resourceVersion ?? 0))
  }

  wrote(object: KubeObject): void {
    const { labels } = object.metadata
    const watched = Object.entries(this.watch.labels ?? {}).every(([key, value]) => labels?.[key] === value)
    if (watched && versionOf(object) > this.#version && this.#put(slim(object), false)) {
      this.#unannounced.add(keyOf(object))
    }
  }

  #put(object: KubeObject, always: boolean): Change | undefined {
    const key = keyOf(object)
    const cached = this.#objects.get(key)
    if (cached && !always && versionOf(cached) > versionOf(object)) return undefined
    if (cached && !always && versionOf(cached) === versionOf(object)) {
      return this.#unannounced.delete(key) ? 'modified' : undefined
    }
    this.#remove(key)
    this.#objects.set(key, object)
    return cached ? 'modified' : 'added'
  }

  #remove(key: string): void {
    this.#objects.delete(key)
    this.#unannounced.delete(key)
  }
}

/** What is kept of an object: managedFields are a third of its size and nobody reads them. */
export function slim(object: KubeObject): KubeObject {
  const metadata: KubeObject['metadata'] & { managedFields?: unknown } = { ...object.metadata }
  delete metadata.managedFields
  return { ...object, metadata }
}

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

function versionOf(object: KubeObject): number {
  return Number(object.metadata.resourceVersion ?? 0)
}

function keyOfKind(ref: ResourceRef): string {
  return `${ref.apiVersion}/${ref.kind}`
}
