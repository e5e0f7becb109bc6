import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readMigrations } from './files.ts'
import { formats } from './formats.ts'
import { formatOfPostgres } from './postgres-file.ts'

const ok = '-- Something.\nSELECT 1;\n'

async function folder(files: Record<string, string | Uint8Array>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'migrations-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content)
  return dir
}

test('reads files in order, with checksum, breaking mark and digest', async () => {
  const breaking = '-- Two.\n-- migrate: breaking\n\nSELECT 2;\n'
  const dir = await folder({ '000002_b_c.sql': breaking, '000001_a.sql': ok, 'cluster.sql': 'x', 'README.md': '' })
  const set = await readMigrations(dir, formatOfPostgres)
  expect(set.migrations.map(({ version, name, breaking }) => ({ version, name, breaking }))).toEqual([
    { version: 1, name: 'a', breaking: false },
    { version: 2, name: 'b_c', breaking: true },
  ])
  expect(set.target).toBe(2)
  // By sha256sum of the file.
  expect(set.migrations[0]?.checksum).toBe('068435ba31d7b59858e44e7839fce848330a476ebdf71465172a571cfdd8c00e')
})

test('the digest is the sha256 of the lines "number name checksum"', async () => {
  const { digest } = await readMigrations(await folder({ '000001_a.sql': ok }), formatOfPostgres)
  expect(digest).toBe('6a3f22825fa0a4c92d3df85de58df5eb077b3af8b030490b8f33d7abf5a32c4c')
})

test('the digest follows content and name', async () => {
  const digests = [
    await folder({ '000001_a.sql': ok }),
    await folder({ '000001_a.sql': ok + '\n' }),
    await folder({ '000001_b.sql': ok }),
    await folder({ '000001_a.sql': ok, '000002_a.sql': ok }),
  ].map(async (dir) => (await readMigrations(dir, formatOfPostgres)).digest)
  expect(new Set(await Promise.all(digests)).size).toBe(4)
})

test('an empty folder is at 0', async () => {
  expect(await readMigrations(await folder({}), formatOfPostgres)).toMatchObject({ migrations: [], target: 0 })
})

// prettier-ignore
test.each<[string, Record<string, string | Uint8Array>, string, RegExp]>([
  ['a gap',                  { '000001_a.sql': ok, '000003_c.sql': ok },   'NumberGap',       /no file 000002_\*\.sql, but there is 000003_c\.sql/],
  ['a missing first file',   { '000002_b.sql': ok },                       'NumberGap',       /no file 000001/],
  ['a duplicate',            { '000001_a.sql': ok, '000001_b.sql': ok },   'DuplicateNumber', /000001_a\.sql and 000001_b\.sql/],
  ['number 0',               { '000000_a.sql': ok },                       'BadFileName',     /000000_a\.sql/],
  ['a short number',         { '001_a.sql': ok },                          'BadFileName',     /001_a\.sql/],
  ['capitals',               { '000001_Ab.sql': ok },                      'BadFileName',     /000001_Ab\.sql/],
  ['another ending',         { '000001_a.sq': ok },                        'BadFileName',     /000001_a\.sq/],
  ['a stray SQL file',       { 'fix.sql': ok },                            'BadFileName',     /fix\.sql/],
  ['no header',              { '000001_a.sql': 'SELECT 1;' },              'BadFile',         /does not begin with a comment/],
  ['no statement',           { '000001_a.sql': '-- a\n/* SELECT 1; */;' }, 'BadFile',         /no statement/],
  ['an unknown mark',        { '000001_a.sql': `-- a\n-- migrate: braking\nSELECT 1;` }, 'BadFile', /"-- migrate: braking"/],
  ['a mark too late',        { '000001_a.sql': `${ok}-- migrate: breaking\n` }, 'BadFile',    /after its first statement/],
  ['COMMIT',                 { '000001_a.sql': `${ok}SELECT 2;\ncommit ;` }, 'BadFile',       /line 4 has COMMIT/],
  ['BEGIN',                  { '000001_a.sql': '-- a\nBEGIN;' },           'BadFile',         /line 2 has BEGIN/],
  ['PREPARE TRANSACTION',    { '000001_a.sql': `-- a\nPREPARE TRANSACTION 'x'` }, 'BadFile',  /has PREPARE/],
  ['Windows line endings',   { '000001_a.sql': '-- a\r\nSELECT 1;' },      'BadFile',         /Windows line endings/],
  ['a byte order mark',      { '000001_a.sql': '\ufeff-- a\nSELECT 1;' },  'BadFile',         /byte order mark/],
  ['Latin-1',                { '000001_a.sql': new Uint8Array([45, 45, 32, 0xe9, 10]) }, 'BadFile', /not UTF-8/],
])('refuses %s', async (_name, files, reason, message) => {
  const dir = await folder(files)
  const refused = expect(readMigrations(dir, formatOfPostgres)).rejects
  await refused.toMatchObject({ name: 'Refused', reason })
  await refused.toThrow(message)
})

test('what is not transaction control is none: function bodies, PREPARE, strings, comments', async () => {
  const sql = `-- a
/* COMMIT; */ DO $$ BEGIN PERFORM 1; END $$;
PREPARE p AS SELECT 'x; COMMIT; --';
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
SELECT 1; -- COMMIT;
`
  const set = await readMigrations(await folder({ '000001_a.sql': sql }), formatOfPostgres)
  expect(set.target).toBe(1)
})

test('a folder of another engine has files of its own kind, and others beside them only unnumbered', async () => {
  const file = JSON.stringify({ about: 'x', streams: [], consumers: [consumer] })
  const set = await readMigrations(
    await folder({ '000001_a.json': file, 'README.md': '', 'notes.sql': 'x' }),
    formats.nats,
  )
  expect(set).toMatchObject({ extension: 'json', target: 1, migrations: [{ version: 1, name: 'a', statements: 1 }] })
  const mixed = readMigrations(await folder({ '000001_a.json': file, '000002_b.sql': ok }), formats.nats)
  await expect(mixed).rejects.toMatchObject({
    reason: 'BadFileName',
    message: expect.stringMatching(/^000002_b\.sql: a migration is named like .*\.json$/) as string,
  })
})

const consumer = {
  stream: 'A',
  name: 'c',
  description: 'A test.',
  filter_subjects: ['a.>'],
  backoff: ['30s'],
  max_deliver: 2,
  max_ack_pending: 1,
}
