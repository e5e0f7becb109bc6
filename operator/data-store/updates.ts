import { createHash } from 'node:crypto'
import { Cron } from 'croner'
import type { Reason } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'
import { group, type UpdatePolicy } from '../../crds/schema/common.ts'
import type { DataStoreSpec } from '../../crds/schema/data-store.ts'
import { quantity } from '../quantity.ts'

/** Lets the plan go whose hash it holds. */
export const approveAnnotation = `${group}/approve`

type Window = UpdatePolicy['windows'][number]

/** One sentence per window that cannot be acted on, naming its field; empty when all can. Pure. */
export function windowProblems(windows: Window[], now: Date): string[] {
  return windows.flatMap((window, index) => {
    const path = `spec.updatePolicy.windows[${index}]`
    const zone = timeZoneProblem(window.timeZone)
    if (zone) return [`${path}.timeZone: "${window.timeZone}" ${zone}`]
    const cron = cronProblem(window, now)
    return cron ? [`${path}.cron: "${window.cron}" ${cron}`] : []
  })
}

function timeZoneProblem(timeZone: string): string | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return 'is no time zone: use an IANA name, such as Europe/Paris'
    throw error
  }
}

function cronProblem(window: Window, now: Date): string | undefined {
  try {
    return schedule(window).nextRun(now) ? undefined : 'never comes'
  } catch (error) {
    // croner throws TypeError or RangeError, which begin with the name of its class.
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
    return `is no schedule of five fields (minute, hour, day of month, month, day of week): ${why}`
  }
}

const schedule = ({ cron, timeZone }: Window) => new Cron(cron, { timezone: timeZone, mode: '5-part' })

const minuteMs = 60_000

function durationMs({ duration }: Window): number {
  return Number(duration.slice(0, -1)) * (duration.endsWith('h') ? 60 : 1) * minuteMs
}

/** Whether a window is open. One that opened as long ago as it lasts is closed again. */
export function isOpen(windows: Window[], now: Date): boolean {
  return windows.some((window) => {
    const opening = schedule(window).nextRun(new Date(now.getTime() - durationMs(window)))
    return opening !== null && opening <= now
  })
}

/** When the next window opens; undefined when there is none. */
export function nextOpening(windows: Window[], now: Date): Date | undefined {
  const openings = windows.map((window) => schedule(window).nextRun(now)).filter((opening) => opening !== null)
  return openings.sort((a, b) => a.getTime() - b.getTime())[0]
}

// prettier-ignore
export type Gate =
  | { go: true }
  | { go: false; reason: Reason; message: string; opensAt?: Date }

/**
 * Whether a change that restarts pods may be carried out now.
 * cause: `spec`, somebody edited the object; `operator`, another version or another setting of the operator wants it alone.
 */
export function mayRestart(input: {
  policy: UpdatePolicy
  cause: 'spec' | 'operator'
  approved: boolean
  now: Date
}): Gate {
  const { policy, cause, approved, now } = input
  if (policy.type === 'Never')
    return { go: false, reason: 'Never', message: 'updatePolicy.type is Never: change it to let it go' }
  if (approved || (policy.type === 'Always' && cause === 'spec')) return { go: true }
  if (policy.type !== 'OnApproval' && isOpen(policy.windows, now)) return { go: true }
  const opensAt = policy.type === 'OnApproval' ? undefined : nextOpening(policy.windows, now)
  const until = opensAt ? `the window of ${opensAt.toISOString()} or for approval` : 'approval'
  const message = `it waits for ${until}`
  return { go: false, reason: waitingReason(policy, cause), message, ...(opensAt ? { opensAt } : {}) }
}

function waitingReason({ type }: UpdatePolicy, cause: 'spec' | 'operator'): Reason {
  if (cause === 'operator') return 'OperatorUpgrade'
  return type === 'Window' ? 'AwaitingWindow' : 'AwaitingApproval'
}

type Settings = Pick<DataStoreSpec, 'parameters' | 'resources'>

/** What of the spec becomes settings of the engine, to compare later with `causeOfRestart`. Pure. */
export function settingsOf({ parameters, resources }: Settings): string {
  const named = Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value] as const)
  return JSON.stringify({ parameters: Object.fromEntries(named), memoryLimit: resources.memoryLimit })
}

/**
 * Whose doing it is that these settings wait for a restart. Pure.
 * @param waiting   `max_connections: 100 → 200`
 * @param inForce   settingsOf() when no member waited; empty: the members never came so far, undefined: an older operator recorded none
 */
export function causeOfRestart(waiting: string[], inForce: string | undefined, spec: Settings): 'spec' | 'operator' {
  const settings = settingsOf(spec)
  if (inForce === undefined || inForce === settings) return 'operator'
  if (inForce === '') return 'spec'
  const before = JSON.parse(inForce) as Settled
  const after = JSON.parse(settings) as Settled
  if (before.memoryLimit !== after.memoryLimit) return 'spec'
  const isEdited = (name: string) => before.parameters[name] !== after.parameters[name]
  return waiting.some((change) => isEdited(change.split(':', 1)[0] ?? '')) ? 'spec' : 'operator'
}

interface Settled {
  parameters: Record<string, string>
  memoryLimit: string
}

/** Names a plan: another one, or one of another object, has another hash. */
export function planHash(uid: string | undefined, plan: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([uid, plan]))
    .digest('hex')
    .slice(0, 12)
}

export function isApproved(object: KubeObject, hash: string): boolean {
  return object.metadata.annotations?.[approveAnnotation] === hash
}

type Fields = Record<string, unknown>

/** `containers.postgres.image: a → b` for every field of `desired` that `live` holds otherwise; what only `live` has is left out: the API server adds defaults. Pure. */
export function differences(desired: unknown, live: unknown, path: string[] = []): string[] {
  if (Array.isArray(desired)) return listDifferences(desired, live, path)
  if (isFields(desired)) {
    const fields = isFields(live) ? live : {}
    return Object.entries(desired).flatMap(([key, value]) => differences(value, fields[key], [...path, key]))
  }
  const same = desired === live || (quantity(desired) !== undefined && quantity(desired) === quantity(live))
  return same ? [] : [`${path.join('.')}: ${shown(live)} → ${shown(desired)}`]
}

/** Items of a pod template have names; lists of others are compared as a whole. */
function listDifferences(desired: unknown[], live: unknown, path: string[]): string[] {
  const others: unknown[] = Array.isArray(live) ? live : []
  if (!desired.every((item) => isFields(item) && typeof item['name'] === 'string')) {
    const same =
      desired.length === others.length && desired.every((item, index) => differences(item, others[index]).length === 0)
    return same ? [] : [`${path.join('.')}: ${shown(live)} → ${shown(desired)}`]
  }
  const named = (list: unknown[]) => new Map(list.filter(isFields).map((item) => [String(item['name']), item]))
  const [wanted, found] = [named(desired), named(others)]
  const removed = [...found.keys()]
    .filter((name) => !wanted.has(name))
    .map((name) => `${[...path, name].join('.')}: removed`)
  return [...[...wanted].flatMap(([name, item]) => differences(item, found.get(name), [...path, name])), ...removed]
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const longest = 120

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
