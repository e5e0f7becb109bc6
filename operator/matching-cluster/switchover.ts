import type { DataStore } from '../../crds/schema/data-store.ts'
import { poolerPausedAnnotation } from '../labels.ts'
import { deadline } from '../reconcile/deadline.ts'
import { pooledStores, type Context } from './observe.ts'
import { pause, resumeOthers } from './pooler/admin.ts'
import { databasesOf } from './pooler/databases.ts'
import { backendOf, runningPoolers, type RunningPooler } from './pooler/plan.ts'

/** Clients are never held longer than this after a switchover began. */
const holdMs = 30_000
/** A transaction may end within this time; the DataStore's controller waits 5 s. */
const pauseMs = 3_000
const askMs = 2_000
/** How long pods are asked for what may have stayed paused. Every database can be RESUMEd by then, or its pod is gone. */
const concernMs = 10 * 60_000

/**
 * The pooler's half of a planned switchover: clients wait for the new primary instead of failing on the old one.
 *
 * 1. The DataStore's controller sets `status.switchover.state` to Preparing.
 * 2. Every pooler pod PAUSEs what leads to that store's primary: transactions end, new ones wait. A pod with a transaction that
 *    goes on is RESUMEd: its clients will see the switchover, those of the others will not.
 * 3. An annotation of the DataStore says so, and its controller goes on.
 * 4. Once the state is another, or after `holdMs`, every pod RESUMEs.
 *
 * What is paused is asked of the pods each time: it does not matter which operator paused it, and a new pod is not paused.
 * @param since  when this operator began to lead: what another left paused may be older than `concernMs`
 * @returns      when it has to be called again at the latest; undefined: nothing is held
 */
export async function holdClients(context: Context, since: Date): Promise<number | undefined> {
  const now = context.tools.now()
  const isNew = now.getTime() - since.getTime() < concernMs
  const planned = pooledStores(context).filter((store) => (isNew ? store.status?.switchover : isRecent(store, now)))
  if (planned.length === 0) return undefined
  const holds = planned.map((store) => ({ store, hold: decideHold(store, now) }))
  const asked = await Promise.all(runningPoolers(context).map((pooler) => bringTo(context, pooler, holds)))
  for (const { store, hold } of holds) if (hold.kind === 'begin') await tellHeld(context, store)
  const times = [...holds.map(({ hold }) => hold.endsInMs), ...asked].filter((ms) => ms !== undefined)
  return times.length > 0 ? Math.min(...times) : undefined
}

function isRecent({ status }: DataStore, now: Date): boolean {
  return status?.switchover !== undefined && now.getTime() - Date.parse(status.switchover.at) < concernMs
}

/**
 * RESUMEs everything: for an operator that stops, because nobody may come after it.
 * @param context  its signal is the deadline
 * @returns        what may still be held, in sentences
 */
export async function letClientsGo(context: Context): Promise<string[]> {
  const now = context.tools.now()
  if (!pooledStores(context).some((store) => isRecent(store, now))) return []
  const asked = runningPoolers(context).map(async ({ pod, console }) => {
    const failed = await resumeOthers(console, [], [], context.signal)
    return failed ? [`pod ${pod.metadata.name}: ${failed}`] : []
  })
  return (await Promise.all(asked)).flat()
}

// prettier-ignore
export type Hold =
  | { kind: 'none';           endsInMs?: undefined }
  | { kind: 'begin' | 'keep'; endsInMs: number }

/** Whether the pooler holds the clients of a store's primary: from Preparing until the switchover is over or takes too long. */
export function decideHold({ metadata, status }: DataStore, now: Date): Hold {
  const { at = '', state } = status?.switchover ?? {}
  if (state !== 'Preparing' && state !== 'Running') return { kind: 'none' }
  const endsInMs = Date.parse(at) + holdMs - now.getTime()
  if (!(endsInMs > 0)) return { kind: 'none' }
  const told = metadata.annotations?.[poolerPausedAnnotation] === at
  return { kind: state === 'Preparing' && !told ? 'begin' : 'keep', endsInMs }
}

interface StoreHold {
  store: DataStore
  hold: Hold
}

/** PAUSEs and RESUMEs databases of one pod. @returns when the pod must be asked again, because it did not answer */
async function bringTo(context: Context, { pod, console }: RunningPooler, holds: StoreHold[]) {
  const begin = databases(context, holds, 'primary', ['begin'])
  const busy = begin.length > 0 ? await pause(console, begin, deadline(context, pauseMs)) : undefined
  if (busy) {
    const message = `pod ${pod.metadata.name}: ${busy}; its clients will notice the switchover`
    context.tools.events.warning(context.cluster, 'PoolerNotPaused', message)
  }
  const keep = databases(context, holds, 'primary', busy ? ['keep'] : ['keep', 'begin'])
  // Reads that stayed on a replica which is the primary now belong elsewhere.
  const moved = databases(context, holds, 'replicas', ['none'])
  const failed = await resumeOthers(console, keep, moved, deadline(context, askMs))
  return failed ? askMs : undefined
}

function databases(context: Context, holds: StoreHold[], to: 'primary' | 'replicas', kinds: Hold['kind'][]): string[] {
  const backends = holds.filter(({ hold }) => kinds.includes(hold.kind)).map(({ store }) => backendOf(context, store))
  return databasesOf(backends)
    .filter(({ leadsTo }) => leadsTo === to)
    .map(({ name }) => name)
}

async function tellHeld({ cluster, namespace, tools }: Context, store: DataStore): Promise<void> {
  const { name } = store.metadata
  const patch = { metadata: { annotations: { [poolerPausedAnnotation]: store.status?.switchover?.at } } }
  tools.cache.wrote(await tools.client.mergePatch(store, namespace, name, patch))
  tools.events.normal(cluster, 'PoolerPaused', `clients of ${name} wait for its switchover`)
}
