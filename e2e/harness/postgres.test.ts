import { expect, test } from 'vitest'
import { isLeftover } from './postgres.ts'

const hour = 3_600_000
const now = Date.parse('2026-01-01T12:00:00Z')

test.each([
  ['of a run that may go on', 1.9, {}, false],
  ['whose pod has ended', 2.1, {}, true],
  ['that is being deleted', 2.1, { deletionTimestamp: new Date(now) }, false],
])('a namespace %s', (_name, hours, metadata, leftover) => {
  expect(isLeftover({ metadata: { creationTimestamp: new Date(now - hours * hour), ...metadata } }, now)).toBe(leftover)
})
