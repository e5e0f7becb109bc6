import { retentionNotes } from '../../../migrations/runner/clickhouse-ttl.ts'
import type { Retention, RetentionOfRule, RetentionState, Target } from '../engine.ts'
import { ask, ServerError } from './client.ts'
import { changes } from './retention-changes.ts'
import { places, tables, type Place } from './retention-places.ts'
import { stateOf, type Found } from './retention-state.ts'
import { ends, outside, quoted } from './ttl.ts'
import { wanted } from '../retention.ts'
import { isPeriod } from '../../../crds/retention.ts'

/** TTL of the tables that migrations/behavior makes: what it says is read back from the tables, and merges do it. */
export const retention: Retention = {
  // A DateTime ends in 2106 and then begins again: what were to be kept beyond would go at once.
  longest: '50y',
  async observe(target, { store }, signal) {
    const session = await begin(target, signal)
    const found = await look(session)
    if (found.definitions.size === 0) return undefined
    const state = stateOf(found, wanted(store))
    return { ...state, now: session.now, oldest: await oldest(session, found, state) }
  },
  async removes(target, { store }, next, signal) {
    const session = await begin(target, signal)
    const found = await look(session)
    return removed(session, found, stateOf(found, wanted(store)), next)
  },
  async apply(target, _plan, next, signal) {
    const session = await begin(target, signal)
    for (const statement of changes(await look(session), next, session.on))
      await ask(target, statement, signal, inBackground)
  },
}

/** What parts there are is left to the server, which may take hours to write them anew; tables say at once what they will be like. */
const inBackground = {
  alter_sync: '0',
  mutations_sync: '0',
  materialize_ttl_after_modify: '1',
  // A server that is away does it when it comes back.
  distributed_ddl_task_timeout: '5',
  distributed_ddl_output_mode: 'null_status_on_timeout',
  // Reasons of as many people as a spec may name, in the longest letters.
  max_query_size: String(2 ** 20),
}

interface Session {
  target: Target
  signal: AbortSignal
  now: Date
  /** `ON CLUSTER` of a store of several servers, empty for one: as migrations go by it. */
  on: string
}

const cluster = `'{cluster}'`

async function begin(target: Target, signal: AbortSignal): Promise<Session> {
  const select = `SELECT toUnixTimestamp64Milli(now64(3)) AS now, (SELECT count() FROM system.macros WHERE macro = 'cluster') AS clusters`
  const [row] = await rows<{ now: unknown; clusters: unknown }>({ target, signal }, select)
  return { target, signal, now: new Date(Number(row?.now)), on: Number(row?.clusters) > 0 ? `ON CLUSTER ${cluster}` : '' }
} // prettier-ignore

async function rows<Row>(
  { target, signal }: Pick<Session, 'target' | 'signal'>,
  select: string,
  settings: Record<string, string> = {},
): Promise<Row[]> {
  const { text } = await ask(target, `${select} FORMAT JSONEachRow`, signal, settings)
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row)
}

async function look(session: Session): Promise<Found> {
  const all = session.on ? `clusterAllReplicas(${cluster}, system.tables)` : 'system.tables'
  const found = await rows<{ name: string; definition: string }>(
    session,
    `SELECT DISTINCT name, create_table_query AS definition FROM ${all}
      WHERE database = ${quoted(session.target.database)} AND name IN (${tables.map(quoted).join(', ')})`,
    // Of a replica that is away others say what it has. What is counted is counted everywhere, or not at all.
    { skip_unavailable_shards: '1' },
  )
  const definitions = Map.groupBy(found, ({ name }) => name)
  return {
    definitions: new Map([...definitions].map(([name, each]) => [name, each.map(({ definition }) => definition)])),
    notes: new Map((await notes(session)).map(({ about, text }) => [about, text])),
  }
}

async function notes(session: Session): Promise<{ about: string; text: string }[]> {
  try {
    return await rows(session, `SELECT about, text FROM ${retentionNotes}`)
  } catch (error) {
    if (error instanceof ServerError && error.code === unknownTable) return []
    throw error
  }
}

const unknownTable = 60

/** One replica of each shard. */
function from({ target, on }: Session, { table }: Place): string {
  return on ? `cluster(${cluster}, ${quoted(target.database)}, ${table})` : table
}

async function oldest(session: Session, { definitions }: Found, state: RetentionState): Promise<Record<string, Date>> {
  const selects = [...places].flatMap(([rule, at]) => {
    const { keep = '', hold = true } = state.rules[rule] ?? {}
    if (hold || !isPeriod(keep) || !definitions.has(at.table)) return []
    const select = `SELECT ${quoted(rule)} AS rule, toUnixTimestamp(min(${at.column})) AS at FROM ${from(session, at)}`
    const conditions = [hasValues(at), othersThan(state, at)].filter(Boolean)
    // The least of no rows is 1970.
    return [`${select}${conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''} HAVING count() > 0`]
  })
  if (selects.length === 0) return {}
  const found = await rows<{ rule: string; at: unknown }>(session, selects.join(' UNION ALL '))
  return Object.fromEntries(found.map(({ rule, at }) => [rule, new Date(Number(at) * 1000)]))
}

/** Of columns that are emptied, rows that have something left. */
const hasValues = ({ values }: Place) =>
  values && `(${values.map((name) => `${name} != defaultValueOfArgumentType(${name})`).join(' OR ')})`

const othersThan = ({ holds }: RetentionState, { people }: Place) =>
  people && holds.length > 0 ? `user_id ${outside(holds.map(({ subject }) => subject))}` : ''

async function removed(
  session: Session,
  { definitions }: Found,
  seen: RetentionState,
  next: RetentionState,
): Promise<Record<string, number>> {
  const selects = [...places].flatMap(([rule, at]) => {
    const [was, is] = [goes(at, seen, rule), goes(at, next, rule)]
    if (was === is || is === 'false' || !definitions.has(at.table)) return []
    const conditions = [hasValues(at) ?? 'true', is, `NOT (${was})`]
    return [
      `SELECT ${quoted(rule)} AS rule, count() AS rows FROM ${from(session, at)} WHERE ${conditions.join(' AND ')}`,
    ]
  })
  if (selects.length === 0) return {}
  const found = await rows<{ rule: string; rows: unknown }>(session, selects.join(' UNION ALL '))
  return Object.fromEntries(found.map(({ rule, rows: count }) => [rule, Number(count)]))
}

/** Which rows go by now. What is no period removes nothing that we could count on. */
function goes(at: Place, state: RetentionState, rule: string): string {
  const { keep, hold }: RetentionOfRule = state.rules[rule] ?? { keep: '', hold: true }
  if (hold || !isPeriod(keep)) return 'false'
  return [`${ends(at.expression, keep)} <= now()`, othersThan(state, at)].filter(Boolean).join(' AND ')
}
