import type { Binding } from '../../../crds/binding.ts'
import { appRole, names, ownerRole, poolerRole, replicationRole, superuserRole } from '../../data-store/names.ts'
import type { Engine, Target } from '../engine.ts'
import { bootstrap } from './bootstrap.ts'
import { port, serverNames } from './config.ts'
import { validateHba } from './hba.ts'
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
  }),
  admin: ({ store: { metadata } }) => ({
    secret: names.superuserSecret(metadata.name),
    username: superuserRole,
    database: 'postgres',
  }),
  serverNames,
  memories: ({ store: { metadata } }) =>
    [
      names.readWriteService(metadata.name),
      names.patroniConfigService(metadata.name),
      names.patroniSyncService(metadata.name),
      names.patroniFailover(metadata.name),
    ].map((name) => ({ apiVersion: 'v1', kind: 'Endpoints', name })),
  objects,
  probe,
  members,
  bootstrap,
  bindingLogins: ({ database }) => ({ owner: ownerRole(database), app: appRole(database) }),
  binding,
  bindingSecretType: 'servicebinding.io/postgresql',
  maxConnections,
}

function binding(target: Target): Binding {
  const { host, port, database, username, password, ca } = target
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`
  return {
    type: 'postgresql',
    provider: 'supersmartmatch',
    host,
    port: String(port),
    database,
    username,
    password,
    uri: `postgresql://${login}@${host}:${port}/${encodeURIComponent(database)}?sslmode=verify-full`,
    'ca.crt': ca,
  }
}
