/**
 * The signal for what is asked of an engine or a pooler: ends after `ms`, and with the reconcile itself.
 * @throws NotLeaderError when another operator may be at work: a password or a switchover is a write as an object is. What is under
 *         way when the Lease is lost is cut short by `signal`.
 */
export function deadline(context: { tools: { fence(): void }; signal: AbortSignal }, ms: number): AbortSignal {
  context.tools.fence()
  return AbortSignal.any([context.signal, AbortSignal.timeout(ms)])
}
