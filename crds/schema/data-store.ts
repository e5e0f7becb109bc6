import Type, { type Static } from 'typebox'
import {
  cel,
  conditionsStatus,
  deletionPolicy,
  hibernate,
  image,
  imagePullSecrets,
  issuerRef,
  later,
  laterRules,
  localName,
  nameRules,
  networkPolicy,
  noPods,
  parameters,
  paused,
  pgHba,
  phase,
  placement,
  registry,
  replicas,
  replication,
  resources,
  rules,
  shards,
  storage,
  stringEnum,
  unseenStatus,
  updatePolicy,
  type CelRule,
  type Resource,
} from './common.ts'
import { retentionStatus, storeRetention, storeRetentionRules } from './retention.ts'

/** What can run behind a DataStore: the versions of each that are supported, the default first. */
export const engineVersions = {
  postgres: ['17'],
  /** The major version of its PostgreSQL. */
  timescale: ['17'],
  nats: ['2'],
  elasticsearch: ['9'],
  clickhouse: ['26'],
  redis: ['8'],
} as const
export type EngineName = keyof typeof engineVersions
export const engineNames = Object.keys(engineVersions) as EngineName[]

/** Engines that speak SQL as PostgreSQL does: roles, databases and migrations of ours. */
const postgresFamily: readonly EngineName[] = ['postgres', 'timescale']

/** Engines that split their data. */
const sharded: readonly EngineName[] = ['clickhouse', 'redis']
/** Of these, engines that do not move rows from one part to another. */
export const fixedShards: readonly EngineName[] = ['clickhouse']
export const isPostgresFamily = (engine: EngineName) => postgresFamily.includes(engine)
export const isSharded = (engine: EngineName) => sharded.includes(engine)

/** Migration folders a DataStore can hold, and the engines that understand them. */
export const schemaEngines = {
  core: ['postgres'],
  vault: ['postgres'],
  geolocation: ['postgres'],
  temporal: ['timescale'],
  behavior: ['clickhouse'],
  search: ['elasticsearch'],
  events: ['nats'],
} as const satisfies Record<string, readonly EngineName[]>
export type SchemaName = keyof typeof schemaEngines
export const schemaNames = Object.keys(schemaEngines) as SchemaName[]

/** Fields of later issues. */
const laterFields = ['credentials', 'backup', 'monitoring'] as const

/** What only some engines have: setting it for another would do nothing. */
const onlyFor = (engines: readonly EngineName[], unset: string, field: string): CelRule => ({
  rule: `self.engine in ${cel(engines)} || ${unset}`,
  message: `${field} has no effect with this engine, only with ${engines.join(' and ') || 'engines that are not built yet'}: leave it out`,
  fieldPath: `.${field}`,
})

const engineRules: CelRule[] = [
  {
    rule: `!has(self.version) || self.version in ${cel(engineVersions)}[self.engine]`,
    message: `version is none of those supported: ${Object.entries(engineVersions)
      .map(([engine, versions]) => `${engine} ${versions.join(', ')}`)
      .join('; ')}`,
    fieldPath: '.version',
  },
  {
    rule: `!(self.engine in ${cel(postgresFamily)}) || has(self.schema)`,
    message: `schema is missing: engine ${postgresFamily.join(' or ')} needs one, it names the database`,
    fieldPath: '.schema',
  },
  {
    rule: `!has(self.schema) || self.engine in ${cel(schemaEngines)}[self.schema.name]`,
    message: `schema.name does not go with this engine: ${Object.entries(schemaEngines)
      .map(([schema, engines]) => `${schema} is for ${engines.join(', ')}`)
      .join('; ')}`,
    fieldPath: '.schema.name',
  },
  // As long as there are engines for which they count.
  ...(engineNames.every(isPostgresFamily)
    ? []
    : [
        {
          rule: '!has(oldSelf.schema) || has(self.schema)',
          message: 'schema cannot be taken away: create another DataStore',
          fieldPath: '.schema',
        },
        onlyFor(postgresFamily, 'size(self.pgHba) == 0', 'pgHba'),
        onlyFor(postgresFamily, 'size(self.extensions) == 0', 'extensions'),
        onlyFor(postgresFamily, "self.replication == 'Synchronous'", 'replication'),
      ]),
  {
    rule: "self.engine != 'nats' || self.replicas == oldSelf.replicas || (oldSelf.replicas > 1 && self.replicas > oldSelf.replicas)",
    message:
      'replicas of a nats store can only grow, and not from 1: servers that join or leave would not take its streams along; create another DataStore and move them',
    fieldPath: '.replicas',
  },
  onlyFor(sharded, 'self.shards == 1', 'shards'),
  {
    rule: `!(self.engine in ${cel(fixedShards)}) || self.shards == oldSelf.shards`,
    message: `shards is immutable with engine ${fixedShards.join(' and ')}, which does not move rows between shards: create another DataStore and copy them`,
    fieldPath: '.shards',
  },
]

