import { bindingRoles, type BindingRole } from '../../crds/binding.ts'
import { keepSecret, writeSecret } from '../credentials.ts'
import type { Target } from '../engines/engine.ts'
import { labels } from '../labels.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import { derivedPassword, randomPassword, secretValue } from '../secrets.ts'
import { labelsNeeded } from './losses.ts'
import { names } from './names.ts'
import { directTarget, findSecret, findVolumeClaim, givenLogin, type Context } from './observe.ts'

/*
 * Who may log in. A password is in a Secret before any engine knows it. Engines that read files get them with the pods, so there the
 * passwords of all bindings come out of the operator's own; the bindings are published when the store is ready for them.
 */

/**
 * Passwords are made once and then kept. All but the operator's own can be made anew and are then set in the engine. One that running
 * pods hold comes out of the operator's own: with another one members could no longer follow each other until each was restarted.
 */
export async function ensureCredentials(context: Context): Promise<Outcome | undefined> {
  const { engine, plan, tools } = context
  const admin = engine.admin(plan).secret
  const held = engine.readAtStart(plan)
  const passwordOf = (name: string, username: string) => {
    const own = held.includes(name) ? adminPassword(context) : undefined
    return own ? derivedPassword(own, username) : randomPassword()
  }
  for (const [name, username] of Object.entries(engine.credentials(plan))) {
    // Where pods read logins from files, a new one comes with them.
    const lost = name === admin && !engine.loginFiles && !findSecret(context, name) && findVolumeClaim(context)
    if (lost) return adminSecretLost(context)
    const make = () => ({ username, password: passwordOf(name, username) })
    const refused = await keepSecret(tools, metadata(context, name), make)
    if (refused) return refused
  }
  const files = engine.loginFiles?.(plan, allPasswords(context))
  return files && writeSecret(tools, metadata(context, names.loginsSecret(context.store.metadata.name)), files)
}

/** A new password would not open the old volume: say so, and touch nothing. */
function adminSecretLost(context: Context): Outcome {
  const { secret, username } = context.engine.admin(context.plan)
  const claim = findVolumeClaim(context)?.metadata.name
  const needed = labelsNeeded(context.plan.identity)
  const message =
    `Secret ${secret} is gone, but volume claim ${claim} holds data that only its password opens: create the Secret again with ` +
    `username ${username} and that password and the labels ${needed}; or delete DataStore ${context.store.metadata.name} and then the claim to begin with an empty store`
  return { kind: 'blocked', reason: 'SecretMissing', message, retryAfterMs: 30_000 }
}

function adminPassword(context: Context): string | undefined {
  return secretValue(findSecret(context, context.engine.admin(context.plan).secret), 'password')
}

/** By login, of all but the operator's own whose password is in a Secret. */
export function storedPasswords(context: Context): Record<string, string> {
  const found = loginSecrets(context).map(
    ([login, name]) => [login, secretValue(findSecret(context, name), 'password')] as const,
  )
  return Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined))
}

/** Each login but the administrator's, and the Secret that its password is in. */
export function loginSecrets({ engine, plan, store }: Context): [login: string, secret: string][] {
  const logins = engine.bindingLogins(plan)
  const admin = engine.admin(plan).secret
  return [
    ...bindingRoles.map((role): [string, string] => [logins[role], names.bindingSecret(store.metadata.name, role)]),
    ...Object.entries(engine.credentials(plan))
      .filter(([secret]) => secret !== admin)
      .map(([secret, login]): [string, string] => [login, secret]),
  ]
}

/** By login, the operator's own and those of bindings that are not published yet among them. */
export function allPasswords(context: Context): Record<string, string> {
  const { engine, plan } = context
  const own = adminPassword(context)
  if (!own) throw new Error(`Secret ${engine.admin(plan).secret} has no password`)
  const bindings = Object.values(engine.bindingLogins(plan)).map((login) => [login, derivedPassword(own, login)])
  return {
    ...(Object.fromEntries(bindings) as Record<string, string>),
    ...storedPasswords(context),
    [engine.admin(plan).username]: own,
  }
}

/** Writes a binding Secret; its password is kept if there is one. Only `app` follows spec.binding. */
export async function ensureBinding(context: Context, role: BindingRole): Promise<Outcome | undefined> {
  const { engine, plan, store, tools } = context
  const name = names.bindingSecret(store.metadata.name, role)
  const { username, password } = givenLogin(context, role) ?? madeLogin(context, role)
  const target = directTarget(context, username, password, plan.database)
  const values = engine.binding(role === 'app' ? forClients(context, target) : target)
  return writeSecret(tools, metadata(context, name), values, engine.bindingSecretType)
}

function madeLogin(context: Context, role: BindingRole): { username: string; password: string } {
  const { engine, plan } = context
  const username = engine.bindingLogins(plan)[role]
  const stored = secretValue(findSecret(context, names.bindingSecret(context.store.metadata.name, role)), 'password')
  const made = () => (engine.loginFiles ? (allPasswords(context)[username] ?? randomPassword()) : randomPassword())
  return { username, password: stored ?? made() }
}

/** As spec.binding says. What stands there has another CA than an external store, and may have another than any. */
function forClients(context: Context, target: Target): Target {
  const { binding, tls } = context.store.spec
  if (!binding) return target
  const { host, port, caSecret } = binding
  const ca = caSecret
    ? secretValue(findSecret(context, caSecret), 'ca.crt')
    : tls.caSecret && secretValue(findSecret(context, tls.caSecret), 'tls.crt')
  return { ...target, host, port, ...(ca ? { ca } : {}) }
}

export function metadata({ plan, namespace }: Context, name: string) {
  return { name, namespace, labels: labels(plan.identity) }
}
