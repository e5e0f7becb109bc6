import { withConnection, type Connection } from '../../postgres-connection.ts'
import type { Maintenance, ScheduledJob, Target } from '../engine.ts'

/** How long one job may take: it does a little at a time, and whoever runs it has other things to do. */
const limitMs = 60_000

/** The scheduled work of a database, as its table maintenance_jobs lists it. */
export const maintenance: Maintenance = {
  observe: (target, { store }, signal) =>
    withConnection(target, signal, async (connection) => {
      const [found] = await connection.query<{ isListed: boolean; hasCron: boolean }>(whatIsThere)
      if (!found?.isListed) return undefined
      const holdsCron = found.hasCron && (await loadsCron(connection))
      // Only superusers may see the setting that is in force.
      const timeZone = (holdsCron && store.spec.parameters['cron.timezone']) || 'UTC'
      return { timeZone, ...(await list(connection, holdsCron)) }
    }),
  run,
}

/** The schema cron may be there without the library that runs its jobs, or for another database, or closed to us. */
const whatIsThere = `
  SELECT to_regclass('public.maintenance_jobs') IS NOT NULL AS "isListed",
         EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = 'cron' AND c.relname = 'job' AND has_schema_privilege(n.oid, 'USAGE')
                    AND has_table_privilege(c.oid, 'SELECT')) AS "hasCron"`

/** The setting is there with the library. Others than superusers are refused to see it, which tells as much. */
async function loadsCron(connection: Connection): Promise<boolean> {
  try {
    const [row] = await connection.query<{ isHere: boolean | null }>(
      `SELECT current_setting('cron.database_name', true) = current_database() AS "isHere"`,
    )
    return row?.isHere ?? false
  } catch (error) {
    if ((error as { code?: string }).code !== insufficientPrivilege) throw error
    return true
  }
}

const insufficientPrivilege = '42501'

/** A job that somebody switched off in pg_cron is still pg_cron's. */
const heldByCron = `EXISTS (SELECT FROM cron.job j WHERE j.jobname = m.name AND j.username = current_user AND j.database = current_database())`

async function list(connection: Connection, holdsCron: boolean) {
  const [clock] = await connection.query<{ now: Date }>('SELECT now()')
  if (!clock) throw new Error('PostgreSQL answered a query with no row')
  // The first versions of the table do not tell a success from a run.
  const jobs = await connection.query<ScheduledJob>(`
    SELECT m.name, m.schedule, m.created_at AS "createdAt", m.last_run_at AS "lastRunAt", m.last_run_at::text AS "lastRun",
           m.last_error AS "lastError", ${holdsCron ? heldByCron : 'false'} AS scheduled,
           coalesce((to_jsonb(m) ->> 'last_success_at')::timestamptz,
                    CASE WHEN m.last_error IS NULL THEN m.last_run_at END) AS "lastSuccessAt"
      FROM public.maintenance_jobs m ORDER BY m.name`)
  return { now: clock.now, jobs }
}

/**
 * Runs a job unless somebody else has run it since it was looked at, or runs it now:
 *
 * 1. The row is locked as it was seen: of two operators one gets it, and the other finds it changed.
 * 2. run_maintenance_job() takes the lock that pg_cron's runs take, too.
 * 3. What it could not record itself, because it was cut short, is recorded here: it comes again when it is due, not at once.
 */
async function run(
  target: Target,
  job: ScheduledJob,
  signal: AbortSignal,
): Promise<'done' | 'taken' | { error: string }> {
  return withConnection(target, signal, async (connection) => {
    await connection.query(`BEGIN; SET LOCAL statement_timeout = ${limitMs}`)
    const claimed = await connection.query(
      `SELECT FROM public.maintenance_jobs WHERE name = $1 AND last_run_at IS NOT DISTINCT FROM $2::timestamptz
          FOR UPDATE SKIP LOCKED`,
      [job.name, job.lastRun],
    )
    if (claimed.length === 0) return 'taken'
    try {
      await connection.query('SELECT public.run_maintenance_job($1)', [job.name])
      await connection.query('COMMIT')
    } catch (error) {
      await recordFailure(connection, job, error)
    }
    return outcome(connection, job)
  })
}

async function recordFailure(connection: Connection, job: ScheduledJob, error: unknown): Promise<void> {
  const { code, message } = error as { code?: string; message: string }
  if (code === undefined) throw error // the connection's, not the job's
  await connection.query('ROLLBACK')
  await connection.query(
    `UPDATE public.maintenance_jobs SET last_run_at = clock_timestamp(), last_error = $3
      WHERE name = $1 AND last_run_at IS NOT DISTINCT FROM $2::timestamptz`,
    [job.name, job.lastRun, `${code} ${message}`],
  )
}

async function outcome(connection: Connection, { name, lastRun }: ScheduledJob) {
  const [row] = await connection.query<{ ran: boolean; error: string | null }>(
    `SELECT last_run_at IS DISTINCT FROM $2::timestamptz AS ran, last_error AS error FROM public.maintenance_jobs WHERE name = $1`,
    [name, lastRun],
  )
  if (!row?.ran) return 'taken'
  return row.error === null ? 'done' : { error: row.error }
}
