import { keepSecret, waitFor } from '../credentials.ts'
import type { Adopted } from '../engines/engine.ts'
import { withOwner } from '../kube/apply.ts'
import { policyKind } from '../network.ts'
import { deadline } from '../reconcile/deadline.ts'
import { messageOf } from '../reconcile/errors.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import type { Step } from '../reconcile/steps.ts'
import { randomPassword } from '../secrets.ts'
import { connectionFor } from './endpoint.ts'
import { givenAgainMs } from './given-secrets.ts'
import { names, poolerRole } from './names.ts'
import { adminTarget, hasMoved, location, type Context } from './observe.ts'
import { ensureBinding, loginSecrets, metadata, storedPasswords } from './logins.ts'
import { migrationPolicy } from './migration-policy.ts'

/*
 * A store that somebody else runs: nothing of an engine is made, everything above it is. docs/external-stores.md has the rights
 * that its login needs.
 */

const dependenciesReady: Step<Context> = {
  condition: 'DependenciesReady',
  async run(context) {
    const { name = '' } = context.store.spec.connectionSecretRef ?? {}
    const connection = connectionFor(context.store, context.tools)
    if (!connection) {
      const message = `spec.connectionSecretRef names ${name}, which is not there`
      return { kind: 'wait', reason: 'SecretMissing', message, retryAfterMs: 10_000 }
    }
    if (connection.kind === 'found') {
      const isWatched = context.tools.given.unwatched(context.store).length === 0
      return { kind: 'done', reason: 'Ready', ...(isWatched ? {} : { retryAfterMs: givenAgainMs }) }
    }
    const message = `Secret ${name}, which spec.connectionSecretRef names, does not say how to connect: ${connection.problems.join('; ')}`
    return { kind: 'blocked', reason: 'ConnectionInvalid', message, retryAfterMs: givenAgainMs }
  },
}

const objectsApplied: Step<Context> = {
  condition: 'ObjectsApplied',
  async run(context) {
    const { store, tools } = context
    // All that there is of it in Kubernetes: whom the pods that migrate may reach.
    const desired = migrationPolicy(context).map((policy) => withOwner(store, policy))
    const refused = await tools.applier.applyExactly(store, desired, [policyKind])
    if (refused) return waitFor(refused)
    context.found.endpoint = location(context)
    // What is recorded of another server says nothing about this one.
    if (hasMoved(context))
      context.found = { ...context.found, clusterSql: undefined, schema: undefined, maxConnections: undefined }
    return { kind: 'done', reason: 'External' }
  },
}

const engineReady: Step<Context> = {
  condition: 'EngineReady',
  async run(context) {
    const health = await context.engine.probe(adminTarget(context), deadline(context, 5_000))
    if (health.state === 'ready') {
      context.found.version = health.version
      context.found.maxConnections = health.maxConnections
      return { kind: 'done', reason: 'Ready' }
    }
    const { name = '' } = context.store.spec.connectionSecretRef ?? {}
    const message = `${health.message}. How to connect is in Secret ${name}, which spec.connectionSecretRef names`
    // Nobody tells us when a server of somebody else's answers again.
    // prettier-ignore
    switch (health.state) {
      case 'starting':    return { kind: 'wait', reason: 'Starting', message, retryAfterMs: 5_000 }
      case 'unreachable': return { kind: 'wait', reason: 'Unreachable', message, retryAfterMs: 10_000 }
      case 'degraded':    return { kind: 'wait', reason: 'Degraded', message, retryAfterMs: 30_000 }
    }
  },
}

const credentialsReady: Step<Context> = {
  condition: 'CredentialsReady',
  run: (context) => (context.engine.adopt ? setUp(context) : useLogin(context)),
}

/**
 * All passwords are in Secrets before anything is asked of the server: where the login may not set them, whoever runs the server
 * reads them there.
 */
async function setUp(context: Context): Promise<Outcome> {
  const stopped = (await ensureBindings(context)) ?? (await ensurePooler(context))
  if (stopped) return stopped
  try {
    return judge(context, await adopt(context))
  } catch (error) {
    return failed(error)
  }
}

