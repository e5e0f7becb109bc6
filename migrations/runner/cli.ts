import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { schemaEngines } from '../../crds/schema/data-store.ts'
import { apply, verify } from './apply.ts'
import { baseline } from './baseline.ts'
import { bootstrap } from './bootstrap.ts'
import { clientConfig, readKey } from './connection.ts'
import { dialectNames, dialectOfEngine } from './dialect.ts'
import type { ApplyOptions, Database, DialectName } from './dialect.ts'
import { connectors } from './dialects.ts'
import { Failed, Refused } from './errors.ts'
import { readMigrations, upTo } from './files.ts'
import type { MigrationSet } from './files.ts'
import { formats } from './formats.ts'
import { plan, status } from './report.ts'

const help = `Usage: node migrations/runner/cli.ts <command> --schema NAME (--binding DIR | --url URL [--ca FILE]) [options]

Commands
  plan        print what apply would run; changes nothing
  apply       apply the files that the database does not have yet, in order; as owner
  status      print which files the database has
  verify      check that the database has exactly these files, unchanged
  baseline    note in the ledger that a database without one has the files up to --target, if its schema says so
  bootstrap   create owner, database and roles on a server outside Kubernetes; as superuser

Options
  --schema NAME           folder of migration files, e.g. core
  --binding DIR           connect by a mounted binding Secret: one file per key, TLS verified against ca.crt
  --url URL               postgres://user@host:port/database, https://user@host:port/database, or tls://user@host:port;
                          the password may be in PGPASSWORD, for others than PostgreSQL in MIGRATE_PASSWORD instead
  --dialect NAME          postgres, clickhouse, elasticsearch or nats; needed where neither schema nor address tells
  --ca FILE               with --url: verify TLS against this certificate
  --wait SECONDS          longest wait for the server, another migrator, or a file's table locks (default 300)
  --lease SECONDS         how long a migrator counts that shows no sign of life, where there are no locks (default 15)
  --target N              plan, apply and baseline: end with file N instead of the last one
  --approve HASH          apply: run the plan of this hash although it loses data; plan prints both
  --breaking              plan and apply: run breaking files, too; say it once no application of an older release runs
  --json                  plan and status: print JSON
  --passwords FILE        bootstrap: JSON, role name to password; other roles without a password get one, printed once
  --database NAME         bootstrap: another name than supersmartmatch_<schema>
  --dir DIR               where the folders of all schemas are (default: beside the runner)
  --termination-log FILE  also write the reason of a failure to this file
  --help                  print this

Exit codes: 0 done or nothing to do; 1 failed, trying again may help; 2 refused, trying again cannot help.
docs/reference/migrate.md explains every reason.
`
const commands = ['plan', 'apply', 'status', 'verify', 'baseline', 'bootstrap'] as const
type Command = (typeof commands)[number]

interface Arguments {
  command: Command
  schema: string
  folder: string
  binding?: string | undefined
  url?: string | undefined
  ca?: string | undefined
  dialect?: string | undefined
  waitMs: number
  leaseMs?: number | undefined
  target?: number | undefined
  approve?: string | undefined
  breaking: boolean
  json: boolean
  passwords?: string | undefined
  database?: string | undefined
}

const text = { type: 'string' } as const
const flag = { type: 'boolean', default: false } as const
const options = {
  schema: text,
  binding: text,
  url: text,
  ca: text,
  dialect: text,
  wait: text,
  lease: text,
  target: text,
  approve: text,
  breaking: flag,
  json: flag,
  passwords: text,
  database: text,
  dir: text,
  'termination-log': text,
  help: flag,
}

const badArguments = (message: string) => new Refused('BadArguments', `${message} (--help lists all options)`)

/** Options that not every command has. */
const optionsOf: Record<'passwords' | 'database' | 'json' | 'target' | 'approve' | 'breaking', Command[]> = {
  passwords: ['bootstrap'],
  database: ['bootstrap'],
  json: ['plan', 'status'],
  target: ['plan', 'apply', 'baseline'],
  approve: ['apply'],
  breaking: ['plan', 'apply'],
}

