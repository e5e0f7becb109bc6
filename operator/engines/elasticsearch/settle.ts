import { names } from '../../data-store/names.ts'
import type { Node, Plan, Settled, Target } from '../engine.ts'
import { loginFiles, markerIn, markerOf } from './config.ts'
import { dynamicSettings, isKept } from './parameters.ts'
import { ask, reasonOf } from './request.ts'
import { excluded, restoreVotes, standingOf, surplus } from './shrink.ts'

/** What one node says of itself. */
export interface Report {
  name: string
  target: Target
  /** Id of its cluster; absent while it is in none, or lets nobody in. */
  cluster: string | undefined
  /** Which version of the files of logins it has read; absent when it does not know the operator's own password. */
  files: string | undefined
}

/**
 * Cluster settings as in the spec, and nodes that are in one cluster and know who may log in. Logins are files that the server reads
 * again by itself: here is only seen to it that the kubelet brings them.
 */
export async function settle(
  nodes: Node[],
  plan: Plan,
  passwords: Record<string, string>,
  signal: AbortSignal,
): Promise<Settled> {
  const wanted = markerIn(loginFiles(plan, passwords))
  const asked = nodes.flatMap(({ name, target }) => (target ? [reportOf(name, target, signal)] : []))
  const reports = (await Promise.all(asked)).filter((report) => report !== undefined)
  const { outdated, waiting, speaker } = judge(reports, wanted)
  if (!speaker) return { changed: [], outdated, waiting: waiting ?? lost(reports, plan) ?? 'no node answers yet' }
  const standing = await standingOf(speaker, signal)
  const going = surplus(standing.nodes, plan)
  const { changed, refusal } = await bringSettings(speaker, plan, going, signal)
  await restoreVotes(speaker, standing, going, signal)
  const reason = refusal ?? waiting
  return { changed, outdated, ...(reason ? { waiting: reason } : {}) }
}

/** Pods with old files, what is wrong, and whom to speak to; nobody when it is better to leave the cluster alone. */
interface Judgement {
  outdated: Record<string, string>
  waiting?: string
  speaker?: Target
}

/** What is to be done about these nodes, and at which of them the cluster can be spoken to. Pure. */
export function judge(reports: Report[], wanted: string): Judgement {
  const stale = reports.filter(({ files }) => files !== wanted).map(({ name }) => name)
  const outdated = Object.fromEntries(stale.map((name) => [name, wanted]))
  const joined = reports.filter(({ cluster }) => cluster !== undefined)
  const [first] = joined
  const stranger = joined.find(({ cluster }) => cluster !== first?.cluster)
  if (first && stranger) {
    const two = `${first.name} is in cluster ${first.cluster} and ${stranger.name} in ${stranger.cluster}`
    return { outdated, waiting: `${two}: each has data that the other does not know of; see docs/elasticsearch.md` }
  }
  const waiting = stale.length > 0 ? `${stale.join(', ')}: the files of logins are older than the passwords` : undefined
  return { outdated, ...(waiting ? { waiting } : {}), ...(first ? { speaker: first.target } : {}) }
}

/** What every pod says when there was a cluster and none of them has ever been in one. Pure. */
export function lost(reports: Report[], { members, store }: Plan): string | undefined {
  const { name } = store.metadata
  const nobody = reports.every(({ cluster, files }) => cluster === undefined && files !== undefined)
  if (store.status?.version === undefined || reports.length < members || !nobody) return undefined
  const claims = reports.map((report) => `${names.volume}-${report.name}`).join(', ')
  return (
    `${name} held data, and every pod found its volume empty: put the former PersistentVolumes, or ones restored from snapshots, behind volume claim ${claims}; ` +
    `or delete DataStore ${name} and the claims and let it be made again to begin with an empty one`
  )
}

/** Undefined: the node does not answer. One that starts or stops is no reason to leave the others alone; its readiness tells. */
async function reportOf(name: string, target: Target, signal: AbortSignal): Promise<Report | undefined> {
  const own = AbortSignal.any([signal, AbortSignal.timeout(3_000)])
  const answers = Promise.all([ask(target, 'GET', '/_security/_authenticate', own), ask(target, 'GET', '/', own)])
  const [login, root] = await answers.catch(() => [])
  signal.throwIfAborted()
  if (login?.status === 401) return { name, target, cluster: undefined, files: undefined }
  if (login?.status !== 200 || root?.status !== 200) return undefined
  const { roles = [] } = login.body as { roles?: string[] }
  const { cluster_uuid: cluster } = root.body as { cluster_uuid?: string }
  return { name, target, cluster: cluster === '_na_' ? undefined : cluster, files: markerOf(roles) }
}

type ClusterSettings = Record<'persistent' | 'transient', Record<string, unknown>>

/** @returns what was changed, or what the server says against it */
async function bringSettings(
  target: Target,
  plan: Plan,
  going: string[],
  signal: AbortSignal,
): Promise<{ changed: string[]; refusal?: string }> {
  const path = '/_cluster/settings'
  const answer = await ask(target, 'GET', `${path}?flat_settings=true&master_timeout=3s`, signal)
  if (answer.status !== 200) return { changed: [], refusal: `cluster settings: ${reasonOf(answer)}` }
  const { persistent, transient, changed } = differences(answer.body as ClusterSettings, wantedSettings(plan, going))
  if (changed.length === 0) return { changed }
  const set = await ask(target, 'PUT', `${path}?master_timeout=3s&timeout=3s`, signal, { persistent, transient })
  return set.status === 200 ? { changed } : { changed: [], refusal: `cluster settings: ${reasonOf(set)}` }
}

/** Those of the spec, and the nodes that are about to go: until they have, they must get nothing back. */
function wantedSettings(plan: Plan, going: string[]): Record<string, string> {
  return { ...dynamicSettings(plan.store), ...(going.length > 0 ? { [excluded]: going.join(',') } : {}) }
}

/** What brings the live settings to the wanted ones; null takes one away. Transient ones would overrule the persistent. Pure. */
export function differences({ persistent, transient }: ClusterSettings, wanted: Record<string, string>) {
  const gone = Object.keys(persistent).filter((name) => isOurs(name) && wanted[name] === undefined)
  const other = Object.keys(wanted).filter((name) => textOf(persistent[name]) !== wanted[name])
  const overruling = Object.keys(transient).filter(isOurs)
  const phrase = (name: string) => `${name}: ${textOf(persistent[name]) ?? 'default'} → ${wanted[name] ?? 'default'}`
  return {
    persistent: Object.fromEntries([...gone, ...other].map((name) => [name, wanted[name] ?? null])),
    transient: Object.fromEntries(overruling.map((name) => [name, null])),
    changed: [...[...gone, ...other].map(phrase), ...overruling.map((name) => `${name}: transient value removed`)],
  }
}

const isOurs = (name: string) => isKept(name) || name === excluded

/** The server gives all values back as text, lists excepted. */
const textOf = (value: unknown): string | undefined =>
  Array.isArray(value) ? value.join(',') : (value as string | undefined)
