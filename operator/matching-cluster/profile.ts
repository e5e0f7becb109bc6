import type { MatchingCluster, MatchingClusterSpec } from '../../crds/schema/matching-cluster.ts'
import { eventsReplicas, storeNames, type StoreName } from '../../crds/schema/platform-stores.ts'

export type Profile = MatchingClusterSpec['profile']

interface StoreSize {
  /** Where the engine splits its data; 1 if left out. */
  shards?: number
  replicas: number
  /** Requested by each pod. */
  cpu: string
  memory: string
  memoryLimit: string
  /** Of each pod's volume. */
  storage: string
  /** Settings of the engine that go with it. */
  parameters?: Record<string, string>
}

interface Sizes {
  stores: Record<StoreName, StoreSize>
  pooler: { replicas: number; parameters: Record<string, string> }
}

/**
 * What a platform is made of where its spec says nothing. Replicas, memory, pools and max_connections belong together: all pooler pods,
 * and one more during a rollout, with a full pool of each login must fit the connections of a server that are not kept for others.
 */
// prettier-ignore
export const profiles: Record<Profile, Sizes> = {
  small: {
    stores: {
      core:        { replicas: 1, cpu: '200m', memory: '384Mi', memoryLimit: '1Gi',   storage: '2Gi' },
      vault:       { replicas: 1, cpu: '50m',  memory: '160Mi', memoryLimit: '384Mi', storage: '1Gi', parameters: { max_connections: '50' } },
      geolocation: { replicas: 1, cpu: '100m', memory: '192Mi', memoryLimit: '512Mi', storage: '2Gi' },
      temporal:    { replicas: 1, cpu: '100m', memory: '192Mi', memoryLimit: '512Mi', storage: '2Gi' },
      behavior:    { replicas: 1, cpu: '200m', memory: '384Mi', memoryLimit: '1Gi',   storage: '2Gi' },
      search:      { replicas: 1, cpu: '250m', memory: '768Mi', memoryLimit: '1Gi',   storage: '2Gi' },
      cache:       { replicas: 1, cpu: '50m',  memory: '64Mi',  memoryLimit: '256Mi', storage: '1Gi' },
      events:      { replicas: eventsReplicas.small, cpu: '100m', memory: '96Mi',  memoryLimit: '256Mi', storage: '2Gi' },
    },
    pooler: { replicas: 1, parameters: {} },
  },
  medium: {
    stores: {
      core:        { replicas: 3, cpu: '1',    memory: '4Gi',   memoryLimit: '8Gi',  storage: '50Gi',  parameters: { max_connections: '200' } },
      vault:       { replicas: 3, cpu: '100m', memory: '256Mi', memoryLimit: '1Gi',  storage: '10Gi',  parameters: { max_connections: '50' } },
      geolocation: { replicas: 3, cpu: '500m', memory: '2Gi',   memoryLimit: '4Gi',  storage: '20Gi',  parameters: { max_connections: '200' } },
      temporal:    { replicas: 3, cpu: '500m', memory: '2Gi',   memoryLimit: '4Gi',  storage: '50Gi',  parameters: { max_connections: '200' } },
      behavior:    { replicas: 3, cpu: '1',    memory: '4Gi',   memoryLimit: '8Gi',  storage: '100Gi' },
      search:      { replicas: 3, cpu: '1',    memory: '4Gi',   memoryLimit: '8Gi',  storage: '50Gi' },
      cache:       { shards: 3, replicas: 2, cpu: '250m', memory: '1Gi', memoryLimit: '2Gi', storage: '10Gi' },
      events:      { replicas: eventsReplicas.medium, cpu: '500m', memory: '512Mi', memoryLimit: '2Gi',  storage: '20Gi' },
    },
    pooler: { replicas: 2, parameters: { default_pool_size: '50' } },
  },
  large: {
    stores: {
      core:        { replicas: 3, cpu: '4',    memory: '16Gi', memoryLimit: '32Gi', storage: '500Gi', parameters: { max_connections: '400' } },
      vault:       { replicas: 3, cpu: '250m', memory: '1Gi',  memoryLimit: '2Gi',  storage: '20Gi',  parameters: { max_connections: '100' } },
      geolocation: { replicas: 3, cpu: '2',    memory: '8Gi',  memoryLimit: '16Gi', storage: '100Gi', parameters: { max_connections: '400' } },
      temporal:    { replicas: 3, cpu: '2',    memory: '8Gi',  memoryLimit: '16Gi', storage: '500Gi', parameters: { max_connections: '400' } },
      behavior:    { replicas: 3, cpu: '4',    memory: '16Gi', memoryLimit: '32Gi', storage: '1Ti' },
      search:      { replicas: 3, cpu: '4',    memory: '16Gi', memoryLimit: '32Gi', storage: '500Gi' },
      cache:       { shards: 3, replicas: 2, cpu: '1', memory: '8Gi', memoryLimit: '16Gi', storage: '50Gi' },
      events:      { replicas: eventsReplicas.large, cpu: '2',    memory: '2Gi',  memoryLimit: '8Gi',  storage: '100Gi' },
    },
    pooler: { replicas: 3, parameters: { default_pool_size: '80' } },
  },
}

/** Of the pooler, the profile's where the spec says nothing. */
export type Pooling = MatchingClusterSpec['pooling'] & { replicas: number }

export function poolingOf({ spec }: MatchingCluster): Pooling {
  const { replicas, parameters } = profiles[spec.profile].pooler
  const { pooling } = spec
  return {
    ...pooling,
    replicas: pooling.replicas ?? replicas,
    parameters: { ...parameters, ...pooling.parameters },
  }
}

/** The stores this platform has. */
export function storesOf({ spec }: MatchingCluster): StoreName[] {
  return storeNames.filter((name) => spec.stores[name].enabled ?? true)
}

/** docs/reference/profiles.md. */
export function reference(): string {
  const sections = Object.entries(profiles).map(([name, { stores, pooler }]) => {
    const rows = Object.entries(stores).map(
      ([store, size]) =>
        `| ${store} | ${size.shards ?? 1} × ${size.replicas} | ${size.cpu} | ${size.memory} | ${size.memoryLimit} | ${size.storage} | ${settingsOf(size.parameters)} |`,
    )
    return [
      `## ${name}`,
      [
        '| store | shards × replicas | CPU | memory | memory limit | volume | parameters |',
        '| --- | --- | --- | --- | --- | --- | --- |',
        ...rows,
      ].join('\n'),
      `Pooler pods: ${pooler.replicas}${pooler.parameters['default_pool_size'] ? `, \`default_pool_size\` ${pooler.parameters['default_pool_size']}` : ''}.`,
    ].join('\n\n')
  })
  const intro =
    'What a MatchingCluster is made of where its spec says nothing, by `spec.profile`. A field that is set counts, whatever the profile; ' +
    'a memory or a limit that is given alone moves the other with it where they would contradict each other. CPU and memory are of each pod, the volume too. ' +
    'Replicas, connections of the servers and pools go together: all pooler pods, and one more during a rollout, fit into what the servers leave them.'
  return `<!-- Generated by \`make generate\`. Do not edit. -->\n\n# Profiles\n\n${intro}\n\n${sections.join('\n\n')}\n`
}

function settingsOf(parameters: Record<string, string> = {}): string {
  return Object.entries(parameters)
    .map(([name, value]) => `\`${name}\` ${value}`)
    .join(', ')
}
