import { describe, expect, test } from 'vitest'
import { findStatements, locate } from './statements.ts'

// prettier-ignore
test.each<[string, string, number[]]>([
  ['plain',                     'SELECT 1;\nSELECT 2',                                        [1, 2]],
  ['comments between',          '-- a;\n/* b; /* nested; */ c; */\nSELECT 1; -- d;\n;\nSELECT 2;', [3, 5]],
  ['strings and identifiers',   `SELECT 'a;''b;', "c;""d;", E'e\\';f';\nSELECT 2;`,           [1, 2]],
  ['dollar quotes',             'DO $$ SELECT 1; $a$ ; $$;\nDO $a$ ; $$ ; $a$;\nSELECT 3;',   [1, 2, 3]],
  ['parameter-like',            'SELECT a$b$ ; SELECT $1;',                                   [1, 1]],
  ['a rule with two commands',  'CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);\nSELECT 3;', [1, 2]],
  ['an SQL-standard function',  'CREATE FUNCTION f() RETURNS int\nBEGIN ATOMIC\nSELECT CASE WHEN true THEN 1 END;\nSELECT 2;\nEND;\nSELECT 3;', [1, 6]],
  ['nothing',                   ' -- a\n;;',                                                  []],
  ['an open quote',             `SELECT 'a;`,                                                 [1]],
])('finds statements: %s', (_name, sql, lines) => {
  expect(findStatements(sql).map((statement) => statement.line)).toEqual(lines)
})

describe('locate', () => {
  const sql = '-- é😀\nSELECT 1;\nSELECT 2,\n  nope;\nSELECT 3;'
  test('by position, which counts characters and not UTF-16 units', () => {
    const position = Array.from(sql.slice(0, sql.indexOf('nope'))).length + 1
    expect(locate(sql, position, 0)).toEqual({ statement: 2, line: 4 })
  })
  test('by the number of completed statements where there is no position', () => {
    expect(locate(sql, undefined, 2)).toEqual({ statement: 3, line: 5 })
    expect(locate(sql, undefined, 9)).toEqual({ statement: 3, line: 5 })
  })
})
