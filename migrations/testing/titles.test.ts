import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { placesOf, titlesOf } from './titles.ts'

/** The titles of a file with this text. */
function titles(text: string) {
  const dir = mkdtempSync(join(tmpdir(), 'titles-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'x.test.ts')
  writeFileSync(path, text)
  return titlesOf(path)
}
const textsOf = (text: string) => titles(text).map(({ text }) => text)

test('of cases that are written there, and of what they are in', () => {
  expect(textsOf(`test('a', f)`)).toEqual(['a'])
  expect(textsOf(`describe('a', () => { test.each([['b'], ['c']])('%s is', f); test.skipIf(d)('e', f) })`)).toEqual([
    'a › b is',
    'a › c is',
    'a › e',
  ])
})

test.each([
  `test.skip('a', f)`,
  `test.todo('a')`,
  `test.fails('a', f)`,
  `test.concurrent.skip('a', f)`,
  `test.skip.each([['b']])('a', f)`,
  `describe.skip('b', () => { test('a', f) })`,
  `describe.skip.each([['b']])('%s', () => { test('a', f) })`,
  `describe.todo('a')`,
])('what does not run, or is meant to fail, proves nothing: %s', (text) => {
  expect(placesOf('a', titles(text))).toEqual([])
  expect(placesOf('a', titles(`${text}\ntest('a', f)`))).toHaveLength(1)
})
