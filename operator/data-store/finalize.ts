import { bindingRoles } from '../../crds/binding.ts'
import type { KubeObject } from '../../crds/object.ts'
import { apiVersion } from '../../crds/schema/common.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import { hasStatus } from '../kube/client.ts'
import { dropIssuedCertificate } from '../issuer.ts'
import { managedBy, selector } from '../labels.ts'
import { fateOf, type Belongings } from '../leftovers.ts'
import { isOrphaning } from '../reconcile/finalizer.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import type { Step } from '../reconcile/steps.ts'
import { metadata } from './logins.ts'
import { names } from './names.ts'
import { databasePods, findStatefulSet, type Context, type Tools } from './observe.ts'

/*
 * Deletion of a DataStore with deletionPolicy Delete:
 *
 * 1. The StatefulSet goes, and its pods end as they would at any other time: nothing else is asked of the engine, so one that
 *    does not answer holds nothing up.
 * 2. Volume claims, Secrets and what members remember go that this very object made.
 * 3. The finalizer goes, and what has an ownerReference follows.
 *
 * Each step looks at what is there, so it does not matter how often or where an operator ends in between. Until 2 begins,
 * setting deletionPolicy to Retain keeps everything.
 */

const statefulSetKind = { apiVersion: 'apps/v1', kind: 'StatefulSet' }

/** The others leave what outlives them, and need nothing done. */
export function needsFinalizer({ store }: Context): boolean {
  return store.spec.deletionPolicy === 'Delete'
}

const podsGone: Step<Context> = {
  condition: 'PodsGone',
  async run(context) {
    const statefulSet = findStatefulSet(context)
    if (statefulSet && isOrphan(statefulSet, context.store)) return orphaned(statefulSet)
    for (const going of [statefulSet, ...companions(context)]) {
      if (going && !going.metadata.deletionTimestamp) await context.tools.client.delete(going)
    }
    const pods = databasePods(context).map(({ metadata }) => metadata.name)
    if (pods.length === 0 && !statefulSet) return { kind: 'done', reason: 'Gone' }
    const message = pods.length > 0 ? `${pods.join(', ')} still stopping` : 'the StatefulSet is being deleted'
    return { kind: 'wait', reason: 'Stopping', message, retryAfterMs: 5_000 }
  },
}

/** Their volumes go with the store's, so their pods must, too. One that somebody cut loose is not its own any more. */
function companions({ engine, plan, store, namespace, tools }: Context): KubeObject[] {
  const found = (engine.companions?.(plan) ?? []).map((name) => tools.cache.get(statefulSetKind, namespace, name))
  return found.filter((one) => one !== undefined).filter((one) => !isOrphan(one, store))
}

/** Two orders that contradict each other: the policy says that the data goes, `--cascade=orphan` that its pods stay. */
function orphaned({ metadata: { name } }: KubeObject): Outcome {
  const message = `StatefulSet ${name} has lost its owner, as after kubectl delete --cascade=orphan: delete it to go on, or set spec.deletionPolicy to Retain to leave it running with its data`
  return { kind: 'blocked', reason: 'Orphaned', message, retryAfterMs: 10_000 }
}

/** Whether the StatefulSet was, or is about to be, cut loose from the store that is being deleted. Pure. */
export function isOrphan(statefulSet: KubeObject, store: DataStore): boolean {
  const owned = statefulSet.metadata.ownerReferences?.some(({ uid }) => uid === store.metadata.uid) ?? false
  return !owned || isOrphaning(store)
}

const dataGone: Step<Context> = {
  condition: 'DataGone',
  async run(context) {
    const { store, namespace, tools } = context
    const { name } = store.metadata
    await dropIssuedCertificate(tools, metadata(context, names.tlsSecret(name)), names.issuedSecret(name))
    return removeLeftovers(store, belongings(context), namespace, tools)
  },
}

/** What a DataStore made that carries no ownerReference. */
export function belongings({ store, plan, engine, namespace, tools }: Context): Belongings {
  const { name } = store.metadata
  return {
    secrets: [
      ...Object.keys(engine.credentials(plan)),
      ...bindingRoles.map((role) => names.bindingSecret(name, role)),
      names.loginsSecret(name),
      names.tlsSecret(name),
      names.issuedSecret(name),
      names.caSecret(name),
    ],
    services: engine.memoryServices?.(plan) ?? [],
    claimPrefixes: [name, ...(engine.companions?.(plan) ?? [])].map((set) => names.volumeClaim(set, 0).slice(0, -1)),
    labels: { ...selector(plan.identity), 'app.kubernetes.io/managed-by': managedBy },
    spared: new Map([
      ...named(store),
      ...signing(tools, namespace)
        .filter(([, user]) => user !== store.metadata.name)
        .map(sparedFor),
    ]),
  }
}

/** Secrets that the user gave. */
function named({ spec }: DataStore): [string, string][] {
  const given: [string | undefined, string][] = [
    [spec.tls.caSecret, 'spec.tls.caSecret names it'],
    [spec.connectionSecretRef?.name, 'spec.connectionSecretRef names it'],
  ]
  return given.flatMap(([secret, why]) => (secret ? [[secret, why]] : []))
}

/** CA Secret -> DataStore that names it. */
export function signing({ cache }: Pick<Tools, 'cache'>, namespace: string): [string, string][] {
  const stores = cache.list({ apiVersion, kind: 'DataStore' }, namespace) as DataStore[]
  return stores.flatMap(({ metadata, spec }) => (spec.tls.caSecret ? [[spec.tls.caSecret, metadata.name]] : []))
}

export const sparedFor = ([secret, store]: [string, string]): [string, string] => [
  secret,
  `DataStore ${store} is signed by it`,
]

/**
 * Deletes the Secrets, Services and volume claims that are these belongings, each as it was seen. `owner` is told in Events what went.
 * Done when none is left; a claim stays until Kubernetes sees no pod that uses it.
 */
export async function removeLeftovers(
  owner: KubeObject,
  belonging: Belongings,
  namespace: string,
  tools: Tools,
): Promise<Outcome> {
  const left = ['PersistentVolumeClaim', 'Service', 'Secret']
    .flatMap((kind) => tools.cache.list({ apiVersion: 'v1', kind }, namespace))
    .filter((object) => fateOf(object, belonging).goes)
  for (const object of left.filter(({ metadata }) => !metadata.deletionTimestamp)) {
    if (await deleted(object, tools))
      tools.events.normal(owner, 'Deleted', `${object.kind} ${object.metadata.name} deleted`)
  }
  if (left.length === 0) return { kind: 'done', reason: 'Gone' }
  return { kind: 'wait', reason: 'Deleting', message: `left: ${left.map(inWords).join(', ')}`, retryAfterMs: 2_000 }
}

/** One that changed since it was seen is looked at again. */
async function deleted(object: KubeObject, { client }: Tools): Promise<boolean> {
  try {
    await client.delete(object)
    return true
  } catch (error) {
    if (!hasStatus(error, 409)) throw error
    return false
  }
}

function inWords({ kind, metadata }: KubeObject): string {
  const { name, deletionTimestamp, finalizers = [] } = metadata
  return `${kind} ${name}${deletionTimestamp && finalizers.length > 0 ? ` (held by ${finalizers.join(', ')})` : ''}`
}

/** In this order, each only when the one before it is done. */
export const finalSteps: Step<Context>[] = [podsGone, dataGone]
