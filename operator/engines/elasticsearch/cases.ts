/** What the contract test gives this engine besides the fields that all have. Each is a part of a DataStore's spec. */
export const minimal = {}

export const full = {
  parameters: { 'indices.memory.index_buffer_size': '20%', 'http.compression': 'true', 'search.max_buckets': '100000' },
}

/** Edits that nodes follow while they run. */
export const running = {
  parameters: { 'search.max_buckets': '1000', 'logger.org.elasticsearch.discovery': 'DEBUG' },
  replicas: 2,
  storage: { size: '64Gi' },
}
