import type { KubeObject } from '../../crds/object.ts'
import type { DataStoreStatus } from '../../crds/schema/data-store.ts'

/** One file of a schema. */
export interface SchemaFile {
  version: number
  /** `000007_job_applications.sql` */
  name: string
  /** Applications of a release without this file cannot live with it. */
  breaking: boolean
  /** Of the folder as if this file were its last. */
  digest: string
}

// prettier-ignore
export type NextMigration =
  /** spec.schema.version cannot be had. */
  | { kind: 'refused'; message: string }
  | { kind: 'current' }
  /** `breaking`: breaking files may be run, too. `held`: what is left for later. */
  | { kind: 'run'; target: number; digest: string; files: string[]; breaking: boolean; held: SchemaFile[] }
  /** Only files are left that have to wait for pods to end. */
  | { kind: 'hold'; held: SchemaFile[] }

/**
 * What is to be run now. A breaking file waits until no pod of another release is left, unless the store never had a schema: the release that
 * comes has to live with what there is before it. Pure.
 * @param recorded  what the store is known to have
 * @param older     pods of services that run another image than the migrations
 */
export function nextMigration(input: {
  files: SchemaFile[]
  pin: number | undefined
  recorded: DataStoreStatus['schema']
  older: string[]
}): NextMigration {
  const { files, pin, recorded, older } = input
  const [target, current] = [pin ?? files.length, recorded?.version ?? 0]
  const last = files[target - 1]
  if (!last)
    return { kind: 'refused', message: `spec.schema.version is ${target}, and this release ends at ${files.length}` }
  if (pin !== undefined && pin < current)
    return {
      kind: 'refused',
      message: `spec.schema.version is ${pin}, the database is at ${current}, and nothing leads back: set ${current} or more, or restore a backup`,
    }
  if (recorded?.digest === last.digest) return { kind: 'current' }
  const pending = files.slice(current, target)
  const isHeld = older.length > 0 && pending.some(({ breaking }) => breaking)
  const first = isHeld ? pending.findIndex(({ breaking }) => breaking) : pending.length
  // What a store has of which nothing is recorded, only its ledger knows: it may be at any of the files.
  const now = isHeld && !recorded ? [] : pending.slice(0, first)
  const held = pending.slice(now.length)
  const end = held.length > 0 ? now.at(-1) : last
  if (!end) return { kind: 'hold', held }
  const breaking = now.some((file) => file.breaking)
  return { kind: 'run', target: end.version, digest: end.digest, files: now.map(({ name }) => name), breaking, held }
}

/** Names of the pods among these that have not ended and run this image in no container: what a sidecar runs says nothing. Pure. */
export function podsOfOtherReleases(pods: KubeObject[], image: string): string[] {
  const isOther = (pod: KubeObject) => {
    const { phase } = (pod['status'] ?? {}) as { phase?: string }
    const { containers = [] } = (pod['spec'] ?? {}) as { containers?: { image?: string }[] }
    return phase !== 'Succeeded' && phase !== 'Failed' && !containers.some((container) => container.image === image)
  }
  return pods
    .filter(isOther)
    .map(({ metadata }) => metadata.name)
    .sort()
}

/** Why files wait, and what lets them go. */
export function heldMessage(held: SchemaFile[], older: string[]): string {
  const [first] = held
  const pods = `${older.slice(0, 5).join(', ')}${older.length > 5 ? ` and ${older.length - 5} more` : ''}`
  const why = `${first?.name} is breaking and waits until pods of another release are gone: ${pods}`
  return isBreakingOnly(held)
    ? why
    : `${why}. Later files are needed by the services of this release: scale those pods down, or upgrade one release after the other`
}

/** Then the services of this release lack nothing, and their coming is what ends the older pods. */
export const isBreakingOnly = (held: SchemaFile[]) => held.every(({ breaking }) => breaking)
