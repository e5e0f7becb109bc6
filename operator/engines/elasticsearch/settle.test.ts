import { describe, expect, test } from 'vitest'
import type { Plan, Target } from '../engine.ts'
import { differences, judge, lost, type Report } from './settle.ts'

test('settings: what is wanted is set, what is ours and not wanted goes, the rest is left alone', () => {
  const live = {
    persistent: { 'search.max_buckets': '1000', 'http.max_header_size': '1kb', 'action.auto_create_index': 'false' },
    transient: { 'search.max_buckets': '5', 'cluster.max_voting_config_exclusions': '3' },
  }
  expect(differences(live, { 'search.max_buckets': '2000', 'cluster.no_master_block': 'all' })).toEqual({
    persistent: { 'action.auto_create_index': null, 'search.max_buckets': '2000', 'cluster.no_master_block': 'all' },
    transient: { 'search.max_buckets': null },
    changed: [
      'action.auto_create_index: false → default',
      'search.max_buckets: 1000 → 2000',
      'cluster.no_master_block: default → all',
      'search.max_buckets: transient value removed',
    ],
  })
  const same = { persistent: { 'search.max_buckets': '2000' }, transient: {} }
  expect(differences(same, { 'search.max_buckets': '2000' }).changed).toEqual([])
})

describe('nodes', () => {
  const target: Target = { host: 'a', port: 1, database: '', username: 'elastic', password: 'p', ca: '' }
  const node = (ordinal: number, cluster: string | undefined, files: string | undefined): Report => {
    return { name: `search-${ordinal}`, target: { ...target, host: `${ordinal}` }, cluster, files }
  }

  test('that are in one cluster and know the logins need nothing', () => {
    const { speaker, ...rest } = judge([node(0, 'a', 'new'), node(1, 'a', 'new')], 'new')
    expect(rest).toEqual({ outdated: {} })
    expect(speaker?.host).toBe('0')
  })

  test('with older files of logins get them, and their settings meanwhile', () => {
    const { speaker, outdated, waiting } = judge([node(0, 'a', 'old'), node(1, 'a', 'new')], 'new')
    expect(outdated).toEqual({ 'search-0': 'new' })
    expect(waiting).toContain('search-0: the files of logins are older')
    expect(speaker).toBeDefined()
  })

  test('that let the operator in no more get them, too', () => {
    const { speaker, outdated } = judge([node(0, undefined, undefined)], 'new')
    expect(outdated).toEqual({ 'search-0': 'new' })
    expect(speaker).toBeUndefined()
  })

  test('that all lost their volumes say so, unless the store is new or somebody may still come', () => {
    const metadata = { name: 'search', namespace: 'ns' }
    const plan = (members: number, status?: object) => ({ members, store: { metadata, status } }) as unknown as Plan
    const empty = [node(0, undefined, 'new')]
    expect(lost(empty, plan(1, { version: '9.5.3' }))).toMatch(/found its volume empty.*data-search-0/)
    expect(lost(empty, plan(2, { version: '9.5.3' }))).toBeUndefined()
    expect(lost(empty, plan(1))).toBeUndefined()
    expect(lost([node(0, 'a', 'new')], plan(1, { version: '9.5.3' }))).toBeUndefined()
    expect(lost([node(0, undefined, undefined)], plan(1, { version: '9.5.3' }))).toBeUndefined()
  })

  test('of two clusters are not touched', () => {
    const { speaker, waiting } = judge([node(0, undefined, 'new'), node(1, 'a', 'new'), node(2, 'b', 'new')], 'new')
    expect(waiting).toMatch(/search-1 is in cluster a and search-2 in b/)
    expect(speaker).toBeUndefined()
  })
})
