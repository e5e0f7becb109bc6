import {
  authorityOf,
  keepSecret,
  ensureAuthority,
  ensureServerCertificate,
  waitFor,
  writeSecret,
} from '../credentials.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import { podProblem } from '../data-store/decide.ts'
import { names as storeNames, poolerRole } from '../data-store/names.ts'
import type { Address } from '../postgres-connection.ts'
import { imageOf } from '../images.ts'
import { dropIssuedCertificate, ensureIssuedCertificate } from '../issuer.ts'
import { withOwner } from '../kube/apply.ts'
import { deadline } from '../reconcile/deadline.ts'
import { goesOn, type Outcome } from '../reconcile/outcome.ts'
import type { Step } from '../reconcile/steps.ts'
import { randomPassword, secretValue } from '../secrets.ts'
import { children, isPooled, isPooledChild } from './children.ts'
import { asleep, stopClients } from './hibernate.ts'
import { names } from './names.ts'
import { applyPolicies } from './network.ts'
import { ownedUnlessProtected, releaseProtected } from './ownership.ts'
import { findPods, findSecret, platformLabels, pooledStores, readStores, type Context } from './observe.ts'
import { answers, synchronize } from './pooler/admin.ts'
import { budgetProblem } from './pooler/budget.ts'
import { compile, type PoolerPlan } from './pooler/compile.ts'
import { sharePoolerPassword } from './pooler/credentials.ts'
import { poolerObjects, poolerSecretValues, poolerServerNames } from './pooler/objects.ts'
import { pooledOf, poolerPlan, runningPoolers } from './pooler/plan.ts'
import { validate } from './pooler/settings.ts'
import { rollout } from '../rollout.ts'
import { poolingOf } from './profile.ts'
import { decideHold } from './switchover.ts'
import { createTokenKeys } from './tokens.ts'
import { workloads } from './workloads.ts'

/** Kinds this controller makes itself; what it no longer asks for is pruned. A DataStore never is: it holds data. */
const ownedKinds = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
]

const specValid: Step<Context> = {
  condition: 'SpecValid',
  async run(context) {
    const problems = validate(poolingOf(context.cluster), pooledOf(context))
    if (problems.length === 0) return { kind: 'done', reason: 'Valid' }
    return { kind: 'blocked', reason: 'Invalid', message: problems.join('; ') }
  },
}

const storesApplied: Step<Context> = {
  condition: 'StoresApplied',
  async run(context) {
    const { cluster, tools } = context
    const ca = metadata(context, names.caSecret(cluster.metadata.name))
    const own = cluster.spec.tls.issuerRef ? undefined : await ensureAuthority(tools, ca)
    const refused = own ?? (await ensureTokens(context))
    if (refused) return refused
    await releaseProtected(context)
    // Clients stop before the stores they use. A store that sleeps is not woken by one that comes back meanwhile.
    if (cluster.spec.hibernate) context.stopping = await stopClients(context)
    const isAsleep = [...readStores(context).values()].some(({ spec }) => spec.hibernate)
    const stores = children(cluster, { sleep: cluster.spec.hibernate && (isAsleep || !context.stopping) })
    const shared = await sharePoolerPassword(context, stores.filter(isPooledChild))
    if (shared) return shared
    const applied = await tools.applier.applyAll(stores.map((store) => ownedUnlessProtected(cluster, store)))
    if (applied.refused) return waitFor(applied.refused)
    return (await applyPolicies(context)) ?? { kind: 'done', reason: 'Applied' }
  },
}

function ensureTokens(context: Context): Promise<Outcome | undefined> {
  const name = names.tokensSecret(context.cluster.metadata.name)
  return keepSecret(context.tools, metadata(context, name), createTokenKeys)
}

