import type { Binding, BindingRole } from '../../crds/binding.ts'
import type { KubeObject } from '../../crds/object.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { Identity } from '../labels.ts'
import type { Surroundings } from '../network.ts'

/** Everything an engine's builders may use. They are pure: no client, clock, environment or random; the same plan gives the same bytes. */
export interface Plan {
  /** The DataStore as the API server returned it: every default is filled in. */
  store: DataStore
  identity: Identity
  /** From spec, else from the operator's configuration. */
  image: string
  /** e.g. `supersmartmatch_core`; empty for a store without a schema. */
  database: string
  /** sha256 of the CA's certificate: another CA rolls the pods, because nobody could verify what they show until then. */
  caFingerprint: string
  /** Pods there shall be now: spec.replicas is reached one by one, and none is left while the store hibernates. */
  members: number
  /** Whom clients of the read-only Service reach. */
  readFrom: 'primary' | 'replica'
  surroundings: Surroundings
}

/** Where and as whom to talk to a running engine. */
export interface Target {
  host: string
  port: number
  database: string
  username: string
  password: string
  /** PEM; the server's certificate must verify against it for `serverName`. */
  ca: string
  /** Name in the certificate when it is not `host`. */
  serverName?: string
}

// prettier-ignore
export type Health =
  // maxConnections: what one server accepts, where the pooler applies; of a managed store `Engine.maxConnections` says so.
  | { state: 'ready'; version: string; maxConnections?: number }
  | { state: 'starting' | 'unreachable' | 'degraded'; message: string }

/** Where the manager of one member answers, beside the engine itself. */
export interface MemberAddress {
  /** IP address of the pod. */
  host: string
  /** Name in its certificate. */
  serverName: string
  username: string
  password: string
  /** PEM. */
  ca: string
}

/** One pod of a store, as its members see it. */
export interface Member {
  /** The pod's name. */
  name: string
  role: 'primary' | 'replica'
  /** It runs and, when it is a replica, receives what the primary writes and counts for its commits, where the store is synchronous. */
  healthy: boolean
  /** In its manager's own words: `streaming`, `starting`, `creating replica`. */
  state: string
  /** It has every acknowledged commit, or is one of those of which some have. */
  synchronous: boolean
  /** What it has not received yet; absent when nobody can tell, and of the primary. */
  lagBytes?: number
  /** Settings that a restart would put in force: `max_connections: 100 → 200`. */
  pendingRestart: string[]
  /** One of them is lowered that no replica may have lower than its primary: the primary restarts first, in its place. */
  primaryFirst: boolean
}

export interface Membership {
  members: Member[]
  /** Somebody switched the members' own failover off; they take no orders meanwhile. */
  paused: boolean
}

/** What an engine can do whose members follow a primary of their own choice. Each throws when it gets no answer. */
export interface Members {
  /** Any member can tell of all. */
  observe(at: MemberAddress, plan: Plan, signal: AbortSignal): Promise<Membership>
  /** Brings what may change at run time to the plan, for all members; returns what differed: empty when nothing did. */
  configure(at: MemberAddress, plan: Plan, signal: AbortSignal): Promise<string[]>
  /** What a running member has not taken over of the plan, one phrase each; what it is known to need a restart for is not meant. */
  unapplied(target: Target, plan: Plan, member: Member, signal: AbortSignal): Promise<string[]>
  /** Restarts the engine of that member in its pod, if it waits for a restart. Ends before the restart does when the signal says so. */
  restart(at: MemberAddress, signal: AbortSignal): Promise<void>
  /** Fingerprints of the certificates that a member shows, its manager's and the engine's own. */
  shownCertificates(at: MemberAddress, signal: AbortSignal): Promise<string[]>
  /** Has a member read its files again, certificates among them. Ends before it has. */
  reload(at: MemberAddress, signal: AbortSignal): Promise<void>
  /** Asks for a planned change of the primary. @returns why it was refused; undefined: it is under way or done */
  switchOver(at: MemberAddress, from: string, to: string, signal: AbortSignal): Promise<string | undefined>
  /** Has a member lead, although it may lack what was acknowledged. @returns why it was refused; undefined: it is under way or done */
  promote(at: MemberAddress, name: string, signal: AbortSignal): Promise<string | undefined>
}

/** One pod of a store whose members need no leader, as the operator reaches it. */
export interface Node {
  /** The pod's name: `<store>-<ordinal>`. */
  name: string
  ordinal: number
  /** The Kubernetes node it runs on; absent while it runs on none. */
  machine?: string | undefined
  /** By its readiness probe. */
  ready: boolean
  /** The operator's own login at this very pod; undefined while it has no address. */
  target: Target | undefined
  /** Fingerprint (sha256) of the server certificate it should show; a renewed one is in its files some time after it is in the Secret. */
  certificate: string
}

