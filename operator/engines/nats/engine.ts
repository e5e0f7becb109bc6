import type { Binding } from '../../../crds/binding.ts'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { names } from '../../data-store/names.ts'
import type { Engine, Target } from '../engine.ts'
import { port, serverNames, systemAccount } from './config.ts'
import { accountOf, adminUser, bindingUsers, loginFiles, monitoringUser } from './logins.ts'
import { objects } from './objects.ts'
import { startParameters, validateParameters } from './parameters.ts'
import { probe } from './probe.ts'
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
  serverNames,
  objects,
  startParameters,
  probe,
  loginFiles,
  settle,
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

function binding({ host, port, database, username, password, ca }: Target): Binding {
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`
  return {
    type: 'nats',
    provider: 'supersmartmatch',
    host,
    port: String(port),
    database,
    username,
    password,
    uri: `tls://${login}@${host}:${port}`,
    'ca.crt': ca,
  }
}
