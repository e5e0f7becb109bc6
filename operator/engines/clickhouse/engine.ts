import type { Binding, BindingRole } from '../../../crds/binding.ts'
import { appRole, databaseOf, names, ownerRole } from '../../data-store/names.ts'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { bindingOf } from '../binding.ts'
import type { Engine, Plan, Target } from '../engine.ts'
import { storeName } from '../stateful.ts'
import { adminLogin, interserverLogin, loginFiles, monitoringLogin, port, serverNames } from './config.ts'
import { objects } from './objects.ts'
import { settingsOf, validateParameters } from './parameters.ts'
import { probe } from './probe.ts'
import { retention } from './retention.ts'
import { missingRights } from './rights.ts'
import { settle } from './settle.ts'
import { isCluster, keeperName } from './topology.ts'

export const clickhouse: Engine = {
  name: 'clickhouse',
  port,
  validate: validateParameters,
  credentials: (plan) => ({
    [names.superuserSecret(storeName(plan))]: adminLogin,
    [names.monitoringSecret(storeName(plan))]: monitoringLogin,
    ...(isCluster(plan) ? { [names.replicationSecret(storeName(plan))]: interserverLogin } : {}),
  }),
  admin: (plan) => ({ secret: names.superuserSecret(storeName(plan)), username: adminLogin, database: 'default' }),
  readAtStart: () => [],
  database: ({ spec }) => databaseOf(spec) || 'default',
  serverNames,
  companions: (plan) => [keeperName(plan)],
  objects,
  startParameters,
  probe,
  missingRights,
  loginFiles,
  settle,
  retention,
  bindingLogins,
  binding,
  uriSchemes: ['https:'],
  bindingSecretType: 'servicebinding.io/clickhouse',
}

/** One server that becomes several is made anew, too: it listens for the others. */
function startParameters(store: DataStore): Record<string, string> {
  const { server, mergeTree } = settingsOf(store.spec.parameters, 'restart')
  return { ...server, ...mergeTree, ...(isCluster({ store }) ? { cluster: 'true' } : {}) }
}

function bindingLogins({ database }: Plan): Record<BindingRole, string> {
  return { owner: ownerRole(database), app: appRole(database) }
}

function binding(target: Target): Binding {
  return bindingOf('clickhouse', target, (address) => `https://${address}/${encodeURIComponent(target.database)}`)
}
