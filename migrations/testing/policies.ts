import { beforeAll, describe, expect, test } from 'vitest'
import type { Query, Role, TestDatabase, WorkerRole } from './database.ts'

/**
 * Which rows each kind of caller reaches, grants on tables aside. What a database declares of it (its policies.json) is by table, view
 * or function, caller and attempt, as the names of the rows that the attempt reached; what is not there reaches nothing. matrix.json
 * has the grants: together they say who may do what.
 */
export type Declared = Record<string, Record<string, Reached>>
type Reached = Record<string, string>

export interface Caller {
  role: Role | WorkerRole
  /** null: no identity was ever set; '': what is left of one in a pooled session. */
  userId: string | null
}
export type Rows = Record<string, string>
export interface Attempts {
  /** Condition of each named row. */
  rows: Rows
  /** A statement for each named row that would be new. */
  insert: Rows
  /** SET clauses that leave a row where it is or give it away; tried on each row. */
  update?: Rows
  /** SET clauses with constants only, on all rows: without a condition the policies for SELECT do not join in. */
  blind: string[]
}
export interface Cast {
  callers: Record<string, Caller>
  /** Every table with row security. */
  tables: Record<string, Attempts>
  /** Definer views that a role of requests may read. */
  views: Record<string, Rows>
  /** Definer functions that a role of requests may call, as `name()`: a statement for each of what a call may reach. */
  functions: Record<string, Rows>
  /** Of these, what tells nothing of anybody and needs no identity. */
  impersonal?: string[]
  /** A table with rows that only the caller `self` sees. */
  personal: string
}

/** Who asks in every database. */
export const callersOf = (people: Record<'self' | 'other' | 'recruiter' | 'admin', string>): Cast['callers'] => ({
  self: { role: 'authenticated_users', userId: people.self },
  other: { role: 'authenticated_users', userId: people.other },
  recruiter: { role: 'recruiter_role', userId: people.recruiter },
  admin: { role: 'admin_role', userId: people.admin },
  'no context': { role: 'authenticated_users', userId: null },
  'recruiter, no context': { role: 'recruiter_role', userId: null },
  'admin, no context': { role: 'admin_role', userId: null },
  'empty context': { role: 'authenticated_users', userId: '' },
  'recruiter, empty context': { role: 'recruiter_role', userId: '' },
  'admin, empty context': { role: 'admin_role', userId: '' },
  'forged context': { role: 'recruiter_role', userId: people.self },
  worker: { role: 'outbox_worker', userId: null },
})

/** Conditions of rows by the value of a column. */
export const is = (column: string, values: Record<string, string>): Rows =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `${column} = '${value}'`]))

/** Statements about rows by the id of each: what follows SELECT. */
export const each = (ids: Record<string, string>, about: (id: string) => string): Rows =>
  Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, `SELECT ${about(id)}`]))

/** What every database has, with the rows of `addSharedRows`. */
export const sharedTables: Cast['tables'] = {
  legal_holds: {
    rows: { any: 'TRUE' },
    insert: { any: `INSERT INTO legal_holds (subject_id, reason) VALUES (gen_random_uuid(), 'case 2')` },
    blind: [`reason = 'case 3'`],
  },
  outbox_events: {
    rows: { any: 'TRUE' },
    insert: {
      any: `INSERT INTO outbox_events (aggregate_type, aggregate_id, event_type, event_data)
            VALUES ('user', gen_random_uuid(), 'user.updated', '{}')`,
    },
    blind: ['published = TRUE'],
  },
  outbox_dead_letters: {
    rows: { any: 'TRUE' },
    insert: {
      any: `INSERT INTO outbox_dead_letters (event_id, aggregate_type, aggregate_id, event_type, event_data, event_version, sequence, last_error, attempts)
            VALUES (gen_random_uuid(), 'user', gen_random_uuid(), 'user.updated', '{}', 1, 1, '-', 1)`,
    },
    update: { keep: 'attempts = 2' },
    blind: ['attempts = 2'],
  },
}

