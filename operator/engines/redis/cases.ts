/** What the contract test gives this engine besides the fields that all have. Each is a part of a DataStore's spec. */
export const minimal = {}

export const full = {
  shards: 3,
  parameters: {
    'maxmemory-policy': 'allkeys-lru',
    maxmemory: '4gb',
    'io-threads': '2',
    'notify-keyspace-events': 'Ex',
  },
}

/** Edits that pods follow while they run. */
export const running = {
  parameters: { 'maxmemory-policy': 'allkeys-lfu', 'client-output-buffer-limit': 'normal 64mb 16mb 30' },
  shards: 3,
  replicas: 2,
  storage: { size: '64Gi' },
}
