import type { BindingRole } from '../../crds/binding.ts'
import type { KubeObject } from '../../crds/object.ts'
import type { DataStore, DataStoreStatus } from '../../crds/schema/data-store.ts'
import type { Finding } from '../reconcile/status.ts'
import type { Engine, Plan, Target } from '../engines/engine.ts'
import type { Applier } from '../kube/apply.ts'
import type { Cache } from '../kube/cache.ts'
import type { KubeClient } from '../kube/client.ts'
import type { EventRecorder } from '../kube/events.ts'
import { domain, selector, type Identity } from '../labels.ts'
import type { Surroundings } from '../network.ts'
import { secretValue } from '../secrets.ts'
import { fingerprint } from '../certificates.ts'
import { authorityFor, connectionFor, databaseFor, endpointOf } from './endpoint.ts'
import type { GivenSecrets } from './given-secrets.ts'
import { imageOf } from '../images.ts'
import { claimsOf } from './losses.ts'
import { readFrom } from './members.ts'
import { migrationOf } from './migrate-job.ts'
import type { SchemaFile } from './migration-plan.ts'
import { names } from './names.ts'

/** A migration folder as the operator's own image carries it. */
export interface Schema {
  /** In order; the first has number 1. */
  files: SchemaFile[]
  clusterSql: string
}

/** What every reconcile of a DataStore uses; the same for all of them. */
export interface Tools {
  client: KubeClient
  cache: Cache
  applier: Applier
  events: EventRecorder
  engines: Record<string, Engine>
  /** Secrets of others that specs name. */
  given: GivenSecrets
  images: Record<string, string>
  surroundings: Surroundings
  /** By name of the migration folder. */
  schemas: Record<string, Schema>
  now: () => Date
  /** Throws when this process may no longer change anything, in an engine as little as in Kubernetes. */
  fence(): void
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
  found: {
    [
      Field in
        | 'version'
        | 'edition'
        | 'maxConnections'
        | 'endpoint'
        | 'clusterSql'
        | 'schema'
        | 'migration'
        | 'replicas'
        | 'primary'
        | 'pending'
        | 'switchover'
        | 'retention'
        | 'legalHolds'
    ]?: DataStoreStatus[Field] | undefined
  }
  /** Conditions beside those of the steps. */
  beside: Finding[]
  /** The primary is on a pod that shall go: it must move to another before. */
  relocation?: { from: string; to: string }
  /** Another number of members could lose data: there are as many as before. */
  sizeRefused?: boolean
  /** Memory settings follow the pods there are, not those that wait: a larger shared_buffers would not fit into them. */
  heldMemory?: string
  /** When there is more to do although all is well: a window opens, a switchover is due. */
  due: Date[]
}

/** Of a store that has none. */
const noSchema: Schema = { files: [], clusterSql: '' }

const volumeClaimKind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }
const podKind = { apiVersion: 'v1', kind: 'Pod' }
const statefulSetKind = { apiVersion: 'apps/v1', kind: 'StatefulSet' }
const jobKind = { apiVersion: 'batch/v1', kind: 'Job' }

/** Gathers what the steps need to know of one DataStore; reads the cache only. */
export function observe(store: DataStore, tools: Tools, signal: AbortSignal): Context {
  const { engine: engineName, image, registry, schema: schemaRef } = store.spec
  const engine = tools.engines[engineName]
  const schema = schemaRef ? tools.schemas[schemaRef.name] : noSchema
  // The CRD's enums make both impossible; a mismatch is an operator older than its CRDs.
  if (!engine || !schema)
    throw new Error(`this operator does not know engine ${engineName} with schema ${schemaRef?.name}`)
  const namespace = store.metadata.namespace ?? ''
  const identity = identityOf(store)
  const plan: Plan = {
    store,
    identity,
    image: imageOf(image, tools.images[engineName], registry),
    database: endpointOf(store, tools)?.database ?? databaseFor(store, engine),
    caFingerprint: caFingerprint(store, tools.cache),
    members: liveMembers(tools.cache, namespace, store.metadata.name) ?? 0,
    readFrom: readFrom(podsWith(tools.cache, namespace, selector(identity))),
    surroundings: tools.surroundings,
  }
  return { store, namespace, engine, plan, schema, tools, signal, found: {}, beside: [], due: [] }
}

/** Pods that the StatefulSet asks for now; undefined while there is none. */
export function liveMembers(cache: Cache, namespace: string, store: string): number | undefined {
  const statefulSet = cache.get(statefulSetKind, namespace, names.statefulSet(store))
  return (statefulSet?.['spec'] as { replicas?: number } | undefined)?.replicas
}

/** Of the CA that the store's servers are verified with; empty until there is one. */
export function caFingerprint(store: DataStore, cache: Cache): string {
  const ca = authorityFor(store, cache)
  return ca ? fingerprint(ca) : ''
}