/** What only a store that runs here has: setting it for an external one would do nothing. */
const managedOnly = (rule: string, field: string, instead: string): CelRule => ({
  rule: `self.mode == 'managed' || ${rule}`,
  message: `${field} has no effect with mode external: leave it out, ${instead}`,
  fieldPath: `.${field}`,
})

/** Rules of everything that has `mode`: a DataStore, and a store in a MatchingCluster, which has some fields only. */
export const modeRules = (has: { postgres: boolean; shards: boolean; byProfile: boolean }): CelRule[] => {
  const optional = (field: string) => (has.byProfile ? `!has(self.${field}) || ` : '')
  return [
    {
      rule: "self.mode == 'managed' || has(self.connectionSecretRef)",
      message: 'mode external needs connectionSecretRef: name the Secret that says how to reach the store',
      fieldPath: '.connectionSecretRef',
    },
    {
      rule: "self.mode == 'external' || !has(self.connectionSecretRef)",
      message: 'connectionSecretRef is for mode external: leave it out, or create the store with mode external',
      fieldPath: '.connectionSecretRef',
    },
    managedOnly('size(self.parameters) == 0', 'parameters', 'and set them on the server itself'),
    managedOnly(`${optional('replicas')}self.replicas == 1`, 'replicas', 'the server has its own'),
    ...(has.shards ? [managedOnly(`${optional('shards')}self.shards == 1`, 'shards', 'the server has its own')] : []),
    ...(has.postgres
      ? [
          managedOnly('size(self.pgHba) == 0', 'pgHba', 'and set it on the server itself'),
          managedOnly("self.replication == 'Synchronous'", 'replication', 'the server has its own'),
        ]
      : []),
    managedOnly('!has(self.storage.storageClass)', 'storage.storageClass', 'the server has its own volumes'),
  ]
}

export const connectionKeys = ['host', 'port', 'database', 'username', 'password', 'uri', 'ca'] as const
export type ConnectionKey = (typeof connectionKeys)[number]

const connectionKey = (name: ConnectionKey, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: `Key of ${description}` }))

const followed = 'Changing it restarts nothing; the bindings follow.'
const insteadOfKey = (key: string) => `Default: key ${key} of the Secret. ${followed}`
const literal = (what: string, key = 'host', maxLength = 253) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description: `${what} ${insteadOfKey(key)}` }))

export const connectionSecretRef = Type.Optional(
  Type.Object(
    {
      name: localName({
        description:
          'The Secret, in this namespace. Labelled app.kubernetes.io/managed-by=supersmartmatch-operator, a change of it is noticed at once; without, within a minute: a Secret of another chart keeps its own label.',
      }),
      keys: Type.Object(
        {
          host: connectionKey('host', 'the host name, which the server’s certificate must carry. Default host.'),
          port: connectionKey('port', 'the port. Default port; where the Secret has none, the engine’s usual one.'),
          database: connectionKey(
            'database',
            'the database. Default database; where there is none, supersmartmatch_<schema>.',
          ),
          username: connectionKey('username', 'the login. Default username.'),
          password: connectionKey('password', 'the password. Default password.'),
          uri: connectionKey('uri', 'a connection URI that the other keys override. Default uri.'),
          ca: connectionKey(
            'ca',
            'the CA’s certificate (PEM). Default ca.crt; where there is none, the CAs every system trusts.',
          ),
        },
        {
          default: {},
          description: 'Under which keys the Secret holds what, where they are not called as by default.',
        },
      ),
      values: Type.Object(
        {
          host: literal('Host name, which the server’s certificate must carry.'),
          port: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 65535, description: `Port. ${insteadOfKey('port')}` }),
          ),
          database: literal('Database.', 'database', 63),
          username: literal('Login.', 'username'),
        },
        {
          default: {},
          description: 'What the Secret does not say: those of most charts hold the password only.',
        },
      ),
      caSecret: Type.Optional(
        Type.Object(
          {
            name: localName({ description: `The Secret, in this namespace. ${followed}` }),
            key: Type.String({
              default: 'ca.crt',
              minLength: 1,
              maxLength: 253,
              description: `Its key. Default ca.crt. ${followed}`,
            }),
          },
          { description: `Where the CA’s certificate is, when it is in a Secret of its own. ${insteadOfKey('ca')}` },
        ),
      ),
    },
    {
      description:
        'How to reach a store of mode external: the Secret of a cloud database or of another chart, used as it is. Changing it restarts nothing; the bindings follow.',
    },
  ),
)

