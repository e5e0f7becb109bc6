import type { Binding, BindingRole } from '../../crds/binding.ts'
import type { KubeObject } from '../../crds/object.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { Identity } from '../labels.ts'

/** Everything an engine's builders may use. They are pure: no client, clock, environment or random; the same plan gives the same bytes. */
export interface Plan {
  /** The DataStore as the API server returned it: every default is filled in. */
  store: DataStore
  identity: Identity
  /** From spec, else from the operator's configuration. */
  image: string
  /** e.g. `supersmartmatch_core`. */
  database: string
  /** sha256 of the CA's certificate: another CA rolls the pods, because nobody could verify what they show until then. */
  caFingerprint: string
}

/** Where and as whom to talk to a running engine. */
export interface Target {
  host: string
  port: number
  database: string
  username: string
  password: string
  /** PEM; the server's certificate must verify against it for `host`. */
  ca: string
}

// prettier-ignore
export type Health =
  | { state: 'ready'; version: string }
  | { state: 'starting' | 'unreachable' | 'degraded'; message: string }

/** Logins that must exist with these passwords, and the SQL that gives them their rights. */
export interface Bootstrap {
  database: string
  /** Text of migrations/<schema>/cluster.sql: run as superuser in `database`, any number of times. */
  clusterSql: string
  /** sha256 of the text last applied, empty at first: equal means it need not run again. */
  appliedClusterSql: string
  /** role name -> password. */
  passwords: Record<string, string>
  /** False once migrations were applied: a database that is missing then is lost, and an empty one must not take its place. */
  mayCreateDatabase: boolean
}

export interface BootstrapResult {
  /** sha256 of the cluster.sql now in force. */
  clusterSql: string
  /** What was changed, for an Event; empty when everything was in place. */
  changed: string[]
}

/** What an external server must have. */
export interface Adoption {
  /** The role that owns the database and runs migrations. */
  owner: string
  /** As in Bootstrap. */
  clusterSql: string
  appliedClusterSql: string
  mayCreateDatabase: boolean
  /** role name -> password, as stored in our Secrets. */
  passwords: Record<string, string>
  /** Extensions of the spec. */
  extensions: string[]
}

// prettier-ignore
export type Adopted =
  | { kind: 'done'; clusterSql: string; changed: string[] }
  /** What is missing or in the way, each by name, and whose it is to put in place. */
  | { kind: 'notAllowed'; missing: string[] }

/**
 * One kind of store. A plain record; a capability an engine lacks is absent, never a stub that throws.
 * Nothing outside registry.ts asks which engine it has.
 */
export interface Engine {
  name: string
  /** Port of the engine's own TLS listener. */
  port: number
  /** Credential Secrets (`username`, `password`) the objects refer to: Secret name -> login. Created once, never overwritten. */
  credentials(plan: Plan): Record<string, string>
  /** The operator's own login. Its Secret is one of `credentials`, and the only one that cannot be made anew for an existing volume. */
  admin(plan: Plan): { secret: string; username: string; database: string }
  /** DNS names the server certificate must carry. */
  serverNames(plan: Plan): string[]
  /**
   * Objects in which the engine's own members remember a store of this name, and nobody owns. Cleared before a first start with an
   * empty volume; absent where members remember nothing outside their volumes.
   */
  memories?(plan: Plan): { apiVersion: string; kind: string; name: string }[]
  /** Everything Kubernetes must hold for this store, Secrets excepted. */
  objects(plan: Plan): KubeObject[]
  /** Whether the engine answers a query. Never throws. */
  probe(target: Target, signal: AbortSignal): Promise<Health>
  /** Puts database, roles, extensions and passwords in place as superuser; idempotent. */
  bootstrap?(target: Target, wanted: Bootstrap, signal: AbortSignal): Promise<BootstrapResult>
  /** The same on a server that somebody else runs, as far as the login may, and without changing anything that was there. */
  adopt?(target: Target, wanted: Adoption, signal: AbortSignal): Promise<Adopted>
  /** The login behind each binding, e.g. owner -> supersmartmatch_core_owner. */
  bindingLogins(plan: Plan): Record<BindingRole, string>
  binding(target: Target): Binding
  /** `type` of the binding Secrets, from the Service Binding specification. */
  bindingSecretType: string
  /** Connections one server accepts, those kept for superusers included; absent where the pooler does not apply. */
  maxConnections?(store: DataStore): number
}
