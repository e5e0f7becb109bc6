import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMigrations } from './runner/files.ts'
import { formatOfPostgres } from './runner/postgres-file.ts'
import { findStatements } from './runner/statements.ts'
import { postgresSchemas } from './testing/database.ts'

/**
 * Row security is forced, and the owner who runs the files has no policy: on a guarded table its UPDATE or DELETE changes no row
 * and says nothing. Hence the rule that such a statement stands in a section of matching_definer.
 */
const guardedBy = (sql: string) =>
  [...sql.matchAll(/ALTER TABLE (\w+) ENABLE ROW LEVEL SECURITY/g)].map((match) => match[1] ?? '')
const files = Object.fromEntries(
  await Promise.all(
    postgresSchemas.map(async (schema) => {
      const { migrations } = await readMigrations(join(import.meta.dirname, schema), formatOfPostgres)
      return [schema, migrations] as const
    }),
  ),
)
const guarded = new Set(Object.values(files).flatMap((migrations) => migrations.flatMap(({ text }) => guardedBy(text))))

/** Tables with row security that a file writes to as owner, with the line; functions' bodies run later and are not looked at. */
function writesAsOwner(sql: string): string[] {
  const found: string[] = []
  let role = ''
  const statements = findStatements(sql)
  statements.forEach(({ start, line, words }, index) => {
    const text = sql.slice(start, statements[index + 1]?.start).replace(/--[^\n]*/g, '')
    if (/^(RESET|SET)\s+(LOCAL\s+|SESSION\s+)?ROLE\b/i.test(text)) role = words.at(-1) ?? ''
    if (role === 'MATCHING_DEFINER' || !/^(INSERT|UPDATE|DELETE|MERGE|WITH|DO)\b/i.test(text)) return
    for (const [, table = ''] of text.matchAll(
      /\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO)\s+(?:ONLY\s+)?(?:public\.)?"?(\w+)/gi,
    ))
      if (guarded.has(table.toLowerCase())) found.push(`${table}:${line}`)
  })
  return found
}

test.each(Object.entries(files))(
  '%s: every file writes to tables with row security as its definer only',
  (_, migrations) => {
    expect(guarded.size).toBeGreaterThan(15)
    const writes = migrations.map(({ name, text }) => [name, writesAsOwner(text)])
    expect(writes.filter(([, tables]) => tables?.length)).toEqual([])
  },
)

// prettier-ignore
test.each<[string, string[]]>([
  [`UPDATE users SET status = 'active';`,                                                      ['users:1']],
  [`-- Why.\ndelete from only public.job_postings WHERE true;`,                                ['job_postings:2']],
  [`INSERT INTO companies (company_name) VALUES ('A');`,                                       ['companies:1']],
  [`WITH old AS (DELETE FROM education RETURNING *) SELECT count(*) FROM old;`,                ['education:1']],
  [`DO $$ BEGIN UPDATE candidate_skills SET is_primary = TRUE; END $$;`,                       ['candidate_skills:1']],
  [`SET LOCAL ROLE matching_definer; RESET ROLE; UPDATE users SET status = 'active';`,         ['users:1']],
  [`SET LOCAL ROLE matching_definer; SET LOCAL ROLE supersmartmatch_core_owner; DELETE FROM users;`, ['users:1']],
  [`SET LOCAL ROLE matching_definer; UPDATE users SET status = 'active';`,                     []],
  [`UPDATE cities SET population = 0; -- UPDATE users`,                                        []],
  [`CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DELETE FROM users $$;`,                []],
])('%s', (sql, writes) => {
  expect(writesAsOwner(sql)).toEqual(writes)
})