export const DataStoreSpec = Type.Object(
  {
    engine: stringEnum(engineNames, {
      description: 'What runs. Immutable.',
      ...rules({ rule: 'self == oldSelf', message: 'engine is immutable: create another DataStore and move the data' }),
    }),
    mode: stringEnum(['managed', 'external'], {
      default: 'managed',
      description:
        'managed: the operator runs the store. external: somebody else does, and connectionSecretRef says how to reach it; it is probed, given its roles and schema as far as the login may, pooled and bound, and the operator makes no pods or volumes. Default managed. Immutable.',
      ...rules({ rule: 'self == oldSelf', message: 'mode is immutable: create another DataStore and move the data' }),
    }),
    connectionSecretRef,
    version: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 16,
        description: `Major version of the engine. Default and supported: ${Object.entries(engineVersions)
          .map(([engine, versions]) => `${engine} ${versions.join(', ')}`)
          .join(
            '; ',
          )}. Any other is refused. A minor version comes with image: pods are replaced one at a time, the primary last.`,
      }),
    ),
    shards,
    replicas,
    replication,
    schema: Type.Optional(
      Type.Object(
        {
          name: stringEnum(schemaNames, {
            description:
              'Which of the platform’s schemas the store holds: names its database, roles and migrations. Immutable.',
          }),
          version: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 999_999,
              description:
                'Number of the last migration to apply. Default: the last one of the release that the operator is of. One below what the database has is refused, because no migration undoes another. Changing it restarts nothing.',
            }),
          ),
        },
        {
          description:
            'The schema the operator creates and migrates. PostgreSQL needs one; others can be given one later. Its name cannot be changed or taken away.',
          ...rules({
            rule: 'self.name == oldSelf.name',
            message: 'schema.name is immutable: create another DataStore',
          }),
        },
      ),
    ),
    extensions: Type.Array(Type.String({ minLength: 1, maxLength: 63, pattern: '^[a-z][a-z0-9_-]*$' }), {
      default: [],
      maxItems: 32,
      description:
        'PostgreSQL extensions to create in the database besides those the schema needs; the image must have them. For PostgreSQL only. One that is taken off the list is left in place: dropping it could drop data. Default: none. Changing it restarts nothing.',
    }),
    image: Type.Optional(image('<engine>')),
    registry,
    imagePullSecrets,
    networkPolicy,
    placement: placement('database'),
    storage,
    resources: resources({ cpu: '200m', memory: '512Mi', memoryLimit: '1Gi' }, 'database', '256Mi', noPods),
    parameters,
    pgHba,
    tls: Type.Object(
      {
        caSecret: Type.Optional(
          localName({
            description:
              'Secret (tls.crt, tls.key) of the CA that signs the server certificate, labelled app.kubernetes.io/managed-by=supersmartmatch-operator so that the operator sees it. Default: <name>-ca, which the operator creates. A MatchingCluster sets its own. Changing it renews the certificate and restarts the pods, and so does another CA in it; clients need the new ca.crt of their binding.',
          }),
        ),
        issuerRef: issuerRef(''),
      },
      {
        default: {},
        description: 'Certificates. Every connection is TLS.',
        ...rules({
          rule: '!has(self.caSecret) || !has(self.issuerRef)',
          message:
            'caSecret and issuerRef exclude each other: either the operator signs with that CA, or cert-manager has the issuer sign',
          fieldPath: '.issuerRef',
        }),
      },
    ),
    binding: Type.Optional(
      Type.Object(
        {
          host: Type.String({
            minLength: 1,
            maxLength: 253,
            description: 'Host that clients of the -app binding connect to.',
          }),
          port: Type.Integer({
            minimum: 1,
            maximum: 65535,
            description: 'Port that clients of the -app binding connect to.',
          }),
          caSecret: Type.Optional(
            localName({
              description:
                'Secret whose key ca.crt verifies what answers there, labelled app.kubernetes.io/managed-by=supersmartmatch-operator so that the operator sees it. Default: the CA of spec.tls. A MatchingCluster with an issuer sets that of its pooler.',
            }),
          ),
        },
        {
          description:
            'Where the -app binding points. Default: the store’s read-write Service. A MatchingCluster sets its pooler. Changing it restarts nothing; clients re-read the binding.',
        },
      ),
    ),
    deletionPolicy,
    updatePolicy,
    paused,
    hibernate: hibernate('the store'),
    retention: storeRetention,
    credentials: later('Rotation of passwords.'),
    backup: later('Backups.'),
    monitoring: later('Exporters, rules and dashboards.'),
  },
  {
    description: 'What the store shall be.',
    ...rules(
      ...modeRules({ postgres: true, shards: true, byProfile: false }),
      ...engineRules,
      managedOnly('!has(self.tls.issuerRef)', 'tls.issuerRef', 'the server has its own certificate'),
      managedOnly('!has(self.image)', 'image', 'the server runs its own'),
      managedOnly("self.updatePolicy.type == 'Always'", 'updatePolicy.type', 'the operator restarts nothing there'),
      managedOnly('!self.hibernate', 'hibernate', 'and stop the server where it runs'),
      ...storeRetentionRules,
      ...laterRules(laterFields),
    ),
  },
)
export type DataStoreSpec = Static<typeof DataStoreSpec>

