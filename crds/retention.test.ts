import { expect, test } from 'vitest'
import { before, periodPattern, periodText, readPeriod, retentionRules, type RetentionRule } from './retention.ts'

test('a period has one text', () => {
  for (const text of ['2y', '18mo', '90d', '7h', '15min', '30s']) expect(periodText(readPeriod(text))).toBe(text)
  expect(periodText(readPeriod('24mo'))).toBe('2y')
  expect(periodText(readPeriod('120min'))).toBe('2h')
  expect(periodText({ months: 13, days: 3, seconds: 61 })).toBe('13mo 3d 61s')
  expect(() => readPeriod('2 years')).toThrow('2 years is no period')
})

test('every default is one that a spec could say, in its one text', () => {
  for (const rules of Object.values<Record<string, RetentionRule>>(retentionRules))
    for (const [name, { keep }] of Object.entries(rules)) {
      expect(keep, name).toMatch(new RegExp(periodPattern))
      expect(periodText(readPeriod(keep)), name).toBe(keep)
    }
})

test('before goes by the calendar, as PostgreSQL does', () => {
  const from = new Date('2028-03-31T10:00:00Z')
  const minus = (text: string) => before(from, readPeriod(text)).toISOString()
  expect(minus('1mo')).toBe('2028-02-29T10:00:00.000Z')
  expect(minus('2y')).toBe('2026-03-31T10:00:00.000Z')
  expect(minus('31d')).toBe('2028-02-29T10:00:00.000Z')
  expect(minus('36h')).toBe('2028-03-29T22:00:00.000Z')
})
