import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
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

/** Words by how many postings have all of them, and how often they are asked for in a round. */
const searches = {
  'words that few postings have': { words: ['w4321', 'w17 nurse', 'nothing'], times: 20, many: false },
  'words that many have': { words: ['java', 'java kitchen', 'senior data'], times: 6, many: true },
}
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

describe.each(Object.entries(people))('%s', (role, id) => {
  test.each(Object.entries(searches))(
    '%s are found under row security at most 1.5 times as slowly as without',
    { timeout: 600_000 },
    async (what, { words, times, many }) => {
      const [who] = await query(`SELECT ${id} AS id`)
      const as = <T>(work: (inside: Query) => Promise<T>) => transaction(query, role, who?.['id'] as string, work)

      await as(async (inside) => {
        for (const word of words) expect(await inside(ours, [word])).toEqual(await inside(guarded, [word]))
      })
      const [{ hits = 0 } = {}] = await query(
        `SELECT (count(*) / ${words.length})::int AS hits FROM job_postings, unnest($1::text[]) word
          WHERE search_vector @@ plainto_tsquery('ssm_eng', word) AND status = 'active'`,
        [words],
      )
      expect(hits).toSatisfy((count: number) => (many ? count > 10_000 : count < 100))
      const [first = ''] = words
      expect((await as((inside) => inside(ours, [first]))).length).toBeGreaterThan(5)

      const all = (inside: Query, sql: string) =>
        timed(async () => {
          for (let i = 0; i < times; i++) await inside(sql, [words[i % words.length]])
        })
      const {
        ours: with_,
        theirs: without,
        ratio,
      } = await compare(
        () => as((inside) => all(inside, ours)),
        () => transaction(query, 'postgres', null, (inside) => all(inside, plain)),
      )
      const policies = await as((inside) => timed(() => inside(guarded, [first])))
      console.log(
        `search as ${role}, ${postings} postings, ${what} (${hits as number} on average): ${figure(with_ / times)} ms, without row security ${figure(without / times)} ms, ` +
          `${figure(1 / ratio)} times; through the policies themselves ${figure(policies)} ms`,
      )
      expect(1 / ratio).toBeLessThan(1.5)
    },
  )
})
