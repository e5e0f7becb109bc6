import { setTimeout as sleep } from 'node:timers/promises'
import { Failed } from './errors.ts'

/**
 * Tries until it works, pausing 0.2 s at first and up to 5 s later, each pause shortened at random so that several runners spread out.
 * @param attempt  returns undefined to be tried again
 * @param expired  what to throw when `waitMs` are over
 * @throws Failed('Interrupted') when `signal` is aborted meanwhile, and whatever `attempt` throws
 */
export async function retry<T extends object>(
  options: { waitMs: number; signal: AbortSignal; expired: () => Error },
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + options.waitMs
  for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    if (options.signal.aborted) throw interrupted(options.signal)
    const result = await attempt()
    if (result !== undefined) return result
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) throw options.expired()
    const jitteredMs = Math.min(leftMs, pauseMs * (0.5 + Math.random() / 2))
    await sleep(jitteredMs, undefined, { signal: options.signal }).catch(() => undefined)
  }
}

/** @param signal  aborted with the name of the signal as its reason */
export function interrupted(signal: AbortSignal, detail = 'no file was running'): Failed {
  return new Failed('Interrupted', `stopped by ${String(signal.reason)}: ${detail}`)
}
