import type { KubeObject } from '../../crds/object.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { Cache } from '../kube/cache.ts'
import type { KubeClient } from '../kube/client.ts'

const secretKind = { apiVersion: 'v1', kind: 'Secret' }

/** How soon a change of one that carries no label of ours is noticed. */
export const givenAgainMs = 60_000

/**
 * Secrets that specs of external stores name. The watch sees those with our label. Others belong to a chart or a cloud operator, whose
 * label must stay: they are read before each reconcile of who names them.
 */
export class GivenSecrets {
  readonly #client: KubeClient
  readonly #cache: Pick<Cache, 'get'>
  readonly #read = new Map<string, KubeObject>()

  constructor(client: KubeClient, cache: Pick<Cache, 'get'>) {
    this.#client = client
    this.#cache = cache
  }

  /** As the watch has it, else as it was last read. */
  get(namespace: string, name: string): KubeObject | undefined {
    return this.#cache.get(secretKind, namespace, name) ?? this.#read.get(`${namespace}/${name}`)
  }

  /** Reads those that the store names and the watch does not see. @throws when the API server does not answer */
  async read(store: DataStore): Promise<void> {
    const { namespace = '' } = store.metadata
    for (const name of this.unwatched(store)) {
      const found = await this.#client.get(secretKind, namespace, name)
      if (found) this.#read.set(`${namespace}/${name}`, found)
      else this.#read.delete(`${namespace}/${name}`)
    }
  }

  /** Names of those that no watch tells of. */
  unwatched({ metadata: { namespace = '' }, spec: { connectionSecretRef } }: DataStore): string[] {
    const named = [connectionSecretRef?.name, connectionSecretRef?.caSecret?.name]
    return named.filter((name) => name !== undefined).filter((name) => !this.#cache.get(secretKind, namespace, name))
  }
}
