import type { BindingRole } from '../../crds/binding.ts'
import {
  authorityOf,
  createSecret,
  ensureAuthority,
  ensureServerCertificate,
  waitFor,
  writeSecret,
} from '../credentials.ts'
import type { BootstrapResult } from '../engines/engine.ts'
import { withOwner } from '../kube/apply.ts'
import { labels } from '../labels.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import { messageOf } from '../reconcile/errors.ts'
import type { Step } from '../reconcile/steps.ts'
import { randomPassword, secretValue } from '../secrets.ts'
import { lastWords, migrationState, podProblem } from './decide.ts'
import { migrateJob, migrateJobName, type MigrationPlan } from './migrate-job.ts'
import { names, poolerRole } from './names.ts'
import {
  caSecretName,
  directTarget,
  findJob,
  findPods,
  findSecret,
  readWriteHost,
  superuserTarget,
  type Context,
} from './observe.ts'

/** Kinds an engine may own; what it no longer asks for is pruned. Secrets and volumes are never pruned. */
const ownedKinds = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding' },
]

const specValid: Step<Context> = {
  condition: 'SpecValid',
  async run({ plan }) {
    if (plan.image) return { kind: 'done', reason: 'Valid' }
    const { engine } = plan.store.spec
    return {
      kind: 'blocked',
      reason: 'Invalid',
      message: `spec.image is empty and the operator has no images.${engine}`,
    }
  },
}

const dependenciesReady: Step<Context> = {
  condition: 'DependenciesReady',
  async run(context) {
    const { storageClass } = context.store.spec.storage
    if (storageClass && !(await storageClassExists(context, storageClass))) {
      const message = `spec.storage.storageClass names ${storageClass}, which does not exist in this cluster`
      return { kind: 'wait', reason: 'StorageClassMissing', message, retryAfterMs: 30_000 }
    }
    if (context.store.spec.tls.caSecret) return givenAuthority(context)
    const stopped = await ensureAuthority(context.tools, metadata(context, caSecretName(context)))
    return stopped ?? { kind: 'done', reason: 'Ready' }
  },
}

async function storageClassExists({ tools }: Context, name: string): Promise<boolean> {
  const kind = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' }
  return (await tools.client.get(kind, undefined, name)) !== undefined
}

function givenAuthority(context: Context): Outcome {
  const name = caSecretName(context)
  const found = findSecret(context, name)
  if (secretValue(found, 'tls.crt') && secretValue(found, 'tls.key')) return { kind: 'done', reason: 'Ready' }
  const message = `spec.tls.caSecret names ${name}: that Secret with tls.crt and tls.key is not there (label it app.kubernetes.io/managed-by=supersmartmatch-operator)`
  return { kind: 'wait', reason: 'SecretMissing', message, retryAfterMs: 10_000 }
}

const objectsApplied: Step<Context> = {
  condition: 'ObjectsApplied',
  async run(context) {
    const { engine, plan, store, namespace, tools } = context
    const refused = (await ensureCredentials(context)) ?? (await ensureTls(context))
    if (refused) return refused
    const desired = engine.objects(plan).map((object) => withOwner(store, object))
    const applied = await tools.applier.applyAll(desired)
    if (applied.refused) return waitFor(applied.refused)
    const ownerUid = store.metadata.uid ?? ''
    await tools.applier.prune({ ownerUid, namespace, keep: desired, kinds: ownedKinds })
    context.found.endpoint = `${readWriteHost(context)}:${engine.port}`
    return { kind: 'done', reason: 'Applied' }
  },
}

/** Passwords are made once and then kept: a new one would not open an old volume. */
async function ensureCredentials(context: Context): Promise<Outcome | undefined> {
  for (const [name, username] of Object.entries(context.engine.credentials(context.plan))) {
    if (findSecret(context, name)) continue
    const refused = await createSecret(context.tools, metadata(context, name), {
      username,
      password: randomPassword(),
    })
    if (refused) return refused
  }
  return undefined
}

function ensureTls(context: Context): Promise<Outcome | undefined> {
  const { engine, plan, store, tools } = context
  const ca = authorityOf(findSecret(context, caSecretName(context)), caSecretName(context))
  const issued = (why: string) => tools.events.normal(store, 'CertificateIssued', `server certificate issued: ${why}`)
  const tls = metadata(context, names.tlsSecret(store.metadata.name))
  return ensureServerCertificate(tools, tls, ca, engine.serverNames(plan), issued)
}

const engineReady: Step<Context> = {
  condition: 'EngineReady',
  async run(context) {
    const health = await context.engine.probe(superuserTarget(context), deadline(context, 3_000))
    if (health.state === 'ready') {
      context.found.version = health.version
      return { kind: 'done', reason: 'Ready' }
    }
    const message = podProblem(findPods(context, 'database')) ?? health.message
    // prettier-ignore
    switch (health.state) {
      case 'starting':    return { kind: 'wait', reason: 'Starting', message, retryAfterMs: 2_000 }
      case 'unreachable': return { kind: 'wait', reason: 'Unreachable', message, retryAfterMs: 2_000 }
      case 'degraded':    return { kind: 'wait', reason: 'Degraded', message, retryAfterMs: 10_000 }
    }
  },
}

