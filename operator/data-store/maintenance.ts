import { Cron } from 'croner'
import type { KubeObject } from '../../crds/object.ts'
import type { DataStore } from '../../crds/schema/data-store.ts'
import type { Maintenance, ScheduledJob, Target, Upkeep } from '../engines/engine.ts'
import { deadline } from '../reconcile/deadline.ts'
import { messageOf } from '../reconcile/errors.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import type { Step } from '../reconcile/steps.ts'
import { ownerTarget, type Context } from './observe.ts'

/*
 * Scheduled work of a database: its table maintenance_jobs. pg_cron runs what it holds, so that it goes on without an operator; the
 * operator runs the rest, one job at a time, and says when any job is late. No client notices, so the store is Ready all the same.
 */

/** How often events of other things may lead to a query. */
const atMostEveryMs = 60_000
const observeMs = 5_000
/** More than the job itself may take, so that it is the database that ends it and says so. */
const runMs = 75_000
/** How soon a job is looked at again that somebody else runs. */
const takenAgainMs = 10_000

/** Late jobs hold up nothing. */
type Found = Extract<Outcome, { kind: 'done' | 'warn' }>

interface Seen {
  /** Of which database. */
  of: string
  at: number
  outcome: Found
  /** When there is more to see. */
  again: number
}

/** The step with what it remembers: when it asked each store last. A new operator asks once more. */
export function maintenanceOnTime(): Step<Context> {
  const seen = new Map<string, Seen>()
  return {
    condition: 'MaintenanceOnTime',
    appliesTo: hasSchema,
    async run(context) {
      const { engine, store, namespace, tools } = context
      if (!engine.maintenance) return noJobs
      const target = ownerTarget(context)
      const key = `${namespace}/${store.metadata.name}`
      const of = JSON.stringify([store.metadata.uid, target.host, target.port, target.database])
      const now = tools.now().getTime()
      const last = seen.get(key)
      if (last?.of === of && now < Math.min(last.again, last.at + atMostEveryMs)) return inTime(last, now)
      const outcome = await look(context, engine.maintenance, target)
      const latest = { of, at: now, outcome, again: now + (outcome.retryAfterMs ?? Infinity) }
      seen.set(key, latest)
      return outcome
    },
  }
}

const hasSchema = (object: KubeObject) => (object as DataStore).spec.schema !== undefined

const noJobs: Found = { kind: 'done', reason: 'NoJobs' }

/** What was found before, with the time that is left of it. */
function inTime({ outcome, again }: Seen, now: number): Found {
  return again === Infinity ? outcome : { ...outcome, retryAfterMs: again - now }
}

async function look(context: Context, maintenance: Maintenance, target: Target): Promise<Found> {
  try {
    const upkeep = await maintenance.observe(target, context.plan, deadline(context, observeMs))
    if (!upkeep) return noJobs
    const [first] = due(upkeep)
    if (!first) return judge(upkeep)
    const isTaken = await runJob(context, maintenance, target, first)
    const after = await maintenance.observe(target, context.plan, deadline(context, observeMs))
    const outcome = after ? judge(after) : noJobs
    return isTaken ? { ...outcome, retryAfterMs: takenAgainMs } : outcome
  } catch (error) {
    const message = `whether scheduled jobs run on time is not known: ${messageOf(error)}`
    return { kind: 'warn', reason: 'Unobserved', message, retryAfterMs: atMostEveryMs }
  }
}

/** @returns whether somebody else has it */
async function runJob(context: Context, maintenance: Maintenance, target: Target, job: ScheduledJob): Promise<boolean> {
  const { store, tools } = context
  const result = await maintenance.run(target, job, deadline(context, runMs))
  if (typeof result === 'object')
    tools.events.warning(store, 'MaintenanceJobFailed', `job ${job.name}: ${result.error}`)
  return result === 'taken'
}

