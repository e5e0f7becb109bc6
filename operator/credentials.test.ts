import { expect, test } from 'vitest'
import { createAuthority } from './certificates.ts'
import { currentAuthority, trusted } from './credentials.ts'
import { secret } from './secrets.ts'

const now = new Date('2026-01-01Z')
const [first, second, third] = (await Promise.all(['a', 'b', 'c'].map((name) => createAuthority(name, now)))).map(
  ({ certificate }) => certificate,
) as [string, string, string]

/** The Secret after each of these CAs was the one, while certificates of others are in use or not. */
function after(authorities: string[], inUse: boolean) {
  const metadata = { name: 'tls', namespace: 'ns', labels: {} }
  return authorities.reduce<ReturnType<typeof secret> | undefined>(
    (found, authority) =>
      secret(
        metadata,
        trusted(authority, found, () => inUse),
      ),
    undefined,
  )
}
const trust = (found: ReturnType<typeof after>) => trusted(currentAuthority(found) ?? '', found, () => true)['ca.crt']
const certificates = (pem = '') => pem.match(/-----BEGIN/g)?.length

test('the CA before stays trusted while somebody shows a certificate of it, and goes afterwards', () => {
  const during = after([first, second], true)
  expect(currentAuthority(during)?.trim()).toBe(second.trim())
  expect(trust(during)).toContain(first.trim())
  // Again the same, and once all have followed.
  expect(trusted(second, during, () => true)).toEqual(trusted(second, after([first, second], true), () => true))
  expect(trusted(second, during, () => false)).toEqual({ 'ca.crt': second })
  expect(certificates(trust(after([first, second], false)))).toBe(1)
})

test('of several before, the last one stays: not more than two are trusted', () => {
  const during = after([first, second, third], true)
  expect(certificates(trust(during))).toBe(2)
  expect(trust(during)).toContain(third.trim())
})

test('a CA of several certificates is one', () => {
  const chain = `${first.trim()}\n${second.trim()}\n`
  const during = after([chain, third], true)
  expect(currentAuthority(during)?.trim()).toBe(third.trim())
  expect(certificates(trust(during))).toBe(3)
})
