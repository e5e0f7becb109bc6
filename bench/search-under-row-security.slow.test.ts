import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { fillCore, idOf } from '../migrations/core/testing/many.ts'
import { testDatabase, transaction } from '../migrations/testing/database.ts'
import type { Query, Row } from '../migrations/testing/database.ts'
import { compare, figure, timed } from './compare.ts'

/** Words in 200,000 postings, as each role, against the same query without row security. */
const db = testDatabase('core')
const postings = 200_000
let client: pg.Client
let query: Query

beforeAll(async () => {
  client = await db.connect()
  query = async (sql, values = []) => (await client.query<Row>(sql, values)).rows
  await fillCore(query, postings, [
    'users',
    'company_members',
    'candidate_profiles',
    'job_postings',
    'job_applications',
  ])
}, 900_000)

/** One word in many postings, two words, a rare one, one that is nowhere. */
const searches = ['java', 'java kitchen', 'w4321', 'w17 nurse', 'nothing']
const columns = 'job_id, rank, title, company_id, created_at'
const ours = `SELECT ${columns} FROM search_jobs($1)`
/** What a caller without policies would write. */
const plain = `
  SELECT job_id, ts_rank(search_vector, q) AS rank, title, company_id, created_at
    FROM job_postings, plainto_tsquery('ssm_eng', $1) q
   WHERE search_vector @@ q AND status = 'active' ORDER BY rank DESC, created_at DESC, job_id LIMIT 20`
/** The same under the policies, which decide what is active. */
const guarded = plain.replace(`AND status = 'active'`, '')

const people = { authenticated_users: idOf('user', '1'), recruiter_role: idOf('recruiter', '2') }

test.each(Object.entries(people))(
  '%s: words are found under row security at most 1.5 times as slowly as without',
  { timeout: 600_000 },
  async (role, id) => {
    const [who] = await query(`SELECT ${id} AS id`)
    const as = <T>(work: (inside: Query) => Promise<T>) => transaction(query, role, who?.['id'] as string, work)

    await as(async (inside) => {
      for (const words of searches) expect(await inside(ours, [words])).toEqual(await inside(guarded, [words]))
    })
    expect((await as((inside) => inside(ours, ['w4321']))).length).toBeGreaterThan(5)

    const all = (inside: Query, sql: string, words: string[]) =>
      timed(async () => {
        for (let i = 0; i < 20; i++) await inside(sql, [words[i % words.length]])
      })
    const rare = searches.slice(2)
    const {
      ours: with_,
      theirs: without,
      ratio,
    } = await compare(
      () => as((inside) => all(inside, ours, rare)),
      () => transaction(query, 'postgres', null, (inside) => all(inside, plain, rare)),
    )
    const policies = await as((inside) => timed(() => inside(guarded, ['w4321'])))
    console.log(
      `search as ${role}, ${postings} postings: ${figure(with_ / 20)} ms, without row security ${figure(without / 20)} ms, ` +
        `${figure(1 / ratio)} times; through the policies themselves ${figure(policies)} ms`,
    )
    expect(1 / ratio).toBeLessThan(1.5)
  },
)
