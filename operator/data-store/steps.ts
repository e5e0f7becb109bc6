import type { KubeObject } from '../../crds/object.ts'
import { authorityOf, ensureAuthority, ensureServerCertificate, waitFor } from '../credentials.ts'
import type { BootstrapResult } from '../engines/engine.ts'
import { dropIssuedCertificate, ensureIssuedCertificate, type IssuerRef } from '../issuer.ts'
import { withOwner } from '../kube/apply.ts'
import { caHash } from '../labels.ts'
import { policyKind } from '../network.ts'
import { goesOn, type Outcome } from '../reconcile/outcome.ts'
import { messageOf } from '../reconcile/errors.ts'
import { deadline } from '../reconcile/deadline.ts'
import type { Step } from '../reconcile/steps.ts'
import { givenAuthority, missingClass } from './dependencies.ts'
import { migrationPolicy } from './migration-policy.ts'
import { engineReady } from './engine-ready.ts'
import { settleVolumes } from './growth.ts'
import { volumesMissing, volumesUnfit } from './losses.ts'
import { ensureBinding, ensureCredentials, metadata, storedPasswords } from './logins.ts'
import { names } from './names.ts'
import { schemaReady } from './schema-ready.ts'
import { retentionProblems } from './retention-plan.ts'
import { settleSize } from './size.ts'
import { withHeldTemplate } from './template.ts'
import { windowProblems } from './updates.ts'
import {
  caFingerprint,
  caSecretName,
  adminTarget,
  databasePods,
  findSecret,
  findStatefulSet,
  findVolumeClaims,
  readWriteHost,
  type Context,
} from './observe.ts'

/** Kinds an engine may own; what it no longer asks for is pruned. Secrets and volumes are never pruned. */
const ownedKinds = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  policyKind,
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding' },
]

const specValid: Step<Context> = {
  condition: 'SpecValid',
  async run({ engine, plan, tools }) {
    const { store, image } = plan
    // An external store runs no image of ours.
    const imageProblem =
      image || store.spec.mode === 'external'
        ? []
        : [`spec.image is empty and the operator has no images.${store.spec.engine}`]
    const windows = windowProblems(store.spec.updatePolicy.windows, tools.now())
    const problems = [
      ...imageProblem,
      ...(engine.validate?.(store) ?? []),
      ...windows,
      ...retentionProblems(store, engine.retention.longest),
    ]
    if (problems.length === 0) return { kind: 'done', reason: 'Valid' }
    return { kind: 'blocked', reason: 'Invalid', message: problems.join('; ') }
  },
}

const dependenciesReady: Step<Context> = {
  condition: 'DependenciesReady',
  async run(context) {
    const missing = await missingClass(context)
    if (missing && !goesOn(missing)) return missing
    const { caSecret, issuerRef } = context.store.spec.tls
    const outcome = issuerRef
      ? await issuedCertificate(context, issuerRef)
      : caSecret
        ? givenAuthority(context)
        : await ownAuthority(context)
    // The plan may be older than the CA. Its fingerprint is in the pod template: with another one pods would be rolled at once.
    context.plan.caFingerprint = caFingerprint(context.store, context.tools.cache)
    return goesOn(outcome) ? (missing ?? outcome) : outcome
  },
}

/** With the one that is there the later steps can go on. */
async function issuedCertificate(context: Context, issuer: IssuerRef): Promise<Outcome> {
  const { engine, plan, store, tools } = context
  const tls = metadata(context, names.tlsSecret(store.metadata.name))
  const issuedSecret = names.issuedSecret(store.metadata.name)
  const dnsNames = engine.serverNames(plan)
  const request = { owner: store, issuer, tls, issuedSecret, dnsNames, othersInUse: othersInUse(context) }
  const trouble = await ensureIssuedCertificate(tools, request, tellIssued(context))
  return trouble ?? { kind: 'done', reason: 'Ready' }
}

