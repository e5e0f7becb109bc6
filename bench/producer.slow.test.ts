import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../migrations/testing/database.ts'
import { compare, figure, median } from './compare.ts'

/**
 * What outbox and audit log cost whoever writes: the same UPDATE of the same table with our triggers for them, and with the specified
 * ones in their place. All other triggers run in both.
 */
const db = testDatabase('core')
const people = 1_000
const updates = 1_000
let client: pg.Client

const ours = ['candidate_profile_events', 'candidate_profiles_audit']
const theirs = ['specified_events', 'specified_audit']

beforeAll(async () => {
  client = await db.connect()
  const cipher = `'v1.k.n.' || repeat(md5('p' || n), 3) || '.t'`
  await client.query(`
    INSERT INTO users (user_id, email, password_hash, user_type)
    SELECT md5('u' || n)::uuid, n || '@example.org', '!', 'candidate' FROM generate_series(1, ${people}) n;
    INSERT INTO candidate_profiles (candidate_id, user_id, first_name, last_name, phone, date_of_birth, nationality, work_authorization, current_title)
    SELECT md5('c' || n)::uuid, md5('u' || n)::uuid, 'First', 'Last', ${cipher}, ${cipher}, ${cipher}, ${cipher}, 'IT Manager'
      FROM generate_series(1, ${people}) n`)
  await client.query(await readFile(join(import.meta.dirname, 'specified/producer.sql'), 'utf8'))
  await client.query('VACUUM ANALYZE')
})

/** These, and of the two pairs no others. */
const enable = async (on: string[]) => {
  const off = [...ours, ...theirs].filter((name) => !on.includes(name))
  const changes = [...on.map((name) => `ENABLE TRIGGER ${name}`), ...off.map((name) => `DISABLE TRIGGER ${name}`)]
  await client.query(`ALTER TABLE candidate_profiles ${changes.join()}`)
}
const position = async () => {
  const { rows } = await client.query<{ bytes: string }>(`SELECT pg_current_wal_insert_lsn() - '0/0' AS bytes`)
  return Number(rows[0]?.bytes)
}

let seed = 0
/**
 * Each transaction is a person who changes two columns of the own profile, neither in an index of the table: its own upkeep is no matter
 * of these triggers. On the server, as what the network costs is none either.
 */
async function write(on: string[]): Promise<{ perSecond: number; bytes: number }> {
  await enable(on)
  await client.query('CHECKPOINT')
  seed++
  const [from, wal] = [performance.now(), await position()]
  await client.query(`
    DO $$
    BEGIN
      FOR i IN 1..${updates} LOOP
        PERFORM set_config('app.current_user_id', md5('u' || 1 + i % ${people})::uuid::text, false);
        UPDATE candidate_profiles
           SET experience_years = i + ${seed}, share_expected_salary = (i / ${people} + ${seed}) % 2 = 0
         WHERE candidate_id = md5('c' || 1 + i % ${people})::uuid;
        COMMIT;
      END LOOP;
    END
    $$`)
  const ms = performance.now() - from
  return { perSecond: (updates / ms) * 1000, bytes: ((await position()) - wal) / updates }
}

test('both write down the same changes', async () => {
  const { rows: before } = await client.query<{ sequence: string; audit: string }>(
    `SELECT COALESCE(max(sequence), 0) AS sequence, (SELECT COALESCE(max(audit_id), 0) FROM audit_log) AS audit FROM outbox_events`,
  )
  await enable([...ours, ...theirs])
  await client.query(
    `UPDATE candidate_profiles SET experience_years = 99 WHERE candidate_id IN (md5('c1')::uuid, md5('c2')::uuid)`,
  )
  const fields = async (sql: string, values: unknown[] = []) =>
    (await client.query<{ fields: string[] }>(sql, values)).rows
  const [{ sequence, audit } = { sequence: '', audit: '' }] = before
  // Ours leave out what follows from another column, as updated_at does.
  const [own, specified] = [
    await fields(
      `SELECT aggregate_id AS id, ARRAY(SELECT jsonb_array_elements_text(event_data -> 'changed_fields') ORDER BY 1) AS fields
         FROM outbox_events WHERE sequence > $1 ORDER BY 1`,
      [sequence],
    ),
    await fields(
      `SELECT aggregate_id AS id, ARRAY(SELECT f FROM jsonb_array_elements_text(event_data -> 'changed_fields') f WHERE f <> 'updated_at' ORDER BY 1) AS fields
         FROM specified.outbox_events ORDER BY 1`,
    ),
  ]
  expect(own).toHaveLength(2)
  expect(own).toEqual(specified)
  const [ownAudit, specifiedAudit] = [
    await fields(
      `SELECT subject_user_id AS id, changed_columns AS fields FROM audit_log WHERE audit_id > $1 ORDER BY 1`,
      [audit],
    ),
    await fields(
      `SELECT user_id AS id, array_remove(changed_columns, 'updated_at') AS fields FROM specified.audit_log ORDER BY 1`,
    ),
  ]
  expect(ownAudit).toHaveLength(2)
  expect(ownAudit).toEqual(specifiedAudit)
})

/**
 * The log that outbox and audit write is what a transaction writes beyond what it writes without either. Their time is that of whole
 * transactions.
 */
test(
  'outbox and audit cost half the time and a third of the log of the specified triggers',
  { timeout: 600_000 },
  async () => {
    const bytes = { ours: [] as number[], theirs: [] as number[], neither: [] as number[] }
    const run = async (who: keyof typeof bytes, on: string[]) => {
      const result = await write(on)
      bytes[who].push(result.bytes)
      return 1000 / result.perSecond
    }
    const compared = await compare(
      async () => {
        await run('neither', [])
        return run('ours', ours)
      },
      () => run('theirs', theirs),
    )
    const cost = (who: 'ours' | 'theirs') =>
      median(bytes[who].map((all, round) => all - (bytes.neither[round] ?? NaN)).slice(1))
    const ratio = cost('ours') / cost('theirs')
    console.log(
      `producer: ${figure(1000 / compared.ours)} tx/s, specified ${figure(1000 / compared.theirs)}, ${figure(compared.ratio)} times; ` +
        `${figure(cost('ours'))} bytes of WAL for outbox and audit, specified ${figure(cost('theirs'))}, ${figure(ratio)} times; ` +
        `the UPDATE itself ${figure(median(bytes.neither))}`,
    )
    expect(compared.ratio).toBeGreaterThan(2)
    expect(ratio).toBeLessThan(0.35)
  },
)
