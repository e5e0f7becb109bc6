import { expect, test } from 'vitest'
import type { Plan } from '../engine.ts'
import { accountOf, digestOfLogins, loginFiles } from './logins.ts'

const plan = { store: { metadata: { name: 'demo-events' }, spec: { mode: 'managed' } } } as Plan
const passwords = { operator: 'a', monitoring: 'b', owner: 'c', app: 'd' }

test('the digest in the file is the one that a server must show, and another password is another digest', () => {
  const text = loginFiles(plan, passwords)['logins.conf']
  expect(text).toContain(`LOGINS: "${digestOfLogins(plan, passwords)}"`)
  expect(digestOfLogins(plan, { ...passwords, app: 'e' })).not.toBe(digestOfLogins(plan, passwords))
})

test('a login without a password is never written: it would let everybody in', () => {
  expect(() => loginFiles(plan, { ...passwords, app: '' })).toThrow('login app has no password')
})

test('each store has an account of its own; a server of somebody else’s has the one of all', () => {
  expect(accountOf(plan.store)).toBe('demo-events')
  expect(accountOf({ ...plan.store, spec: { ...plan.store.spec, mode: 'external' } })).toBe('$G')
})
