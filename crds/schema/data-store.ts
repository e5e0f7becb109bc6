import Type, { type Static } from 'typebox'
import {
  conditionsStatus,
  image,
  localName,
  nameRules,
  phase,
  resources,
  rules,
  storage,
  stringEnum,
  type Resource,
} from './common.ts'

/** Migration folders a DataStore can hold. */
export const schemaNames = ['core'] as const

export const DataStoreSpec = Type.Object(
  {
    engine: stringEnum(['postgres'], {
      description: 'What runs. Only postgres is built yet. Immutable.',
      ...rules({ rule: 'self == oldSelf', message: 'engine is immutable: create another DataStore and move the data' }),
    }),
    version: stringEnum(['17'], {
      default: '17',
      description: 'Major version of the engine. Default 17, the only one yet; any other is refused.',
    }),
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
    image: Type.Optional(image('postgres')),
    storage,
    resources: resources({ cpu: '200m', memory: '512Mi', memoryLimit: '1Gi' }, 'database', '256Mi'),
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
    deletionPolicy: stringEnum(['Retain', 'Delete', 'DoNotTerminate'], {
      default: 'Retain',
      description:
        'What happens to data when the object is deleted. Retain: pods go; volumes, credentials and CA stay and are adopted when an object of the same name comes back. Default Retain. Changing it restarts nothing.',
      ...rules({ rule: "self == 'Retain'", message: 'only deletionPolicy Retain is built yet: leave the field out' }),
    }),
  },
  { description: 'What the store shall be.' },
)
export type DataStoreSpec = Static<typeof DataStoreSpec>

export const DataStoreStatus = Type.Object(
  {
    observedGeneration: Type.Integer({ description: 'metadata.generation the status was computed from.' }),
    phase,
    version: Type.Optional(Type.String({ description: 'Version the running engine reports.' })),
    endpoint: Type.Optional(Type.String({ description: 'host:port of the read-write Service.' })),
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
    { name: 'Version', type: 'string', jsonPath: '.status.version' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
  ],
}
