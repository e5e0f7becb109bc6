import { expect, test } from 'vitest'
import { whyNotReady } from './install.ts'

const ready = (status: string, message: string) => ({
  status: {
    conditions: [
      { type: 'SpecValid', status: 'True', message: '' },
      { type: 'Ready', status, message },
    ],
  },
})

test('the message of Ready is what is shown while waiting', () => {
  expect(whyNotReady({})).toMatch(/not looked at it/)
  expect(whyNotReady({ status: {} })).toMatch(/not looked at it/)
  expect(whyNotReady(ready('False', 'core: waiting for the database'))).toBe('core: waiting for the database')
  expect(whyNotReady(ready('True', ''))).toBeUndefined()
})