/** Of all pods that mount the certificate, those of a companion among them. */
const othersInUse =
  ({ plan, namespace, tools }: Context) =>
  (authority: string) =>
    tools.cache
      .list({ apiVersion: 'v1', kind: 'Pod' }, namespace)
      .some(({ metadata: { labels = {}, annotations } }) => {
        const isOurs = labels['app.kubernetes.io/instance'] === plan.identity.instance
        const shown = annotations?.[caHash]
        return isOurs && shown !== undefined && shown !== authority
      })

const tellIssued = (context: Context) => (why: string) =>
  context.tools.events.normal(context.store, 'CertificateIssued', `server certificate issued: ${why}`)

async function ownAuthority(context: Context): Promise<Outcome> {
  const stopped = await ensureAuthority(context.tools, metadata(context, caSecretName(context)))
  return stopped ?? { kind: 'done', reason: 'Ready' }
}

const objectsApplied: Step<Context> = {
  condition: 'ObjectsApplied',
  async run(context) {
    const { engine, plan, store, tools } = context
    const volumes = await settleVolumes(context)
    const unfit = volumes && goesOn(volumes) ? volumes : undefined
    const [claims, isThere] = [findVolumeClaims(context), findStatefulSet(context) !== undefined]
    const stopped =
      formerPods(context) ??
      volumesMissing(store, claims, isThere, plan.identity) ??
      volumesUnfit(store, claims, isThere, engine) ??
      (unfit ? undefined : volumes) ??
      (await ensureCredentials(context)) ??
      (await ensureTls(context))
    if (stopped) return stopped
    await forgetFormerStore(context)
    const refused = (await settleSize(context)) ?? unfit
    const objects = [...migrationPolicy(context), ...engine.objects(plan)]
    const desired = withHeldTemplate(context, objects).map((object) =>
      isMemory(context, object) ? object : withOwner(store, object),
    )
    await clearRollingUpdate(context)
    await releaseMemory(context)
    const conflict = await tools.applier.applyExactly(store, desired, ownedKinds)
    if (conflict) return waitFor(conflict)
    context.found.endpoint = `${readWriteHost(context)}:${engine.port}`
    return refused ?? { kind: 'done', reason: 'Applied' }
  },
}

/** Who sets updateStrategy to RollingUpdate leaves its settings behind, which OnDelete forbids and server-side apply cannot take away. */
async function clearRollingUpdate(context: Context): Promise<void> {
  const { namespace, tools } = context
  const statefulSet = findStatefulSet(context)
  const spec = statefulSet?.['spec'] as { updateStrategy?: { rollingUpdate?: object } } | undefined
  if (!statefulSet || !spec?.updateStrategy?.rollingUpdate) return
  const { name, uid, resourceVersion } = statefulSet.metadata
  const patch = {
    metadata: { uid, resourceVersion },
    spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } },
  }
  tools.cache.wrote(await tools.client.mergePatch(statefulSet, namespace, name, patch))
}

/**
 * What members remember stays with the volumes: who led, and who has every commit. Without it a store that comes back could begin
 * with a volume that is behind.
 */
function isMemory({ engine, plan }: Context, { kind, metadata }: KubeObject): boolean {
  return kind === 'Service' && (engine.memoryServices?.(plan) ?? []).includes(metadata.name)
}

/** Earlier operators owned it, and an apply refuses what another object owns. */
async function releaseMemory(context: Context): Promise<void> {
  const { namespace, store, tools } = context
  const services = tools.cache.list({ apiVersion: 'v1', kind: 'Service' }, namespace)
  for (const service of services.filter((one) => isMemory(context, one))) {
    const { name, uid, resourceVersion, ownerReferences = [] } = service.metadata
    const others = ownerReferences.filter((reference) => reference.uid !== store.metadata.uid)
    if (others.length === ownerReferences.length) continue
    const patch = { metadata: { uid, resourceVersion, ownerReferences: others } }
    tools.cache.wrote(await tools.client.mergePatch(service, namespace, name, patch))
  }
}

