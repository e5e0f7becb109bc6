import { createHash } from 'node:crypto'
import pg from 'pg'
import { localeClause } from '../../../migrations/runner/bootstrap.ts'
import { scramVerifier } from '../../../migrations/runner/scram.ts'
import { withConnection, type Connection } from '../../postgres-connection.ts'
import type { Adopted, Adoption, Target } from '../engine.ts'
import { editionOf, keepOutOfLogs, verifiers } from './bootstrap.ts'
import { scramMatches } from './scram.ts'

const { escapeIdentifier, escapeLiteral } = pg

/** On every role that we made: only of these are passwords ever set again. */
const mark = 'made by supersmartmatch-operator'

/**
 * Puts in place what migrations and clients rely on, on a server that somebody else runs:
 *
 * 1. Look what the login may do and what is there. Nothing that was there is changed: a database of somebody else's and a role
 *    with another password are named, not taken.
 * 2. As superuser: database, roles, extensions and cluster.sql, as in a managed store; each role is marked and gets its password
 *    in the transaction that creates it.
 * 3. As anybody else: name what is missing. Whoever runs the server puts it in place (`migrate bootstrap`).
 *
 * @throws  the driver's error; its message carries SQLSTATE and name, never a password
 */
export async function adopt(target: Target, wanted: Adoption, signal: AbortSignal): Promise<Adopted> {
  const found = await look(target, wanted, signal)
  if (found.isSuperuser) return found.obstacles.length > 0 ? refuse(found.obstacles) : setUp(target, wanted, signal)
  const missing = [...found.obstacles, ...found.missing, ...(await wrongLogins(target, found, wanted, signal))]
  if (missing.length > 0) return refuse(missing)
  return { kind: 'done', clusterSql: wanted.appliedClusterSql, changed: [], ...found.edition }
}

const refuse = (missing: string[]): Adopted => ({ kind: 'notAllowed', missing })

// --- 1: look ----------------------------------------------------------------------------------------------------------------

interface Found {
  isSuperuser: boolean
  hasDatabase: boolean
  /** What stands in the way whoever asks. */
  obstacles: string[]
  /** What a superuser would put in place. */
  missing: string[]
  roles: Set<string>
  edition: Awaited<ReturnType<typeof editionOf>>
}

async function look(target: Target, wanted: Adoption, signal: AbortSignal): Promise<Found> {
  const needs = requirements(wanted.clusterSql)
  const hasDatabase = await exists(target, signal)
  const database = hasDatabase ? target.database : 'postgres'
  return withConnection({ ...target, database }, signal, async (connection) => {
    const [login] = await connection.query<{ isSuperuser: boolean }>(
      'SELECT rolsuper AS "isSuperuser" FROM pg_catalog.pg_roles WHERE rolname = current_user',
    )
    const isSuperuser = login?.isSuperuser ?? false
    const roles = await rolesAmong(connection, [...needs.roles, ...Object.keys(wanted.passwords)])
    const missing = [
      ...needs.roles.filter((role) => !roles.has(role)).map((role) => `role ${role}`),
      ...(hasDatabase ? [] : [`database ${target.database}`]),
      ...(await missingMemberships(connection, needs.memberships, roles)),
      ...(hasDatabase ? await missingExtensions(connection, [...needs.extensions, ...wanted.extensions]) : []),
      ...(hasDatabase && needs.lookUp ? await missingLookUp(connection) : []),
    ]
    const obstacles = [
      ...(hasDatabase ? await othersDatabase(connection, wanted) : lost(target.database, wanted)),
      ...(isSuperuser ? await othersRoles(connection, wanted) : []),
    ]
    return { isSuperuser, hasDatabase, obstacles, missing, roles, edition: await editionOf(connection) }
  })
}

/** Whether the store's database is there: the server says so only to who connects to it. */
async function exists(target: Target, signal: AbortSignal): Promise<boolean> {
  try {
    return await withConnection(target, signal, async () => true)
  } catch (error) {
    if ((error as { code?: string }).code !== undefinedDatabase) throw error
    return false
  }
}

/** SQLSTATE invalid_catalog_name. */
const undefinedDatabase = '3D000'

const lost = (database: string, { mayCreateDatabase }: Adoption): string[] =>
  mayCreateDatabase ? [] : [`database ${database}, which is gone although migrations were applied to it: restore it`]

