/** What the contract test gives this engine besides the fields that all have. Each is a part of a DataStore's spec. */
export const minimal = {}

export const full = {
  parameters: {
    max_payload: '2MB',
    'jetstream.max_file': '10GB',
    'jetstream.limits.duplicate_window': '24h',
    max_subscriptions: '100000',
  },
}

/** Edits that pods follow while they run. */
export const running = {
  parameters: { max_payload: '2MB', 'jetstream.limits.max_ack_pending': '10000' },
  storage: { size: '64Gi' },
}
