import Type, { type Static } from 'typebox'
import {
  conditionsStatus,
  deletionPolicy,
  hibernate,
  image,
  imagePullSecrets,
  later,
  laterRules,
  localName,
  nameRules,
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
  storage,
  stringEnum,
  updatePolicy,
  type CelRule,
  type Resource,
} from './common.ts'

/** Migration folders a DataStore can hold. */
export const schemaNames = ['core'] as const

/** Fields of later issues. */
const laterFields = ['shards', 'retention', 'credentials', 'backup', 'monitoring'] as const

/** What only a store that runs here has: setting it for an external one would do nothing. */
const managedOnly = (rule: string, field: string, instead: string): CelRule => ({
  rule: `self.mode == 'managed' || ${rule}`,
  message: `${field} has no effect with mode external: leave it out, ${instead}`,
  fieldPath: `.${field}`,
})

/** Rules of everything that has `mode`. */
export const modeRules: CelRule[] = [
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
  managedOnly('size(self.pgHba) == 0', 'pgHba', 'and set it on the server itself'),
  managedOnly('self.replicas == 1', 'replicas', 'the server has its own'),
  managedOnly("self.replication == 'Synchronous'", 'replication', 'the server has its own'),
  managedOnly('!has(self.storage.storageClass)', 'storage.storageClass', 'the server has its own volumes'),
]

export const connectionKeys = ['host', 'port', 'database', 'username', 'password', 'uri', 'ca'] as const
export type ConnectionKey = (typeof connectionKeys)[number]

const connectionKey = (name: ConnectionKey, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: `Key of ${description}` }))

export const connectionSecretRef = Type.Optional(
  Type.Object(
    {
      name: localName({
        description:
          'The Secret, in this namespace and labelled app.kubernetes.io/managed-by=supersmartmatch-operator so that the operator sees it.',
      }),
      keys: Type.Object(
        {
          host: connectionKey('host', 'the host name, which the server’s certificate must carry. Default host.'),
          port: connectionKey('port', 'the port. Default port; where the Secret has none, 5432.'),
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
    },
    {
      description:
        'How to reach a store of mode external: the Secret of a cloud database or of another chart, used as it is. Changing it restarts nothing; the bindings follow.',
    },
  ),
)

export const DataStoreSpec = Type.Object(
  {
    engine: stringEnum(['postgres'], {
      description: 'What runs. Only postgres is built yet. Immutable.',
      ...rules({ rule: 'self == oldSelf', message: 'engine is immutable: create another DataStore and move the data' }),
    }),
    mode: stringEnum(['managed', 'external'], {
      default: 'managed',
      description:
        'managed: the operator runs the store. external: somebody else does, and connectionSecretRef says how to reach it; it is probed, given its roles and schema as far as the login may, pooled and bound, and the operator makes no pods or volumes. Default managed. Immutable.',
      ...rules({ rule: 'self == oldSelf', message: 'mode is immutable: create another DataStore and move the data' }),
    }),
    connectionSecretRef,
    version: stringEnum(['17'], {
      default: '17',
      description:
        'Major version of the engine. Default 17, the only one yet; any other is refused. A minor version comes with image: replicas are restarted first, then a switchover makes one of them primary.',
    }),
    replicas: replicas('the store', 9),
    replication,
    schema: Type.Object(
      {
        name: stringEnum(schemaNames, {
          description:
            'Which of the platform’s schemas the store holds: names its database, roles and migrations. Immutable.',
        }),
      },
      {
        description: 'The schema the operator creates and migrates. Immutable.',
        ...rules({ rule: 'self.name == oldSelf.name', message: 'schema.name is immutable: create another DataStore' }),
      },
    ),
    extensions: Type.Array(Type.String({ minLength: 1, maxLength: 63, pattern: '^[a-z][a-z0-9_-]*$' }), {
      default: [],
      maxItems: 32,
      description:
        'PostgreSQL extensions to create in the database besides those the schema needs; the image must have them. One that is taken off the list is left in place: dropping it could drop data. Default: none. Changing it restarts nothing.',
    }),
    image: Type.Optional(image('postgres')),
    registry,
    imagePullSecrets,
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
      },
      { default: {}, description: 'Certificates. Every connection is TLS.' },
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
    shards: later('Shards of a store that has them.'),
    retention: later('How long data is kept.'),
    credentials: later('Rotation of passwords.'),
    backup: later('Backups.'),
    monitoring: later('Exporters, rules and dashboards.'),
  },
  {
    description: 'What the store shall be.',
    ...rules(
      ...modeRules,
      managedOnly('!has(self.image)', 'image', 'the server runs its own'),
      managedOnly("self.updatePolicy.type == 'Always'", 'updatePolicy.type', 'the operator restarts nothing there'),
      managedOnly('!self.hibernate', 'hibernate', 'and stop the server where it runs'),
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
    conditions: conditionsStatus,
  },
  { description: 'What the operator saw and did.' },
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
