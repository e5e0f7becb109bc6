import Type, { type Static } from 'typebox'
import {
  conditionsStatus,
  deletionPolicy,
  hibernate,
  image,
  imagePullSecrets,
  issuerRef,
  later,
  laterRules,
  nameRules,
  networkPolicy,
  paused,
  phase,
  phases,
  placement,
  registry,
  resources,
  rules,
  stringEnum,
  unseenStatus,
  updatePolicy,
  type Resource,
} from './common.ts'
import { engineNames, type EngineName } from './data-store.ts'
import { eventsRule, storeSchemas } from './platform-stores.ts'
import { platformRetention, platformRetentionRules } from './retention.ts'

const imagesOfEngines = Object.fromEntries(engineNames.map((name) => [name, Type.Optional(image(name))])) as Record<
  EngineName,
  Type.TOptional<Type.TString>
>

export const MatchingClusterSpec = Type.Object(
  {
    profile: stringEnum(['small', 'medium', 'large'], {
      default: 'small',
      description:
        'How large the stores and the pooler are where nothing else is said of them: replicas, CPU, memory, volumes, connections together; see docs/reference/profiles.md for the figures. small: one copy of each, for trying out and for small platforms. medium and large: three copies. Default small. Changing it is as changing these fields: volumes grow, members are added one by one, pods restart with the new memory; what could lose data is refused.',
    }),
    stores: Type.Object(
      {
        ...storeSchemas,
      },
      {
        default: {},
        description: 'The stores of the platform. Each becomes a DataStore named <cluster>-<store>.',
      },
    ),
    pooling: Type.Object(
      {
        replicas: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 20,
            description:
              'PgBouncer pods. Default by spec.profile: 1, 2 or 3. Changing it adds or removes pods. The pools of all pods together, and of one more during a rollout, must fit the connections of the servers; otherwise PoolerReady says PoolBudgetExceeded and what would fit.',
          }),
        ),
        parameters: Type.Record(Type.String(), Type.String({ maxLength: 256 }), {
          default: {},
          maxProperties: 64,
          description:
            'Settings of pgbouncer.ini, section [pgbouncer], by their PgBouncer names; see docs/reference/pooling.md for the accepted ones and their defaults. An unknown name or a bad value is refused (SpecValid) before anything changes. A change is a RELOAD: connections stay.',
        }),
        databases: Type.Record(
          Type.String(),
          Type.Record(Type.String(), Type.String({ maxLength: 256 }), { maxProperties: 32 }),
          {
            default: {},
            maxProperties: 32,
            description:
              'Settings of single databases, by the database’s name in the pooler (supersmartmatch_core, supersmartmatch_core_ro) and their PgBouncer names, such as pool_size; see docs/reference/pooling.md. Default: none. A change is a RELOAD.',
          },
        ),
        users: Type.Record(
          Type.String(),
          Type.Record(Type.String(), Type.String({ maxLength: 256 }), { maxProperties: 32 }),
          {
            default: {},
            maxProperties: 128,
            description:
              'Settings of single logins of the application (supersmartmatch_core_app_a, supersmartmatch_core_app_b), by login and their PgBouncer names, such as max_user_connections; see docs/reference/pooling.md. Default: none. A change is a RELOAD.',
          },
        ),
        resources: resources({ cpu: '50m', memory: '64Mi', memoryLimit: '128Mi' }, 'pooler', '32Mi'),
      },
      { default: {}, description: 'PgBouncer, in front of the PostgreSQL-family stores.' },
    ),
    services: Type.Object(
      {
        core: Type.Object(
          {
            replicas: Type.Integer({
              default: 1,
              minimum: 1,
              maximum: 50,
              description: 'Pods of the core service. Default 1. Changing it adds or removes pods.',
            }),
            resources: resources({ cpu: '100m', memory: '192Mi', memoryLimit: '384Mi' }, 'core service', '192Mi'),
          },
          { default: {}, description: 'The core HTTP service: skills, companies, jobs, candidates, matches.' },
        ),
      },
      { default: {}, description: 'The application services.' },
    ),
    images: Type.Object(
      {
        ...imagesOfEngines,
        pgbouncer: Type.Optional(image('pgbouncer')),
      },
      {
        default: {},
        description: 'Images instead of the operator’s settings. Changing one restarts the pods that use it.',
      },
    ),
    registry,
    imagePullSecrets,
    networkPolicy,
    placement: placement('platform'),
    tls: Type.Object(
      {
        issuerRef: issuerRef('The stores and the pooler have a certificate each. '),
      },
      {
        default: {},
        description: 'Certificates. Every connection is TLS. Default: the operator’s own CA, in Secret <name>-ca.',
      },
    ),
    deletionPolicy,
    updatePolicy,
    paused,
    hibernate: hibernate('the platform, pooler and services included'),
    retention: platformRetention,
    monitoring: later('Exporters, rules and dashboards.'),
  },
  {
    description: 'What the platform shall be. Every field has a default that works.',
    ...rules(eventsRule, ...platformRetentionRules, ...laterRules(['monitoring'])),
  },
)
export type MatchingClusterSpec = Static<typeof MatchingClusterSpec>

const StoreSummary = Type.Object({
  ready: Type.Boolean({ description: 'Whether the DataStore is Ready for the spec it was given.' }),
  phase: stringEnum(phases, { description: 'The DataStore’s phase.' }),
  version: Type.Optional(Type.String({ description: 'Version the engine reports.' })),
  message: Type.String({ description: 'Message of the DataStore’s Ready condition.' }),
  endpoint: Type.Optional(Type.String({ description: 'host:port of the store.' })),
})

export const MatchingClusterStatus = Type.Object(
  {
    observedGeneration: Type.Integer({ description: 'metadata.generation the status was computed from.' }),
    phase,
    storesReady: Type.Optional(
      Type.String({ description: 'Ready stores of all stores, such as 1/1. Absent until they are looked at.' }),
    ),
    stores: Type.Optional(Type.Record(Type.String(), StoreSummary, { description: 'By store.' })),
    conditions: conditionsStatus,
  },
  { description: 'What the operator saw and did.', default: unseenStatus },
)
export type MatchingClusterStatus = Static<typeof MatchingClusterStatus>

export type MatchingCluster = Resource<MatchingClusterSpec, MatchingClusterStatus>

export const matchingClusterKind = {
  kind: 'MatchingCluster',
  plural: 'matchingclusters',
  singular: 'matchingcluster',
  shortNames: ['mc'],
  description: 'The SuperSmartMatch data platform: its stores, their pooler and the services that use them.',
  spec: MatchingClusterSpec,
  status: MatchingClusterStatus,
  rootRules: nameRules(30),
  printColumns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Stores', type: 'string', jsonPath: '.status.storesReady' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
  ],
}