const storesReady: Step<Context> = {
  condition: 'StoresReady',
  async run(context) {
    if (context.cluster.spec.hibernate) return asleep(context)
    // What the steps after this one go by: of these it is known that they are Ready.
    context.stores = readStores(context)
    const waiting = [...context.stores].flatMap(([name, store]) => {
      const why = whyNotReady(store)
      return why ? [{ name, why }] : []
    })
    const [first, ...others] = waiting
    if (!first) return { kind: 'done', reason: 'Ready' }
    const alike = others.length > 0 ? ` (and ${others.map(({ name }) => name).join(', ')})` : ''
    // Pooler and services go on without the stores they do not need.
    const goOn = waiting.every(({ name }) => !isPooled(name))
    // A store's own events wake this cluster; the time is only a safety net.
    return {
      kind: 'wait',
      reason: 'StoreNotReady',
      message: `${first.name}: ${first.why}${alike}`,
      retryAfterMs: 30_000,
      goOn,
    }
  },
}

/** Why a DataStore is not Ready for the spec it has now; undefined when it is. */
export function whyNotReady(store: DataStore): string | undefined {
  const ready = store.status?.conditions.find((condition) => condition.type === 'Ready')
  if (!ready) return 'not looked at yet'
  if (ready.observedGeneration !== store.metadata.generation) return 'its new spec is not looked at yet'
  return ready.status === 'True' ? undefined : ready.message
}

const poolerReady: Step<Context> = {
  condition: 'PoolerReady',
  async run(context) {
    const refused = await ensurePoolerSecret(context)
    if (refused) return refused
    const trouble = await ensurePoolerCertificate(context)
    if (trouble && !goesOn(trouble)) return trouble
    const outcome = await poolerRuns(context)
    // The certificate that it has serves as long as it can.
    return outcome.kind === 'done' ? (trouble ?? outcome) : outcome
  },
}

async function poolerRuns(context: Context): Promise<Outcome> {
  const { cluster, tools } = context
  const plan = poolerPlan(context)
  const overBudget = budgetProblem(plan)
  if (overBudget)
    return { kind: 'blocked', reason: 'PoolBudgetExceeded', message: overBudget, goOn: isPoolerThere(context) }
  const applied = await tools.applier.applyAll(poolerObjects(plan).map((object) => withOwner(cluster, object)))
  if (applied.refused) return waitFor(applied.refused)

  const holding = held(context)
  if (holding) return holding
  const pods = findPods(context, 'pooler')
  const waiting = rolloutOf(context, names.pooler(cluster.metadata.name))
  if (waiting) return { kind: 'wait', reason: 'Starting', message: podProblem(pods) ?? waiting, retryAfterMs: 5_000 }
  return (await reloadPods(context, plan)) ?? (await askThroughPooler(context))
}

/** The one that runs goes on as it is, and so do those who use it. */
function isPoolerThere({ cluster, namespace, tools }: Context): boolean {
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' }
  return tools.cache.get(deployment, namespace, names.pooler(cluster.metadata.name)) !== undefined
}

/** Its clients wait for a switchover, and so would a question through it. */
function held(context: Context): Outcome | undefined {
  const held = pooledStores(context).find((store) => decideHold(store, context.tools.now()).kind !== 'none')
  if (!held) return undefined
  const message = `clients of ${held.metadata.name} wait for its switchover`
  return { kind: 'wait', reason: 'Paused', message, retryAfterMs: 2_000 }
}

/** The passwords PgBouncer itself uses: to ask the databases for others', and for its admin console. */
async function ensurePoolerSecret(context: Context): Promise<Outcome | undefined> {
  const { cluster, tools } = context
  const name = names.pooler(cluster.metadata.name)
  const adminPassword = secretValue(findSecret(context, name), 'admin-password') ?? randomPassword()
  const [store] = pooledStores(context)
  const source = store && findSecret(context, storeNames.poolerSecret(store.metadata.name))
  const password = secretValue(source, 'password')
  if (!password) throw new Error(`no Secret of a store holds the password of ${poolerRole}`)
  const values = poolerSecretValues(password, adminPassword)
  return writeSecret(tools, metadata(context, name), values)
}

