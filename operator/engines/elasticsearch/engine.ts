import type { Binding } from '../../../crds/binding.ts'
import { appRole, names, ownerRole } from '../../data-store/names.ts'
import { bindingOf } from '../binding.ts'
import type { Engine, Target } from '../engine.ts'
import { adminLogin, database, loginFiles, monitoringLogin, port, serverNames } from './config.ts'
import { objects } from './objects.ts'
import { staticSettings, validate } from './parameters.ts'
import { probe } from './probe.ts'
import { retention } from './retention.ts'
import { missingRights } from './rights.ts'
import { settle } from './settle.ts'
import { release } from './shrink.ts'

export const elasticsearch: Engine = {
  name: 'elasticsearch',
  port,
  validate,
  credentials: ({ store: { metadata } }) => ({
    [names.superuserSecret(metadata.name)]: adminLogin,
    [names.monitoringSecret(metadata.name)]: monitoringLogin,
  }),
  admin: ({ store: { metadata }, database }) => ({
    secret: names.superuserSecret(metadata.name),
    username: adminLogin,
    database,
  }),
  readAtStart: () => [],
  database,
  serverNames,
  objects,
  startParameters: ({ spec }) => staticSettings(spec.parameters),
  loginFiles,
  settle,
  release,
  probe,
  missingRights,
  retention,
  bindingLogins: ({ database }) => ({ owner: ownerRole(database), app: appRole(database) }),
  binding,
  uriSchemes: ['https:'],
  bindingSecretType: 'servicebinding.io/elasticsearch',
}

/** `database` is how the names of the indices begin, which these logins may use; it has no place in the URI. */
function binding(target: Target): Binding {
  return bindingOf('elasticsearch', target, (address) => `https://${address}`)
}
