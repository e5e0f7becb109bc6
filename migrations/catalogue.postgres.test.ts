import { describe, expect, test } from 'vitest'
import { databaseName } from '../operator/data-store/names.ts'
import core from './core/matrix.json' with { type: 'json' }
import geolocation from './geolocation/matrix.json' with { type: 'json' }
import temporal from './temporal/matrix.json' with { type: 'json' }
import { clusterSql, testDatabase } from './testing/database.ts'
import type { PostgresSchema, TestDatabase } from './testing/database.ts'
import vault from './vault/matrix.json' with { type: 'json' }

/**
 * The promises of the schemas as a whole, read from the catalogue: a table or function added later is held to them too.
 * matrix.json is the whole of what each role may do: role × table × command, with column names where not all are meant.
 */
interface Promises {
  matrix: { tables: Record<string, Grants>; functions: Record<string, string> }
  /** Tables without row security: those without personal data, whose rows everybody may know, and hypertables, which can have none. */
  unguarded: string[]
  /** Functions with the rights of the tables' owner, because nobody else may do what they do. */
  ownersDefiners?: string[]
  /** Views that run as their owner, for callers without a grant on what they show. */
  definerViews: string[]
  /** The policy of every guarded table, and whom it lets pass. */
  guard: { policy: string; role: string }
  /** Roles that requests act as. */
  roles: string[]
  /** Roles of workers, which may connect. */
  workers: string[]
  /** Further roles that a service's login may become. */
  groups?: string[]
  /** Who makes temporary tables, besides the owner. */
  temporary?: string[]
}

const families = {
  guard: { policy: 'definer_access', role: 'matching_definer' },
  roles: ['authenticated_users', 'recruiter_role', 'admin_role'],
}
const upkeep = ['inbox', 'maintenance_jobs', 'outbox_cursor', 'outbox_published_partitions', 'retention_rules']
const hypertables = ['availability_patterns', 'interview_slots', 'job_schedules', 'temporal_analytics']

const promises: Record<PostgresSchema, Promises> = {
  core: {
    ...families,
    matrix: core,
    unguarded: [
      'cities',
      'inbox',
      'job_posting_keys',
      'job_skill_weights',
      'maintenance_jobs',
      'occupation_skills',
      'occupations',
      'outbox_cursor',
      'outbox_published_partitions',
      'retention_rules',
      'skill_relations',
      'skills_taxonomy',
    ],
    definerViews: [
      'admin_audit_log',
      'admin_users',
      'my_sessions',
      'my_user',
      'recruiter_candidates',
      'recruiter_certifications',
    ],
    workers: ['outbox_worker', 'analytics'],
    groups: ['authentication_role'],
    temporary: ['matching_definer'],
  },
  geolocation: {
    ...families,
    matrix: geolocation,
    unguarded: upkeep,
    definerViews: [],
    workers: ['outbox_worker'],
  },
  temporal: {
    ...families,
    matrix: temporal,
    unguarded: [
      ...upkeep,
      ...hypertables,
      'daily_scheduling_metrics_history',
      'hourly_availability_stats_history',
      'job_schedule_current',
      'time_zones',
    ],
    definerViews: [
      'admin_interviews',
      'admin_temporal_analytics',
      'availability_statistics',
      'metric_statistics',
      'my_availability',
      'my_interviews',
      'scheduling_statistics',
    ],
    ownersDefiners: ['sync_retention_policies()'], // a trigger: policies are the owner's of the hypertable
    workers: ['outbox_worker', 'analytics'],
  },
  vault: {
    matrix: vault,
    unguarded: [],
    definerViews: [],
    guard: { policy: 'key_keeper_access', role: 'key_keeper' },
    roles: ['key_keeper'],
    workers: [],
  },
}

const ours = `c.relnamespace IN ('public'::regnamespace, to_regnamespace('app_private')) AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`

type Grants = Record<string, Record<string, string>>

/** Grants of the tables and views: {relation: {role: {command: '*' or column names}}}, owners left out. */
async function grants(db: TestDatabase): Promise<Record<string, Grants>> {
  const rows = await db.query(
    `WITH granted AS (
       SELECT c.relname, a.grantee, a.privilege_type, NULL AS column_name, 0 AS position
         FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE ${ours} AND c.relkind IN ('r', 'p', 'v', 'm') AND a.grantee <> c.relowner
       UNION ALL
       SELECT c.relname, a.grantee, a.privilege_type, t.attname, t.attnum
         FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid CROSS JOIN LATERAL aclexplode(t.attacl) a
        WHERE ${ours} AND c.relkind IN ('r', 'p', 'v', 'm') AND a.grantee <> c.relowner)
     SELECT relname, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS role, privilege_type AS command,
            CASE WHEN bool_or(column_name IS NULL) THEN '*' ELSE string_agg(column_name, ' ' ORDER BY position) END AS columns
       FROM granted GROUP BY 1, 2, 3
      ORDER BY 1, 2, array_position(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'], privilege_type)`,
  )
  const found: Record<string, Grants> = {}
  for (const row of rows) {
    const { relname, role, command, columns } = row as Record<string, string>
    if (!relname || !role || !command || !columns) throw new Error('the query names its columns')
    const table = (found[relname] ??= {})
    const commands = (table[role] ??= {})
    commands[command] = columns
  }
  return found
}

