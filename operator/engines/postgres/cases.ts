/** What the contract test gives this engine besides the fields that all have. Each is a part of a DataStore's spec. */
export const minimal = { schema: { name: 'core' } }

export const full = {
  schema: { name: 'core' },
  parameters: { max_connections: '200', work_mem: '32MB', shared_preload_libraries: 'auto_explain' },
  pgHba: ['hostssl all reporting 10.0.0.0/8 scram-sha-256', 'hostssl all reporting all reject'],
}

/** Edits that pods follow while they run. */
export const running = {
  parameters: { work_mem: '8MB' },
  pgHba: ['hostssl all a all reject'],
  replication: 'Asynchronous',
  replicas: 2,
  storage: { size: '64Gi' },
}
