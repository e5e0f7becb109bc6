import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { excess, parseAuditLog, printed, tally } from './audit.ts'

/** Of a kube-apiserver 1.35 with the policy of local/daemons.ts. */
const sample = readFileSync(join(import.meta.dirname, 'audit.sample.jsonl'), 'utf8')

test('every write of the operator is counted, whatever became of it; Events are not', () => {
  expect(printed(tally(parseAuditLog(sample)))).toBe(
    [
      '   1  secrets w1-ca  create 201',
      '   2  configmaps w1-pooler  patch 201, patch 200',
      '   2  datastores w1-core  patch 201, patch 200',
      '   2  datastores/status w1-core  patch 200, patch 409',
    ].join('\n'),
  )
})

test('others, reads, and a line that is not whole yet are left out', () => {
  expect(parseAuditLog(sample.replaceAll('matching-operator', 'somebody'))).toEqual([])
  expect(parseAuditLog(sample.replaceAll('"verb":"patch"', '"verb":"get"'))).toHaveLength(1)
  expect(parseAuditLog(sample.split('\n').slice(0, 2).join('\n'))).toHaveLength(1)
})

test('an object that is written twice is one too many; a store has eight conditions to report', () => {
  const tallies = tally(parseAuditLog(sample))
  expect(excess(tallies)).toEqual(['configmaps w1-pooler: 2 writes, 1 allowed'])
  const patches = (count: number) => [{ resource: 'datastores/status', name: 'w1-core', count, verbs: [] }]
  expect(excess(patches(8))).toEqual([])
  expect(excess(patches(9))).toEqual(['datastores/status w1-core: 9 writes, 8 allowed'])
})