/** Jobs that nobody but the operator runs and that are to run now, the longest overdue first. Pure. */
export function due({ now, timeZone, jobs }: Upkeep): ScheduledJob[] {
  const waiting = jobs
    .filter(({ scheduled }) => !scheduled)
    .map((job) => ({ job, at: runAfter(job.schedule, job.lastRunAt ?? job.createdAt, timeZone) }))
  return waiting
    .filter(({ at }) => at !== undefined && at <= now)
    .sort((a, b) => (a.at?.getTime() ?? 0) - (b.at?.getTime() ?? 0))
    .map(({ job }) => job)
}

/** When the schedule comes next; undefined: never, or it cannot be read. pg_cron's `$` is the last day of a month. */
function runAfter(schedule: string, after: Date, timezone: string): Date | undefined {
  const seconds = /^\s*(\d+)\s+seconds?\s*$/i.exec(schedule)?.[1]
  if (seconds) return new Date(after.getTime() + Number(seconds) * 1000)
  try {
    return new Cron(schedule.replace('$', 'L'), { timezone, mode: '5-part' }).nextRun(after) ?? undefined
  } catch {
    return undefined // said by the caller
  }
}

const minuteMs = 60_000
const leastGraceMs = minuteMs
const mostGraceMs = 60 * minuteMs
/** A job of another schedule may be added meanwhile. */
const longestMs = 15 * minuteMs

/**
 * When a job must have succeeded at the latest: when it was due after its last success, and once more the time between two runs, an hour
 * at most. So one run that fails, or is passed over while servers change roles, is no trouble yet.
 */
function lateAfter({ schedule, lastSuccessAt, createdAt }: ScheduledJob, timeZone: string): Date | undefined {
  const first = runAfter(schedule, lastSuccessAt ?? createdAt, timeZone)
  const second = first && runAfter(schedule, first, timeZone)
  if (!first) return undefined
  const period = second ? second.getTime() - first.getTime() : mostGraceMs
  return new Date(first.getTime() + Math.min(Math.max(period, leastGraceMs), mostGraceMs))
}

/** The outcome of what is in the table. Its words change only when something does. Pure. */
export function judge(upkeep: Upkeep): Found {
  const { now, timeZone, jobs } = upkeep
  if (jobs.length === 0) return noJobs
  const states = jobs.map((job) => ({ job, late: lateAfter(job, timeZone) }))
  const late = states.filter(({ late }) => late === undefined || late < now)
  const next = nextLook(upkeep, states)
  if (late.length === 0) return { kind: 'done', reason: 'OnTime', retryAfterMs: next }
  const [first, ...others] = [...late.filter(({ job }) => job.lastError), ...late.filter(({ job }) => !job.lastError)]
  const alike = others.length > 0 ? ` (and ${others.map(({ job }) => job.name).join(', ')})` : ''
  const message = `${first ? whatIsWrong(first.job, timeZone) : ''}${alike}; docs/runbooks/maintenance.md says what to do`
  const reason = first?.job.lastError ? 'Failed' : 'Overdue'
  return { kind: 'warn', reason, message, retryAfterMs: Math.min(next, atMostEveryMs) }
}

function whatIsWrong(job: ScheduledJob, timeZone: string): string {
  const { name, schedule, lastSuccessAt, createdAt, lastError } = job
  const due = runAfter(schedule, lastSuccessAt ?? createdAt, timeZone)
  if (!due) return `job ${name} never runs: its schedule ${schedule} cannot be read`
  const last = lastSuccessAt ? `last succeeded at ${lastSuccessAt.toISOString()}` : 'has never succeeded'
  return `job ${name} (${schedule}) ${last}${lastError ? `: ${lastError}` : ' and does not run'}`
}

/** Milliseconds until a job of ours is due or any becomes late. */
function nextLook({ now, timeZone, jobs }: Upkeep, states: { late: Date | undefined }[]): number {
  const own = jobs.filter(({ scheduled }) => !scheduled)
  const times = [
    ...own.map(({ schedule, lastRunAt, createdAt }) => runAfter(schedule, lastRunAt ?? createdAt, timeZone)),
    ...states.map(({ late }) => late).filter((late) => late && late >= now),
  ]
  const waits = times.flatMap((time) => (time ? [time.getTime() - now.getTime()] : []))
  // Not before that moment: what is late is so after it.
  return Math.max(0, Math.min(longestMs, ...waits)) + 1
}
