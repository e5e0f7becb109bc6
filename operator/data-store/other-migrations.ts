import type { KubeObject } from '../../crds/object.ts'
import { hasStatus } from '../kube/client.ts'
import type { Outcome } from '../reconcile/outcome.ts'
import { migrationState } from './decide.ts'
import { allMigrationPods, migrationJobs, type Context } from './observe.ts'

/*
 * A Job carries what was decided when it was made: which files, approved or not, breaking or not. It tries for long, and so may act on a
 * decision that no longer holds: the release was taken back, the approval withdrawn, an old pod came back.
 */

/**
 * Unfinished Jobs other than the wanted one, and pods of such Jobs that may still run statements. Pure.
 * @param wanted  name of the Job whose decision holds now; undefined: nothing is to be migrated
 */
function otherMigrations(
  jobs: KubeObject[],
  pods: KubeObject[],
  wanted: string | undefined,
): { jobs: KubeObject[]; pods: string[] } {
  const isRunning = (job: KubeObject) => migrationState(job).state === 'running'
  // A Job has ended only after its pods, of which the cache may not know yet.
  const harmless = new Set([wanted, ...jobs.filter((job) => !isRunning(job)).map(({ metadata }) => metadata.name)])
  const mayRun = (pod: KubeObject) => {
    const { phase = '' } = (pod['status'] ?? {}) as { phase?: string }
    return (
      !harmless.has(pod.metadata.labels?.['batch.kubernetes.io/job-name']) && !['Succeeded', 'Failed'].includes(phase)
    )
  }
  return {
    jobs: jobs.filter((job) => job.metadata.name !== wanted && isRunning(job)),
    pods: pods.filter(mayRun).map(({ metadata }) => metadata.name),
  }
}

/** Nothing goes on, neither services nor another migration, before they are gone. @returns undefined: there are none */
export async function stopOthers(context: Context, wanted: string | undefined): Promise<Outcome | undefined> {
  const { store, tools } = context
  const { jobs, pods } = otherMigrations(migrationJobs(context), allMigrationPods(context), wanted)
  for (const job of jobs.filter(({ metadata }) => !metadata.deletionTimestamp)) {
    try {
      await tools.client.delete(job)
      tools.events.normal(
        store,
        'MigrationStopped',
        `Job ${job.metadata.name} deleted: it is not what is to be migrated now`,
      )
    } catch (error) {
      // Its status changed meanwhile, perhaps it has ended: the next look has its newest version.
      if (!hasStatus(error, 409)) throw error
    }
  }
  const left = [...jobs.map(({ metadata }) => `Job ${metadata.name}`), ...pods.map((name) => `pod ${name}`)]
  if (left.length === 0) return undefined
  const message = `a migration that is not wanted any more still stops: ${left.join(', ')}`
  return { kind: 'wait', reason: 'Stopping', message, retryAfterMs: 2_000 }
}
