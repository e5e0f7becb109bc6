import type { Reason } from '../../crds/conditions.ts'
import type { Member, Members, Membership, Node, Plan } from '../engines/engine.ts'
import { hasStatus } from '../kube/client.ts'
import { poolerPausedAnnotation } from '../labels.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import { deadline } from '../reconcile/deadline.ts'
import { messageOf } from '../reconcile/errors.ts'
import type { Step } from '../reconcile/steps.ts'
import { rollout } from '../rollout.ts'
import { podProblem } from './decide.ts'
import { claimsInUse } from './growth.ts'
import { volumeEmpty } from './losses.ts'
import { allPasswords } from './logins.ts'
import { askMembers, memberAddress, nodesOf, podStates, readySince } from './members.ts'
import { names } from './names.ts'
import {
  adminTarget,
  databasePods,
  findPod,
  findStatefulSet,
  findVolumeClaims,
  memberTarget,
  type Context,
} from './observe.ts'
import { loadCertificates, refreshFiles } from './renewal.ts'
import { nextMove, type Move } from './rollout.ts'
import { membersWanted, memberToLead, trustVolumes } from './size.ts'
import {
  begin,
  dueRequest,
  failed,
  isUnderWay,
  proceed,
  switchoverAnnotation,
  type SwitchoverStatus,
  type SwitchoverStep,
} from './switchover.ts'
import { causeOfRestart, isApproved, mayRestart, planHash } from './updates.ts'
import { announcePending, recordSettings, settingsInForce } from './template.ts'
import { sizeInForce } from './volumes.ts'

/**
 * EngineReady of a store that runs here. Each part only when those before it have nothing to do:
 *
 * 1. hibernated: no pod is left
 * 2. what may change at run time is what the spec says, on every member
 * 3. a switchover that has begun goes on to its end
 * 4. the primary leaves a pod that shall go; members that are old or wait for a restart are renewed, one at a time
 * 5. members show the certificate that is in the Secret; one that does not yet holds nothing up
 * 6. the one member that is left of an approved shrink leads
 * 7. the primary answers a query, and every member follows it
 * 8. a switchover that somebody asked for begins
 */
export const engineReady: Step<Context> = {
  condition: 'EngineReady',
  async run(context) {
    if (context.plan.members === 0) return hibernated(context)
    const { members } = context.engine
    if (!members) return nodesReady(context)
    const answer = await askMembers(context)
    if (typeof answer === 'string') return withoutAnswer(context, answer)
    const cluster = { ...answer, members }
    report(context, answer.membership)
    await trustVolumes(context, answer.membership)
    const move = nextMoveOf(context, answer.membership)
    return (
      (await configure(context, cluster)) ??
      (await remember(context, cluster)) ??
      (await continueSwitchover(context, cluster)) ??
      (await relocate(context, cluster)) ??
      (await carryOut(context, move, cluster)) ??
      (await loadCertificates(context, members)) ??
      (await promoteLast(context, cluster)) ??
      (await probe(context)) ??
      incomplete(context, move) ??
      (await startSwitchover(context, cluster)) ?? { kind: 'done', reason: 'Ready', ...dueAfter(context) }
    )
  },
}

/** Of pods that have no leader: Kubernetes replaces them, one by one. */
async function nodesReady(context: Context): Promise<Outcome> {
  const nodes = nodesOf(context)
  context.found.replicas = nodes.filter(({ ready }) => ready).length
  return (
    (await settle(context, nodes)) ??
    rollingOut(context) ??
    (await probe(context)) ?? { kind: 'done', reason: 'Ready', ...dueAfter(context) }
  )
}

/** Also while pods are missing: what the others need in order to become ready may be just this. */
async function settle(context: Context, nodes: Node[]): Promise<Outcome | undefined> {
  const { engine, plan, store, tools } = context
  if (!engine.settle || nodes.every(({ target }) => target === undefined)) return undefined
  try {
    const settled = await engine.settle(nodes, plan, allPasswords(context), deadline(context, 10_000))
    const { changed, waiting, outdated = {} } = settled
    if (changed.length > 0) tools.events.normal(store, 'SettingsChanged', changed.join(', '))
    await refreshFiles(context, outdated)
    // What waits together with the pod template is told by PendingRollout.
    const held = context.found.pending !== undefined && Object.keys(outdated).length > 0
    return waiting === undefined || held ? undefined : wait('Configuring', waiting, 1_000)
  } catch (error) {
    const reason = wasReady(context) ? 'Degraded' : 'Starting'
    return wait(reason, podProblem(databasePods(context)) ?? messageOf(error), 2_000)
  }
}

