import type { Client } from 'pg'
import { Failed } from './errors.ts'
import { fileName } from './files.ts'
import type { Migration } from './files.ts'
import type { ConcurrentIndex } from './postgres-file.ts'
import { checkLock, insertRow, prepareSession, runInterruptibly } from './postgres.ts'
import type { Session } from './postgres.ts'

/**
 * Makes or drops an index while its table is written. There is no transaction around it: what there is of the index afterwards decides, not
 * how the statement ended. One that was cut short leaves an index that PostgreSQL keeps up and never uses: it goes, and is made anew.
 * @throws Failed; a lost connection as it is: the next call looks at what is there
 */
export async function applyConcurrently(session: Session, migration: Migration, index: ConcurrentIndex): Promise<void> {
  const { client } = session
  await prepareSession(client)
  // It waits for whoever has the table, and nobody waits behind it: no write needs a lock that it holds.
  await client.query(`SET lock_timeout = 0; SET statement_timeout = 0; SET search_path = public; SET timezone = 'UTC'`)
  await checkLock(session)
  const started = performance.now()
  if (!(await isAsWanted(session, index))) {
    try {
      await runInterruptibly(session, migration)
    } catch (error) {
      if (index.exists) await dropInvalid(client, index.name).catch(() => undefined)
      throw error
    }
  }
  if (!(await isAsWanted(session, index)))
    throw new Failed('StatementFailed', `${fileName(migration, 'sql')} ran, and index ${index.name} is not as it says`)
  await checkLock(session)
  await insertRow(client, migration, Math.round(performance.now() - started))
}

async function isAsWanted({ client, log }: Session, { name, exists }: ConcurrentIndex): Promise<boolean> {
  if (await dropInvalid(client, name)) log(`index ${name} was not finished by an earlier run: made anew`)
  const { rowCount } = await client.query(
    `SELECT FROM pg_index WHERE indexrelid = to_regclass('public.' || quote_ident($1))`,
    [name],
  )
  return (rowCount === 1) === exists
}

/** @returns whether there was one */
async function dropInvalid(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_index WHERE indexrelid = to_regclass('public.' || quote_ident($1)) AND NOT indisvalid`,
    [name],
  )
  if (rowCount !== 1) return false
  await client.query(`DROP INDEX CONCURRENTLY IF EXISTS public.${name}`)
  return true
}
