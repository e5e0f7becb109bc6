import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../testing/database.ts'
import { addCandidate, addJob, addRecruiter, apply } from './testing/people.ts'
import type { Candidate, Recruiter } from './testing/people.ts'

/**
 * Identity by SET LOCAL through a PgBouncer that pools transactions: 200 clients of the service's login share its few server
 * connections, and no transaction sees what another one was.
 */
const db = testDatabase('core')
const clientCount = 200
/** Transactions of a client, and of these one in how many it vanishes from: PgBouncer then closes the server's connection, too. */
const [perClient, vanishing] = process.env['SLOW'] === '1' ? [10_000, 500] : [50, 25]
const login = 'supersmartmatch_core_app_a'

let candidates: Candidate[]
let recruiters: (Recruiter & { applicant: string })[]
let clients: pg.Client[]

/** A client of the pooler, as the service. */
async function connect(): Promise<pg.Client> {
  const url = new URL(process.env['TEST_PGBOUNCER_URL'] ?? '')
  url.pathname = `/${db.name}`
  url.username = login
  const client = new pg.Client({ connectionString: url.href })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

beforeAll(async () => {
  candidates = []
  for (let i = 0; i < 20; i++) candidates.push(await addCandidate(db.query, 'private'))
  recruiters = []
  for (const { candidateId } of candidates.slice(0, 5)) {
    const recruiter = await addRecruiter(db.query)
    await apply(db.query, await addJob(db.query, recruiter), candidateId)
    recruiters.push({ ...recruiter, applicant: candidateId })
  }
  clients = []
  for (let i = 0; i < clientCount; i++) clients.push(await connect())
})
afterAll(() => Promise.allSettled(clients.map((client) => client.end())))

const pick = <T>(items: T[]): T => items[Math.floor(Math.random() * items.length)] as T

interface Outcome {
  seen: string[]
  allowed: string[]
}

const begin = (role: string, userId?: string) =>
  `BEGIN; SET LOCAL ROLE ${role}; ${userId === undefined ? '' : `SELECT set_config('app.current_user_id', '${userId}', true);`}`
const profiles = 'SELECT candidate_id FROM candidate_profiles'
const idsOf = (results: unknown): string[] =>
  (results as pg.QueryResult<Record<string, string>>[]).flatMap(({ rows }) =>
    rows.flatMap((row) => row['candidate_id'] ?? []),
  )

/** One transaction of some kind, ended in some way, with the profiles it saw and those it may see. */
const kinds: ((client: pg.Client) => Promise<Outcome>)[] = [
  async (client) => {
    const { userId, candidateId } = pick(candidates)
    const end = pick(['COMMIT', 'ROLLBACK'])
    const results = await client.query(`${begin('authenticated_users', userId)} ${profiles}; ${end}`)
    return { seen: idsOf(results), allowed: [candidateId] }
  },
  async (client) => {
    const { userId, candidateId } = pick(candidates)
    await client.query(begin('authenticated_users', userId))
    const seen = idsOf([await client.query(profiles)])
    await client.query('SELECT 1/0').catch(() => undefined)
    await client.query('ROLLBACK')
    return { seen, allowed: [candidateId] }
  },
  async (client) => {
    const { userId, applicant } = pick(recruiters)
    const results = await client.query(`${begin('recruiter_role', userId)} ${profiles}; COMMIT`)
    return { seen: idsOf(results), allowed: [applicant] }
  },
  // Who sets no identity is nobody, and who picks no role may nothing.
  async (client) => ({
    seen: idsOf(await client.query(`${begin('authenticated_users')} ${profiles}; COMMIT`)),
    allowed: [],
  }),
  async (client) => ({
    seen: idsOf(await client.query(`${begin('recruiter_role')} ${profiles}; COMMIT`)),
    allowed: [],
  }),
  async (client) => {
    await expect(client.query(profiles)).rejects.toMatchObject({ code: '42501' })
    return { seen: [], allowed: [] }
  },
  async (client) => {
    const { rows } = await client.query<Record<string, string>>(
      `SELECT current_user::text AS login, COALESCE(current_setting('app.current_user_id', true), '') AS identity`,
    )
    expect(rows).toEqual([{ login, identity: '' }])
    return { seen: [], allowed: [] }
  },
]

test(
  `${clientCount * perClient} transactions of ${clientCount} clients see no row of another`,
  { timeout: 3_600_000 },
  async () => {
    let own = 0
    const foreign: Outcome[] = []
    await Promise.all(
      clients.map(async (_, i) => {
        for (let n = 0; n < perClient; n++) {
          const client = clients[i] as pg.Client
          const outcome = await pick(kinds)(client)
          if (outcome.seen.some((id) => !outcome.allowed.includes(id))) foreign.push(outcome)
          own += outcome.seen.length
          // Some clients vanish amid a transaction.
          if (n % vanishing === vanishing - 1) {
            await client.query(begin('authenticated_users', pick(candidates).userId))
            await client.end()
            clients[i] = await connect()
          }
        }
      }),
    )
    expect(foreign).toEqual([])
    expect(own).toBeGreaterThan((clientCount * perClient) / 4)
    const used = await db.query(
      `SELECT count(*)::integer AS connections FROM pg_stat_activity WHERE datname = current_database() AND usename = $1`,
      [login],
    )
    expect(used[0]?.['connections']).toBeLessThan(clientCount / 2)
  },
)

test('the same with SET would show rows of others: the connections are shared', async () => {
  const identity = randomUUID()
  await clients[0]?.query(`SELECT set_config('app.current_user_id', '${identity}', false)`)
  const found = await Promise.all(
    clients.map((client) => client.query<{ is: string }>(`SELECT current_setting('app.current_user_id', true) AS is`)),
  )
  expect(found.flatMap(({ rows }) => rows).filter((row) => row.is === identity).length).toBeGreaterThan(0)
})
