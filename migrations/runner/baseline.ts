import type { Connect, Database, Options } from './dialect.ts'
import { Refused } from './errors.ts'
import { fileName } from './files.ts'
import type { MigrationSet } from './files.ts'

/** More would hide the first ones. */
const mostShown = 20

/**
 * Adopts a database that has a schema and no ledger: notes all files as applied, and runs none of them in it. Only where what is there is
 * what the files make: they are run in an empty database beside it, and the two are compared.
 * @throws Refused when the database has a ledger, or another schema; it is as it was then
 */
export async function baseline(files: MigrationSet, connect: Connect, options: Options): Promise<void> {
  const database = await connect(options)
  try {
    await adopt(files, database)
  } finally {
    await database.close().catch(() => undefined)
  }
}

async function adopt(files: MigrationSet, database: Database): Promise<void> {
  const last = files.migrations.at(-1)
  if (!last) throw new Refused('BadArguments', `${files.schema} has no files`)
  await checkNoLedger(database)
  await database.takeLock()
  await checkNoLedger(database)
  const name = fileName(last, files.extension)
  database.log(`comparing the schema with what the files up to ${name} make`)
  const differences = await database.differences(files)
  if (differences.length > 0) {
    for (const difference of differences.slice(0, mostShown)) database.log(difference)
    throw new Refused(
      'SchemaDiffers',
      `the schema is not what the files up to ${name} make: ${differences.length} differences, first: ${differences[0]}`,
    )
  }
  await database.record(files.migrations)
  database.log(`noted ${files.migrations.length} files as applied, up to ${name}`)
}

async function checkNoLedger(database: Database): Promise<void> {
  const [row] = [...(await database.readLedger())].reverse()
  const unfinished = await database.readUnfinished?.()
  const version = row?.version ?? unfinished?.version
  if (version !== undefined)
    throw new Refused('NotEmptyLedger', `the database has a ledger, at ${version}: use plan and apply`)
}
