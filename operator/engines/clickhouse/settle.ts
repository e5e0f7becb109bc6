import type { Node, Plan, Settled, Target } from '../engine.ts'
import { ask } from './client.ts'
import { markers, wantedMarkers } from './config.ts'
import { isCluster } from './topology.ts'

interface Facts {
  /** Of the files it runs with, as `wantedMarkers` names them. */
  markers: string[]
  hasDatabase: boolean
  /** Fingerprint of the certificate it shows. */
  certificate: string
}

/**
 * Creates the store's database where it is missing, and waits until every pod runs with the files it shall have: settings, logins,
 * certificate. Servers look at their files by themselves; the kubelet is told when theirs are old.
 */
export async function settle(
  nodes: Node[],
  plan: Plan,
  passwords: Record<string, string>,
  signal: AbortSignal,
): Promise<Settled> {
  const wanted = wantedMarkers(plan, passwords)
  const settled = await Promise.all(nodes.map((node) => settleNode(node, plan, wanted, signal)))
  const outdated = Object.assign({}, ...settled.map((one) => one.outdated ?? {})) as Record<string, string>
  const waiting = settled.find((one) => one.waiting !== undefined)?.waiting
  return { changed: settled.flatMap((one) => one.changed), outdated, ...(waiting === undefined ? {} : { waiting }) }
}

async function settleNode(node: Node, plan: Plan, wanted: string[], signal: AbortSignal): Promise<Settled> {
  const { name, target, certificate } = node
  // One that is not ready is what the roll-out waits for.
  if (!target || !node.ready) return { changed: [] }
  const facts = await observe(target, plan, signal)
  const changed = facts.hasDatabase ? [] : await createDatabase(node, target, plan, signal)
  const files = wanted.every((marker) => facts.markers.includes(marker))
  const isShown = certificate === '' || facts.certificate === certificate
  const outdated = files && isShown ? {} : { [name]: `${wanted.join()} ${certificate}`.replaceAll(' ', '-') }
  const waiting = files
    ? await withoutKeeper(name, target, plan, signal)
    : `${name} does not have its new settings or logins yet`
  return { changed, outdated, ...(waiting === undefined ? {} : { waiting }) }
}

async function observe(target: Target, { database }: Plan, signal: AbortSignal): Promise<Facts> {
  const query = `
    SELECT 'marker', substitution FROM system.macros WHERE macro = '${markers.settings}'
    UNION ALL SELECT 'marker', name FROM system.settings_profiles WHERE match(name, '^(${markers.profiles}|${markers.logins})')
    UNION ALL SELECT 'database', name FROM system.databases WHERE name = '${database}'`
  const { text, certificate } = await ask(target, query, signal)
  const rows = text.trim().split('\n').map((line) => line.split('\t')) // prettier-ignore
  const valuesOf = (kind: string) => rows.filter(([first]) => first === kind).map(([, value = '']) => value)
  return { markers: valuesOf('marker'), hasDatabase: valuesOf('database').length > 0, certificate }
}

async function createDatabase({ name }: Node, target: Target, { database }: Plan, signal: AbortSignal) {
  await ask(target, `CREATE DATABASE IF NOT EXISTS ${database}`, signal)
  return [`database ${database} created on ${name}`]
}

/** Replicated tables are read-only without it. */
async function withoutKeeper(
  name: string,
  target: Target,
  plan: Plan,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!isCluster(plan)) return undefined
  try {
    await ask(target, `SELECT count() FROM system.zookeeper WHERE path = '/'`, signal)
    return undefined
  } catch (error) {
    return `${name} does not reach Keeper: ${error instanceof Error ? error.message : String(error)}`
  }
}
