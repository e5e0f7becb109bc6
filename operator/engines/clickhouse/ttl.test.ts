import { expect, test } from 'vitest'
import { ends, foreign, outside, quoted, readRows, readValues, rowsTtl } from './ttl.ts'

const [one, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
const at = 'toDateTime(timestamp)'

// prettier-ignore
test.each([
  ['2y',      'toDateTime(timestamp) + toIntervalYear(2)'],
  ['18mo',    'toDateTime(timestamp) + toIntervalMonth(18)'],
  ['30d',     'toDateTime(timestamp) + toIntervalDay(30)'],
  ['5h',      'toDateTime(timestamp) + toIntervalHour(5)'],
  ['90min',   'toDateTime(timestamp) + toIntervalMinute(90)'],
  ['30s',     'toDateTime(timestamp) + toIntervalSecond(30)'],
])('%s is written and read', (keep, ttl) => {
  expect(ends(at, keep)).toBe(ttl)
  expect(readValues(ttl, 'timestamp')).toBe(keep)
})

test('several units, as the server puts them', () => {
  expect(ends(at, '1mo 3d')).toBe('toDateTime(timestamp) + toIntervalMonth(1) + toIntervalDay(3)')
  expect(readValues('(toDateTime(timestamp) + toIntervalMonth(1)) + toIntervalDay(3)', 'timestamp')).toBe('1mo 3d')
})

// prettier-ignore
test.each([
  ['a date',              'date + toIntervalYear(2)',                      'date',      '2y'],
  ['another time',        'timestamp + toIntervalYear(1)',                 'timestamp', '1y'],
  ['a day',               'toDate(timestamp) + toIntervalDay(10)',         'timestamp', '10d'],
  ['weeks',               'toDateTime(timestamp) + toIntervalWeek(2)',     'timestamp', '14d'],
  ['quarters',            'toDateTime(timestamp) + toIntervalQuarter(4)',  'timestamp', '1y'],
  ['months of two years', 'toDateTime(timestamp) + toIntervalMonth(24)',   'timestamp', '2y'],
  ['another column',      'toDateTime(updated_at) + toIntervalDay(2)',     'timestamp', foreign],
  ['another function',    'toStartOfDay(timestamp) + toIntervalDay(2)',    'timestamp', foreign],
  ['seconds as a number', 'toDateTime(timestamp) + 3600',                  'timestamp', foreign],
  ['no period',           'toDateTime(timestamp)',                         'timestamp', foreign],
  ['none at all',         'toDateTime(timestamp) + toIntervalDay(0)',      'timestamp', foreign],
])('by hand: %s', (_name, ttl, column, keep) => expect(readValues(ttl, column)).toBe(keep))

test('rows: whoever is on hold, or all', () => {
  const ttl = (subjects: string[], hold = false) => rowsTtl(at, { keep: '2y', hold, subjects })
  const time = 'toDateTime(timestamp) + toIntervalYear(2)'
  expect(ttl([])).toBe(`${time} DELETE WHERE true`)
  expect(ttl([one], true)).toBe(`${time} DELETE WHERE false`)
  expect(ttl([one, other])).toBe(`${time} DELETE WHERE user_id NOT IN (toUUID('${one}'), toUUID('${other}'))`)
})

test('rows: read as the server puts them, with or without DELETE and parentheses', () => {
  const read = (condition: string) => readRows(`date + toIntervalYear(2)${condition}`, 'date')
  const nobody = { keep: '2y', hold: false, subjects: [] }
  expect(read('')).toEqual(nobody)
  expect(read(' WHERE true')).toEqual(nobody)
  expect(read(' WHERE false')).toEqual({ ...nobody, hold: true })
  for (const condition of [` DELETE WHERE user_id NOT IN (toUUID('${one}'))`, ` WHERE user_id NOT IN toUUID('${one}')`])
    expect(read(condition)).toEqual({ ...nobody, subjects: [one] })
  expect(read(` WHERE user_id NOT IN (toUUID('${one}'), toUUID('${other}'))`).subjects).toEqual([one, other])
})

// prettier-ignore
test.each([
  ['another condition',   'date + toIntervalYear(2) WHERE is_anonymous'],
  ['one more condition',  `date + toIntervalYear(2) WHERE (user_id NOT IN (toUUID('${one}'))) AND is_anonymous`],
  ['one more TTL',        'date + toIntervalYear(1), date + toIntervalYear(2) WHERE is_anonymous'],
  ['another action',      `date + toIntervalYear(2) TO VOLUME 'cold'`],
])('rows: %s is another TTL', (_name, ttl) => {
  expect(readRows(ttl, 'date')).toEqual({ keep: foreign, hold: false, subjects: [] })
})

test('nothing that somebody wrote is SQL', () => {
  expect(quoted(`it's \\ "x"\n`)).toBe(String.raw`'it\'s \\ "x"\n'`)
  expect(outside([`') OR (1=1`])).toBe(String.raw`NOT IN (toUUID('\') OR (1=1'))`)
  expect(() => ends(at, '1d); DROP TABLE x')).toThrow('is no period')
})