/** Labels come down from the MatchingCluster; a DataStore used alone is its own store. */
export function identityOf(store: DataStore): Identity {
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

/** The operator's own login, connected directly. @throws when the Secret or the CA is not there: a step before must have made them */
export function adminTarget(context: Context): Target {
  if (context.store.spec.mode === 'external') return givenTarget(context)
  const { secret, username, database } = context.engine.admin(context.plan)
  const password = secretValue(findSecret(context, secret), 'password')
  if (!password) throw new Error(`Secret ${secret} has no password`)
  return directTarget(context, username, password, database)
}

export function directTarget(context: Context, username: string, password: string, database: string): Target {
  const endpoint = endpointOf(context.store, context.tools)
  if (!endpoint) throw new Error(`it is not known where ${context.store.metadata.name} answers, or which CA it has`)
  const { host, port, ca } = endpoint
  return { host, port, database, username, password, ca }
}

/** Whoever owns what is in the store; never through the pooler, whose connections are others' in the next transaction. */
export function ownerTarget(context: Context): Target {
  const name = names.bindingSecret(context.store.metadata.name, 'owner')
  const value = (key: string) => secretValue(findSecret(context, name), key) ?? ''
  return directTarget(context, value('username'), value('password'), context.plan.database)
}

/** The login that an external store's Secret gives. */
function givenTarget({ store, tools }: Context): Target {
  const connection = connectionFor(store, tools)
  if (connection?.kind !== 'found') throw new Error(`the connection of ${store.metadata.name} is not known`)
  return connection.target
}

/** The login that an external store's Secret gives, where it is that of this role, or everybody's. */
export function givenLogin(context: Context, role: BindingRole): { username: string; password: string } | undefined {
  if (context.store.spec.mode !== 'external') return undefined
  const { username, password } = givenTarget(context)
  const isOurs = context.engine.adopt && context.engine.bindingLogins(context.plan)[role] !== username
  return isOurs ? undefined : { username, password }
}

/** `host:port/database`: another one of any is another store. */
export function location(context: Context): string {
  const { host, port, database } = adminTarget(context)
  return `${host}:${port}/${database}`
}

/** Whether the Secret names another server or database than the one the status speaks of. */
export function hasMoved(context: Context): boolean {
  const { endpoint } = context.store.status ?? {}
  return endpoint !== undefined && endpoint !== location(context)
}

/** The operator's own login at one pod; undefined while that has no address. */
export function memberTarget(context: Context, name: string): Target | undefined {
  const pod = findPod(context, name)
  const host = (pod?.['status'] as { podIP?: string } | undefined)?.podIP
  const serverName = `${name}.${names.headlessService(context.store.metadata.name)}.${context.namespace}.svc`
  return host ? { ...adminTarget(context), host, serverName } : undefined
}

export function findPod({ tools, namespace }: Context, name: string): KubeObject | undefined {
  return tools.cache.get(podKind, namespace, name)
}

/** The Job of this name if it is this DataStore's: one of an earlier object of the same name says nothing about it. */
export function findJob({ store, tools, namespace }: Context, name: string): KubeObject | undefined {
  const job = tools.cache.get(jobKind, namespace, name)
  return job?.metadata.ownerReferences?.some(({ uid }) => uid === store.metadata.uid) ? job : undefined
}

export function findStatefulSet({ store, tools, namespace }: Context): KubeObject | undefined {
  return tools.cache.get(statefulSetKind, namespace, names.statefulSet(store.metadata.name))
}

/** The volume claim of the first pod: it outlives the DataStore. */
export function findVolumeClaim({ store, tools, namespace }: Context): KubeObject | undefined {
  return tools.cache.get(volumeClaimKind, namespace, names.volumeClaim(store.metadata.name, 0))
}

/** Those of all members, of ones that are gone, too, by ordinal. */
export function findVolumeClaims({ store, tools, namespace }: Context): KubeObject[] {
  const claims = claimsOf(store, tools.cache.list(volumeClaimKind, namespace))
  return claims.sort((a, b) => a.metadata.name.localeCompare(b.metadata.name, 'en', { numeric: true }))
}

/** The pods that run the engine. */
export function databasePods({ tools, namespace, plan }: Context): KubeObject[] {
  return podsWith(tools.cache, namespace, selector(plan.identity))
}

/** The pods of the platform's services that use the stores of the same MatchingCluster; a DataStore used alone has none. */
export function servicePods({ tools, namespace, plan }: Context): KubeObject[] {
  const { cluster } = plan.identity
  if (!cluster) return []
  return podsWith(tools.cache, namespace, { [`${domain}/cluster`]: cluster, 'app.kubernetes.io/component': 'service' })
}

/** The pods of one migration Job. */
export function migrationPods({ tools, namespace }: Context, job: string): KubeObject[] {
  return podsWith(tools.cache, namespace, { 'batch.kubernetes.io/job-name': job })
}

/** All Jobs that migrate a store of this name, and their pods. */
export function migrationJobs({ store, tools, namespace }: Context): KubeObject[] {
  return withLabels(tools.cache.list(jobKind, namespace), selector(migrationOf(store.metadata.name)))
}

export function allMigrationPods({ store, tools, namespace }: Context): KubeObject[] {
  return podsWith(tools.cache, namespace, selector(migrationOf(store.metadata.name)))
}

/** Pods of ours that carry all these labels. */
export function podsWith(cache: Cache, namespace: string, wanted: Record<string, string>): KubeObject[] {
  return withLabels(cache.list(podKind, namespace), wanted)
}

const withLabels = (objects: KubeObject[], wanted: Record<string, string>) =>
  objects.filter(({ metadata }) => Object.entries(wanted).every(([key, value]) => metadata.labels?.[key] === value))
