import { expect, test } from 'vitest'
import { localeClause } from './bootstrap.ts'

test.each([
  [150_018, `LOCALE_PROVIDER libc LOCALE 'C.UTF-8'`],
  [169_999, `LOCALE_PROVIDER libc LOCALE 'C.UTF-8'`],
  [170_000, `LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C.UTF-8'`],
])('server %i sorts by code point: %s', (version, clause) => {
  expect(localeClause(version)).toBe(clause)
})