/** EXECUTE beyond the owner of the functions, as {function: roles}; extensions' functions left out. */
async function executors(db: TestDatabase): Promise<Record<string, string>> {
  const rows = await db.query(
    `SELECT p.oid::regprocedure::text AS name,
            string_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END, ' ' ORDER BY 1) AS roles
       FROM pg_proc p CROSS JOIN LATERAL aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
      WHERE p.pronamespace = 'public'::regnamespace AND a.grantee <> p.proowner
        AND pg_get_userbyid(a.grantee) IS DISTINCT FROM '${db.owner}'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
      GROUP BY 1 ORDER BY 1`,
  )
  return Object.fromEntries(
    rows.map((row) => [row['name'] as string, (row['roles'] as string).split(' ').sort().join(' ')]),
  )
}

describe.each(Object.keys(promises) as PostgresSchema[])('%s', (schema) => {
  const promised = promises[schema]
  const { guard } = promised
  const db = testDatabase(schema)
  const login = (name: string) => `${databaseName(schema)}_${name}`

  describe('the matrix', () => {
    test('of tables is what the database grants', async () => {
      expect(await grants(db)).toEqual(promised.matrix.tables)
    })

    test('of functions is what the database grants', async () => {
      expect(await executors(db)).toEqual(promised.matrix.functions)
    })
  })

  describe('every table', () => {
    test('keeps its keys and created_at: no role of a request may change them', async () => {
      expect(
        await db.query(
          `SELECT c.relname, a.attname, r.role
           FROM pg_class c
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          CROSS JOIN unnest($1::text[]) AS r(role)
          WHERE ${ours} AND c.relkind IN ('r', 'p') AND has_column_privilege(r.role, c.oid, a.attnum, 'UPDATE')
            AND (a.attname IN ('created_at', 'updated_at', 'user_id', 'candidate_id', 'company_id', 'job_id')
                 OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)))
          ORDER BY 1, 2, 3`,
          [promised.roles],
        ),
      ).toEqual([])
    })

    test('with personal data has row security, forced, and the policy of who guards it', async () => {
      const rows = await db.query(
        `SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = '${guard.policy}' AND p.polcmd = '*'
                   AND p.polroles = ARRAY['${guard.role}'::regrole::oid] AND pg_get_expr(p.polqual, c.oid) = 'true'
                   AND pg_get_expr(p.polwithcheck, c.oid) = 'true') AS guarded
         FROM pg_class c WHERE ${ours} AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`,
      )
      const unguarded = rows.filter((row) => row['guarded'] !== true).map((row) => row['relname'])
      expect(unguarded).toEqual([...promised.unguarded].sort())
    })

    test('that is a partition has row security as its parent, for whoever names it', async () => {
      expect(
        await db.query(
          `SELECT c.relname FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent
          WHERE ${ours} AND c.relispartition AND c.relkind = 'r' AND c.relrowsecurity <> p.relrowsecurity`,
        ),
      ).toEqual([])
    })

    test('belongs to the owner, and no partition has a grant', async () => {
      expect(
        await db.query(
          `SELECT relname FROM pg_class c WHERE ${ours} AND c.relkind IN ('r', 'p') AND
          (pg_get_userbyid(relowner) <> '${db.owner}'
           OR relispartition AND EXISTS (SELECT FROM aclexplode(relacl) a WHERE a.grantee <> relowner))`,
        ),
      ).toEqual([])
    })

    test('has instants with time zone, and NOT NULL where it has a default', async () => {
      expect(
        await db.query(
          `SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          WHERE ${ours} AND c.relkind IN ('r', 'p')
            AND (a.attname LIKE '%\\_at' AND a.atttypid <> 'timestamptz'::regtype
                 OR a.atttypid = 'timestamp'::regtype
                 OR a.atthasdef AND NOT a.attnotnull)`,
        ),
      ).toEqual([])
    })

    test('that has updated_at keeps it by a touch trigger', async () => {
      expect(
        await db.query(
          `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at'
          WHERE ${ours} AND c.relkind IN ('r', 'p') AND NOT EXISTS (
            SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = to_regprocedure('touch_updated_at()'))`,
        ),
      ).toEqual([])
    })

    test('has an index for each foreign key', async () => {
      expect(
        await db.query(
          `SELECT conrelid::regclass::text AS table_name, conname FROM pg_constraint k
          WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = k.conrelid
               AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)`,
        ),
      ).toEqual([])
    })
  })

  describe('every function', () => {
    test('pins its search_path, unless its body is parsed already', async () => {
      expect(
        await db.query(
          `SELECT p.oid::regprocedure::text AS name FROM pg_proc p
          WHERE p.pronamespace = 'public'::regnamespace AND p.prosqlbody IS NULL
            AND NOT EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s LIKE 'search_path=pg_catalog,%pg_temp')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')`,
        ),
      ).toEqual([])
    })

    test('with its owner’s rights belongs to matching_definer and is not for PUBLIC', async () => {
      const definers = await db.query(
        `SELECT p.oid::regprocedure::text AS name, pg_get_userbyid(proowner) AS owner,
              has_function_privilege('public', p.oid, 'EXECUTE') AS open
         FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace`,
      )
      expect(definers.length > 0).toBe(schema !== 'vault')
      const others = definers.filter((row) => row['owner'] !== 'matching_definer' || row['open'] === true)
      expect(others.map((row) => row['name'])).toEqual(promised.ownersDefiners ?? [])
    })

    test('of the policies may be executed by the roles of the policy', async () => {
      for (const role of new Set([...promised.roles, guard.role]))
        expect(
          await db.query(
            `SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
             AND (p.proname LIKE 'app\\_%' OR p.proname = 'current_app_user') AND NOT has_function_privilege('${role}', p.oid, 'EXECUTE')`,
          ),
          role,
        ).toEqual([])
    })
  })

  test('views run as the caller, except those for callers without a grant', async () => {
    const definers = await db.query(
      `SELECT c.relname, pg_get_userbyid(c.relowner) AS owner, 'security_barrier=true' = ANY (c.reloptions) AS barrier
       FROM pg_class c WHERE ${ours} AND c.relkind = 'v' AND NOT COALESCE('security_invoker=true' = ANY (c.reloptions), FALSE) ORDER BY 1`,
    )
    expect(definers).toEqual(
      promised.definerViews.map((relname) => ({
        relname,
        owner: 'matching_definer',
        barrier: true,
      })),
    )
  })

  describe('cluster.sql', () => {
    const definers = schema === 'vault' ? [] : ['matching_definer']
    const everybody = [
      ...['owner', 'app_a', 'app_b'].map(login),
      ...definers,
      ...promised.roles,
      ...promised.workers,
      ...(promised.groups ?? []),
      'pgbouncer_auth',
    ]

    test('gives nobody more than meant', async () => {
      const superior = await db.query(
        `SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
          AND rolname = ANY ($1)`,
        [everybody],
      )
      expect(superior).toEqual([])
      const create = await db.query(
        `SELECT rolname FROM pg_roles WHERE has_schema_privilege(oid, 'public', 'CREATE') AND rolname = ANY ($1) ORDER BY 1`,
        [everybody],
      )
      expect(create.map((row) => row['rolname'])).toEqual([...definers, db.owner].sort())
    })

    test('lets nobody into the database but its logins, and only who is meant to make temporary tables', async () => {
      const rows = await db.query(
        `SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS role,
              string_agg(privilege_type, ' ' ORDER BY privilege_type) AS privileges
         FROM pg_database CROSS JOIN LATERAL aclexplode(datacl) WHERE datname = current_database() GROUP BY 1`,
      )
      const visitors = [
        login('app_a'),
        login('app_b'),
        ...promised.workers,
        ...(schema === 'vault' ? [] : ['pgbouncer_auth']),
      ]
      expect(Object.fromEntries(rows.map((row) => [row['role'], row['privileges']]))).toEqual({
        [db.owner]: 'CONNECT CREATE TEMPORARY',
        ...Object.fromEntries(visitors.map((role) => [role, 'CONNECT'])),
        ...Object.fromEntries((promised.temporary ?? []).map((role) => [role, 'TEMPORARY'])),
      })
    })

    test('may run again, many times at once', async () => {
      const sql = await clusterSql(schema)
      const clients = await Promise.all(Array.from({ length: 5 }, () => db.connect()))
      await Promise.all(clients.map((client) => client.query(sql)))
      expect(await grants(db)).toEqual(promised.matrix.tables)
    })

    test.skipIf(schema === 'vault')(
      'lets the pooler look up service logins, not superusers nor the owner',
      async () => {
        const client = await db.connect()
        await client.query('SET ROLE pgbouncer_auth')
        const found = async (name: string) =>
          (await client.query('SELECT usename FROM pgbouncer.get_auth($1)', [name])).rowCount
        expect(await found(login('app_a'))).toBe(1)
        expect(await found('postgres')).toBe(0)
        expect(await found(db.owner)).toBe(0)
        await client.query('RESET ROLE; SET ROLE authenticated_users')
        await expect(found(login('app_a'))).rejects.toMatchObject({ code: '42501' })
      },
    )
  })
})