/** What `settle` did and what it waits for. */
export interface Settled {
  /** One phrase each, for an Event: `max_payload: 1MB → 2MB`. */
  changed: string[]
  /** Why the store is not as it should be yet, in a sentence; it is asked again within seconds. */
  waiting?: string
  /** Pods whose mounted files are older than the objects, each with a digest of what they shall hold: the kubelet is told to look again. */
  outdated?: Record<string, string>
}

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
  /** To create in the database besides those of cluster.sql. */
  extensions: string[]
}

export interface BootstrapResult {
  /** sha256 of the cluster.sql now in force. */
  clusterSql: string
  /** What was changed, for an Event; empty when everything was in place. */
  changed: string[]
  /** Wanted extensions that the server does not have. */
  unavailable: string[]
  /** Which edition of the engine it turned out to be, where there are several with different abilities. */
  edition?: string
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
  /** role name -> the Secret that its password is in, to name it. */
  secrets: Record<string, string>
  /** Extensions of the spec. */
  extensions: string[]
}

// prettier-ignore
export type Adopted =
  | { kind: 'done'; clusterSql: string; changed: string[]; edition?: string }
  /** What is missing or in the way, each by name, and whose it is to put in place. */
  | { kind: 'notAllowed'; missing: string[] }

/** One entry of a database's table maintenance_jobs. */
export interface ScheduledJob {
  name: string
  /** As pg_cron takes it: `*\/10 * * * *` or `30 seconds`. */
  schedule: string
  createdAt: Date
  lastRunAt: Date | null
  /** The same to the microsecond, in the database's words: who claims the job says what it saw. */
  lastRun: string | null
  lastSuccessAt: Date | null
  /** Of the last run; null when that succeeded. */
  lastError: string | null
  /** The database runs it by itself. */
  scheduled: boolean
}

export interface Upkeep {
  /** By the clock of the database. */
  now: Date
  /** Of the schedules. */
  timeZone: string
  jobs: ScheduledJob[]
}

/** Both as the owner of the database. */
export interface Maintenance {
  /** Undefined: the database lists no such work. @throws when it does not answer */
  observe(target: Target, plan: Plan, signal: AbortSignal): Promise<Upkeep | undefined>
  /** @returns `taken` when somebody else runs it or has run it since it was observed; why it failed, else. @throws when there is no answer */
  run(target: Target, job: ScheduledJob, signal: AbortSignal): Promise<'done' | 'taken' | { error: string }>
}

/** What is kept how long, of every rule of the store's schema (crds/retention.ts), and whose rows stay whatever the rules say. */
export interface RetentionState {
  rules: Record<string, RetentionOfRule>
  holds: LegalHold[]
}

export interface RetentionOfRule {
  /** A period in its one text, as periodText() writes it: `2y`. What an engine has in force that is none differs from every period. */
  keep: string
  /** Nothing of it is removed. */
  hold: boolean
}

export interface LegalHold {
  /** user_id, in lower case. */
  subject: string
  reason: string
}

/** All as the owner. Each throws when the store does not answer. */
export interface Retention {
  /** The longest period that the engine can have; absent: that of the calendar. */
  longest?: string
  /**
   * What is in force, read back from the engine, and the oldest row of each rule that may still be removed by it; rows on hold and
   * of rules on hold are no such rows. A rule with nothing that it could be read back from is said to be as the spec wants it.
   * Undefined: the store has nothing that the rules are about yet.
   */
  observe(target: Target, plan: Plan, signal: AbortSignal): Promise<RetentionSeen | undefined>
  /**
   * How many rows, keys or messages `next` would remove that what is in force would not, by rule; a rule that is left out: none. Counts
   * no more than is needed to know it; changes nothing.
   */
  removes(target: Target, plan: Plan, next: RetentionState, signal: AbortSignal): Promise<Record<string, number>>
  /** Brings the engine to `next`. May be cut short anywhere and run again: holds come into force before anything is kept for less. */
  apply(target: Target, plan: Plan, next: RetentionState, signal: AbortSignal): Promise<void>
}

export interface RetentionSeen extends RetentionState {
  /** By rule; left out: there is no row. */
  oldest: Record<string, Date>
  /** The moment of all of these, by the store's own clock where it tells. */
  now: Date
  /** What is to go by what is in force and goes with `apply` only, one phrase each; absent where engines remove by themselves. */
  due?: string[]
}

/**
 * One kind of store. A plain record; a capability an engine lacks is absent, never a stub that throws.
 * Nothing outside registry.ts asks which engine it has.
 */
