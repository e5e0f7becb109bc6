import type { Binding, BindingRole } from '../../../crds/binding.ts'
import {
  appRole,
  databaseOf,
  monitoringRole,
  names,
  ownerRole,
  poolerRole,
  replicationRole,
  superuserRole,
} from '../../data-store/names.ts'
import { bindingOf } from '../binding.ts'
import type { Engine, Plan, Target } from '../engine.ts'
import { adopt } from './adopt.ts'
import { bootstrap } from './bootstrap.ts'
import { port, serverNames } from './config.ts'
import { validateHba } from './hba.ts'
import { maintenance } from './maintenance.ts'
import { retention } from './retention.ts'
import { objects } from './objects.ts'
import { maxConnections, validateParameters } from './parameters.ts'
import { members } from './patroni.ts'
import { probe } from './probe.ts'

export const postgres: Engine = {
  name: 'postgres',
  port,
  validate: (store) => [...validateParameters(store), ...validateHba(store.spec.pgHba)],
  credentials: ({ store: { metadata } }) => ({
    [names.superuserSecret(metadata.name)]: superuserRole,
    [names.replicationSecret(metadata.name)]: replicationRole,
    [names.poolerSecret(metadata.name)]: poolerRole,
    [names.monitoringSecret(metadata.name)]: monitoringRole,
  }),
  admin: ({ store: { metadata } }) => ({
    secret: names.superuserSecret(metadata.name),
    username: superuserRole,
    database: 'postgres',
  }),
  readAtStart: ({ store: { metadata } }) => [names.replicationSecret(metadata.name)],
  serverNames,
  memories: ({ store: { metadata } }) =>
    [
      names.readWriteService(metadata.name),
      names.patroniConfigService(metadata.name),
      names.patroniSyncService(metadata.name),
      names.patroniFailover(metadata.name),
    ].map((name) => ({ apiVersion: 'v1', kind: 'Endpoints', name })),
  memoryServices: ({ store: { metadata } }) => [
    names.patroniConfigService(metadata.name),
    names.patroniSyncService(metadata.name),
  ],
  objects,
  probe,
  members,
  bootstrap,
  adopt,
  maintenance,
  retention,
  bindingLogins,
  binding,
  uriSchemes: ['postgresql:', 'postgres:'],
  bindingSecretType: 'servicebinding.io/postgresql',
  maxConnections,
}

/** By the schema: an external store's database may be called otherwise, its roles may not. */
function bindingLogins({ store }: Plan): Record<BindingRole, string> {
  const database = databaseOf(store.spec)
  return { owner: ownerRole(database), app: appRole(database) }
}

function binding(target: Target): Binding {
  const database = encodeURIComponent(target.database)
  return bindingOf('postgresql', target, (address) => `postgresql://${address}/${database}?sslmode=verify-full`)
}