export const DataStoreStatus = Type.Object(
  {
    observedGeneration: Type.Integer({ description: 'metadata.generation the status was computed from.' }),
    phase,
    version: Type.Optional(Type.String({ description: 'Version the running engine reports.' })),
    maxConnections: Type.Optional(
      Type.Integer({ description: 'max_connections of an external server: the pooler’s budget.' }),
    ),
    edition: Type.Optional(
      Type.String({
        description:
          'Of TimescaleDB: community has continuous aggregates, compression and retention policies, apache has not.',
      }),
    ),
    endpoint: Type.Optional(
      Type.String({ description: 'host:port of the read-write Service; of an external store host:port/database.' }),
    ),
    replicas: Type.Optional(Type.Integer({ description: 'Members of the store that run, the primary included.' })),
    primary: Type.Optional(Type.String({ description: 'Pod that is primary.' })),
    pending: Type.Optional(
      Type.Object(
        {
          hash: Type.String({
            description:
              'What annotation supersmartmatch.io/approve must hold to let it go. Another plan has another hash.',
          }),
          what: Type.String({ description: 'What would be done, in a sentence.' }),
          differences: Type.Array(Type.String(), {
            description: 'Field: old value → new value, of what would change.',
          }),
        },
        { description: 'A change that waits for a window or an approval.' },
      ),
    ),
    switchover: Type.Optional(
      Type.Object(
        {
          request: Type.String({
            description: 'The value of annotation supersmartmatch.io/switchover it answers; or rolling restart.',
          }),
          at: Type.String({ format: 'date-time', description: 'When it is due, or began.' }),
          state: stringEnum(['Scheduled', 'Preparing', 'Running', 'Succeeded', 'Failed'], {
            description:
              'How far it is. Preparing: the pooler of the MatchingCluster is asked to hold its clients; it has 5 seconds.',
          }),
          message: Type.String({ description: 'From which pod to which, or why not.' }),
          from: Type.Optional(Type.String({ description: 'Pod that is to stop being primary.' })),
          to: Type.Optional(Type.String({ description: 'Pod that is to become primary.' })),
          answered: Type.Optional(
            Type.String({
              description:
                'Value of annotation supersmartmatch.io/switchover that was answered last: each is answered once.',
            }),
          ),
        },
        { description: 'The last planned switchover: asked for, or part of a rolling restart.' },
      ),
    ),
    clusterSql: Type.Optional(
      Type.String({ description: 'sha256 of the role and extension SQL (cluster.sql) last applied.' }),
    ),
    schema: Type.Optional(
      Type.Object(
        {
          version: Type.Integer({ description: 'Number of the last applied migration.' }),
          digest: Type.String({ description: 'Digest of all applied migration files.' }),
        },
        { description: 'The schema last brought up to date.' },
      ),
    ),
    migration: Type.Optional(
      Type.Object(
        {
          current: Type.Integer({ description: 'Number of the last applied migration.' }),
          target: Type.Integer({ description: 'Number of the one that the schema shall come to.' }),
          files: Type.Array(Type.String(), { description: 'The files to be applied, in order.' }),
          job: Type.Optional(
            Type.String({ description: 'The Job that applies them; absent while they wait for pods.' }),
          ),
          failure: Type.Optional(
            Type.String({ description: 'Why the Job failed: the reason, the file, and the statement with its line.' }),
          ),
        },
        { description: 'What is still to be done to the schema; absent when nothing is.' },
      ),
    ),
    retention: Type.Optional(retentionStatus),
    legalHolds: Type.Optional(
      Type.Integer({ description: 'How many people are on hold, as the store itself says: it is read back.' }),
    ),
    conditions: conditionsStatus,
  },
  { description: 'What the operator saw and did.', default: unseenStatus },
)
export type DataStoreStatus = Static<typeof DataStoreStatus>

export type DataStore = Resource<DataStoreSpec, DataStoreStatus>

export const dataStoreKind = {
  kind: 'DataStore',
  plural: 'datastores',
  singular: 'datastore',
  shortNames: ['store'],
  description: 'One store of the platform, usable alone: the engine, its credentials, schema and binding Secrets.',
  spec: DataStoreSpec,
  status: DataStoreStatus,
  rootRules: nameRules(45),
  printColumns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Engine', type: 'string', jsonPath: '.spec.engine' },
    { name: 'Primary', type: 'string', jsonPath: '.status.primary', priority: 1 },
    { name: 'Version', type: 'string', jsonPath: '.status.version' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
  ],
}
