import { expect, test } from 'vitest'
import { deletionsOfOurRules, droppingChains } from './network.ts'

const rules = `-P INPUT ACCEPT
-P FORWARD DROP
-P OUTPUT ACCEPT
-N DOCKER
-A FORWARD -s 198.18.0.0/17 -m comment --comment supersmartmatch -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
`

test('the chains that drop what no rule accepts', () => {
  expect(droppingChains(rules)).toEqual(['FORWARD'])
  expect(droppingChains('')).toEqual([])
})

test('only rules with our comment are deleted', () => {
  const ours = ['-s', '198.18.0.0/17', '-m', 'comment', '--comment', 'supersmartmatch', '-j', 'ACCEPT']
  expect(deletionsOfOurRules(rules)).toEqual([['-D', 'FORWARD', ...ours]])
})
