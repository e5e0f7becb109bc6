import type { BindingRole } from '../../crds/binding.ts'

/** The only place that builds names of a DataStore's objects. `store` is the DataStore's own name, e.g. `demo-core`. */
export const names = {
  statefulSet: (store: string) => store,
  readWriteService: (store: string) => store,
  /** Leads to the replicas, or to the primary while there is none. */
  readOnlyService: (store: string) => `${store}-ro`,
  headlessService: (store: string) => `${store}-headless`,
  /** Patroni keeps cluster state in an Endpoints object of this name; the Service keeps it from being collected. */
  patroniConfigService: (store: string) => `${store}-config`,
  /** The same for what Patroni keeps of synchronous replicas: who may become primary. */
  patroniSyncService: (store: string) => `${store}-sync`,
  /** What Patroni was asked to do; it comes and goes, and no Service keeps it. */
  patroniFailover: (store: string) => `${store}-failover`,
  natsConfig: (store: string) => `${store}-nats`,
  disruptionBudget: (store: string) => store,
  networkPolicy: (store: string) => store,
  migrationPolicy: (store: string) => `${store}-migrate`,
  config: (store: string) => `${store}-patroni`,
  elasticsearchConfig: (store: string) => `${store}-elasticsearch`,
  /** Of ClickHouse, its configuration; of its Keeper, everything. */
  clickhouseConfig: (store: string) => `${store}-clickhouse`,
  keeper: (store: string) => `${store}-keeper`,
  redisConfig: (store: string) => `${store}-redis`,
  serviceAccount: (store: string) => store,
  superuserSecret: (store: string) => `${store}-superuser`,
  replicationSecret: (store: string) => `${store}-replication`,
  poolerSecret: (store: string) => `${store}-pooler`,
  monitoringSecret: (store: string) => `${store}-monitoring`,
  /** What its pods know of who may log in, of engines that read it from files. */
  loginsSecret: (store: string) => `${store}-logins`,
  tlsSecret: (store: string) => `${store}-tls`,
  /** Where cert-manager puts the server certificate, with an issuer; checked, it becomes that of `tlsSecret`. */
  issuedSecret: (store: string) => `${store}-issued`,
  /** CA of a DataStore used alone; a MatchingCluster has one for all its stores. */
  caSecret: (store: string) => `${store}-ca`,
  bindingSecret: (store: string, role: BindingRole) => `${store}-${role}`,
  pod: (store: string, ordinal: number) => `${store}-${ordinal}`,
  migrateJob: (store: string, target: string) => `${store}-migrate-${target}`,
  volume: 'data',
  /** The claim Kubernetes makes of the volumeClaimTemplate for pod N. */
  volumeClaim: (store: string, pod: number) => `data-${store}-${pod}`,
}

/** Database and role names are underscored: they need no quoting in SQL. `schema` is the migration folder, e.g. `core`. */
export const databaseName = (schema: string) => `supersmartmatch_${schema === 'geolocation' ? 'geo' : schema}`
/** Of a store: empty without a schema. */
export const databaseOf = ({ schema }: { schema?: { name: string } }) => (schema ? databaseName(schema.name) : '')
export const ownerRole = (database: string) => `${database}_owner`
/** The app login is a pair A/B so that a rotation can overlap; until rotation is built only A is used. */
export const appRole = (database: string) => `${database}_app_a`
/** Logins of the application that may go through the pooler. */
export const appRoles = (database: string) => [appRole(database), `${database}_app_b`]
/** PgBouncer's auth_user in every PostgreSQL-family store. */
export const poolerRole = 'pgbouncer_auth'
/** Of exporters: reads how a server is, and no table. */
export const monitoringRole = 'supersmartmatch_monitoring'
export const superuserRole = 'postgres'
export const replicationRole = 'replicator'
