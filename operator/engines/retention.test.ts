import { expect, test } from 'vitest'
import { before, readPeriod, isPeriod } from '../../crds/retention.ts'
import { secondsOf } from './retention.ts'

const day = 86_400

test.each([
  ['90s', 90],
  ['7d', 7 * day],
  ['1mo', 28 * day],
  ['18mo', 546 * day],
  ['2y', 730 * day],
  ['1mo 3d', 31 * day],
])('%s', (keep, seconds) => expect(secondsOf(keep)).toBe(seconds))

test('is never a day longer than the calendar has it, whatever the day', () => {
  const days = Array.from({ length: 4 * 366 }, (_, index) => new Date(Date.UTC(2026, 0, index)))
  for (let months = 1; months <= 60; months++) {
    const keep = `${months}mo`
    const spans = days.map((from) => (from.getTime() - before(from, readPeriod(keep)).getTime()) / 1000)
    expect(secondsOf(keep) - Math.min(...spans), keep).toBeLessThanOrEqual(day)
    expect(secondsOf(keep), keep).toBeLessThanOrEqual(Math.max(...spans))
  }
})

test('what is no period is told', () => {
  expect(isPeriod('1mo 3d')).toBe(true)
  for (const text of ['', 'never', '7 d', '07d', '1d\n']) expect(isPeriod(text), text).toBe(false)
})
