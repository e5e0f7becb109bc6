import { expect, test } from 'vitest'
import { scramVerifier } from '../../../migrations/runner/scram.ts'
import { scramMatches } from './scram.ts'

/** Made by PostgreSQL 17 itself: ALTER ROLE … PASSWORD 'pencil'. */
const stored =
  'SCRAM-SHA-256$4096:YPRYA5LR3LNTDX4T66yCnQ==$OVqN4djETzfh8Kv3CKLWxjV3ECjdP3zXuwdU6d7SxMc=:qUeYrevPFfEJBkJtgoaw5sViUyZZ+72HflmKKq1HDwY='

test('a verifier that PostgreSQL made matches its password and no other', () => {
  expect(scramMatches(stored, 'pencil')).toBe(true)
  expect(scramMatches(stored, 'Pencil')).toBe(false)
})

test('the same password gives another verifier each time, and each matches', () => {
  const [first, second] = [scramVerifier('secret'), scramVerifier('secret')]
  expect(first).not.toBe(second)
  expect(scramMatches(first, 'secret') && scramMatches(second, 'secret')).toBe(true)
})

test('the verifier does not hold the password', () => expect(scramVerifier('secret')).not.toContain('secret'))

test.each([null, '', 'md5a3556571e93b0d20722ba62be61e8c2d', 'SCRAM-SHA-256$4096:AAAA', 'pencil'])(
  'no password, an MD5 one and garbage match nothing: %s',
  (value) => expect(scramMatches(value, 'pencil')).toBe(false),
)

test.each(['', 'pässword', 'a\nb'])('"%s" is refused: SASLprep is not applied', (password) =>
  expect(() => scramVerifier(password)).toThrow('printable ASCII'),
)