/** @throws Refused with one sentence that says what to write instead */
function readArguments(args: string[]): Arguments {
  const { values, positionals } = parse(args)
  const command = commands.find((name) => name === positionals[0])
  if (!command || positionals.length > 1) throw badArguments(`say one command of ${commands.join(', ')}`)
  const schema = values.schema ?? ''
  if (!/^[a-z][a-z0-9_]*$/.test(schema)) throw badArguments('--schema needs the name of a folder, e.g. core')
  if ((values.binding === undefined) === (values.url === undefined))
    throw badArguments('say where the database is, with either --binding or --url')
  if (values.ca !== undefined && values.url === undefined) throw badArguments('--ca goes with --url')
  for (const [option, allowed] of Object.entries(optionsOf))
    if (values[option as keyof typeof optionsOf] && !allowed.includes(command))
      throw badArguments(`--${option} goes with ${allowed.join(' and ')}`)
  if (values.approve !== undefined && !/^[0-9a-f]{12}$/.test(values.approve))
    throw badArguments('--approve needs the 12 digits that plan prints')
  const target = values.target === undefined ? undefined : Number(values.target)
  if (target !== undefined && !(Number.isInteger(target) && target > 0))
    throw badArguments('--target needs the number of a file')
  const waitMs = Number(values.wait ?? '300') * 1000
  if (!(waitMs >= 0 && waitMs < 2 ** 31)) throw badArguments('--wait needs a number of seconds')
  const leaseMs = values.lease === undefined ? undefined : Number(values.lease) * 1000
  if (leaseMs !== undefined && !(leaseMs > 0 && leaseMs < 2 ** 31))
    throw badArguments('--lease needs a number of seconds')
  return {
    ...values,
    command,
    schema,
    target,
    waitMs,
    leaseMs,
    folder: join(values.dir ?? join(import.meta.dirname, '..'), schema),
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw badArguments(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error))
  }
}

async function run(args: Arguments, signal: AbortSignal): Promise<void> {
  const { waitMs, leaseMs, approve, breaking, target } = args
  const runOptions: ApplyOptions = { waitMs, leaseMs, signal, log, approve, breaking, target }
  const dialect = await chooseDialect(args)
  if (args.command === 'bootstrap') {
    if (dialect !== 'postgres') throw badArguments(`bootstrap is for postgres, and this is ${dialect}`)
    return runBootstrap(args, await clientConfig(args), runOptions)
  }
  const connect = await connectors[dialect](args)
  const all = await readMigrations(args.folder, formats[dialect]).catch((error: unknown) => {
    if (error instanceof Refused) throw error
    throw badArguments(`--schema ${args.schema}: cannot read ${args.folder}: ${String(error)}`)
  })
  const files = target === undefined ? all : upTo(all, target)
  if (args.command === 'apply') {
    const applied = await apply(files, connect, runOptions)
    return log(applied.length > 0 ? `done: ${applied.length} applied, now at ${applied.at(-1)}` : 'nothing to do')
  }
  if (args.command === 'baseline') {
    if (target === undefined)
      throw badArguments('baseline needs --target: the number of the last file that the database has')
    await baseline(files, connect, runOptions)
    return log(`done: at ${target}`)
  }
  const database = await connect(runOptions)
  try {
    if (args.command === 'verify') await verify(files, database)
    else process.stdout.write(await report(args, files, database, runOptions))
  } finally {
    await database.close()
  }
}

const report = ({ command, json }: Arguments, files: MigrationSet, database: Database, options: ApplyOptions) =>
  command === 'plan' ? plan(files, database, json, options) : status(files, database, json)

/** Of the URLs that only one dialect has. */
const schemes: Record<string, DialectName> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'nats:': 'nats',
  'tls:': 'nats',
}

