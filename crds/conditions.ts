/**
 * Every condition this operator reports and every reason it may carry. docs/reference/conditions.md is generated from this table.
 *
 * Step conditions appear in the order of the steps; steps after a stopped one are Unknown/NotReached.
 * A step that reports a reason which its condition does not list counts as one that threw.
 * `Ready` repeats the message of the first stopped step, and passes over one that only warns. `Reconciling` and `Stalled` follow kstatus: present only while true.
 * PodsGone, StoresGone and DataGone are the steps of a deletion, and there only meanwhile.
 * The last three are observed beside the steps and gate nothing.
 */
// prettier-ignore
export const conditions = {
  SpecValid:         { of: 'both',            about: 'The spec can be acted on.',                                            reasons: ['Valid', 'Invalid', 'NamespaceNotWatched'] },
  DependenciesReady: { of: 'DataStore',       about: 'What the store needs from elsewhere exists: its CA, its certificate where cert-manager issues it, its classes.',      reasons: ['Ready', 'SecretMissing', 'IssuerUnavailable', 'CertificatePending', 'CertificateUnusable', 'StorageClassMissing', 'PriorityClassMissing', 'ConnectionInvalid', 'FieldConflict', 'PreviousOwnerTerminating'] },
  ObjectsApplied:    { of: 'DataStore',       about: 'Every Kubernetes object of the store is as desired.',                  reasons: ['Applied', 'FieldConflict', 'PreviousOwnerTerminating', 'SecretMissing', 'VolumeSizeDiffers', 'VolumeResizing', 'VolumeCannotGrow', 'VolumeMissing', 'VolumesUnfit', 'ShrinkRefused', 'External'] },
  EngineReady:       { of: 'DataStore',       about: 'The engine answers a query.',                                          reasons: ['Ready', 'Starting', 'Unreachable', 'Degraded', 'Configuring', 'Restarting', 'SwitchingOver', 'Hibernated', 'VolumeMissing'] },
  CredentialsReady:  { of: 'DataStore',       about: 'Database, roles, extensions and passwords are in place.',              reasons: ['Ready', 'Failed', 'NotAllowed', 'FieldConflict', 'PreviousOwnerTerminating'] },
  SchemaReady:       { of: 'DataStore',       about: 'The numbered migrations are applied; NoSchema: there are none.',                             reasons: ['Current', 'NoSchema', 'Running', 'Failed', 'DatabaseIsNewer', 'AwaitingApproval', 'AwaitingPods', 'Stopping', 'VersionRefused', 'FieldConflict', 'PreviousOwnerTerminating'] },
  BindingPublished:  { of: 'DataStore',       about: 'The -app binding Secret holds what a client needs.',                   reasons: ['Published', 'FieldConflict', 'PreviousOwnerTerminating'] },
  RetentionInSync:   { of: 'both',            about: 'Of stores with retention rules: what they say is in force, and no row is a day older than it may be. A warning: `Ready` does not wait for it. On a MatchingCluster only while it is False for a store.', reasons: ['InSync', 'AwaitingApproval', 'Behind', 'NotApplied', 'SchemaTooOld', 'Unobserved'] },
  MaintenanceOnTime: { of: 'both',            about: 'Of stores with a schema: every scheduled job of the database last succeeded when it should have. A warning: `Ready` does not wait for it. On a MatchingCluster only while it is False for a store.', reasons: ['OnTime', 'NoJobs', 'Overdue', 'Failed', 'Unobserved'] },
  StoresApplied:     { of: 'MatchingCluster', about: 'A DataStore exists for every store, and NetworkPolicies for what uses them.', reasons: ['Applied', 'FieldConflict', 'PreviousOwnerTerminating'] },
  StoresReady:       { of: 'MatchingCluster', about: 'Every store is Ready.',                                                reasons: ['Ready', 'StoreNotReady', 'Hibernated'] },
  PoolerReady:       { of: 'MatchingCluster', about: 'Every PgBouncer pod runs the desired settings and answers a query.',   reasons: ['Ready', 'Starting', 'Reloading', 'Unreachable', 'Paused', 'Hibernated', 'SecretMissing', 'IssuerUnavailable', 'CertificatePending', 'CertificateUnusable', 'PoolBudgetExceeded', 'FieldConflict', 'PreviousOwnerTerminating'] },
  ServicesReady:     { of: 'MatchingCluster', about: 'Every service has its wanted number of ready pods.',                   reasons: ['Ready', 'Starting', 'Hibernated', 'FieldConflict', 'PreviousOwnerTerminating'] },
  PodsGone:          { of: 'DataStore',       about: 'Being deleted: its pods have ended.',                                 reasons: ['Gone', 'Stopping', 'Orphaned'] },
  StoresGone:        { of: 'MatchingCluster', about: 'Being deleted: its DataStores are gone, or left running as they ask.',  reasons: ['Gone', 'Deleting', 'LeftRunning', 'Orphaned'] },
  DataGone:          { of: 'both',            about: 'Being deleted: what deletionPolicy Delete takes with it is gone.',      reasons: ['Gone', 'Deleting'] },
  Ready:             { of: 'both',            about: 'Everything above is True.',                                            reasons: ['Ready', 'NotReady'] },
  Reconciling:       { of: 'both',            about: 'Work goes on; set only while true.',                                   reasons: ['Progressing'] },
  Stalled:           { of: 'both',            about: 'Nothing will change until somebody acts; set only while true.',        reasons: ['Blocked'] },
  PendingRollout:       { of: 'both',         about: 'A change that restarts pods waits for a window or an approval; set only while true.', reasons: ['AwaitingWindow', 'AwaitingApproval', 'OperatorUpgrade', 'Never'] },
  ReconciliationPaused: { of: 'both',         about: 'Nobody looks at this object until it is resumed; set only while true.', reasons: ['Paused'] },
  DataAtRisk:           { of: 'DataStore',    about: 'A volume claim was deleted while its pod runs: the data goes when the pod stops; set only while true.', reasons: ['VolumeTerminating'] },
} as const

export type ConditionType = keyof typeof conditions
/** `NotReached` is the reason of every step condition after a stopped step, `Error` that of a step which threw. */
export type Reason = (typeof conditions)[ConditionType]['reasons'][number] | 'NotReached' | 'Error'

/** Whether the table above lists the reason for the condition. */
export function isReasonOf(condition: ConditionType, reason: Reason): boolean {
  return (conditions[condition].reasons as readonly Reason[]).includes(reason)
}

/** One entry of `status.conditions`, as in the Kubernetes API conventions. Times are RFC 3339 in UTC. */
export interface Condition {
  type: ConditionType
  status: 'True' | 'False' | 'Unknown'
  reason: Reason
  message: string
  observedGeneration: number
  lastTransitionTime: string
}
