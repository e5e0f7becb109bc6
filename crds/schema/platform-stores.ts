import Type, { type Static } from 'typebox'
import {
  parameters,
  pgHba,
  replicasByProfile,
  replication,
  resourcesByProfile,
  rules,
  shardsByProfile,
  storageByProfile,
  stringEnum,
  type CelRule,
} from './common.ts'
import { connectionSecretRef, fixedShards, isPostgresFamily, isSharded, modeRules } from './data-store.ts'
import type { EngineName, SchemaName } from './data-store.ts'

interface PlatformStore {
  engine: EngineName
  /** Absent: it holds no schema of ours. */
  schema?: SchemaName
  /** What is in it. */
  holds: string
  /** Least memory limit a pod can start with. */
  least: string
  /** Clients reach it through PgBouncer. */
  pooled?: true
}

/** The stores a MatchingCluster expands into, by short name. */
export const platformStores = {
  core: {
    engine: 'postgres',
    schema: 'core',
    holds: 'users, profiles, skills, companies, jobs, applications, outbox',
    least: '256Mi',
    pooled: true,
  },
  vault: {
    engine: 'postgres',
    schema: 'vault',
    holds: 'the wrapped key of each person’s data, and nothing else',
    least: '256Mi',
  },
  geolocation: {
    engine: 'postgres',
    schema: 'geolocation',
    holds: 'places, distances, location preferences',
    least: '256Mi',
    pooled: true,
  },
  temporal: {
    engine: 'timescale',
    schema: 'temporal',
    holds: 'availability, schedules, interview slots, metrics',
    least: '256Mi',
    pooled: true,
  },
  behavior: {
    engine: 'clickhouse',
    schema: 'behavior',
    holds: 'interactions, searches, segments',
    least: '512Mi',
  },
  search: {
    engine: 'elasticsearch',
    schema: 'search',
    holds: 'the index of jobs, which can be made anew from core',
    least: '768Mi',
  },
  cache: {
    engine: 'redis',
    holds: 'what can be computed again: caches, rate limits, session look-ups',
    least: '256Mi',
  },
  events: {
    engine: 'nats',
    schema: 'events',
    holds: 'what happened, until everybody who wants to know has heard of it',
    least: '256Mi',
  },
} as const satisfies Record<string, PlatformStore>

export type StoreName = keyof typeof platformStores
export const storeNames = Object.keys(platformStores) as StoreName[]

/** The migration folder of a store that has one. */
export const schemaOf = (name: StoreName): SchemaName | undefined => (platformStores[name] as PlatformStore).schema

/** Servers of the events store where the spec says nothing, by profile. A rule of the API server needs them. */
export const eventsReplicas = { small: 1, medium: 3, large: 3 } as const

const wantedEvents = (spec: string) =>
  `(has(${spec}.stores.events.replicas) ? ${spec}.stores.events.replicas : ${JSON.stringify(eventsReplicas).replaceAll('"', "'")}[${spec}.profile])`

/** Of the spec of a MatchingCluster. */
export const eventsRule: CelRule = {
  rule: `!oldSelf.stores.events.enabled || self.stores.events.mode == 'external' || ${wantedEvents('self')} == ${wantedEvents('oldSelf')} || (${wantedEvents('oldSelf')} > 1 && ${wantedEvents('self')} > ${wantedEvents('oldSelf')})`,
  message:
    'the events store can only grow, and not from 1 server, whether by profile or by replicas: set stores.events.replicas to the number there is',
  fieldPath: '.stores.events.replicas',
}

const enabled = (name: string) =>
  Type.Boolean({
    default: true,
    description: `Whether the platform has this store. It can be switched on later; off only as long as it never was on: to take it away, delete DataStore <cluster>-${name} as its deletionPolicy allows. Default true. Changing it restarts nothing.`,
    ...rules({
      rule: 'self || !oldSelf',
      message: 'a store cannot be switched off: it holds data; leave it on, or create another MatchingCluster',
    }),
  })

/** All profiles have one. */
const sameShards: CelRule = {
  rule: '(has(self.shards) ? self.shards : 1) == (has(oldSelf.shards) ? oldSelf.shards : 1)',
  message: 'shards is immutable: rows do not move between shards; create another MatchingCluster and copy them',
  fieldPath: '.shards',
}

/** One store in the spec of a MatchingCluster, whatever its engine. What it leaves out comes from `spec.profile`. */
export interface PlatformStoreSpec {
  /** core has no such field: it is always there. */
  enabled?: boolean
  mode: 'managed' | 'external'
  connectionSecretRef?: Static<typeof connectionSecretRef>
  shards?: number
  replicas?: number
  replication?: Static<typeof replication>
  pgHba?: string[]
  storage: Static<typeof storageByProfile>
  resources: Static<ReturnType<typeof resourcesByProfile>>
  parameters: Record<string, string>
}

function storeSchema(name: StoreName) {
  const { engine, holds, least }: PlatformStore = platformStores[name]
  const pods = `${name} store`
  const postgres = isPostgresFamily(engine) ? { replication, pgHba } : {}
  const schema = Type.Object(
    {
      ...(name === 'core' ? {} : { enabled: enabled(name) }),
      mode: stringEnum(['managed', 'external'], {
        default: 'managed',
        description:
          'managed: the operator runs the store. external: connectionSecretRef says how to reach one that somebody else runs. Default managed. Immutable.',
        ...rules({
          rule: 'self == oldSelf',
          message: 'mode is immutable: create another MatchingCluster and move the data',
        }),
      }),
      connectionSecretRef,
      ...(isSharded(engine) ? { shards: Type.Optional(shardsByProfile) } : {}),
      replicas: Type.Optional(replicasByProfile(`the ${pods}`)),
      ...postgres,
      storage: storageByProfile,
      resources: resourcesByProfile(pods, least),
      parameters,
    },
    {
      default: {},
      description: `The ${name} store (${engine}): ${holds}.`,
      ...rules(
        ...modeRules({ postgres: isPostgresFamily(engine), shards: isSharded(engine), byProfile: true }),
        ...(fixedShards.includes(engine) ? [sameShards] : []),
      ),
    },
  )
  return Type.Unsafe<PlatformStoreSpec>(schema)
}

export const storeSchemas = Object.fromEntries(storeNames.map((name) => [name, storeSchema(name)])) as Record<
  StoreName,
  ReturnType<typeof storeSchema>
>