/** Nothing is set up: the login must be able to do what owner and app do. One that is not leaves the bindings as they were. */
async function useLogin(context: Context): Promise<Outcome> {
  const { engine, plan } = context
  try {
    const target = adminTarget(context)
    const missing = (await engine.missingRights?.(target, plan, deadline(context, 15_000))) ?? []
    if (missing.length > 0) return refuse(target.username, missing)
  } catch (error) {
    return failed(error)
  }
  return (await ensureBindings(context)) ?? { kind: 'done', reason: 'Ready' }
}

const failed = (error: unknown): Outcome => ({
  kind: 'wait',
  reason: 'Failed',
  message: messageOf(error),
  retryAfterMs: 15_000,
})

function refuse(username: string, missing: string[]): Outcome {
  const message = `not allowed to ${username}: ${missing.join(', ')}. Owner and app share this login: give it these rights where the server runs; docs/external-stores.md says which it needs`
  return { kind: 'blocked', reason: 'NotAllowed', message, retryAfterMs: 60_000 }
}

async function ensureBindings(context: Context): Promise<Outcome | undefined> {
  return (await ensureBinding(context, 'owner')) ?? (await ensureBinding(context, 'app'))
}

function ensurePooler(context: Context): Promise<Outcome | undefined> {
  const name = names.poolerSecret(context.store.metadata.name)
  const make = () => ({ username: poolerRole, password: randomPassword() })
  return keepSecret(context.tools, metadata(context, name), make)
}

async function adopt(context: Context): Promise<Adopted> {
  const { engine, plan, store, schema } = context
  if (!engine.adopt) throw new Error(`engine ${engine.name} has nothing to adopt`)
  const recorded = hasMoved(context) ? undefined : store.status
  const wanted = {
    owner: engine.bindingLogins(plan).owner,
    clusterSql: schema.clusterSql,
    appliedClusterSql: recorded?.clusterSql ?? '',
    mayCreateDatabase: recorded?.schema === undefined,
    passwords: passwordsOf(context),
    secrets: Object.fromEntries(loginSecrets(context)),
    extensions: store.spec.extensions,
  }
  return engine.adopt(adminTarget(context), wanted, deadline(context, 30_000))
}

/** Nobody asks a store for passwords that no pooler leads to. Several on one server share that login, and each would set its own. */
function passwordsOf(context: Context): Record<string, string> {
  const { [poolerRole]: pooler, ...others } = storedPasswords(context)
  return pooler !== undefined && context.store.spec.binding ? { ...others, [poolerRole]: pooler } : others
}

function judge(context: Context, adopted: Adopted): Outcome {
  const { store, tools } = context
  if (adopted.kind === 'done') {
    context.found.clusterSql = adopted.clusterSql || undefined
    context.found.edition = adopted.edition
    if (adopted.changed.length > 0) tools.events.normal(store, 'CredentialsChanged', adopted.changed.join(', '))
    return { kind: 'done', reason: 'Ready' }
  }
  const { username } = adminTarget(context)
  const message = `not allowed to ${username}, or not there: ${adopted.missing.join(', ')}. Have a superuser run migrate bootstrap --schema ${store.spec.schema?.name ?? ''}; docs/external-stores.md says how`
  return { kind: 'blocked', reason: 'NotAllowed', message, retryAfterMs: 60_000 }
}

const bindingPublished: Step<Context> = {
  condition: 'BindingPublished',
  async run(context) {
    return (await ensureBinding(context, 'app')) ?? { kind: 'done', reason: 'Published' }
  },
}

const externalSteps = [dependenciesReady, objectsApplied, engineReady, credentialsReady, bindingPublished]

/** The steps of a managed store, but for those that an external one takes differently. */
export function byMode(managed: Step<Context>[]): Step<Context>[] {
  return managed.map((step) => {
    const other = externalSteps.find(({ condition }) => condition === step.condition) ?? step
    return { ...step, run: (context) => (context.store.spec.mode === 'external' ? other : step).run(context) }
  })
}
