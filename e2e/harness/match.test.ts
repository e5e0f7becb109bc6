import { expect, test } from 'vitest'
import { firstMismatch } from './match.ts'

const live = {
  spec: { replicas: 1 },
  status: {
    conditions: [
      { type: 'A', status: 'True' },
      { type: 'B', status: 'False', message: 'because' },
    ],
  },
}

// prettier-ignore
test.each([
  ['fields not listed are not compared', { spec: {} },                                                    undefined],
  ['a value',                            { spec: { replicas: 2 } },                                       'spec.replicas: expected 2, found 1'],
  ['a missing field',                    { spec: { paused: true } },                                      'spec.paused: expected true, found nothing'],
  ['an object that is not there',        { data: { a: 1 } },                                              'data: expected an object, found nothing'],
  ['list items in any order',            { status: { conditions: [{ type: 'B' }, { type: 'A' }] } },      undefined],
  ['one item must match as a whole',     { status: { conditions: [{ type: 'B', status: 'True' }] } },     'status.conditions: no item like {"type":"B","status":"True"}'],
  ['a regular expression',               { status: { conditions: [{ type: 'B', message: '/^bec/' }] } },  undefined],
  ['a regular expression that fails',    { status: { conditions: [{ type: 'B', message: '/^cause/' }] } }, 'status.conditions: no item like'],
])('%s', (_what, expected, mismatch) => {
  const found = firstMismatch(expected, live)
  if (mismatch === undefined) expect(found).toBeUndefined()
  else expect(found).toContain(mismatch)
})
