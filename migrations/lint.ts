import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { schemaEngines, schemaNames } from '../crds/schema/data-store.ts'
import { lintClickHouse, lintElasticsearch, lintNats, lintPostgres, type Finding } from './lint-rules.ts'
import { dialectOfEngine, type DialectName } from './runner/dialect.ts'
import { fileName, readMigrations, type Migration } from './runner/files.ts'
import { formats } from './runner/formats.ts'
import { concurrentIndex } from './runner/postgres-file.ts'

/*
 * Part of `make check`: whether every migration can be run while the platform is in use. squawk knows the locks of PostgreSQL; lint-rules.ts
 * knows the other engines, and which changes an older release cannot live with.
 */

/** Rules of squawk that say nothing about our files. */
const excluded: Record<string, string> = {
  'prefer-robust-stmts': 'a file runs whole or not at all',
  'require-lock-timeout': 'the runner sets it',
  'require-statement-timeout': 'the runner sets it',
  'ban-drop-table': 'has to be breaking and approved instead',
  'ban-drop-column': 'has to be breaking and approved instead',
  'ban-drop-database': 'has to be approved instead',
  'ban-truncate-cascade': 'has to be approved instead',
  'renaming-column': 'has to be breaking instead',
  'renaming-table': 'has to be breaking instead',
  'ban-drop-not-null': 'has to be breaking instead',
  'adding-field-with-default': 'lint-locks.ts knows the locks, also in DO',
  'adding-foreign-key-constraint': 'the same',
  'adding-not-nullable-field': 'the same',
  'adding-serial-primary-key-field': 'the same',
  'changing-column-type': 'the same',
  'constraint-missing-not-valid': 'the same',
  'disallowed-unique-constraint': 'the same',
  'require-concurrent-index-creation': 'the same',
  'require-concurrent-index-deletion': 'the same',
  'require-concurrent-partition-detach': 'the same',
  'require-concurrent-reindex': 'the same',
  'prefer-text-field': 'lengths are limits of the specification; making one longer rewrites nothing',
  'prefer-bigint-over-int': 'counters that stay small are the schema’s decision',
  'prefer-bigint-over-smallint': 'the same',
  'prefer-identity': 'style',
  'prefer-timestamptz': 'style',
  'ban-char-field': 'country codes have two letters',
}

/** Findings that are known and right, with the reason. */
const exempt: Record<string, string> = {
  'core/000012_access.sql breaks-older-releases': 'nothing older runs: there has been no release',
  'core/000023_search_and_plans.sql blocks-others': 'nobody has rows yet: there has been no release',
  'geolocation/000006_access.sql breaks-older-releases': 'nothing older runs: there has been no release',
}

// As with Node itself, npm brings the program for Linux; elsewhere it is the one in PATH.
const installed = join(import.meta.dirname, '../node_modules/@squawk-cli/linux-x64/bin/squawk')
const program = existsSync(installed) ? installed : 'squawk'

/** @param transactional  whether the runner wraps the files */
function squawk(paths: string[], transactional: boolean): Finding[] {
  if (paths.length === 0) return []
  const wrap = transactional ? '--assume-in-transaction' : '--no-assume-in-transaction'
  const rules = `--exclude=${Object.keys(excluded).join(',')}`
  const run = spawnSync(program, [...paths, wrap, rules, '--pg-version=17', '--reporter=json'], { encoding: 'utf8' })
  if (run.error)
    throw new Error(
      `cannot run squawk: ${run.error.message}; npm ci installs it on Linux, npm install --global squawk-cli elsewhere`,
    )
  const found = JSON.parse(run.stdout || '[]') as { file: string; line: number; rule_name: string; message: string }[]
  return found.map(({ file, line, rule_name, message }) => ({ file, line: line + 1, rule: rule_name, message }))
}

const rulesOf: Record<DialectName, (file: string, migration: Migration, earlier: Migration[]) => Finding[]> = {
  postgres: lintPostgres,
  clickhouse: lintClickHouse,
  elasticsearch: lintElasticsearch,
  nats: lintNats,
}

/** All findings in a folder of migrations, those that are exempt, too. */
export async function lint(dir: string, dialect: DialectName): Promise<Finding[]> {
  const { migrations, extension } = await readMigrations(dir, formats[dialect])
  const pathOf = (migration: Migration) => join(dir, fileName(migration, extension))
  const ours = migrations.flatMap((migration, index) =>
    rulesOf[dialect](pathOf(migration), migration, migrations.slice(0, index)),
  )
  if (dialect !== 'postgres') return ours
  const apart = migrations.filter(({ text }) => concurrentIndex(text) !== undefined)
  const wrapped = migrations.filter((migration) => !apart.includes(migration))
  return [...ours, ...squawk(wrapped.map(pathOf), true), ...squawk(apart.map(pathOf), false)]
}

async function main(): Promise<void> {
  const unused = new Set(Object.keys(exempt))
  let count = 0
  for (const schema of schemaNames) {
    const dir = join(import.meta.dirname, schema)
    for (const { file, line, rule, message } of await lint(dir, dialectOfEngine[schemaEngines[schema][0]])) {
      const name = `${schema}/${file.slice(dir.length + 1)}`
      if (unused.delete(`${name} ${rule}`) || exempt[`${name} ${rule}`] !== undefined) continue
      count++
      console.error(`migrations/${name}:${line}: ${rule}: ${message}`)
    }
  }
  for (const one of unused) console.error(`migrations/lint.ts: exempt has ${one}, and nothing is found there any more`)
  if (count + unused.size > 0) process.exitCode = 1
}

if (import.meta.main) await main()