export interface Engine {
  name: string
  /** Port of the engine's own TLS listener. */
  port: number
  /** What is wrong with the fields of the spec that only the engine understands, one sentence each; absent where there are none. */
  validate?(store: DataStore): string[]
  /** Credential Secrets (`username`, `password`) the objects refer to: Secret name -> login. Created once, never overwritten. */
  credentials(plan: Plan): Record<string, string>
  /** The operator's own login. Its Secret is one of `credentials`, and the only one that cannot be made anew for an existing volume. */
  admin(plan: Plan): { secret: string; username: string; database: string }
  /** Those of `credentials` that a pod reads once, at its start: lost, they come back with the password they had. */
  readAtStart(plan: Plan): string[]
  /** What a binding calls `database` where no schema names one; absent where the engine has nothing like it. */
  database?(store: DataStore): string
  /** Why a store may not begin with that many volumes of an earlier one of its name, and what to do; absent where any will do. */
  unfitVolumes?(store: DataStore, volumes: number): string | undefined
  /** DNS names the server certificate must carry. */
  serverNames(plan: Plan): string[]
  /**
   * Objects in which the engine's own members remember a store of this name, and nobody owns. Cleared before a first start with an
   * empty volume; absent where members remember nothing outside their volumes.
   */
  memories?(plan: Plan): { apiVersion: string; kind: string; name: string }[]
  /** Names of the Services among `objects` that keep such memories. Like volumes they have no owner and outlive the store. */
  memoryServices?(plan: Plan): string[]
  /** Names of StatefulSets among `objects` besides that of the members, such as of what keeps them in agreement; absent where there is none. */
  companions?(plan: Plan): string[]
  /** Everything Kubernetes must hold for this store, Secrets excepted. */
  objects(plan: Plan): KubeObject[]
  /**
   * Of spec.parameters those that only a new pod takes over: an edit of them is one of the spec, not of an operator. Absent where the
   * members restart by themselves for what needs it.
   */
  startParameters?(store: DataStore): Record<string, string>
  /** Whether the engine answers a query. Never throws. */
  probe(target: Target, signal: AbortSignal): Promise<Health>
  /** For engines whose members follow a primary; without it pods are equal, and Kubernetes replaces them one by one. */
  members?: Members
  /**
   * Contents of the files that say who may log in, by file name, for Secret `names.loginsSecret`. Pods mount it and read it again
   * when told to, so it is no reason for a restart. Absent where logins are made by SQL. Pure.
   * @param passwords  by login: that of `admin`, of every other of `credentials` and of every binding
   */
  loginFiles?(plan: Plan, passwords: Record<string, string>): Record<string, string>
  /**
   * For engines without `members`: brings what may change while pods run to the plan: settings, logins, who belongs to whom.
   * Called at every reconcile once a pod is reachable; changes nothing that is as it should be, and may be cut short anywhere.
   * @param passwords  as for `loginFiles`
   * @throws when a pod does not answer
   */
  settle?(nodes: Node[], plan: Plan, passwords: Record<string, string>, signal: AbortSignal): Promise<Settled>
  /**
   * For engines without `members`, before pods go for good: has them give away what only they have. Asked again until it is done.
   * @param plan  `members` are the pods there are; by the spec there are to be fewer, from pod 0 on
   * @returns     why they must stay for now; undefined: they may go. Absent: nobody can tell, and fewer pods wait for an approval.
   * @throws      when a pod does not answer
   */
  release?(nodes: Node[], plan: Plan, signal: AbortSignal): Promise<string | undefined>
  /** Puts database, roles, extensions and passwords in place as superuser; idempotent. */
  bootstrap?(target: Target, wanted: Bootstrap, signal: AbortSignal): Promise<BootstrapResult>
  /**
   * The same on a server that somebody else runs, as far as the login may, and without changing anything that was there.
   * Absent: the login that the Secret gives is everybody's, and `missingRights` tells whether it may be.
   */
  adopt?(target: Target, wanted: Adoption, signal: AbortSignal): Promise<Adopted>
  /**
   * What owner and app need of an external server and the login, which is both of them, may not do: one phrase each, as the server calls
   * it. Changes nothing there. Absent where `adopt` tells.
   * @throws when the server does not answer
   */
  missingRights?(target: Target, plan: Plan, signal: AbortSignal): Promise<string[]>
  /** Scheduled work that is listed in the database; absent where engines have nothing like it. */
  maintenance?: Maintenance
  /** What is kept how long. */
  retention: Retention
  /** The login behind each binding, e.g. owner -> supersmartmatch_core_owner. */
  bindingLogins(plan: Plan): Record<BindingRole, string>
  binding(target: Target): Binding
  /** How the URI of a connection Secret begins, for stores of mode external: `postgresql:`. */
  uriSchemes: string[]
  /** `type` of the binding Secrets, from the Service Binding specification. */
  bindingSecretType: string
  /** Connections one server accepts, those kept for superusers included; absent where the pooler does not apply. */
  maxConnections?(store: DataStore): number
}
