import { readFile } from 'node:fs/promises'
import { glob } from 'node:fs/promises'
import { Ajv } from 'ajv'
import pg from 'pg'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../config.ts'
import { errors } from '../errors.ts'
import { serializeError } from '../log.ts'
import { decodeCursor, encodeCursor, keyChecks, pageQuery } from '../pagination.ts'
import { assignments, insertion } from '../stores/columns.ts'
import { explainViolation } from '../stores/constraints.ts'

describe('configuration', () => {
  const schema = Type.Object({
    PORT: Type.Integer({ default: 8080, maximum: 65535 }),
    DIR: Type.String({ minLength: 1 }),
    LEVEL: Type.Unsafe<string>({ type: 'string', enum: ['a', 'b'], default: 'a' }),
  })
  test('defaults, numbers, nothing else', () => {
    expect(loadConfig(schema, { DIR: '/x', PORT: '9', HOME: '/root' })).toEqual({ DIR: '/x', PORT: 9, LEVEL: 'a' })
  })
  test('all that is wrong at once, without values', () => {
    const load = () => loadConfig(schema, { DIR: '', PORT: 'hunter2', LEVEL: 'c' })
    expect(load).toThrow(
      /DIR is required\n {2}LEVEL must be equal to one of the allowed values\n {2}PORT must be integer/,
    )
    expect(load).not.toThrow(/hunter2/)
  })
})

describe('cursors', () => {
  const id = '00000000-0000-4000-8000-000000000001'
  const shape = [keyChecks.text, keyChecks.uuid]
  const accepted = new Ajv().compile(pageQuery.cursor)
  test('come back as they went', () => {
    expect(decodeCursor('jobs', shape, encodeCursor('jobs', ['é "x"', id]))).toEqual(['é "x"', id])
    expect(decodeCursor('jobs', shape, undefined)).toBeNull()
  })
  test.each([
    ['200 emoji', '😀'.repeat(200)],
    // No longer taken from a client; a row may have them.
    ['200 control characters', '\u0001'.repeat(200)],
  ])('%s in a row, any filters: the cursor is one that the list takes', (_name, value) => {
    const list = `companies ${'😀'.repeat(100)}`
    const cursor = encodeCursor(list, [value, id])
    expect(accepted(cursor)).toBe(true)
    expect(decodeCursor(list, shape, cursor)).toEqual([value, id])
  })
  test.each([
    ['2026-02-28T23:59:59.123456Z', true],
    ['2026-02-30T00:00:00.000000Z', false],
    ['2026-01-01T24:00:00.000000Z', false],
    ['2026-13-01T00:00:00.000000Z', false],
    ['0000-01-01T00:00:00.000000Z', false],
  ])('instant %s: %s', (value, good) => {
    expect(keyChecks.instant(value)).toBe(good)
  })
  test.each([
    ['another list', encodeCursor('skills', ['a', id])],
    ['too few values', encodeCursor('jobs', ['a'])],
    ['no uuid', encodeCursor('jobs', ['a', "' OR 1=1"])],
    ['a NUL', encodeCursor('jobs', ['\u0000', id])],
    ['no JSON', 'abc'],
    ['no list', Buffer.from('{}').toString('base64url')],
  ])('refused: %s', (_name, cursor) => {
    expect(() => decodeCursor('jobs', shape, cursor)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }))
  })
})

test('only named fields become columns, whatever an object carries', () => {
  const columns = { title: 'title', max: 'salary_max' }
  const record = { title: 'a', max: null, evil: 1, toString: 'x', 'title = 1; --': 2, gone: undefined }
  expect(insertion(columns, record)).toEqual({ text: '(title, salary_max) VALUES ($1, $2)', values: ['a', null] })
  expect(assignments(columns, record)).toEqual({ text: 'title = $2, salary_max = $3', values: ['a', null] })
})

test.each(['22007', '22008', '22009'])(
  'SQLSTATE %s, a date PostgreSQL cannot hold, is the sender’s to mend',
  (state) => {
    const error = new pg.DatabaseError('date/time field value out of range', 1, 'error')
    error.code = state
    expect(explainViolation(error, {})).toMatchObject({ code: 'RULE_VIOLATED', statusCode: 422 })
  },
)

test('a database error is logged without what it says of rows', () => {
  const error = new pg.DatabaseError('invalid input syntax for type uuid: "jane@example.org"', 1, 'error')
  error.code = '22P02'
  error.detail = 'Failing row contains (jane@example.org).'
  const logged = JSON.stringify(serializeError(new Error('outer', { cause: error })))
  expect(logged).toContain('22P02')
  expect(logged).not.toContain('jane')
})

test('the reference page has every error, and no other', async () => {
  const page = await readFile(new URL('../../../docs/reference/http-api.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| (\d{3}) +\| (.+?) +\|/gm)].map((m) => [m[1], Number(m[2]), m[3]])
  expect(rows).toEqual(Object.entries(errors).map(([code, [status, title]]) => [code, status, title]))
})

test('service SQL holds nothing that outlives a transaction: it runs through transaction pooling', async () => {
  const forbidden: [RegExp, string][] = [
    [
      /\bSET\s+(?!LOCAL\b|TRANSACTION\b)(SESSION|ROLE|TIME ZONE|search_path|statement_timeout|"?app\.)/i,
      'SET without LOCAL',
    ],
    [/\bset_config\((?:(?!set_config)[^])*?,\s*false\s*\)/i, 'set_config for the session'],
    [/\bLISTEN\s+\w|\bUNLISTEN\b|\bNOTIFY\s+\w/, 'LISTEN or NOTIFY'],
    [/\bCREATE\s+(LOCAL\s+|GLOBAL\s+)?TEMP/i, 'a temporary table'],
    [/\bpg_(try_)?advisory_(un)?lock(_all|_shared)?\b(?!_xact)/i, 'a session advisory lock'],
    [/\bPREPARE\s+\w|\bDEALLOCATE\b|\bWITH HOLD\b|\bDISCARD\b/, 'a prepared statement or cursor of the session'],
  ]
  const findings: string[] = []
  let files = 0
  for await (const file of glob('services/**/*.ts', { cwd: new URL('../../..', import.meta.url).pathname })) {
    // The demo's loader logs in as owner on a direct connection.
    if (/\/test\/|\.test\.ts$|core\/demo\//.test(file)) continue
    files += 1
    const source = (await readFile(new URL(`../../../${file}`, import.meta.url), 'utf8')).replace(
      /\/\*[^]*?\*\/|\/\/.*$/gm,
      '',
    )
    for (const [pattern, what] of forbidden) if (pattern.test(source)) findings.push(`${file}: ${what}`)
  }
  expect(findings).toEqual([])
  expect(files).toBeGreaterThan(20)
  // The patterns find what they look for.
  const bad = [
    'SET ROLE x',
    "set_config('a', $1, false)",
    'LISTEN jobs',
    'CREATE TEMP TABLE t',
    'pg_advisory_lock(1)',
    'PREPARE p AS',
  ]
  for (const [i, text] of bad.entries()) expect(forbidden[i]?.[0].test(text)).toBe(true)
})