function rollingOut(context: Context): Outcome | undefined {
  const statefulSet = findStatefulSet(context)
  const message = statefulSet ? rollout(statefulSet) : 'the StatefulSet is not there yet'
  if (!message) return undefined
  const reason = wasReady(context) ? 'Degraded' : 'Starting'
  return wait(reason, podProblem(databasePods(context)) ?? message, 2_000)
}

/** The members' common voice: whoever answered speaks for all. */
interface Cluster {
  members: Members
  membership: Membership
  at: Parameters<Members['observe']>[0]
}

function hibernated(context: Context): Outcome {
  context.found.replicas = 0
  context.found.primary = undefined
  const [pod] = databasePods(context)
  if (pod) return wait('Hibernated', `pod ${pod.metadata.name} is stopping`, 1_000)
  return {
    kind: 'asleep',
    reason: 'Hibernated',
    message: 'spec.hibernate is true: no pod runs, volumes and credentials are kept',
  }
}

function wait(reason: Reason, message: string, retryAfterMs: number): Outcome {
  return { kind: 'wait', reason, message, retryAfterMs }
}

/** Nobody speaks for the members: a pod with an old template that does not run is renewed all the same, or no mistake could be taken back. */
async function withoutAnswer(context: Context, silence: string): Promise<Outcome> {
  context.found.replicas = 0
  context.found.primary = undefined
  const move = nextMoveOf(context, { members: [], paused: false })
  if (move.kind === 'replace') return replace(context, move.pod, move.why)
  const reason = wasReady(context) ? 'Degraded' : 'Starting'
  return (await probe(context)) ?? wait(reason, podProblem(databasePods(context)) ?? silence, 2_000)
}

function report(context: Context, { members }: Membership): void {
  const pods = databasePods(context).map(({ metadata }) => metadata.name)
  context.found.replicas = members.filter(({ name, healthy }) => healthy && pods.includes(name)).length
  context.found.primary = primaryOf(members)
}

const primaryOf = (members: Member[]) => members.find(({ role }) => role === 'primary')?.name

function nextMoveOf(context: Context, membership: Membership): Move {
  const pods = podStates(context)
  if (!pods) return { kind: 'wait', message: 'the StatefulSet’s new spec is not looked at yet' }
  return nextMove({ pods, wanted: context.plan.members, membership, mayRestart: restartAllowed(context, membership) })
}

/** Settings that only a restart puts in force wait like every other change that restarts pods. */
function restartAllowed(context: Context, { members }: Membership): boolean {
  const waiting = [...new Set(members.flatMap(({ pendingRestart }) => pendingRestart))].sort()
  if (waiting.length === 0) return false
  const { store, tools } = context
  const { uid, generation } = store.metadata
  const hash = planHash(uid, { generation, waiting })
  const approved = isApproved(store, hash)
  const cause = causeOfRestart(waiting, settingsInForce(context), store.spec)
  const gate = mayRestart({ policy: store.spec.updatePolicy, cause, approved, now: tools.now() })
  if (!gate.go) announcePending(context, gate, { hash, what: 'restart PostgreSQL', differences: waiting })
  return gate.go
}

async function configure(context: Context, cluster: Cluster): Promise<Outcome | undefined> {
  try {
    return await bringSettings(context, cluster)
  } catch (error) {
    // Patroni has nothing to change before it has initialised the store, and a member may go while it is asked.
    return wait('Configuring', messageOf(error), 1_000)
  }
}

async function bringSettings(context: Context, { members, at, membership }: Cluster): Promise<Outcome | undefined> {
  const plan = planInForce(context)
  const changed = await members.configure(at, plan, deadline(context, 5_000))
  if (changed.length > 0) {
    context.tools.events.normal(context.store, 'SettingsChanged', changed.join(', '))
    return wait('Configuring', `changing ${changed.join(', ')}`, 1_000)
  }
  // What an old pod mounts may overrule the settings: its replacement brings them.
  const stale = podStates(context)?.filter((pod) => pod.stale) ?? []
  for (const member of membership.members) {
    if (stale.some(({ name }) => name === member.name)) continue
    const target = member.healthy ? memberTarget(context, member.name) : undefined
    if (!target) continue
    const [missing] = await members.unapplied(target, plan, member, deadline(context, 3_000))
    if (!missing) continue
    const pod = findPod(context, member.name)
    const address = pod && memberAddress(context, pod)
    const late = isUnreadyFor(context, 2 * patroniLookMs)
    if (address && late) await members.reload(address, deadline(context, 3_000))
    return wait('Configuring', `${member.name}: ${missing}`, late ? patroniLookMs : 1_000)
  }
  return undefined
}

/**
 * A member takes a change over within two looks of its manager. Patroni (4.0.7) compares with a running server only: a change that
 * reaches it while PostgreSQL starts is noted and never written, until it is told to compare again. What PostgreSQL refuses is told
 * again and again, too, once a look, and does no harm.
 */
