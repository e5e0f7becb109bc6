import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { one, transaction } from './database.ts'
import type { Query, Row, TestDatabase } from './database.ts'

/** A node of EXPLAIN (FORMAT JSON). */
interface Node {
  'Node Type': string
  'Relation Name'?: string
  Plans?: Node[]
}

/** A statement that ran, with the plan it ran by. */
export interface Explained {
  query: string
  plan: Node
}

/** More pages than this are not read from one end to the other by a query that somebody waits for. */
const pages = 1_000

/**
 * From now on explains every statement of the connection, those inside functions, triggers, policies and foreign keys too: auto_explain
 * sends the plan as a notice, ahead of the statement's own answer. The connection has to be a superuser's; it may act as others after.
 * @returns takes what ran since the last call
 */
export async function explainAll(client: pg.Client): Promise<() => Explained[]> {
  let explained: Explained[] = []
  client.on('notice', ({ message = '' }) => {
    const [, json] = /^duration: [\d.]+ ms +plan:\n(\{[^]*\})$/.exec(message) ?? []
    if (json === undefined) return
    const { 'Query Text': query, Plan: plan } = JSON.parse(json) as { 'Query Text': string; Plan: Node }
    explained.push({ query, plan })
  })
  await client.query(`
    LOAD 'auto_explain';
    SET auto_explain.log_min_duration = 0;
    SET auto_explain.log_nested_statements = on;
    SET auto_explain.log_level = notice;
    SET auto_explain.log_format = json;
    SET track_functions = 'all';
    SET jit = off`)
  return () => {
    const taken = explained
    explained = []
    return taken
  }
}

/** Tables, partitions and chunks of more than a thousand pages, as the last ANALYZE saw them. */
export async function largeTables(client: pg.Client): Promise<Set<string>> {
  const sql = `SELECT relname::text AS name FROM pg_class WHERE relkind IN ('r', 'm') AND relpages > $1`
  const { rows } = await client.query<{ name: string }>(sql, [pages])
  return new Set(rows.map(({ name }) => name))
}

/** Each large table that a statement reads from one end to the other, with the statement. */
export function scans(explained: Explained[], large: Set<string>): string[] {
  const found = explained.flatMap(({ query, plan }) =>
    nodes(plan)
      .filter((node) => node['Node Type'] === 'Seq Scan' && large.has(node['Relation Name'] ?? ''))
      .map((node) => `${node['Relation Name']}: ${query.replaceAll(/\s+/g, ' ').trim().slice(0, 300)}`),
  )
  return [...new Set(found)]
}

const nodes = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodes)]

/** What a database ships, and as whom it is called; in SQL `{name}` stands for an id. */
export interface Shipped {
  /** Who may call which function. */
  matrix: { functions: Record<string, string> }
  /** Fills the database. Returns ids, of `user`, `recruiter` and `admin`, as whom the roles ask, among others. */
  fill: (query: Query) => Promise<Record<string, string>>
  /** Of the functions that somebody may call: calls, made as each role that may. */
  calls: Record<string, string[]>
  /** What else is read, and what fires the triggers that no call fires. As `postgres` where policies are those of others. */
  statements: [as: string, sql: string][]
  /** What a trigger or function refuses. */
  refused: [as: string, sql: string][]
  /** Functions, jobs and statements that read everything, and why they may. */
  whole: Record<string, string>
  /** Functions that only migrations run. */
  once: string[]
  /** There are more functions than that. */
  moreThan: number
}

interface Statement {
  name: string
  as: string
  sql: string
}

const self: Record<string, string> = { authenticated_users: 'user', recruiter_role: 'recruiter', admin_role: 'admin' }

/** The upkeep that every database has, as its owner. */
const upkeep = [
  'SELECT * FROM list_legal_holds()',
  `SELECT set_retention((SELECT jsonb_object_agg(name, jsonb_build_object('keep', keep + interval '1 day', 'held', FALSE)) FROM retention_rules),
                        jsonb_build_object(gen_random_uuid(), 'case'))`,
  `SELECT publish_domain_event('thing', gen_random_uuid(), 'thing.updated', '{}')`,
  `UPDATE maintenance_jobs SET schedule = '1 1 1 1 *'`,
  `SELECT run_maintenance_job('purge-cron-history')`,
]
/** Looks for the oldest row of each rule, so through all of a table where no index is by time. */
export const state = 'SELECT * FROM retention_state()'
/** The same, of what looks through all rows that a rule is about. */
const reports = {
  [`SELECT retention_removes(name, keep / 2, FALSE, '{}') FROM retention_rules`]:
    'counts rows, when spec.retention changes',
}

/**
 * Defines the tests: every function, trigger, policy and job of a database that is filled, as every role that may call it, and by which
 * plans its statements ran.
 */
