import { periodText, readPeriod, type Period } from '../../../crds/retention.ts'
import { withConnection, type Connection } from '../../postgres-connection.ts'
import type { LegalHold, Retention, RetentionState, Target } from '../engine.ts'

/** Tables retention_rules and legal_holds of a database, which its own scheduled jobs go by, through the functions that guard them. */
export const retention: Retention = {
  observe: (target, _plan, signal) =>
    limited(target, signal, async (connection) => {
      if (!(await hasRules(connection))) return undefined
      const rows = await connection.query<Row>(state)
      const holds = await connection.query<LegalHold>('SELECT subject, reason FROM public.list_legal_holds()')
      const [clock] = await connection.query<{ now: Date }>('SELECT now()')
      return {
        now: clock?.now ?? new Date(),
        rules: Object.fromEntries(rows.map((row) => [row.name, { keep: periodText(periodOf(row)), hold: row.held }])),
        oldest: Object.fromEntries(rows.flatMap(({ name, oldest }) => (oldest ? [[name, oldest]] : []))),
        holds,
      }
    }),
  removes: (target, _plan, next, signal) =>
    limited(target, signal, async (connection) => {
      const rows = await connection.query<{ name: string; removes: string }>(
        `SELECT w.name, public.retention_removes(w.name, make_interval(months => w.months, days => w.days, secs => w.seconds),
                                                w.held, $2::uuid[]) AS removes
           FROM ${wantedRules}`,
        [rulesOf(next), next.holds.map(({ subject }) => subject)],
      )
      return Object.fromEntries(rows.map(({ name, removes }) => [name, Number(removes)]))
    }),
  apply: (target, _plan, next, signal) =>
    limited(target, signal, async (connection) => {
      await connection.query(
        `SELECT public.set_retention(
           (SELECT jsonb_object_agg(w.name, jsonb_build_object('held', w.held,
                     'keep', make_interval(months => w.months, days => w.days, secs => w.seconds)::text)) FROM ${wantedRules}),
           $2::jsonb)`,
        [rulesOf(next), JSON.stringify(Object.fromEntries(next.holds.map(({ subject, reason }) => [subject, reason])))],
      )
    }),
}

/** A query that nobody waits for any more must not go on. */
function limited<T>(target: Target, signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
  return withConnection(target, signal, async (connection) => {
    await connection.query(`SET statement_timeout = '30s'`)
    return work(connection)
  })
}

interface Row extends Period {
  name: string
  held: boolean
  oldest: Date | null
}

const periodOf = ({ months, days, seconds }: Row): Period => ({ months, days, seconds: Number(seconds) })

/** Seconds of an interval may be any number of hours, and are written as one number. */
const state = `
  SELECT name, held, oldest, (extract(year FROM keep) * 12 + extract(month FROM keep))::integer AS months,
         extract(day FROM keep)::integer AS days,
         (extract(hour FROM keep) * 3600 + extract(minute FROM keep) * 60 + extract(second FROM keep))::integer AS seconds
    FROM public.retention_state()`

const wantedRules = `jsonb_to_recordset($1::jsonb) AS w (name text, held boolean, months integer, days integer, seconds integer)
          WHERE EXISTS (SELECT FROM public.retention_rules r WHERE r.name = w.name)`

const rulesOf = ({ rules }: RetentionState) =>
  JSON.stringify(Object.entries(rules).map(([name, { keep, hold }]) => ({ name, held: hold, ...readPeriod(keep) })))

/** A database that is pinned to an earlier migration has none of it. */
async function hasRules(connection: Connection): Promise<boolean> {
  const [row] = await connection.query<{ found: boolean }>(
    `SELECT to_regprocedure('public.retention_state()') IS NOT NULL AS found`,
  )
  return row?.found ?? false
}