/** Needs an event. */
export async function addSharedRows(query: Query): Promise<void> {
  await query(`INSERT INTO legal_holds (subject_id, reason) VALUES (gen_random_uuid(), 'case 1')`)
  await query(`INSERT INTO outbox_dead_letters (event_id, aggregate_type, aggregate_id, event_type, event_data, event_version, sequence, last_error, attempts)
               SELECT event_id, aggregate_type, aggregate_id, event_type, event_data, event_version, sequence, '-', 1 FROM outbox_events LIMIT 1`)
}

/**
 * Defines the tests: each caller reaches what is declared and no more; then every predicate of every policy is taken out, one at a
 * time, and the matrix has to notice.
 * @param stage  adds the rows, once, as superuser
 */
export function testPolicies(db: TestDatabase, declared: Declared, stage: (query: Query) => Promise<Cast>): void {
  let cast: Cast

  beforeAll(async () => {
    cast = await stage(db.query)
  })

  describe('row level security', () => {
    test('is tried on every table that has it', async () => {
      const guarded = await db.query(
        `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity AND NOT relispartition ORDER BY 1`,
      )
      expect(Object.keys(cast.tables).sort()).toEqual(guarded.map((row) => row['relname']))
    })

    test('is tried on every definer view and function of requests, which apply its rules themselves', async () => {
      const reachable = async (sql: string) => (await db.query(sql, [roles])).map((row) => row['name'])
      expect(Object.keys(cast.views).sort()).toEqual(
        await reachable(
          `SELECT relname AS name FROM pg_class c
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND pg_get_userbyid(relowner) = 'matching_definer'
              AND EXISTS (SELECT FROM unnest($1::text[]) role WHERE has_table_privilege(role, c.oid, 'SELECT')) ORDER BY 1`,
        ),
      )
      expect(Object.keys(cast.functions).sort()).toEqual(
        await reachable(
          `SELECT proname || '()' AS name FROM pg_proc p
            WHERE pronamespace = 'public'::regnamespace AND prosecdef
              AND EXISTS (SELECT FROM unnest($1::text[]) role WHERE has_function_privilege(role, p.oid, 'EXECUTE')) ORDER BY 1`,
        ),
      )
    })

    test('lets each caller reach the declared rows, no other', async () => {
      const [none, some] = await aside(db, cast, async (query, callers) => {
        const all: Declared = {}
        for (const name of Object.keys({ ...cast.tables, ...cast.views, ...cast.functions }))
          all[name] = await matrixOf(query, cast, callers, name)
        return all
      })
      const names = Object.keys(some)
      expect(Object.fromEntries(names.map((name) => [name, { ...some[name], ...none[name] }]))).toEqual(declared)
    })

    test('lets nobody reach anything without an identity', () => {
      const nobody = Object.entries(cast.callers).filter(([, { role, userId }]) => !userId && roles.includes(role))
      expect(nobody).toHaveLength(2 * roles.length)
      const reached = Object.entries(declared).flatMap(([name, matrix]) =>
        nobody.filter(([who]) => who in matrix).map(([who]) => `${name}: ${who}`),
      )
      expect(reached.filter((each) => !cast.impersonal?.some((name) => each.startsWith(name)))).toEqual([])
    })

    test('lets nobody reach anything with an identity that is none', async () => {
      const sql = `SELECT FROM ${cast.personal}`
      const forged = db.as('authenticated_users', `' OR TRUE --`, (query) => query(sql))
      await expect(forged).rejects.toMatchObject({ code: '22P02' })
      const client = await db.connect(db.login)
      await client.query(`SELECT set_config('app.current_user_id', '${cast.callers['self']?.userId}', false)`)
      await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' })
    })
  })

  describe('a policy without one of its predicates is noticed', () => {
    const changesOf = async (name: string) => [
      ...(await policyChanges(db.query, name)),
      ...(await viewChanges(db.query, name)),
    ]
    const isReached = (name: string) => Object.keys(declared[name] ?? {}).length > 0
    const relations = Object.keys(declared).filter((name) => !name.endsWith('()'))
    const [reached, closed] = [relations.filter(isReached), relations.filter((name) => !isReached(name))]

    test.for(closed)('%s, which nobody reaches, has none to lose', async (name) => {
      expect(await changesOf(name)).toEqual([])
    })

    test.for(reached)('%s', async (name) => {
      const changes = await changesOf(name)
      expect(changes.length).toBeGreaterThan(0)
      const [none, some] = await aside(db, cast, async (query, callers) => {
        const missed: string[] = []
        for (const { sql, roles } of changes) {
          const reached = async () => JSON.stringify(await matrixOf(query, cast, callers, name, roles))
          const before = await reached()
          await query('SAVEPOINT policy')
          await query(sql)
          const after = await reached()
          await query('ROLLBACK TO policy')
          if (before === after) missed.push(sql)
        }
        return missed
      })
      expect(none.filter((sql) => some.includes(sql))).toEqual([])
    })
  })
}

