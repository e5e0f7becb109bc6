import type { Binding } from '../../../crds/binding.ts'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { names } from '../../data-store/names.ts'
import { bindingOf } from '../binding.ts'
import type { Engine, Target } from '../engine.ts'
import { port, systemAccount } from './config.ts'
import { accountOf, adminUser, bindingUsers, loginFiles, monitoringUser } from './logins.ts'
import { equalServerNames } from '../stateful.ts'
import { objects } from './objects.ts'
import { startParameters, validateParameters } from './parameters.ts'
import { probe } from './probe.ts'
import { retention } from './retention.ts'
import { missingRights } from './rights.ts'
import { settle } from './settle.ts'

export const nats: Engine = {
  name: 'nats',
  port,
  validate: (store) => [...validateParameters(store), ...validateReplicas(store)],
  credentials: ({ store: { metadata } }) => ({
    [names.superuserSecret(metadata.name)]: adminUser,
    [names.monitoringSecret(metadata.name)]: monitoringUser,
  }),
  admin: ({ store: { metadata } }) => ({
    secret: names.superuserSecret(metadata.name),
    username: adminUser,
    database: systemAccount,
  }),
  readAtStart: () => [],
  database: accountOf,
  unfitVolumes,
  serverNames: equalServerNames,
  objects,
  startParameters,
  probe,
  missingRights,
  loginFiles,
  settle,
  retention,
  bindingLogins: () => bindingUsers,
  binding,
  uriSchemes: ['tls:', 'nats:'],
  bindingSecretType: 'servicebinding.io/nats',
}

/** JetStream goes on while more than half of its servers do. */
function validateReplicas({ spec: { replicas } }: DataStore): string[] {
  if (replicas % 2 === 1) return []
  return [
    `spec.replicas: ${replicas} pods stand no more failures than ${replicas - 1}, because more than half must run; use ${replicas - 1} or ${replicas + 1}`,
  ]
}

/** As the rule of spec.replicas: servers that join a cluster delete the streams it does not know, and fewer than half of them stand still. */
function unfitVolumes({ metadata: { name }, spec: { replicas } }: DataStore, volumes: number): string | undefined {
  if (replicas === volumes || (volumes > 1 && replicas > volumes)) return undefined
  const claims = `${volumes} volume claims data-${name}-…`
  return `spec.replicas is ${replicas}, and ${claims} hold the streams of a NATS store of ${volumes}, which would be lost: delete the DataStore and apply it with replicas ${volumes}, or delete the volume claims to begin without a stream`
}

function binding(target: Target): Binding {
  return bindingOf('nats', target, (address) => `tls://${address}`)
}
