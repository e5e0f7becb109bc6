import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { addUser } from '../../../migrations/core/testing/people.ts'
import { onServer, one, testDatabase, type TestDatabase } from '../../../migrations/testing/database.ts'
import { createAuthority, issueServerCertificate } from '../../certificates.ts'
import { databaseName, ownerRole } from '../../data-store/names.ts'
import type { Plan, ScheduledJob, Target } from '../engine.ts'
import { maintenance } from './maintenance.ts'
import { tlsFront } from './tls-front.ts'

/** Everything here is real PostgreSQL; only its TLS is ended by a listener of the test, since the test server has none. */
const serverName = 'store.ns.svc'
const authority = await createAuthority('ca', new Date())
const front = await tlsFront(
  new URL(process.env['TEST_POSTGRES_URL'] ?? ''),
  await issueServerCertificate(authority, [serverName], new Date()),
)
afterAll(() => front[Symbol.asyncDispose]())

const targetOf = (database: string): Target => ({
  host: '127.0.0.1',
  serverName,
  port: front.port,
  database,
  username: ownerRole(databaseName('core')),
  password: 'unused',
  ca: authority.certificate,
})
/** As far as it is looked at. */
const planWith = (parameters: Record<string, string> = {}) => ({ store: { spec: { parameters } } }) as unknown as Plan
const soon = () => AbortSignal.timeout(20_000)

async function jobIn({ name }: TestDatabase, job: string): Promise<ScheduledJob> {
  const upkeep = await maintenance.observe(targetOf(name), planWith(), soon())
  const found = upkeep?.jobs.find((one) => one.name === job)
  if (!found) throw new Error(`${job} is not listed`)
  return found
}

test('a database without the table has no such work', async () => {
  expect(
    await maintenance.observe({ ...targetOf('postgres'), username: 'postgres' }, planWith(), soon()),
  ).toBeUndefined()
})

