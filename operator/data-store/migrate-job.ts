import { createHash } from 'node:crypto'
import type { KubeObject } from '../../crds/object.ts'
import { clientOf, labels, type Identity } from '../labels.ts'
import { podScheduling } from '../placement.ts'
import { containerSecurity, platformId, podSecurity } from '../pods.ts'
import { names } from './names.ts'

/** Exit code of the runner for what no retry can help: an edited or missing file, a newer breaking database. */
const refused = 2

/**
 * PostgreSQL's parser is WebAssembly, and the compiler for long runs takes 600 MB for it, where the quick one takes 10: more than the
 * container may have. V8 takes the flag when it starts only.
 */
export const runnerOptions = ['--liftoff-only']

export interface MigrationPlan {
  store: string
  namespace: string
  cluster?: string
  shortName: string
  schema: string
  /** The platform image: it carries the migration files, so it is part of the plan. */
  image: string
  /** Digest of the migration folder, up to its last file or to `target`. */
  digest: string
  /** The last file, where it is not that of the folder. */
  target?: number
  /** Breaking files may be run: no application of another release is left. */
  breaking?: boolean
  /** Hash of the plan that somebody approved. */
  approve?: string
  /** Where its pod may run and how its image is pulled: as the store's. */
  scheduling: Parameters<typeof podScheduling>[0]
}

/** The pods that migrate a store, whichever Job they are of. */
export const migrationOf = (store: string): Identity => ({
  name: 'migrate',
  instance: store,
  component: 'migration',
})

/** Name of the Job for this plan: another image, set of files or approval is another Job, and so is one that could not be scheduled or pulled before. */
export function migrateJobName(plan: MigrationPlan): string {
  const inputs = [plan.image, plan.digest, JSON.stringify(plan.scheduling), ...choices(plan)].join('\n')
  const target = createHash('sha256').update(inputs).digest('hex').slice(0, 8)
  return names.migrateJob(plan.store, target)
}

/** The Job that brings a database to the plan's schema: as owner, connected directly, never through the pooler. Pure. */
export function migrateJob(plan: MigrationPlan): KubeObject {
  const identity = {
    ...migrationOf(plan.store),
    store: plan.shortName,
    ...(plan.cluster ? { cluster: plan.cluster } : {}),
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: migrateJobName(plan), namespace: plan.namespace, labels: labels(identity) },
    spec: {
      backoffLimit: 6,
      // A failed Job goes after an hour and is made anew: the retry of last resort.
      ttlSecondsAfterFinished: 3600,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailJob', onExitCodes: { containerName: 'migrate', operator: 'In', values: [refused] } },
        ],
      },
      template: {
        metadata: { labels: { ...labels(identity), ...clientOf(plan.store) } },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...podScheduling(plan.scheduling, identity),
          securityContext: podSecurity(platformId),
          containers: [container(plan)],
          volumes: [
            { name: 'binding', secret: { secretName: names.bindingSecret(plan.store, 'owner') } },
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  }
}

function choices({ target, breaking, approve }: MigrationPlan): string[] {
  return [
    ...(target === undefined ? [] : ['--target', String(target)]),
    ...(breaking ? ['--breaking'] : []),
    ...(approve === undefined ? [] : ['--approve', approve]),
  ]
}

function container(plan: MigrationPlan) {
  const always = ['--schema', plan.schema, '--binding', '/binding', '--termination-log', '/dev/termination-log']
  const options = [...always, ...choices(plan)]
  return {
    name: 'migrate',
    image: plan.image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', ...runnerOptions, 'migrations/runner/cli.ts', 'apply', ...options],
    resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } },
    securityContext: containerSecurity,
    volumeMounts: [
      { name: 'binding', mountPath: '/binding', readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
}
