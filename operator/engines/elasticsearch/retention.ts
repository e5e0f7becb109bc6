import { before, isPeriod, readPeriod, retentionRules } from '../../../crds/retention.ts'
import { retiredTemplate, type RetiredIndices } from '../../../crds/retention-marks.ts'
import type { Retention, RetentionOfRule, Target } from '../engine.ts'
import { ask, reasonOf } from './request.ts'

/*
 * Migrations give the alias of an index to its next version and mark the earlier one (`_meta.retired_at` of its mapping). How long such
 * ones stay is in `_meta` of a component template, which is in the cluster's state and makes nothing. Index lifecycle management is not
 * in every distribution, so the operator drops them: in `apply`, which is called as long as something is due.
 *
 * While there is no such template, what migrations note with the mark (`keep_days`) is in force, and they drop by it themselves.
 */

const rule = 'retired-indices'

export const retention: Retention = {
  async observe(target, _plan, signal) {
    const found = await readIndices(target, signal)
    if (found.size === 0) return undefined
    const retired = retiredOf(found, target.database)
    const inForce = (await readStored(target, signal)) ?? noted(retired)
    const now = new Date()
    const [oldest] = retired.map(({ at }) => at).sort((one, other) => one.getTime() - other.getTime())
    const due = dueBy(inForce, retired, now).map(({ name, at }) => `${name} is dropped, retired ${at.toISOString()}`)
    return {
      now,
      rules: { [rule]: inForce },
      oldest: oldest && !inForce.hold ? { [rule]: oldest } : {},
      holds: [],
      due,
    }
  },
  async removes(target, _plan, next, signal) {
    const retired = retiredOf(await readIndices(target, signal), target.database)
    const inForce = (await readStored(target, signal)) ?? noted(retired)
    const now = new Date()
    const already = new Set(dueBy(inForce, retired, now).map(({ name }) => name))
    let documents = 0
    for (const { name } of dueBy(next.rules[rule], retired, now))
      if (!already.has(name)) documents += await countOf(target, name, signal)
    return { [rule]: documents }
  },
  async apply(target, _plan, next, signal) {
    const given = next.rules[rule]
    if (!given) return
    await store(target, given, signal)
    // As it is now: an alias may have moved back.
    const retired = retiredOf(await readIndices(target, signal), target.database)
    for (const { name } of dueBy(given, retired, new Date())) await drop(target, name, signal)
  },
}

/** Of an index: names of its aliases, and what its mapping notes. */
interface Index {
  aliases?: Record<string, unknown>
  mappings?: { _meta?: { retired_at?: unknown; keep_days?: unknown } }
}

/** An earlier version that nobody can come to by an alias. */
export interface Retired {
  name: string
  at: Date
  keepDays: number | undefined
}

/** Those that migrations marked, and no others. Pure. @param prefix  how names of the store's indices begin */
export function retiredOf(indices: Map<string, Index>, prefix: string): Retired[] {
  return [...indices].flatMap(([name, { aliases = {}, mappings }]) => {
    const { retired_at, keep_days } = mappings?._meta ?? {}
    if (!isVersion(name, prefix) || Object.keys(aliases).length > 0 || typeof retired_at !== 'string') return []
    const at = new Date(retired_at)
    if (Number.isNaN(at.getTime())) return []
    return [{ name, at, keepDays: Number.isInteger(keep_days) ? (keep_days as number) : undefined }]
  })
}

/** `<prefix>-<index>_v<version>`; nothing else of what begins so is of migrations, but for what they compare with. */
const isVersion = (name: string, prefix: string) =>
  name.startsWith(`${prefix}-`) && /^[a-z][a-z0-9]*_v[0-9]+$/.test(name.slice(prefix.length + 1))

/** What is in force by the marks alone, of several the longest; without any what files of migrations say. Pure. */
export function noted(retired: Retired[]): RetentionOfRule {
  const days = retired.flatMap(({ keepDays }) => keepDays ?? [])
  const { keep } = retentionRules.search[rule]
  return { keep: days.length > 0 ? `${Math.max(...days)}d` : keep, hold: false }
}

/** Pure. */
export function dueBy(given: RetentionOfRule | undefined, retired: Retired[], now: Date): Retired[] {
  if (!given || given.hold) return []
  const limit = before(now, readPeriod(given.keep))
  return retired.filter(({ at }) => at < limit)
}

// --- asking -----------------------------------------------------------------------------------------------------------------

async function readIndices(target: Target, signal: AbortSignal): Promise<Map<string, Index>> {
  const path = `/${encodeURIComponent(`${target.database}-*_v*`)}?filter_path=*.aliases,*.mappings._meta`
  const { status, body } = await accepted(target, 'GET', path, signal, [404])
  return new Map(status === 404 ? [] : Object.entries((body ?? {}) as Record<string, Index>))
}

const templatePath = ({ database }: Target) => `/_component_template/${encodeURIComponent(retiredTemplate(database))}`

interface Templates {
  component_templates?: { component_template?: { _meta?: Partial<RetiredIndices> } }[]
}

async function readStored(target: Target, signal: AbortSignal): Promise<RetentionOfRule | undefined> {
  const { body } = await accepted(target, 'GET', templatePath(target), signal, [404])
  return storedIn(body ?? {})
}

/** Undefined: there is none, or somebody wrote something else there. Pure. */
export function storedIn({ component_templates: [found] = [] }: Templates): RetentionOfRule | undefined {
  const { keep, hold } = found?.component_template?._meta ?? {}
  if (typeof keep !== 'string' || typeof hold !== 'boolean' || !isPeriod(keep)) return undefined
  return { keep, hold }
}

async function store(target: Target, { keep, hold }: RetentionOfRule, signal: AbortSignal): Promise<void> {
  const stored = await readStored(target, signal)
  if (stored?.keep === keep && stored.hold === hold) return
  const _meta: RetiredIndices = { keep, hold }
  await accepted(target, 'PUT', templatePath(target), signal, [], { template: {}, _meta })
}

async function countOf(target: Target, index: string, signal: AbortSignal): Promise<number> {
  const { body } = await accepted(target, 'GET', `/${index}/_count`, signal, [404])
  return (body as { count?: number } | undefined)?.count ?? 0
}

async function drop(target: Target, index: string, signal: AbortSignal): Promise<void> {
  await accepted(target, 'DELETE', `/${index}`, signal, [404])
}

/** @param also  answers other than success that are none of trouble */
async function accepted(
  target: Target,
  method: string,
  path: string,
  signal: AbortSignal,
  also: number[],
  body?: object,
) {
  const answer = await ask(target, method, path, signal, body)
  if (answer.status >= 300 && !also.includes(answer.status)) throw new Error(`Elasticsearch: ${reasonOf(answer)}`)
  return answer
}