describe('without pg_cron', () => {
  const db = testDatabase('core')
  let asOwner: pg.Client
  const run = async (job: ScheduledJob) => maintenance.run(targetOf(db.name), job, soon())
  const add = (command: string) =>
    asOwner.query(`INSERT INTO maintenance_jobs (name, command, schedule) VALUES ('tick', $1, '1 second')`, [command])

  beforeAll(async () => {
    asOwner = await db.connect(db.owner)
    await asOwner.query('CREATE TABLE ticks (at timestamptz DEFAULT clock_timestamp())')
  })
  beforeEach(async () => {
    await asOwner.query(`DELETE FROM maintenance_jobs WHERE name = 'tick'; TRUNCATE ticks`)
  })
  const ticks = async () => (await db.query('SELECT FROM ticks')).length

  test('every job is ours', async () => {
    const upkeep = await maintenance.observe(targetOf(db.name), planWith({ 'cron.timezone': 'Europe/Paris' }), soon())
    expect(upkeep?.jobs.map(({ name }) => name)).toContain('create-partitions')
    expect(upkeep?.jobs.filter(({ scheduled }) => scheduled)).toEqual([])
    expect(upkeep?.timeZone).toBe('UTC')
    expect(Math.abs((upkeep?.now.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  test('runs once, and not again for whoever saw it before', async () => {
    await add('INSERT INTO public.ticks DEFAULT VALUES')
    const seen = await jobIn(db, 'tick')
    expect(seen).toMatchObject({ lastRunAt: null, lastSuccessAt: null, lastError: null })
    expect(await run(seen)).toBe('done')
    expect(await run(seen)).toBe('taken')
    const after = await jobIn(db, 'tick')
    expect(after.lastSuccessAt).toEqual(after.lastRunAt)
    expect(await run(after)).toBe('done')
    expect(await ticks()).toBe(2)
  })

  test('of ten at once one runs it', async () => {
    await add('INSERT INTO public.ticks DEFAULT VALUES; SELECT pg_sleep(0.3)')
    const seen = await jobIn(db, 'tick')
    const results = await Promise.all(Array.from({ length: 10 }, () => run(seen)))
    expect(results.filter((result) => result === 'done')).toHaveLength(1)
    expect(results.filter((result) => result === 'taken')).toHaveLength(9)
    expect(await ticks()).toBe(1)
  })

  test('what runs already, as by pg_cron, is left alone', async () => {
    await add('INSERT INTO public.ticks DEFAULT VALUES; SELECT pg_sleep(1.5)')
    const seen = await jobIn(db, 'tick')
    const theirs = asOwner.query(`SELECT run_maintenance_job('tick')`)
    await expect.poll(async () => (await db.query(sleeping)).length).toBe(1)
    expect(await run(seen)).toBe('taken')
    await theirs
    expect(await ticks()).toBe(1)
  })
  const sleeping = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`

  test('one that fails says why, and keeps its last success', async () => {
    await add('INSERT INTO public.ticks DEFAULT VALUES')
    expect(await run(await jobIn(db, 'tick'))).toBe('done')
    const { lastSuccessAt } = await jobIn(db, 'tick')
    await asOwner.query(`UPDATE maintenance_jobs SET command = 'SELECT 1/0' WHERE name = 'tick'`)
    expect(await run(await jobIn(db, 'tick'))).toEqual({ error: '22012 division by zero' })
    expect(await jobIn(db, 'tick')).toMatchObject({ lastSuccessAt, lastError: '22012 division by zero' })
  })

  test('one that is cut short is recorded, so that it does not come again at once', async () => {
    await add('INSERT INTO public.ticks DEFAULT VALUES; SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(5)')
    const error = '57014 canceling statement due to user request'
    expect(await run(await jobIn(db, 'tick'))).toEqual({ error })
    expect(await jobIn(db, 'tick')).toMatchObject({ lastError: error, lastRunAt: expect.any(Date) as Date })
    expect(await ticks()).toBe(0)
  })

  test('a table of before last_success_at is understood', async () => {
    await add('INSERT INTO public.ticks DEFAULT VALUES')
    await run(await jobIn(db, 'tick'))
    await asOwner.query('ALTER TABLE maintenance_jobs DROP COLUMN last_success_at')
    const { lastRunAt, lastSuccessAt } = await jobIn(db, 'tick')
    expect(lastSuccessAt).toEqual(lastRunAt)
    expect(await run(await jobIn(db, 'tick'))).toMatchObject({ error: expect.stringContaining('42703') as string })
    expect((await jobIn(db, 'tick')).lastSuccessAt).toBeNull()
  })
})

const [cron] = await onServer(`SELECT current_setting('cron.database_name', true) AS name`)
const cronDatabase = cron?.['name'] as string | null

/**
 * It works in the one database that the server names; the image has it. No other file may use that one: to drop it ends pg_cron's launcher,
 * which the server does not start again.
 */
describe.runIf(cronDatabase)('with pg_cron', () => {
  const db = testDatabase('core', cronDatabase ?? '')

  test('holds the list, as owner', async () => {
    expect(await db.query(`SELECT jobname FROM cron.job WHERE username = '${db.owner}' ORDER BY jobname`)).toEqual(
      await db.query(`SELECT name AS jobname FROM maintenance_jobs ORDER BY name`),
    )
    expect(await db.query(`SELECT schedule FROM cron.job WHERE jobname = 'create-partitions'`)).toEqual([
      { schedule: '0 * * * *' },
    ])
  })

  test('runs a job, follows a changed schedule, forgets a deleted job', { retry: 1 }, async () => {
    const asOwner = await db.connect(db.owner)
    await asOwner.query(`DELETE FROM maintenance_jobs WHERE name = 'tick'`)
    await asOwner.query(`INSERT INTO maintenance_jobs (name, command, schedule)
                         VALUES ('tick', 'INSERT INTO public.cities VALUES (7, ''Ticking'', ''FR'', NULL, 1, 0, 0)', '1 second')`)
    const ran = `SELECT last_run_at, last_error FROM maintenance_jobs WHERE name = 'tick' AND last_run_at IS NOT NULL`
    const deadline = Date.now() + 30_000
    while ((await db.query(ran)).length === 0 && Date.now() < deadline) await sleep(200)
    if ((await db.query(ran)).length === 0) await tellWhatCronDoes()
    expect(await db.query(ran)).toHaveLength(1)
    expect(await db.query(`SELECT name FROM cities`)).toEqual([{ name: 'Ticking' }])
    const scheduled = () => db.query(`SELECT schedule FROM cron.job WHERE jobname = 'tick'`)
    await asOwner.query(`UPDATE maintenance_jobs SET schedule = '0 4 * * *' WHERE name = 'tick'`)
    expect(await scheduled()).toEqual([{ schedule: '0 4 * * *' }])
    await asOwner.query(`DELETE FROM maintenance_jobs WHERE name = 'tick'`)
    expect(await scheduled()).toEqual([])
  })

  /** Once in many runs on a busy machine nothing ran for a minute and a half, and nobody knew why: hence this, and a second try. */
  const tellWhatCronDoes = async () => {
    const [workers, runs] = [
      await db.query(
        `SELECT backend_type, datname, backend_start, wait_event, state FROM pg_stat_activity
          WHERE backend_type NOT IN ('client backend', 'parallel worker') ORDER BY backend_type`,
      ),
      await db.query(
        `SELECT command, status, return_message, start_time FROM cron.job_run_details ORDER BY runid DESC LIMIT 5`,
      ),
    ]
    console.log(`pg_cron ran nothing: ${JSON.stringify({ now: new Date(), workers, runs })}`)
  }

  test('seals an audit row within a minute', { retry: 1 }, async () => {
    await addUser(db.query, 'candidate')
    const sealed = `SELECT bool_and(EXISTS (SELECT FROM audit_chain l WHERE l.audit_id = a.audit_id)) FROM audit_log a`
    expect(await one(db.query, sealed)).toBe(false)
    const deadline = Date.now() + 60_000
    while (!(await one<boolean>(db.query, sealed)) && Date.now() < deadline) await sleep(1_000)
    if (!(await one<boolean>(db.query, sealed))) await tellWhatCronDoes()
    expect(await one<boolean>(db.query, sealed)).toBe(true)
  })

  test('never schedules as superuser', async () => {
    const insert = db.query(
      `INSERT INTO maintenance_jobs (name, command, schedule) VALUES ('root', 'SELECT 1', '0 0 * * *')`,
    )
    await expect(insert).rejects.toMatchObject({ code: '42501' })
    expect(await one(db.query, `SELECT count(*) FROM cron.job WHERE username = 'postgres'`)).toBe('0')
  })

  test('its jobs are its own, in its time zone; one that it lost is ours', async () => {
    const upkeep = await maintenance.observe(targetOf(db.name), planWith({ 'cron.timezone': 'Europe/Paris' }), soon())
    expect(upkeep?.jobs.filter(({ scheduled }) => !scheduled)).toEqual([])
    expect(upkeep?.timeZone).toBe('Europe/Paris')
    const asOwner = await db.connect(db.owner)
    await asOwner.query(`SELECT cron.unschedule('expire-jobs')`)
    expect((await jobIn(db, 'expire-jobs')).scheduled).toBe(false)
    expect((await jobIn(db, 'purge-sessions')).scheduled).toBe(true)
  })
})
