import type { Binding } from '../../../crds/binding.ts'
import { names } from '../../data-store/names.ts'
import { bindingOf } from '../binding.ts'
import type { Engine, Target } from '../engine.ts'
import { equalServerNames } from '../stateful.ts'
import { port } from './config.ts'
import { admin, app, loginFiles, monitoring, owner, replication } from './logins.ts'
import { objects } from './objects.ts'
import { startParameters, validateParameters } from './parameters.ts'
import { probe } from './probe.ts'
import { retention } from './retention.ts'
import { missingRights } from './rights.ts'
import { settle } from './settle.ts'

/** Redis Cluster has one database. */
const database = '0'

export const redis: Engine = {
  name: 'redis',
  port,
  validate: validateParameters,
  credentials: ({ store: { metadata } }) => ({
    [names.superuserSecret(metadata.name)]: admin,
    [names.replicationSecret(metadata.name)]: replication,
    [names.monitoringSecret(metadata.name)]: monitoring,
  }),
  admin: ({ store: { metadata } }) => ({ secret: names.superuserSecret(metadata.name), username: admin, database }),
  // With another one a pod could not follow its master until it has read its files again.
  readAtStart: ({ store: { metadata } }) => [names.replicationSecret(metadata.name)],
  database: () => database,
  serverNames: equalServerNames,
  objects,
  startParameters,
  probe,
  missingRights,
  loginFiles: (_plan, passwords) => loginFiles(passwords),
  settle,
  retention,
  bindingLogins: () => ({ owner, app }),
  binding,
  uriSchemes: ['rediss:', 'redis:'],
  bindingSecretType: 'servicebinding.io/redis',
}

/** Host and port are where a client of the cluster begins; it learns the others' names there. */
function binding(target: Target): Binding {
  return bindingOf('redis', { ...target, database }, (address) => `rediss://${address}/${database}`)
}
