import { describe, expect, test } from 'vitest'
import { heldMessage, nextMigration, podsOfOtherReleases, type SchemaFile } from './migration-plan.ts'

/** Files named by letters; a capital is a breaking one. */
const filesOf = (letters: string): SchemaFile[] =>
  [...letters].map((letter, index) => ({
    version: index + 1,
    name: letter,
    breaking: letter !== letter.toLowerCase(),
    digest: letters.slice(0, index + 1),
  }))
const run = (target: number, digest: string, files: string, breaking = false, held = '') => ({
  kind: 'run',
  target,
  digest,
  files: [...files],
  breaking,
  held: filesOf(`${digest}${held}`).slice(digest.length),
})

interface Case {
  files: string
  has?: string
  pin?: number
  older?: string[]
}
const next = ({ files, has, pin, older = [] }: Case) =>
  nextMigration({
    files: filesOf(files),
    pin,
    recorded: has === undefined ? undefined : { version: has.length, digest: has },
    older,
  })

// prettier-ignore
test.each<[string, Case, object]>([
  ['a new store: all files, breaking ones, too',       { files: 'aBc' },                                 run(3, 'aBc', 'aBc', true)],
  ['all are there: nothing',                           { files: 'ab', has: 'ab' },                       { kind: 'current' }],
  ['new files, nothing breaks: older pods do not count', { files: 'abc', has: 'a', older: ['p'] },       run(3, 'abc', 'bc')],
  ['a breaking one, no older pod',                     { files: 'aB', has: 'a' },                        run(2, 'aB', 'B', true)],
  ['a breaking one and an older pod: it waits',        { files: 'aB', has: 'a', older: ['p'] },          { kind: 'hold', held: filesOf('aB').slice(1) }],
  ['what comes before a breaking one does not wait',   { files: 'abC', has: 'a', older: ['p'] },         run(2, 'ab', 'b', false, 'C')],
  ['what comes after it does',                         { files: 'abCd', has: 'ab', older: ['p'] },       { kind: 'hold', held: filesOf('abCd').slice(2) }],
  ['a breaking one long applied holds up nothing',     { files: 'aBc', has: 'aB', older: ['p'] },        run(3, 'aBc', 'c')],
  ['nothing recorded, an older pod, one that breaks: only the ledger knows', { files: 'aB', older: ['p'] }, { kind: 'hold', held: filesOf('aB') }],
  ['nothing recorded, an older pod, none that breaks', { files: 'ab', older: ['p'] },                    run(2, 'ab', 'ab')],
  ['a pin: no further',                                { files: 'abc', has: 'a', pin: 2 },               run(2, 'ab', 'b')],
  ['a pin where the store is',                         { files: 'abc', has: 'ab', pin: 2 },              { kind: 'current' }],
  ['a breaking file beyond the pin does not count',    { files: 'abC', has: 'a', pin: 2, older: ['p'] }, run(2, 'ab', 'b')],
  ['other files than were applied: the runner says so', { files: 'xb', has: 'a' },                       run(2, 'xb', 'b')],
])('%s', (_name, given, expected) => expect(next(given)).toEqual(expected))

// prettier-ignore
test.each<[string, Case, string]>([
  ['a pin below what the database has', { files: 'abc', has: 'ab', pin: 1 }, 'spec.schema.version is 1, the database is at 2, and nothing leads back: set 2 or more, or restore a backup'],
  ['a pin beyond this release',         { files: 'abc', pin: 9 },            'spec.schema.version is 9, and this release ends at 3'],
])('%s is refused in words', (_name, given, message) => expect(next(given)).toEqual({ kind: 'refused', message }))

describe('pods of other releases', () => {
  const pod = (name: string, images: string[], phase = 'Running') => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: images.map((image) => ({ name: 'core', image })) },
    status: { phase },
  })
  test('are those without its image that have not ended, whatever they are about to do and whatever runs beside them', () => {
    const pods = [
      pod('c', ['x:1']),
      pod('b', ['x:2']),
      pod('a', ['proxy:1', 'x:1'], 'Pending'),
      pod('f', ['proxy:1', 'x:2']),
      pod('d', ['x:1'], 'Succeeded'),
      pod('e', ['x:1'], 'Failed'),
    ]
    expect(podsOfOtherReleases(pods, 'x:2')).toEqual(['a', 'c'])
  })

  test('are named, and so is the way out where the services need more than what waits', () => {
    expect(heldMessage(filesOf('A'), ['p', 'q'])).toBe(
      'A is breaking and waits until pods of another release are gone: p, q',
    )
    expect(heldMessage(filesOf('Ab'), ['p'])).toMatch(/scale those pods down, or upgrade one release after the other$/)
    expect(heldMessage(filesOf('A'), [...'pqrstuv'])).toMatch(/: p, q, r, s, t and 2 more$/)
  })
})
