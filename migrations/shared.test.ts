import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMigrations } from './runner/files.ts'
import { formatOfPostgres } from './runner/postgres-file.ts'
import { postgresSchemas } from './testing/database.ts'

/**
 * Databases are migrated apart, so each folder has all it needs, and the outbox and the upkeep of three are the same text. A correction
 * of one is a correction of all.
 */
const own = [
  'derived_columns', // has the columns of this database
  'add_event_triggers', // core: one trigger has another name
]
/** Databases that forget a person do so each in its way. */
const alike = ['count_user_data', 'erase_user_data']

/** Functions of a file by name and arguments: everything from CREATE to the end of the body. */
const functionsOf = (sql: string) =>
  [...sql.matchAll(/^CREATE FUNCTION ([\s\S]*?\))(?: RETURNS|\nRETURNS)[\s\S]*?(?:^\$\$;|^RETURN [\s\S]*?;$)/gm)].map(
    ([text, name = '']) => ({ name: name.replace(/\s+/g, ' '), text }),
  )

const found = new Map<string, Map<string, string[]>>()
for (const schema of postgresSchemas) {
  const { migrations } = await readMigrations(join(import.meta.dirname, schema), formatOfPostgres)
  for (const { name, text } of migrations.flatMap(({ text }) => functionsOf(text))) {
    const texts = found.get(name) ?? new Map<string, string[]>()
    texts.set(text, [...(texts.get(text) ?? []), schema])
    found.set(name, texts)
  }
}
const shared = [...found].filter(([name, texts]) => {
  const databases = [...texts.values()].flat()
  return databases.length > 1 && ![...own, ...alike].includes(name.replace(/\(.*/, ''))
})

test.each(shared)('%s is the same in every database that has it', (_, texts) => {
  expect([...texts.keys()], [...texts.values()].join(' differs from ')).toHaveLength(1)
})

test('the outbox and the upkeep are shared', () => {
  expect(shared.map(([name]) => name.replace(/\(.*/, '')).sort()).toEqual(
    expect.arrayContaining([
      'create_outbox_partitions',
      'create_range_partition',
      'current_app_user',
      'drop_published_outbox_partitions',
      'lock_aggregate',
      'publish_aggregate_events',
      'publish_domain_event',
      'purge_event_records',
      'read_outbox',
      'run_maintenance_job',
      'schedule_maintenance_jobs',
      'touch_updated_at',
    ]),
  )
})
