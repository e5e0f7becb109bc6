import { expect, test } from 'vitest'
import { quantity } from './quantity.ts'

// prettier-ignore
test.each([
  ['1Gi', 2 ** 30], ['1.5Gi', 1.5 * 2 ** 30], ['1Ti', 1_099_511_627_776], ['500m', 0.5], ['1181116006400m', 1_181_116_006.4], ['1.1Gi', 1_181_116_006.4], ['2', 2], ['.5', 0.5], ['-1k', -1_000], [3, 3],
  ['', undefined], ['Gi', undefined], ['1.2.3', undefined], ['1gb', undefined], ['1 Gi', undefined], [undefined, undefined],
])('%s is %s', (value, expected) => {
  expect(quantity(value)).toBe(expected)
})
