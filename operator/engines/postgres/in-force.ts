import type { Member, Plan, Target } from '../engine.ts'
import { withConnection } from '../../postgres-connection.ts'
import { dynamicConfig } from './config.ts'
import { isSettable } from './parameters.ts'

/** What the file that Patroni writes says of one setting, in its last line that names it. */
export interface FileSetting {
  name: string
  setting: string | null
  /** Why PostgreSQL does not take it; also when it waits for a restart. */
  error: string | null
}

/** What the file of access rules is, and what PostgreSQL makes of it. */
export interface RulesFile {
  text: string
  /** Of the first line it refuses: then all rules stay as they were. */
  error: string | null
  /** Read since it was written. */
  loaded: boolean
}

/**
 * What one server has not taken over of the plan: a setting that Patroni has not written, or has not noticed to need a restart, or
 * that PostgreSQL refuses; access rules likewise. The server itself is asked because nothing else tells when a change has arrived there.
 */
export async function unapplied(target: Target, plan: Plan, member: Member, signal: AbortSignal): Promise<string[]> {
  return withConnection(target, signal, async (connection) => {
    const files = await connection.query<FileSetting & object>(fileQuery)
    const waiting = await connection.query<{ name: string }>(waitingQuery)
    const [rules] = await connection.query<RulesFile & object>(rulesQuery)
    const { parameters, pg_hba } = dynamicConfig(plan).postgresql
    const names = waiting.map(({ name }) => name)
    return [
      ...compareSettings(parameters, files, names, member.pendingRestart),
      ...(rules ? compareRules(pg_hba, rules) : []),
    ]
  })
}

const fileQuery = `
  SELECT DISTINCT ON (lower(name)) lower(name) AS name, setting, error
    FROM pg_catalog.pg_file_settings WHERE sourcefile = current_setting('config_file') ORDER BY lower(name), seqno DESC`
const rulesQuery = `
  SELECT pg_read_file(path) AS text, (pg_stat_file(path)).modification <= pg_conf_load_time() AS loaded,
         (SELECT format('line %s: %s', line_number, error) FROM pg_catalog.pg_hba_file_rules
           WHERE error IS NOT NULL ORDER BY line_number LIMIT 1) AS error
    FROM current_setting('hba_file') AS path`
const waitingQuery = 'SELECT lower(name) AS name FROM pg_catalog.pg_settings WHERE pending_restart'

/**
 * @param waiting  settings that the server knows to need a restart
 * @param known    what its manager knows to need one: a member that was a replica starts with its former primary's larger
 *                 max_connections, whatever is wanted, until it is restarted once more
 */
export function compareSettings(
  wanted: Record<string, string>,
  files: FileSetting[],
  waiting: string[],
  known: string[],
): string[] {
  const written = new Map(files.map((row) => [row.name, row]))
  const different = Object.entries(wanted).flatMap(([name, value]) => {
    const row = written.get(name)
    const isKnown = known.some((change) => change.startsWith(`${name}:`))
    if (!row || !isSame(value, row.setting ?? '')) return isKnown ? [] : [`${name} is not ${value} yet`]
    return row.error !== null && !waiting.includes(name)
      ? [`PostgreSQL does not take ${name} = ${value}: ${row.error}`]
      : []
  })
  const removed = files.filter(({ name }) => isSettable(name) && !Object.hasOwn(wanted, name))
  return [
    ...different,
    ...removed.map(({ name }) => `${name} is still set`),
    ...(known.length > 0 ? [] : waiting.map((name) => `${name} waits for a restart that is not asked for yet`)),
  ]
}

export function compareRules(wanted: string[], { text, error, loaded }: RulesFile): string[] {
  const written = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  if (written.map(trim).join('\n') !== wanted.map(trim).join('\n')) return ['pg_hba.conf is not as the spec says yet']
  if (error !== null) return [`PostgreSQL does not take pg_hba.conf: ${error}`]
  return loaded ? [] : ['pg_hba.conf is not read yet']
}

const trim = (line: string) => line.trim()

/** Patroni writes a number as a number. */
function isSame(wanted: string, written: string): boolean {
  return wanted === written || (wanted.trim() !== '' && Number(wanted) === Number(written))
}
