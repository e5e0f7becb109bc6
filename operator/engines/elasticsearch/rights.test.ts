import { expect, test } from 'vitest'
import { missingIn } from './rights.ts'

const held = {
  cluster: { monitor: true, manage_index_templates: false },
  index: {
    'search-*': { create_index: true, delete_index: true, manage: true, read: true, write: false },
    'other-*': { create_index: true, delete_index: true, manage: true, read: true, write: true },
  },
}

test('what is denied or not answered is missing, by the names that Elasticsearch has for it', () => {
  expect(missingIn(held, ['search-*', 'other-*'])).toEqual([
    'cluster privilege manage_index_templates',
    'index privilege write on search-*',
    'index privilege view_index_metadata on search-*',
    'index privilege view_index_metadata on other-*',
  ])
  expect(missingIn({}, ['search-*'])).toHaveLength(8)
})
