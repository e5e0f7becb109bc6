import { expect, test } from 'vitest'
import type { KubeObject } from '../crds/object.ts'
import { createAuthority } from './certificates.ts'
import { currentAuthority, trusted } from './credentials.ts'
import { secret, secretValue } from './secrets.ts'

const start = new Date('2026-01-01Z')
const names = ['a', 'b', 'c', 'd']
const made = await Promise.all(names.map((name) => createAuthority(name, start)))
const pems = Object.fromEntries(names.map((name, index) => [name, made[index]?.certificate ?? '']))
const nameOf = new Map(Object.entries(pems).map(([name, pem]) => [pem.trim(), name]))

const minutes = (count: number) => new Date(start.getTime() + count * 60_000)
const metadata = { name: 'tls', namespace: 'ns', labels: {} }

/** The Secret once `ca` is the CA, or several in one file. */
const next = (found: KubeObject | undefined, ca: string, at: Date, inUse: boolean) =>
  secret(
    metadata,
    trusted([...ca].map((name) => pems[name]?.trim()).join('\n'), found, at, () => inUse),
  )

/** Who is trusted, the CA itself first. */
const trust = (found: KubeObject) =>
  (secretValue(found, 'ca.crt') ?? '')
    .split(/(?<=-----END CERTIFICATE-----)\s*/)
    .map((pem) => nameOf.get(pem.trim()))
    .join('')

test('the CA before stays trusted while a pod was started with it, and until pods have loaded what follows', () => {
  const first = next(undefined, 'a', start, true)
  expect(trust(first)).toBe('a')
  const second = next(first, 'b', start, true)
  expect(trust(second)).toBe('ba')
  expect(currentAuthority(second)?.trim()).toBe(pems['b']?.trim())
  expect(next(second, 'b', minutes(1), true)).toEqual(second)
  expect(trust(next(second, 'b', minutes(14), false))).toBe('ba')
  expect(trust(next(second, 'b', minutes(60), true))).toBe('ba')
  expect(next(second, 'b', minutes(15), false)).toEqual(next(undefined, 'b', start, false))
})

test('of several changes in a row all are trusted; one that comes back is the CA itself', () => {
  const chain = [...'abc'].reduce<KubeObject | undefined>((found, ca) => next(found, ca, start, true), undefined)
  expect(chain && trust(chain)).toBe('cba')
  // Pods were started with a and have loaded certificates of b meanwhile.
  const back = next(next(next(undefined, 'a', start, false), 'b', start, true), 'a', minutes(20), false)
  expect(trust(back)).toBe('ab')
})

test('a CA of several certificates is one', () => {
  const chain = next(next(undefined, 'ab', start, true), 'c', start, true)
  expect(trust(chain)).toBe('cab')
  expect(currentAuthority(chain)?.trim()).toBe(pems['c']?.trim())
})

test('nobody else is trusted where no pod has to follow', () => {
  const first = secret(metadata, trusted(pems['a'] ?? '', undefined, start))
  expect(trusted(pems['b'] ?? '', first, start)).toEqual({ 'ca.crt': pems['b'] })
})
