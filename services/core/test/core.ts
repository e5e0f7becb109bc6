import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import pg from 'pg'
import { pino } from 'pino'
import { apply } from '../../../migrations/runner/apply.ts'
import { bootstrap } from '../../../migrations/runner/bootstrap.ts'
import { readMigrations } from '../../../migrations/runner/files.ts'
import { formatOfPostgres } from '../../../migrations/runner/postgres-file.ts'
import { postgres } from '../../../migrations/runner/postgres.ts'
import { createMetrics } from '../../chassis/metrics.ts'
import type { Role } from '../../chassis/roles.ts'
import { createPostgresStore } from '../../chassis/stores/postgres.ts'
import type { Endpoint, PostgresStore } from '../../chassis/stores/postgres.ts'
import { audience, createTokenVerifier, issuer } from '../../chassis/tokens.ts'
import { constraints } from '../constraints.ts'
import { buildCore } from '../service.ts'

const migrations = join(import.meta.dirname, '../../../migrations/core')
const groups = ['authenticated_users', 'recruiter_role', 'admin_role']

export interface TestDatabase {
  /** As superuser: to prepare rows, past every policy. */
  admin: pg.Pool
  /** Where the service logs in: a role like supersmartmatch_core_app_a, whose password is not shared with other tests. */
  endpoint: () => Promise<Endpoint>
  login: string
  drop(): Promise<void>
}

/** A database of its own with the real migrations, and a login with the rights of the service's. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env['TEST_POSTGRES_URL']
  if (!server) throw new Error('TEST_POSTGRES_URL is not set')
  const suffix = randomBytes(6).toString('hex')
  const [database, login, password] = [`core_services_${suffix}`, `core_services_${suffix}`, `secret-${suffix}`]
  const url = new URL(server)
  const options = { waitMs: 30_000, signal: new AbortController().signal, log: () => undefined }
  await bootstrap(
    { connectionString: server },
    { ...options, schema: 'core', dir: migrations, database, passwords: {} },
  )
  url.pathname = `/${database}`
  const asOwner = { connectionString: url.href, options: '-c role=supersmartmatch_core_owner' }
  await apply(await readMigrations(migrations, formatOfPostgres), postgres(asOwner), options)

  const admin = new pg.Pool({ connectionString: url.href, max: 2 })
  // Dropping the database ends what is still connected.
  admin.on('connect', (client) => client.on('error', () => undefined))
  admin.on('error', () => undefined)
  await admin.query(`CREATE ROLE ${login} LOGIN NOINHERIT PASSWORD '${password}'`)
  await admin.query(`GRANT ${groups.join(', ')} TO ${login} WITH INHERIT FALSE, SET TRUE`)
  await admin.query(`GRANT CONNECT ON DATABASE ${database} TO ${login}`)
  const { hostname: host, port } = url
  const endpoint = async () => ({
    text: password,
    config: { host, port: Number(port), database, user: login, password },
  })
  return {
    admin,
    endpoint,
    login,
    async drop() {
      await admin.end()
      const client = new pg.Client({ connectionString: server })
      await client.connect()
      await client.query(`DROP DATABASE ${database} WITH (FORCE)`)
      await client.query(`DROP ROLE ${login}`)
      await client.end()
    },
  }
}

export interface TestCore {
  app: FastifyInstance
  database: TestDatabase
  store: PostgresStore
  /** One request as somebody; `user` undefined sends no token. */
  as(user: TestUser | undefined, method: Method, url: string, body?: object): Promise<Answer>
  close(): Promise<void>
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export interface TestUser {
  userId: string
  role: Role
}
/** A body of any route; a test knows which fields its route answers with. */
export interface Body extends Record<string, unknown> {
  companyId: string
  jobId: string
  candidateId: string
  requiredSkills: { name: string }[]
  items: (Record<string, unknown> & { name: string; jobId: string; score: number })[]
  nextCursor: string | null
}
export interface Answer {
  status: number
  body: Body
}

/**
 * The production application over a database of its own.
 * @param storeOf  another store than the production one
 */
export async function startCore(
  storeOf = ({ endpoint }: TestDatabase, onError: (error: unknown) => void): Promise<PostgresStore> =>
    createPostgresStore({ endpoint, constraints, onError, max: 4 }),
): Promise<TestCore> {
  const database = await createTestDatabase()
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
  const dir = await mkdtemp(join(tmpdir(), 'core-test-'))
  const file = join(dir, 'public.jwks')
  await writeFile(file, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA' }] }))
  const onError = (error: unknown) => console.error(error)
  const tokens = await createTokenVerifier({ file, onError })
  const store = await storeOf(database, onError)
  // `error`: an unexpected 500 shows its cause in the test's output.
  const logger = pino({ level: 'error' })
  const app = await buildCore({ core: store, tokens, metrics: createMetrics('core'), logger })

  const tokenOf = ({ userId, role }: TestUser) =>
    new SignJWT({ role })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
      .setSubject(userId)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setNotBefore('0s')
      .setExpirationTime('15m')
      .sign(privateKey)
  return {
    app,
    database,
    store,
    async as(user, method, url, payload) {
      const headers = user ? { authorization: `Bearer ${await tokenOf(user)}` } : {}
      const response = await app.inject({ method, url, headers, ...(payload ? { payload } : {}) })
      return { status: response.statusCode, body: JSON.parse(response.body || 'null') as Body }
    },
    async close() {
      await app.close()
      tokens.stop()
      await store.close()
      await database.drop()
      await rm(dir, { recursive: true })
    },
  }
}

/** A user row of that type, and who to be in requests. */
export async function addUser({ admin }: TestDatabase, role: Role): Promise<TestUser> {
  const userId = randomUUID()
  await admin.query('INSERT INTO users (user_id, email, password_hash, user_type) VALUES ($1, $2, $3, $4)', [
    userId,
    `${userId}@example.org`,
    '!',
    role,
  ])
  return { userId, role }
}

/** @returns skill ids, in the order of the names */
export async function addSkills({ admin }: TestDatabase, names: string[]): Promise<string[]> {
  const { rows } = await admin.query<{ skill_id: string; skill_name: string }>(
    `INSERT INTO skills_taxonomy (skill_name, category) SELECT name, 'technical' FROM unnest($1::text[]) name
     RETURNING skill_id, skill_name`,
    [names],
  )
  const ids = new Map(rows.map((row) => [row.skill_name, row.skill_id]))
  return names.map((name) => ids.get(name) ?? '')
}
