import { expect, test } from 'vitest'
import { onlyOn, type Shard } from './shrink.ts'

// prettier-ignore
const shards: Shard[] = [
  { index: 'both',    shard: '0', state: 'STARTED',      node: 'search-0' },
  { index: 'both',    shard: '0', state: 'STARTED',      node: 'search-1' },
  { index: 'coming',  shard: '0', state: 'STARTED',      node: 'search-1' },
  { index: 'coming',  shard: '0', state: 'INITIALIZING', node: 'search-0' },
  { index: 'moving',  shard: '0', state: 'RELOCATING',   node: 'search-1 -> 10.0.0.1 abc search-0' },
  { index: 'moving',  shard: '1', state: 'STARTED',      node: 'search-1' },
  { index: 'staying', shard: '0', state: 'RELOCATING',   node: 'search-0 -> 10.0.0.2 def search-2' },
  { index: 'nowhere', shard: '0', state: 'UNASSIGNED',   node: null },
]

test('what has no whole copy elsewhere keeps a node', () => {
  expect(onlyOn(shards, ['search-1'])).toEqual(['coming', 'moving'])
  expect(onlyOn(shards, ['search-2'])).toEqual([])
  expect(onlyOn(shards, ['search-0', 'search-1'])).toEqual(['both', 'coming', 'moving', 'staying'])
})