const patroniLookMs = 5_000

function isUnreadyFor({ store, tools }: Context, ms: number): boolean {
  const ready = store.status?.conditions.find(({ type }) => type === 'EngineReady')
  return ready?.status === 'False' && tools.now().getTime() - Date.parse(ready.lastTransitionTime) > ms
}

async function remember(context: Context, { membership }: Cluster): Promise<undefined> {
  if (membership.members.every(({ pendingRestart }) => pendingRestart.length === 0)) await recordSettings(context)
}

/** Settings follow the memory and the volumes that there are, not those that the spec asks for and that wait or cannot be. */
function planInForce(context: Context): Plan {
  const { plan, heldMemory } = context
  const { spec } = plan.store
  const memoryLimit = heldMemory ?? spec.resources.memoryLimit
  const size = sizeInForce(claimsInUse(context), spec.storage.size)
  const inForce = {
    ...spec,
    resources: { ...spec.resources, memoryLimit },
    storage: { ...spec.storage, size },
  }
  return { ...plan, store: { ...plan.store, spec: inForce } }
}

async function carryOut(context: Context, move: Move, cluster: Cluster): Promise<Outcome | undefined> {
  switch (move.kind) {
    case 'none':
    case 'wait':
      return undefined
    case 'replace':
      return replace(context, move.pod, move.why)
    case 'restart':
      return restart(context, cluster, move.pod, move.why)
    case 'switchover':
      return switchOver(context, cluster, { request: 'rolling restart', from: move.from, to: move.to })
  }
}

async function replace(context: Context, name: string, why: string): Promise<Outcome> {
  const { store, tools } = context
  const pod = findPod(context, name)
  if (isVolumeGoing(context, name)) {
    return wait(
      'Degraded',
      `pod ${name} is not replaced although ${why}: its volume claim was deleted and would go with it`,
      10_000,
    )
  }
  try {
    if (pod) await tools.client.delete(pod)
    tools.events.normal(store, 'PodReplaced', `pod ${name}: ${why}`)
  } catch (error) {
    // Patroni notes its heartbeat on the pod: the next look has its newest version.
    if (!hasStatus(error, 409)) throw error
  }
  return wait('Restarting', `replacing pod ${name}: ${why}`, 1_000)
}

function isVolumeGoing(context: Context, pod: string): boolean {
  return findVolumeClaims(context).some(({ metadata }) => metadata.deletionTimestamp !== undefined && metadata.name === `${names.volume}-${pod}`)
} // prettier-ignore

async function restart(context: Context, { members }: Cluster, name: string, why: string): Promise<Outcome> {
  const pod = findPod(context, name)
  const at = pod && memberAddress(context, pod)
  if (!at) return wait('Restarting', `${name} has no address`, 1_000)
  context.tools.events.normal(context.store, 'MemberRestarted', `${name}: ${why}`)
  try {
    await members.restart(at, deadline(context, 10_000))
  } catch (error) {
    return wait('Restarting', messageOf(error), 2_000)
  }
  return wait('Restarting', `restarting ${name}: ${why}`, 1_000)
}

async function relocate(context: Context, cluster: Cluster): Promise<Outcome | undefined> {
  return context.relocation && switchOver(context, cluster, { request: 'scale down', ...context.relocation })
}

/** After its pod is ready: longer than Patroni takes to elect whom it may, `ttl` and an election. */
const electionMs = 30_000

async function promoteLast(context: Context, { members, at, membership }: Cluster): Promise<Outcome | undefined> {
  const last = memberToLead(context, membership)
  const pod = last && findPod(context, last.name)
  const since = pod && readySince(pod)
  if (!last || !since) return undefined
  const { name, held } = last
  const left = `${name}, the only member left of a shrink that was approved,`
  if (held !== undefined) return wait('Unreachable', `${left} does not lead: ${held}`, 2_000)
  if (context.tools.now().getTime() - since.getTime() < electionMs)
    return wait(
      'Unreachable',
      `${left} is told to lead unless it does so by itself within ${electionMs / 1_000} s`,
      2_000,
    )
  const signal = deadline(context, 4_000)
  try {
    const refusal = await members.promote(at, name, signal)
    return wait('Unreachable', refusal ? `${left} does not lead: ${refusal}` : `${left} was told to lead`, 2_000)
  } catch (error) {
    return wait('Unreachable', `${left} does not lead: ${messageOf(error)}`, 2_000)
  }
}

