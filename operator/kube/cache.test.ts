import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { Cache } from './cache.ts'

const secrets = { apiVersion: 'v1', kind: 'Secret' }
const watch = { ...secrets, namespace: 'ns', labels: { app: 'x' } }

function secret(name: string, version: number, fields: Partial<KubeObject['metadata']> = {}): KubeObject {
  const metadata = {
    name,
    namespace: 'ns',
    uid: `uid-${name}`,
    resourceVersion: String(version),
    labels: { app: 'x' },
    ...fields,
  }
  return { ...secrets, metadata }
}

function listed(items: KubeObject[], version: number) {
  const cache = new Cache()
  const slice = cache.addSlice(watch)
  slice.replace(items, String(version))
  return { cache, slice, version: (name: string) => cache.get(secrets, 'ns', name)?.metadata.resourceVersion }
}

describe('our own writes', () => {
  test('are seen at once, and their event announces them once', () => {
    const { cache, slice, version } = listed([secret('a', 5)], 10)
    cache.wrote(secret('a', 12))
    expect(version('a')).toBe('12')
    expect(slice.event('MODIFIED', secret('a', 11))).toBeUndefined()
    expect(version('a')).toBe('12')
    expect(slice.event('MODIFIED', secret('a', 12))).toBe('modified')
    expect(slice.event('MODIFIED', secret('a', 12))).toBeUndefined()
  })

  test('are announced by a list when their event was missed', () => {
    const { cache, slice } = listed([secret('a', 5)], 10)
    cache.wrote(secret('a', 12))
    expect(slice.replace([secret('a', 12)], '13').map(([change]) => change)).toEqual(['modified'])
  })

  test('whose answer comes after the event of the deletion do not bring the object back', () => {
    const { cache, slice, version } = listed([secret('a', 5)], 10)
    slice.event('DELETED', secret('a', 13))
    cache.wrote(secret('a', 12))
    expect(version('a')).toBeUndefined()
  })

  test('survive a list that is older', () => {
    const { cache, slice, version } = listed([], 10)
    cache.wrote(secret('new', 12))
    slice.replace([], '11')
    expect(version('new')).toBe('12')
    expect(slice.replace([], '13').map(([change]) => change)).toEqual(['deleted'])
    expect(version('new')).toBeUndefined()
  })

  test('of objects that are not watched are not kept', () => {
    const { cache, version } = listed([], 10)
    cache.wrote(secret('unlabelled', 12, { labels: {} }))
    cache.wrote({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns', resourceVersion: '12' } })
    expect(version('unlabelled')).toBeUndefined()
  })
})

test('a list tells what was added, changed and deleted, and nothing about the rest', () => {
  const { slice } = listed([secret('same', 1), secret('changes', 2), secret('goes', 3)], 10)
  const changes = slice.replace([secret('same', 1), secret('changes', 11), secret('comes', 12)], '12')
  expect(changes.map(([change, { metadata }]) => `${change} ${metadata.name}`).sort()).toEqual([
    'added comes',
    'deleted goes',
    'modified changes',
  ])
})

test('a list from the past, after a restore, replaces everything', () => {
  const { slice, version } = listed([secret('a', 90), secret('b', 95)], 100)
  slice.replace([secret('a', 20)], '30')
  expect(version('a')).toBe('20')
  expect(version('b')).toBeUndefined()
})

test('what is not watched, watched twice or not listed yet is an error, never "does not exist"', () => {
  const cache = new Cache()
  expect(() => cache.get(secrets, 'ns', 'a')).toThrow('Secret in namespace ns is not watched')
  cache.addSlice(watch)
  expect(() => cache.get(secrets, 'ns', 'a')).toThrow('not listed yet')
  expect(() => cache.list(secrets)).toThrow('not listed yet')
  expect(() => cache.get(secrets, 'other', 'a')).toThrow('is not watched')
  expect(() => cache.addSlice(watch)).toThrow('watched twice')
})