export function testPlans(db: TestDatabase, shipped: Shipped): void {
  const { matrix, calls } = shipped
  const whole = { ...shipped.whole, ...reports }
  let query: Query
  let taken: () => Explained[]
  let large: Set<string>
  let ids: Record<string, string>

  beforeAll(async () => {
    const client = await db.connect()
    query = async (sql, values = []) => (await client.query<Row>(sql, values)).rows
    ids = await shipped.fill(query)
    await addPast(query, db.owner)
    await query('ANALYZE')
    large = await largeTables(client)
    taken = await explainAll(client)
  }, 900_000)

  const filled = (sql: string) => sql.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name)

  /** The large tables that a statement reads as a whole, or why it failed; undone afterwards. */
  async function readsWhole({ as, sql }: Pick<Statement, 'as' | 'sql'>): Promise<string[]> {
    taken()
    const undo = new Error('undo')
    const end: unknown = await transaction(query, as, ids[self[as] ?? ''] ?? null, async (inside) => {
      await inside(filled(sql))
      throw undo
    }).catch((error: unknown) => error)
    return [...scans(taken(), large), ...(end === undo ? [] : [`failed: ${String(end)}`])]
  }

  /** What reads everything and may not, and what may and no longer does, which is to be taken off the list. */
  async function wrong(statements: Statement[]): Promise<Record<string, string[]>> {
    const found: Record<string, string[]> = {}
    const idle = new Set(statements.map(({ name }) => name).filter((name) => name in whole))
    for (const { name, as, sql } of statements) {
      const read = await readsWhole({ as, sql })
      const failed = read.some((one) => one.startsWith('failed'))
      if (read.length > 0 && (failed || !(name in whole))) found[`${as}: ${sql}`] = read
      else if (read.length > 0) idle.delete(name)
    }
    for (const name of idle) found[name] = ['reads no large table as a whole']
    return found
  }

  test('no function reads a large table from one end to the other', { timeout: 600_000 }, async () => {
    const callable = Object.entries(matrix.functions).filter(([, roles]) => roles !== 'matching_definer')
    expect(Object.keys(calls).sort()).toEqual(callable.map(([name]) => name).sort())
    const called = callable.flatMap(([name, roles]) =>
      roles
        .split(' ')
        .filter((role) => role !== 'matching_definer')
        .flatMap((as) => (calls[name] ?? []).map((sql) => ({ name, as, sql: `SELECT * FROM ${sql}` }))),
    )
    const asOwner = [...upkeep, state, ...Object.keys(reports)].map((sql) => ({ name: sql, as: db.owner, sql }))
    const others = shipped.statements.map(([as, sql]) => ({ name: sql, as, sql }))
    expect(await wrong([...called, ...asOwner, ...others])).toEqual({})
    for (const [as, sql] of shipped.refused) {
      const [failure, ...read] = (await readsWhole({ as, sql })).reverse()
      expect(failure, sql).toMatch(/^failed/)
      expect(read, sql).toEqual([])
    }
  })

  test(
    'no job reads a large table from one end to the other, but those about all of it',
    { timeout: 600_000 },
    async () => {
      const jobs = await query('SELECT name, command AS sql FROM maintenance_jobs ORDER BY name')
      expect(await wrong(jobs.map((job) => ({ ...(job as { name: string; sql: string }), as: db.owner })))).toEqual({})
    },
  )

  test('every function was among them', async () => {
    await query('SELECT pg_stat_force_next_flush()')
    const never = await query(
      `SELECT name FROM (${functions}) f WHERE NOT EXISTS (SELECT FROM pg_stat_user_functions s WHERE s.funcid = f.oid) ORDER BY 1`,
    )
    expect(never.map(({ name }) => name)).toEqual(shipped.once)
    expect(Number(await one(query, `SELECT count(*) FROM (${functions}) f`))).toBeGreaterThan(shipped.moreThan)
  })
}

/** The functions whose statements cannot be elsewhere than in a plan of their own. */
const functions = `
  SELECT p.oid, p.proname::text AS name FROM pg_proc p
   WHERE p.pronamespace = 'public'::regnamespace AND p.prosqlbody IS NULL
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')`

/** The events once more, a day ago, and a relay that passed them all. */
async function addPast(query: Query, owner: string): Promise<void> {
  const today = `date_trunc('day', now(), 'UTC')`
  await transaction(query, owner, null, (inside) =>
    inside(
      `SELECT create_range_partition('outbox_events', 'outbox_events_yesterday', ${today} - interval '1 day', ${today})`,
    ),
  )
  await query(`INSERT INTO outbox_events (aggregate_type, aggregate_id, event_type, event_data, created_at)
               SELECT aggregate_type, aggregate_id, event_type, event_data, ${today} - interval '1 hour' FROM outbox_events`)
  await query(
    `INSERT INTO outbox_cursor (relay, xid, sequence) SELECT 'done', pg_current_xact_id(), max(sequence) FROM outbox_events`,
  )
}