/** What --dialect, the address and the schema say must not contradict each other: files of one engine mean nothing to another. */
async function chooseDialect({ dialect, binding, url = '', schema }: Arguments): Promise<DialectName> {
  const chosen = dialectNames.find((name) => name === dialect)
  if (dialect !== undefined && !chosen) throw badArguments(`--dialect is one of ${dialectNames.join(', ')}`)
  // A binding made by hand may have no type.
  const type = binding === undefined ? undefined : await readKey(binding, 'type').catch(() => undefined)
  const reached = type === undefined ? schemes[URL.canParse(url) ? new URL(url).protocol : ''] : dialectOfType(type)
  const [engine = ''] = (schemaEngines as Record<string, readonly string[]>)[schema] ?? []
  const said = [chosen, reached, dialectOf(engine)].filter((name) => name !== undefined)
  const [first, other = first] = new Set(said)
  if (!first || !other) throw badArguments(`say with --dialect which of ${dialectNames.join(', ')} the database is`)
  if (first !== other)
    throw badArguments(`the database is ${first}, and the files of --schema ${schema} are for ${other}`)
  return first
}

const dialectOf = (engine: string) => (dialectOfEngine as Record<string, DialectName | undefined>)[engine]

/** The `type` of a binding; PostgreSQL has a name of its own there. */
const dialectOfType = (type: string) => (type === 'postgresql' ? 'postgres' : dialectOf(type))

async function runBootstrap(args: Arguments, config: Parameters<typeof bootstrap>[0], runOptions: ApplyOptions) {
  const passwords = args.passwords === undefined ? {} : await readPasswords(args.passwords)
  const { schema, folder: dir, database } = args
  const result = await bootstrap(config, { ...runOptions, schema, dir, database, passwords })
  const generated = Object.entries(result.generated)
  if (generated.length > 0) {
    log('generated passwords, printed only this once:')
    process.stdout.write(generated.map(([role, password]) => `${role} ${password}\n`).join(''))
  }
  log(`done: database ${result.database}; next: apply --schema ${schema} as ${result.owner} in ${result.database}`)
}

async function readPasswords(file: string): Promise<Record<string, string>> {
  const refuse = (why: string) => badArguments(`--passwords ${file}: ${why}`)
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    throw refuse(String(error))
  })
  let parsed: unknown
  try {
    parsed = JSON.parse(content)
  } catch {
    throw refuse('is not JSON')
  }
  const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : []
  if (entries.length === 0 || entries.some(([, value]) => typeof value !== 'string' || value === ''))
    throw refuse('needs a JSON object of role names and passwords')
  return Object.fromEntries(entries)
}

/** Progress goes to standard error: standard output holds only what was asked for. */
function log(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** The first signal stops in good order, the second at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => {
      log(`${name}: stopping`)
      controller.abort(name)
    })
  return controller.signal
}

async function main(argv: string[]): Promise<number> {
  if (argv.includes('--help')) {
    process.stdout.write(help)
    return 0
  }
  try {
    await run(readArguments(argv), stopSignal())
    return 0
  } catch (error) {
    const known = error instanceof Refused || error instanceof Failed
    const reason = known ? `${error.reason}: ${error.message}` : `unexpected: ${String(error)}`
    log(known || !(error instanceof Error) ? reason : `${reason}\n${error.stack}`)
    await writeTerminationLog(argv, reason)
    return error instanceof Refused ? 2 : 1
  }
}

/** Read apart from the other arguments, so that a bad argument is reported there too. */
async function writeTerminationLog(argv: string[], reason: string): Promise<void> {
  const at = argv.findIndex((arg) => arg.startsWith('--termination-log'))
  const file = at < 0 ? undefined : (argv[at]?.split('=')[1] ?? argv[at + 1])
  if (file === undefined) return
  await writeFile(file, `${reason}\n`).catch((error: unknown) =>
    log(`cannot write --termination-log: ${String(error)}`),
  )
}

process.exitCode = await main(process.argv.slice(2))
