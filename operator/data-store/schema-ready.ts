import { readApprovalNeeded } from '../../migrations/runner/data-loss.ts'
import { readBreakingFileWaits } from '../../migrations/runner/plan.ts'
import { waitFor } from '../credentials.ts'
import { imageOf } from '../images.ts'
import { withOwner } from '../kube/apply.ts'
import { redact } from '../reconcile/errors.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import type { Step } from '../reconcile/steps.ts'
import { lastWords, migrationState, podProblem } from './decide.ts'
import { migrateJob, migrateJobName, type MigrationPlan } from './migrate-job.ts'
import {
  heldMessage,
  isBreakingOnly,
  nextMigration,
  podsOfOtherReleases,
  type NextMigration,
  type SchemaFile,
} from './migration-plan.ts'
import { findJob, hasMoved, location, migrationPods, servicePods, type Context } from './observe.ts'
import { stopOthers } from './other-migrations.ts'
import { approveAnnotation, isApproved } from './updates.ts'

export const schemaReady: Step<Context> = {
  condition: 'SchemaReady',
  async run(context) {
    const { store, schema, tools } = context
    const { name, version: pin } = store.spec.schema ?? {}
    const last = schema.files.at(-1)
    if (!name || !last) {
      if (name) context.found.schema = { version: 0, digest: '' }
      const stopping = await stopOthers(context, undefined)
      if (stopping) return stopping
      return { kind: 'done', reason: 'NoSchema' }
    }
    const older = podsOfOtherReleases(servicePods(context), migrationImage(context))
    const recorded = recordedSchema(context)
    const next = nextMigration({ files: schema.files, pin, recorded, older })
    const plan = next.kind === 'run' ? decidedPlan(context, name, next) : undefined
    const stopping = await stopOthers(context, plan && migrateJobName(plan))
    if (stopping) return stopping
    switch (next.kind) {
      case 'refused':
        // The database is as it was, and so is all that uses it.
        return { kind: 'blocked', reason: 'VersionRefused', message: next.message, goOn: true }
      case 'current':
        return { kind: 'done', reason: 'Current' }
      case 'hold':
        return held(context, next.held, older)
      case 'run':
        break
    }
    const done = plan && (await migrate(context, plan, next))
    if (done) return done
    tools.events.normal(store, 'SchemaMigrated', `schema is at migration ${next.target}`)
    context.found.schema = { version: next.target, digest: next.digest }
    context.found.migration = undefined
    return next.held.length > 0 ? held(context, next.held, older) : { kind: 'done', reason: 'Current' }
  },
}

/** Files that wait for pods. They hold up nothing when the services of this release can do without them. */
function held(context: Context, files: SchemaFile[], older: string[]): Outcome {
  const current = (context.found.schema ?? recordedSchema(context))?.version ?? 0
  const names = files.map(({ name }) => name)
  context.found.migration = { current, target: files.at(-1)?.version ?? current, files: names }
  const state = { reason: 'AwaitingPods', message: heldMessage(files, older), retryAfterMs: 10_000 } as const
  return isBreakingOnly(files) ? { kind: 'warn', ...state } : { kind: 'wait', ...state }
}

/** What is to be run. The Job that was approved goes on, also when the one that asked for it is gone by now. */
function decidedPlan(context: Context, name: string, next: NextRun): MigrationPlan {
  const { [approveAnnotation]: approve = '' } = context.store.metadata.annotations ?? {}
  const plan = {
    ...migrationPlan(context, name, next.digest),
    ...(next.target === context.schema.files.length ? {} : { target: next.target }),
    ...(next.breaking ? { breaking: true } : {}),
  }
  const approved = { ...plan, approve }
  return findJob(context, migrateJobName(approved)) ? approved : plan
}

/** Has a Job carry the plan out. @returns why it is not done; undefined: it is */
async function migrate(context: Context, job: MigrationPlan, next: NextRun): Promise<Outcome | undefined> {
  const { store, tools } = context
  const jobName = migrateJobName(job)
  const current = recordedSchema(context)?.version ?? 0
  context.found.migration = { current, target: next.target, files: next.files, job: jobName }
  const state = migrationState(findJob(context, jobName))
  switch (state.state) {
    case 'missing':
      return start(context, job)
    case 'running':
      return running(context, jobName, next.target)
    case 'applied':
      return undefined
    case 'failed': {
      const words = lastWords(migrationPods(context, jobName)) ?? state.reason
      const at = readBreakingFileWaits(words)
      if (at !== undefined) return isBehind(context, at)
      context.found.migration = { ...context.found.migration, failure: redact(words) }
      const asked = readApprovalNeeded(words)
      if (!asked) return migrationFailed(jobName, words)
      if (isApproved(store, asked.hash) && job.approve === undefined)
        return start(context, { ...job, approve: asked.hash })
      const what = `migrate the schema to ${next.target}`
      context.found.pending ??= { hash: asked.hash, what, differences: asked.losses }
      const message = `${what}: ${asked.losses.join('; ')}. kubectl annotate datastore ${store.metadata.name} ${approveAnnotation}=${asked.hash} runs it all the same`
      return { kind: 'blocked', reason: 'AwaitingApproval', message }
    }
  }

  async function start(of: Context, wanted: MigrationPlan): Promise<Outcome> {
    const result = await tools.applier.apply(withOwner(store, migrateJob(wanted)))
    return result.kind === 'refused' ? waitFor(result) : running(of, migrateJobName(wanted), next.target)
  }
}

/** The database has less than is recorded, as one that was restored: what was decided by the record is decided anew. */
function isBehind(context: Context, at: number): Outcome {
  context.found.schema = { version: at, digest: context.schema.files[at - 1]?.digest ?? '' }
  context.found.migration = undefined
  return { kind: 'wait', reason: 'Running', message: `the database is at migration ${at}`, retryAfterMs: 1_000 }
}

type NextRun = NextMigration & { kind: 'run' }

/** What is recorded of another server than the one an external store has now does not count. */
function recordedSchema(context: Context) {
  const { store } = context
  return store.spec.mode === 'external' && hasMoved(context) ? undefined : store.status?.schema
}

const migrationImage = ({ store, tools }: Context) => imageOf(undefined, tools.images['platform'], store.spec.registry)

function migrationPlan(context: Context, schemaName: string, digest: string): MigrationPlan {
  const { store, namespace, plan } = context
  return {
    store: store.metadata.name,
    namespace,
    shortName: plan.identity.store ?? store.metadata.name,
    ...(plan.identity.cluster ? { cluster: plan.identity.cluster } : {}),
    schema: schemaName,
    image: migrationImage(context),
    scheduling: { placement: store.spec.placement, imagePullSecrets: store.spec.imagePullSecrets },
    // Another server is another Job.
    digest: store.spec.mode === 'external' ? `${digest} ${location(context)}` : digest,
  }
}

function running(context: Context, jobName: string, target: number): Outcome {
  const pods = migrationPods(context, jobName)
  const problem = podProblem(pods) ?? lastWords(pods)
  const message = `Job ${jobName} brings the schema to migration ${target}${problem ? ` (${problem})` : ''}`
  return { kind: 'wait', reason: 'Running', message, retryAfterMs: 5_000 }
}

/** The runner's own words name file and statement; it says DatabaseIsNewer first when the database has files it does not know. */
function migrationFailed(jobName: string, words: string): Outcome {
  const message = `${words}. Job ${jobName} is tried again an hour after it failed; delete it to try now`
  return { kind: 'blocked', reason: words.startsWith('DatabaseIsNewer') ? 'DatabaseIsNewer' : 'Failed', message }
}
