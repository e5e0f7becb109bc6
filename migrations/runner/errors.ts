/**
 * Every reason for which the runner refuses (exit 2): a person must change something, so running again cannot help.
 * docs/reference/migrate.md says what to do about each; a test compares the two lists.
 */
export const refusals = [
  'BadArguments',
  'BadFileName',
  'BadFile',
  'DuplicateNumber',
  'NumberGap',
  'FileEdited',
  'FileRenamed',
  'FileOutOfOrder',
  'DatabaseIsNewer',
  'PoolerInBetween',
  'WrongRole',
  'WouldLoseData',
  'ApprovalNeeded',
  'TargetIsOlder',
  'BreakingFileWaits',
  'NoLedger',
  'NotEmptyLedger',
  'SchemaDiffers',
] as const
export type RefusalReason = (typeof refusals)[number]

/** Every reason for which the runner fails (exit 1): running again may help, once what the message says is seen to. */
export const failures = ['StatementFailed', 'LockTimeout', 'Unavailable', 'Interrupted', 'NotCurrent'] as const
export type FailureReason = (typeof failures)[number]

/** Exit 2. The message is one sentence for a person and names the file where there is one. */
export class Refused extends Error {
  readonly reason: RefusalReason
  constructor(reason: RefusalReason, message: string) {
    super(message)
    this.name = 'Refused'
    this.reason = reason
  }
}

/** Exit 1. Nothing of the file that was running is kept. */
export class Failed extends Error {
  readonly reason: FailureReason
  constructor(reason: FailureReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failed'
    this.reason = reason
  }
}