/** Migrations create and alter in `public` as owner of the database: neither is right in one that is somebody else's. */
async function othersDatabase(connection: Connection, { owner }: Adoption): Promise<string[]> {
  const [row] = await connection.query<{ database: string; owner: string; ledger: boolean; tables: string | null }>(`
    SELECT current_database() AS database, pg_catalog.pg_get_userbyid(datdba) AS owner,
           to_regclass('migrations.schema_migrations') IS NOT NULL AS ledger,
           (SELECT string_agg(name, ', ') FROM (
              SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_class c
               WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
                 AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
                 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
               ORDER BY 1 LIMIT 3) few) AS tables
      FROM pg_catalog.pg_database WHERE datname = current_database()`)
  if (!row) return []
  const { database, tables, ledger } = row
  return [
    ...(row.owner === owner ? [] : [`ownership of database ${database} by ${owner} (it is ${row.owner}’s)`]),
    ...(tables && !ledger ? [`an empty database: ${database} holds ${tables} of somebody else`] : []),
  ]
}

/** A role that was there with another password is used by somebody: setting ours would lock them out. */
async function othersRoles(connection: Connection, wanted: Adoption): Promise<string[]> {
  const { passwords } = wanted
  const stored = await verifiers(connection, Object.keys(passwords))
  const marked = await markedAmong(connection, Object.keys(passwords))
  return Object.entries(passwords)
    .filter(
      ([role, password]) => stored.has(role) && !marked.has(role) && !scramMatches(stored.get(role) ?? null, password),
    )
    .map(([role]) => wrongPassword(role, wanted))
}

const wrongPassword = (role: string, { secrets }: Adoption) =>
  `the password in Secret ${secrets[role] ?? ''} for role ${role}, which was there and has another`

async function rolesAmong(connection: Connection, names: string[]): Promise<Set<string>> {
  const rows = await connection.query<{ rolname: string }>(
    'SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY($1)',
    [names],
  )
  return new Set(rows.map(({ rolname }) => rolname))
}

async function markedAmong(connection: Connection, names: string[]): Promise<Set<string>> {
  const rows = await connection.query<{ rolname: string }>(
    `SELECT rolname FROM pg_catalog.pg_roles
      WHERE rolname = ANY($1) AND pg_catalog.shobj_description(oid, 'pg_authid') = $2`,
    [names, mark],
  )
  return new Set(rows.map(({ rolname }) => rolname))
}

async function missingMemberships(connection: Connection, wanted: Membership[], roles: Set<string>): Promise<string[]> {
  const missing: string[] = []
  for (const { group, member } of wanted.filter(({ group, member }) => roles.has(group) && roles.has(member))) {
    const [row] = await connection.query<{ holds: boolean }>(
      `SELECT pg_catalog.pg_has_role($1::name, $2::name, 'MEMBER') AS holds`,
      [member, group],
    )
    if (!row?.holds) missing.push(`membership of ${member} in ${group}`)
  }
  return missing
}

async function missingExtensions(connection: Connection, wanted: string[]): Promise<string[]> {
  const rows = await connection.query<{ extname: string }>(
    'SELECT extname FROM pg_catalog.pg_extension WHERE extname = ANY($1)',
    [wanted],
  )
  const there = new Set(rows.map(({ extname }) => extname))
  return wanted.filter((extension) => !there.has(extension)).map((extension) => `extension ${extension}`)
}

