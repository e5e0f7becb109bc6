import { expect, test } from 'vitest'
import { contentType, isJoinable, parseStatement } from './statement.ts'

// prettier-ignore
test.each([
  ['SELECT 1',                                                        'rows',  undefined],
  ['  -- why\nselect 1 format JSON',                                  'rows',  'JSON'],
  ['WITH 1 AS x SELECT x FORMAT CSV SETTINGS max_threads = 1',        'rows',  'CSV'],
  ['SELECT format FROM t FORMAT TSV;',                                'rows',  'TSV'],
  ['SELECT format FROM t',                                            'rows',  undefined],
  [`SELECT 'x FORMAT JSON'`,                                          'rows',  undefined],
  ['SELECT * FROM (SELECT 1 FORMAT)',                                 'rows',  undefined],
  ['SELECT 1 /* FORMAT JSON */',                                      'rows',  undefined],
  ['SHOW TABLES FORMAT JSONEachRow',                                  'other', 'JSONEachRow'],
  ['CREATE TABLE a (b Int8) ENGINE = Memory',                         'other', undefined],
  ['INSERT INTO t SELECT 1',                                          'other', undefined],
  ['INSERT INTO t (a) WITH 1 AS x SELECT x',                          'other', undefined],
  ['INSERT INTO t (a, b) FORMAT JSONEachRow',                         'data',  'JSONEachRow'],
  ['INSERT INTO t VALUES (1)',                                        'data',  'Values'],
  ['INSERT INTO `values` (`format`) FORMAT CSV',                      'data',  'CSV'],
  ['',                                                                'other', undefined],
])('%s', (text, kind, format) => expect(parseStatement(text)).toMatchObject({ kind, format }))

// prettier-ignore
test.each([
  ['INSERT INTO t FORMAT CSV\n1,2',                            'INSERT INTO t |FORMAT CSV',                           '\n1,2'],
  ['INSERT INTO t (a) VALUES (1), (2)',                        'INSERT INTO t (a) | FORMAT Values',                   ' (1), (2)'],
  [`INSERT INTO t SETTINGS a = 'b' FORMAT JSONEachRow {"a":1}`, `INSERT INTO t |SETTINGS a = 'b' FORMAT JSONEachRow`, ' {"a":1}'],
  ['INSERT INTO t SETTINGS a = 1 VALUES (1)',                  'INSERT INTO t |SETTINGS a = 1  FORMAT Values',        ' (1)'],
  [`INSERT INTO t VALUES ('; DROP TABLE t')`,                  'INSERT INTO t | FORMAT Values',                       ` ('; DROP TABLE t')`],
])('the rows of %s', (text, around, rows) => {
  const statement = parseStatement(text)
  expect(statement.around.join('|')).toBe(around)
  expect(text.slice(statement.dataAt)).toBe(rows)
})

// prettier-ignore
test.each([
  ['SELECT 1; SELECT 2',                                      'Multi-statements are not allowed'],
  ['SHOW TABLES; SET ROLE admin',                             'Multi-statements are not allowed'],
  [`SELECT 1 INTO OUTFILE '/tmp/x'`,                          'INTO OUTFILE is for clients'],
  [`INSERT INTO t SELECT * FROM u INTO OUTFILE '/tmp/x'`,     'INTO OUTFILE is for clients'],
  [`INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV`,      'FROM INFILE is for clients'],
  ['set /* as */ role admin',                                 'SET ROLE is not available in this server'],
  ['EXECUTE AS admin SELECT 1',                               'EXECUTE AS is not available in this server'],
])('%s is refused', (text, why) => expect(parseStatement(text).refused).toBe(why))

test.each(['SELECT 1;', `SELECT ';'`, 'SET max_threads = 1', 'SYSTEM RELOAD CONFIG'])('%s is not', (text) => {
  expect(parseStatement(text).refused).toBeUndefined()
})

test('formats with a beginning or an end are not sent in parts', () => {
  expect(['JSONEachRow', 'tsv', 'RowBinary', 'Native'].map(isJoinable)).toEqual([true, true, true, true])
  expect(['JSON', 'CSVWithNames', 'Parquet', 'XML'].map(isJoinable)).toEqual([false, false, false, false])
  expect(contentType('JSONCompact')).toBe('application/json; charset=UTF-8')
})
