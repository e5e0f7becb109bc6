import { storeNames } from '../../crds/schema/platform-stores.ts'
import type { Surroundings } from '../network.ts'

export const surroundings: Surroundings = { operatorNamespace: 'supersmartmatch-system', apiServerPorts: [443, 6443] }

/** For `spec.stores` of a MatchingCluster: every store but core switched off. */
export const coreAlone = Object.fromEntries(
  storeNames.filter((name) => name !== 'core').map((name) => [name, { enabled: false }]),
)
