import { expect, test } from 'vitest'
import { readEsco } from './esco.ts'

const esco = await readEsco(new URL('../../../data/esco/', import.meta.url))
const byName = new Map(esco.skills.map((skill) => [skill.name, skill]))

test('every row of ESCO 1.2.0 is read', () => {
  expect(esco.skills).toHaveLength(13_931 + 640)
  expect(esco.occupations).toHaveLength(3_039)
  const links = esco.occupations.flatMap((occupation) => [...occupation.essential, ...occupation.optional])
  expect(links.length).toBeGreaterThan(128_000)
})

test('names and URIs are unique whatever their case, and fit their columns', () => {
  const names = esco.skills.map((skill) => skill.name.toLowerCase())
  expect(new Set(names).size).toBe(names.length)
  expect(new Set(esco.skills.map((skill) => skill.uri)).size).toBe(names.length)
  expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(200)
})

test('a group whose label another row also has carries its code', () => {
  expect(byName.has('information and communication technologies (icts) (06)')).toBe(true)
  expect(byName.has('information and communication technologies (icts) (061)')).toBe(true)
})

// prettier-ignore
test.each([
  ['JavaScript',                          'tool'],
  ['JavaScript Framework',                'framework'],
  ['Angular',                             'tool'],
  ['think quickly',                       'soft'],
  ['react to mining emergencies',         'soft'],
  ['French',                              'language'],
  ['computer programming',                'technical'],
])('%s is %s', (name, category) => expect(byName.get(name)?.category).toBe(category))

test('every relation and every occupation names skills that exist, and no skill is related to itself', () => {
  const ids = new Set(esco.skills.map((skill) => skill.id))
  const dangling = esco.relations.filter(
    (r) => !ids.has(r.skillId) || !ids.has(r.relatedId) || r.skillId === r.relatedId,
  )
  expect(dangling).toEqual([])
  for (const occupation of esco.occupations) {
    expect([...occupation.essential, ...occupation.optional].every((id) => ids.has(id))).toBe(true)
  }
})

test('no skill is above itself', () => {
  const parent = new Map(esco.skills.map((skill) => [skill.id, skill.parentId]))
  for (const start of parent.keys()) {
    const seen = new Set<string>()
    for (let id: string | null | undefined = start; id; id = parent.get(id)) {
      expect(seen.has(id)).toBe(false)
      seen.add(id)
    }
  }
})
