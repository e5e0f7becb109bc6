import { expect, test } from 'vitest'
import { missingIn } from './rights.ts'

const held = {
  cluster: { monitor: true, manage_index_templates: false },
  index: {
    'search-*': { create_index: true, delete_index: true, manage: true, read: true, write: false },
    'other-*': { write: true, view_index_metadata: true },
  },
}

test('what is denied or not answered is missing, by the names that Elasticsearch has for it', () => {
  expect(missingIn(held, 'search-*')).toEqual([
    'cluster privilege manage_index_templates',
    'index privilege write on search-*',
    'index privilege view_index_metadata on search-*',
  ])
  expect(missingIn({}, 'search-*')).toHaveLength(8)
})
