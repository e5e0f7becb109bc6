import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Condition } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import { Cache } from '../../operator/kube/cache.ts'
import { KubeClient } from '../../operator/kube/client.ts'
import { loadKubeConfig } from '../../operator/kube/config.ts'
import { startReflectors } from '../../operator/kube/reflector.ts'
import { createLogger } from '../../operator/observability/logger.ts'

/*
 * Every state that objects of ours pass through. `node e2e/harness/states.ts` records those of the cluster that KUBECONFIG names until
 * it is interrupted: what states.sample.jsonl does not have yet is added.
 */

/** Calls back with each object as it is now and whenever it changes, but not when it is gone. Dispose to end it. */
export async function watchStates(onState: (object: KubeObject) => void): Promise<AsyncDisposable> {
  const stop = new AbortController()
  const client = new KubeClient(await loadKubeConfig())
  const { whenSynced, stopped } = startReflectors({
    client,
    cache: new Cache(),
    watches: ['MatchingCluster', 'DataStore'].map((kind) => ({ apiVersion, kind })),
    onChange: (change, object) => {
      if (change !== 'deleted') onState(object)
    },
    log: createLogger('silent'),
    signal: stop.signal,
  })
  await whenSynced
  const end = async () => {
    stop.abort()
    await stopped
    await client.close()
  }
  return { [Symbol.asyncDispose]: end }
}

const sampleFile = join(import.meta.dirname, 'states.sample.jsonl')

export function recordedStates(): KubeObject[] {
  const lines = readFileSync(sampleFile, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as KubeObject)
}

/** Of an object what a reader of its state looks at. */
function brief({ kind, metadata, status }: KubeObject): KubeObject {
  const { name, generation = 0, deletionTimestamp } = metadata
  const {
    observedGeneration,
    phase,
    conditions = [],
  } = (status ?? {}) as {
    observedGeneration?: number
    phase?: string
    conditions?: Condition[]
  }
  const short = conditions.map(({ type, status, reason, observedGeneration }) => ({
    type,
    status,
    reason,
    observedGeneration,
  }))
  const seen = { observedGeneration, phase, conditions: short }
  const deleted = deletionTimestamp ? { deletionTimestamp } : {}
  return { apiVersion, kind, metadata: { name, generation, ...deleted }, ...(status ? { status: seen } : {}) }
}

/** The same for objects in the same state, whatever they are called and however often they were edited. */
function stateOf(object: KubeObject): string {
  const { generation } = object.metadata
  const isNew = (key: string, value: unknown) => (key === 'observedGeneration' ? value === generation : value)
  const { kind, metadata, status } = object
  return JSON.stringify([kind, metadata.deletionTimestamp !== undefined, status], isNew)
}

if (import.meta.main) {
  const known = new Set(recordedStates().map(stateOf))
  await watchStates((object) => {
    const state = brief(object)
    if (known.has(stateOf(state))) return
    known.add(stateOf(state))
    appendFileSync(sampleFile, `${JSON.stringify(state)}\n`)
  })
}