/** The pooler asks it for passwords. */
async function missingLookUp(connection: Connection): Promise<string[]> {
  const [row] = await connection.query<{ there: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                     WHERE n.nspname = 'pgbouncer' AND p.proname = 'get_auth') AS there`,
  )
  return row?.there ? [] : ['function pgbouncer.get_auth']
}

export interface Membership {
  group: string
  member: string
}

interface Requirements {
  roles: string[]
  memberships: Membership[]
  extensions: string[]
  /** The function that the pooler asks. */
  lookUp: boolean
}

/** What a cluster.sql makes, read from its text: it is the one place that names it. */
export function requirements(clusterSql: string): Requirements {
  const roles = [...clusterSql.matchAll(/^\s*\('(\w+)', '(?:NO)?LOGIN\b/gm)].map(([, role = '']) => role)
  const grants = [...clusterSql.matchAll(/^\s*GRANT ([a-z_, ]+)\s+TO ([a-z_, ]+);$/gm)]
  const list = (text = '') => text.split(',').map((name) => name.trim())
  return {
    roles,
    memberships: grants.flatMap(([, groups, members]) =>
      list(groups).flatMap((group) => list(members).map((member) => ({ group, member }))),
    ),
    // pg_cron is made only where the server can run it.
    extensions: [...clusterSql.matchAll(/CREATE EXTENSION IF NOT EXISTS (\w+) WITH SCHEMA/g)].map(
      ([, name = '']) => name,
    ),
    lookUp: clusterSql.includes('FUNCTION pgbouncer.get_auth('),
  }
}

// --- 2: set up, as superuser ------------------------------------------------------------------------------------------------

async function setUp(target: Target, wanted: Adoption, signal: AbortSignal): Promise<Adopted> {
  const clusterSql = createHash('sha256').update(wanted.clusterSql).digest('hex')
  const created = await withConnection({ ...target, database: 'postgres' }, signal, (connection) =>
    createOwned(connection, target.database, wanted),
  )
  const applied = await withConnection(target, signal, async (connection) => {
    await keepOutOfLogs(connection)
    // Ends with the connection when anything fails: a role without its mark or password is never left behind.
    await connection.query('BEGIN')
    const changed = await inDatabase(connection, wanted, wanted.appliedClusterSql !== clusterSql || created.length > 0)
    await connection.query('COMMIT')
    return { changed, ...(await editionOf(connection)) }
  })
  return { kind: 'done', clusterSql, ...applied, changed: [...created, ...applied.changed] }
}

async function createOwned(connection: Connection, database: string, { owner }: Adoption): Promise<string[]> {
  const created: string[] = []
  if (!(await rolesAmong(connection, [owner])).has(owner)) {
    const role = escapeIdentifier(owner)
    // One message, so one transaction.
    await connection.query(`CREATE ROLE ${role} LOGIN NOINHERIT; COMMENT ON ROLE ${role} IS ${escapeLiteral(mark)}`)
    created.push(`role ${owner}`)
  }
  const there = await connection.query('SELECT FROM pg_catalog.pg_database WHERE datname = $1', [database])
  if (there.length > 0) return created
  const [server] = await connection.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::integer AS version`,
  )
  await connection.query(
    `CREATE DATABASE ${escapeIdentifier(database)} OWNER ${escapeIdentifier(owner)}
     TEMPLATE template0 ENCODING 'UTF8' ${localeClause(server?.version ?? 0)}`,
  )
  return [...created, `database ${database}`]
}

async function inDatabase(connection: Connection, wanted: Adoption, isDue: boolean): Promise<string[]> {
  const { roles } = requirements(wanted.clusterSql)
  const before = await rolesAmong(connection, roles)
  const missingRoles = roles.filter((role) => !before.has(role))
  const missingExtras = await missingExtensions(connection, wanted.extensions)
  const due = isDue || missingRoles.length > 0
  if (due) await connection.query(wanted.clusterSql)
  for (const role of missingRoles)
    await connection.query(`COMMENT ON ROLE ${escapeIdentifier(role)} IS ${escapeLiteral(mark)}`)
  for (const extension of wanted.extensions)
    await connection.query(`CREATE EXTENSION IF NOT EXISTS ${escapeIdentifier(extension)}`)
  const changed = await setPasswords(connection, wanted.passwords)
  return [...(due ? ['cluster.sql'] : []), ...missingExtras, ...changed]
}

/** Only of roles that carry our mark; the others were looked at before. */
async function setPasswords(connection: Connection, passwords: Record<string, string>): Promise<string[]> {
  const stored = await verifiers(connection, Object.keys(passwords))
  const marked = await markedAmong(connection, Object.keys(passwords))
  const differing = Object.entries(passwords).filter(
    ([role, password]) => marked.has(role) && !scramMatches(stored.get(role) ?? null, password),
  )
  for (const [role, password] of differing) {
    const verifier = escapeLiteral(scramVerifier(password))
    await connection.query(`ALTER ROLE ${escapeIdentifier(role)} PASSWORD ${verifier}`)
  }
  return differing.map(([role]) => `password of ${role}`)
}

// --- 3: anybody else --------------------------------------------------------------------------------------------------------

/** Who may not read verifiers finds out by logging in. */
async function wrongLogins(target: Target, found: Found, wanted: Adoption, signal: AbortSignal): Promise<string[]> {
  if (!found.hasDatabase) return []
  const wrong: string[] = []
  for (const [username, password] of Object.entries(wanted.passwords)) {
    if (!found.roles.has(username) || username === target.username) continue
    if (!(await logsIn({ ...target, username, password }, signal))) wrong.push(wrongPassword(username, wanted))
  }
  return wrong
}

async function logsIn(target: Target, signal: AbortSignal): Promise<boolean> {
  try {
    return await withConnection(target, signal, async () => true)
  } catch (error) {
    // SQLSTATE class 28: invalid authorization.
    if (!/^28/.test((error as { code?: string }).code ?? '')) throw error
    return false
  }
}
