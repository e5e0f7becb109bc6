import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { apply } from './apply.ts'
import { checkSuperuser, inDatabase, runClusterSql } from './bootstrap.ts'
import { schemaDifferences } from './differences.ts'
import type { Options } from './dialect.ts'
import type { MigrationSet } from './files.ts'
import { readCatalogue } from './postgres-catalogue.ts'
import { connect, ownerOf, postgres } from './postgres.ts'
import type { Session } from './postgres.ts'

/**
 * How the database differs from what the files make: they are applied to a new database of the same server and owner, which goes again.
 * cluster.sql is run there, too; of roles, which are the whole server's, it makes what is missing.
 * @throws Refused without the rights of a superuser, which databases and extensions need
 */
export async function postgresDifferences(session: Session, files: MigrationSet, options: Options): Promise<string[]> {
  await checkSuperuser(session, 'baseline')
  const { client, config } = session
  const { owner } = await ownerOf(session)
  const scratch = `migrate_baseline_${randomBytes(5).toString('hex')}`
  const scratchConfig = { ...config, ...inDatabase(config, scratch) }
  await client.query(
    `CREATE DATABASE ${scratch} OWNER ${pg.escapeIdentifier(owner)} TEMPLATE template0 ENCODING 'UTF8'`,
  )
  try {
    if (files.clusterSql !== undefined) await runClusterSql(scratchConfig, files.clusterSql, options)
    const quiet = { ...options, log: () => undefined }
    await apply(files, postgres({ ...scratchConfig, options: `-c role=${owner}` }), quiet)
    const other = await connect(scratchConfig, options)
    const wanted = await readCatalogue(other.client).finally(() => other.client.end())
    return schemaDifferences(wanted, await readCatalogue(client))
  } finally {
    await client.query(`DROP DATABASE IF EXISTS ${scratch} WITH (FORCE)`)
  }
}