async function ensurePoolerCertificate(context: Context): Promise<Outcome | undefined> {
  const { cluster, tools } = context
  const { name } = cluster.metadata
  const { issuerRef: issuer } = cluster.spec.tls
  const tls = metadata(context, names.poolerTlsSecret(name))
  const issuedSecret = names.poolerIssuedSecret(name)
  const dnsNames = poolerServerNames(cluster)
  const issued = (why: string) => tools.events.normal(cluster, 'CertificateIssued', `pooler certificate issued: ${why}`)
  if (issuer) return ensureIssuedCertificate(tools, { owner: cluster, issuer, tls, issuedSecret, dnsNames }, issued)
  const ca = authorityOf(findSecret(context, names.caSecret(name)), names.caSecret(name))
  const stopped = await ensureServerCertificate(tools, tls, ca, dnsNames, issued)
  if (!stopped) await dropIssuedCertificate(tools, tls, issuedSecret)
  return stopped
}

const hashAnnotation = 'supersmartmatch.io/config-hash'

/** A change is a RELOAD, never a restart. The kubelet refreshes mounted files when the pod changes: the annotation hastens it. */
async function reloadPods(context: Context, plan: PoolerPlan): Promise<Outcome | undefined> {
  const { tools } = context
  const { effective, hash } = compile(plan)
  for (const { pod, console } of runningPoolers(context)) {
    const why = await synchronize(console, effective, deadline(context, 5_000))
    if (!why) continue
    if (pod.metadata.annotations?.[hashAnnotation] !== hash) {
      const patch = { metadata: { annotations: { [hashAnnotation]: hash } } }
      tools.cache.wrote(await tools.client.mergePatch(pod, context.namespace, pod.metadata.name, patch))
    }
    return { kind: 'wait', reason: 'Reloading', message: `pod ${pod.metadata.name}: ${why}`, retryAfterMs: 2_000 }
  }
  return undefined
}

/** Ready means that an application's login gets an answer, by the very Secret it would use. */
async function askThroughPooler(context: Context): Promise<Outcome> {
  for (const store of pooledStores(context)) {
    const binding = findSecret(context, storeNames.bindingSecret(store.metadata.name, 'app'))
    const value = (key: string) => secretValue(binding, key) ?? ''
    const target: Address = {
      host: value('host'),
      port: Number(value('port')),
      database: value('database'),
      username: value('username'),
      password: value('password'),
      ca: value('ca.crt'),
    }
    const why = await answers(target, deadline(context, 5_000))
    if (why) return { kind: 'wait', reason: 'Unreachable', message: `${target.database}: ${why}`, retryAfterMs: 5_000 }
  }
  return { kind: 'done', reason: 'Ready' }
}

const servicesReady: Step<Context> = {
  condition: 'ServicesReady',
  async run(context) {
    const { cluster, namespace, tools } = context
    const desired = workloads(cluster, platformImage(context)).map((object) => withOwner(cluster, object))
    const applied = await tools.applier.applyAll(desired)
    if (applied.refused) return waitFor(applied.refused)
    const keep = [...desired, ...poolerObjects(poolerPlan(context))]
    await tools.applier.prune({ ownerUid: cluster.metadata.uid ?? '', namespace, keep, kinds: ownedKinds })

    for (const deployment of desired.filter((object) => object.kind === 'Deployment')) {
      const waiting = rolloutOf(context, deployment.metadata.name)
      if (!waiting) continue
      const message = podProblem(findPods(context, 'service')) ?? waiting
      return { kind: 'wait', reason: 'Starting', message, retryAfterMs: 5_000 }
    }
    return { kind: 'done', reason: 'Ready' }
  },
}

function platformImage({ cluster, tools }: Context): string {
  return imageOf(undefined, tools.images['platform'], cluster.spec.registry)
}

function rolloutOf({ tools, namespace }: Context, name: string): string | undefined {
  const deployment = tools.cache.get({ apiVersion: 'apps/v1', kind: 'Deployment' }, namespace, name)
  return deployment ? rollout(deployment) : `Deployment ${name} is not there yet`
}

function metadata({ cluster, namespace }: Context, name: string) {
  return { name, namespace, labels: platformLabels(cluster) }
}

/** In this order, each only when the one before it is done. */
export const steps: Step<Context>[] = [specValid, storesApplied, storesReady, poolerReady, servicesReady]