/** What requests act as. */
const roles = ['authenticated_users', 'recruiter_role', 'admin_role']

/** Everybody's privileges on all tables, so that policies alone decide; all of it in one transaction that is rolled back. */
const prepare = (roles: string) => `
  DO $$
  DECLARE
    v_table regclass;
  BEGIN
    FOR v_table IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO ${roles}', v_table);
    END LOOP;
  END
  $$;
  GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${roles};
  -- Tries a statement and undoes it: the number of its rows, 'accepted' when a constraint stops it, which comes after the policies
  -- (a trigger before the row comes before them: rows and SET clauses are such that none stops them), or 'refused'.
  CREATE FUNCTION attempt(p_sql text) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    v_rows text;
  BEGIN
    EXECUTE p_sql;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = 'raise_exception', MESSAGE = v_rows;
  EXCEPTION
    WHEN raise_exception THEN RETURN SQLERRM;
    WHEN insufficient_privilege OR no_data_found THEN RETURN 'refused';
    WHEN integrity_constraint_violation THEN RETURN 'accepted';
  END
  $$;
  GRANT EXECUTE ON FUNCTION attempt(text) TO PUBLIC`

/** Twice, on a new connection each: for callers whose identity was never set, which nothing makes undone, then for the others. */
async function aside<T>(
  db: TestDatabase,
  { callers }: Cast,
  work: (query: Query, callers: Cast['callers']) => Promise<T>,
): Promise<[T, T]> {
  const roles = new Set(Object.values(callers).map(({ role }) => role))
  const those = async (set: boolean) => {
    const client = await db.connect()
    const query: Query = async (sql, values = []) => (await client.query<Record<string, unknown>>(sql, values)).rows
    await client.query('BEGIN')
    try {
      await client.query(prepare([...roles].join()))
      const group = Object.entries(callers).filter(([, { userId }]) => (userId !== null) === set)
      return await work(query, Object.fromEntries(group))
    } finally {
      await client.query('ROLLBACK')
    }
  }
  return [await those(false), await those(true)]
}

type Try = [attempt: string, row: string, sql: string]

function triesOf({ tables, views, functions }: Cast, name: string): Try[] {
  if (name in functions) return Object.entries(functions[name] ?? {}).map(([row, sql]): Try => ['CALL', row, sql])
  const { rows, insert, update = {}, blind } = tables[name] ?? { rows: views[name] ?? {}, insert: {}, blind: [] }
  const onEach = (attempt: string, statement: string): Try[] =>
    Object.entries(rows).map(([row, where]) => [attempt, row, `${statement} WHERE ${where}`])
  const reads = onEach('SELECT', `SELECT FROM ${name}`)
  if (!(name in tables)) return reads
  return [
    ...reads,
    ...Object.entries(insert).map(([row, sql]): Try => ['INSERT', row, sql]),
    ...Object.entries(update).flatMap(([attempt, set]) => onEach(`UPDATE ${attempt}`, `UPDATE ${name} SET ${set}`)),
    ...onEach('DELETE', `DELETE FROM ${name}`),
    ...blind.map((set): Try => ['UPDATE all', '', `UPDATE ${name} SET ${set}`]),
    ['DELETE all', '', `DELETE FROM ${name}`],
  ]
}

