/** What the contract test gives this engine besides the fields that all have. Each is a part of a DataStore's spec. */
export const minimal = {}

export const full = {
  shards: 2,
  parameters: {
    max_threads: '4',
    max_concurrent_queries: '50',
    background_pool_size: '8',
    'query_cache.max_entries': '256',
    'merge_tree.parts_to_throw_insert': '1000',
    'logger.level': 'warning',
  },
}

/** Edits that pods follow while they run. */
export const running = {
  parameters: { max_threads: '2', max_concurrent_queries: '50', 'logger.level': 'debug' },
  storage: { size: '64Gi' },
}