async function startSwitchover(context: Context, cluster: Cluster): Promise<Outcome | undefined> {
  const { store, tools } = context
  const request = store.metadata.annotations?.[switchoverAnnotation]
  const status = store.status?.switchover
  const due = dueRequest({ request, status, membership: cluster.membership, now: tools.now() })
  switch (due.kind) {
    case 'nothing':
      return undefined
    case 'later':
      context.found.switchover = due.status
      context.due.push(due.at)
      return undefined
    case 'refused':
      ended(context, due.status)
      return undefined
    case 'now':
      return switchOver(context, cluster, { request: request ?? '', from: due.from, to: due.to })
  }
}

type Wanted = { request: string; from: string; to: string }

function switchOver(context: Context, cluster: Cluster, wanted: Wanted): Promise<Outcome | undefined> {
  const { store, tools } = context
  const pooled = store.spec.binding !== undefined
  return execute(context, cluster, begin({ ...wanted, pooled, previous: store.status?.switchover, now: tools.now() }))
}

async function continueSwitchover(context: Context, cluster: Cluster): Promise<Outcome | undefined> {
  const { store, tools } = context
  const status = store.status?.switchover
  if (!isUnderWay(status)) return undefined
  const primary = primaryOf(cluster.membership.members)
  const answers = primary !== undefined && primary !== status.from && (await isAnswering(context))
  const pausedFor = store.metadata.annotations?.[poolerPausedAnnotation]
  return execute(context, cluster, proceed({ status, primary, answers, pausedFor, now: tools.now() }))
}

async function isAnswering(context: Context): Promise<boolean> {
  return (await context.engine.probe(adminTarget(context), deadline(context, 2_000))).state === 'ready'
}

/** Often enough that clients are not held longer than they must be. */
const switchoverPollMs = 250

async function execute(context: Context, cluster: Cluster, step: SwitchoverStep): Promise<Outcome | undefined> {
  const { status } = step
  context.found.switchover = status
  switch (step.kind) {
    case 'over':
      ended(context, status)
      return undefined
    case 'prepare':
    case 'wait':
      return wait('SwitchingOver', status.message, switchoverPollMs)
    case 'run': {
      const { from = '', to = '' } = status
      const refusal = await cluster.members.switchOver(cluster.at, from, to, deadline(context, 4_000))
      if (refusal === undefined) return wait('SwitchingOver', status.message, switchoverPollMs)
      ended(context, failed(status, refusal))
      return wait('SwitchingOver', refusal, 5_000)
    }
  }
}

function ended(context: Context, status: SwitchoverStatus): void {
  const { store, tools } = context
  context.found.switchover = status
  if (status.state === 'Succeeded') tools.events.normal(store, 'SwitchoverSucceeded', status.message)
  else tools.events.warning(store, 'SwitchoverFailed', status.message)
}

/** The primary answers a query: undefined. */
async function probe(context: Context): Promise<Outcome | undefined> {
  const health = await context.engine.probe(adminTarget(context), deadline(context, 3_000))
  if (health.state === 'ready') {
    context.found.version = health.version
    return undefined
  }
  const lost = volumeEmpty(context.store, databasePods(context), findVolumeClaims(context))
  if (lost) return lost
  const message = podProblem(databasePods(context)) ?? health.message
  // prettier-ignore
  switch (health.state) {
    case 'starting':    return wait('Starting', message, 2_000)
    case 'unreachable': return wait('Unreachable', withoutPod(context) ?? message, 2_000)
    case 'degraded':    return wait('Degraded', message, 10_000)
  }
}

/** A pod that Kubernetes refuses to make (a quota, a webhook) has no status: only Events say why, which the operator may not read. */
function withoutPod(context: Context): string | undefined {
  const { namespace, store } = context
  return databasePods(context).length > 0
    ? undefined
    : `no pod is there; if it stays so, kubectl describe statefulset ${store.metadata.name} -n ${namespace} says why`
}

/** Not every member that is wanted is there and follows. */
function incomplete(context: Context, move: Move): Outcome | undefined {
  const wanted = membersWanted(context)
  const { members } = context.plan
  if (move.kind === 'wait')
    return wait(wasReady(context) ? 'Degraded' : 'Starting', podProblem(databasePods(context)) ?? move.message, 2_000)
  return members === wanted || context.sizeRefused
    ? undefined
    : wait('Starting', `${members} of ${wanted} members are there`, 500)
}

/** For this very spec: then it is no start but a failure. */
function wasReady({ store }: Context): boolean {
  const before = store.status?.conditions.find(({ type }) => type === 'EngineReady')
  const fell = before?.status === 'True' || before?.reason === 'Degraded'
  return fell && before?.observedGeneration === store.metadata.generation
}

function dueAfter({ due, tools }: Context): { retryAfterMs?: number } {
  if (due.length === 0) return {}
  const now = tools.now().getTime()
  return { retryAfterMs: Math.max(0, Math.min(...due.map((time) => time.getTime())) - now) }
}
