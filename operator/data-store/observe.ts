import type { KubeObject } from '../../crds/object.ts'
import type { DataStore, DataStoreStatus } from '../../crds/schema/data-store.ts'
import type { Engine, Plan, Target } from '../engines/engine.ts'
import type { Applier } from '../kube/apply.ts'
import type { Cache } from '../kube/cache.ts'
import type { KubeClient } from '../kube/client.ts'
import type { EventRecorder } from '../kube/events.ts'
import { domain, type Identity } from '../labels.ts'
import { secretValue } from '../secrets.ts'
import { databaseName, names, superuserRole } from './names.ts'

/** A migration folder as the operator's own image carries it. */
export interface Schema {
  digest: string
  /** Number of its last migration. */
  target: number
  clusterSql: string
}

/** What every reconcile of a DataStore uses; the same for all of them. */
export interface Tools {
  client: KubeClient
  cache: Cache
  applier: Applier
  events: EventRecorder
  engines: Record<string, Engine>
  images: Record<string, string>
  /** By name of the migration folder. */
  schemas: Record<string, Schema>
  now: () => Date
}

export interface Context {
  store: DataStore
  namespace: string
  engine: Engine
  plan: Plan
  schema: Schema
  tools: Tools
  signal: AbortSignal
  /** Status fields the steps found; what they leave out stays as it was. */
  found: Partial<Pick<DataStoreStatus, 'version' | 'endpoint' | 'clusterSql' | 'schema'>>
}

const secretKind = { apiVersion: 'v1', kind: 'Secret' }
const podKind = { apiVersion: 'v1', kind: 'Pod' }
const jobKind = { apiVersion: 'batch/v1', kind: 'Job' }

/** Gathers what the steps need to know of one DataStore; reads the cache only. */
export function observe(store: DataStore, tools: Tools, signal: AbortSignal): Context {
  const { engine: engineName, image, schema: schemaRef } = store.spec
  const engine = tools.engines[engineName]
  const schema = tools.schemas[schemaRef.name]
  // The CRD's enums make both impossible; a mismatch is an operator older than its CRDs.
  if (!engine || !schema)
    throw new Error(`this operator does not know engine ${engineName} with schema ${schemaRef.name}`)
  const plan: Plan = {
    store,
    identity: identityOf(store),
    image: image ?? tools.images[engineName] ?? '',
    database: databaseName(schemaRef.name),
  }
  return { store, namespace: store.metadata.namespace ?? '', engine, plan, schema, tools, signal, found: {} }
}

/** Labels come down from the MatchingCluster; a DataStore used alone is its own store. */
function identityOf(store: DataStore): Identity {
  const given = store.metadata.labels ?? {}
  const cluster = given[`${domain}/cluster`]
  return {
    name: store.spec.engine,
    instance: store.metadata.name,
    component: 'database',
    store: given[`${domain}/store`] ?? store.metadata.name,
    ...(cluster ? { cluster } : {}),
  }
}

export function findSecret({ tools, namespace }: Context, name: string): KubeObject | undefined {
  return tools.cache.get(secretKind, namespace, name)
}

export function caSecretName({ store }: Context): string {
  return store.spec.tls.caSecret ?? names.caSecret(store.metadata.name)
}

export function readWriteHost({ store, namespace }: Context): string {
  return `${names.readWriteService(store.metadata.name)}.${namespace}.svc`
}

/** The engine's superuser, connected directly. @throws when the Secret or the CA is not there: a step before must have made them */
export function superuserTarget(context: Context): Target {
  const password = secretValue(findSecret(context, names.superuserSecret(context.store.metadata.name)), 'password')
  if (!password) throw new Error(`Secret ${names.superuserSecret(context.store.metadata.name)} has no password`)
  return directTarget(context, superuserRole, password, 'postgres')
}

export function directTarget(context: Context, username: string, password: string, database: string): Target {
  const ca = secretValue(findSecret(context, caSecretName(context)), 'tls.crt')
  if (!ca) throw new Error(`Secret ${caSecretName(context)} has no tls.crt`)
  return { host: readWriteHost(context), port: context.engine.port, database, username, password, ca }
}

export function findJob({ tools, namespace }: Context, name: string): KubeObject | undefined {
  return tools.cache.get(jobKind, namespace, name)
}

/** Pods of this store, by component (`database`, `migration`). */
export function findPods({ tools, namespace, store }: Context, component: string): KubeObject[] {
  return tools.cache.list(podKind, namespace).filter((pod) => {
    const labels = pod.metadata.labels ?? {}
    return (
      labels['app.kubernetes.io/instance'] === store.metadata.name &&
      labels['app.kubernetes.io/component'] === component
    )
  })
}