const credentialsReady: Step<Context> = {
  condition: 'CredentialsReady',
  async run(context) {
    const refused = await ensureBinding(context, 'owner')
    if (refused) return refused
    try {
      const result = await bootstrap(context)
      if (result) context.found.clusterSql = result.clusterSql
      return { kind: 'done', reason: 'Ready' }
    } catch (error) {
      return { kind: 'wait', reason: 'Failed', message: messageOf(error), retryAfterMs: 15_000 }
    }
  },
}

/** Puts every login in place whose password is already stored: a password is in a Secret before it is in the database. */
async function bootstrap(context: Context): Promise<BootstrapResult | undefined> {
  const { engine, plan, store, schema, tools } = context
  if (!engine.bootstrap) return undefined
  const wanted = {
    database: plan.database,
    clusterSql: schema.clusterSql,
    appliedClusterSql: store.status?.clusterSql ?? '',
    passwords: storedPasswords(context),
  }
  const result = await engine.bootstrap(superuserTarget(context), wanted, deadline(context, 30_000))
  if (result.changed.length > 0) tools.events.normal(store, 'CredentialsChanged', result.changed.join(', '))
  return result
}

function storedPasswords(context: Context): Record<string, string> {
  const { engine, plan, store } = context
  const logins = engine.bindingLogins(plan)
  const { name } = store.metadata
  const sources: [string, string][] = [
    [logins.owner, names.bindingSecret(name, 'owner')],
    [logins.app, names.bindingSecret(name, 'app')],
    [poolerRole, names.poolerSecret(name)],
  ]
  const passwords: Record<string, string> = {}
  for (const [role, secretName] of sources) {
    const password = secretValue(findSecret(context, secretName), 'password')
    if (password) passwords[role] = password
  }
  return passwords
}

const schemaReady: Step<Context> = {
  condition: 'SchemaReady',
  async run(context) {
    const { store, schema, tools } = context
    const plan = migrationPlan(context)
    const jobName = migrateJobName(plan)
    const migration = migrationState(store.status?.schema, schema.digest, findJob(context, jobName))
    switch (migration.state) {
      case 'missing': {
        const result = await tools.applier.apply(withOwner(store, migrateJob(plan)))
        return result.kind === 'refused' ? waitFor(result) : running(context, jobName)
      }
      case 'running':
        return running(context, jobName)
      case 'failed':
        return migrationFailed(context, jobName, migration.reason)
      case 'applied':
        tools.events.normal(store, 'SchemaMigrated', `schema is at migration ${schema.target}`)
        context.found.schema = { version: schema.target, digest: schema.digest }
        return { kind: 'done', reason: 'Current' }
      case 'current':
        return { kind: 'done', reason: 'Current' }
    }
  },
}

function migrationPlan({ store, namespace, plan, schema, tools }: Context): MigrationPlan {
  return {
    store: store.metadata.name,
    namespace,
    shortName: plan.identity.store ?? store.metadata.name,
    ...(plan.identity.cluster ? { cluster: plan.identity.cluster } : {}),
    schema: store.spec.schema.name,
    image: tools.images['platform'] ?? '',
    digest: schema.digest,
  }
}

function running(context: Context, jobName: string): Outcome {
  const pods = findPods(context, 'migration')
  const problem = podProblem(pods) ?? lastWords(pods)
  const message = `Job ${jobName} brings the schema to migration ${context.schema.target}${problem ? ` (${problem})` : ''}`
  return { kind: 'wait', reason: 'Running', message, retryAfterMs: 5_000 }
}

/** The runner's own words name file and statement; it says DatabaseIsNewer first when the database has files it does not know. */
function migrationFailed(context: Context, jobName: string, reason: string): Outcome {
  const words = lastWords(findPods(context, 'migration')) ?? reason
  const message = `${words}. Job ${jobName} is tried again an hour after it failed; delete it to try now`
  return { kind: 'blocked', reason: words.startsWith('DatabaseIsNewer') ? 'DatabaseIsNewer' : 'Failed', message }
}

const bindingPublished: Step<Context> = {
  condition: 'BindingPublished',
  async run(context) {
    const isNew = !findSecret(context, names.bindingSecret(context.store.metadata.name, 'app'))
    const refused = await ensureBinding(context, 'app')
    if (refused) return refused
    if (isNew) await bootstrap(context)
    return { kind: 'done', reason: 'Published' }
  },
}

/** Writes a binding Secret; its password is kept if there is one. Only `app` follows spec.binding. */
async function ensureBinding(context: Context, role: BindingRole): Promise<Outcome | undefined> {
  const { engine, plan, store, tools } = context
  const name = names.bindingSecret(store.metadata.name, role)
  const password = secretValue(findSecret(context, name), 'password') ?? randomPassword()
  const target = directTarget(context, engine.bindingLogins(plan)[role], password, plan.database)
  const values = engine.binding(role === 'app' ? { ...target, ...store.spec.binding } : target)
  return writeSecret(tools, metadata(context, name), values, 'servicebinding.io/postgresql')
}

function metadata({ plan, namespace }: Context, name: string) {
  return { name, namespace, labels: labels(plan.identity) }
}

const deadline = ({ signal }: Context, ms: number) => AbortSignal.any([signal, AbortSignal.timeout(ms)])

/** In this order, each only when the one before it is done. */
export const steps: Step<Context>[] = [
  specValid,
  dependenciesReady,
  objectsApplied,
  engineReady,
  credentialsReady,
  schemaReady,
  bindingPublished,
]