/** What a caller reaches, by attempt: names of rows, or the number of rows where none is named. */
async function reach(query: Query, tries: Try[], caller: Caller): Promise<Reached> {
  await query(`SET LOCAL ROLE ${caller.role}`)
  if (caller.userId !== null) await query(`SELECT set_config('app.current_user_id', $1, true)`, [caller.userId])
  else expect(await query(`SELECT current_setting('app.current_user_id', true) AS set`)).toEqual([{ set: null }])
  const results = await query(
    `SELECT attempt(sql) AS result FROM unnest($1::text[]) WITH ORDINALITY AS t(sql, n) ORDER BY n`,
    [tries.map(([, , sql]) => sql)],
  )
  await query('RESET ROLE')
  const reached: Record<string, string[]> = {}
  tries.forEach(([attempt, row], i) => {
    const result = results[i]?.['result'] as string
    if (result === '0' || result === 'refused') return
    ;(reached[attempt] ??= []).push(row || result)
  })
  return Object.fromEntries(Object.entries(reached).map(([attempt, names]) => [attempt, names.join(', ')]))
}

/** Of a table or view, for the callers with one of these roles. */
async function matrixOf(
  query: Query,
  cast: Cast,
  callers: Cast['callers'],
  name: string,
  roles?: string[],
): Promise<Record<string, Reached>> {
  const tries = triesOf(cast, name)
  const matrix: Record<string, Reached> = {}
  for (const [who, caller] of Object.entries(callers)) {
    if (roles && !roles.includes(caller.role)) continue
    const reached = await reach(query, tries, caller)
    if (Object.keys(reached).length > 0) matrix[who] = reached
  }
  return matrix
}

/** A statement that takes one predicate out, and whom it can concern. */
interface Change {
  sql: string
  roles?: string[]
}

interface Policy {
  name: string
  roles: string[]
  using: string | null
  check: string | null
}

async function policyChanges(query: Query, table: string): Promise<Change[]> {
  const found = (await query(
    `SELECT polname AS name, ARRAY(SELECT rolname::text FROM pg_roles WHERE oid = ANY (polroles)) AS roles,
            pg_get_expr(polqual, polrelid) AS using, pg_get_expr(polwithcheck, polrelid) AS check
       FROM pg_policy WHERE polrelid = $1::regclass AND polname <> 'definer_access' ORDER BY polname`,
    [table],
  )) as unknown as Policy[]
  return found.flatMap(({ name, roles, using, check }) =>
    [
      ...(using === null ? [] : without(using).map((rest) => `USING (${rest})`)),
      ...(check === null ? [] : without(check).map((rest) => `WITH CHECK (${rest})`)),
    ].map((change) => ({ sql: `ALTER POLICY ${name} ON ${table} ${change}`, roles })),
  )
}

async function viewChanges(query: Query, view: string): Promise<Change[]> {
  const found = await query(
    `SELECT pg_get_viewdef(oid) AS sql FROM pg_class WHERE oid = $1::regclass AND relkind = 'v'`,
    [view],
  )
  return found.flatMap(({ sql }) => {
    const [, select = '', where = ''] = /^([^]*?)\sWHERE\s([^]*);$/.exec(sql as string) ?? []
    return without(where).map((rest) => ({ sql: `CREATE OR REPLACE VIEW ${view} AS ${select} WHERE ${rest}` }))
  })
}

/** The parts that AND or OR joins at the top of an expression as pg_get_expr writes it. */
function parts(expression: string): { operator: string; operands: string[] } {
  const text = expression.trim()
  const tokens = text.matchAll(/'(?:[^']|'')*'|[()]| (AND|OR) /g)
  let depth = 0
  let whole = text.startsWith('(')
  let operator = 'AND'
  let from = 0
  const operands: string[] = []
  for (const token of tokens) {
    if (token[0] === '(') depth++
    else if (token[0] === ')') depth--
    else if (token[1] && depth === 0) {
      operator = token[1]
      operands.push(text.slice(from, token.index))
      from = token.index + token[0].length
    }
    if (depth === 0 && token.index + token[0].length < text.length) whole = false
  }
  if (whole) return parts(text.slice(1, -1))
  return { operator, operands: [...operands, text.slice(from)] }
}

/** The expression without each of its predicates in turn. */
function without(expression: string): string[] {
  if (expression === 'true') return ['false']
  const { operator, operands } = parts(expression)
  if (operands.length === 1) return ['true']
  return operands.map((_, i) => operands.filter((__, j) => j !== i).join(` ${operator} `))
}
