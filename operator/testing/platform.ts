import { storeNames } from '../../crds/schema/platform-stores.ts'

/** For `spec.stores` of a MatchingCluster: every store but core switched off. */
export const coreAlone = Object.fromEntries(
  storeNames.filter((name) => name !== 'core').map((name) => [name, { enabled: false }]),
)
