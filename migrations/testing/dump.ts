import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What pg_dump says of a database's schema. */
export async function dumpSchema(database: string): Promise<string> {
  const { hostname, port, username } = new URL(process.env['TEST_POSTGRES_URL'] ?? '')
  const local = `pg_dump --host ${hostname} --port ${port} --username ${username}`
  const [command = '', ...args] = (process.env['TEST_PG_DUMP'] ?? local).split(' ')
  const run = promisify(execFile)(command, [...args, '--schema-only', '--dbname', database], { maxBuffer: 2 ** 26 })
  return (await run).stdout
}