/** Pods without a StatefulSet are those of a store of this name that was deleted: they must be gone before the new ones come. */
function formerPods(context: Context): Outcome | undefined {
  if (findStatefulSet(context) || hasObjects(context)) return undefined
  const [pod] = databasePods(context)
  // A claim that was deleted, too, goes with them: the new store must not take it for a volume that is there.
  const claim = findVolumeClaims(context).find(({ metadata }) => metadata.deletionTimestamp)
  const left = pod ? `pod ${pod.metadata.name}` : claim && `volume claim ${claim.metadata.name}`
  if (!left) return undefined
  const message = `${left} of the previous ${context.store.metadata.name} is still going`
  return { kind: 'wait', reason: 'PreviousOwnerTerminating', message, retryAfterMs: 2_000 }
}

/** Whether this very store made objects before: then its StatefulSet is only being made anew. */
function hasObjects({ store, namespace, tools }: Context): boolean {
  const service = tools.cache.get(
    { apiVersion: 'v1', kind: 'Service' },
    namespace,
    names.headlessService(store.metadata.name),
  )
  return service?.metadata.ownerReferences?.some(({ uid }) => uid === store.metadata.uid) ?? false
}

/**
 * Patroni keeps its state in Endpoints, and a pod that is stopping may write them once more after their Service is gone. A new store of the
 * name with an empty volume would wait for ever for the old leader, so that state goes; with a volume it is true and stays.
 */
async function forgetFormerStore(context: Context): Promise<void> {
  const { engine, namespace, plan, tools } = context
  if (findVolumeClaims(context).length > 0 || findStatefulSet(context)) return
  for (const memory of engine.memories?.(plan) ?? []) {
    const found = await tools.client.get(memory, namespace, memory.name)
    if (!found?.metadata.annotations && !found?.['subsets']) continue
    // Of this version only: a successor may have started the store meanwhile, and Patroni written who leads it.
    const { uid, resourceVersion } = found.metadata
    const patch = { metadata: { uid, resourceVersion, annotations: null }, subsets: null }
    await tools.client.mergePatch(memory, namespace, memory.name, patch)
  }
}

/** Signed by the CA at hand; an issuer has done that before. */
async function ensureTls(context: Context): Promise<Outcome | undefined> {
  const { engine, plan, store, tools } = context
  if (store.spec.tls.issuerRef) return undefined
  const ca = authorityOf(findSecret(context, caSecretName(context)), caSecretName(context))
  const tls = metadata(context, names.tlsSecret(store.metadata.name))
  const stopped = await ensureServerCertificate(
    tools,
    tls,
    ca,
    engine.serverNames(plan),
    tellIssued(context),
    othersInUse(context),
  )
  if (!stopped) await dropIssuedCertificate(tools, tls, names.issuedSecret(store.metadata.name))
  return stopped
}

const credentialsReady: Step<Context> = {
  condition: 'CredentialsReady',
  async run(context) {
    const refused = await ensureBinding(context, 'owner')
    if (refused) return refused
    try {
      const result = await bootstrap(context)
      if (result) context.found = { ...context.found, clusterSql: result.clusterSql, edition: result.edition }
      return unavailable(context, result) ?? { kind: 'done', reason: 'Ready' }
    } catch (error) {
      return { kind: 'wait', reason: 'Failed', message: messageOf(error), retryAfterMs: 15_000 }
    }
  },
}

function unavailable({ plan }: Context, result: BootstrapResult | undefined): Outcome | undefined {
  if (!result || result.unavailable.length === 0) return undefined
  const message = `spec.extensions: the image ${plan.image} does not have ${result.unavailable.join(', ')}: take it off the list, or name an image that has it`
  return { kind: 'blocked', reason: 'Failed', message }
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
    mayCreateDatabase: store.status?.schema === undefined,
    extensions: store.spec.extensions,
  }
  const result = await engine.bootstrap(adminTarget(context), wanted, deadline(context, 30_000))
  if (result.changed.length > 0) tools.events.normal(store, 'CredentialsChanged', result.changed.join(', '))
  return result
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

/** In this order, each only when the one before it is done, or says that it holds up nothing (goOn). */
export const steps: Step<Context>[] = [
  specValid,
  dependenciesReady,
  objectsApplied,
  engineReady,
  credentialsReady,
  schemaReady,
  bindingPublished,
]
