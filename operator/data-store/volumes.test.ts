import { expect, test } from 'vitest'
import { sizeInForce, volumeStep, type Claim } from './volumes.ts'

const claim = (requested: string, capacity?: string, name = 'data-db-0'): Claim => ({
  name,
  requested,
  ...(capacity ? { capacity } : {}),
})

// prettier-ignore
test.each([
  ['no volume yet',                              [], undefined, true, { kind: 'fits' }],
  ['as it should be',                            [claim('2Gi', '2Gi')], '2Gi', true, { kind: 'fits' }],
  ['however it is written',                      [claim('2048Mi', '2Gi')], '2048Mi', true, { kind: 'fits' }],
  ['not bound yet',                              [claim('2Gi')], '2Gi', true, { kind: 'fits' }],
  ['a driver may give more than asked for',      [claim('2Gi', '3Gi')], '2Gi', true, { kind: 'fits' }],
  ['kept from a larger store',                   [claim('3Gi', '3Gi')], undefined, true, { kind: 'larger', claim: { requested: '3Gi' } }],
  ['smaller, and the class lets it grow',        [claim('1Gi', '1Gi')], '1Gi', true, { kind: 'request', claims: [{ name: 'data-db-0' }] }],
  ['one of two is asked for already',            [claim('2Gi', '1Gi'), claim('1Gi', '1Gi', 'data-db-1')], '1Gi', true, { kind: 'request', claims: [{ name: 'data-db-1' }] }],
  ['smaller, and the class does not',            [claim('1Gi', '1Gi')], '1Gi', false, { kind: 'cannotGrow', message: expect.stringContaining('StorageClass slow') as string }],
  ['asked for, not there yet',                   [claim('2Gi', '1Gi')], '1Gi', true, { kind: 'growing', claim: { capacity: '1Gi' } }],
  ['there: new pods must get the size, too',     [claim('2Gi', '2Gi')], '1Gi', true, { kind: 'recreate' }],
])('%s', (_name, claims, template, expandable, expected) => {
  expect(volumeStep({ claims, size: '2Gi', template, expandable, storageClass: 'slow' })).toMatchObject(expected)
})

test('a claim without a class cannot grow, and says so', () => {
  const step = volumeStep({
    claims: [claim('1Gi')],
    size: '2Gi',
    template: '1Gi',
    expandable: false,
    storageClass: undefined,
  })
  expect(step).toMatchObject({ kind: 'cannotGrow', message: expect.stringContaining('no StorageClass') as string })
})

// prettier-ignore
test.each([
  ['no volume yet',            [], '2Gi'],
  ['not bound yet',            [claim('2Gi')], '2Gi'],
  ['as it should be',          [claim('2Gi', '2048Mi')], '2Gi'],
  ['more than asked for',      [claim('2Gi', '3Gi')], '2Gi'],
  ['one that has not grown',   [claim('2Gi', '2Gi'), claim('2Gi', '1Gi')], '1Gi'],
  ['none of which ever grows', [claim('1Gi', '1Gi'), claim('512Mi', '512Mi')], '512Mi'],
])('the size to count on: %s', (_name, claims, expected) => expect(sizeInForce(claims, '2Gi')).toBe(expected))
