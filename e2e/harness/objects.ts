import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../../crds/object.ts'

export const config = new KubeConfig()
config.loadFromDefault()
const api = KubernetesObjectApi.makeApiClient(config)

/** Where the tests put their platforms: the namespace that the operator watches. */
export const namespace = 'supersmartmatch'

export interface Kind {
  apiVersion: string
  kind: string
}

/** Objects of one kind with these labels, by name. Faster than starting kubectl, so that a short-lived state is seen. */
export async function list({ apiVersion, kind }: Kind, labels: string, where = namespace): Promise<KubeObject[]> {
  const none = undefined
  const { items } = await api.list(apiVersion, kind, where, none, none, none, none, labels)
  const found = items as unknown as KubeObject[]
  return found.sort((a, b) => a.metadata.name.localeCompare(b.metadata.name))
}

/** undefined when there is no such object. */
export async function read({ apiVersion, kind }: Kind, name: string): Promise<KubeObject | undefined> {
  try {
    return (await api.read({ apiVersion, kind, metadata: { name, namespace } })) as unknown as KubeObject
  } catch (error) {
    if ((error as { code?: number }).code === 404) return undefined
    throw error
  }
}

/**
 * Asks again and again until the answer is no sentence: a sentence says what is still missing.
 * @throws with the last sentence when the time is up
 */
export async function until<T extends object>(limitMs: number, ask: () => Promise<T | string>): Promise<T> {
  const endMs = performance.now() + limitMs
  for (;;) {
    const answer = await ask()
    if (typeof answer !== 'string') return answer
    if (performance.now() > endMs) throw new Error(`after ${limitMs / 1000} s: ${answer}`)
    await sleep(300)
  }
}
